//! Packets as they are let in, parked, refused and passed on.

use std::sync::Arc;

use hopluu_doc::{Edit, Facts, Member, SavedChange, pack, unpack};
use hopluu_model::{ActorId, NodeId, Place, Seq};
use hopluu_sync::{
    Ahead, Effect, Event, Incoming, JournalBatch, LinkId, NoReaders, RefusalCode, Scope, Ticket,
};
use hopluu_trust::Seal;

use crate::admit::tests::World;
use crate::limits::FILE_QUOTA;
use crate::reads::{self, Stretch};
use crate::testing::{COMMUNE, NEIGHBOUR, Paper, Receiver, Someone, sent, tree};

const FIRST: ActorId = ActorId([5; 8]);
const SECOND: ActorId = ActorId([6; 8]);

fn node(world: &World, me: &Someone) -> Receiver {
    let node = Receiver::new(me);
    let above = if me.node() == world.root.node() {
        &world.district
    } else {
        &world.root
    };
    node.hears(above, world.handed_down());
    node
}

fn seal(paper: &Paper, by: &Someone, saved: &SavedChange) -> Vec<u8> {
    let actors = vec![saved.scanned.actor];
    let seal = Seal::sign(
        &by.signer,
        paper.key.id(),
        actors,
        saved.hash,
        String::new(),
    );
    seal.expect("one actor").to_wire()
}

/// Saves of somebody's, in one packet.
fn packet(paper: &Paper, saves: &[(&Someone, &SavedChange)]) -> Incoming {
    let seals: Vec<_> = saves
        .iter()
        .map(|(by, saved)| seal(paper, by, saved))
        .collect();
    let members: Vec<_> = saves
        .iter()
        .zip(&seals)
        .map(|((_, saved), seal)| Member {
            seal,
            change: &saved.bytes,
        })
        .collect();
    of(paper, pack(&members))
}

fn of(paper: &Paper, body: Vec<u8>) -> Incoming {
    Incoming {
        body,
        ..paper.travelling(&[], &[])
    }
}

fn count(paper: &mut Paper, actor: ActorId, saves: u32) -> Vec<SavedChange> {
    (0..saves)
        .map(|number| paper.save(actor, "II.1.1.a", &(number + 1).to_string()))
        .collect()
}

/// What a node gives a peer of its whole journal, read by read.
fn journal(node: &Receiver, to: &Someone, bytes_max: usize) -> JournalBatch {
    let read = node.store.read().unwrap();
    let scope = Arc::new(Scope::new(
        Arc::new(tree()),
        Arc::new(NoReaders),
        to.place.clone(),
    ));
    let mut whole = JournalBatch {
        entries: Vec::new(),
        through: Seq(0),
        ahead: Vec::new(),
    };
    loop {
        let effect = Effect::ReadJournal {
            link: LinkId(1),
            ticket: Ticket(1),
            after: whole.through,
            through: Seq(10_000),
            ahead: whole.ahead.iter().copied().collect(),
            least: hopluu_sync::Class::Attachments,
            bytes_max,
            scope: Arc::clone(&scope),
        };
        let known = reads::Known {
            outline: &reads::Outline::default(),
            quota: FILE_QUOTA,
            due_days: &|_| 0,
        };
        let answer = reads::ask(&read, effect, &known).unwrap();
        let Event::JournalRead { batch, .. } = answer.event else {
            panic!("a reading of the journal is answered by one");
        };
        if batch.through == whole.through && batch.ahead.is_empty() {
            return whole;
        }
        whole.through = batch.through;
        whole.ahead.extend(batch.ahead);
        whole.entries.extend(batch.entries);
    }
}

fn changes(batch: &JournalBatch) -> Vec<(Seq, usize)> {
    let of_documents = batch
        .entries
        .iter()
        .filter(|entry| !entry.descriptor.is_empty());
    of_documents
        .map(|entry| (entry.seq, unpack(&entry.body).unwrap().len()))
        .collect()
}

fn incoming(batch: JournalBatch) -> Vec<Incoming> {
    let entry = |entry: hopluu_sync::Entry| Incoming {
        kind: entry.kind,
        object: entry.object,
        descriptor: entry.descriptor,
        body: entry.body,
    };
    batch.entries.into_iter().map(entry).collect()
}

