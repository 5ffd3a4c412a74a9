//! What is signed, or says who somebody is: records, tickets, chains, envelopes and what is in them.

use std::sync::LazyLock;

use hopluu_doc::DocKey;
use hopluu_model::tree::{TreeEvent, UnitTree};
use hopluu_model::{ChangeHash, Digest, DocId, Epoch, Seq};
use hopluu_sync::{Carried, Checkpoint};
use hopluu_trust::{
    Dossier, Envelope, Evidence, JoinReply, JoinRequest, Receipt, Record, RootShare, Seal, Signer,
    Ticket, TicketIssue, Word, decode_chain, encode_chain, fingerprint, read_certificate,
    verify_chain,
};

/// Whoever the envelopes of the corpus are for.
pub fn receiver() -> Signer {
    Signer::from_seed(&[2; 32])
}

/// A ticket that requests and replies are judged by.
pub static TICKET: LazyLock<Ticket> = LazyLock::new(|| Ticket {
    addrs: vec!["district.example:7710".to_owned()],
    root: Digest([7; 32]),
    issuer: Signer::from_seed(&[1; 32]).node_id(),
    secret: hopluu_trust::TicketSecret([3; 16]),
    unit: "19429@2024-05-01".parse().expect("a unit"),
    office: None,
    expires: hopluu_model::Timestamp(4_000_000_000_000),
});

/// Records and what is in them, seals, and the keys of documents that they are about.
pub fn records(input: &[u8]) {
    let (doc, head) = (DocId([1; 16]), ChangeHash([2; 32]));
    if let Ok(seal) = Seal::from_wire(input, doc, head) {
        assert_eq!(seal.to_wire(), input, "there is one spelling");
        let _judged = seal.verify();
    }
    if let Ok(record) = Record::decode(input) {
        assert_eq!(record.encode(), input, "there is one spelling");
        let _judged = record.verify();
        let _read = Receipt::read(&record);
        body(&record.body);
    }
    body(input);
}

/// The bodies that records have, whatever their kind says.
fn body(bytes: &[u8]) {
    let _chain = decode_chain(bytes);
    if let Ok(event) = TreeEvent::decode(bytes) {
        assert_eq!(event.encode(), bytes, "there is one spelling");
    }
    if let Ok(tree) = UnitTree::decode(bytes) {
        assert_eq!(
            UnitTree::decode(&tree.encode()).map(|tree| tree.version()),
            Ok(tree.version())
        );
    }
    let _word = Word::decode(bytes);
    if let Ok(evidence) = Evidence::decode(bytes) {
        assert_eq!(evidence.encode(), bytes, "there is one spelling");
        let _at = evidence.at(None, |_| true);
    }
    if let Ok(key) = DocKey::decode(bytes) {
        assert_eq!(key.encode(), bytes, "there is one spelling");
    }
}

/// Tickets as typed or pasted, and the two messages of a join.
pub fn tickets(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(ticket) = Ticket::decode(text)
    {
        let spelled = ticket.encode().expect("what was read can be written");
        assert_eq!(Ticket::decode(&spelled), Ok(ticket));
    }
    if let Ok(text) = std::str::from_utf8(input) {
        let _share = RootShare::decode(text);
    }
    // Past the check of the letters, which nobody's chance finds.
    if let Ok(ticket) = postcard::from_bytes::<Ticket>(input)
        && let Ok(text) = ticket.encode()
    {
        let _read = Ticket::decode(&text);
    }
    let _issue = TicketIssue::decode(input);
    if let Ok(request) = JoinRequest::decode(input) {
        assert_eq!(request.encode(), input, "there is one spelling");
        let _judged = request.verify(&TICKET.issue(), &TICKET.issuer, None);
    }
    let request = JoinRequest::new(&TICKET, &receiver());
    let _judged = JoinReply::open(input, &TICKET, &request);
}

/// Chains of certificates, judged under the root that they bring along.
pub fn chains(input: &[u8]) {
    let _read = read_certificate(input);
    let Ok(chain) = decode_chain(input) else {
        return;
    };
    assert_eq!(
        encode_chain(&chain).as_deref(),
        Ok(input),
        "there is one spelling"
    );
    let root = chain.last().map(|root| fingerprint(root));
    let _judged = verify_chain(&chain, &root.unwrap_or(Digest([0; 32])), None);
    for certificate in &chain {
        let _read = read_certificate(certificate);
    }
}

/// Envelopes as somebody carries them.
pub fn envelopes(input: &[u8]) {
    let Ok((address, envelope)) = Envelope::read(input) else {
        return;
    };
    let root = address.chain.last().map(|root| fingerprint(root));
    let _line = address.line(&root.unwrap_or(Digest([0; 32])));
    if let Ok(content) = envelope.open(&address, &receiver()) {
        bundles(&content);
    }
}

/// Dossiers as somebody hands them over, and past their signature, which nobody's chance finds.
pub fn dossiers(input: &[u8]) {
    if let Ok(dossier) = Dossier::open(input) {
        items(&dossier);
    }
    let Ok(lists) = postcard::from_bytes::<(Vec<u8>, [Vec<Vec<u8>>; 4])>(input) else {
        return;
    };
    fn slices(list: &[Vec<u8>]) -> Vec<&[u8]> {
        list.iter().map(Vec::as_slice).collect()
    }
    let (key, [chains, records, receipts, packets]) = &lists;
    let signer = receiver();
    let dossier = Dossier {
        root: Digest([7; 32]),
        key,
        by: signer.node_id(),
        at: hopluu_model::Timestamp(1),
        chains: slices(chains),
        records: slices(records),
        receipts: slices(receipts),
        packets: slices(packets),
    };
    if let Ok(bytes) = dossier.sign(&signer) {
        assert_eq!(Dossier::open(&bytes).as_ref(), Ok(&dossier));
    }
    items(&dossier);
}

fn items(dossier: &Dossier<'_>) {
    let _key = DocKey::decode(dossier.key);
    for bytes in &dossier.chains {
        chains(bytes);
    }
    for bytes in dossier.records.iter().chain(&dossier.receipts) {
        records(bytes);
    }
    for bytes in &dossier.packets {
        let _unpacked = hopluu_doc::unpack(bytes);
    }
}

/// What an opened envelope holds, unpacked.
pub fn bundles(input: &[u8]) {
    let Ok(carried) = Carried::decode(input) else {
        return;
    };
    let again = carried.clone().encode();
    assert_eq!(Carried::decode(&again).as_ref(), Ok(&carried));
    let bundle = match carried {
        Carried::Entries(bundle) => bundle,
        Carried::Files(runs) => {
            for run in runs {
                let bytes = run.pieces().map_or(0, |pieces| {
                    pieces.iter().map(|piece| piece.body.len()).sum()
                });
                assert!(bytes <= run.bytes.len());
            }
            return;
        }
    };
    let (mine, basis) = (Epoch([1; 16]), Epoch([2; 16]));
    let kept = Checkpoint::default();
    let claims = bundle.claims(&kept, mine, basis, Seq(9));
    assert!(claims.acked.is_none_or(|acked| acked <= Seq(9)));
}
