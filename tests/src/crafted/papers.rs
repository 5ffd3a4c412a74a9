//! What comes as reports, records and sticks, and costs more to judge than to send.

use std::io::Write as _;

use hopluu_doc::limits::TEXT_CHARS_MAX;
use hopluu_doc::{DocKey, Edit, Member, Report, SaveContext, SavedChange, pack};
use hopluu_engine::view::RefusalWhy;
use hopluu_model::{ActorId, ChangeHash, DocId, EntryKind, Epoch, ObjectId};
use hopluu_rogue::frames::{CHANGE, Group, Object, RECEIPT, push};
use hopluu_sync::{Bundle, CloseCode, Incoming};
use hopluu_trust::{Address, Receipt, Record, RecordKind, Seal, SetId, Signature};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::host::{FORM, record};
use super::{Answer, Crafted, Host, INPUT_BYTES_MAX, Way};

pub(super) fn inputs(host: &Host) -> Vec<Crafted> {
    let refused = |name, bytes, why: RefusalWhy| {
        Crafted::new(name, Way::Link(bytes), Answer::Refused(vec![why]))
    };
    let dear = |name, bytes| {
        let busy = Answer::Closed(CloseCode::Busy.number());
        Crafted::new(name, Way::Link(bytes), busy)
    };
    let unread = |name, bytes| Crafted::new(name, Way::Stick(bytes), Answer::Unread);
    vec![
        refused(
            "a change that inflates to 20 MB",
            deflated(host),
            RefusalWhy::Bound,
        ),
        refused("runs of 2^60 operations", runs(host), RefusalWhy::Bound),
        dear("packets that say 2^60 changes", claimed(host)),
        refused(
            "200 reports that nobody sealed",
            unsealed(host),
            RefusalWhy::Signature,
        ),
        refused(
            "80 wrong seals of one report",
            wrong_seals(host),
            RefusalWhy::Signature,
        ),
        dear("texts of 40,000 letters, packed", texts(host)),
        dear("deletions of 40,000 letters", deletions(host)),
        refused(
            "a tree that unpacks to 20 MB",
            tree(host),
            RefusalWhy::Scope,
        ),
        refused(
            "a form that unpacks to 20 MB",
            form(host),
            RefusalWhy::Malformed,
        ),
        refused(
            "a record of many certificates",
            chains(host),
            RefusalWhy::Malformed,
        ),
        refused("a receipt of 600 heads", heads(host), RefusalWhy::Malformed),
        unread("a stick that unpacks to 20 MB", stick(host, &bomb())),
        Crafted::new(
            "a stick of packets that say 2^60 changes",
            Way::Stick(stick(
                host,
                &brought(vec![group(&key(0), vec![claims(); 400])]),
            )),
            Answer::Refused(vec![RefusalWhy::Bound]),
        ),
        Crafted::new(
            "a stick of deletions of 40,000 letters",
            Way::Stick(stick(host, &brought(deleted(host)))),
            Answer::Taken,
        ),
        Crafted::new(
            "a stick of 32,768 entries",
            Way::Stick(stick(host, &crowd(host))),
            Answer::Refused(vec![RefusalWhy::Malformed]),
        ),
    ]
}

pub(super) fn key(number: u32) -> DocKey {
    DocKey {
        instance: number,
        ..DocKey::report(
            "19429@2024-05-01".parse().expect("a unit"),
            FORM.id().clone(),
            FORM.version().major,
            "x20240910-yagi".parse().expect("a period"),
        )
    }
}

pub(super) fn group(key: &DocKey, bodies: Vec<Vec<u8>>) -> Group {
    let id = key.id();
    Group {
        object: Object::New {
            id: id.0,
            descriptor: key.encode(),
        },
        kind: CHANGE,
        bodies,
    }
}

/// As many of these as 20 KB hold.
fn fitting(groups: impl IntoIterator<Item = Group>) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut bytes = 64;
    for group in groups {
        bytes += 48
            + group
                .bodies
                .iter()
                .map(|body| body.len() + 3)
                .sum::<usize>();
        if let Object::New { descriptor, .. } = &group.object {
            bytes += descriptor.len();
        }
        if bytes > INPUT_BYTES_MAX {
            break;
        }
        kept.push(group);
    }
    push(kept)
}

