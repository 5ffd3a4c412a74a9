//! Links over TCP: what they carry, how they end, and who may not have one.

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::{TlsConnector, client};

use super::join::{serve_join, ticket};
use super::*;
use crate::limits::{LINE_ANSWER_MAX, LINE_KNOCK_INTERVAL, LINE_SILENCE_MAX, SOCKET_BUFFER_BYTES};
use crate::record;

/// A node that is called by TCP as well.
pub(super) fn serving(depth: u8) -> Endpoint {
    let mut config = config(depth, chain(depth));
    config.tuning.tcp = Tcp::Serves;
    Endpoint::bind(config).unwrap()
}

fn by_tcp() -> DialOptions {
    DialOptions {
        first: Via::Tcp,
        ..DialOptions::default()
    }
}

async fn linked_by_tcp(commune: &Endpoint, district: &Endpoint) -> (Link, Link) {
    linked_at(commune, addr(district), district).await
}

async fn linked_at(commune: &Endpoint, at: SocketAddr, district: &Endpoint) -> (Link, Link) {
    let up = commune.dial(at, &by_tcp()).await.unwrap();
    up.handle().send(vec![1]).await.unwrap();
    let mut down = accept_link(district).await;
    assert_eq!(next(&mut down).await, LinkEvent::Received(vec![1]));
    assert_eq!(
        (up.handle().via(), down.handle().via()),
        (Via::Tcp, Via::Tcp)
    );
    (up, down)
}

/// TLS by hand, to say what no node says.
pub(super) async fn shake(
    to: &Endpoint,
    identity: Option<(u8, Vec<Vec<u8>>)>,
    alpn: &[u8],
) -> std::io::Result<client::TlsStream<TcpStream>> {
    let credentials = identity.map(|(seed, chain)| Credentials::new(&signer(seed), &chain));
    let (none, evidence) = (Resumption::disabled(), Evidence::none());
    let client = Client::new(credentials.as_ref(), root(), &evidence, alpn, none).unwrap();
    let name = ServerName::try_from("test.invalid").unwrap();
    let socket = TcpStream::connect(addr(to)).await.unwrap();
    TlsConnector::from(client.stream())
        .connect(name, socket)
        .await
}

/// The code with which a stream is closed.
async fn code_of(mut stream: client::TlsStream<TcpStream>) -> Option<CloseCode> {
    let mut said = Vec::new();
    // What came before an end without a goodbye counts.
    let _end = timeout(LIMIT * 3, stream.read_to_end(&mut said))
        .await
        .unwrap();
    let [1, _, _, code @ ..] = said.as_slice() else {
        return None;
    };
    code.first_chunk()
        .map(|code| CloseCode(u32::from_be_bytes(*code)))
}

#[tokio::test]
async fn a_link_by_tcp_carries_a_megabyte_each_way_and_knows_its_peer() {
    const BYTES: usize = 1 << 20;
    let (commune, district) = (serving(3), serving(2));
    let (mut up, mut down) = linked_by_tcp(&commune, &district).await;
    assert_eq!(up.handle().peer().node, signer(2).node_id());
    assert_eq!(down.handle().chain(), chain(3));
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
    let around = meter.udp_sent - meter.stream_sent;
    assert!(around < 5_000 + (1 << 20) / 100, "{around}");
    assert!(meter.rtt > Duration::ZERO && meter.rtt < LIMIT);
}

/// Carries bytes one way, so many a second.
async fn slowly(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, rate: u32) {
    let mut buffer = [0; 2_000];
    let mut due = Instant::now();
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        due =
            due.max(Instant::now()) + Duration::from_secs(1) * u32::try_from(read).unwrap() / rate;
        sleep_until(due).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn both_ends_of_a_link_by_tcp_see_what_it_carries() {
    const RATE: u32 = 100_000;
    const BYTES: usize = 200_000;
    let (commune, district) = (serving(3), serving(2));
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, to) = (relay.local_addr().unwrap(), addr(&district));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (caller, _) = relay.accept().await.unwrap();
        let called = TcpStream::connect(to).await.unwrap();
        let (caller, called) = (caller.into_split(), called.into_split());
        let up = slowly(caller.0, called.1, RATE);
        tokio::join!(up, slowly(called.0, caller.1, RATE));
    });
    let (mut up, mut down) = linked_at(&commune, at, &district).await;
    for link in [&up, &down] {
        assert_eq!(link.handle().meter().rate, None, "a few words say nothing");
        let handle = link.handle();
        tasks.spawn(async move {
            for piece in pattern(BYTES, 3).chunks(10_000) {
                handle.send(piece.to_vec()).await.unwrap();
            }
        });
    }
    tokio::join!(receive(&mut down, BYTES), receive(&mut up, BYTES));
    for link in [&up, &down] {
        let handle = link.handle();
        let seen = || handle.meter().rate.unwrap_or_default();
        let is_near = async {
            while !(70_000..=130_000).contains(&seen()) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = timeout(LIMIT, is_near).await;
        assert!(waited.is_ok(), "{} bytes a second", seen());
    }
}

