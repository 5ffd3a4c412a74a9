use hopluu_model::tree::TreeEvent;
use hopluu_model::{ActorId, EntryKind, Seq, Timestamp};
use hopluu_store::DbError;
use hopluu_sync::{Incoming, RefusalCode};
use hopluu_trust::{Receipt, Record, RecordKind};

use crate::testing::{
    COMMUNE, DISTRICT, FORM, NEIGHBOUR, NOW, OTHER_DISTRICT, PROVINCE, Paper, Receiver, Someone,
    began, key_of, sent, unit,
};

/// A province's main nodes down one line.
pub(super) struct World {
    pub(super) root: Someone,
    pub(super) district: Someone,
    pub(super) commune: Someone,
    pub(super) neighbour: Someone,
}

impl World {
    pub(super) fn new() -> Self {
        let root = Someone::root();
        let district = root.enrols(2, DISTRICT, None);
        Self {
            commune: district.enrols(3, COMMUNE, None),
            neighbour: district.enrols(4, NEIGHBOUR, None),
            district,
            root,
        }
    }

    /// What a superior hands down: tree, form and certificates.
    pub(super) fn handed_down(&self) -> Vec<Incoming> {
        let records = [
            self.root.tree(),
            self.root.form(),
            self.root.certifies(&self.district),
            self.district.certifies(&self.commune),
            self.district.certifies(&self.neighbour),
        ];
        records.iter().map(sent).collect()
    }

    /// Somebody's word that a unit's report has arrived.
    pub(super) fn receipt_of(&self, by: &Someone, about: &str, at: Timestamp) -> Record {
        let receipt = Receipt {
            doc: key_of(about).id(),
            heads: vec![hopluu_model::ChangeHash([9; 32])],
            by: by.place.clone(),
            at,
        };
        by.receipt(&receipt, about)
    }
}

fn renamed(id: &str) -> TreeEvent {
    TreeEvent::Renamed {
        unit: unit(id),
        on: "2021-01-01".parse().unwrap(),
        name: "Tên khác".to_owned(),
        kind: "khac".to_owned(),
    }
}

fn newer_form(version: &str) -> String {
    FORM.replacen("version = \"1.0\"", &format!("version = \"{version}\""), 1)
}

/// A commune reaches its district by a second way before the form has come down from the province.
#[test]
fn what_waited_for_a_form_comes_from_who_sent_it_and_not_from_who_brought_the_form() {
    let World {
        root,
        district,
        commune,
        ..
    } = World::new();
    let node = Receiver::new(&district);
    node.hears(&root, vec![sent(&root.tree())]);
    node.hears(&district, vec![sent(&district.certifies(&commune))]);

    let mut paper = Paper::of(COMMUNE);
    let saved = paper.save(ActorId([5; 8]), "II.1.1.a", "42");
    let refused = node.says(&commune, paper.sealed(&commune, &saved));
    assert_eq!(refused, Some(RefusalCode::PARKED));
    let admitted = node.hears(&root, vec![sent(&root.form())]);
    assert_eq!(admitted.docs.len(), 1, "the form frees it");

    let read = node.store.read().unwrap();
    let journal = read.read_journal(Seq(0), 100, 1 << 20).unwrap();
    let origins: Vec<_> = journal
        .entries
        .iter()
        .filter(|entry| entry.kind() == EntryKind::Change)
        .map(|entry| entry.origin)
        .collect();
    assert_eq!(
        origins,
        [Some(commune.node())],
        "else the province, whose form freed it, is never given it"
    );
}

