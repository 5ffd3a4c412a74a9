//! Connections for parcels: the same handshake, and no link.

use super::streams::{serving, shake};
use super::*;
use crate::tls::PARCELS_ALPN;

const ALERT_NO_PROTOCOL: u8 = 120;

fn for_parcels(first: Via) -> DialOptions {
    DialOptions {
        parcels: true,
        first,
        ..DialOptions::default()
    }
}

#[tokio::test]
async fn a_call_for_parcels_is_no_link_whichever_way_it_comes() {
    let (commune, district) = (serving(3), serving(2));
    for first in [Via::Quic, Via::Tcp] {
        let called = commune.dial(addr(&district), &for_parcels(first)).await;
        let up = called.unwrap();
        up.handle().send(vec![7]).await.unwrap();
        let came = timeout(LIMIT, district.accept()).await.unwrap();
        let Some(Incoming::Parcels(mut down)) = came else {
            panic!("{came:?}");
        };
        assert_eq!(next(&mut down).await, LinkEvent::Received(vec![7]));
        assert_eq!(up.handle().via(), first);
        assert_eq!(down.handle().peer().node, signer(3).node_id());
    }
}

/// As one of before there were parcels does.
#[tokio::test]
async fn a_protocol_that_a_node_does_not_know_is_refused_in_the_handshake() {
    let district = serving(2);
    let newer = b"hopluu-parcels/2";
    let refused = Raw::new(Some((3, chain(3))), newer)
        .try_connect(&district)
        .await;
    let Err(DialError::Closed { source, .. }) = refused else {
        panic!("{refused:?}");
    };
    let alert = ALERT_NO_PROTOCOL;
    assert_eq!(source, CloseReason::Handshake { alert });
    assert!(shake(&district, Some((3, chain(3))), newer).await.is_err());
    nobody_came(&district).await;
}

#[tokio::test]
async fn parcels_of_a_foreign_root_or_of_nobody_are_refused() {
    let district = serving(2);
    let foreigner = Endpoint::bind(config(13, chain_of(11, 3))).unwrap();
    let refused = foreigner
        .dial(addr(&district), &for_parcels(Via::Quic))
        .await;
    assert!(
        matches!(refused, Err(DialError::Chain { .. })),
        "{refused:?}"
    );
    let foreign = Raw::new(Some((13, chain_of(11, 3))), PARCELS_ALPN);
    let reason = foreign.call(&district).await;
    assert_eq!(reason, CloseReason::Handshake { alert: 48 });
    let nobody = Raw::new(None, PARCELS_ALPN).call(&district).await;
    let CloseReason::Peer { code, .. } = nobody else {
        panic!("{nobody:?}");
    };
    assert_eq!(code, CloseCode::NO_CERTIFICATE);
    nobody_came(&district).await;
}