#[test]
fn a_packet_comes_in_as_its_changes_would_and_is_passed_on() {
    let world = World::new();
    let (district, province) = (node(&world, &world.district), node(&world, &world.root));
    let mut paper = Paper::of(COMMUNE);
    let doc = paper.key.id();
    let saves = count(&mut paper, FIRST, 12);
    let all: Vec<_> = saves.iter().map(|saved| (&world.commune, saved)).collect();
    let admitted = district.hears(&world.commune, vec![packet(&paper, &all)]);
    assert_eq!(
        (admitted.refused, admitted.docs[&doc].len()),
        (Vec::new(), 12)
    );
    // The same one by one, at another node.
    let single = node(&world, &world.district);
    for saved in &saves {
        assert_eq!(
            single.says(&world.commune, paper.sealed(&world.commune, saved)),
            None
        );
    }
    let state = |node: &Receiver| {
        let read = node.store.read().unwrap();
        let facts = read.facts(doc).unwrap().unwrap();
        Facts::decode(&facts).unwrap();
        (read.doc(doc).unwrap().unwrap().heads, facts)
    };
    assert_eq!(state(&district), state(&single));

    let read = district.store.read().unwrap();
    let sealed = read.changes_after(doc, 0).unwrap();
    let sealed: Vec<_> = sealed.iter().map(|row| !row.seal.is_empty()).collect();
    assert_eq!(sealed.iter().filter(|sealed| **sealed).count(), 1);
    drop(read);
    // However little may be read at once, what vouches comes along.
    let given = journal(&district, &world.root, 1);
    let admitted = province.hears(&world.district, incoming(given));
    assert_eq!(
        (admitted.refused, admitted.docs[&doc].len()),
        (Vec::new(), 12)
    );
    assert_eq!(state(&province), state(&single));
    // And the commune can write on there.
    let next = paper.save(FIRST, "II.1.1.a", "99");
    let others = paper.sealed(&world.district, &next);
    let conflict = Some(RefusalCode::CONFLICT);
    assert_eq!(
        province.says(&world.district, others),
        conflict,
        "it is the commune's actor"
    );
    assert_eq!(
        province.says(&world.commune, paper.sealed(&world.commune, &next)),
        None
    );
}

/// A chunk says "you have my journal through the last entry in it": nothing before may come later.
#[test]
fn whatever_lies_before_an_entry_has_been_sent_with_it() {
    let world = World::new();
    let node = node(&world, &world.district);
    let (mut one, mut other) = (Paper::of(COMMUNE), Paper::of(NEIGHBOUR));
    for number in 0..4 {
        let value = (number + 1).to_string();
        let saved = one.save(FIRST, "II.1.1.a", &value);
        assert_eq!(
            node.says(&world.commune, one.sealed(&world.commune, &saved)),
            None
        );
        let saved = other.save(SECOND, "II.1.1.a", &value);
        assert_eq!(
            node.says(&world.neighbour, other.sealed(&world.neighbour, &saved)),
            None
        );
    }
    let batch = journal(&node, &world.root, 1 << 14);
    assert!(batch.entries.is_sorted_by(|a, b| a.seq < b.seq));
    let read = node.store.read().unwrap();
    let stored = read.read_journal(Seq(0), 1_000, 1 << 20).unwrap().entries;
    let places: Vec<_> = stored
        .iter()
        .filter(|entry| entry.kind() == hopluu_model::EntryKind::Change)
        .map(|entry| (entry.seq, entry.object()))
        .collect();
    let firsts: Vec<_> = changes(&batch);
    assert_eq!(firsts.iter().map(|(_, count)| count).sum::<usize>(), 8);
    for (seq, object) in places {
        let its = |entry: &&hopluu_sync::Entry| entry.object == object && entry.seq <= seq;
        assert!(batch.entries.iter().any(|entry| its(&entry)), "{seq:?}");
    }
    assert_eq!(batch.through, stored.last().unwrap().seq);
}