/// A commune signs a certificate that makes a key of its own the province.
#[test]
fn a_province_that_a_commune_has_certified_seals_decides_and_receives_nothing() {
    let world = World::new();
    let forged = world.commune.enrols(66, PROVINCE, None);
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    let certificate = world.commune.certifies(&forged);
    node.hears(&world.commune, vec![sent(&certificate)]);

    let mut paper = Paper::of(NEIGHBOUR);
    let saved = paper.save(ActorId([5; 8]), "II.1.1.a", "666");
    let sealed = paper.sealed(&forged, &saved);
    assert_eq!(
        node.says(&world.root, sealed),
        Some(RefusalCode::PARKED),
        "nobody of that name is known"
    );
    let receipt = world.receipt_of(&forged, NEIGHBOUR, NOW);
    let refused = node.says(&world.commune, sent(&receipt));
    assert_eq!(refused, Some(RefusalCode::SCOPE));
    for decision in [
        forged.form(),
        forged.event(PROVINCE, &renamed(DISTRICT)),
        forged.tree(),
    ] {
        let refused = node.says(&world.commune, sent(&decision));
        assert_eq!(refused, Some(RefusalCode::PARKED), "{:?}", decision.kind);
        assert!(!node.holds(decision.hash()));
    }
}

/// What comes before the tree is judged when the tree is there, and a later event can make it count.
#[test]
fn a_certificate_counts_from_when_the_tree_says_that_it_may() {
    let world = World::new();
    let young = "19999@2020-01-01";
    let early = world.district.enrols(7, young, None);
    let forged = world.commune.enrols(66, PROVINCE, None);
    let node = Receiver::new(&world.commune);
    let certificates = [
        world.district.certifies(&early),
        world.commune.certifies(&forged),
    ];
    node.hears(&world.district, certificates.iter().map(sent).collect());
    assert!(
        !node.knows(&early) && !node.knows(&forged),
        "there is no tree"
    );
    assert!(node.knows(&world.district), "but it has a line of its own");
    node.hears(&world.district, vec![sent(&world.root.tree())]);
    assert!(!node.knows(&early) && !node.knows(&forged));
    let event = began(young, "commune", Some(DISTRICT));
    node.hears(
        &world.district,
        vec![sent(&world.root.event(PROVINCE, &event))],
    );
    assert!(node.knows(&early) && !node.knows(&forged));
}

#[test]
fn nobody_decides_for_those_above_or_beside_it() {
    let world = World::new();
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    let police = world.district.enrols(8, DISTRICT, Some("police"));
    node.hears(
        &world.district,
        vec![sent(&world.district.certifies(&police))],
    );
    let scope = Some(RefusalCode::SCOPE);
    let own_form = |by: &Someone, about| {
        let body = crate::registry::form_body(&newer_form("1.7"), Vec::new());
        by.record(RecordKind::Form, about, body)
    };
    let moved = TreeEvent::Moved {
        unit: unit(COMMUNE),
        on: "2021-01-01".parse().unwrap(),
        parent: unit(OTHER_DISTRICT),
    };
    let ended = TreeEvent::Ended {
        unit: unit(NEIGHBOUR),
        on: "2021-01-01".parse().unwrap(),
        successors: Vec::new(),
    };
    let new_root = began("99@2021-01-01", "province", None);
    for record in [
        own_form(&world.commune, DISTRICT),
        own_form(&police, DISTRICT),
        world.commune.event(DISTRICT, &renamed(DISTRICT)),
        world.commune.event(COMMUNE, &renamed(NEIGHBOUR)),
        world.commune.event(COMMUNE, &ended),
        world.commune.event(COMMUNE, &moved),
        world.commune.event(COMMUNE, &new_root),
        world.district.event(DISTRICT, &moved),
        world.district.tree(),
    ] {
        let refused = node.says(&world.commune, sent(&record));
        assert_eq!(refused, scope, "{:?} about {}", record.kind, record.unit);
        assert!(!node.holds(record.hash()));
    }
    let below = world.district.event(DISTRICT, &renamed(NEIGHBOUR));
    assert_eq!(node.says(&world.district, sent(&below)), None);
    let above = world.root.event(PROVINCE, &moved);
    assert_eq!(node.says(&world.root, sent(&above)), None);
    assert!(node.registry().tree().void_events().is_empty());
}

