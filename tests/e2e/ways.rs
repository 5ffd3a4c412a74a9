//! Other ways up: TCP where UDP is blocked, the superior's superior where that is off.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hopluu_tests::lab::{Profile, TcpRelay, UdpRelay};
use hopluu_tests::process::free_address as free;
use serde_json::{Value, json};

use crate::world::{COMMUNE, DISTRICT, Home, NEIGHBOUR, Node, World, free_address, rows, until};

const PROVINCE: &str = "45@2024-05-01";

/// Changes a line of a home's settings, or adds one.
fn settle(home: &Home, line: &str) {
    let path = home.file("node.toml");
    let text = std::fs::read_to_string(&path).expect("it has settings");
    let (key, _) = line.split_once('=').expect("a setting");
    let others = text.lines().filter(|other| !other.starts_with(key.trim()));
    let text: Vec<&str> = std::iter::once(line).chain(others).collect();
    std::fs::write(&path, text.join("\n")).expect("they can be written");
}

fn address_of(home: &Home) -> SocketAddr {
    let listen = home.ask(&["status"])["listen"].clone();
    let listen = listen.as_str().expect("it listens");
    listen.parse().expect("an address")
}

/// By what a node is linked to a unit; null where it is not.
fn via(home: &Home, unit: &str) -> Value {
    let status = home.ask(&["status"]);
    let peers = rows(&status, "/peers").iter();
    let linked = peers.filter(|peer| peer["is_linked"] == json!(true));
    let mut of_unit = linked.filter(|peer| peer["unit"] == json!(unit));
    of_unit
        .next()
        .map_or(Value::Null, |peer| peer["via"].clone())
}

fn states(home: &Home) -> Vec<Value> {
    let status = home.ask(&["status"]);
    let rows = rows(&status, "/upstream").iter();
    rows.map(|upstream| upstream["state"].clone()).collect()
}

/// A network that lets nothing but TCP through to an address.
async fn without_udp(to: SocketAddr) -> (UdpRelay, TcpRelay) {
    let profile = Profile::named("no-udp").expect("it ships");
    let at = free().expect("a free port");
    let udp = UdpRelay::start_at(at, profile.clone(), 1, to).await;
    let tcp = TcpRelay::start_at(at, profile, 1, to).await;
    (udp.expect("a free port"), tcp.expect("a free port"))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_udp_is_blocked_a_commune_joins_and_reports_by_tcp_and_remembers_it() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    let (udp, tcp) = without_udp(address_of(&district.home)).await;
    let front = tcp.addr().to_string();
    let commune = world.join(&district.home, "19429", &[COMMUNE, "--address", &front]);
    let commune = commune.start();
    commune.has_forms();
    commune.home.set(&["II.1.1.a=42"]);
    until("the report arrives", || commune.home.has_arrived());
    assert_eq!(via(&commune.home, DISTRICT), json!("tcp"));
    assert_eq!(via(&district.home, COMMUNE), json!("tcp"));
    assert!(udp.traffic().up.packets > 0 && udp.traffic().down.packets == 0);

    // Started again it goes that way at once.
    let commune = commune.stop();
    udp.count_anew();
    let begun = Instant::now();
    let commune = commune.start();
    until("the link stands", || {
        via(&commune.home, DISTRICT) == json!("tcp")
    });
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(udp.traffic().up.packets, 0, "nobody waited for UDP");
    drop(tcp);
}

/// A province, a district and a commune that knows both.
fn three(world: &World) -> (Node, Node, Node) {
    let province = world.root("45", PROVINCE).start();
    let district = world.join(&province.home, "465", &[DISTRICT]);
    settle(&district, &format!("listen = \"{}\"", free_address()));
    let district = district.start();
    district.has_forms();
    let commune = world.join(&district.home, "19429", &[COMMUNE]);
    let above = address_of(&province.home);
    settle(&commune, &format!("standby = [\"{above}\"]"));
    let commune = commune.start();
    commune.has_forms();
    (province, district, commune)
}

#[test]
fn while_the_district_is_off_the_province_takes_the_report_and_later_nothing_goes_twice() {
    let world = World::new();
    let (province, district, commune) = three(&world);
    let home = &commune.home;
    assert_eq!(states(home), [json!("linked"), json!("resting")]);
    let district = district.stop();
    home.set(&["II.1.1.a=42"]);
    let patience = Instant::now();
    while province.home.figure(COMMUNE, "II.1.1.a") != json!("42") {
        assert!(
            patience.elapsed() < Duration::from_secs(60),
            "the province has it"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(states(home)[1], json!("linked"));

    let district = district.start();
    until("the district is found again", || {
        states(home) == [json!("linked"), json!("resting")]
    });
    until("it has the report", || {
        district.home.figure(COMMUNE, "II.1.1.a") == json!("42")
    });
    until("the province is left", || {
        via(&province.home, COMMUNE) == Value::Null
    });
    let taken = |home: &Home| {
        let status = home.ask(&["status"]);
        let of = |peer: &&Value| peer["unit"] == json!(COMMUNE);
        let row = rows(&status, "/peers").iter().find(of).cloned();
        row.expect("it was there")["received"].clone()
    };
    let before = taken(&province.home);
    home.set(&["II.1.1.a=43"]);
    until("the province has it by the district", || {
        province.home.figure(COMMUNE, "II.1.1.a") == json!("43")
    });
    assert_eq!(
        taken(&province.home),
        before,
        "nothing came from the commune itself"
    );
}

#[test]
fn another_node_at_the_superior_s_address_does_not_keep_its_place() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    let neighbour = world.join(&district.home, "19432", &[NEIGHBOUR]);
    settle(&neighbour, &format!("listen = \"{}\"", free_address()));
    let neighbour = neighbour.start();
    let commune = world.join(&district.home, "19429", &[COMMUNE]);
    let stray = address_of(&neighbour.home);
    settle(&commune, &format!("upstream = [\"{stray}\"]"));
    let commune = commune.start();
    until("it is refused", || commune.log().contains("link refused"));
    assert_eq!(via(&commune.home, NEIGHBOUR), Value::Null);
    assert!(
        rows(&neighbour.home.ask(&["status"]), "/peers")
            .iter()
            .all(|peer| peer["unit"] != json!(COMMUNE))
    );
    // The right address works at the next start.
    let home = commune.stop();
    settle(
        &home,
        &format!("upstream = [\"{}\"]", address_of(&district.home)),
    );
    let commune = home.start();
    commune.has_forms();
}
