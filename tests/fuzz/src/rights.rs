//! Grants and revocations: read, and judged by in a small district where anybody may have signed any of them.

use hopluu_model::{
    ActorId, ChangeHash, DocId, NodeId, OfficeId, Place, RecordHash, Timestamp, UnitId,
};
use hopluu_trust::{
    Act, Author, Authority, Enrolment, Given, Grant, Identity, Record, Revocation, Seal, Signature,
    Signer, Subject, Void, verify_signature,
};

/// Most records of one input: more say nothing new.
const RECORDS_MAX: usize = 64;

/// The root of the district, one of its communes with an office, and a neighbour.
const NODES: [(u16, Option<&str>, &[u8]); 5] = [
    (1, None, &[]),
    (10, None, &[0]),
    (10, Some("police"), &[1, 0]),
    (20, None, &[0]),
    (20, Some("police"), &[3, 0]),
];

struct World(Vec<Vec<Identity>>);

fn node(at: u8) -> NodeId {
    NodeId([at + 1; 32])
}

fn unit(code: u16) -> UnitId {
    format!("{code}@2024-05-01").parse().expect("a unit")
}

fn office(name: &str) -> OfficeId {
    name.parse().expect("an office")
}

impl World {
    fn new() -> Self {
        let identity = |at: u8| {
            let (code, name, _) = NODES[usize::from(at)];
            Identity {
                place: Place {
                    node: node(at),
                    unit: unit(code),
                    office: name.map(office),
                },
                may_issue: name.is_none(),
                not_before: Timestamp(0),
                not_after: Timestamp(0),
            }
        };
        let nodes = (0..).zip(NODES);
        let lines = nodes.map(|(at, (.., above))| {
            let line = std::iter::once(at).chain(above.iter().copied());
            line.map(identity).collect()
        });
        Self(lines.collect())
    }
}

impl Enrolment for World {
    fn line(&self, node: &NodeId) -> Option<&[Identity]> {
        let mut lines = self.0.iter();
        let line = lines.find(|line| line[0].place.node == *node)?;
        Some(line)
    }

    fn is_at_or_below(&self, below: &UnitId, above: &UnitId) -> bool {
        below == above || *above == unit(1)
    }
}

/// Grants and revocations, each with who has signed it and the unit that it is of.
pub fn grants(input: &[u8]) {
    one_spelling(input);
    let Ok(records) = postcard::from_bytes::<Vec<(u8, u8, Vec<u8>)>>(input) else {
        return;
    };
    let (world, mut authority, mut again) =
        (World::new(), Authority::default(), Authority::default());
    let records: Vec<_> = (0..).zip(records).take(RECORDS_MAX).collect();
    for (number, record) in &records {
        learn(&mut authority, *number, record);
    }
    for (number, record) in records.iter().rev() {
        learn(&mut again, *number, record);
    }
    for at in 0..5 {
        for change in [ChangeHash([1; 32]), ChangeHash([2; 32])] {
            let judged = judge(&authority, &world, at, change);
            let other = judge(&again, &world, at, change);
            assert_eq!(judged, other, "the order of arrival never shows");
            match at {
                // Nobody stands above the root, but it may be done with its own people.
                0 => assert!(matches!(judged, Ok(()) | Err(Void::Revoked))),
                3 | 4 => assert!(judged.is_err(), "a neighbour writes nothing"),
                _ => {}
            }
        }
    }
}

fn learn(authority: &mut Authority, number: u8, (author, code, body): &(u8, u8, Vec<u8>)) {
    one_spelling(body);
    let of = unit([1, 10, 20][usize::from(code % 3)]);
    let (hash, author) = (RecordHash([number; 32]), node(author % 6));
    if let Ok(grant) = Grant::decode(body) {
        authority.grant(Given {
            hash,
            author,
            unit: of,
            body: grant,
        });
    } else if let Ok(revocation) = Revocation::decode(body) {
        authority.revoke(Given {
            hash,
            author,
            unit: of,
            body: revocation,
        });
    }
}

fn judge(authority: &Authority, world: &World, at: u8, change: ChangeHash) -> Result<(), Void> {
    let (unit, form, period) = (
        unit(10),
        "quick".parse().expect("a form"),
        "2026-H1".parse().expect("a period"),
    );
    let subject = Subject {
        doc: DocId([1; 16]),
        unit: &unit,
        form: &form,
        period: &period,
    };
    let author = Author {
        node: node(at),
        account: "",
    };
    let rights = authority.rights(world, author, &subject);
    let allowed = rights.of_change(|heads| heads.contains(&change));
    let code = "II.1".parse().expect("a code");
    let act = Act::Line {
        code: &code,
        is_own: true,
    };
    allowed.judge(&act).map(drop)
}

fn one_spelling(body: &[u8]) {
    let signer = Signer::from_seed(&[1; 32]);
    if let Ok(grant) = Grant::decode(body) {
        let record = grant
            .sign(&signer, unit(10))
            .expect("what was read can be said");
        assert_eq!(record.body, body, "there is one spelling");
    }
    if let Ok(revocation) = Revocation::decode(body) {
        let record = revocation
            .sign(&signer, unit(10))
            .expect("what was read can be said");
        assert_eq!(record.body, body, "there is one spelling");
    }
}

/// Signatures, seals and signed records: nothing holds that its signer has not signed.
pub fn signatures(input: &[u8]) {
    let (doc, head) = (DocId([1; 16]), ChangeHash([2; 32]));
    if let Ok(seal) = Seal::from_wire(input, doc, head) {
        assert_eq!(seal.to_wire(), input, "there is one spelling");
        let moved = Seal::from_wire(input, DocId([3; 16]), head).expect("it was read");
        let holds = seal.verify().is_ok();
        assert!(!(holds && moved.verify().is_ok()), "it is of one document");
        let other = Seal {
            actors: vec![ActorId([9; 8])],
            ..seal
        };
        assert!(other.verify().is_err() || other.actors == [ActorId([9; 8])]);
    }
    if let Ok(record) = Record::decode(input) {
        assert_eq!(record.encode(), input, "there is one spelling");
        let holds = record.verify().is_ok();
        let mut other = record;
        other.body.push(0);
        assert!(!(holds && other.verify().is_ok()), "it is of one body");
    }
    if let Some((signed, rest)) = input.split_first_chunk::<96>() {
        let (key, signature) = signed.split_at(32);
        let key = NodeId(key.try_into().expect("32 bytes"));
        let signature = Signature(signature.try_into().expect("64 bytes"));
        let holds = verify_signature(&key, rest, &signature).is_ok();
        let longer = [rest, &[0]].concat();
        let also = verify_signature(&key, &longer, &signature).is_ok();
        assert!(!(holds && also), "it is of one message");
    }
}
