//! What one author may do to a document, and what a few changes may cost a superior.

use hopluu_doc::{Edit, Genesis, LifecycleEvent, genesis, unpack};
use hopluu_model::tree::TreeEvent;
use hopluu_model::{ActorId, DocId, RecordHash, Timestamp};
use hopluu_store::{DbError, NewDoc, ReceiptRow};
use hopluu_sync::{Incoming, RefusalCode};
use hopluu_trust::{Receipt, Record, RecordKind};

use crate::admit::tests::World;
use crate::limits::{DOCS_PER_UNIT_MAX, HEADS_MAX, RECEIPTS_PER_UNIT_MAX, RECORDS_PER_AUTHOR_MAX};
use crate::registry::Registry;
use crate::testing::{
    COMMUNE, DISTRICT, NEIGHBOUR, NOW, PROVINCE, Paper, Receiver, form, key_of, sent, unit,
};

const ACTOR: ActorId = ActorId([5; 8]);

fn district(world: &World) -> Receiver {
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    node
}

#[test]
fn an_actor_is_whose_first_change_it_has() {
    let world = World::new();
    let node = district(&world);
    let mut paper = Paper::of(COMMUNE);
    let first = paper.save(ACTOR, "II.1.1.a", "42");
    let second = paper.save(ACTOR, "II.1.1.a", "43");
    let first = paper.sealed(&world.commune, &first);
    assert_eq!(node.says(&world.commune, first), None);
    let others = paper.sealed(&world.district, &second);
    assert_eq!(
        node.says(&world.district, others),
        Some(RefusalCode::CONFLICT),
        "the district may write here, but not as the commune"
    );
    let own = paper.sealed(&world.commune, &second);
    assert_eq!(node.says(&world.commune, own), None);
}

fn apart(count: usize) -> Vec<Incoming> {
    let world = World::new();
    let changes = (0..count).map(|n| {
        let mut paper = Paper::of(COMMUNE);
        let mut actor = [7; 8];
        actor[..2].copy_from_slice(&u16::try_from(n).unwrap().to_be_bytes());
        let saved = paper.save(ActorId(actor), "II.1.1.a", &n.to_string());
        paper.sealed(&world.commune, &saved)
    });
    changes.collect()
}

#[test]
fn more_heads_than_a_save_can_name_wait_for_one_that_merges_them() {
    let world = World::new();
    let node = district(&world);
    let admitted = node.hears(&world.commune, apart(HEADS_MAX + 1));
    let refused: Vec<_> = admitted
        .refused
        .iter()
        .map(|one| (one.index, one.code))
        .collect();
    let last = u32::try_from(HEADS_MAX).unwrap();
    assert_eq!(refused, [(last, RefusalCode::PARKED)]);
    let doc = key_of(COMMUNE).id();
    let heads = || {
        let read = node.store.read().unwrap();
        let receipts = read.receipts(doc).unwrap();
        assert_eq!(receipts.len(), 1, "a receipt names them all");
        read.doc(doc).unwrap().unwrap().heads.len()
    };
    assert_eq!(heads(), HEADS_MAX);

    // Whoever has seen all but the last one saves.
    let mut paper = Paper::of(COMMUNE);
    for entry in apart(HEADS_MAX) {
        let unpacked = unpack(&entry.body).unwrap();
        paper.report.apply([&unpacked[0].change]).unwrap();
    }
    let merging = paper.save(ACTOR, "II.1.1.a", "7");
    let merging = paper.sealed(&world.commune, &merging);
    let admitted = node.hears(&world.commune, vec![merging]);
    assert_eq!(admitted.refused, []);
    assert_eq!(admitted.docs[&doc].len(), 2, "the last one has room now");
    assert_eq!(heads(), 2);
}

#[test]
fn a_document_of_endless_events_holds_nobody_up() {
    let world = World::new();
    let node = district(&world);
    let mut paper = Paper::of(COMMUNE);
    let events = vec![Edit::Event(LifecycleEvent::Returned("x".repeat(4_000))); 200];
    // More than a row of facts could hold, but only the last events are read.
    for _ in 0..7 {
        let saved = paper.edit(ACTOR, &events);
        let sealed = paper.sealed(&world.commune, &saved);
        assert_eq!(node.says(&world.commune, sealed), None);
    }
    let mut other = Paper::of(NEIGHBOUR);
    let saved = other.save(ACTOR, "II.1.1.a", "42");
    let sealed = other.sealed(&world.neighbour, &saved);
    assert_eq!(node.says(&world.neighbour, sealed), None);
}

