//! What comes as the body of a report: packets, and the changes in them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use hopluu_doc::limits::{PACKET_CHANGES_MAX, SCAN_LIMITS};
use hopluu_doc::{
    DocKey, Facts, Parent, Report, ScannedChange, Tip, check_parents, check_references, scan,
    unpack,
};
use hopluu_form::Form;
use hopluu_model::ActorId;
use sha2::{Digest as _, Sha256};

/// A real form, short enough that its beginning is quickly made.
static FORM: LazyLock<Arc<Form>> = LazyLock::new(|| {
    let text = include_str!("../../../config/forms/flood-quick.toml");
    Arc::new(Form::parse(text).expect("the form is shipped"))
});

static BEGUN: LazyLock<Report> =
    LazyLock::new(|| Report::create(key(), &FORM).expect("the form fits its key"));

/// The document that all changes here are of.
pub fn key() -> DocKey {
    DocKey::report(
        "19429@2024-05-01".parse().expect("a unit"),
        FORM.id().clone(),
        FORM.version().major,
        "x20240910-yagi".parse().expect("a period"),
    )
}

/// It, as it begins.
pub fn begun() -> Report {
    BEGUN.clone()
}

/// A packet, and whatever of it a node that has nothing but the beginning would let in.
pub fn packets(input: &[u8]) {
    let Ok(unpacked) = unpack(input) else {
        return;
    };
    assert!(unpacked.len() <= PACKET_CHANGES_MAX);
    for one in &unpacked {
        let voucher = one.voucher.map(|at| unpacked.get(at));
        assert!(voucher.is_none_or(|voucher| voucher.is_some_and(|by| !by.seal.is_empty())));
        let again = scan(&one.change.bytes, &SCAN_LIMITS);
        assert_eq!(again.as_ref(), Ok(&one.change), "it scans as it came");
    }
    admit(unpacked.into_iter().map(|one| one.change));
}

/// The inside of a change; the chunk around it, with its checksum, is put right here, because nobody's
/// chance finds 32 bits.
pub fn changes(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else {
        return;
    };
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83];
    let mut hashed = vec![1];
    let inner = if kind % 2 == 0 {
        body.to_vec()
    } else {
        inflated(body)
    };
    push_length(&mut hashed, inner.len());
    hashed.extend_from_slice(&inner);
    chunk.extend(Sha256::digest(&hashed).iter().take(4));
    chunk.push(1 + kind % 2);
    push_length(&mut chunk, body.len());
    chunk.extend_from_slice(body);
    if let Ok(change) = scan(&chunk, &SCAN_LIMITS) {
        admit([change]);
    }
}

/// As far as the scanner would read.
fn inflated(body: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut inner = Vec::new();
    let bound = SCAN_LIMITS.inflated_bytes_max as u64 + 1;
    let decoder = flate2::bufread::DeflateDecoder::new(body);
    // What does not inflate is refused by the scanner.
    let _refused = decoder.take(bound).read_to_end(&mut inner);
    inner
}

fn push_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Lets changes in as a node does, and then has Automerge read them: nothing that was let in may make it
/// panic, and the facts that followed the operations are those that it shows.
fn admit(changes: impl IntoIterator<Item = ScannedChange>) {
    let mut report = begun();
    let genesis = report.genesis().clone();
    let mut held: BTreeMap<(ActorId, u64), ScannedChange> = BTreeMap::new();
    let mut facts = Facts::new();
    for change in changes {
        let parent = |hash: &_| {
            let mut known = held.values();
            known.find(|one| one.hash == *hash).map(Parent::from)
        };
        let of_actor = (change.actor, 0)..=(change.actor, u64::MAX);
        let tip = held
            .range(of_actor)
            .next_back()
            .map(|(_, one)| Tip::from(one));
        if check_parents(&change, &report.id(), &genesis, parent, tip).is_err() {
            continue;
        }
        let find = |actor, counter| {
            let mut of_actor = held.range((actor, 0)..=(actor, u64::MAX));
            let holds = |one: &&ScannedChange| (one.start_op..=one.max_op).contains(&counter);
            of_actor
                .find(|(_, one)| holds(one))
                .map(|(_, one)| one.clone())
        };
        if check_references(&change, find).is_err() {
            continue;
        }
        facts.apply(&change);
        report.apply([&change]).expect("what was judged applies");
        held.insert((change.actor, change.seq), change);
    }
    if held.is_empty() {
        return;
    }
    assert_eq!(
        facts.encode(),
        report.facts().encode(),
        "facts are those of a load"
    );
    let snapshot = report.save_snapshot();
    let opened = Report::load(key(), &FORM, Some(&snapshot), []).expect("a snapshot opens");
    assert_eq!(opened.heads(), report.heads());
    assert_eq!(opened.texts(), report.texts());
}
