//! Keys: joins that are cut off, tickets that two use, codes of tickets, and a lost root made again from paper.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use crate::world::{COMMUNE, DISTRICT, Done, Home, World, path_text, rows, text_at, until};

/// How often a gate looks whether it is still needed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Most datagrams that an issuer says in an exchange; a test that needs more has found something.
const DATAGRAMS_MAX: u32 = 40;

/// A way to an issuer that takes everything there, and back only so many datagrams.
struct Gate {
    addr: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    left: AtomicU32,
    has_withheld: AtomicBool,
    is_over: AtomicBool,
    caller: Mutex<Option<SocketAddr>>,
}

impl Gate {
    fn to(issuer: &str) -> Self {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let bind = || UdpSocket::bind(here).expect("a free port");
        let (near, far) = (Arc::new(bind()), Arc::new(bind()));
        far.connect(issuer).expect("an address");
        for socket in [&near, &far] {
            let set = socket.set_read_timeout(Some(LOOK_EVERY));
            set.expect("a plain socket");
        }
        let addr = near.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        let threads = vec![
            std::thread::spawn({
                let (near, far, shared) = (near.clone(), far.clone(), shared.clone());
                move || carry_up(&near, &far, &shared)
            }),
            std::thread::spawn({
                let shared = shared.clone();
                move || carry_down(&far, &near, &shared)
            }),
        ];
        Self {
            addr,
            shared,
            threads,
        }
    }

    fn lets_through(&self, datagrams: u32) {
        self.shared.has_withheld.store(false, Ordering::SeqCst);
        self.shared.left.store(datagrams, Ordering::SeqCst);
    }

    fn has_withheld(&self) -> bool {
        self.shared.has_withheld.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

fn carry_up(near: &UdpSocket, far: &UdpSocket, shared: &Shared) {
    let mut bytes = [0; 2048];
    while !shared.is_over.load(Ordering::SeqCst) {
        let Ok((len, from)) = near.recv_from(&mut bytes) else {
            continue;
        };
        *shared.caller.lock().expect("nobody panics here") = Some(from);
        let _lost = far.send(bytes.get(..len).unwrap_or_default());
    }
}

fn carry_down(far: &UdpSocket, near: &UdpSocket, shared: &Shared) {
    let mut bytes = [0; 2048];
    while !shared.is_over.load(Ordering::SeqCst) {
        let Ok(len) = far.recv(&mut bytes) else {
            continue;
        };
        let left = shared.left.load(Ordering::SeqCst);
        let caller = *shared.caller.lock().expect("nobody panics here");
        match (left.checked_sub(1), caller) {
            (Some(less), Some(caller)) => {
                shared.left.store(less, Ordering::SeqCst);
                let _lost = near.send_to(bytes.get(..len).unwrap_or_default(), caller);
            }
            _ => shared.has_withheld.store(true, Ordering::SeqCst),
        }
    }
}

fn key_of(home: &Home) -> String {
    fs::read_to_string(home.file("key")).expect("the key is on disk before the first packet")
}

#[test]
fn a_join_that_is_killed_anywhere_in_its_exchange_goes_on_with_its_key_and_ticket() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    let gate = Gate::to(text_at(&district.ready, "/listen"));
    let address = gate.addr.to_string();
    let (mut cuts, mut is_through) = (0, false);
    for datagrams in 0..DATAGRAMS_MAX {
        let home = world.home(&format!("c{datagrams}"));
        let ticket = district.home.ticket(&[COMMUNE, "--address", &address]);
        gate.lets_through(datagrams);
        let joining = home.command(&["--json", "join", &ticket]).spawn();
        let mut joining = joining.expect("the program starts");
        let mut ended = None;
        until("the joiner is held up, or has joined", || {
            ended = joining.try_wait().expect("it is our child");
            ended.is_some() || gate.has_withheld()
        });
        if let Some(ended) = ended {
            assert!(ended.success(), "after {datagrams} datagrams: {ended}");
            home.refuses(&["join", &ticket], 2, "M-2102");
            // As a kill between its last files leaves it.
            let begun = home.file("node.toml.new");
            fs::rename(home.file("node.toml"), begun).expect("they are ours");
            gate.lets_through(u32::MAX);
            let key = key_of(&home);
            home.ask(&["join", &ticket]);
            assert_eq!(key_of(&home), key);
            is_through = true;
            break;
        }
        let key = key_of(&home);
        joining.kill().expect("it is our child");
        joining.wait().expect("it is our child");
        // It may have been through at the last moment; a home that is whole is as good.
        gate.lets_through(u32::MAX);
        if !home.file("node.toml").exists() {
            cuts += 1;
            let joined = home.ask(&["join", &ticket]);
            assert_eq!(text_at(&joined, "/unit"), COMMUNE);
        }
        assert_eq!(key_of(&home), key, "after {datagrams} datagrams");
        let thief = world.home(&format!("t{datagrams}"));
        thief.refuses(&["join", &ticket], 2, "M-2208");
    }
    assert!(is_through && cuts >= 3, "{cuts} cuts");
}

#[test]
fn of_two_that_use_a_ticket_at_the_same_moment_one_is_let_in() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    for round in 0..4 {
        let ticket = district.home.ticket(&[COMMUNE]);
        let homes = ["a", "b"].map(|name| world.home(&format!("{name}{round}")));
        let joining = homes.each_ref().map(|home| {
            let started = home.command(&["--json", "join", &ticket]).spawn();
            started.expect("the program starts")
        });
        let done = joining.map(|child| Done::of(child.wait_with_output()));
        let mut codes = done.each_ref().map(|done| done.code);
        codes.sort_unstable();
        assert_eq!(codes, [0, 2], "{done:?}");
        let refused = done.iter().find(|done| done.code == 2);
        let refused = refused.map(|done| done.err.contains("M-2208"));
        assert_eq!(refused, Some(true), "{done:?}");
        // The one that was let in works, and the other has kept nothing.
        for (home, done) in homes.iter().zip(&done) {
            let status = home.tell(&["--json", "status"]);
            assert_eq!(status.code == 0, done.code == 0, "{status:?}");
        }
    }
}

