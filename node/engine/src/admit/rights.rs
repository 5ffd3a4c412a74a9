use std::collections::BTreeMap;

use hopluu_doc::{Edit, Facts, LifecycleEvent, VoidOps};
use hopluu_model::tree::TreeEvent;
use hopluu_model::{ActorId, Step};
use hopluu_trust::{Grant, Reach, Reason, Revocation, Target, Void};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::tests::World;
use super::*;
use crate::testing::{
    COMMUNE, DISTRICT, NEIGHBOUR, PROVINCE, Paper, Receiver, Someone, key_of, sent, unit,
};

/// Orders of arrival that are tried.
const ORDERS: u64 = 60;

/// The figure that the police owns.
const OWN: &str = "II.1.1.a";
/// One that it does not.
const OTHER: &str = "II.2.1A.a";

/// What a node says of the commune's report: values by figure, and why changes are void.
type Said = (BTreeMap<String, Vec<String>>, BTreeMap<ChangeHash, Void>);

fn said(node: &Receiver) -> Said {
    let read = node.store.read().unwrap();
    let doc = key_of(COMMUNE).id();
    let facts = Facts::decode(&read.facts(doc).unwrap().unwrap()).unwrap();
    let figures = facts.figures().map(|(key, facts)| {
        let values = facts.iter().map(|fact| fact.value.clone());
        (key.to_string(), values.collect())
    });
    let voids = read.voids(doc).unwrap().into_iter();
    let voids = voids.map(|(hash, body)| (hash, VoidOps::decode(&body).unwrap().why));
    (figures.collect(), voids.collect())
}

/// What is sent, in one order; then all that waits for something is judged.
fn told(world: &World, entries: &[Incoming]) -> Said {
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    for entry in entries {
        let admitted = node.hears(&world.commune, vec![entry.clone()]);
        let mut left = admitted.left;
        while !left.is_empty() {
            left = node.goes_on(left).left;
        }
        node.judges();
    }
    assert!(node.store.read().unwrap().parked().unwrap().is_empty());
    said(&node)
}

/// The same whatever the order.
fn told_anyhow(world: &World, entries: &[Incoming]) -> Said {
    let expected = told(world, entries);
    for seed in 0..ORDERS {
        let mut entries = entries.to_vec();
        entries.shuffle(&mut StdRng::seed_from_u64(seed));
        assert_eq!(told(world, &entries), expected, "order {seed}");
    }
    expected
}

fn police(world: &World) -> (Someone, Incoming) {
    let police = world.commune.enrols(66, COMMUNE, Some("police"));
    let certificate = sent(&world.commune.certifies(&police));
    (police, certificate)
}

fn grant(by: &Someone, grant: Grant) -> Record {
    grant.sign(&by.signer, unit(COMMUNE)).unwrap()
}

fn of_police() -> Grant {
    Grant::of_office(unit(COMMUNE), "police".parse().unwrap())
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]))
        .collect()
}

#[test]
fn what_an_office_wrote_counts_from_when_its_grant_is_known_and_nothing_else_of_it() {
    let world = World::new();
    let (police, certificate) = police(&world);
    let mut paper = Paper::of(COMMUNE);
    let first = paper.save(ActorId([1; 8]), OTHER, "5");
    let own = paper.save(ActorId([2; 8]), OWN, "7");
    let others = paper.save(ActorId([2; 8]), OTHER, "900");
    let entries = [
        certificate,
        paper.sealed(&world.commune, &first),
        paper.sealed(&police, &own),
        paper.sealed(&police, &others),
    ];
    let (figures, voids) = told_anyhow(&world, &entries);
    assert_eq!(figures, values(&[(OTHER, "5")]));
    assert_eq!(
        voids,
        BTreeMap::from([(own.hash, Void::NoGrant), (others.hash, Void::NoGrant)])
    );
    let granted = sent(&grant(&world.commune, of_police()));
    let entries = [entries.as_slice(), &[granted]].concat();
    let (figures, voids) = told_anyhow(&world, &entries);
    assert_eq!(figures, values(&[(OTHER, "5"), (OWN, "7")]));
    assert_eq!(voids, BTreeMap::from([(others.hash, Void::NoGrant)]));
}

