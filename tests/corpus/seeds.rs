//! Real inputs of every kind, as the program's own encoders write them: where fuzzing begins.

use std::collections::BTreeMap;

use hopluu_doc::{Edit, LifecycleEvent, Member, Report, SaveContext, SavedChange, pack};
use hopluu_model::tree::{TreeEvent, TreeManifest, load_snapshots};
use hopluu_model::{
    ActorId, ChangeHash, DocId, Epoch, NodeId, Place, RecordHash, Seq, Timestamp, UnitId,
};
use hopluu_net::key::{Subject, issue, write_root};
use hopluu_sync::limits::PIECE_BYTES;
use hopluu_sync::outline::{Mark, hash_of, mark, proof};
use hopluu_sync::parcel::Exchange;
use hopluu_sync::{Bundle, Carried, Event, FileId, FileRun, Incoming, Received, Span};
use hopluu_trust::{
    Address, Dossier, Grant, JoinReply, JoinRequest, Reason, Receipt, Record, RecordKind,
    Revocation, Seal, SetId, Signer, Target, encode_chain,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::fuzz::desk::{Desk, LINK};
use crate::fuzz::papers::{begun, key};
use crate::fuzz::parcels::{offers, reply};
use crate::fuzz::trusted::{TICKET, receiver};

type Seeds = Vec<(&'static str, Vec<u8>)>;

const NOW: Timestamp = Timestamp(1_725_900_000_000);
const NOT_AFTER: Timestamp = Timestamp(4_000_000_000_000);

/// By target.
pub(crate) fn all() -> Vec<(&'static str, Seeds)> {
    vec![
        ("frames", frames()),
        ("session", session()),
        ("packets", packets()),
        ("changes", changes()),
        ("records", records()),
        ("tickets", tickets()),
        ("chains", chains()),
        ("grants", grants()),
        ("signatures", signatures()),
        ("dossiers", dossiers()),
        ("envelopes", envelopes()),
        (
            "bundles",
            vec![("two", bundle().encode()), ("files", files())],
        ),
        ("parcels", parcels()),
        ("forms", forms()),
        ("units", units()),
    ]
}

/// What a commune says to a district in a whole session.
fn said(bodies: &[&[u8]]) -> Vec<u8> {
    let mut commune = Desk::linked(false, bodies);
    let mut district = Desk::linked(true, &[b"one", b"two", b"three"]);
    let mut said = Vec::new();
    loop {
        let (up, down) = (commune.sent.split_off(0), district.sent.split_off(0));
        if up.is_empty() && down.is_empty() {
            return said;
        }
        for (pieces, desk) in [(&up, &mut district), (&down, &mut commune)] {
            for bytes in pieces.clone() {
                desk.tell(Event::Received { link: LINK, bytes });
                desk.answer_all();
            }
        }
        said.extend(up.concat());
    }
}

fn frames() -> Seeds {
    let long: Vec<u8> = (0..3_000u32)
        .flat_map(|n| (n % 251).to_le_bytes())
        .collect();
    let cut = |bytes: Vec<u8>| [vec![40], bytes].concat();
    vec![
        ("nothing", cut(said(&[]))),
        ("same", cut(said(&[b"one", b"two", b"three"]))),
        ("differing", cut(said(&[b"one", b"four", b"five"]))),
        ("packed", cut(said(&[&long[..4_000], &long[4_000..8_000]]))),
    ]
}

/// The same with the steps between: the disk answers late, fails, and time passes.
fn session() -> Seeds {
    let mut steps = Vec::new();
    for (number, piece) in said(&[b"one", b"four"]).chunks(64).enumerate() {
        steps.extend([0, u8::try_from(piece.len()).unwrap_or(0)]);
        steps.extend_from_slice(piece);
        steps.push([4, 7, 9, 5, 12, 13][number % 6]);
    }
    let mut failing = steps.clone();
    failing.extend([8, 10, 20, 7, 15, 2, 7, 11, 1, 14, 3]);
    vec![
        ("answered", [vec![7], steps].concat()),
        ("failing", [vec![7], failing].concat()),
    ]
}

/// What one carrier says to another that has the same, and to one that has nothing.
fn parcels() -> Seeds {
    let said = |others| {
        let (mut mine, first) = Exchange::begin(offers());
        let (mut theirs, second) = Exchange::begin(others);
        let mut said = first.clone();
        let (mut up, mut down) = (first, second);
        while !up.is_empty() || !down.is_empty() {
            theirs.receive(&std::mem::take(&mut up));
            mine.receive(&std::mem::take(&mut down));
            while let Ok(Some(heard)) = theirs.heard() {
                down.extend(reply(&mut theirs, heard));
            }
            while let Ok(Some(heard)) = mine.heard() {
                up.extend(reply(&mut mine, heard));
            }
            said.extend_from_slice(&up);
        }
        assert!(mine.is_over() && theirs.is_over());
        [vec![40], said].concat()
    };
    vec![("same", said(offers())), ("one-way", said(Vec::new()))]
}

fn saved(report: &mut Report, actor: u8, edits: &[Edit]) -> SavedChange {
    let context = SaveContext {
        actor: ActorId([actor; 8]),
        at: NOW,
        office: Some("military".parse().expect("an office")),
        message: String::new(),
    };
    let saved = report.save(&context, edits).expect("edits of the form");
    saved.expect("something changes")
}

fn set(code: &str, value: &str) -> Edit {
    Edit::SetFigure {
        key: code.parse().expect("a code"),
        value: value.parse().expect("a value"),
    }
}

/// A report that two offices write apart and one settles.
fn history() -> Vec<SavedChange> {
    let mut mine = begun();
    let words = |text: &str| Edit::SetText {
        section: "situation".parse().expect("a section"),
        office: "commune_pc".parse().expect("an office"),
        text: text.to_owned(),
    };
    let opened = [
        Edit::Event(LifecycleEvent::Opened),
        set("N.dead", "2"),
        set("A.rice", "4.5"),
    ];
    let first = saved(&mut mine, 1, &opened);
    let mut theirs = mine.clone();
    let second = saved(
        &mut mine,
        1,
        &[set("N.dead", "3"), words("Mưa lũ lớn từ đêm 9/9.")],
    );
    let third = saved(&mut theirs, 2, &[set("N.dead", "4"), set("T.cut_off", "y")]);
    mine.apply([&third.scanned]).expect("it follows");
    let note = Edit::SetNote {
        key: "N.dead".parse().expect("a code"),
        text: "có 1 trẻ em".to_owned(),
    };
    let fourth = saved(
        &mut mine,
        1,
        &[set("N.dead", "4"), words("Mưa lũ rất lớn."), note],
    );
    vec![first, second, third, fourth]
}

fn seal(change: &SavedChange, actor: ActorId) -> Vec<u8> {
    let signer = Signer::from_seed(&[1; 32]);
    let seal = Seal::sign(&signer, key().id(), vec![actor], change.hash, String::new());
    seal.expect("one actor").to_wire()
}

fn packets() -> Seeds {
    let history = history();
    let seals: Vec<_> = history
        .iter()
        .map(|one| seal(one, one.scanned.actor))
        .collect();
    let members: Vec<Member<'_>> = history
        .iter()
        .zip(&seals)
        .map(|(one, seal)| Member {
            seal,
            change: &one.bytes,
        })
        .collect();
    vec![
        ("history", pack(&members)),
        ("raw", members[0].raw()),
        ("one", pack(&members[..1])),
    ]
}

/// The inside of each change, behind the kind of its chunk.
fn changes() -> Seeds {
    let names = ["first", "text", "apart", "settled"];
    let inside = |change: SavedChange| {
        let bytes = change.bytes;
        // Behind magic, checksum, kind, and a length of one byte or two.
        let head = if bytes[9] < 0x80 { 10 } else { 11 };
        [vec![bytes[8] - 1], bytes[head..].to_vec()].concat()
    };
    names
        .into_iter()
        .zip(history().into_iter().map(inside))
        .collect()
}

fn unit(text: &str) -> UnitId {
    text.parse().expect("a unit")
}

/// That of a district, and of the root that let it in.
fn chain() -> Vec<Vec<u8>> {
    let (root, district) = (Signer::from_seed(&[9; 32]), Signer::from_seed(&[1; 32]));
    let own = write_root(&root, &unit("45@2024-05-01"), NOT_AFTER).expect("a root");
    let subject = Subject {
        node: district.node_id(),
        unit: unit("465@2024-05-01"),
        office: None,
        not_after: NOT_AFTER,
    };
    issue(&root, &[own], &subject).expect("a certificate")
}

fn chains() -> Seeds {
    let chain = chain();
    let whole = encode_chain(&chain).expect("within bounds");
    let root = encode_chain(&chain[1..]).expect("within bounds");
    vec![
        ("district", whole),
        ("root", root),
        ("leaf", chain[0].clone()),
    ]
}

fn records() -> Seeds {
    let signer = Signer::from_seed(&[1; 32]);
    let sign = |kind, body: Vec<u8>| {
        let record = Record::sign(&signer, kind, unit("465@2024-05-01"), body);
        record.expect("within bounds").encode()
    };
    let receipt = Receipt {
        doc: DocId([1; 16]),
        heads: vec![ChangeHash([2; 32]), ChangeHash([3; 32])],
        by: place(&signer),
        at: NOW,
    };
    let receipt = receipt.sign(&signer, unit("19429@2024-05-01"));
    let event = TreeEvent::Renamed {
        unit: unit("19429@2024-05-01"),
        on: "2024-12-14".parse().expect("a day"),
        name: "Xã Tên Mới".to_owned(),
        kind: "xa".to_owned(),
    };
    let chain = encode_chain(&chain()).expect("within bounds");
    let seal = Seal::sign(
        &signer,
        DocId([1; 16]),
        vec![ActorId([1; 8]), ActorId([2; 8])],
        ChangeHash([2; 32]),
        "lan".to_owned(),
    );
    vec![
        ("receipt", receipt.expect("within bounds").encode()),
        ("certificate", sign(RecordKind::Certificate, chain)),
        ("event", sign(RecordKind::TreeEvent, event.encode())),
        ("tree", sign(RecordKind::Tree, tree())),
        ("seal", seal.expect("two actors").to_wire()),
        ("key", key().encode()),
    ]
}

/// A grant, a revocation, and the two as a district hears them.
fn grants() -> Seeds {
    let signer = Signer::from_seed(&[1; 32]);
    let commune = unit("10@2024-05-01");
    let grant = Grant::of_office(commune.clone(), "police".parse().expect("an office"));
    let grant = grant.sign(&signer, commune.clone()).expect("within bounds");
    let revocation = Revocation {
        target: Target::Node(NodeId([3; 32])),
        reason: Reason::Stolen,
        stands: BTreeMap::from([(DocId([1; 16]), vec![ChangeHash([1; 32])])]),
        certified: vec![NodeId([4; 32])],
        said: vec![RecordHash([0; 32])],
    };
    let revocation = revocation.sign(&signer, commune).expect("within bounds");
    let heard = vec![(1_u8, 1_u8, &grant.body), (0, 0, &revocation.body)];
    vec![
        ("heard", postcard::to_stdvec(&heard).expect("it encodes")),
        ("grant", grant.body),
        ("revocation", revocation.body),
    ]
}

/// A dossier of one save, as its exporter signs it, and its lists without a signature.
fn dossiers() -> Seeds {
    let chain = encode_chain(&chain()).expect("within bounds");
    let records: Vec<Vec<u8>> = records().into_iter().map(|(_, record)| record).collect();
    let packets: Vec<Vec<u8>> = packets().into_iter().map(|(_, packet)| packet).collect();
    let (key, chains) = (key().encode(), vec![chain]);
    fn slices(list: &[Vec<u8>]) -> Vec<&[u8]> {
        list.iter().map(Vec::as_slice).collect()
    }
    let signer = Signer::from_seed(&[1; 32]);
    let dossier = Dossier {
        root: hopluu_model::Digest([7; 32]),
        key: &key,
        by: signer.node_id(),
        at: NOW,
        chains: slices(&chains),
        records: slices(&records[1..4]),
        receipts: slices(&records[..1]),
        packets: slices(&packets[..1]),
    };
    let signed = dossier.sign(&signer).expect("within bounds");
    let lists = [
        &chains,
        &records[1..4].to_vec(),
        &records[..1].to_vec(),
        &packets[..1].to_vec(),
    ];
    let lists = postcard::to_stdvec(&(key.clone(), lists)).expect("it encodes");
    vec![("signed", signed), ("lists", lists)]
}

fn signatures() -> Seeds {
    let signer = Signer::from_seed(&[1; 32]);
    let (doc, head) = (DocId([1; 16]), ChangeHash([2; 32]));
    let seal = Seal::sign(&signer, doc, vec![ActorId([1; 8])], head, String::new());
    let record = Record::sign(
        &signer,
        RecordKind::Form,
        unit("465@2024-05-01"),
        vec![1, 2, 3],
    );
    let signed = [&signer.node_id().0[..], &signer.sign(b"word").0, b"word"].concat();
    vec![
        ("seal", seal.expect("one actor").to_wire()),
        ("record", record.expect("within bounds").encode()),
        ("plain", signed),
    ]
}

fn place(signer: &Signer) -> Place {
    Place {
        node: signer.node_id(),
        unit: unit("465@2024-05-01"),
        office: None,
    }
}

fn tickets() -> Seeds {
    let request = JoinRequest::new(&TICKET, &receiver());
    let reply = JoinReply::Granted(chain()).encode(&request, &TICKET.issue());
    vec![
        ("text", TICKET.encode().expect("within bounds").into_bytes()),
        ("inside", postcard::to_stdvec(&*TICKET).expect("it encodes")),
        ("issue", TICKET.issue().encode()),
        ("request", request.encode()),
        ("reply", reply.expect("within bounds")),
    ]
}

fn bundle() -> Bundle {
    let entry = |body: &[u8]| Incoming {
        kind: hopluu_model::EntryKind::Change,
        object: key().id().into(),
        descriptor: key().encode(),
        body: body.to_vec(),
    };
    Bundle {
        epoch: Epoch([1; 16]),
        span: Some(Span {
            after: Seq(0),
            through: Seq(7),
        }),
        held: Some(Received {
            epoch: Epoch([1; 16]),
            through: Seq(3),
        }),
        entries: packets().iter().map(|(_, body)| entry(body)).collect(),
    }
}

/// A short file whole, and the end of a longer one.
fn files() -> Vec<u8> {
    let run = |content: &[u8], first: u16| {
        let length = content.len() as u64;
        let bodies: Vec<&[u8]> = content.chunks(PIECE_BYTES).collect();
        let marks = (0..).zip(&bodies).map(|(at, body)| mark(at, body));
        let marks: Vec<Mark> = marks.collect();
        let hash = hash_of(length, &marks, bodies[0]).expect("all marks are there");
        let proof = proof(length, &marks, first, true).expect("there is such a piece");
        FileRun {
            file: FileId { hash, length },
            first,
            bytes: [&proof.concat(), bodies[usize::from(first)]].concat(),
        }
    };
    let runs = vec![run(b"%PDF-1.7", 0), run(&[7; 2 * PIECE_BYTES + 100], 2)];
    Carried::Files(runs).encode()
}

fn envelopes() -> Seeds {
    let signer = Signer::from_seed(&[1; 32]);
    let address = Address {
        from: place(&signer),
        chain: chain(),
        to: place(&receiver()),
        made: NOW,
        set: SetId([5; 8]),
        part: 1,
        parts: 1,
    };
    let mut rng = StdRng::from_seed([8; 32]);
    let bare = Address {
        chain: Vec::new(),
        ..address.clone()
    };
    let mut close = |address: &Address| {
        let closed = address.close(&signer, &bundle().encode(), &mut rng);
        closed.expect("within bounds")
    };
    vec![("chain", close(&address)), ("bare", close(&bare))]
}

fn forms() -> Seeds {
    let whole = include_str!("../../config/forms/flood-quick.toml");
    let few = whole.split("[[line]]").take(4).collect::<Vec<_>>();
    vec![
        ("flood", whole.as_bytes().to_vec()),
        ("few", few.join("[[line]]").into_bytes()),
    ]
}

const UNITS: &str = "[[level]]\nid = \"province\"\nvi = \"tỉnh\"\nen = \"province\"\ncode_digits = 2\n\
    [[level]]\nid = \"commune\"\nvi = \"xã\"\nen = \"commune\"\n\
    [[snapshot]]\non = 2024-05-01\nfile = \"one.csv\"\ncounts = { province = 2, commune = 3 }\n\
    [[snapshot]]\non = 2025-07-01\nfile = \"two.csv\"\ncodes = \"continue\"\n\
    [[snapshot.mapping]]\nfile = \"map.csv\"\nofficial = [\"law\"]\n";

const TABLES: [&str; 3] = [
    "code,name,level,kind,parent_code\n01,Tỉnh A,province,tinh,\n02,Tỉnh B,province,tinh,\n\
     00101,Xã A,commune,xa,01\n00102,Xã B,commune,xa,01\n00201,Xã C,commune,xa,02\n",
    "code,name,level,kind,parent_code\n01,Tỉnh A,province,tinh,\n00101,Xã A,commune,xa,01\n\
     00201,Xã C,commune,xa,01\n",
    "old_code,new_code,heir,basis\n02,01,1,law\n00102,00201,0,law\n00102,00101,1,name\n",
];

fn units() -> Seeds {
    let whole = [&[UNITS][..], &TABLES].concat().join("\n---\n");
    vec![
        ("reform", whole.into_bytes()),
        ("manifest", UNITS.as_bytes().to_vec()),
    ]
}

fn tree() -> Vec<u8> {
    let manifest = TreeManifest::parse(UNITS).expect("a manifest");
    let named: Vec<&str> = manifest.files().collect();
    let read = |name: &str| {
        let at = named.iter().position(|file| *file == name)?;
        TABLES.get(at).map(|table| (*table).to_owned())
    };
    load_snapshots(&manifest, &read).expect("tables").encode()
}
