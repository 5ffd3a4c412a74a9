//! Group commit, order, queue bounds, and the simulated power cut.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use hopluu_store::limits::{GROUP_JOBS_MAX, QUEUE_JOBS_MAX, READERS_MAX};
use hopluu_store::{AppendError, DbError, FILE_NAME, Medium, OpenOptions, Store, WriteError};

use crate::sample::{EPOCH, append, count, doc, fill};

fn in_memory() -> Store {
    Store::open_manual(&Medium::Memory, &OpenOptions::create(EPOCH)).expect("a store")
}

/// Holds the writer in a job until the returned sender goes.
fn hold(store: &Store) -> std::sync::mpsc::Sender<()> {
    let (go, gate) = channel::<()>();
    let (started, has_started) = channel();
    store.submit(
        move |_| {
            started.send(()).ok();
            gate.recv().ok();
            Ok::<_, DbError>(())
        },
        |_| {},
    );
    has_started.recv().expect("the writer runs");
    go
}

fn submit_many(store: &Store, jobs: usize) -> Receiver<(usize, bool)> {
    let (told, fates) = channel();
    for n in 0..jobs {
        let told = told.clone();
        store.submit(
            move |tx| tx.put_doc(&doc(u32::try_from(n).expect("small"))),
            move |answer| {
                told.send((n, answer.is_ok())).ok();
            },
        );
    }
    fates
}

#[test]
fn many_jobs_share_a_commit() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let store = Store::open(&path, &OpenOptions::create(EPOCH)).unwrap();
    let go = hold(&store);
    let jobs = GROUP_JOBS_MAX * 2 + 10;
    let fates = submit_many(&store, jobs);
    drop(go);
    let told: Vec<_> = fates.iter().collect();
    let expected: Vec<_> = (0..jobs).map(|n| (n, true)).collect();
    assert_eq!(told, expected, "each done once, in the order of the queue");
    let stats = store.stats();
    assert_eq!(stats.jobs, jobs as u64 + 1);
    assert_eq!(
        stats.commits,
        1 + 3,
        "the held one, two full groups and the rest"
    );
    assert_eq!(stats.failures, 0);
}

#[test]
fn a_refused_job_does_not_touch_its_group() {
    let store = in_memory();
    let fates: Arc<Mutex<Vec<_>>> = Arc::default();
    for n in [1, 2, 3] {
        let fates = Arc::clone(&fates);
        store.submit(
            move |tx| {
                tx.put_doc(&doc(n))?;
                // The second one skips a change.
                append(tx, n, if n == 2 { 2 } else { 1 }, None)
            },
            move |answer| fates.lock().unwrap().push(answer.is_ok()),
        );
    }
    assert_eq!(store.pump(), 3);
    assert_eq!(*fates.lock().unwrap(), [true, false, true]);
    assert_eq!(store.stats().commits, 1);
    assert_eq!(count(&store), 2);
    assert_eq!(store.pump(), 0);
}

#[test]
fn a_full_queue_answers_at_once() {
    let store = in_memory();
    let fates = submit_many(&store, QUEUE_JOBS_MAX);
    assert_eq!(
        fates.try_iter().count(),
        0,
        "nothing is told before the commit"
    );
    let (told, fate) = channel();
    store.submit(
        |_| Ok::<_, DbError>(()),
        move |answer| {
            told.send(matches!(answer, Err(WriteError::Overloaded)))
                .ok();
        },
    );
    assert_eq!(fate.try_recv(), Ok(true));
    assert_eq!(store.pump(), QUEUE_JOBS_MAX);
    assert!(fates.iter().all(|(_, is_saved)| is_saved));
}

#[test]
fn a_panicking_done_stops_nobody() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let store = Store::open(&path, &OpenOptions::create(EPOCH)).unwrap();
    store.submit(|tx| tx.put_doc(&doc(1)), |_| panic!("a bug in a done"));
    fill(&store, 2, 1);
    assert_eq!(count(&store), 2);
}

#[test]
fn a_power_cut_keeps_what_was_committed_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let file = Medium::File(home.path().join(FILE_NAME));
    for medium in [Medium::Memory, file] {
        let store = Store::open_manual(&medium, &OpenOptions::create(EPOCH)).unwrap();
        fill(&store, 1, 2);
        let fates = submit_many(&store, 5);
        let back = store.crash().unwrap();
        assert_eq!(fates.iter().count(), 0, "a lost job's done is never told");
        assert_eq!(count(&back), 1);
        assert_eq!(back.read().unwrap().last_seq().unwrap().0, 2);
        assert!(matches!(store.read(), Err(DbError::Closed)));
        let late = store.write(|tx| tx.put_doc(&doc(9)));
        assert!(matches!(late, Err(WriteError::Closed)));
        assert!(store.crash().is_none(), "the disk belongs to the other");
        fill(&back, 2, 1);
        assert_eq!(count(&back), 2);
    }
}

#[test]
fn dropping_the_last_handle_writes_what_is_queued() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let store = Store::open(&path, &OpenOptions::create(EPOCH)).unwrap();
    let fates = submit_many(&store, 100);
    drop(store);
    assert_eq!(fates.iter().filter(|(_, is_saved)| *is_saved).count(), 100);
    assert!(
        !path.with_extension("db-wal").exists(),
        "the log is folded in"
    );
    let store = Store::open(&path, &OpenOptions::existing()).unwrap();
    assert_eq!(count(&store), 100);
}

#[test]
fn a_handle_dropped_within_a_done_does_not_wait_for_itself() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let store = Store::open(&path, &OpenOptions::create(EPOCH)).unwrap();
    let (told, fate) = channel();
    let last = store.clone();
    let go = hold(&store);
    store.submit(
        |tx| tx.put_doc(&doc(1)),
        move |answer| {
            drop(last);
            told.send(answer.is_ok()).ok();
        },
    );
    drop(store);
    drop(go);
    assert_eq!(fate.recv(), Ok(true));
}

#[test]
fn readers_see_one_state_while_writing_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let store = Store::open(&path, &OpenOptions::create(EPOCH)).unwrap();
    fill(&store, 1, 1);
    let readers: Vec<_> = (0..READERS_MAX).map(|_| store.read().unwrap()).collect();
    let seen = readers[0].consistent(|read| {
        let before = read.last_seq()?;
        store
            .write(|tx| append(tx, 1, 2, None))
            .map_err(|_| DbError::Closed)?;
        Ok::<_, DbError>((before, read.last_seq()?))
    });
    let (before, after) = seen.unwrap();
    assert_eq!(before, after);
    assert_eq!(readers[1].last_seq().unwrap().0, 2);
    // The bound on readers: one more waits until one comes back.
    let waiting = std::thread::spawn({
        let store = store.clone();
        move || store.read().map(|read| read.last_seq()).is_ok()
    });
    drop(readers);
    assert!(waiting.join().unwrap());
}

#[test]
fn a_job_may_hold_every_kind_of_error() {
    let store = in_memory();
    let refused = store.write(|tx| append(tx, 1, 1, None));
    let Err(error) = refused else {
        panic!("the document is not there");
    };
    let fault = error.fault(AppendError::fault);
    assert_eq!(fault, hopluu_model::Fault::Bug);
}
