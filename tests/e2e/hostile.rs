//! A peer with a good certificate that breaks every rule, and callers without one. The node stays up
//! and small, closes with a number, shows what it refused, and goes on with everybody else.

use std::net::SocketAddr;

use hopluu_model::tree::TreeEvent;
use hopluu_model::{Place, Timestamp, UnitId};
use hopluu_net::key;
use hopluu_rogue::frames::{
    ACK, ATTACHMENT, CHANGE, Group, HELLO, Object, PART, PUSH, RECEIPT, RECORD, frame, hello, push,
    raw,
};
use hopluu_rogue::travelling;
use hopluu_sync::{CloseCode, RefusalCode};
use hopluu_trust::{Receipt, Record, RecordKind, Signer, encode_chain};
use serde_json::{Value, json};

use crate::rogue::{Forged, Rogue, heard_by_caller};
use crate::world::{COMMUNE, DISTRICT, NEIGHBOUR, REVIEW, World, line, rows, until};

/// What a node may grow by while it is attacked: messages in parts of a few peers, and the allocator's
/// own. An attack that is held in memory is many times that.
const GROWTH_BYTES_MAX: u64 = 24 << 20;

/// What a peer says, and what it is closed with.
fn broken_rules() -> Vec<(&'static str, Vec<u8>, CloseCode)> {
    let after_hello = |bytes: Vec<u8>| [hello(), bytes].concat();
    let endless = raw(PART, &[&[0_u8][..], &[PUSH], &[7; 60_000]].concat());
    vec![
        (
            "another protocol",
            b"GET /v1/status HTTP/1.1\r\nHost: hopluu\r\nAccept: application/json, text/html, */*\r\n\r\n".to_vec(),
            CloseCode::NotHello,
        ),
        ("an oversized frame", vec![0x81, 0x80, 0x04], CloseCode::FrameTooLarge),
        ("a frame of no length that ends", vec![0xFF; 64], CloseCode::FrameTooLarge),
        ("a version nobody speaks", {
            let mut bytes = hello();
            // Behind length, kind and mark: newest and oldest.
            for at in [6, 7] {
                *bytes.get_mut(at).expect("a hello is longer") = 200;
            }
            bytes
        }, CloseCode::VersionUnknown),
        ("a second hello", after_hello(hello()), CloseCode::HelloTwice),
        ("a push of noise", after_hello(raw(PUSH, &[0xEE; 300])), CloseCode::Malformed),
        ("an ack of nothing", after_hello(frame(ACK, &(5_u64, Vec::<(u32, u8)>::new()))), CloseCode::AckInvalid),
        ("an id that was never given", after_hello(push(vec![Group::of(Object::Known(9), CHANGE, vec![1])])), CloseCode::ShortIdUnknown),
        ("a message without end", after_hello(endless.repeat(80)), CloseCode::FrameTooLarge),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_breaks_a_rule_is_closed_with_its_number() {
    let world = World::new();
    let (mut district, commune) = world.district_and_commune();
    commune.home.set(&["II.1.1.a=42"]);
    until("an honest report is there", || {
        district.home.total(DISTRICT)["reported"] == 1
    });
    let before = district.resident_bytes();
    let reports = district.home.ask(&["report", "list"]);
    let rogue = Rogue::join(&district, NEIGHBOUR).await;
    for (what, bytes, code) in broken_rules() {
        let closed = rogue.say(bytes).await.closed().await;
        assert_eq!(closed, u32::from(code.number()), "{what}");
    }
    // Half a hello, half a push, and gone.
    for bytes in [
        hello(),
        [
            hello(),
            push(vec![Group::of(Object::Known(0), CHANGE, vec![0; 9_000])]),
        ]
        .concat(),
    ] {
        let half = bytes.split_at(bytes.len() / 2).0.to_vec();
        let talk = rogue.say(half).await;
        drop(talk);
    }
    assert!(district.is_up());
    until("it is seen to be gone", || !rogue.as_seen_by(&district).1);
    assert_eq!(
        district.home.ask(&["report", "list"]),
        reports,
        "no report is touched"
    );
    commune.home.set(&["II.1.1.a=43"]);
    until("work goes on", || {
        line(&district.home.total(DISTRICT), "II.1.1.a")["value"] == "43"
    });
    let after = district.resident_bytes();
    assert!(
        after < before + GROWTH_BYTES_MAX,
        "{before} bytes before, {after} after"
    );
    assert!(!district.log().contains("panicked"), "{}", district.log());
}

/// What a peer pushes, and what the node says to it.
struct Offer {
    what: &'static str,
    object: Object,
    kind: u8,
    body: Vec<u8>,
    refused: RefusalCode,
}

impl Offer {
    fn change(what: &'static str, of: &Forged, body: Vec<u8>, refused: RefusalCode) -> Self {
        Self {
            what,
            object: of.object(),
            kind: CHANGE,
            body,
            refused,
        }
    }
}

/// Changes that nobody may make, or nobody made.
fn false_changes(signer: &Signer) -> Vec<Offer> {
    let (own, others) = (Forged::of(NEIGHBOUR), Forged::of(COMMUNE));
    let superior_s = Forged::of(DISTRICT);
    let draft = Forged::within(NEIGHBOUR, "draft");
    let stranger = key::generate().expect("the system has randomness");
    let unsealed = travelling(&[], &own.bytes);
    let nonsense = travelling(&[], &[0x85; 2_000]);
    let mut bent = own.sealed(signer);
    // Behind the seal, which ends with its signature, come the change and its length.
    let after_seal = postcard::to_stdvec(&own.bytes).expect("bytes encode").len();
    let last_of_seal = bent.len() - after_seal - 1;
    *bent.get_mut(last_of_seal).expect("it is longer") ^= 1;
    let lie = own.sealed_for(signer, &others.key);
    let (scope, signature) = (RefusalCode::SCOPE, RefusalCode::SIGNATURE);
    vec![
        Offer::change("another unit's", &others, others.sealed(signer), scope),
        Offer::change(
            "its superior's",
            &superior_s,
            superior_s.sealed(signer),
            scope,
        ),
        Offer::change(
            "in a compartment that no form here names",
            &draft,
            draft.sealed(signer),
            RefusalCode::PARKED,
        ),
        Offer::change("unsealed", &own, unsealed, signature),
        Offer::change("a bent seal", &own, bent, signature),
        Offer::change("another document's seal", &own, lie, signature),
        Offer::change("noise", &own, vec![0xEE; 500], RefusalCode::UNSUPPORTED),
        Offer::change(
            "noise as columns",
            &own,
            vec![1; 500],
            RefusalCode::MALFORMED,
        ),
        Offer::change("no change", &own, nonsense, RefusalCode::BUDGET),
        Offer::change(
            "a stranger's",
            &own,
            own.sealed(&stranger),
            RefusalCode::PARKED,
        ),
    ]
}

fn unit(text: &str) -> UnitId {
    text.parse().expect("a unit")
}

/// Records of decisions that are not a commune's to make.
fn false_records(signer: &Signer) -> Vec<Offer> {
    let event = TreeEvent::Renamed {
        unit: unit(COMMUNE),
        on: "2024-06-01".parse().expect("a day"),
        name: "Xã khác".to_owned(),
        kind: "xa".to_owned(),
    };
    let record = |what, kind, about: &str, body: Vec<u8>, refused| {
        let record = Record::sign(signer, kind, unit(about), body).expect("a small record");
        let id = *record.hash().0.first_chunk().expect("longer than an id");
        let descriptor = Vec::new();
        Offer {
            what,
            object: Object::New { id, descriptor },
            kind: RECORD,
            body: record.encode(),
            refused,
        }
    };
    let (scope, noise) = (RefusalCode::SCOPE, b"of its own".to_vec());
    vec![
        record(
            "a tree from below",
            RecordKind::Tree,
            DISTRICT,
            noise.clone(),
            scope,
        ),
        record(
            "a form from below",
            RecordKind::Form,
            DISTRICT,
            noise.clone(),
            scope,
        ),
        record(
            "a superior's tree event",
            RecordKind::TreeEvent,
            DISTRICT,
            event.encode(),
            scope,
        ),
        record(
            "a tree event about a neighbour",
            RecordKind::TreeEvent,
            NEIGHBOUR,
            event.encode(),
            scope,
        ),
        record(
            "what nobody reads",
            RecordKind::Statement,
            NEIGHBOUR,
            noise,
            RefusalCode::UNSUPPORTED,
        ),
    ]
}

/// Things of other kinds that a commune has no business with.
fn false_things(signer: &Signer) -> Vec<Offer> {
    let own = Forged::of(NEIGHBOUR);
    vec![
        Offer {
            what: "a change of nothing",
            object: Object::New {
                id: [1; 16],
                descriptor: vec![9; 40],
            },
            kind: CHANGE,
            body: own.sealed(signer),
            refused: RefusalCode::MALFORMED,
        },
        Offer {
            what: "a change under another document's id",
            object: Object::New {
                id: Forged::of(COMMUNE).key.id().0,
                descriptor: own.key.encode(),
            },
            kind: CHANGE,
            body: own.sealed(signer),
            refused: RefusalCode::MALFORMED,
        },
        Offer {
            what: "an attachment",
            object: own.object(),
            kind: ATTACHMENT,
            body: vec![1; 100],
            refused: RefusalCode::UNSUPPORTED,
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_may_say_stays_outside_and_is_counted() {
    let world = World::new();
    let (mut district, commune) = world.district_and_commune();
    commune.home.set(&["II.1.1.a=42"]);
    until("an honest report is there", || {
        district.home.total(DISTRICT)["reported"] == 1
    });
    let rogue = Rogue::join(&district, NEIGHBOUR).await;
    let mut talk = rogue.say(hello()).await;
    let mut refused = 0;
    for offer in false_changes(&rogue.signer)
        .into_iter()
        .chain(false_records(&rogue.signer))
        .chain(false_things(&rogue.signer))
    {
        let said = talk.offer(offer.object, offer.kind, offer.body).await;
        assert_eq!(said, Some(offer.refused), "{}", offer.what);
        // What is parked may still become good.
        refused += u64::from(offer.refused != RefusalCode::PARKED);
    }
    let status = district.home.ask(&["status"]);
    assert_eq!(
        status["parked"], 2,
        "the stranger may become known, and the compartment: {status}"
    );
    assert_eq!(
        rogue.as_seen_by(&district),
        (refused, true),
        "counted, and no link closed: {status}"
    );
    assert_eq!(district.home.figure(COMMUNE, "II.1.1.a"), "42");
    let total = district.home.total(DISTRICT);
    assert_eq!(
        (&total["reported"], &total["own_parts_reported"]),
        (&json!(1), &json!(0))
    );

    // The same words with its own seal about its own unit are heard: it was no accident.
    let own = Forged::of(NEIGHBOUR);
    assert_eq!(
        talk.offer(own.object(), CHANGE, own.sealed(&rogue.signer))
            .await,
        None
    );
    until("its own report counts", || {
        district.home.total(DISTRICT)["reported"] == 2
    });
    assert!(district.is_up());
    assert_eq!(commune.home.figure(COMMUNE, "II.1.1.a"), "42");
    let reports = commune.home.ask(&["report", "list"]);
    assert_eq!(
        rows(&reports, "").len(),
        1,
        "a neighbour's report is not for the commune"
    );
}

/// A commune certifies a key of its own as its district, and speaks as that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_superior_that_a_commune_has_made_up_is_nobody() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    commune.home.set(&["II.1.1.a=42"]);
    until("an honest report is there", || {
        district.home.total(DISTRICT)["reported"] == 1
    });
    let rogue = Rogue::join(&district, NEIGHBOUR).await;
    let (forged, chain) = rogue.certifies(DISTRICT);
    let mut talk = rogue.say(hello()).await;
    let mut offer = async |kind, record: Record| {
        let id = *record.hash().0.first_chunk().expect("longer than an id");
        let descriptor = Vec::new();
        talk.offer(Object::New { id, descriptor }, kind, record.encode())
            .await
    };
    let body = encode_chain(&chain).expect("a chain");
    let record = Record::sign(&rogue.signer, RecordKind::Certificate, unit(DISTRICT), body);
    // It is kept, because a tree that makes it true may be on its way.
    assert_eq!(offer(RECORD, record.expect("a record")).await, None);
    let form = Record::sign(&forged, RecordKind::Form, unit(DISTRICT), vec![1]);
    let refused = offer(RECORD, form.expect("a record")).await;
    assert_eq!(refused, Some(RefusalCode::PARKED), "it decides nothing");
    let others = Forged::of(COMMUNE);
    let receipt = Receipt {
        doc: others.key.id(),
        heads: Vec::new(),
        by: Place {
            node: forged.node_id(),
            unit: unit(DISTRICT),
            office: None,
        },
        at: Timestamp(1_600_000_000_000),
    };
    let receipt = receipt.sign(&forged, unit(COMMUNE)).expect("a receipt");
    let refused = offer(RECEIPT, receipt).await;
    assert_eq!(refused, Some(RefusalCode::SCOPE), "it receives nothing");
    let sealed = others.sealed(&forged);
    let refused = talk.offer(others.object(), CHANGE, sealed).await;
    assert_eq!(
        refused,
        Some(RefusalCode::SCOPE),
        "it has no such report to bring"
    );
    assert_eq!(district.home.figure(COMMUNE, "II.1.1.a"), "42");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_answers_holds_nobody_up() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let rogue = Rogue::join(&district, NEIGHBOUR).await;
    // It opens its stream with half a length, hears a hello, and never says another word.
    let mut silent = rogue.say(vec![0x80]).await;
    assert_eq!(silent.frame().await.0, HELLO);
    let watch = crate::world::Watch::start(&district.home);
    for value in ["1", "2", "3"] {
        commune.home.set(&[&format!("II.1.1.a={value}")]);
        watch.until("others are heard", |event| {
            event["event"] == "report_changed"
        });
    }
    until("and answered", || commune.home.has_arrived());
    let other = world
        .join(&district.home, "d", &["19435@2024-05-01"])
        .start();
    other.has_forms();
    assert!(rogue.as_seen_by(&district).1, "it still has its time");
    // An end in order does not wait for it either.
    district.stop();
    assert!(silent.closed().await >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_valid_chain_no_frame_is_heard() {
    let world = World::new();
    let mut district = world.root("465", DISTRICT).start();
    let to = district.ready["listen"]
        .as_str()
        .and_then(|addr| addr.parse().ok());
    let to: SocketAddr = to.expect("it listens");
    assert_eq!(
        heard_by_caller(to, None).await,
        Vec::<u8>::new(),
        "no certificate"
    );
    let signer = key::generate().expect("the system has randomness");
    let unit = NEIGHBOUR.parse().expect("a unit");
    let root = key::write_root(&signer, &unit, Timestamp(4_000_000_000_000)).expect("a root");
    let heard = heard_by_caller(to, Some((vec![root], &signer))).await;
    assert_eq!(heard, Vec::<u8>::new(), "the root of another mesh");
    assert!(district.is_up());
    let status = district.home.ask(&["status"]);
    assert_eq!(
        status["peers"],
        Value::Array(Vec::new()),
        "nobody was let in"
    );
    assert_eq!(
        district
            .home
            .tell(&["report", "list", "--form", REVIEW])
            .code,
        0
    );
}
