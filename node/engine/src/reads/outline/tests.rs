use hopluu_model::{Place, RecordHash, Timestamp};
use hopluu_store::{ReceiptRow, RecordRow, Store};
use hopluu_sync::{Ahead, Class, Scope};

use super::*;
use crate::reads::Stretch;
use crate::testing::{
    COMMUNE, DISTRICT, NEIGHBOUR, OTHER_DISTRICT, PROVINCE, Paper, Receiver, Someone, tree, unit,
};

const UNITS: [&str; 5] = [PROVINCE, DISTRICT, OTHER_DISTRICT, COMMUNE, NEIGHBOUR];

fn node(number: u8) -> NodeId {
    NodeId([number; 32])
}

fn place(of: &str, office: Option<&str>) -> Place {
    Place {
        node: node(9),
        unit: unit(of),
        office: office.map(|office| office.parse().unwrap()),
    }
}

fn hash_of(number: usize) -> RecordHash {
    RecordHash(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// So many records of all units by turns, some of which came from the peer that asks.
fn put_records(store: &Store, numbers: std::ops::Range<usize>) {
    let put = store.write(move |tx| {
        for number in numbers {
            let record = RecordRow {
                hash: hash_of(number),
                kind: 2,
                unit: unit(UNITS[number % UNITS.len()]),
                body: vec![1],
            };
            let origin = (number % 7 == 3).then(|| node(9));
            tx.put_record(&record, origin)?;
        }
        Ok::<_, DbError>(())
    });
    put.unwrap();
}

fn put_receipt(store: &Store, number: u8) {
    let put = store.write(move |tx| {
        let receipt = ReceiptRow {
            doc: Paper::of(COMMUNE).key.id(),
            by: unit(DISTRICT),
            unit: unit(COMMUNE),
            hash: hash_of(100_000 + usize::from(number)),
            at: Timestamp(i64::from(number)),
            body: vec![number],
        };
        tx.put_receipt(&receipt, None)
    });
    put.unwrap();
}

fn store() -> Store {
    Receiver::new(&Someone::root()).store
}

fn caught_up(store: &Store) -> Outline {
    let mut outline = Outline::default();
    outline.catch_up(&store.read().unwrap()).unwrap();
    outline
}

/// What is owed to a peer, however often has to be asked.
fn owed(
    store: &Store,
    outline: Option<&Outline>,
    peer: &Place,
    after: u64,
    ahead: &[u64],
) -> Vec<u64> {
    let read = store.read().unwrap();
    let (scope, through) = (
        Scope::new(
            Arc::new(tree()),
            Arc::new(hopluu_sync::NoReaders),
            peer.clone(),
        ),
        read.last_seq().unwrap(),
    );
    let (mut list, mut after) = (Vec::new(), Seq(after));
    while after < through {
        let stretch = Stretch {
            after,
            through,
            ahead: ahead.iter().copied().map(Seq).collect::<Ahead>(),
            scope: &scope,
            outline,
        };
        let (owed, looked_at) = stretch.owed(&read, 300).unwrap();
        assert!(looked_at > after && looked_at <= through);
        list.extend(owed.iter().map(|entry| entry.seq.0));
        after = looked_at;
    }
    list
}

#[test]
fn what_is_in_memory_is_owed_as_what_is_on_disk() {
    let store = store();
    put_records(&store, 0..1_000);
    let outline = caught_up(&store);
    for of in UNITS {
        for office in [None, Some("police")] {
            for (after, ahead) in [(0, &[][..]), (4, &[6, 7, 600]), (999, &[]), (1_000, &[])] {
                let peer = place(of, office);
                let found = owed(&store, Some(&outline), &peer, after, ahead);
                assert_eq!(
                    found,
                    owed(&store, None, &peer, after, ahead),
                    "{of} {after}"
                );
            }
        }
    }
    let neighbours = owed(&store, Some(&outline), &place(NEIGHBOUR, None), 0, &[]);
    assert!(neighbours.len() > 300 && neighbours.len() < 600);
}

#[test]
fn what_came_since_it_was_looked_at_is_owed_too() {
    let store = store();
    put_records(&store, 0..40);
    let mut outline = caught_up(&store);
    put_records(&store, 40..90);
    let peer = place(DISTRICT, None);
    let all = owed(&store, None, &peer, 0, &[]);
    assert_eq!(owed(&store, Some(&outline), &peer, 0, &[]), all);
    outline.catch_up(&store.read().unwrap()).unwrap();
    assert_eq!(outline.through(), Seq(90));
    assert_eq!(owed(&store, Some(&outline), &peer, 0, &[]), all);
}

#[test]
fn what_is_older_than_memory_is_read_from_the_disk() {
    let store = store();
    put_records(&store, 0..30);
    let mut outline = caught_up(&store);
    put_records(&store, 30..OUTLINE_KEPT_MAX + 20);
    outline.catch_up(&store.read().unwrap()).unwrap();
    let from_nothing = caught_up(&store);
    let peer = place(COMMUNE, None);
    for outline in [&outline, &from_nothing] {
        assert_eq!(outline.rows.len(), OUTLINE_KEPT_MAX);
        assert_eq!(outline.after(), Seq(20));
        for after in [0, 11, 20, 21, 30_000] {
            let found = owed(&store, Some(outline), &peer, after, &[]);
            assert_eq!(found, owed(&store, None, &peer, after, &[]), "{after}");
        }
    }
    // Whoever was not looked at for long begins anew.
    put_records(&store, OUTLINE_KEPT_MAX + 20..2 * OUTLINE_KEPT_MAX + 100);
    outline.catch_up(&store.read().unwrap()).unwrap();
    assert_eq!(outline.rows.len(), OUTLINE_KEPT_MAX);
    assert!(outline.holds(outline.after(), outline.through()) && outline.after() > Seq(30));
}

#[test]
fn what_was_superseded_since_goes_nowhere_and_holds_nothing_back() {
    let store = store();
    put_receipt(&store, 1);
    let mut outline = caught_up(&store);
    put_receipt(&store, 2);
    outline.catch_up(&store.read().unwrap()).unwrap();
    let read = store.read().unwrap();
    let scope = Scope::new(
        Arc::new(tree()),
        Arc::new(hopluu_sync::NoReaders),
        place(COMMUNE, None),
    );
    let stretch = Stretch {
        after: Seq(0),
        through: Seq(2),
        ahead: Ahead::default(),
        scope: &scope,
        outline: Some(&outline),
    };
    let (batch, _) = stretch
        .read(&read, 16 << 10, Class::Attachments, &|_| 0)
        .unwrap();
    let bodies: Vec<_> = batch.entries.iter().map(|entry| &entry.body).collect();
    assert_eq!((bodies, batch.through), (vec![&vec![2]], Seq(2)));
}

#[test]
fn news_are_what_came_since_where_that_is_little() {
    let store = store();
    put_records(&store, 0..10);
    let outline = caught_up(&store);
    let news = outline.news(Seq(7)).unwrap();
    assert_eq!(news.after, Seq(7));
    let units: Vec<_> = news
        .entries
        .iter()
        .map(|entry| entry.unit.clone())
        .collect();
    assert_eq!(units, [7, 8, 9].map(|number| unit(UNITS[number % 5])));
    put_records(&store, 10..11 + NEWS_MAX);
    let outline = caught_up(&store);
    assert_eq!(outline.news(Seq(10)), None);
    assert_eq!(outline.news(Seq(11)).unwrap().entries.len(), NEWS_MAX);
}