fn saved(report: &mut Report, edits: &[Edit]) -> SavedChange {
    let context = SaveContext {
        actor: ActorId([7; 8]),
        at: hopluu_model::Timestamp(1_725_900_000_000),
        office: Some("military".parse().expect("an office")),
        message: String::new(),
    };
    let saved = report.save(&context, edits).expect("edits of the form");
    saved.expect("something changes")
}

fn figure(value: &str) -> Edit {
    Edit::SetFigure {
        key: "N.dead".parse().expect("a code"),
        value: value.parse().expect("a value"),
    }
}

fn begun(key: DocKey) -> Report {
    Report::create(key, &FORM).expect("the form fits its key")
}

fn seal(host: &Host, key: &DocKey, change: &SavedChange) -> Seal {
    let actors = vec![change.scanned.actor];
    let seal = Seal::sign(&host.commune, key.id(), actors, change.hash, String::new());
    seal.expect("one actor")
}

fn sealed(host: &Host, key: &DocKey, change: &SavedChange, is_good: bool) -> Vec<u8> {
    let mut seal = seal(host, key, change);
    if !is_good {
        seal.signature = Signature([0; 64]);
    }
    let member = Member {
        seal: &seal.to_wire(),
        change: &change.bytes,
    };
    member.raw()
}

/// A chunk around a body, deflated.
fn deflated(_host: &Host) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder
        .write_all(&vec![0; 18 << 20])
        .expect("a vector takes all");
    let body = encoder.finish().expect("a vector takes all");
    let change = chunk(2, &body);
    let member = Member {
        seal: &[],
        change: &change,
    };
    push(vec![group(&key(0), vec![member.raw()])])
}

fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, kind];
    let mut length = body.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("seven bits"));
    out.extend_from_slice(body);
    out
}

/// An action column with a run of 2^60.
fn runs(_host: &Host) -> Vec<u8> {
    let mut body = vec![1];
    body.extend([7; 32]);
    body.push(8);
    body.extend([1; 8]);
    body.extend([1, 20, 0, 0, 1, 1, 0]);
    let run = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 1];
    body.extend([1, 0x42, u8::try_from(run.len()).expect("short")]);
    body.extend(run);
    let change = chunk(1, &body);
    let member = Member {
        seal: &[],
        change: &change,
    };
    push(vec![group(&key(0), vec![member.raw(); 200])])
}

fn claims() -> Vec<u8> {
    let mut body = vec![1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    body.resize(64, 0);
    body
}

fn claimed(_host: &Host) -> Vec<u8> {
    push(vec![group(&key(0), vec![claims(); 250])])
}

/// Each of another document, so that each has its beginning made, unless somebody looks at seals first.
fn unsealed(host: &Host) -> Vec<u8> {
    let groups = (0..400).map(|number| {
        let key = key(number);
        let change = saved(&mut begun(key.clone()), &[figure("1")]);
        group(&key, vec![sealed(host, &key, &change, false)])
    });
    fitting(groups)
}

fn wrong_seals(host: &Host) -> Vec<u8> {
    let key = key(500);
    let mut report = begun(key.clone());
    let bodies = (0..200).map(|number: u32| {
        let change = saved(&mut report, &[figure(&number.to_string())]);
        sealed(host, &key, &change, false)
    });
    let mut bodies: Vec<_> = bodies.collect();
    let mut bytes = 200;
    bodies.retain(|body| {
        bytes += body.len() + 3;
        bytes < INPUT_BYTES_MAX
    });
    push(vec![group(&key, bodies)])
}

/// Sealed as it should be, and as long as texts may be, of one letter.
fn texts(host: &Host) -> Vec<u8> {
    let groups = (1_000..1_200).map(|number| {
        let key = key(number);
        let change = saved(&mut begun(key.clone()), &[text(TEXT_CHARS_MAX)]);
        group(&key, vec![sealed(host, &key, &change, true)])
    });
    fitting(groups)
}

/// Each deletes a text that nobody has sent: a number in the packet, and as much to take apart.
fn deletions(host: &Host) -> Vec<u8> {
    fitting(deleted(host))
}

fn deleted(host: &Host) -> Vec<Group> {
    // More than are judged at once; making them takes as long as judging.
    let groups = (2_000..2_012).map(|number| {
        let key = key(number);
        let mut report = begun(key.clone());
        saved(&mut report, &[text(TEXT_CHARS_MAX)]);
        let change = saved(&mut report, &[text(0)]);
        let seal = seal(host, &key, &change).to_wire();
        let member = Member {
            seal: &seal,
            change: &change.bytes,
        };
        group(&key, vec![pack(&[member])])
    });
    groups.collect()
}

fn text(letters: usize) -> Edit {
    Edit::SetText {
        section: "situation".parse().expect("a section"),
        office: "commune_pc".parse().expect("an office"),
        text: "a".repeat(letters),
    }
}

fn bomb() -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 19).expect("memory for zstd");
    encoder
        .write_all(&vec![b'x'; 20 << 20])
        .expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