#[tokio::test]
async fn a_call_by_tcp_costs_three_kilobytes_and_half_when_resumed() {
    let (commune, district) = (serving(3), serving(2));
    let mut cost = Vec::new();
    for _ in 0..2 {
        let (mut up, down) = linked_by_tcp(&commune, &district).await;
        // Behind the ticket for the next call.
        down.handle().send(vec![2]).await.unwrap();
        next(&mut up).await;
        let meter = up.handle().meter();
        cost.push(meter.udp_sent + meter.udp_received);
    }
    println!("calls by TCP: {cost:?} bytes");
    assert!(cost[0] < 3_000 && cost[1] < cost[0] / 2 + 300, "{cost:?}");
}

#[tokio::test]
async fn finish_delivers_and_every_end_is_told_as_by_quic() {
    let (commune, district) = (serving(3), serving(2));
    let told = |code, text: &str| CloseReason::Peer {
        code,
        text: text.to_owned(),
    };
    let (mut up, mut down) = linked_by_tcp(&commune, &district).await;
    let last = pattern(40_000, 3);
    up.handle().send(last.clone()).await.unwrap();
    up.handle().finish(CloseCode(7), "done");
    assert_eq!(up.handle().send(vec![1]).await, Err(LinkGone));
    assert_eq!(receive(&mut down, last.len()).await, last);
    assert_eq!(closed(&mut down).await, told(CloseCode(7), "done"));
    assert_eq!(closed(&mut up).await, CloseReason::Local);
    assert_eq!(up.handle().send(vec![1]).await, Err(LinkGone));

    let (mut up, mut down) = linked_by_tcp(&commune, &district).await;
    // What it has not read does not take the last word from it.
    up.handle().send(vec![5; 10_000]).await.unwrap();
    down.handle().close(CloseCode(9), "garbage");
    assert_eq!(closed(&mut up).await, told(CloseCode(9), "garbage"));
    assert_eq!(closed(&mut down).await, CloseReason::Local);

    let (up, mut down) = linked_by_tcp(&commune, &district).await;
    drop(up);
    assert_eq!(closed(&mut down).await, told(CloseCode::DROPPED, ""));

    let (mut up, _down) = linked_by_tcp(&commune, &district).await;
    district.close().await;
    assert_eq!(closed(&mut up).await, told(CloseCode::STOPPING, "stopping"));
    assert!(district.accept().await.is_none());
}

#[tokio::test]
async fn where_both_ways_lead_there_quic_is_taken_and_the_other_never_seen() {
    let (commune, district) = (serving(3), serving(2));
    let up = commune.dial(addr(&district), &DialOptions::default()).await;
    let up = up.unwrap();
    assert_eq!(up.handle().via(), Via::Quic);
    up.handle().send(vec![1]).await.unwrap();
    accept_link(&district).await;
    nobody_came(&district).await;
    // A call that is given up before it says anything is none.
    let given_up = commune.dial(addr(&district), &by_tcp()).await.unwrap();
    drop(given_up);
    nobody_came(&district).await;
}

