//! Callers that are silent, many, or no callers at all.

use super::*;

#[tokio::test(start_paused = true)]
async fn peer_that_never_answers_is_given_up() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let commune = node(3);
    let start = tokio::time::Instant::now();
    let refused = commune
        .dial(silent.local_addr().unwrap(), &DialOptions::default())
        .await;
    assert!(
        matches!(refused, Err(DialError::TimedOut { .. })),
        "{refused:?}"
    );
    assert!(start.elapsed() <= HANDSHAKE_TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn garbage_at_the_socket_disturbs_nobody() {
    let (commune, district) = (node(3), node(2));
    let noise = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..200u8 {
        let mut packet = pattern(1200, usize::from(n));
        packet[0] = n | 0x40;
        noise.send_to(&packet, addr(&district)).unwrap();
    }
    linked(&commune, &district).await;
}

#[tokio::test]
async fn silent_callers_are_bounded_and_the_next_is_told() {
    let district = node(2);
    let mut silent = fill(&district, HANDSHAKES_MAX, async |connection| connection).await;
    let commune = node(3);
    // One of them goes, and there is room again.
    silent.pop().unwrap().close(0u32.into(), b"");
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        match commune.dial(addr(&district), &DialOptions::default()).await {
            Ok(_link) => break,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
        }
    }
}

#[tokio::test]
async fn links_are_bounded() {
    let district = node(2);
    let held = fill(&district, LINKS_MAX, async |connection| {
        let streams = speak(&connection).await;
        (connection, streams, accept_link(&district).await)
    })
    .await;
    let (connection, ..) = held.first().unwrap();
    assert!(
        connection.close_reason().is_none(),
        "who is linked stays linked"
    );
}

#[tokio::test(start_paused = true)]
async fn caller_that_opens_no_stream_is_thrown_out() {
    let district = node(2);
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let credentials = Credentials::new(&signer(3), &chain(3));
    let connection = connect_raw(&quinn, &district, Some(&credentials), LINK_ALPN).await;
    let reason = CloseReason::from(connection.closed().await);
    assert!(
        matches!(
            reason,
            CloseReason::Peer {
                code: CloseCode::SILENT,
                ..
            }
        ),
        "{reason:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn silent_link_ends_and_a_kept_one_stays() {
    let (commune, district) = (node(3), node(2));
    let (mut up, _down) = linked(&commune, &district).await;
    let start = tokio::time::Instant::now();
    assert_eq!(
        up.next().await,
        Some(LinkEvent::Closed(CloseReason::TimedOut))
    );
    assert!(start.elapsed() >= IDLE_TIMEOUT - Duration::from_secs(1));

    let mut kept = config(3, chain(3));
    kept.tuning.keep_alive = Some(IDLE_TIMEOUT / 3);
    let commune = Endpoint::bind(kept).unwrap();
    let (mut up, _down) = linked(&commune, &district).await;
    assert!(timeout(IDLE_TIMEOUT * 3, up.next()).await.is_err());
}
