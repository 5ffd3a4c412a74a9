//! Neighbours that find each other by mDNS, on a network of the test's own that leads nowhere else.

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{
    COMMUNE, DISTRICT, Home, NEIGHBOUR, World, free_address, rows, until, until_within,
};

/// A machine as far as its network goes: it is there while somebody in it waits for the end of this test, however that
/// comes.
struct Machine {
    holder: Child,
}

impl Machine {
    /// None where this system makes none.
    fn new(make: &[&str]) -> Option<Self> {
        let (outer, rest) = make.split_first()?;
        let mut command = Command::new(outer);
        command.args(rest).args(["sh", "-c", "echo; exec cat"]);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let holder = piped.stderr(Stdio::null()).spawn().ok()?;
        let mut machine = Self { holder };
        let is_there = machine.holder.stdout.as_mut()?.read_exact(&mut [0]);
        is_there.ok().map(|()| machine)
    }

    /// What runs a program on it.
    fn within(&self) -> Vec<String> {
        let id = self.holder.id().to_string();
        let words = ["nsenter", "-t", &id, "-U", "-n", "--preserve-credentials"];
        words.map(str::to_owned).to_vec()
    }

    fn run(&self, words: &str) -> bool {
        let within = self.within();
        let (outer, rest) = within.split_first().expect("a program");
        let mut command = Command::new(outer);
        command.args(rest).args(words.split(' '));
        let status = command.stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ended = self.holder.kill().and_then(|()| self.holder.wait());
    }
}

/// Two machines and a cable between them: 10.99.7.1 and 10.99.7.2.
fn two_machines() -> Option<(Machine, Machine)> {
    let one = Machine::new(&["unshare", "-rn"])?;
    let within = one.within();
    let within = within.iter().map(String::as_str).chain(["unshare", "-n"]);
    let other = Machine::new(&within.collect::<Vec<_>>())?;
    let cable = format!(
        "ip link add name near0 type veth peer name near0 netns {}",
        other.holder.id()
    );
    let is_laid = one.run(&cable);
    let has_address = |machine: &Machine, addr: &str| {
        machine.run(&format!("ip addr add {addr} dev near0"))
            && machine.run("ip link set near0 up")
            && machine.run("ip link set lo up")
    };
    let is_ready =
        is_laid && has_address(&one, "10.99.7.1/24") && has_address(&other, "10.99.7.2/24");
    is_ready.then_some((one, other))
}

/// Neighbours rest twice as long after each try that failed.
const TRIES_MAX: Duration = Duration::from_secs(90);

/// Changes the settings of a home: this before, and neighbours that are looked for.
fn settle(home: &Home, first: &str) {
    let path = home.file("node.toml");
    let text = std::fs::read_to_string(&path).expect("it has settings");
    let neighbours = "[neighbours]\ndiscover = true\nafter_s = 0\nevery_s = 1\n";
    let text = format!("{first}\n{text}\n{neighbours}");
    std::fs::write(&path, text).expect("they can be written");
}

fn carried(home: &Home) -> Value {
    home.ask(&["status"])["parcels"]["carried"].clone()
}

#[test]
fn a_commune_finds_a_neighbour_that_delivers_its_report() {
    let Some((alone, linked)) = two_machines() else {
        eprintln!("no networks of its own here: that communes find each other is not tested");
        return;
    };
    let world = World::new();
    let on = |machine: &Machine, name: &str| Home {
        within: machine.within(),
        ..world.home(name)
    };
    let district = Home {
        within: linked.within(),
        ..world.root("465", DISTRICT)
    };
    let district = district.start();
    let join = |name: &str, unit: &str| {
        let home = on(&linked, name);
        home.ask(&["join", &district.home.ticket(&[unit])]);
        let node = home.start();
        node.has_forms();
        node.stop()
    };
    let author = join("19429", COMMUNE);
    let carrier = join("19432", NEIGHBOUR);
    let port = free_address()
        .parse::<SocketAddr>()
        .expect("an address")
        .port();
    settle(&carrier, &format!("listen = \"10.99.7.2:{port}\""));
    settle(&author, "");

    let carrier = carrier.start();
    let author = Home {
        within: alone.within(),
        ..author
    };
    let author = author.start();
    author.home.set(&["II.1.1.a=42"]);
    until_within(TRIES_MAX, "the district has the figure", || {
        district.home.figure(COMMUNE, "II.1.1.a") == json!("42")
    });
    until_within(TRIES_MAX, "the receipt is back", || {
        author.home.has_arrived()
    });
    assert_eq!(carried(&author.home), json!(0));
    let reports = carrier.home.ask(&["report", "list"]);
    assert!(rows(&reports, "").is_empty(), "it has carried and not read");
    let peers = author.home.ask(&["status"]);
    let linked = rows(&peers, "/peers").iter();
    assert!(
        linked
            .map(|peer| &peer["is_linked"])
            .all(|is| *is == json!(false)),
        "no link has carried anything"
    );
}

#[test]
fn without_a_network_a_node_says_so_and_goes_on() {
    let Some(alone) = Machine::new(&["unshare", "-rn"]) else {
        eprintln!("no networks of its own here: that a node goes on without any is not tested");
        return;
    };
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let home = Home {
        within: alone.within(),
        ..commune.stop()
    };
    district.stop();
    settle(&home, "");
    let commune = home.start();
    commune.home.set(&["II.1.1.a=42"]);
    until("it says so", || {
        commune
            .log()
            .contains("no network to look for neighbours on")
    });
    let own = commune.home.ask(&["status"])["parcels"]["own"].clone();
    assert_eq!(own, json!(1));
}
