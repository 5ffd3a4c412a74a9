//! Reports by the thousand, made the way a node makes them: Automerge documents, sealed changes,
//! facts. They go into a store many to a transaction, because how long that takes is no bound.

use std::sync::Arc;

use anyhow::Context as _;
use hopluu_doc::{
    Compartment, DocKey, DocKind, Edit, Facts, FigureKey, Report, SaveContext, SavedChange,
};
use hopluu_form::{Form, Lang, ValueKind};
use hopluu_model::{ActorId, ChangeHash, Period, Scalar, Timestamp, UnitId};
use hopluu_store::{AppendError, NewChange, NewDoc, Store, WriteTx};
use hopluu_trust::{Seal, Signer};

use crate::process::shipped_form;

/// Reports in one transaction.
const GROUP: usize = 500;

/// A report on its way into stores.
#[derive(Debug, Clone)]
pub struct Filled {
    /// Which it is.
    pub key: DocKey,
    genesis: ChangeHash,
    /// Each with its seal.
    changes: Vec<(SavedChange, Vec<u8>)>,
    facts: Vec<u8>,
}

/// The annex, as it ships.
///
/// # Errors
/// When it is not in the checkout, or garbled.
pub fn annex() -> anyhow::Result<Arc<Form>> {
    let text = shipped_form("pcmd-review.toml")?;
    let form = Form::parse(&text).map_err(|errors| anyhow::anyhow!(errors.report(Lang::En)))?;
    Ok(Arc::new(form))
}

/// The key of a unit's report by the annex.
#[must_use]
pub fn key_of(form: &Form, unit: &UnitId, period: &Period, instance: u32) -> DocKey {
    DocKey {
        kind: DocKind::Report,
        unit: unit.clone(),
        form: form.id().clone(),
        major: form.version().major,
        period: period.clone(),
        instance,
        compartment: Compartment::public(),
    }
}

impl Filled {
    /// A report with figures on the first `lines` lines that have one, and one more for each save after the
    /// first; `number` decides the figures and the actor, so that no two reports are alike.
    ///
    /// # Errors
    /// When it cannot be made as a node would.
    pub fn new(
        key: DocKey,
        form: &Arc<Form>,
        signer: &Signer,
        (lines, saves): (usize, usize),
        number: u64,
    ) -> anyhow::Result<Self> {
        Self::by(key, form, signer, (lines, &vec![number; saves]), number)
    }

    /// The same, each save by an actor of its own.
    ///
    /// # Errors
    /// When it cannot be made as a node would.
    pub fn by(
        key: DocKey,
        form: &Arc<Form>,
        signer: &Signer,
        (lines, actors): (usize, &[u64]),
        number: u64,
    ) -> anyhow::Result<Self> {
        let mut report = Report::create(key.clone(), form)?;
        let genesis = report.genesis().hash;
        let saved = actors.iter().enumerate().map(|(at, actor)| {
            let context = SaveContext {
                actor: ActorId(actor.to_be_bytes()),
                at: Timestamp(1_600_000_000_000 + i64::try_from(at)? * 3_600_000),
                office: None,
                message: String::new(),
            };
            let saved = report.save(&context, &figures(form, lines + at, number))?;
            saved.context("there is something to save")
        });
        let saved = saved.collect::<anyhow::Result<Vec<_>>>()?;
        Self::of(key, genesis, saved, signer)
    }

    /// A report with these changes, all of them by one signer.
    ///
    /// # Errors
    /// When it cannot be made as a node would.
    pub fn of(
        key: DocKey,
        genesis: ChangeHash,
        saved: impl IntoIterator<Item = SavedChange>,
        signer: &Signer,
    ) -> anyhow::Result<Self> {
        let (mut changes, mut facts) = (Vec::new(), Facts::new());
        for saved in saved {
            let actors = vec![saved.scanned.actor];
            let seal = Seal::sign(signer, key.id(), actors, saved.hash, String::new())?;
            facts.apply(&saved.scanned);
            changes.push((saved, seal.to_wire()));
        }
        let facts = facts.encode();
        Ok(Self {
            key,
            genesis,
            changes,
            facts,
        })
    }

    /// What totals need of it.
    #[must_use]
    pub fn facts(&self) -> &[u8] {
        &self.facts
    }

    /// Its one head.
    #[must_use]
    pub fn head(&self) -> ChangeHash {
        self.changes
            .last()
            .map_or(self.genesis, |(saved, _)| saved.hash)
    }

    fn put(&self, tx: &mut WriteTx<'_>) -> Result<(), AppendError> {
        let doc = self.key.id();
        tx.put_doc(&NewDoc {
            doc,
            key: self.key.encode(),
            unit: self.key.unit.clone(),
            form: self.key.form.clone(),
            major: self.key.major,
            period: self.key.period.clone(),
            implied: vec![self.genesis],
            heads: vec![self.genesis],
        })?;
        for (saved, seal) in &self.changes {
            tx.append_change(&NewChange {
                doc,
                hash: saved.hash,
                actor: saved.scanned.actor,
                actor_seq: saved.scanned.seq,
                deps: &saved.deps,
                body: &saved.bytes,
                seal,
                origin: None,
                class: 0,
            })?;
        }
        tx.put_facts(doc, &self.facts)?;
        Ok(())
    }
}

/// Writes reports into a store.
///
/// # Errors
/// What the store says.
pub fn put_all(store: &Store, reports: &[Filled]) -> anyhow::Result<()> {
    for group in reports.chunks(GROUP) {
        let group = group.to_vec();
        store.write(move |tx| group.iter().try_for_each(|report| report.put(tx)))?;
    }
    Ok(())
}

/// Figures as a commune types them, a value of its kind on every line.
fn figures(form: &Form, lines: usize, number: u64) -> Vec<Edit> {
    let chosen = form.value_lines().take(lines).enumerate();
    let edit = |(at, (line, value)): (usize, (&hopluu_form::Line, &hopluu_form::ValueLine))| {
        let office = value.by_office.then(|| value.owner.clone());
        let key = FigureKey {
            code: line.code.clone(),
            office,
        };
        // Any numbers that differ from report to report and line to line.
        let mixed = (number + 1).wrapping_mul(2_654_435_761) >> (at % 16);
        Edit::SetFigure {
            key,
            value: scalar(value.entered, mixed),
        }
    };
    chosen.map(edit).collect()
}

fn scalar(kind: ValueKind, mixed: u64) -> Scalar {
    let text = match kind {
        ValueKind::Count => (mixed % 5_000).to_string(),
        ValueKind::Decimal { .. } | ValueKind::Money => format!("{}.5", mixed % 5_000),
        ValueKind::YesNo if mixed.is_multiple_of(3) => "n".to_owned(),
        ValueKind::YesNo => "y".to_owned(),
        ValueKind::Share => format!("{}/{}", mixed % 20, mixed % 20 + 1),
    };
    text.parse()
        .expect("each is a scalar in its canonical form")
}
