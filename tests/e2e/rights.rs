//! Offices that write what they may, and one that writes what it may not.

use hopluu_doc::LifecycleEvent;
use hopluu_net::CloseCode;
use hopluu_rogue::frames::{CHANGE, hello};
use hopluu_sync::RefusalCode;

use crate::rogue::{Forged, Rogue};
use crate::world::{COMMUNE, DISTRICT, World, YEARS, line, rows, until};

/// The figure that a forged change sets; the form gives it to the police.
const FORGED: &str = "II.1.1.a";

fn voids(home: &crate::world::Home) -> Vec<serde_json::Value> {
    rows(&home.ask(&["void", "list"]), "").to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_office_may_not_write_counts_nowhere_until_it_is_adopted() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    commune.home.set(&["II.1.1.a=42", "II.1.1.a.1=40"]);
    let rogue = Rogue::join_as(&commune, &["--office", "health"]).await;
    let forged = Forged::of(COMMUNE);
    let mut talk = rogue.say(hello()).await;
    let refused = talk
        .offer(forged.object(), CHANGE, forged.sealed(&rogue.signer))
        .await;
    assert_eq!(refused, None, "it is taken in");
    until("it is seen to be void", || voids(&commune.home).len() == 1);
    let figure = || line(&commune.home.total(COMMUNE), FORGED)["value"].clone();
    assert_eq!(figure(), "42", "and neither counts nor conflicts");
    let void = voids(&commune.home).remove(0);
    assert_eq!(void["why"], "no-grant");
    assert_eq!(void["author_office"], "health");
    assert_eq!(rows(&void, "/what"), [FORGED]);
    let change = void["change"].as_str().expect("a name").to_owned();
    // Once it is given, what is there counts: beside what the commune wrote apart.
    let given = commune
        .home
        .ask(&["grant", "give", "health", "--lines", FORGED]);
    until("it counts", || figure() == serde_json::Value::Null);
    assert!(voids(&commune.home).is_empty());
    let grant = given["grant"].as_str().expect("a name").to_owned();
    // What was written while it was given stands when it is taken back.
    commune.home.ask(&["grant", "take", &grant]);
    assert!(voids(&commune.home).is_empty());
    assert_eq!(figure(), serde_json::Value::Null);
    commune
        .home
        .refuses(&["void", "adopt", &change], 2, "M-1009");
    commune.home.set(&["II.1.1.a=42"]);
    assert_eq!(figure(), "42");
    drop(talk);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_void_is_adopted_or_dismissed_by_a_person() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    commune.home.set(&["II.1.1.a=42"]);
    let rogue = Rogue::join_as(&commune, &["--office", "health"]).await;
    let forged = Forged::of(COMMUNE);
    let mut talk = rogue.say(hello()).await;
    let body = forged.sealed(&rogue.signer);
    assert_eq!(talk.offer(forged.object(), CHANGE, body).await, None);
    until("it is seen to be void", || voids(&commune.home).len() == 1);
    let change = voids(&commune.home)[0]["change"].clone();
    let change = change.as_str().expect("a name");
    commune.home.ask(&["void", "dismiss", change]);
    assert!(voids(&commune.home).is_empty());
    let all = commune.home.ask(&["void", "list", "--all"]);
    assert_eq!(rows(&all, "")[0]["answer"], "dismissed");
    commune
        .home
        .refuses(&["void", "dismiss", change], 2, "M-1302");
    // Whoever thinks better of it.
    commune.home.ask(&["void", "adopt", change]);
    let total = commune.home.total(COMMUNE);
    assert_eq!(line(&total, FORGED)["value"], "666");
    let all = commune.home.ask(&["void", "list", "--all"]);
    assert_eq!(rows(&all, "")[0]["answer"], "adopted");
    // It counts by now, and saying otherwise would not take it out.
    for answer in ["dismiss", "adopt"] {
        let again = ["void", answer, change];
        commune.home.refuses(&again, 2, "M-1302");
    }
}

