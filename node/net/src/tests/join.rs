//! Joining by a ticket.

use super::*;

pub(super) fn ticket(issuer: &Endpoint) -> Ticket {
    Ticket {
        addrs: vec![addr(issuer).to_string()],
        root: root(),
        issuer: signer(2).node_id(),
        secret: TicketSecret([9; 16]),
        unit: "19429@2020-02-01".parse().unwrap(),
        office: None,
        expires: NOT_AFTER,
    }
}

/// Answers one join call as an issuer does.
pub(super) async fn serve_join(district: &Endpoint, ticket: &Ticket) {
    let call = match timeout(LIMIT, district.accept()).await.unwrap() {
        Some(Incoming::Join(call)) => call,
        other => panic!("{other:?}"),
    };
    let request = JoinRequest::decode(call.request()).unwrap();
    let issued = ticket.issue();
    let reply = match request.verify(&issued, &signer(2).node_id(), None) {
        Err(JoinRefusal::UnknownTicket) => JoinReply::refuse(JoinRefusal::UnknownTicket),
        Err(refusal) => JoinReply::Refused(refusal)
            .encode(&request, &issued)
            .unwrap(),
        Ok(()) => {
            let subject = Subject {
                node: request.node,
                unit: issued.unit.clone(),
                office: issued.office.clone(),
                not_after: NOT_AFTER,
            };
            let chain = issue(&signer(2), &chain(2), &subject).unwrap();
            JoinReply::Granted(chain).encode(&request, &issued).unwrap()
        }
    };
    call.answer(&reply).await;
}

#[tokio::test]
async fn joiner_wins_a_chain_and_links_with_it() {
    let district = node(2);
    let mut ticket = ticket(&district);
    // The first address is dead, as old ones are.
    ticket.addrs.insert(0, "nowhere.invalid:1".to_owned());
    let (key, tuning) = (signer(3), Tuning::default());
    let (joined, ()) = tokio::join!(
        call_join(&ticket, &key, &tuning),
        serve_join(&district, &ticket)
    );
    let joined = joined.unwrap();
    assert_eq!(joined.identity.place.node, signer(3).node_id());
    let commune = Endpoint::bind(config(3, joined.chain)).unwrap();
    linked(&commune, &district).await;
}

#[tokio::test]
async fn join_is_refused_with_its_reason_and_only_by_the_issuer() {
    let (district, tuning) = (node(2), Tuning::default());
    let good = ticket(&district);
    let foreign = Ticket {
        secret: TicketSecret([8; 16]),
        ..good.clone()
    };
    let key = signer(3);
    let (refused, ()) = tokio::join!(
        call_join(&foreign, &key, &tuning),
        serve_join(&district, &good)
    );
    assert!(matches!(
        refused,
        Err(JoinCallError::Join(JoinError::Refused(
            JoinRefusal::UnknownTicket
        )))
    ));
    // Another node of the province answers at the issuer's address: it gets no request at all.
    let other = Ticket {
        issuer: NodeId([1; 32]),
        ..good.clone()
    };
    let refused = call_join(&other, &key, &tuning).await;
    assert!(matches!(
        refused,
        Err(JoinCallError::Dial(DialError::OtherNode { .. }))
    ));
    let elsewhere = Ticket {
        root: Digest([1; 32]),
        ..good
    };
    let refused = call_join(&elsewhere, &key, &tuning).await;
    assert!(matches!(
        refused,
        Err(JoinCallError::Dial(DialError::Chain { .. }))
    ));
    nobody_came(&district).await;
}

#[tokio::test]
async fn join_frame_over_four_kilobytes_is_refused() {
    let district = node(2);
    let caller = Raw::new(None, JOIN_ALPN);
    let connection = caller.connect(&district).await;
    let refused = exchange(&connection, &[0; 4097]).await;
    assert!(
        matches!(
            &refused,
            Err(JoinCallError::NoAnswer(CloseReason::Peer {
                code: CloseCode::TOO_LARGE,
                ..
            }))
        ),
        "{refused:?}"
    );
    nobody_came(&district).await;
    // Exactly 4 KiB are handed up.
    let connection = caller.connect(&district).await;
    let serve = async {
        match district.accept().await.unwrap() {
            Incoming::Join(call) => {
                assert_eq!(call.request().len(), 4096);
                call.answer(b"no").await;
            }
            Incoming::Link(link) | Incoming::Parcels(link) => panic!("{link:?}"),
        }
    };
    let (reply, ()) = tokio::join!(exchange(&connection, &[0; 4096]), serve);
    assert_eq!(reply.unwrap(), b"no");
}

#[tokio::test]
async fn join_flood_from_one_address_is_held_off_while_links_go_on() {
    let (commune, district) = (node(3), node(2));
    let flood = Raw::new(None, JOIN_ALPN);
    let mut busy = 0;
    for _ in 0..JOIN_BURST + 5 {
        let connection = flood.connect(&district).await;
        // Says nothing; whoever is over the limit is thrown out all the same.
        let end = timeout(Duration::from_millis(20), connection.closed()).await;
        if let Ok(error) = end {
            let reason = CloseReason::from(error);
            assert!(
                matches!(
                    reason,
                    CloseReason::Peer {
                        code: CloseCode::BUSY,
                        ..
                    }
                ),
                "{reason:?}"
            );
            busy += 1;
        }
    }
    assert!(busy >= 4, "{busy}");
    linked(&commune, &district).await;
}
