//! Two real endpoints on the loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hopluu_model::{Digest, NodeId, Timestamp};
use hopluu_trust::{
    ChainError, JoinError, JoinRefusal, JoinReply, JoinRequest, Signer, Ticket, TicketSecret,
    fingerprint,
};
use tokio::time::timeout;

use crate::endpoint::{Caller, transport};
use crate::join::exchange;
use crate::key::{Subject, issue, write_root};
use crate::limits::{
    ACCEPTED_MAX, EVENTS_MAX, FINISH_TIMEOUT, HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, IDLE_TIMEOUT,
    JOIN_BURST, LINKS_MAX, READ_BYTES_MAX, SEND_WINDOW_BYTES, WINDOW_BYTES,
};
use crate::tls::{Credentials, Evidence, JOIN_ALPN, LINK_ALPN};
use crate::{
    BindError, CloseCode, CloseReason, DialError, DialOptions, Endpoint, Incoming, JoinCallError,
    Link, LinkEvent, LinkGone, NetConfig, Tuning, call_join,
};

const NOT_AFTER: Timestamp = Timestamp(1_900_000_000_000);
const LIMIT: Duration = Duration::from_secs(20);

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32])
}

/// Province (key 1), district (2), commune (3); leaf first.
fn chain(depth: u8) -> Vec<Vec<u8>> {
    chain_of(1, depth)
}

fn chain_of(first: u8, depth: u8) -> Vec<Vec<u8>> {
    let units = ["45@2020-01-01", "465@2020-01-01", "19429@2020-02-01"];
    let root = signer(first);
    let mut chain = vec![write_root(&root, &units[0].parse().unwrap(), NOT_AFTER).unwrap()];
    for level in 1..depth {
        let subject = Subject {
            node: signer(first + level).node_id(),
            unit: units[usize::from(level)].parse().unwrap(),
            office: None,
            not_after: NOT_AFTER,
        };
        chain = issue(&signer(first + level - 1), &chain, &subject).unwrap();
    }
    chain
}

fn root() -> Digest {
    fingerprint(&chain(1)[0])
}

fn config(seed: u8, chain: Vec<Vec<u8>>) -> NetConfig {
    NetConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        signer: signer(seed),
        root: fingerprint(chain.last().unwrap()),
        chain,
        tuning: Tuning::default(),
    }
}

fn node(depth: u8) -> Endpoint {
    Endpoint::bind(config(depth, chain(depth))).unwrap()
}

fn addr(endpoint: &Endpoint) -> SocketAddr {
    endpoint.local_addr().unwrap()
}

async fn accept_link(endpoint: &Endpoint) -> Link {
    match timeout(LIMIT, endpoint.accept()).await.unwrap() {
        Some(Incoming::Link(link)) => link,
        other => panic!("{other:?}"),
    }
}

/// A commune's link to its district, both ends.
async fn linked(commune: &Endpoint, district: &Endpoint) -> (Link, Link) {
    let up = commune
        .dial(addr(district), &DialOptions::default())
        .await
        .unwrap();
    up.handle().send(vec![1]).await.unwrap();
    let mut down = accept_link(district).await;
    assert_eq!(next(&mut down).await, LinkEvent::Received(vec![1]));
    (up, down)
}

async fn next(link: &mut Link) -> LinkEvent {
    timeout(LIMIT, link.next()).await.unwrap().unwrap()
}

async fn closed(link: &mut Link) -> CloseReason {
    loop {
        if let LinkEvent::Closed(reason) = next(link).await {
            assert_eq!(link.next().await, None);
            return reason;
        }
    }
}

async fn receive(link: &mut Link, bytes: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < bytes {
        match next(link).await {
            LinkEvent::Received(piece) => {
                assert!(piece.len() <= READ_BYTES_MAX);
                received.extend(piece);
            }
            LinkEvent::Closed(reason) => panic!("{reason}"),
        }
    }
    received
}

fn pattern(bytes: usize, salt: usize) -> Vec<u8> {
    (0..bytes)
        .map(|n| u8::try_from((n * 31 + n / 251 + salt) % 256).unwrap())
        .collect()
}

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
async fn cold_connect_costs_under_six_kilobytes() {
    let (commune, district) = (node(3), node(2));
    let (up, _down) = linked(&commune, &district).await;
    // The confirmation of the handshake may still be on its way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let meter = up.handle().meter();
    let total = meter.udp_sent + meter.udp_received;
    assert!(total < 6_000, "{total} bytes, {meter:?}");
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
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let credentials = Credentials::new(&signer(3), &chain(3));
    let mut held = Vec::new();
    for _ in 0..ACCEPTED_MAX + HANDSHAKES_MAX {
        let connection = connect_raw(&quinn, &district, Some(&credentials), LINK_ALPN).await;
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(b"x").await.unwrap();
        held.push((connection, send, recv));
    }
    let refused = node(3).dial(addr(&district), &DialOptions::default()).await;
    assert!(
        matches!(
            refused,
            Err(DialError::Closed {
                source: CloseReason::Refused,
                ..
            })
        ),
        "{refused:?}"
    );
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
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let credentials = Credentials::new(&signer(13), &chain_of(11, 3));
    let reason = call_raw(&quinn, &district, Some(&credentials), LINK_ALPN).await;
    assert_eq!(reason, CloseReason::Handshake { alert: 48 });
    nobody_came(&district).await;
}

