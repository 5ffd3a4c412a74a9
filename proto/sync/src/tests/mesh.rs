//! Many nodes, and links that do what they like: in the end all have what is theirs to have.

use std::sync::Arc;

use hopluu_model::{EntryKind, Epoch, Place};
use proptest::prelude::*;

use crate::Scope;
use crate::testing::readers::{Listed, closed};
use crate::testing::{Store, World, tree};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Happening {
    Write {
        at: usize,
        of: usize,
        doc: u8,
        kind: u8,
        bytes: usize,
    },
    Connect(usize),
    Cut(usize),
    CutAfter {
        link: usize,
        end: usize,
        bytes: usize,
    },
    Flight,
    Restart(usize),
    Backup(usize),
    Restore(usize),
    Stick(usize),
    Unstick(usize),
    Move(usize),
    Give(usize),
}

/// What the offices of the commune may read, at first and in the end.
const AT_FIRST: [(&str, &str); 2] = [("police", "one"), ("police", "both")];
const IN_THE_END: [(&str, &str); 3] = [("police", "one"), ("police", "both"), ("health", "both")];

/// What a document is told by: some are in compartments.
fn descriptor(of: &str, doc: u8) -> String {
    match doc {
        4 => format!("{of}!one"),
        5 => format!("{of}!both"),
        _ => of.to_owned(),
    }
}

fn own_scope(place: &Place, readers: &[(&str, &str)]) -> Scope {
    let readers = Arc::new(Listed::of(readers));
    Scope::new(tree(Some("10101")), readers, place.clone())
}

const UNITS: [&str; 5] = ["10101", "10102", "101", "01", "102"];

/// Who may be linked with whom: up the line, across offices, and past a level.
const PAIRS: [(usize, usize); 7] = [(0, 2), (1, 2), (2, 3), (4, 3), (5, 0), (6, 0), (0, 3)];

fn happening() -> impl Strategy<Value = Happening> {
    let node = 0..7usize;
    prop_oneof![
        6 => (node.clone(), 0..5usize, 0..6u8, 0..4u8, prop_oneof![1..60usize, 9_000..30_000usize])
            .prop_map(|(at, of, doc, kind, bytes)| Happening::Write { at, of, doc, kind, bytes }),
        5 => (0..PAIRS.len()).prop_map(Happening::Connect),
        1 => any::<usize>().prop_map(Happening::Cut),
        3 => (any::<usize>(), 0..2usize, 0..3_000usize)
            .prop_map(|(link, end, bytes)| Happening::CutAfter { link, end, bytes }),
        10 => Just(Happening::Flight),
        1 => node.clone().prop_map(Happening::Restart),
        1 => node.clone().prop_map(Happening::Backup),
        1 => node.clone().prop_map(Happening::Restore),
        1 => node.clone().prop_map(Happening::Stick),
        2 => node.clone().prop_map(Happening::Unstick),
        1 => node.clone().prop_map(Happening::Move),
        1 => node.prop_map(Happening::Give),
    ]
}

fn world() -> World {
    let mut world = World::new();
    for code in UNITS {
        world.node(code, None);
    }
    world.node("10101", Some("police"));
    world.node("10101", Some("health"));
    for at in 0..world.nodes.len() {
        world.list_readers(at, &AT_FIRST);
    }
    world.piece = 700;
    world
}

struct Story {
    world: World,
    backups: Vec<Option<Store>>,
    written: u32,
}

impl Story {
    fn happen(&mut self, happening: &Happening) {
        let world = &mut self.world;
        match *happening {
            Happening::Write {
                at,
                of,
                doc,
                kind,
                bytes,
            } => {
                // Nobody writes what it could not have, as admission would see to.
                let place = &world.nodes[at].place;
                let own = own_scope(place, &AT_FIRST);
                let kind = EntryKind::from_number(kind + 1).unwrap();
                let of = UNITS[of];
                // Records are for everybody.
                let doc = if kind == EntryKind::Record { 0 } else { doc };
                let descriptor = descriptor(of, doc);
                let closed = closed(descriptor.as_bytes());
                if own.admits(kind, &crate::testing::unit(of), closed.as_deref()) {
                    self.written += 1;
                    let mut body = self.written.to_le_bytes().to_vec();
                    body.resize(bytes + 4, 1);
                    world.write(at, kind, &format!("{of} {doc}"), &descriptor, &body);
                }
            }
            Happening::Connect(pair) => {
                let (from, to) = PAIRS[pair];
                world.connect(from, to);
            }
            Happening::Cut(link) => {
                let up = world.up();
                if !up.is_empty() {
                    world.cut(up[link % up.len()]);
                }
            }
            Happening::CutAfter { link, end, bytes } => {
                let up = world.up();
                if !up.is_empty() {
                    world.cut_after(up[link % up.len()], end, bytes);
                }
            }
            Happening::Flight => {
                world.flight();
            }
            Happening::Restart(at) => world.restart(at),
            Happening::Backup(at) => self.backups[at] = Some(world.nodes[at].store.clone()),
            Happening::Restore(at) => {
                if let Some(store) = self.backups[at].take() {
                    world.nodes[at].store = store;
                    let mut epoch = world.nodes[at].epoch;
                    epoch.0[15] += 1;
                    world.nodes[at].epoch = Epoch(epoch.0);
                    world.restart(at);
                }
            }
            Happening::Stick(at) => world.nodes[at].is_stuck = true,
            Happening::Unstick(at) => world.unstick(at),
            Happening::Move(at) => world.grow_tree(at, tree(Some("10101"))),
            Happening::Give(at) => world.list_readers(at, &IN_THE_END),
        }
    }

    /// All links open, all disks answer, all trees are the same, for long enough.
    fn come_to_rest(&mut self) {
        let world = &mut self.world;
        for at in 0..world.nodes.len() {
            world.unstick(at);
            world.grow_tree(at, tree(Some("10101")));
            world.list_readers(at, &IN_THE_END);
        }
        for link in world.up() {
            world.cut(link);
        }
        for (from, to) in PAIRS {
            world.connect(from, to);
        }
        world.settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn all_converge_whatever_happened(story in proptest::collection::vec(happening(), 1..90)) {
        let mut told = Story { world: world(), backups: vec![None; 7], written: 0 };
        for happening in &story {
            told.happen(happening);
        }
        told.come_to_rest();
        let world = &told.world;
        for (one, other) in PAIRS.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
            let (from, to) = (&world.nodes[one], &world.nodes[other]);
            let scope = own_scope(&to.place, &IN_THE_END);
            for entry in &from.store.journal {
                if scope.admits(entry.kind, &entry.unit, entry.closed.as_deref()) {
                    let is_there = to.store.journal.iter().any(|there| there.body == entry.body);
                    prop_assert!(is_there, "{other} lacks {:?} of {one}", entry.seq);
                }
            }
            prop_assert!(from.owes_nothing(&to.place), "{one} believes to owe {other}");
            let status = world.peer(one, other);
            prop_assert_eq!((status.owed, status.trouble), (0, None));
        }
        for node in &world.nodes {
            let own = own_scope(&node.place, &IN_THE_END);
            let bodies = node.store.bodies();
            prop_assert_eq!(bodies.len(), node.store.journal.len(), "nothing twice");
            for entry in &node.store.journal {
                prop_assert!(own.admits(entry.kind, &entry.unit, entry.closed.as_deref()), "scope");
            }
            prop_assert!(node.closed.iter().all(|(_, code)| *code == crate::CloseCode::Duplicate));
            prop_assert_eq!(node.hub.next_wake(), None);
        }
    }
}
