use hopluu_model::Digest;
use proptest::prelude::*;

use super::*;
use crate::testing::{good_chain, key};
use crate::{TicketSecret, fingerprint};

const EXPIRES: Timestamp = Timestamp(1_800_000_000_000);
const BEFORE: Timestamp = Timestamp(1_799_999_999_999);

fn ticket() -> Ticket {
    Ticket {
        addrs: vec!["10.0.0.1:4650".to_owned()],
        root: fingerprint(good_chain().last().unwrap()),
        issuer: key(3).signer.node_id(),
        secret: TicketSecret([9; 16]),
        unit: "19429@2020-02-01".parse().unwrap(),
        office: Some("police".parse().unwrap()),
        expires: EXPIRES,
    }
}

fn request() -> JoinRequest {
    JoinRequest::new(&ticket(), &key(4).signer)
}

fn verify(request: &JoinRequest, issue: &TicketIssue) -> Result<(), JoinRefusal> {
    request.verify(issue, &ticket().issuer, Some(BEFORE))
}

#[test]
fn ticket_lets_its_bearer_in() {
    let issue = ticket().issue();
    let request = JoinRequest::decode(&request().encode()).unwrap();
    verify(&request, &issue).unwrap();
    let reply = JoinReply::Granted(good_chain())
        .encode(&request, &issue)
        .unwrap();
    assert!(request.encode().len() < 200 && reply.len() < 2048);
    let joined = JoinReply::open(&reply, &ticket(), &request).unwrap();
    assert_eq!(joined.chain, good_chain());
    assert_eq!(joined.identity.place.node, key(4).signer.node_id());
}

#[test]
fn used_ticket_serves_the_same_node_again_and_nobody_else() {
    let mut issue = ticket().issue();
    issue.used_by = Some(key(4).signer.node_id());
    // Its answer got lost, and meanwhile the ticket expired.
    let again = request().verify(&issue, &ticket().issuer, Some(EXPIRES));
    assert_eq!(again, Ok(()));
    let other = JoinRequest::new(&ticket(), &key(5).signer);
    assert_eq!(verify(&other, &issue), Err(JoinRefusal::Used));
}

#[test]
fn expired_foreign_and_unproven_requests_are_told_apart() {
    let issue = ticket().issue();
    let at = |time| request().verify(&issue, &ticket().issuer, time);
    assert_eq!(at(Some(EXPIRES)), Err(JoinRefusal::Expired));
    assert_eq!(at(None), Ok(()));
    let foreign = Ticket {
        secret: TicketSecret([8; 16]),
        ..ticket()
    };
    let foreign = JoinRequest::new(&foreign, &key(4).signer);
    assert_eq!(verify(&foreign, &issue), Err(JoinRefusal::UnknownTicket));
    // Knows the ticket's name from the wire, but not its secret.
    let guessed = JoinRequest {
        ticket: issue.id,
        ..foreign
    };
    assert_eq!(verify(&guessed, &issue), Err(JoinRefusal::WrongProof));
    // Holds the secret, but wants a certificate for a key it does not hold.
    let mut stolen = JoinRequest {
        node: key(6).signer.node_id(),
        ..request()
    };
    stolen.mac = *stolen.expected_mac(&issue.key).as_bytes();
    assert_eq!(verify(&stolen, &issue), Err(JoinRefusal::WrongProof));
    // A request made for another issuer is not good here.
    let elsewhere = request().verify(&issue, &key(1).signer.node_id(), None);
    assert_eq!(elsewhere, Err(JoinRefusal::WrongProof));
}