/// A commune claims that its report was submitted, unsigned, and taken; its police, that it was signed.
#[test]
fn steps_that_nobody_may_take_or_out_of_order_change_no_state_in_any_order_of_arrival() {
    let world = World::new();
    let (police, certificate) = police(&world);
    let mut paper = Paper::of(COMMUNE);
    let mut step =
        |actor: u8, event: LifecycleEvent| paper.edit(ActorId([actor; 8]), &[Edit::Event(event)]);
    let opened = step(1, LifecycleEvent::Opened);
    let signed = step(2, LifecycleEvent::Signed);
    let submitted = step(1, LifecycleEvent::Submitted);
    let accepted = step(1, LifecycleEvent::Accepted);
    let returned = step(3, LifecycleEvent::Returned("?".to_owned()));
    let entries = [
        certificate,
        sent(&grant(&world.commune, of_police())),
        paper.sealed(&world.commune, &opened),
        paper.sealed(&police, &signed),
        paper.sealed(&world.commune, &submitted),
        paper.sealed(&world.commune, &accepted),
        paper.sealed(&world.district, &returned),
    ];
    for seed in 0..ORDERS {
        let mut entries = entries.to_vec();
        entries.shuffle(&mut StdRng::seed_from_u64(seed));
        let node = Receiver::new(&world.district);
        node.hears(&world.root, world.handed_down());
        for entry in entries {
            let mut left = node.hears(&world.commune, vec![entry]).left;
            while !left.is_empty() {
                left = node.goes_on(left).left;
            }
            node.judges();
        }
        let body = node.store.read().unwrap().facts(paper.key.id()).unwrap();
        let state = Facts::decode(&body.unwrap()).unwrap().state();
        assert_eq!(state.step, Some(Step::Opened), "order {seed}");
        let late = state.out_of_order.iter().map(|one| one.event.step());
        let expected = [Step::Submitted, Step::Returned];
        assert_eq!(late.collect::<Vec<_>>(), expected, "order {seed}");
        let voids = [
            (signed.hash, Void::NoGrant),
            (accepted.hash, Void::NotSuperior),
        ];
        assert_eq!(said(&node).1, BTreeMap::from(voids), "order {seed}");
    }
}

#[test]
fn nobody_grants_but_those_above_and_nobody_writes_for_a_neighbour() {
    let world = World::new();
    let (police, certificate) = police(&world);
    let mut paper = Paper::of(COMMUNE);
    let first = paper.save(ActorId([1; 8]), OTHER, "5");
    let own = paper.save(ActorId([2; 8]), OWN, "7");
    let foreign = paper.save(ActorId([3; 8]), OTHER, "900");
    let wide = Grant {
        lines: Reach::All,
        ..of_police()
    };
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    node.hears(&world.commune, vec![certificate.clone()]);
    let by_office = sent(&grant(&police, wide.clone()));
    let by_neighbour = sent(&grant(&world.neighbour, wide));
    let scope = Some(RefusalCode::SCOPE);
    assert_eq!(node.says(&world.commune, by_office), scope);
    assert_eq!(node.says(&world.commune, by_neighbour), scope);
    let foreign_entry = paper.sealed(&world.neighbour, &foreign);
    assert_eq!(node.says(&world.neighbour, foreign_entry.clone()), scope);
    // Whoever may bring it brings it; it counts nowhere all the same.
    let entries = [
        certificate,
        paper.sealed(&world.commune, &first),
        paper.sealed(&police, &own),
        foreign_entry,
    ];
    let (figures, voids) = told_anyhow(&world, &entries);
    assert_eq!(figures, values(&[(OTHER, "5")]));
    assert_eq!(voids.get(&foreign.hash), Some(&Void::OtherUnit));
}

#[test]
fn what_was_there_at_a_revocation_stands_and_what_comes_is_void_in_any_order() {
    let world = World::new();
    let (police, certificate) = police(&world);
    let mut paper = Paper::of(COMMUNE);
    let before = [
        paper.save(ActorId([2; 8]), OWN, "6"),
        paper.save(ActorId([4; 8]), OWN, "7"),
    ];
    let main = paper.save(ActorId([1; 8]), OTHER, "5");
    let after = paper.save(ActorId([4; 8]), OWN, "900");
    let over = paper.save(ActorId([1; 8]), OTHER, "8");
    let revoked = |target, reason| {
        let revocation = Revocation {
            target,
            reason,
            stands: BTreeMap::from([(paper.key.id(), vec![before[1].hash])]),
            certified: Vec::new(),
            said: Vec::new(),
        };
        let record = revocation.sign(&world.commune.signer, unit(COMMUNE));
        record.unwrap()
    };
    let granted = grant(&world.commune, of_police());
    for (target, reason) in [
        (Target::Node(police.node()), Reason::Stolen),
        (Target::Grant(granted.hash()), Reason::Mistake),
        (Target::Account(police.node(), String::new()), Reason::Left),
    ] {
        let entries = [
            certificate.clone(),
            sent(&granted),
            paper.sealed(&police, &before[0]),
            paper.sealed(&police, &before[1]),
            paper.sealed(&world.commune, &main),
            paper.sealed(&police, &after),
            paper.sealed(&world.commune, &over),
            sent(&revoked(target.clone(), reason)),
        ];
        let (figures, voids) = told_anyhow(&world, &entries);
        assert_eq!(figures, values(&[(OTHER, "8"), (OWN, "7")]), "{target:?}");
        assert_eq!(voids, BTreeMap::from([(after.hash, Void::Revoked)]));
    }
    let by_neighbour = Revocation {
        target: Target::Node(police.node()),
        reason: Reason::Stolen,
        stands: BTreeMap::new(),
        certified: Vec::new(),
        said: Vec::new(),
    };
    let by_neighbour = by_neighbour.sign(&world.neighbour.signer, unit(NEIGHBOUR));
    let entries = [
        certificate,
        sent(&granted),
        paper.sealed(&police, &before[0]),
        sent(&by_neighbour.unwrap()),
    ];
    assert_eq!(told(&world, &entries).1, BTreeMap::new());
}

