//! kill -9 at random moments: what was confirmed is there, and nothing is half there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use hopluu_store::{AppendError, Encryption, FILE_NAME, Found, OpenOptions, Store};

use crate::sample::{EPOCH, append_sized, body, doc, doc_id, encryption};

const KILLS: u64 = 10;

/// The child: writes without end and prints each change as it is confirmed.
#[test]
fn writing_child() {
    let Some(home) = std::env::var_os("STORE_CRASH_HOME") else {
        return;
    };
    let path = Path::new(&home).join(FILE_NAME);
    let key = std::env::var_os("STORE_CRASH_ENCRYPTED").map(|_| encryption(1));
    let store = Store::open(&path, &OpenOptions::create(EPOCH).encrypted(key)).unwrap();
    store.write(|tx| tx.put_doc(&doc(1))).unwrap();
    let row = store.read().unwrap().doc(doc_id(1)).unwrap().unwrap();
    let first = u32::try_from(row.changes).unwrap() + 1;
    for n in first.. {
        let bytes = 40 + (n as usize * 997) % 9_000;
        store.submit(
            move |tx| {
                append_sized(tx, 1, n, bytes, None)?;
                tx.put_facts(doc_id(1), &body(1, n, 500))?;
                Ok::<_, AppendError>(())
            },
            move |answer| {
                answer.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "saved {n}")
                    .and_then(|()| out.flush())
                    .unwrap();
            },
        );
        if n % 7 == 0 {
            // Lets the queue run dry now and then, so that groups differ in size.
            store.write(|_| Ok::<_, AppendError>(())).unwrap();
        }
    }
}

#[test]
fn nothing_confirmed_is_lost_over_kills() {
    kills(None);
}

#[test]
fn nothing_confirmed_is_lost_over_kills_of_an_encrypted_database() {
    kills(Some(encryption(1)));
}

fn kills(key: Option<Encryption>) {
    let existing = OpenOptions::existing().encrypted(key);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let mut confirmed = 0;
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::writing_child", "--exact", "--nocapture"])
            .env("STORE_CRASH_HOME", home.path())
            .envs(
                existing
                    .encryption
                    .as_ref()
                    .map(|_| ("STORE_CRASH_ENCRYPTED", "1")),
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (writes, writing) = channel();
        let reader = thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .filter_map(|line| line.rsplit_once("saved ")?.1.parse::<u64>().ok())
                .inspect(|_| {
                    // Nobody waits in the early rounds, nor for more than the first.
                    let _heard = writes.send(());
                })
                .max()
        });
        // Early kills meet the opening, later ones the writing and the folding of the log, however long a busy
        // machine takes to get there.
        if round >= KILLS / 2 {
            writing.recv().unwrap();
        }
        thread::sleep(Duration::from_millis(15 + round * 47 % 260));
        child.kill().unwrap();
        child.wait().unwrap();
        confirmed = confirmed.max(reader.join().unwrap().unwrap_or(0));
        if !path.exists() {
            continue;
        }
        let store = Store::open(&path, &existing).unwrap();
        let read = store.read().unwrap();
        let changes = read.doc(doc_id(1)).unwrap().map_or(0, |row| row.changes);
        assert!(changes >= confirmed, "{changes} of {confirmed} confirmed");
        assert_eq!(read.last_seq().unwrap().0, changes);
        let findings = read.check().unwrap();
        assert!(
            findings
                .iter()
                .all(|finding| finding.found == Found::FactsMissing && changes == 0),
            "{findings:?}"
        );
    }
    assert!(confirmed > 50, "the child wrote {confirmed}");
}