/// The name of a form is its superior's, and a minor version only adds.
#[test]
fn a_form_of_a_superior_s_name_counts_nowhere_and_a_breach_of_it_neither() {
    let world = World::new();
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    let form = |by: &Someone, text: &str| {
        let body = crate::registry::form_body(text, Vec::new());
        by.record(RecordKind::Form, &by.place.unit.to_string(), body)
    };
    let version = |at: &str| {
        let registry = node.registry();
        let id = crate::testing::form().id().clone();
        let known = registry.form_of_major(&id, 1, &unit(at)).unwrap();
        known.form.version().to_string()
    };
    let own = form(&world.commune, &newer_form("1.9"));
    assert_eq!(
        node.says(&world.commune, sent(&own)),
        None,
        "its own affair"
    );
    assert_eq!(
        (version(COMMUNE), version(DISTRICT)),
        ("1.0".into(), "1.0".into())
    );
    let less = newer_form("1.5").replacen("II.1.1.a", "II.1.1.zz", 1);
    node.hears(&world.root, vec![sent(&form(&world.root, &less))]);
    assert_eq!(version(DISTRICT), "1.0", "a line is gone from 1.5");
    node.hears(
        &world.root,
        vec![sent(&form(&world.root, &newer_form("1.2")))],
    );
    assert_eq!(version(DISTRICT), "1.2");
}

#[test]
fn one_fold_takes_a_whole_reform() {
    let world = World::new();
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    let events: Vec<_> = (0..1_000)
        .map(|n| {
            let id = format!("{}@2020-01-01", 20_000 + n);
            let event = began(&id, "commune", Some(DISTRICT));
            sent(&world.root.event(PROVINCE, &event))
        })
        .collect();
    // Folded once for each event this takes longer than a test may.
    assert_eq!(node.hears(&world.root, events).refused, []);
    assert_eq!(node.registry().tree().len(), 1_005);
}

/// A push whose transaction fails after its records were judged.
#[test]
fn what_was_not_committed_is_not_known() {
    let world = World::new();
    let node = Receiver::new(&world.district);
    node.hears(&world.root, vec![sent(&world.root.tree())]);
    let form = world.root.form();
    let admission = node.admission(&world.root, NOW);
    let entries = vec![sent(&form)];
    let failed = node.store.write(move |tx| {
        admission.push(tx, &entries)?;
        Err::<(), _>(DbError::Row {
            table: "records",
            expected: "a disk that takes them",
        })
    });
    assert!(failed.is_err());
    let mut paper = Paper::of(COMMUNE);
    let saved = paper.save(ActorId([5; 8]), "II.1.1.a", "42");
    node.hears(
        &world.district,
        vec![sent(&world.district.certifies(&world.commune))],
    );
    let sealed = paper.sealed(&world.commune, &saved);
    let refused = node.says(&world.commune, sealed);
    assert_eq!(refused, Some(RefusalCode::PARKED), "the form is on no disk");
    let admitted = node.hears(&world.root, vec![sent(&form)]);
    assert_eq!(admitted.docs.len(), 1);
}

/// What a node decides itself lets in what has waited for that, as what it hears does.
#[test]
fn what_waited_for_a_node_s_own_decision_comes_in_with_it() {
    let world = World::new();
    let node = Receiver::new(&world.root);
    for record in [world.root.tree(), world.root.certifies(&world.district)] {
        assert_eq!(node.decides(record).refused, []);
    }
    let certificate = world.district.certifies(&world.commune);
    assert_eq!(node.says(&world.district, sent(&certificate)), None);
    let mut paper = Paper::of(COMMUNE);
    let saved = paper.save(ActorId([5; 8]), "II.1.1.a", "42");
    let sealed = paper.sealed(&world.commune, &saved);
    let refused = node.says(&world.district, sealed);
    assert_eq!(refused, Some(RefusalCode::PARKED));

    let admitted = node.decides(world.root.form());
    assert_eq!(admitted.docs.len(), 1);
    let read = node.store.read().unwrap();
    assert_eq!(read.parked_count().unwrap(), 0);
    let receipts = read.receipts(paper.key.id()).unwrap();
    assert_eq!(receipts.len(), 1, "the superior says that it has it now");
    drop(read);
    assert!(node.decides(world.root.form()).records.is_empty());
}

