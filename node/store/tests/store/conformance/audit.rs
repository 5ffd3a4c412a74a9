use hopluu_model::{Seq, Timestamp};
use hopluu_store::limits::{
    ARRIVAL_STEP_MS, PRIVATE_READS_MAX, PUBLICATION_BYTES_MAX, REFUSALS_MAX,
};
use hopluu_store::{AppendError, DbError, PrivateRead, PublicationRow, RefusalRow, Store};

use crate::sample::{append, doc, doc_id, hash, node, private_read, publication, refusal};

pub(crate) fn who_brought_a_change_and_when_is_remembered(store: &Store) {
    let day = 24 * 3_600_000;
    for (number, at) in [(1, day), (2, day + 1_000), (3, day + ARRIVAL_STEP_MS)] {
        let come = store.write(move |tx| {
            tx.put_doc(&doc(1))?;
            append(tx, 1, number, (number == 2).then(|| node(5)))?;
            tx.note_arrival(Timestamp(at))?;
            // Nothing has come since.
            tx.note_arrival(Timestamp(at + day))?;
            Ok::<_, AppendError>(())
        });
        come.unwrap();
    }
    let read = store.read().unwrap();
    let brought = read.brought(doc_id(1)).unwrap();
    let expected = [
        (hash(1, 1), Seq(1), None),
        (hash(1, 2), Seq(2), Some(node(5))),
        (hash(1, 3), Seq(3), None),
    ];
    assert_eq!(brought, expected);
    let times: Vec<_> = (1..=4).map(|seq| read.arrived(Seq(seq)).unwrap()).collect();
    let (first, next) = (Timestamp(day), Timestamp(day + ARRIVAL_STEP_MS));
    assert_eq!(times, [Some(first), Some(first), Some(next), None]);
    assert_eq!(read.brought(doc_id(9)).unwrap(), []);
}

pub(crate) fn reads_of_private_lines_are_one_row_a_day_and_bounded(store: &Store) {
    let noted = store.write(|tx| {
        for day in 0..=i64::from(PRIVATE_READS_MAX) {
            tx.note_private_read(&private_read(day, "lan"))?;
        }
        let again = PrivateRead {
            last: Timestamp(7_000_000),
            count: 2,
            ..private_read(i64::from(PRIVATE_READS_MAX), "lan")
        };
        tx.note_private_read(&again)
    });
    noted.unwrap();
    let read = store.read().unwrap();
    let all = read.private_reads(i64::MIN).unwrap();
    assert_eq!(all.len(), PRIVATE_READS_MAX as usize);
    assert_eq!(all[0].day, 1, "the oldest has gone");
    let last = read.private_reads(i64::from(PRIVATE_READS_MAX)).unwrap();
    assert_eq!((last.len(), last[0].count), (1, 3));
    assert_eq!(last[0].last, Timestamp(7_000_000));
    drop(read);
    let long = PrivateRead {
        who: "a".repeat(200),
        ..private_read(1, "")
    };
    let refused = store.write(move |tx| tx.note_private_read(&long));
    assert!(refused.is_err());
}

pub(crate) fn refusals_are_counted_by_whom_and_why_and_bounded(store: &Store) {
    let noted = store.write(|tx| {
        for number in 0..=REFUSALS_MAX {
            tx.note_refusal(&refusal(number, i64::from(number)))?;
        }
        for _ in 0..100 {
            tx.note_refusal(&refusal(REFUSALS_MAX, 1_000_000))?;
        }
        let nobody = RefusalRow {
            node: None,
            ..refusal(0, 2_000_000)
        };
        tx.note_refusal(&nobody)?;
        Ok::<_, DbError>(())
    });
    noted.unwrap();
    let all = store.read().unwrap().refusals().unwrap();
    assert_eq!(all.len(), REFUSALS_MAX as usize);
    assert_eq!(all[0].node, None, "the last comes first");
    assert_eq!((all[1].count, all[1].last), (101, Timestamp(1_000_000)));
    assert_eq!(all[1].first, Timestamp(i64::from(REFUSALS_MAX)));
    let oldest = all.last().unwrap();
    assert_eq!(
        oldest.last,
        Timestamp(2),
        "what was not refused for the longest has gone"
    );
}

pub(crate) fn what_was_published_is_noted_once_and_only_by_whoever_knows_all_of_it(store: &Store) {
    let publish = |number: u8, at: i64, known: usize| {
        let row = publication(number, at);
        store.write(move |tx| tx.publish(&row, known)).unwrap()
    };
    assert!(publish(1, 100, 0));
    // Somebody who has not seen the first.
    assert!(!publish(2, 200, 0));
    assert!(publish(2, 200, 1));
    assert!(publish(1, 300, 2), "the same again");
    let read = store.read().unwrap();
    let (form, period) = ("pcmd-review".parse().unwrap(), "2026-H1".parse().unwrap());
    let again = PublicationRow {
        last: Timestamp(300),
        count: 2,
        ..publication(1, 100)
    };
    let both = [again, publication(2, 200)];
    assert_eq!(read.publications(&form, &period).unwrap(), both);
    let other = "2026-H2".parse().unwrap();
    assert_eq!(read.publications(&form, &other).unwrap(), []);
    let listed = read.publication_list().unwrap();
    assert_eq!((listed[0].count, listed[1].count), (2, 1));
    assert!(listed.iter().all(|row| row.body.is_empty()));
    drop(read);
    // By another major version of the form it is the same series: readers keep all of it.
    let major = PublicationRow {
        major: 2,
        ..publication(1, 350)
    };
    assert!(store.write(move |tx| tx.publish(&major, 2)).unwrap());
    let read = store.read().unwrap();
    assert_eq!(read.publications(&form, &period).unwrap().len(), 3);
    drop(read);
    let large = PublicationRow {
        body: vec![0; PUBLICATION_BYTES_MAX + 1],
        ..publication(3, 400)
    };
    assert!(store.write(move |tx| tx.publish(&large, 3)).is_err());
}