/// A commune that says of its own report that it was submitted, which nobody has signed, and accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_out_of_order_and_a_superior_s_steps_change_nothing_and_are_listed() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    let rogue = Rogue::join(&district, COMMUNE).await;
    let steps = vec![
        LifecycleEvent::Opened,
        LifecycleEvent::Submitted,
        LifecycleEvent::Accepted,
    ];
    let forged = Forged::taking(COMMUNE, "", steps);
    let mut talk = rogue.say(hello()).await;
    let body = forged.sealed(&rogue.signer);
    assert_eq!(talk.offer(forged.object(), CHANGE, body).await, None);
    until("it is seen to be void", || voids(&district.home).len() == 1);
    let listed = district.home.ask(&["report", "list"]);
    assert_eq!(rows(&listed, "")[0]["state"], "opened");
    let void = voids(&district.home).remove(0);
    assert_eq!(void["why"], "not-superior");
    assert_eq!(rows(&void, "/what"), ["accepted", "submitted"]);
    assert_eq!(void["author_unit"], COMMUNE);
    // Its figure counts as ever.
    let total = district.home.total(DISTRICT);
    assert_eq!(line(&total, FORGED)["value"], "666");
    // Nobody has signed it, so there is nothing that could be taken.
    let change = void["change"].as_str().expect("a name");
    district
        .home
        .refuses(&["void", "adopt", change], 2, "M-1217");
    let audit = ["audit", "report", "pcmd-review", YEARS, "--unit", COMMUNE];
    let audit = district.home.ask(&audit);
    let steps = rows(&audit, "/things").iter();
    let steps = steps.filter(|thing| thing["kind"] == "step");
    let told: Vec<_> = steps
        .map(|thing| (&thing["name"], &thing["writes"][0]["void"]))
        .map(|(name, void)| (name.as_str().unwrap_or(""), void.as_str()))
        .collect();
    let expected = [
        ("accepted", Some("not-superior")),
        ("opened", None),
        ("submitted", Some("out-of-order")),
    ];
    assert_eq!(told, expected);
    district.home.ask(&["void", "dismiss", change]);
    assert!(voids(&district.home).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_node_is_told_why_and_nobody_takes_up_links_with_it() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    commune.home.set(&["II.1.1.a=42"]);
    let rogue = Rogue::join_as(&commune, &["--office", "police"]).await;
    let forged = Forged::of(COMMUNE);
    let mut talk = rogue.say(hello()).await;
    let body = forged.sealed(&rogue.signer);
    assert_eq!(talk.offer(forged.object(), CHANGE, body).await, None);
    // The figure is its own by the form.
    until("both values are there", || {
        line(&commune.home.total(COMMUNE), FORGED)["value"].is_null()
    });
    let node = rogue.signer.node_id().to_string();
    let revoke = ["revoke", "node", &node[..16], "--reason", "stolen"];
    let revoked = commune.home.ask(&revoke);
    assert_eq!(revoked["stands"], 1);
    assert_eq!(talk.closed().await, CloseCode::REVOKED.0);
    let again = rogue.say(hello()).await;
    assert_eq!(again.closed().await, CloseCode::REVOKED.0);
    let listed = commune.home.ask(&["revoke", "list"]);
    assert_eq!(rows(&listed, "")[0]["reason"], "stolen");
    // What was there stands.
    assert!(voids(&commune.home).is_empty());
    assert!(line(&commune.home.total(COMMUNE), FORGED)["value"].is_null());
    commune
        .home
        .refuses(&["revoke", "node", "zz", "--reason", "lost"], 2, "M-1009");
    let nonsense = ["revoke", "node", &node[..16], "--reason", "nonsense"];
    let told = commune.home.tell(&nonsense);
    assert_eq!(told.code, 2, "{}", told.err);
    assert!(told.err.contains("lost, stolen, replaced"), "{}", told.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_shown_with_what_it_waits_for_and_can_be_given_up() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    commune.home.set(&["II.1.1.a.1=40"]);
    let rogue = Rogue::join_as(&commune, &["--office", "police"]).await;
    let mut talk = rogue.say(hello()).await;
    let (first, second) = (Forged::of(COMMUNE), Forged::of(COMMUNE).next());
    for _ in 0..2 {
        let body = second.sealed(&rogue.signer);
        let refused = talk.offer(second.object(), CHANGE, body).await;
        assert_eq!(refused, Some(RefusalCode::PARKED));
        let parked = commune.home.ask(&["parked", "list"]);
        let [one] = rows(&parked, "") else {
            unreachable!("one thing waits: {parked}");
        };
        assert_eq!(one["why"], "change");
        assert_eq!(rows(one, "/waits_for"), [first.name()]);
        let name = one["name"].as_str().expect("a name");
        commune.home.refuses(&["parked", "drop", "zz"], 2, "M-1009");
        commune.home.ask(&["parked", "drop", &name[..10]]);
        assert!(rows(&commune.home.ask(&["parked", "list"]), "").is_empty());
    }
    let body = first.sealed(&rogue.signer);
    assert_eq!(talk.offer(first.object(), CHANGE, body).await, None);
}

/// Two processes: an office is told at once what it may not write, and what it needs.
#[test]
fn an_office_is_refused_what_it_may_not_write_and_says_what_it_may() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    let health = world.join(&commune.home, "health", &["--office", "health"]);
    let health = health.start();
    health.has_forms();
    until("its grant came down", || {
        let grants = health.home.ask(&["grant", "list"]);
        rows(&grants, "")
            .iter()
            .any(|one| one["office"] == "health")
    });
    let set = ["report", "set", crate::world::REVIEW, YEARS];
    let police_s = [&set[..], &["II.1.1.a=5", "--new"]].concat();
    health.home.refuses(&police_s, 2, "M-1217");
    let gives = ["grant", "give", "police"];
    health.home.refuses(&gives, 2, "M-1301");
    commune
        .home
        .ask(&["grant", "give", "health", "--lines", "II.1.1.a"]);
    until("it may now", || health.home.tell(&police_s).code == 0);
    until("and it counts at the commune", || {
        line(&commune.home.total(COMMUNE), FORGED)["value"] == "5"
    });
    let status = health.home.ask(&["status"]);
    let node = status["node"].as_str().expect("a key");
    commune
        .home
        .ask(&["revoke", "node", node, "--reason", "stolen"]);
    let mut told = String::new();
    until("it is told why", || {
        let status = health.home.ask(&["status"]);
        told = status["revoked"].as_str().unwrap_or_default().to_owned();
        !told.is_empty()
    });
    let why = format!("stolen, by {COMMUNE}");
    assert!(told.starts_with(&why), "{told}");
    let after = health.home.tell(&[&set[..], &["II.1.1.a=6"]].concat());
    assert_eq!(after.code, 0, "{}", after.err);
    assert!(after.err.contains("bị lấy cắp"), "{}", after.err);
    assert_eq!(line(&commune.home.total(COMMUNE), FORGED)["value"], "5");
}

#[test]
fn a_grant_that_nothing_could_stand_on_is_refused_where_it_is_typed() {
    let world = World::new();
    let commune = world.root("465", DISTRICT);
    let refuses = |words: &[&str], code: &str| {
        commune.refuses(&[&["grant", "give", "health"], words].concat(), 2, code);
    };
    let outside = ["--of", COMMUNE, "--unit", DISTRICT];
    refuses(&outside, "M-1313");
    refuses(
        &["--since", "2025-01-01", "--until", "2024-12-31"],
        "M-1302",
    );
    refuses(&["--step", "accepted"], "M-1302");
    refuses(&["--reads", "II.1.1.a"], "M-1302");
    let nothing = ["--lines", "none", "--texts", "none", "--no-attachments"];
    refuses(&nothing, "M-1302");
    assert!(rows(&commune.ask(&["grant", "list"]), "").is_empty());
    commune.ask(&["grant", "give", "health", "--reads", "II.1.3.b"]);
}