/// A text of a later minor version: the change that declares it has no seal, so it comes in only as
/// the parent of one that has.
#[test]
fn an_unsealed_change_comes_in_with_one_that_builds_upon_it_or_not_at_all() {
    let world = World::new();
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    let later = "[[section]]\nid = \"later\"\nvi = \"Sau\"\nen = \"Later\"\n\
        offices = [\"health\"]\nsince = 1\n";
    let text = format!("{}\n{later}", newer_form("1.1"));
    let body = crate::registry::form_body(&text, Vec::new());
    let form = world.root.record(RecordKind::Form, PROVINCE, body);
    assert_eq!(node.says(&world.root, sent(&form)), None);

    let key = key_of(COMMUNE);
    let newer = std::sync::Arc::new(hopluu_form::Form::parse(&text).unwrap());
    let mut paper = Paper {
        report: hopluu_doc::Report::create(key.clone(), &newer).unwrap(),
        key,
    };
    let edit = hopluu_doc::Edit::SetText {
        section: "later".parse().unwrap(),
        office: "health".parse().unwrap(),
        text: "một đoạn".to_owned(),
    };
    let saved = paper.edit(ActorId([5; 8]), &[edit]);
    let doc = paper.key.id();
    let [derived] = saved.derived.as_slice() else {
        panic!("one text is new");
    };
    let unsealed = paper.travelling(&[], &derived.bytes);
    let holds = |hash| node.store.read().unwrap().has_change(doc, hash).unwrap();

    // Whoever may have the report may say it: it is passed over.
    assert_eq!(node.says(&world.commune, unsealed.clone()), None);
    assert_eq!(node.store.read().unwrap().doc(doc).unwrap(), None);
    // Nothing else goes without a seal.
    let refused = node.says(&world.commune, paper.travelling(&[], &saved.bytes));
    assert_eq!(refused, Some(RefusalCode::SIGNATURE));
    assert_eq!(node.store.read().unwrap().doc(doc).unwrap(), None);

    let sealed = paper.sealed(&world.commune, &saved);
    let admitted = node.hears(&world.commune, vec![unsealed, sealed]);
    assert_eq!(admitted.refused, []);
    assert_eq!(admitted.docs[&doc].len(), 2, "and what it builds upon");
    assert!(holds(derived.hash) && holds(saved.hash));
}

/// One row that cannot be read is that document's own trouble, not that of all that comes with it.
#[test]
fn damaged_facts_are_made_anew_by_the_next_change() {
    let world = World::new();
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    let mut paper = Paper::of(COMMUNE);
    let doc = paper.key.id();
    let mut hears = |code: &str, value: &str| {
        let saved = paper.save(ActorId([5; 8]), code, value);
        let sealed = paper.sealed(&world.commune, &saved);
        assert_eq!(node.says(&world.commune, sealed), None);
        node.store.read().unwrap().facts(doc).unwrap().unwrap()
    };
    hears("II.1.1.a", "42");
    let whole = hears("II.1.1.b", "7");
    node.store
        .write(move |tx| tx.put_facts(doc, b"no facts at all"))
        .unwrap();
    let anew = hears("II.1.1.b", "8");
    assert_ne!(anew, whole, "it has one change more");
    let facts = hopluu_doc::Facts::decode(&anew).unwrap();
    assert_eq!(facts.figures().count(), 2);
}

/// A comparison brings records in the order of their hashes, whatever rests on what.
#[test]
fn a_record_waits_for_its_author_s_certificate() {
    let world = World::new();
    let node = Receiver::new(&world.root);
    assert_eq!(node.decides(world.root.tree()).refused, []);
    let own = world.district.record(
        RecordKind::Form,
        DISTRICT,
        crate::registry::form_body(&newer_form("1.0").replace("pcmd-review", "own"), Vec::new()),
    );
    let certificate = world.root.certifies(&world.district);
    let said = node.says(&world.district, sent(&own));
    assert_eq!(said, Some(RefusalCode::PARKED));
    let admitted = node.hears(&world.district, vec![sent(&certificate)]);
    assert_eq!(admitted.records.len(), 2);
    assert!(node.holds(own.hash()));
    assert_eq!(node.store.read().unwrap().parked_count().unwrap(), 0);
}
