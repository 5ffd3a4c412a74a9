//! What is let in knows how urgent it is, and goes on by that.

use std::sync::Arc;

use hopluu_doc::{Edit, LifecycleEvent, unpack};
use hopluu_model::{ActorId, DocId, ObjectId, Seq};
use hopluu_store::DocRow;
use hopluu_sync::{Ahead, Class, JournalBatch, NoReaders, Scope};

use crate::admit::tests::World;
use crate::reads::Stretch;
use crate::testing::{COMMUNE, NEIGHBOUR, Paper, Receiver, tree};

const WRITER: ActorId = ActorId([5; 8]);

/// A district with a long text of one commune and, after it, figures of another that is then withdrawn.
struct Backlog {
    world: World,
    district: Receiver,
    texts: DocId,
    figures: DocId,
}

impl Backlog {
    fn new(withdraws: bool) -> Self {
        let world = World::new();
        let district = Receiver::new(&world.district);
        district.hears(&world.root, world.handed_down());
        let mut paper = Paper::of(NEIGHBOUR);
        for number in 0..20_u32 {
            let blocks = (0..40_u32).map(|block| {
                let seed = [number.to_le_bytes(), block.to_le_bytes()].concat();
                blake3::hash(&seed).to_hex().to_string()
            });
            let text = Edit::SetText {
                section: "raids".parse().unwrap(),
                office: "police".parse().unwrap(),
                text: blocks.collect(),
            };
            let saved = paper.edit(WRITER, &[text]);
            let entry = paper.sealed(&world.neighbour, &saved);
            assert!(
                district
                    .hears(&world.neighbour, vec![entry])
                    .refused
                    .is_empty()
            );
        }
        let mut other = Paper::of(COMMUNE);
        let mut saves = vec![other.save(WRITER, "II.1.1.a", "42")];
        if withdraws {
            let step = LifecycleEvent::Withdrawn("sai kỳ".to_owned());
            saves.push(other.edit(WRITER, &[Edit::Event(step)]));
        }
        for saved in &saves {
            let entry = other.sealed(&world.commune, saved);
            assert!(
                district
                    .hears(&world.commune, vec![entry])
                    .refused
                    .is_empty()
            );
        }
        Self {
            texts: paper.key.id(),
            figures: other.key.id(),
            world,
            district,
        }
    }

    /// What goes to the province next, after what has gone.
    fn next(&self, gone: &JournalBatch, due_days: &dyn Fn(&DocRow) -> u32) -> JournalBatch {
        let read = self.district.store.read().unwrap();
        let scope = Scope::new(
            Arc::new(tree()),
            Arc::new(NoReaders),
            self.world.root.place.clone(),
        );
        let stretch = Stretch {
            after: gone.through,
            through: read.last_seq().unwrap(),
            ahead: gone.ahead.iter().copied().collect::<Ahead>(),
            scope: &scope,
            outline: None,
        };
        let (batch, _) = stretch
            .read(&read, 4 << 10, Class::Attachments, due_days)
            .unwrap();
        batch
    }
}

fn nothing() -> JournalBatch {
    JournalBatch {
        entries: Vec::new(),
        through: Seq(0),
        ahead: Vec::new(),
    }
}

fn objects(batch: &JournalBatch) -> Vec<ObjectId> {
    let of_documents = batch.entries.iter();
    of_documents
        .filter(|entry| !entry.descriptor.is_empty())
        .map(|entry| entry.object)
        .collect()
}

#[test]
fn a_step_of_a_report_goes_before_texts_with_what_it_builds_upon() {
    let backlog = Backlog::new(true);
    let first = backlog.next(&nothing(), &|_| 0);
    assert_eq!(objects(&first)[0], backlog.figures.into());
    let packet = first
        .entries
        .iter()
        .find(|entry| entry.object == backlog.figures.into());
    assert_eq!(
        unpack(&packet.unwrap().body).unwrap().len(),
        2,
        "the figure came along"
    );
    assert!(!first.ahead.is_empty() && objects(&first).len() < 20);
    // And then, read by read, everything, each once.
    let (mut gone, mut bodies) = (first.clone(), 0);
    loop {
        bodies += gone.entries.len();
        let next = backlog.next(&gone, &|_| 0);
        if next.through == gone.through && next.ahead.is_empty() {
            break;
        }
        assert!(!objects(&next).contains(&backlog.figures.into()));
        let mut ahead = gone.ahead.clone();
        ahead.extend(&next.ahead);
        ahead.retain(|seq| *seq > next.through);
        gone = JournalBatch { ahead, ..next };
    }
    let last = backlog.district.store.read().unwrap().last_seq().unwrap();
    assert_eq!((gone.through, gone.ahead), (last, Vec::new()));
    assert!(bodies > 3);
}

#[test]
fn figures_that_are_due_sooner_go_first() {
    let backlog = Backlog::new(false);
    let figures = backlog.next(&nothing(), &|_| 3);
    assert_eq!(
        objects(&figures)[0],
        backlog.figures.into(),
        "figures go before texts"
    );
    let mut paper = Paper::of(NEIGHBOUR);
    let saved = paper.save(ActorId([9; 8]), "II.1.1.a", "7");
    let entry = paper.sealed(&backlog.world.neighbour, &saved);
    backlog
        .district
        .hears(&backlog.world.neighbour, vec![entry]);
    let soon = |row: &DocRow| if row.doc == backlog.texts { 1 } else { 30 };
    let first = backlog.next(&nothing(), &soon);
    assert_eq!(objects(&first)[0], backlog.texts.into());
}

#[test]
fn records_are_urgent() {
    let backlog = Backlog::new(false);
    let read = backlog.district.store.read().unwrap();
    let scope = Scope::new(
        Arc::new(tree()),
        Arc::new(NoReaders),
        backlog.world.commune.place.clone(),
    );
    let stretch = Stretch {
        after: Seq(0),
        through: read.last_seq().unwrap(),
        ahead: Ahead::default(),
        scope: &scope,
        outline: None,
    };
    let (batch, _) = stretch.read(&read, 1 << 14, Class::Urgent, &|_| 0).unwrap();
    assert!(
        batch
            .entries
            .iter()
            .all(|entry| entry.class == Class::Urgent)
    );
    assert!(!batch.entries.is_empty());
}