#[tokio::test]
async fn link_without_a_certificate_is_refused() {
    let district = node(2);
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let reason = call_raw(&quinn, &district, None, LINK_ALPN).await;
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

/// Calls without our endpoint's manners, says something at once, and waits to be thrown out.
async fn call_raw(
    quinn: &quinn::Endpoint,
    to: &Endpoint,
    credentials: Option<&Credentials>,
    alpn: &'static [u8],
) -> CloseReason {
    let connection = connect_raw(quinn, to, credentials, alpn).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    let _maybe_closed_already = send.write_all(b"frame").await;
    timeout(LIMIT, connection.closed()).await.unwrap().into()
}

async fn connect_raw(
    quinn: &quinn::Endpoint,
    to: &Endpoint,
    credentials: Option<&Credentials>,
    alpn: &'static [u8],
) -> quinn::Connection {
    let caller = Caller {
        quinn,
        root: root(),
        evidence: &Evidence::none(),
        credentials,
        alpn,
    };
    caller
        .call(addr(to), &Tuning::default(), None)
        .await
        .unwrap()
        .0
}

async fn nobody_came(endpoint: &Endpoint) {
    let waited = timeout(Duration::from_millis(200), endpoint.accept()).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn expired_chain_is_refused_once_there_is_evidence_of_the_time() {
    let (commune, district) = (node(3), node(2));
    linked(&commune, &district).await;
    district.set_evidence(NOT_AFTER.plus_ms(1));
    let mut up = commune
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
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let credentials = Credentials::new(&signer(3), &chain(3));
    let mut silent = Vec::new();
    for _ in 0..HANDSHAKES_MAX {
        silent.push(connect_raw(&quinn, &district, Some(&credentials), LINK_ALPN).await);
    }
    let commune = node(3);
    let refused = commune.dial(addr(&district), &DialOptions::default()).await;
    assert!(
        matches!(
            refused,
            Err(DialError::Closed {
                source: CloseReason::Refused,
                ..
            })
        ),
        "{refused:?}"
    );
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
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let credentials = Credentials::new(&signer(3), &chain(3));
    let mut held = Vec::new();
    for _ in 0..LINKS_MAX {
        let connection = connect_raw(&quinn, &district, Some(&credentials), LINK_ALPN).await;
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(b"x").await.unwrap();
        held.push((connection, send, recv, accept_link(&district).await));
    }
    let refused = node(3).dial(addr(&district), &DialOptions::default()).await;
    assert!(
        matches!(
            refused,
            Err(DialError::Closed {
                source: CloseReason::Refused,
                ..
            })
        ),
        "{refused:?}"
    );
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

#[tokio::test]
async fn second_stream_is_not_granted() {
    let district = node(2);
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let credentials = Credentials::new(&signer(3), &chain(3));
    let connection = connect_raw(&quinn, &district, Some(&credentials), LINK_ALPN).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(b"x").await.unwrap();
    let link = accept_link(&district).await;
    let short = Duration::from_millis(200);
    assert!(timeout(short, connection.open_bi()).await.is_err());
    assert!(timeout(short, connection.open_uni()).await.is_err());
    drop(link);
}

fn ticket(issuer: &Endpoint) -> Ticket {
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
async fn serve_join(district: &Endpoint, ticket: &Ticket) {
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
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let connection = connect_raw(&quinn, &district, None, JOIN_ALPN).await;
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
    let connection = connect_raw(&quinn, &district, None, JOIN_ALPN).await;
    let serve = async {
        match district.accept().await.unwrap() {
            Incoming::Join(call) => {
                assert_eq!(call.request().len(), 4096);
                call.answer(b"no").await;
            }
            Incoming::Link(link) => panic!("{link:?}"),
        }
    };
    let (reply, ()) = tokio::join!(exchange(&connection, &[0; 4096]), serve);
    assert_eq!(reply.unwrap(), b"no");
}

#[tokio::test]
async fn join_flood_from_one_address_is_held_off_while_links_go_on() {
    let (commune, district) = (node(3), node(2));
    let quinn = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let flood = Arc::new(quinn);
    let mut busy = 0;
    for _ in 0..JOIN_BURST + 5 {
        let connection = connect_raw(&flood, &district, None, JOIN_ALPN).await;
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

#[test]
fn transport_probes_nothing() {
    let shown = format!("{:?}", transport(&Tuning::default(), 1));
    assert!(shown.contains("mtu_discovery_config: None"), "{shown}");
    assert!(
        shown.contains("enable_segmentation_offload: false"),
        "{shown}"
    );
}
