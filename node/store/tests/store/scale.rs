//! Sizes of a large node. Times are bounds of the release build with room for a debug one and a
//! busy machine; the bench prints what is seen.

use std::time::{Duration, Instant};

use hopluu_store::{AppendError, FILE_NAME, OpenOptions, Store};

use crate::sample::{EPOCH, append, body, doc, doc_id};

const DOCS: u32 = 10_595;

fn large(path: &std::path::Path) {
    let store = Store::open(path, &OpenOptions::create(EPOCH)).expect("a new store");
    for chunk in 0..DOCS.div_ceil(500) {
        let filled = store.write(move |tx| {
            for n in chunk * 500..(chunk * 500 + 500).min(DOCS) {
                tx.put_doc(&doc(n))?;
                append(tx, n, 1, None)?;
                tx.put_facts(doc_id(n), &body(n, 0, 1_000))?;
            }
            Ok::<_, AppendError>(())
        });
        filled.expect("a sound store takes it");
    }
    store.close().expect("a clean close");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a line");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number")
}

#[test]
fn a_large_node_opens_fast_and_stays_small() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    large(&path);
    let begun = Instant::now();
    let store = Store::open(&path, &OpenOptions::existing()).unwrap();
    let read = store.read().unwrap();
    assert_eq!(read.doc_count().unwrap(), u64::from(DOCS));
    let opened = begun.elapsed();

    let form = "pcmd-review".parse().unwrap();
    let half = "2026-H1".parse().unwrap();
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let (mut rows, mut bytes) = (0, 0);
        read.for_each_facts(&form, 1, &half, |row| {
            rows += 1;
            bytes += row.body.len() + row.heads.len();
        })
        .unwrap();
        fastest = fastest.min(begun.elapsed());
        assert_eq!((rows, bytes), (DOCS, DOCS as usize * 1_032));
    }
    let begun = Instant::now();
    let mut items = 0;
    read.for_each_item(|_| items += 1).unwrap();
    let listed = begun.elapsed();
    let resident = resident_kib();
    println!(
        "opened in {opened:?}, facts in {fastest:?}, {items} items in {listed:?}, {resident} KiB"
    );
    assert!(opened < Duration::from_secs(1), "{opened:?}");
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    assert!(listed < Duration::from_millis(300), "{listed:?}");
    assert!(resident < 40 << 10, "{resident} KiB");
}