#[tokio::test]
async fn where_udp_is_blocked_the_link_comes_by_tcp_after_the_head_start() {
    let (commune, district) = (serving(3), serving(2));
    let relay = Relay::to(addr(&district)).await;
    let near = DialOptions {
        initial_rtt: Some(Duration::from_millis(1)),
        rate: Some(1 << 20),
        ..DialOptions::default()
    };
    let begun = Instant::now();
    let up = commune.dial(relay.addr, &near).await.unwrap();
    assert_eq!(up.handle().via(), Via::Tcp);
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(500) && took < LIMIT,
        "{took:?}"
    );
    // Remembered, it is tried first.
    let begun = Instant::now();
    let up = commune.dial(relay.addr, &by_tcp()).await.unwrap();
    assert_eq!(up.handle().via(), Via::Tcp);
    assert!(begun.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn a_joiner_whose_udp_is_blocked_joins_by_tcp() {
    let district = serving(2);
    let relay = Relay::to(addr(&district)).await;
    let mut ticket = ticket(&district);
    ticket.addrs = vec![relay.addr.to_string()];
    let (key, tuning) = (signer(3), Tuning::default());
    let (joined, ()) = tokio::join!(
        call_join(&ticket, &key, &tuning),
        serve_join(&district, &ticket)
    );
    let joined = joined.unwrap_or_else(|error| panic!("{}", ErrorChain(&error)));
    assert_eq!(joined.identity.place.node, signer(3).node_id());
    let commune = Endpoint::bind(config(3, joined.chain)).unwrap();
    linked(&commune, &district).await;
}

/// Carries TCP to an address, until it is told to swallow everything; UDP to its port is swallowed always.
struct Relay {
    addr: SocketAddr,
    is_dead: watch::Sender<bool>,
    _udp: UdpSocket,
    _tasks: JoinSet<()>,
}

impl Relay {
    async fn to(to: SocketAddr) -> Self {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = udp.local_addr().unwrap();
        let listener = TcpListener::bind(at).await.unwrap();
        let (is_dead, dead) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut far, mut dead) = (TcpStream::connect(to).await.unwrap(), dead.clone());
                carried.spawn(async move {
                    let died = async { dead.wait_for(|dead| *dead).await.is_ok() };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                        _ = died => {}
                    }
                    // Both sockets stay open and say nothing more.
                    std::future::pending::<()>().await;
                });
            }
        });
        Self {
            addr: at,
            is_dead,
            _udp: udp,
            _tasks: tasks,
        }
    }
}

/// Lets time pass at once, and then what it has set off happen.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
    sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_silent_line_stands_for_hours_and_a_dead_one_is_noticed_at_both_ends() {
    let (commune, district) = (serving(3), serving(2));
    let relay = Relay::to(addr(&district)).await;
    let (mut up, mut down) = linked_at(&commune, relay.addr, &district).await;
    let before = up.handle().meter().udp_sent;
    for _ in 0..20 {
        pass(LINE_KNOCK_INTERVAL).await;
    }
    up.handle().send(b"good morning".to_vec()).await.unwrap();
    assert_eq!(receive(&mut down, 12).await, b"good morning");
    let knocks = up.handle().meter().udp_sent - before;
    assert!((20 * 20..20 * 30).contains(&knocks), "{knocks}");

    relay.is_dead.send_replace(true);
    pass(LINE_KNOCK_INTERVAL).await;
    pass(LINE_ANSWER_MAX).await;
    let end = CloseReason::TimedOut;
    assert_eq!(next(&mut up).await, LinkEvent::Closed(end.clone()));
    pass(LINE_SILENCE_MAX - LINE_KNOCK_INTERVAL - LINE_ANSWER_MAX).await;
    assert_eq!(next(&mut down).await, LinkEvent::Closed(end));
}

#[tokio::test]
async fn on_another_network_a_line_is_asked_at_once_whether_it_leads_anywhere() {
    let (commune, district) = (serving(3), serving(2));
    let relay = Relay::to(addr(&district)).await;
    let (mut up, mut down) = linked_at(&commune, relay.addr, &district).await;
    commune.network_changed();
    pass(LINE_ANSWER_MAX).await;
    up.handle().send(vec![2]).await.unwrap();
    assert_eq!(next(&mut down).await, LinkEvent::Received(vec![2]));
    relay.is_dead.send_replace(true);
    commune.network_changed();
    sleep(Duration::from_millis(50)).await;
    pass(LINE_ANSWER_MAX).await;
    assert_eq!(
        next(&mut up).await,
        LinkEvent::Closed(CloseReason::TimedOut)
    );
}

