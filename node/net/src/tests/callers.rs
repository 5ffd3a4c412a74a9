//! Callers that are silent, many, or no callers at all.

use super::streams::serving;
use super::*;
use crate::limits::{FULL_AGAIN_S, KNOCK_BYTES, KNOCK_WAIT};

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

/// A socket at which nobody answers, and its name.
async fn nobody() -> (tokio::net::UdpSocket, String) {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let name = socket.local_addr().unwrap().to_string();
    (socket, name)
}

const SILENT: DialOptions = DialOptions {
    expect: None,
    first: Via::Quic,
    initial_rtt: None,
    rate: None,
    is_lossy: false,
    is_silent: true,
    parcels: false,
    tuning: None,
};

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_hears_has_a_price_and_a_knock_a_small_one() {
    let (_kept, name) = nobody().await;
    let commune = node(3);
    let called = commune.call(&name, &DialOptions::default()).await;
    let whole = called.err().unwrap();
    assert!(whole.sent >= 4_800 && whole.received == 0 && !whole.is_heard);
    let knocked = commune.call(&name, &SILENT).await.err().unwrap();
    let knock = u64::try_from(KNOCK_BYTES).unwrap();
    assert_eq!((knocked.sent % knock, knocked.received), (0, 0));
    assert!((4..=16).contains(&(knocked.sent / knock)), "{knocked:?}");
}

#[tokio::test]
async fn who_was_silent_for_long_is_called_when_a_knock_is_answered() {
    let (commune, district) = (node(3), serving(2));
    let name = addr(&district).to_string();
    // The first knock is answered, a round trip before the call.
    let called = timeout(KNOCK_WAIT, commune.call(&name, &SILENT)).await;
    assert_eq!(called.unwrap().unwrap().handle().via(), Via::Quic);
}

#[tokio::test]
async fn who_was_silent_for_long_is_called_from_another_network() {
    let (silent, name) = nobody().await;
    let commune = node(3);
    let mut buffer = [0; 2_000];
    let heard = async {
        let knock = silent.recv(&mut buffer).await.unwrap();
        commune.network_changed();
        (knock, silent.recv(&mut buffer).await.unwrap())
    };
    tokio::select! {
        (knock, call) = heard => assert_eq!((knock, call >= 1_200), (KNOCK_BYTES, true)),
        _gone = commune.call(&name, &SILENT) => panic!("it waits for half a minute"),
    }
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
    let district = serving(2);
    let caller = Raw::new(Some((3, chain(3))), LINK_ALPN);
    let mut held = Vec::new();
    let told = loop {
        let connection = caller.connect(&district).await;
        let streams = speak(&connection).await;
        tokio::select! {
            link = accept_link(&district) => held.push((connection, streams, link)),
            why = connection.closed() => break CloseReason::from(why),
        }
        assert!(held.len() <= LINKS_MAX);
    };
    assert!(held.len() + STRANGERS_MAX >= LINKS_MAX, "{}", held.len());
    let (connection, ..) = held.first().unwrap();
    assert!(
        connection.close_reason().is_none(),
        "who is linked stays linked"
    );
    // Whoever comes now is told when to come again, by whichever way.
    let commune = serving(3);
    let by_tcp = DialOptions {
        first: Via::Tcp,
        ..DialOptions::default()
    };
    let mut link = commune.dial(addr(&district), &by_tcp).await.unwrap();
    for why in [told, closed(&mut link).await] {
        assert!(
            matches!(
                why,
                CloseReason::Peer {
                    code: CloseCode::BUSY,
                    ..
                }
            ),
            "{why:?}"
        );
        let again_s = why.again_s().expect("it is told when");
        assert!((FULL_AGAIN_S..=2 * FULL_AGAIN_S).contains(&again_s));
    }
}

#[tokio::test(start_paused = true)]
async fn caller_that_opens_no_stream_is_thrown_out() {
    let district = node(2);
    let caller = Raw::new(Some((3, chain(3))), LINK_ALPN);
    let connection = caller.connect(&district).await;
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
async fn a_link_sleeps_for_days_and_knocks_now_and_then() {
    let (commune, district) = (node(3), node(2));
    let (up, mut down) = linked(&commune, &district).await;
    let handle = up.handle();
    handle.awaits(false);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = handle.meter().datagrams_sent;
    tokio::time::sleep(KNOCK_INTERVAL * 10).await;
    let knocks = handle.meter().datagrams_sent - before;
    assert!((9..=22).contains(&knocks), "{knocks}");
    tokio::time::sleep(IDLE_TIMEOUT * 2).await;
    handle.send(b"good morning".to_vec()).await.unwrap();
    assert_eq!(receive(&mut down, 12).await, b"good morning");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_nobody_answers_does_not_sleep_for_ever() {
    let (commune, district) = (node(3), node(2));
    let (mut up, mut down) = linked(&commune, &district).await;
    let elsewhere = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    district.quinn().rebind(elsewhere).unwrap();
    // The one that gives up first tells the other at its next knock.
    for end in [up.next().await, down.next().await] {
        let Some(LinkEvent::Closed(reason)) = end else {
            panic!("{end:?}");
        };
        assert!(
            matches!(reason, CloseReason::TimedOut | CloseReason::Reset),
            "{reason}"
        );
    }
}

/// In a network where no way leads anywhere.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_leave_costs_nothing() {
    if !own_network::is_own("tests::callers::what_cannot_leave_costs_nothing") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let (commune, options) = (node(3), DialOptions::default());
        let called = commune.call("192.0.2.1:7710", &options).await;
        let failed = called.unwrap_err();
        let error = &failed.error;
        assert!(matches!(error, DialError::Unreachable { .. }), "{error:?}");
        assert_eq!((failed.sent, failed.received), (0, 0));
    });
}