fn signed(host: &Host, kind: RecordKind, body: Vec<u8>) -> Vec<u8> {
    let signed = Record::sign(&host.commune, kind, host.place.unit.clone(), body);
    push(vec![record(&signed.expect("within bounds"))])
}

fn tree(host: &Host) -> Vec<u8> {
    signed(host, RecordKind::Tree, bomb())
}

fn form(host: &Host) -> Vec<u8> {
    let none: Vec<hopluu_model::UnitId> = Vec::new();
    let body = postcard::to_stdvec(&(bomb(), none)).expect("it encodes");
    signed(host, RecordKind::Form, body)
}

fn chains(host: &Host) -> Vec<u8> {
    let mut body = postcard::to_stdvec(&40u32).expect("a number encodes");
    for certificate in host.chain.iter().cycle().take(40) {
        body.extend(postcard::to_stdvec(certificate).expect("it encodes"));
    }
    signed(host, RecordKind::Certificate, body)
}

fn heads(host: &Host) -> Vec<u8> {
    let receipt = Receipt {
        doc: DocId([1; 16]),
        heads: (0..200u8).map(|number| ChangeHash([number; 32])).collect(),
        by: host.place.clone(),
        at: hopluu_model::Timestamp(0),
    };
    let small = receipt.sign(&host.commune, host.place.unit.clone());
    let mut body = small.expect("within bounds").body;
    // Says 600 and brings 200.
    body.splice(16..18, [0xd8, 0x04]);
    let signed = Record::sign(
        &host.commune,
        RecordKind::Receipt,
        host.place.unit.clone(),
        body,
    );
    let mut one = record(&signed.expect("within bounds"));
    one.kind = RECEIPT;
    push(vec![one])
}

/// Closed to the host by the commune, which is enrolled.
pub(super) fn stick(host: &Host, content: &[u8]) -> Vec<u8> {
    let address = Address {
        from: host.place.clone(),
        chain: host.chain.clone(),
        to: host.me.clone(),
        made: hopluu_model::Timestamp(1_725_900_000_000),
        set: SetId([5; 8]),
        part: 1,
        parts: 1,
    };
    let mut rng = StdRng::from_seed([8; 32]);
    let closed = address.close(&host.commune, content, &mut rng);
    closed.expect("within bounds")
}

/// What a bundle of these entries holds.
fn brought(groups: Vec<Group>) -> Vec<u8> {
    let mut entries = Vec::new();
    for Group { object, bodies, .. } in groups {
        let Object::New { id, descriptor } = object else {
            continue;
        };
        entries.extend(bodies.into_iter().map(|body| Incoming {
            kind: EntryKind::Change,
            object: ObjectId(id),
            descriptor: descriptor.clone(),
            body,
        }));
    }
    content(entries)
}

fn crowd(_host: &Host) -> Vec<u8> {
    let entry = Incoming {
        kind: EntryKind::Change,
        object: key(0).id().into(),
        descriptor: vec![7; 200],
        body: vec![1, 2, 3],
    };
    content(vec![entry; 32 << 10])
}

fn content(entries: Vec<Incoming>) -> Vec<u8> {
    let bundle = Bundle {
        epoch: Epoch([2; 16]),
        span: None,
        held: None,
        entries,
    };
    zstd::bulk::compress(&bundle.encode(), 19).expect("zstd takes any bytes")
}
