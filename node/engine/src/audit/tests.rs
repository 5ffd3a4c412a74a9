use hopluu_doc::limits::TEXT_CHARS_MAX;
use hopluu_doc::{Edit, LifecycleEvent};
use hopluu_sync::Incoming;
use hopluu_trust::{Grant, Reason, RecordKind, Revocation, Target};

use super::*;
use crate::limits::DOSSIER_OPS_MAX;
use crate::registry::tree_body;
use crate::testing::{
    COMMUNE, DISTRICT, NOW, PROVINCE, Paper, Receiver, Someone, key_of, sent, unit,
};
use crate::view::{AuditThing, AuditWrite};

/// The figure that the form gives to the police.
const OWN: &str = "II.1.1.a";

/// How far apart the bytes lie that are changed one by one.
const BYTES_APART: usize = 7;

/// A commune's report, kept at its district: its police has set a figure, and its health office has written over it.
struct World {
    root: Someone,
    commune: Someone,
    police: Someone,
    health: Someone,
    node: Receiver,
    paper: Paper,
    grant: Record,
}

impl World {
    fn new() -> Self {
        let root = Someone::root();
        let district = root.enrols(2, DISTRICT, None);
        let commune = district.enrols(3, COMMUNE, None);
        let police = commune.enrols(66, COMMUNE, Some("police"));
        let health = commune.enrols(67, COMMUNE, Some("health"));
        let node = Receiver::new(&district);
        let handed = [
            root.tree(),
            root.form(),
            root.certifies(&district),
            district.certifies(&commune),
        ];
        node.hears(&root, handed.iter().map(sent).collect());
        let grant = Grant::of_office(unit(COMMUNE), "police".parse().unwrap());
        let grant = grant.sign(&commune.signer, unit(COMMUNE)).unwrap();
        let certified = [
            commune.certifies(&police),
            commune.certifies(&health),
            grant.clone(),
        ];
        node.hears(&commune, certified.iter().map(sent).collect());
        Self {
            paper: Paper::of(COMMUNE),
            root,
            commune,
            police,
            health,
            node,
            grant,
        }
    }

    fn written() -> Self {
        let mut world = Self::new();
        let opened = Edit::Event(LifecycleEvent::Opened);
        world.edit(1, |world| world.commune.clone(), &[opened]);
        world.save(2, |world| world.police.clone(), "42");
        world.save(3, |world| world.health.clone(), "900");
        world
    }

    fn save(&mut self, actor: u8, by: fn(&Self) -> Someone, value: &str) -> ChangeHash {
        let figure = Edit::SetFigure {
            key: OWN.parse().unwrap(),
            value: value.parse().unwrap(),
        };
        self.edit(actor, by, &[figure])
    }

    fn edit(&mut self, actor: u8, by: fn(&Self) -> Someone, edits: &[Edit]) -> ChangeHash {
        let saved = self.paper.edit(ActorId([actor; 8]), edits);
        let by = by(self);
        self.brings(self.paper.sealed(&by, &saved));
        saved.hash
    }

    fn brings(&self, entry: Incoming) {
        assert_eq!(self.node.says(&self.commune, entry), None);
    }

    fn auditing(&self) -> Auditing {
        let key = key_of(COMMUNE);
        let (store, registry) = (self.node.store.clone(), Arc::new(self.node.registry()));
        let row = store.read().unwrap().doc(key.id()).unwrap().unwrap();
        let known = registry.form_of_major(&key.form, key.major, &key.unit);
        Auditing {
            known: known.unwrap().clone(),
            shelf: Shelf {
                store,
                me: self.node.me.place.clone(),
                registry,
            },
            beginnings: Arc::default(),
            signer: Arc::new(self.node.me.signer.clone()),
            root: self.root.root_digest(),
            parts: vec![Part { key, row }],
        }
    }

    fn dossier(&self) -> Vec<u8> {
        self.auditing().export(None, NOW).unwrap()
    }

    fn verified(&self, bytes: &[u8]) -> Result<AuditView, DossierFlaw> {
        Ok(verify(bytes, Some(&self.root.root_digest()))?.audit)
    }