/// Who brought it is asked of what waits, and not of whoever brings what it waits for.
#[test]
fn what_waits_comes_in_whoever_frees_it() {
    let world = World::new();
    let (police, certificate) = police(&world);
    let mut paper = Paper::of(COMMUNE);
    let own = paper.save(ActorId([2; 8]), OWN, "7");
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    let parked = Some(RefusalCode::PARKED);
    let sealed = paper.sealed(&police, &own);
    assert_eq!(node.says(&world.commune, sealed), parked);
    let admitted = node.hears(&world.neighbour, vec![certificate]);
    assert!(admitted.left.is_empty() && admitted.docs.len() == 1);
    assert_eq!(said(&node).1, BTreeMap::from([(own.hash, Void::NoGrant)]));
}

/// What was written before the grants were asked for is judged at the first start that asks.
#[test]
fn what_is_to_be_judged_is_judged_in_pieces() {
    let world = World::new();
    let (police, certificate) = police(&world);
    let mut paper = Paper::of(COMMUNE);
    let own = paper.save(ActorId([2; 8]), OWN, "7");
    let node = Receiver::new(&world.district);
    node.hears(&world.root, world.handed_down());
    node.hears(&world.commune, vec![certificate]);
    node.hears(&world.commune, vec![paper.sealed(&police, &own)]);
    let doc = paper.key.id();
    node.store.write(move |tx| tx.put_voids(doc, &[])).unwrap();
    node.store.write(move |tx| tx.judge_anew(doc)).unwrap();
    node.judges();
    assert_eq!(said(&node).1, BTreeMap::from([(own.hash, Void::NoGrant)]));
    assert!(node.store.read().unwrap().unjudged(1).unwrap().is_empty());
}

/// A stolen district has handed a form down and renamed a commune, before and after.
#[test]
fn what_a_revoked_superior_decided_counts_as_far_as_it_was_named() {
    let world = World::new();
    let form = |id: &str| {
        let text = crate::testing::FORM.replace("id = \"pcmd-review\"", &format!("id = \"{id}\""));
        let body = crate::registry::form_body(&text, Vec::new());
        world.district.record(RecordKind::Form, DISTRICT, body)
    };
    let renamed = |name: &str| {
        let event = TreeEvent::Renamed {
            unit: unit(COMMUNE),
            name: name.to_owned(),
            kind: "commune".to_owned(),
            on: "2026-01-01".parse().unwrap(),
        };
        world.district.event(COMMUNE, &event)
    };
    let (early, late) = (form("early"), form("late"));
    let (before, after) = (renamed("Trước"), renamed("Sau"));
    let revocation = Revocation {
        target: Target::Node(world.district.node()),
        reason: Reason::Stolen,
        stands: BTreeMap::new(),
        certified: vec![world.commune.node()],
        said: vec![early.hash(), before.hash()],
    };
    let revoked = revocation.sign(&world.root.signer, unit(PROVINCE)).unwrap();
    let records = [&early, &late, &before, &after, &revoked].map(sent);
    for seed in 0..ORDERS {
        let mut records = records.to_vec();
        records.shuffle(&mut StdRng::seed_from_u64(seed));
        let node = Receiver::new(&world.commune);
        node.hears(&world.root, world.handed_down());
        let mut admitted = node.hears(&world.root, records);
        while !admitted.left.is_empty() {
            admitted = node.goes_on(admitted.left);
        }
        let registry = node.registry();
        let knows = |id: &str| {
            registry
                .form(&id.parse().unwrap(), &unit(COMMUNE))
                .is_some()
        };
        assert!(knows("early") && !knows("late"), "order {seed}");
        let day = "2026-06-01".parse().unwrap();
        let named = crate::resolve::unit_name(registry.tree(), &unit(COMMUNE), day);
        assert!(named.contains("Trước"), "order {seed}: {named}");
        assert!(node.knows(&world.commune));
    }
}