#[test]
fn a_text_typed_in_many_saves_is_deleted_in_no_time() {
    let world = World::new();
    let node = district(&world);
    let mut paper = Paper::of(COMMUNE);
    let form = form();
    let (section, office) = form.texts().next().unwrap();
    let (section, office) = (section.id.clone(), office.clone());
    let mut write = |text: String| {
        let edit = Edit::SetText {
            section: section.clone(),
            office: office.clone(),
            text,
        };
        let saved = paper.edit(ACTOR, &[edit]);
        paper.sealed(&world.commune, &saved)
    };
    let typed: Vec<_> = (1..=600)
        .map(|letters| write("a".repeat(letters)))
        .collect();
    for some in typed.chunks(100) {
        assert_eq!(node.hears(&world.commune, some.to_vec()).refused, []);
    }
    let deleted = write(String::new());
    let start = std::time::Instant::now();
    assert_eq!(node.says(&world.commune, deleted), None);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn a_receipt_is_the_word_of_a_main_node_above() {
    let world = World::new();
    let node = Receiver::new(&world.commune);
    node.hears(&world.district, world.handed_down());
    let office = world.district.enrols(8, DISTRICT, Some("police"));
    let certificate = world.district.certifies(&office);
    node.hears(&world.district, vec![sent(&certificate)]);
    let mut paper = Paper::of(COMMUNE);
    let saved = paper.save(ACTOR, "II.1.1.a", "42");
    node.hears(&world.commune, vec![paper.sealed(&world.commune, &saved)]);
    let says = |receipt: &Record| node.says(&world.district, sent(receipt));
    for by in [&office, &world.neighbour, &world.commune] {
        let receipt = world.receipt_of(by, COMMUNE, NOW);
        assert_eq!(says(&receipt), Some(RefusalCode::SCOPE), "{:?}", by.place);
    }
    let endless = world.receipt_of(&world.district, COMMUNE, Timestamp(i64::MAX));
    assert_eq!(says(&endless), Some(RefusalCode::BUDGET));
    let astray = Receipt {
        doc: key_of(COMMUNE).id(),
        heads: Vec::new(),
        by: world.district.place.clone(),
        at: NOW,
    };
    let astray = world.district.receipt(&astray, NEIGHBOUR);
    assert_eq!(says(&astray), Some(RefusalCode::CONFLICT));
    assert_eq!(says(&world.receipt_of(&world.district, COMMUNE, NOW)), None);
    let read = node.store.read().unwrap();
    let given = read.receipts(key_of(COMMUNE).id()).unwrap();
    assert_eq!(given.len(), 1);
}

#[test]
fn what_is_not_read_or_is_said_again_by_others_is_not_kept() {
    let world = World::new();
    let node = district(&world);
    for kind in [RecordKind::Statement, RecordKind::Unknown(77)] {
        let record = world.commune.record(kind, COMMUNE, vec![0; 1_000]);
        let refused = node.says(&world.commune, sent(&record));
        assert_eq!(refused, Some(RefusalCode::UNSUPPORTED), "{kind:?}");
        assert!(!node.holds(record.hash()));
    }
    for kind in [RecordKind::Grant, RecordKind::Revocation] {
        let record = world.commune.record(kind, COMMUNE, vec![0; 1_000]);
        let refused = node.says(&world.commune, sent(&record));
        assert_eq!(refused, Some(RefusalCode::MALFORMED), "{kind:?}");
        assert!(!node.holds(record.hash()));
    }
    let again = world.commune.certifies(&world.neighbour);
    let refused = node.says(&world.commune, sent(&again));
    assert_eq!(
        refused,
        Some(RefusalCode::MALFORMED),
        "its issuer is another"
    );
}

#[test]
fn an_author_writes_no_more_records_than_one_needs() {
    let world = World::new();
    let mut registry = Registry::new(world.root.root_digest());
    registry.learn_line(&world.district.chain);
    let event = |name: &str| {
        let event = TreeEvent::Renamed {
            unit: unit(DISTRICT),
            on: "2021-01-01".parse().unwrap(),
            name: name.to_owned(),
            kind: "khac".to_owned(),
        };
        event.encode()
    };
    let about = |by: &crate::testing::Someone, name| {
        by.record(RecordKind::TreeEvent, DISTRICT, event(name))
    };
    registry.learn(&world.root.tree()).unwrap();
    for _ in 0..RECORDS_PER_AUTHOR_MAX - 1 {
        registry.learn(&about(&world.district, "Tên")).unwrap();
    }
    registry.admit(&about(&world.district, "Tên khác")).unwrap();
    let refused = registry
        .admit(&about(&world.district, "Tên nữa"))
        .unwrap_err();
    assert!(
        refused.to_string().contains("as much as one may"),
        "{refused}"
    );
    registry.admit(&about(&world.root, "Tên của tỉnh")).unwrap();
}

#[test]
fn a_unit_has_no_more_documents_and_receipts_than_one_needs() {
    let world = World::new();
    let node = district(&world);
    let fill = node.store.write(|tx| {
        let key = key_of(COMMUNE);
        let begins: Genesis = genesis(&key, &form()).unwrap();
        for n in 0..DOCS_PER_UNIT_MAX {
            let mut doc = [1; 16];
            doc[..8].copy_from_slice(&n.to_be_bytes());
            tx.put_doc(&NewDoc {
                doc: DocId(doc),
                key: Vec::new(),
                unit: key.unit.clone(),
                form: key.form.clone(),
                major: key.major,
                period: key.period.clone(),
                implied: vec![begins.hash],
                heads: vec![begins.hash],
            })?;
        }
        for n in 0..RECEIPTS_PER_UNIT_MAX {
            let (mut doc, mut hash) = ([2; 16], [2; 32]);
            doc[..8].copy_from_slice(&n.to_be_bytes());
            hash[..8].copy_from_slice(&n.to_be_bytes());
            let row = ReceiptRow {
                doc: DocId(doc),
                by: unit(PROVINCE),
                unit: key.unit.clone(),
                hash: RecordHash(hash),
                at: NOW,
                body: Vec::new(),
            };
            tx.put_receipt(&row, None)?;
        }
        Ok::<_, DbError>(())
    });
    fill.unwrap();
    let mut paper = Paper::of(COMMUNE);
    let saved = paper.save(ACTOR, "II.1.1.a", "42");
    let sealed = paper.sealed(&world.commune, &saved);
    let budget = Some(RefusalCode::BUDGET);
    assert_eq!(node.says(&world.commune, sealed), budget);
    let receipt = world.receipt_of(&world.root, COMMUNE, NOW);
    assert_eq!(node.says(&world.root, sent(&receipt)), budget);
    let mut other = Paper::of(NEIGHBOUR);
    let saved = other.save(ACTOR, "II.1.1.a", "42");
    let sealed = other.sealed(&world.neighbour, &saved);
    assert_eq!(node.says(&world.neighbour, sealed), None);
}