    /// The dossier as whoever has exported it could make it over.
    fn made_over(&self, change: impl FnOnce(&mut Dossier<'_>)) -> Vec<u8> {
        let bytes = self.dossier();
        let mut dossier = Dossier::open(&bytes).unwrap();
        change(&mut dossier);
        dossier.sign(&self.node.me.signer).unwrap()
    }
}

fn thing<'a>(view: &'a AuditView, kind: &str, name: &str) -> &'a AuditThing {
    let mut things = view.things.iter();
    things
        .find(|thing| thing.kind == kind && thing.name == name)
        .unwrap()
}

fn of_figure(view: &AuditView) -> &[AuditWrite] {
    &thing(view, "figure", OWN).writes
}

#[test]
fn every_write_of_a_figure_is_told_with_who_when_whence_and_on_whose_right() {
    let mut world = World::written();
    let said = world.auditing().report(Some(OWN)).unwrap();
    assert_eq!(said.things.len(), 1, "nothing else was asked for");
    let [police, health] = of_figure(&said) else {
        unreachable!("two have written it: {said:?}")
    };
    assert!(police.stands && !health.stands);
    assert_eq!(police.author.office, Some("police".parse().unwrap()));
    assert_eq!(police.author.unit, Some(unit(COMMUNE)));
    let right = police.right.as_ref().unwrap();
    assert_eq!(right.grant, Some(world.grant.hash()));
    assert_eq!(right.by.as_ref().unwrap().node, Some(world.commune.node()));
    assert_eq!(
        (health.right.as_ref(), health.void.as_deref()),
        (None, Some("no-grant"))
    );
    assert_eq!(police.received.as_ref().unwrap().unit, unit(DISTRICT));
    let brought = police.brought.as_ref().unwrap();
    assert_eq!(
        brought.by.as_ref().unwrap().node,
        Some(world.commune.node())
    );
    let came = brought.at.unwrap();
    assert!(came <= NOW && NOW.0 - came.0 < 600_000, "{came:?}");
    // A main node needs no grant, and what it writes over is told by what.
    let over = world.save(1, |world| world.commune.clone(), "43");
    let said = world.auditing().report(None).unwrap();
    let [police, _, commune] = of_figure(&said) else {
        unreachable!("three have written it: {said:?}")
    };
    assert_eq!(police.superseded_by, Some(over));
    let right = commune.right.as_ref().unwrap();
    assert_eq!(right.grant, None);
    assert_eq!(right.by.as_ref().unwrap().unit, Some(unit(DISTRICT)));
    assert!(commune.stands && commune.author.office.is_none());
    assert!(thing(&said, "step", "opened").writes[0].stands);
    let unknown = world.auditing().report(Some("IX.9"));
    assert!(matches!(unknown, Err(CommandError::UnknownLine { .. })));
}

#[test]
fn what_was_adopted_is_told_with_who_has_adopted_it() {
    let mut world = World::written();
    let change = world.save(3, |world| world.health.clone(), "901");
    let answer = hopluu_doc::Answer::Dismissed;
    let said = world.edit(
        1,
        |world| world.commune.clone(),
        &[Edit::Answer { change, answer }],
    );
    let told = world.auditing().report(Some(OWN)).unwrap();
    let answered = of_figure(&told).last().unwrap().answer.clone().unwrap();
    assert_eq!(
        (answered.answer.as_str(), answered.change),
        ("dismissed", said)
    );
    assert_eq!(answered.by.node, Some(world.commune.node()));
}

#[test]
fn a_dossier_says_from_the_root_alone_what_the_node_says() {
    let world = World::written();
    let bytes = world.dossier();
    let verified = verify(&bytes, Some(&world.root.root_digest())).unwrap();
    let mut here = world.auditing().report(None).unwrap();
    for write in here.things.iter_mut().flat_map(|thing| &mut thing.writes) {
        write.brought = None;
    }
    assert_eq!(verified.audit, here);
    assert_eq!(verified.by.node, Some(world.node.me.node()));
    assert!(verified.more.is_empty());
    // Its reader compares what it names itself where they say nothing.
    let unasked = verify(&bytes, None).unwrap();
    assert_eq!(unasked.root, world.root.root_digest());
    let other = verify(&bytes, Some(&Digest([1; 32])));
    assert!(matches!(other, Err(DossierFlaw::OtherRoot { .. })));
}