#[test]
fn a_ticket_travels_as_a_code() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    let code = path_text(&world.path("ticket.png"));
    let invited = district.home.ask(&["invite", COMMUNE, "--qr", &code]);
    let commune = world.home("c");
    let joined = commune.ask(&["join", &code]);
    assert_eq!(joined["unit"], invited["unit"]);
    // It is the same ticket as the text.
    let thief = world.home("d");
    thief.refuses(&["join", text_at(&invited, "/ticket")], 2, "M-2208");
}

fn restoring<'a>(address: &'a str, shares: &[&'a str]) -> Vec<&'a str> {
    [&["root", "restore", "--listen", address], shares].concat()
}

#[test]
fn a_lost_root_is_made_again_by_three_of_five_and_gets_back_what_it_held() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    commune.home.set(&["II.1.1.a=42"]);
    until("the report is there", || commune.home.has_arrived());
    let address = text_at(&district.ready, "/listen").to_owned();
    let before = district.home.ask(&["status"]);
    let out = path_text(&world.path("shares"));
    let backup = ["root", "backup", "--out", &out];
    district.home.refuses(&backup, 1, "M-2018");
    let lost = district.stop();
    let written = lost.ask(&backup);
    let files: Vec<&str> = rows(&written, "")
        .iter()
        .map(|row| text_at(row, "/file"))
        .collect();
    assert_eq!(files.len(), 5);
    lost.refuses(&backup, 2, "M-2050");
    let commune = commune.stop();
    commune.refuses(&backup, 2, "M-2221");
    let _commune = commune.start();
    fs::remove_dir_all(&lost.dir).expect("the machine is lost");

    let root = world.home("new");
    let refuses = |shares: &[&str], code: &str| {
        root.refuses(&restoring(&address, shares), 2, code);
        root.refuses(&["status"], 2, "M-2101");
    };
    refuses(&[files[0], files[4]], "M-2226");
    let text = fs::read_to_string(files[1]).expect("it was written");
    let damaged = world.file("damaged.txt", &text.replacen("-2-", "-2-A", 1));
    refuses(&[files[0], &damaged, files[4]], "M-2223");

    let made = root.ask(&restoring(&address, &[files[4], files[0], files[2]]));
    assert_eq!(
        (&made["node"], &made["root"]),
        (&before["node"], &before["root"])
    );
    let root = root.start();
    until("the commune has given back what the root has lost", || {
        root.home.figure(COMMUNE, "II.1.1.a") == json!("42")
    });
    let peers = root.home.ask(&["status"]);
    assert_eq!(rows(&peers, "/peers").len(), 1);
}
