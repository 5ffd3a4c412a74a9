//! Who is let in, and who notices that it is somebody else.

use super::*;

#[tokio::test]
async fn foreign_roots_are_refused_by_both_sides() {
    let district = node(2);
    // A commune of another province: it refuses the district, and knows why.
    let foreigner = Endpoint::bind(config(13, chain_of(11, 3))).unwrap();
    let refused = foreigner
        .dial(addr(&district), &DialOptions::default())
        .await;
    assert!(
        matches!(
            refused,
            Err(DialError::Chain {
                source: ChainError::ForeignRoot { .. },
                ..
            })
        ),
        "{refused:?}"
    );
    // One that would take anybody presents its foreign chain: the district refuses it.
    let caller = Raw::new(Some((13, chain_of(11, 3))), LINK_ALPN);
    let reason = caller.call(&district).await;
    assert_eq!(reason, CloseReason::Handshake { alert: 48 });
    nobody_came(&district).await;
    // Both have noted it, once it is asked for.
    for node in [&foreigner, &district] {
        let refused = node.take_refused_chains();
        assert_eq!(
            refused.into_iter().collect::<Vec<_>>(),
            [("foreign-root", 1)]
        );
        assert!(node.take_refused_chains().is_empty());
    }
}

#[tokio::test]
async fn link_without_a_certificate_is_refused() {
    let district = node(2);
    let caller = Raw::new(None, LINK_ALPN);
    let reason = caller.call(&district).await;
    assert!(
        matches!(
            reason,
            CloseReason::Peer {
                code: CloseCode::NO_CERTIFICATE,
                ..
            }
        ),
        "{reason:?}"
    );
    nobody_came(&district).await;
}

#[tokio::test]
async fn expired_chain_is_refused_once_there_is_evidence_of_the_time() {
    let (commune, district) = (node(3), node(2));
    linked(&commune, &district).await;
    district.set_evidence(NOT_AFTER.plus_ms(1));
    // A session that began when nothing had expired is of no use.
    let mut up = commune
        .dial(addr(&district), &DialOptions::default())
        .await
        .unwrap();
    assert!(matches!(
        closed(&mut up).await,
        CloseReason::Peer {
            code: CloseCode::NO_CERTIFICATE,
            ..
        }
    ));
    let mut up = node(3)
        .dial(addr(&district), &DialOptions::default())
        .await
        .unwrap();
    up.handle().send(vec![1]).await.unwrap();
    assert_eq!(closed(&mut up).await, CloseReason::Handshake { alert: 45 });
    let refused = district.dial(addr(&commune), &DialOptions::default()).await;
    assert!(matches!(
        refused,
        Err(DialError::Chain {
            source: ChainError::Expired { at: 0, .. },
            ..
        })
    ));
}

#[tokio::test]
async fn renewed_chain_is_presented_from_the_next_link_on() {
    let (commune, district) = (node(3), node(2));
    let renewed = Subject {
        node: signer(2).node_id(),
        unit: "465@2020-01-01".parse().unwrap(),
        office: None,
        not_after: NOT_AFTER.plus_ms(86_400_000),
    };
    let chain = issue(&signer(1), &chain(1), &renewed).unwrap();
    district.set_chain(&signer(2), &chain).unwrap();
    let (up, _down) = linked(&commune, &district).await;
    assert_eq!(up.handle().identity().not_after, renewed.not_after);
    assert!(matches!(
        district.set_chain(&signer(3), &chain),
        Err(BindError::OtherKey { .. })
    ));
}

#[tokio::test]
async fn another_node_than_the_one_called_is_noticed() {
    let (commune, district) = (node(3), node(2));
    let options = DialOptions {
        expect: Some(signer(1).node_id()),
        ..DialOptions::default()
    };
    let refused = commune.dial(addr(&district), &options).await;
    assert!(matches!(refused, Err(DialError::OtherNode { .. })));
    nobody_came(&district).await;
}

#[tokio::test]
async fn endpoint_starts_only_with_a_chain_of_its_own() {
    let foreign = Endpoint::bind(NetConfig {
        root: Digest([0; 32]),
        ..config(2, chain(2))
    });
    assert!(matches!(foreign, Err(BindError::OwnChain(_))));
    let district = node(2);
    let taken = Endpoint::bind(NetConfig {
        listen: addr(&district),
        ..config(2, chain(2))
    });
    assert!(matches!(taken, Err(BindError::Listen { .. })));
}