#[test]
fn a_changed_byte_anywhere_is_found_and_so_is_a_cut() {
    let world = World::written();
    let bytes = world.dossier();
    println!("dossier of three saves: {} bytes", bytes.len());
    for at in (0..bytes.len()).step_by(BYTES_APART) {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(world.verified(&other).is_err(), "byte {at}");
        assert!(world.verified(&bytes[..at]).is_err(), "{at} bytes of it");
    }
}

/// Whoever exports a dossier signs it, but the root has certified nobody to speak for others.
#[test]
fn a_byte_that_its_exporter_has_changed_is_found_too() {
    let world = World::written();
    let bytes = world.dossier();
    let dossier = Dossier::open(&bytes).unwrap();
    let said = world.verified(&bytes).unwrap();
    fn list<'e, 'a>(dossier: &'e mut Dossier<'a>, which: usize) -> &'e mut Vec<&'a [u8]> {
        match which {
            0 => &mut dossier.chains,
            1 => &mut dossier.records,
            2 => &mut dossier.receipts,
            _ => &mut dossier.packets,
        }
    }
    let mut tried = 0;
    for which in 0..4 {
        let items = list(&mut dossier.clone(), which).clone();
        for (number, item) in items.into_iter().enumerate() {
            // The tree and the form are signed as wholes: fewer of their bytes say as much.
            let apart = BYTES_APART.max(item.len() / 40);
            for at in (0..item.len()).step_by(apart) {
                let mut changed = item.to_vec();
                changed[at] ^= 1;
                let mut other = dossier.clone();
                list(&mut other, which)[number] = &changed;
                let other = other.sign(&world.node.me.signer).unwrap();
                let judged = world.verified(&other);
                // A packet can say one thing in more than one way, and nothing else with any seal.
                let is_same = judged.as_ref().is_ok_and(|judged| *judged == said);
                assert!(
                    judged.is_err() || (which == 3 && is_same),
                    "{which}/{number}, byte {at}"
                );
                tried += 1;
            }
        }
    }
    println!("{tried} bytes changed");
    assert!(tried > 200);
}

#[test]
fn what_is_left_out_on_the_way_is_found_and_what_its_exporter_leaves_out_changes_the_judgement() {
    let world = World::written();
    let bytes = world.dossier();
    let grant = world.grant.encode();
    let at = bytes
        .windows(grant.len())
        .position(|window| window == grant);
    let mut cut = bytes.clone();
    cut.drain(at.unwrap()..at.unwrap() + grant.len());
    assert!(
        world.verified(&cut).is_err(),
        "somebody has cut the grant out"
    );
    // Its exporter can, and has put its name to what it says.
    let without = world.made_over(|dossier| dossier.records.retain(|record| *record != grant));
    let judged = world.verified(&without).unwrap();
    assert_eq!(of_figure(&judged)[0].void.as_deref(), Some("no-grant"));
}

#[test]
fn a_revocation_goes_with_the_dossier_and_what_stands_by_it_stands() {
    let mut world = World::written();
    let first = world.paper.report.heads();
    let revocation = Revocation {
        target: Target::Node(world.police.node()),
        reason: Reason::Stolen,
        stands: [(key_of(COMMUNE).id(), first)].into(),
        certified: Vec::new(),
        said: Vec::new(),
    };
    let signed = revocation
        .sign(&world.commune.signer, unit(COMMUNE))
        .unwrap();
    world.node.hears(&world.commune, vec![sent(&signed)]);
    world.save(2, |world| world.police.clone(), "1000");
    let judged = world.verified(&world.dossier()).unwrap();
    let voids: Vec<_> = of_figure(&judged)
        .iter()
        .map(|one| one.void.as_deref())
        .collect();
    assert_eq!(voids, [None, Some("no-grant"), Some("revoked")]);
    // Without it what came after would count: only its exporter can leave it out.
    let body = signed.encode();
    let without = world.made_over(|dossier| dossier.records.retain(|record| *record != body));
    let judged = world.verified(&without).unwrap();
    assert!(of_figure(&judged)[2].stands);
}