#[tokio::test]
async fn a_slow_reader_holds_the_writer_back_within_bounds() {
    let (commune, district) = (serving(3), serving(2));
    let (up, mut down) = linked_by_tcp(&commune, &district).await;
    let handle = up.handle();
    let mut taken = 0;
    while let Ok(sent) = timeout(Duration::from_millis(500), handle.send(vec![0; 4096])).await {
        sent.unwrap();
        taken += 4096;
    }
    // Linux doubles what it is asked for, at either end, and holds more of what is sent by itself.
    let bound = 6 * usize::try_from(SOCKET_BUFFER_BYTES).unwrap() + EVENTS_MAX * READ_BYTES_MAX;
    println!("{taken} bytes wait at a reader that reads nothing");
    assert!(taken <= bound, "{taken} of {bound}");
    receive(&mut down, taken).await;
    handle.send(vec![5; 100]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn finishing_does_not_wait_for_ever_on_a_peer_that_takes_nothing() {
    let (commune, district) = (serving(3), serving(2));
    let relay = Relay::to(addr(&district)).await;
    let (mut up, _down) = linked_at(&commune, relay.addr, &district).await;
    relay.is_dead.send_replace(true);
    let begun = Instant::now();
    up.handle().finish(CloseCode::ENDED, "");
    assert_eq!(up.next().await, Some(LinkEvent::Closed(CloseReason::Local)));
    assert!(begun.elapsed() <= FINISH_TIMEOUT * 2 + Duration::from_secs(1));
}

#[tokio::test]
async fn without_a_certificate_that_holds_there_is_no_link_by_tcp() {
    let district = serving(2);
    let nobody = shake(&district, None, LINK_ALPN).await.unwrap();
    assert_eq!(code_of(nobody).await, Some(CloseCode::NO_CERTIFICATE));
    // TLS 1.3 lets the caller finish first; the refusal is the first it reads.
    let mut foreigner = shake(&district, Some((13, chain_of(11, 3))), LINK_ALPN)
        .await
        .unwrap();
    let refused = foreigner.read_u8().await.unwrap_err();
    assert_eq!(
        CloseReason::from(&refused),
        CloseReason::Handshake { alert: 48 }
    );
    nobody_came(&district).await;

    let mut foreign = config(13, chain_of(11, 3));
    foreign.tuning.tcp = Tcp::Calls;
    let refused = Endpoint::bind(foreign)
        .unwrap()
        .dial(addr(&district), &by_tcp())
        .await;
    assert!(
        matches!(refused, Err(DialError::Chain { .. })),
        "{refused:?}"
    );
    let options = DialOptions {
        expect: Some(signer(1).node_id()),
        ..by_tcp()
    };
    let refused = serving(3).dial(addr(&district), &options).await;
    assert!(
        matches!(refused, Err(DialError::OtherNode { .. })),
        "{refused:?}"
    );
    nobody_came(&district).await;
}

#[tokio::test(start_paused = true)]
async fn callers_that_stall_are_thrown_out_however_slowly_they_speak() {
    let district = serving(2);
    let begun = Instant::now();
    let mut silent = TcpStream::connect(addr(&district)).await.unwrap();
    let mut loris = TcpStream::connect(addr(&district)).await.unwrap();
    let mut quiet = shake(&district, Some((3, chain(3))), LINK_ALPN)
        .await
        .unwrap();
    let dripping = async {
        // The head of a ClientHello of 16 KB, a byte a second.
        for byte in [0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f].into_iter().cycle() {
            sleep(Duration::from_secs(1)).await;
            if loris.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    };
    let ends = async {
        assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or_default(), 0);
        let mut said = Vec::new();
        let _end = quiet.read_to_end(&mut said).await;
        assert_eq!(said, record::close(CloseCode::SILENT, "silent"));
    };
    tokio::join!(dripping, ends);
    let took = begun.elapsed();
    assert!(
        took <= HANDSHAKE_TIMEOUT + FINISH_TIMEOUT + Duration::from_secs(3),
        "{took:?}"
    );
    nobody_came(&district).await;
}

#[tokio::test]
async fn silent_callers_by_tcp_are_bounded_and_quic_goes_on() {
    let (commune, district) = (serving(3), serving(2));
    let mut silent = Vec::new();
    for _ in 0..HANDSHAKES_MAX {
        silent.push(TcpStream::connect(addr(&district)).await.unwrap());
    }
    // One too many sees the socket close.
    let mut over = TcpStream::connect(addr(&district)).await.unwrap();
    let end = timeout(LIMIT, over.read(&mut [0; 8])).await.unwrap();
    assert_eq!(end.unwrap_or_default(), 0);
    linked(&commune, &district).await;
    drop(silent);
    let deadline = Instant::now() + LIMIT;
    while commune
        .dial(addr(&district), &by_tcp())
        .await
        .unwrap()
        .handle()
        .via()
        != Via::Tcp
    {
        assert!(Instant::now() < deadline);
    }
}

#[tokio::test]
async fn what_no_link_says_closes_the_line() {
    let district = serving(2);
    let mut caller = shake(&district, Some((3, chain(3))), LINK_ALPN)
        .await
        .unwrap();
    caller.write_all(&[0, 0xff, 0xff]).await.unwrap();
    let mut down = accept_link(&district).await;
    assert!(matches!(
        closed(&mut down).await,
        CloseReason::Protocol { .. }
    ));

    let mut joiner = shake(&district, None, JOIN_ALPN).await.unwrap();
    joiner.write_all(&[0, 0x10, 0x01]).await.unwrap();
    assert_eq!(code_of(joiner).await, Some(CloseCode::TOO_LARGE));
    nobody_came(&district).await;
}