#[test]
fn answer_must_be_proven_and_be_for_us() {
    let (issue, request) = (ticket().issue(), request());
    let other_ticket = Ticket {
        secret: TicketSecret([8; 16]),
        ..ticket()
    };
    let forged = JoinReply::Granted(good_chain())
        .encode(&request, &other_ticket.issue())
        .unwrap();
    assert_eq!(
        JoinReply::open(&forged, &ticket(), &request),
        Err(JoinError::NotProven)
    );
    let to_another = JoinReply::Granted(good_chain())
        .encode(&JoinRequest::new(&ticket(), &key(5).signer), &issue)
        .unwrap();
    assert_eq!(
        JoinReply::open(&to_another, &ticket(), &request),
        Err(JoinError::NotProven)
    );
    let open = |chain: Vec<Vec<u8>>, ticket: &Ticket| {
        let bytes = JoinReply::Granted(chain).encode(&request, &issue).unwrap();
        JoinReply::open(&bytes, ticket, &request)
    };
    assert!(matches!(
        open(good_chain()[1..].to_vec(), &ticket()),
        Err(JoinError::OtherPlace { .. })
    ));
    let elsewhere = Ticket {
        root: Digest([0; 32]),
        ..ticket()
    };
    assert!(matches!(
        open(good_chain(), &elsewhere),
        Err(JoinError::Chain(_))
    ));
}

#[test]
fn refusals_reach_the_joiner_with_and_without_proof() {
    let (issue, request) = (ticket().issue(), request());
    for number in 1..=u8::MAX {
        let refusal = JoinRefusal::from_number(number);
        assert_eq!(refusal.number(), number);
        let proven = JoinReply::Refused(refusal)
            .encode(&request, &issue)
            .unwrap();
        for bytes in [proven, JoinReply::refuse(refusal)] {
            assert_eq!(
                JoinReply::open(&bytes, &ticket(), &request),
                Err(JoinError::Refused(refusal))
            );
        }
    }
}

#[test]
fn exchange_stays_within_four_kilobytes() {
    let (issue, request) = (ticket().issue(), request());
    let largest = JoinReply::Granted(vec![
        vec![0; 1000],
        vec![0; 1000],
        vec![0; 1000],
        vec![0; 960],
    ]);
    let bytes = largest.encode(&request, &issue).unwrap();
    assert!(bytes.len() <= JOIN_BYTES_MAX);
    assert!(matches!(
        JoinReply::open(&bytes, &ticket(), &request),
        Err(JoinError::Chain(_))
    ));
    let larger = JoinReply::Granted(vec![vec![0; 1024]; 4]);
    assert!(matches!(
        larger.encode(&request, &issue),
        Err(SignError::TooLarge { .. })
    ));
    let longer = JoinReply::Granted(vec![vec![0; 1]; 9]);
    assert!(matches!(
        longer.encode(&request, &issue),
        Err(SignError::OverBound { .. })
    ));
    let flood = vec![1; JOIN_BYTES_MAX + 1];
    assert!(matches!(
        JoinRequest::decode(&flood),
        Err(DecodeError::TooLarge { .. })
    ));
    assert!(matches!(
        JoinReply::open(&flood, &ticket(), &request),
        Err(JoinError::Decode(DecodeError::TooLarge { .. }))
    ));
}

proptest! {
    #[test]
    fn damaged_request_proves_nothing(index in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = request().encode();
        let index = index.index(bytes.len());
        bytes[index] ^= 1 << bit;
        if let Ok(request) = JoinRequest::decode(&bytes) {
            prop_assert!(verify(&request, &ticket().issue()).is_err());
        }
    }

    #[test]
    fn damaged_reply_lets_nobody_in(index in any::<prop::sample::Index>(), bit in 0u8..8) {
        let request = request();
        let mut bytes = JoinReply::Granted(good_chain()).encode(&request, &ticket().issue()).unwrap();
        let index = index.index(bytes.len());
        bytes[index] ^= 1 << bit;
        prop_assert!(JoinReply::open(&bytes, &ticket(), &request).is_err());
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = JoinRequest::decode(&bytes);
        prop_assert!(JoinReply::open(&bytes, &ticket(), &request()).is_err());
    }
}