#[test]
fn what_an_exporter_leaves_out_shows_where_a_superior_has_it() {
    let world = World::written();
    let without = world.made_over(|dossier| dossier.packets.clear());
    let said = verify(&without, Some(&world.root.root_digest())).unwrap();
    assert!(said.audit.things.is_empty());
    assert_eq!(said.more[0].unit, unit(DISTRICT));
}

#[test]
fn a_dossier_by_a_stranger_or_of_a_forged_root_is_refused() {
    let world = World::written();
    let bytes = world.dossier();
    let dossier = Dossier::open(&bytes).unwrap();
    let stranger = Signer::from_seed(&[99; 32]);
    let by_stranger = dossier.sign(&stranger).unwrap();
    let refused = world.verified(&by_stranger);
    assert!(matches!(refused, Err(DossierFlaw::Exporter(node)) if node == stranger.node_id()));
    let root = Digest([5; 32]);
    let forged = Dossier { root, ..dossier }
        .sign(&world.node.me.signer)
        .unwrap();
    assert!(matches!(
        world.verified(&forged),
        Err(DossierFlaw::OtherRoot { .. })
    ));
    assert!(matches!(
        verify(&forged, None),
        Err(DossierFlaw::Records(_))
    ));
}

#[test]
fn a_commune_hands_down_no_tree_and_no_form_in_a_dossier() {
    let world = World::written();
    let bytes = world.dossier();
    let tree = tree_body(&crate::testing::tree());
    let tree = world.commune.record(RecordKind::Tree, PROVINCE, tree);
    let tree = tree.encode();
    let mut dossier = Dossier::open(&bytes).unwrap();
    dossier.records.push(&tree);
    let forged = dossier.sign(&world.node.me.signer).unwrap();
    let refused = world.verified(&forged);
    assert!(matches!(refused, Err(DossierFlaw::Records(_))));
    // A form of its own name for everybody below it counts nowhere, because its superior has handed that name down.
    let form = world.commune.form().encode();
    let mut dossier = Dossier::open(&bytes).unwrap();
    dossier.records.push(&form);
    let forged = dossier.sign(&world.node.me.signer).unwrap();
    assert_eq!(
        world.verified(&forged).unwrap(),
        world.verified(&bytes).unwrap()
    );
}

#[test]
fn changes_beyond_what_a_report_can_have_are_refused_before_they_are_kept() {
    let world = World::new();
    let long = "ô".repeat(TEXT_CHARS_MAX);
    let saves = DOSSIER_OPS_MAX / TEXT_CHARS_MAX as u64 + 1;
    let form = crate::testing::form();
    let (section, office) = form.texts().next().expect("the form has a text");
    let (section, office) = (section.id.clone(), office.clone());
    let text = Edit::SetText {
        section,
        office,
        text: long,
    };
    let packets: Vec<Vec<u8>> = (0..saves)
        .map(|number| {
            let mut paper = Paper::of(COMMUNE);
            let actor = ActorId([u8::try_from(number).unwrap(); 8]);
            let saved = paper.edit(actor, std::slice::from_ref(&text));
            paper.sealed(&world.commune, &saved).body
        })
        .collect();
    world.brings(Incoming {
        body: packets[0].clone(),
        ..world.paper.travelling(&[], &[])
    });
    let bytes = world.dossier();
    let of = |packets: &[Vec<u8>]| {
        let mut dossier = Dossier::open(&bytes).unwrap();
        dossier.packets = packets.iter().map(Vec::as_slice).collect();
        dossier.sign(&world.node.me.signer).unwrap()
    };
    let refused = world.verified(&of(&packets));
    assert!(matches!(refused, Err(DossierFlaw::TooMuch)));
    let (_, fewer) = packets.split_last().unwrap();
    let judged = world.verified(&of(fewer)).unwrap();
    assert_eq!(judged.things[0].writes.len(), fewer.len());
}
