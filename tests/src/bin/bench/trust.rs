//! What it costs to know who wrote what, and whether they might: 1,000 changes of 50 authors, as they come in packets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_doc::{
    DocKey, Edit, FigureKey, Judge, Member, Report, SaveContext, Unpacked, pack_within, unpack,
};
use hopluu_form::Form;
use hopluu_model::{ActorId, NodeId, OfficeId, Place, RecordHash, Timestamp, UnitId};
use hopluu_sync::limits::CHUNK_BYTES;
use hopluu_tests::filling::{annex, key_of};
use hopluu_trust::{Author, Authority, Enrolment, Given, Grant, Identity, Seal, Signer, Subject};

use crate::figure::{Seen, median};

const AUTHORS: usize = 50;
const SAVES: usize = 20;
const RUNS: usize = 15;

const MOST: Duration = Duration::from_millis(25);

/// Offices' nodes of one commune, all let in by its main node.
struct Offices {
    unit: UnitId,
    lines: BTreeMap<NodeId, Vec<Identity>>,
}

impl Enrolment for Offices {
    fn line(&self, node: &NodeId) -> Option<&[Identity]> {
        self.lines.get(node).map(Vec::as_slice)
    }

    fn is_at_or_below(&self, unit: &UnitId, above: &UnitId) -> bool {
        *unit == self.unit && unit == above
    }
}

impl Offices {
    fn new(unit: &UnitId, main: &Signer, signers: &[Signer], office: &OfficeId) -> Self {
        let identity = |signer: &Signer, office: Option<&OfficeId>| Identity {
            place: Place {
                node: signer.node_id(),
                unit: unit.clone(),
                office: office.cloned(),
            },
            may_issue: office.is_none(),
            not_before: Timestamp(0),
            not_after: Timestamp(0),
        };
        let line = |signer: &Signer| vec![identity(signer, Some(office)), identity(main, None)];
        let mut lines: BTreeMap<_, _> = signers
            .iter()
            .map(|signer| (signer.node_id(), line(signer)))
            .collect();
        lines.insert(main.node_id(), vec![identity(main, None)]);
        Self {
            unit: unit.clone(),
            lines,
        }
    }
}

/// The document, and its packets as they are sent.
struct Written {
    key: DocKey,
    report: Report,
    packets: Vec<Vec<u8>>,
}

fn written(form: &Arc<Form>, unit: &UnitId, signers: &[Signer]) -> anyhow::Result<Written> {
    let key = key_of(form, unit, &"2016-2020".parse()?, 0);
    let mut report = Report::create(key.clone(), form)?;
    let lines = form.value_lines().filter(|(_, value)| !value.by_office);
    let codes: Vec<_> = lines.map(|(line, _)| line.code.clone()).collect();
    let mut stored = Vec::new();
    for number in 0..AUTHORS * SAVES {
        let author = number % AUTHORS;
        let signer = signers.get(author).context("there are so many")?;
        let code = codes
            .get(number % codes.len())
            .context("a form has lines")?;
        let context = SaveContext {
            actor: ActorId([u8::try_from(author)? + 1; 8]),
            at: Timestamp(1_600_000_000_000),
            office: None,
            message: String::new(),
        };
        let edit = Edit::SetFigure {
            key: FigureKey::whole(code.clone()),
            value: number.to_string().parse()?,
        };
        let saved = report.save(&context, &[edit])?;
        let saved = saved.context("each figure is new")?;
        let seal = Seal::sign(
            signer,
            key.id(),
            vec![context.actor],
            saved.hash,
            String::new(),
        )?;
        stored.push((context.actor, seal.to_wire(), saved.bytes));
    }
    let members: Vec<_> = stored
        .iter()
        .map(|(actor, seal, change)| (*actor, Member { seal, change }))
        .collect();
    let packets = pack_within(&members, CHUNK_BYTES).into_iter();
    Ok(Written {
        packets: packets.map(|(_, packet)| packet).collect(),
        key,
        report,
    })
}

pub(crate) fn run() -> anyhow::Result<Seen> {
    let form = annex()?;
    let unit: UnitId = "19429@2024-05-01".parse()?;
    let office: OfficeId = "police".parse()?;
    let main = Signer::from_seed(&[1; 32]);
    let signers = (0..AUTHORS).map(|at| Ok(Signer::from_seed(&[u8::try_from(at)? + 100; 32])));
    let signers = signers.collect::<anyhow::Result<Vec<_>>>()?;
    let offices = Offices::new(&unit, &main, &signers, &office);
    let written = written(&form, &unit, &signers)?;
    let mut authority = Authority::default();
    authority.grant(Given {
        hash: RecordHash([1; 32]),
        author: main.node_id(),
        unit: unit.clone(),
        body: Grant::of_office(unit, office),
    });
    let (mut opening, mut judging) = (Vec::new(), Vec::new());
    let (mut seals, mut void, mut changes) = (0, 0, 0);
    for _ in 0..RUNS {
        let began = Instant::now();
        let opened = written.packets.iter().map(|packet| unpack(packet));
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        opening.push(began.elapsed());
        changes = opened.iter().map(Vec::len).sum();
        let began = Instant::now();
        (seals, void) = judged(&written, &form, &authority, &offices, &opened)?;
        judging.push(began.elapsed());
    }
    ensure!(changes == AUTHORS * SAVES, "{changes} changes came out");
    // The form gives some of the lines to the police, and others to others.
    ensure!(void > 0 && void < changes, "{void} of {changes} are void");
    let mut seen = Seen::default();
    seen.time(
        "verifying and authorising 1,000 changes of 50 authors",
        median(judging),
        Some(MOST),
    );
    seen.count("- seals verified", seals, None);
    seen.count("- changes found void", u64::try_from(void)?, None);
    seen.time(
        "- taking their packets apart, bounded",
        median(opening),
        None,
    );
    Ok(seen)
}

/// Verifies every seal and judges every change; gives how many seals there were, and how many changes are void.
fn judged(
    written: &Written,
    form: &Form,
    authority: &Authority,
    offices: &Offices,
    packets: &[Vec<Unpacked>],
) -> anyhow::Result<(u64, usize)> {
    let key = &written.key;
    let doc = key.id();
    let judge = Judge::new(&doc, form, written.report.genesis());
    let subject = Subject {
        doc,
        unit: &key.unit,
        form: &key.form,
        period: &key.period,
    };
    let (mut seals, mut void) = (0, 0);
    let mut rights = BTreeMap::new();
    for packet in packets {
        let mut authors = BTreeMap::new();
        for one in packet.iter().filter(|one| !one.seal.is_empty()) {
            let seal = Seal::from_wire(&one.seal, doc, one.change.hash)?;
            seal.verify()?;
            seals += 1;
            authors.insert(one.change.actor, seal.author);
        }
        for one in packet {
            let node = *authors
                .get(&one.change.actor)
                .context("all are vouched for")?;
            let author = Author { node, account: "" };
            let rights = rights
                .entry(node)
                .or_insert_with(|| authority.rights(offices, author, &subject));
            let allowed = rights.of_change(|_| false);
            void += usize::from(judge.void_in(&one.change, &allowed).is_some());
        }
    }
    Ok((seals, void))
}