#[test]
fn nobody_vouches_for_what_is_another_s_or_of_another_document() {
    let world = World::new();
    let node = node(&world, &world.district);
    let mut paper = Paper::of(COMMUNE);
    let saves = count(&mut paper, FIRST, 4);
    let signature = Some(RefusalCode::SIGNATURE);
    let holds = || {
        let read = node.store.read().unwrap();
        read.change_heads(paper.key.id()).unwrap().len()
    };
    // Without the sealed end.
    let seals = vec![Vec::new(); 4];
    let bare = seals.iter().zip(&saves);
    let bare: Vec<_> = bare
        .map(|(seal, saved)| Member {
            seal,
            change: &saved.bytes,
        })
        .collect();
    assert_eq!(
        node.says(&world.commune, of(&paper, pack(&bare))),
        signature
    );
    // The seal is on the same change of another document.
    let astray = seal(&Paper::of(NEIGHBOUR), &world.commune, &saves[3]);
    let mut members = bare.clone();
    members[3].seal = &astray;
    assert_eq!(
        node.says(&world.commune, of(&paper, pack(&members))),
        signature
    );
    // Under the name of another document.
    let all: Vec<_> = saves.iter().map(|saved| (&world.commune, saved)).collect();
    let renamed = of(&Paper::of(NEIGHBOUR), packet(&paper, &all).body);
    assert_eq!(node.says(&world.root, renamed), signature);
    assert_eq!(holds(), 0, "nothing of them is here");
    let damaged = of(&paper, vec![1, 1, 255]);
    assert_eq!(
        node.says(&world.commune, damaged),
        Some(RefusalCode::MALFORMED)
    );
    let unknown = of(&paper, vec![77]);
    assert_eq!(
        node.says(&world.commune, unknown),
        Some(RefusalCode::UNSUPPORTED)
    );
}

/// A copied disk: one actor has two changes of one number. What others wrote must not stay outside.
#[test]
fn what_cannot_come_in_keeps_out_only_what_hangs_on_it() {
    let world = World::new();
    let node = node(&world, &world.district);
    let mut paper = Paper::of(COMMUNE);
    let mut copied = Paper::of(COMMUNE);
    let own = copied.save(FIRST, "II.1.1.a", "7");
    assert_eq!(
        node.says(&world.commune, copied.sealed(&world.commune, &own)),
        None
    );

    let forked = count(&mut paper, FIRST, 3);
    let mut apart = Paper::of(COMMUNE);
    let others = count(&mut apart, SECOND, 3);
    let mixed = [
        (&world.commune, &forked[0]),
        (&world.district, &others[0]),
        (&world.commune, &forked[1]),
        (&world.district, &others[1]),
        (&world.district, &others[2]),
        (&world.commune, &forked[2]),
    ];
    let admitted = node.hears(&world.commune, vec![packet(&paper, &mixed)]);
    assert_eq!(admitted.refused[0].code, RefusalCode::CONFLICT);
    let came: Vec<_> = admitted.docs[&paper.key.id()]
        .iter()
        .map(|one| one.hash)
        .collect();
    assert_eq!(
        came,
        others.iter().map(|saved| saved.hash).collect::<Vec<_>>()
    );
}

#[test]
fn a_packet_waits_as_a_whole_and_comes_in_as_a_whole() {
    let world = World::new();
    let node = node(&world, &world.district);
    let mut paper = Paper::of(COMMUNE);
    let before = paper.save(SECOND, "II.1.1.b", "3");
    let saves = count(&mut paper, FIRST, 5);
    let all: Vec<_> = saves.iter().map(|saved| (&world.commune, saved)).collect();
    let refused = node.says(&world.commune, packet(&paper, &all));
    assert_eq!(refused, Some(RefusalCode::PARKED));
    let read = node.store.read().unwrap();
    assert_eq!(
        read.doc(paper.key.id()).unwrap(),
        None,
        "nothing of it is kept"
    );
    assert_eq!(read.parked_count().unwrap(), 1);
    drop(read);
    let admitted = node.hears(&world.commune, vec![paper.sealed(&world.commune, &before)]);
    assert_eq!(admitted.docs[&paper.key.id()].len(), 6);
    assert_eq!(node.store.read().unwrap().parked_count().unwrap(), 0);
    // Again, and a part of it with something new.
    let next = paper.edit(
        FIRST,
        &[Edit::SetNote {
            key: "II.1.1.a".parse().unwrap(),
            text: "theo sổ".to_owned(),
        }],
    );
    let again = [all.as_slice(), &[(&world.commune, &next)]].concat();
    let admitted = node.hears(
        &world.commune,
        vec![packet(&paper, &again), packet(&paper, &all)],
    );
    assert_eq!(admitted.refused, []);
    assert_eq!(admitted.docs[&paper.key.id()].len(), 1);
}

