//! What a link carries, and what it costs.

use super::*;

#[tokio::test]
async fn link_carries_a_megabyte_each_way_and_knows_its_peer() {
    const BYTES: usize = 1 << 20;
    let (commune, district) = (node(3), node(2));
    let (mut up, mut down) = linked(&commune, &district).await;
    assert_eq!(up.handle().peer().node, signer(2).node_id());
    assert_eq!(down.handle().peer().unit.to_string(), "19429@2020-02-01");
    assert_eq!(down.handle().chain(), chain(3));
    let units: Vec<_> = down
        .handle()
        .line()
        .iter()
        .map(|who| who.place.unit.code.to_string())
        .collect();
    assert_eq!(units, ["19429", "465", "45"]);

    let pump = |link: &Link, salt| {
        let handle = link.handle();
        tokio::spawn(async move {
            for piece in pattern(BYTES, salt).chunks(10_000) {
                handle.send(piece.to_vec()).await.unwrap();
            }
        })
    };
    let (a, b) = (pump(&up, 1), pump(&down, 2));
    let (at_down, at_up) = tokio::join!(receive(&mut down, BYTES), receive(&mut up, BYTES));
    a.await.unwrap();
    b.await.unwrap();
    assert!(at_down == pattern(BYTES, 1) && at_up == pattern(BYTES, 2));
    let meter = up.handle().meter();
    assert_eq!(meter.stream_sent, 1 + (1 << 20));
    assert_eq!(meter.stream_received, 1 << 20);
    assert!(meter.udp_sent > 1 << 20 && meter.udp_received > 1 << 20);
}

#[tokio::test]
async fn a_cold_connect_costs_four_kilobytes_and_a_little() {
    let (commune, district) = (node(3), node(2));
    let (up, _down) = linked(&commune, &district).await;
    up.handle().awaits(false);
    // The confirmation of the handshake may still be on its way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let meter = up.handle().meter();
    let total = meter.udp_sent + meter.udp_received;
    assert!(total < 4_300, "{total} bytes, {meter:?}");
    println!("cold connect: {meter:?}");
}

#[tokio::test]
async fn finish_delivers_what_was_sent_and_close_tells_why() {
    let (commune, district) = (node(3), node(2));
    let (mut up, mut down) = linked(&commune, &district).await;
    let last = pattern(40_000, 3);
    up.handle().send(last.clone()).await.unwrap();
    up.handle().finish(CloseCode(7), "done");
    assert_eq!(up.handle().send(vec![1]).await, Err(LinkGone));
    assert_eq!(receive(&mut down, last.len()).await, last);
    let told = CloseReason::Peer {
        code: CloseCode(7),
        text: "done".to_owned(),
    };
    assert_eq!(closed(&mut down).await, told);
    assert_eq!(closed(&mut up).await, CloseReason::Local);
    assert_eq!(up.handle().send(vec![1]).await, Err(LinkGone));

    let (mut up, mut down) = linked(&commune, &district).await;
    down.handle().close(CloseCode(9), "garbage");
    let told = CloseReason::Peer {
        code: CloseCode(9),
        text: "garbage".to_owned(),
    };
    assert_eq!(closed(&mut up).await, told);
    assert_eq!(closed(&mut down).await, CloseReason::Local);

    let (up, mut down) = linked(&commune, &district).await;
    drop(up);
    assert!(matches!(
        closed(&mut down).await,
        CloseReason::Peer {
            code: CloseCode::DROPPED,
            ..
        }
    ));
    let (mut up, _down) = linked(&commune, &district).await;
    district.close().await;
    assert!(matches!(
        closed(&mut up).await,
        CloseReason::Peer {
            code: CloseCode::STOPPING,
            ..
        }
    ));
    assert!(district.accept().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn finishing_does_not_wait_for_ever_on_a_peer_that_reads_nothing() {
    let (commune, district) = (node(3), node(2));
    let (mut up, _down) = linked(&commune, &district).await;
    let handle = up.handle();
    let full = async || timeout(Duration::from_millis(50), handle.send(vec![0; 4096])).await;
    while full().await.is_ok() {}
    let start = tokio::time::Instant::now();
    up.handle().finish(CloseCode::ENDED, "");
    assert_eq!(up.next().await, Some(LinkEvent::Closed(CloseReason::Local)));
    assert!(start.elapsed() <= FINISH_TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn callers_nobody_takes_over_are_bounded() {
    let district = node(2);
    let _held = fill(
        &district,
        ACCEPTED_MAX + HANDSHAKES_MAX,
        async |connection| (speak(&connection).await, connection),
    )
    .await;
    accept_link(&district).await;
}

#[tokio::test]
async fn slow_reader_holds_the_writer_back_within_bounds() {
    let (commune, district) = (node(3), node(2));
    let (up, mut down) = linked(&commune, &district).await;
    let handle = up.handle();
    let mut taken = 0;
    // Stuck once nothing has moved for as long as the transport could have moved something.
    while let Ok(sent) = timeout(Duration::from_millis(500), handle.send(vec![0; 4096])).await {
        sent.unwrap();
        taken += 4096;
    }
    let pieces = EVENTS_MAX + 2;
    let bound = usize::try_from(SEND_WINDOW_BYTES).unwrap()
        + 2 * usize::try_from(WINDOW_BYTES).unwrap()
        + pieces * READ_BYTES_MAX;
    assert!(taken <= bound, "{taken} of {bound}");
    // Reading on sets everything in motion again.
    receive(&mut down, taken).await;
    handle.send(vec![5; 100]).await.unwrap();
}

#[tokio::test]
async fn second_stream_is_not_granted() {
    let district = node(2);
    let caller = Raw::new(Some((3, chain(3))), LINK_ALPN);
    let connection = caller.connect(&district).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(b"x").await.unwrap();
    let link = accept_link(&district).await;
    let short = Duration::from_millis(200);
    assert!(timeout(short, connection.open_bi()).await.is_err());
    assert!(timeout(short, connection.open_uni()).await.is_err());
    drop(link);
}

#[test]
fn transport_probes_nothing() {
    let shown = format!(
        "{:?}",
        transport(&Tuning::default(), Expected::default(), 1)
    );
    assert!(shown.contains("mtu_discovery_config: None"), "{shown}");
    assert!(
        shown.contains("enable_segmentation_offload: false"),
        "{shown}"
    );
}
