use std::sync::Arc;

use hopluu_model::{Digest, Place, UnitId};
use hopluu_sync::Steady;
use hopluu_sync::limits::PIECE_BYTES;
use hopluu_sync::outline::{Verifier, mark, pieces};

use super::*;
use crate::attach::Prepared;
use crate::error::CommandError;
use crate::testing::alone::Node;
use crate::view::{AttachRequest, Saved, Selector};

const NOON: Steady = Steady(0);

fn request(period: &str) -> AttachRequest {
    AttachRequest {
        report: Selector {
            unit: None,
            form: "small".to_owned(),
            period: period.to_owned(),
            instance: 0,
        },
        office: None,
        name: "x.pdf".to_owned(),
        caption: String::new(),
        create: true,
    }
}

fn scan(number: u8, bytes: usize) -> Vec<u8> {
    let mut scan = b"%PDF-1.7".to_vec();
    scan.resize(bytes, number);
    scan
}

/// A commune that keeps so much of a unit and altogether.
fn node(unit: u64, all: u64) -> Node {
    let mut node = Node::of("19429@2024-05-01");
    node.core.file_quota = FileQuota { unit, all };
    node
}

fn attach(node: &mut Node, content: Vec<u8>) -> Result<Saved, CommandError> {
    let file = Prepared::new(content, "x.pdf", "")?;
    let (tx, rx) = std::sync::mpsc::channel();
    node.turn(NOON, move |core, turn| {
        let reply = Box::new(move |saved| tx.send(saved).expect("somebody waits"));
        core.attach(turn, &request("2024-H1"), file, reply);
    });
    rx.recv().expect("an answer")
}

fn detach(node: &mut Node) {
    let (tx, rx) = std::sync::mpsc::channel();
    let save = crate::view::SaveRequest {
        report: request("2024-H1").report,
        office: None,
        edits: vec![crate::view::EditRequest::Detach {
            attachment: "1".to_owned(),
        }],
        create: false,
    };
    node.turn(NOON, move |core, turn| {
        let reply = Box::new(move |saved| tx.send(saved).expect("somebody waits"));
        core.report_save(turn, &save, reply);
    });
    rx.recv().expect("an answer").expect("a save");
}

fn code(saved: Result<Saved, CommandError>) -> Option<&'static str> {
    saved.err().map(|error| error.code())
}

#[test]
fn a_unit_has_so_much_room_and_no_more() {
    let mut node = node(50_000, 1 << 30);
    assert_eq!(code(attach(&mut node, scan(1, 30_000))), None);
    assert_eq!(code(attach(&mut node, scan(2, 30_000))), Some("M-1216"));
    // The same again takes no room.
    assert_eq!(code(attach(&mut node, scan(1, 30_000))), None);
    detach(&mut node);
    assert_eq!(code(attach(&mut node, scan(2, 30_000))), None);
}

#[test]
fn what_nobody_names_goes_when_room_is_wanted_and_not_before() {
    let mut node = node(1 << 30, 70_000);
    for number in [1, 2] {
        assert_eq!(code(attach(&mut node, scan(number, 30_000))), None);
        detach(&mut node);
    }
    let bytes = |node: &Node| node.core.read().unwrap().file_bytes().unwrap();
    assert_eq!(bytes(&node), 60_000, "both are kept");
    assert_eq!(code(attach(&mut node, scan(3, 30_000))), None);
    assert_eq!(bytes(&node), 60_000, "the older one went");
    assert_eq!(code(attach(&mut node, scan(4, 30_000))), None);
    assert_eq!(code(attach(&mut node, scan(5, 30_000))), Some("M-1216"));
}

/// What a peer gives is kept only while a document names it and there is room.
#[test]
fn pieces_of_peers_keep_to_the_same_bounds() {
    let mut node = node(50_000, 1 << 30);
    assert_eq!(code(attach(&mut node, scan(1, 30_000))), None);
    let content = scan(2, 30_000);
    let file = FileId {
        hash: Digest(*blake3::hash(&content).as_bytes()),
        length: 30_000,
    };
    let body = content[..PIECE_BYTES].to_vec();
    let piece = FilePiece {
        number: 0,
        mark: mark(0, &body).to_vec(),
        body,
    };
    let quota = node.core.file_quota;
    let kept = |node: &Node, quota| {
        let piece = piece.clone();
        let kept = node
            .core
            .store()
            .write(move |tx| keep(tx, file, &piece, quota));
        kept.unwrap().0
    };
    assert_eq!(kept(&node, quota), PieceFate::Unwanted, "nobody names it");
    let doc = node.core.read().unwrap().wanted_files(0, 9).unwrap();
    assert!(doc.0.is_empty());
    let mut docs = Vec::new();
    node.core
        .read()
        .unwrap()
        .for_each_doc(|row| docs.push(row.doc))
        .unwrap();
    let both = [(file.hash, file.length)].into();
    let doc = docs[0];
    node.core
        .store()
        .write(move |tx| tx.name_files(doc, &both))
        .unwrap();
    let wide = FileQuota {
        unit: 60_000,
        ..quota
    };
    let narrow = FileQuota {
        unit: 20_000,
        ..quota
    };
    assert_eq!(kept(&node, narrow), PieceFate::Unwanted, "no room");
    assert_eq!(kept(&node, wide), PieceFate::Kept);
    // Once begun, a file has its room.
    assert_eq!(kept(&node, narrow), PieceFate::Kept);
}

fn scope(unit: &str, office: Option<&str>) -> Scope {
    let unit: UnitId = unit.parse().unwrap();
    let place = Place {
        node: NodeId([9; 32]),
        unit,
        office: office.map(|office| office.parse().unwrap()),
    };
    Scope::new(
        Arc::new(crate::testing::tree()),
        Arc::new(hopluu_sync::NoReaders),
        place,
    )
}

#[test]
fn a_piece_is_given_with_its_proof_to_whoever_may_see_the_report() {
    let mut node = Node::of("19429@2024-05-01");
    let content = scan(1, 50_000);
    let file = Prepared::new(content.clone(), "x", "").unwrap().file();
    assert_eq!(code(attach(&mut node, content.clone())), None);
    let read = node.core.read().unwrap();
    let ours = scope("19429@2024-05-01", Some("police"));
    let mut verifier = Verifier::new(file, 1);
    let mut came: Vec<u8> = Vec::new();
    for number in 1..pieces(file.length) {
        let bytes = piece(&read, file, (number, number == 1), &ours)
            .unwrap()
            .unwrap();
        came.extend(verifier.check(&bytes).unwrap().1);
    }
    assert!(came == content[PIECE_BYTES..]);
    let stranger = scope("45@2024-05-01", Some("police"));
    assert_eq!(piece(&read, file, (0, true), &stranger).unwrap(), None);
    let other = FileId {
        length: 49_999,
        ..file
    };
    assert_eq!(piece(&read, other, (0, true), &ours).unwrap(), None);
}