#[test]
fn an_unknown_author_in_a_packet_holds_up_nobody_else() {
    let world = World::new();
    let node = node(&world, &world.district);
    let stranger = world.district.enrols(9, COMMUNE, Some("police"));
    let mut paper = Paper::of(COMMUNE);
    let known = count(&mut paper, FIRST, 2);
    let mut apart = Paper::of(COMMUNE);
    let unknown = count(&mut apart, SECOND, 2);
    let mixed = [
        (&stranger, &unknown[0]),
        (&world.commune, &known[0]),
        (&world.commune, &known[1]),
        (&stranger, &unknown[1]),
    ];
    let admitted = node.hears(&world.commune, vec![packet(&paper, &mixed)]);
    assert_eq!(admitted.refused[0].code, RefusalCode::PARKED);
    assert_eq!(admitted.docs[&paper.key.id()].len(), 2);
    let certificate = world.district.certifies(&stranger);
    let admitted = node.hears(&world.district, vec![sent(&certificate)]);
    assert_eq!(admitted.docs[&paper.key.id()].len(), 2, "the rest of it");
    assert_eq!(node.store.read().unwrap().parked_count().unwrap(), 0);
}

/// One letter over and over takes 200 bytes to send, and 40,000 operations to read.
#[test]
fn a_push_that_is_much_work_takes_turns_with_others() {
    let world = World::new();
    let district = node(&world, &world.district);
    let form = crate::testing::form();
    let (section, office) = form.texts().next().unwrap();
    let long = [COMMUNE, NEIGHBOUR].map(|of| {
        let mut paper = Paper::of(of);
        let text = Edit::SetText {
            section: section.id.clone(),
            office: office.clone(),
            text: "a".repeat(hopluu_doc::limits::TEXT_CHARS_MAX),
        };
        let saved = paper.edit(FIRST, &[text]);
        packet(&paper, &[(&world.district, &saved)])
    });
    assert!(long.iter().all(|entry| entry.body.len() < 50_000));
    let first = district.hears(&world.root, long.to_vec());
    assert_eq!((first.judged, first.docs.len()), (1, 1), "the rest waits");
    let second = district.hears(&world.root, long[first.judged..].to_vec());
    assert_eq!((second.judged, second.refused), (1, Vec::new()));
    // And what is read for another peer goes as far as one of them.
    let other = Place {
        node: NodeId([99; 32]),
        ..world.root.place.clone()
    };
    let read = district.store.read().unwrap();
    let scope = Scope::new(Arc::new(tree()), Arc::new(NoReaders), other);
    let last = read.last_seq().unwrap();
    let next = |after| {
        let stretch = Stretch {
            after,
            through: last,
            ahead: Ahead::default(),
            scope: &scope,
            outline: None,
        };
        stretch.read_in_order(&read, 16 << 10).unwrap()
    };
    let batch = next(Seq(0));
    assert!(batch.through < last, "{:?} of {last:?}", batch.through);
    assert_eq!(changes(&batch).len(), 1);
    assert_eq!(changes(&next(batch.through)).len(), 1);
}

/// What waits is as dear to read when it is tried again.
#[test]
fn what_has_waited_and_is_much_work_takes_turns_with_others() {
    let world = World::new();
    let district = Receiver::new(&world.district);
    district.hears(&world.root, vec![sent(&world.root.tree())]);
    let certificate = world.district.certifies(&world.commune);
    district.hears(&world.district, vec![sent(&certificate)]);
    let form = crate::testing::form();
    let (section, office) = form.texts().next().unwrap();
    for of in [COMMUNE, NEIGHBOUR] {
        let mut paper = Paper::of(of);
        let text = Edit::SetText {
            section: section.id.clone(),
            office: office.clone(),
            text: "a".repeat(hopluu_doc::limits::TEXT_CHARS_MAX),
        };
        let saved = paper.edit(FIRST, &[text]);
        let refused = district.says(&world.root, packet(&paper, &[(&world.district, &saved)]));
        assert_eq!(refused, Some(RefusalCode::PARKED));
    }
    let mut admitted = district.hears(&world.root, vec![sent(&world.root.form())]);
    let mut came = vec![admitted.docs.len()];
    while !admitted.left.is_empty() {
        admitted = district.goes_on(admitted.left);
        came.push(admitted.docs.len());
    }
    assert_eq!(came, [1, 1], "one in each transaction");
    assert_eq!(district.store.read().unwrap().parked_count().unwrap(), 0);
}
