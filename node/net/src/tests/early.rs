//! Calls that speak before they are answered, and packets that go out again.

use std::io::IoSliceMut;
use std::sync::Mutex;

use quinn::AsyncUdpSocket as _;
use quinn::udp::{RecvMeta, Transmit};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::*;
use crate::flight::{Pace, knock};
use crate::limits::{KNOCK_BYTES, SILENCE};

/// A node at the port of one that has ended, as soon as the system gives it back.
async fn node_at(at: SocketAddr, seed: u8, chain: Vec<Vec<u8>>) -> Endpoint {
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        let config = NetConfig {
            listen: at,
            ..config(seed, chain.clone())
        };
        match Endpoint::bind(config) {
            Ok(endpoint) => return endpoint,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn dial_and_say(commune: &Endpoint, at: SocketAddr, what: &[u8]) -> Link {
    let link = commune.dial(at, &DialOptions::default()).await.unwrap();
    link.handle().send(what.to_vec()).await.unwrap();
    link
}

/// A first call, after which the commune has a ticket for the next.
async fn met(commune: &Endpoint, district: &Endpoint) -> SocketAddr {
    let at = addr(district);
    let (mut up, mut down) = linked(commune, district).await;
    // Behind the ticket.
    down.handle().send(vec![2]).await.unwrap();
    assert_eq!(next(&mut up).await, LinkEvent::Received(vec![2]));
    up.handle().close(CloseCode::ENDED, "");
    assert!(matches!(closed(&mut down).await, CloseReason::Peer { .. }));
    at
}

#[tokio::test]
async fn a_second_call_speaks_with_its_first_packet() {
    let (commune, district) = (node(3), node(2));
    let at = met(&commune, &district).await;
    let mut up = commune.dial(at, &DialOptions::default()).await.unwrap();
    assert_eq!(up.handle().meter().udp_received, 0, "nobody has answered");
    assert_eq!(up.handle().peer().node, signer(2).node_id());
    up.handle().send(b"early".to_vec()).await.unwrap();
    let mut down = accept_link(&district).await;
    assert_eq!(receive(&mut down, 5).await, b"early");
    assert_eq!(down.handle().peer().node, signer(3).node_id());
    down.handle().send(b"answer".to_vec()).await.unwrap();
    assert_eq!(receive(&mut up, 6).await, b"answer");
    // Its code is told whole, although the handshake may not have been through.
    down.handle().close(CloseCode(7), "done");
    let told = CloseReason::Peer {
        code: CloseCode(7),
        text: "done".to_owned(),
    };
    assert_eq!(closed(&mut up).await, told);
}

/// Whoever is turned away is told why, however soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_closed_and_dropped_at_once_ends_with_its_code() {
    let (commune, district) = (node(3), node(2));
    let at = met(&commune, &district).await;
    for _ in 0..20 {
        let mut up = dial_and_say(&commune, at, b"early").await;
        let down = accept_link(&district).await;
        down.handle().close(CloseCode::REVOKED, "why");
        drop(down);
        let told = CloseReason::Peer {
            code: CloseCode::REVOKED,
            text: "why".to_owned(),
        };
        assert_eq!(closed(&mut up).await, told);
    }
}

#[tokio::test]
async fn what_a_restarted_district_dropped_is_said_again() {
    let (commune, district) = (node(3), node(2));
    let at = met(&commune, &district).await;
    district.close().await;
    drop(district);
    let district = node_at(at, 2, chain(2)).await;
    let mut up = dial_and_say(&commune, at, b"early").await;
    let mut down = accept_link(&district).await;
    assert_eq!(receive(&mut down, 5).await, b"early");
    down.handle().send(b"answer".to_vec()).await.unwrap();
    assert_eq!(receive(&mut up, 6).await, b"answer");
}

#[tokio::test]
async fn somebody_else_at_a_known_address_hears_nothing() {
    let (commune, district) = (node(3), node(2));
    let at = met(&commune, &district).await;
    district.close().await;
    drop(district);
    let province = node_at(at, 1, chain(1)).await;
    let mut up = dial_and_say(&commune, at, b"early").await;
    assert_eq!(closed(&mut up).await, CloseReason::Local);
    nobody_came(&province).await;
    // Then it is called anew, and may show who it is.
    drop(up);
    let up = commune.dial(at, &DialOptions::default()).await;
    assert_eq!(up.unwrap().handle().peer().node, signer(1).node_id());
}

#[tokio::test]
async fn a_first_packet_that_is_repeated_later_opens_nothing() {
    let (commune, district) = (node(3), node(2));
    let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    tasks.spawn(listen_in(
        Arc::clone(&front),
        addr(&district),
        Arc::clone(&heard),
    ));
    let at = front.local_addr().unwrap();
    for _ in 0..2 {
        heard.lock().unwrap().clear();
        let mut up = dial_and_say(&commune, at, b"early").await;
        let mut down = accept_link(&district).await;
        assert_eq!(receive(&mut down, 5).await, b"early");
        down.handle().send(vec![2]).await.unwrap();
        assert_eq!(next(&mut up).await, LinkEvent::Received(vec![2]));
        up.handle().close(CloseCode::ENDED, "");
        closed(&mut down).await;
    }
    // The second call's, with its data in it.
    let first = heard.lock().unwrap()[0].clone();
    let spy = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    spy.send_to(&first, addr(&district)).await.unwrap();
    nobody_came(&district).await;
}

/// Carries one caller's packets there and back, and keeps what it sent.
async fn listen_in(front: Arc<UdpSocket>, to: SocketAddr, heard: Arc<Mutex<Vec<Vec<u8>>>>) {
    let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (mut up, mut down) = ([0; 2_000], [0; 2_000]);
    let mut caller = None;
    loop {
        tokio::select! {
            Ok((length, from)) = front.recv_from(&mut up) => {
                caller = Some(from);
                heard.lock().unwrap().push(up[..length].to_vec());
                back.send_to(&up[..length], to).await.unwrap();
            }
            Ok((length, _)) = back.recv_from(&mut down) => {
                if let Some(caller) = caller {
                    front.send_to(&down[..length], caller).await.unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn a_sleeping_link_learns_at_once_that_the_district_was_restarted() {
    let (commune, district) = (node(3), node(2));
    let (mut up, down) = linked(&commune, &district).await;
    let at = addr(&district);
    // As after a power cut: nobody is told. What the old node still says comes from another port.
    let elsewhere = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    district.quinn().rebind(elsewhere).unwrap();
    drop((district, down));
    let _district = node_at(at, 2, chain(2)).await;
    up.handle().send(vec![0; 100]).await.unwrap();
    assert_eq!(closed(&mut up).await, CloseReason::Reset);
}

#[tokio::test]
async fn a_knock_is_answered_and_ends_no_link() {
    let (commune, district) = (node(3), node(2));
    let (up, mut down) = linked(&commune, &district).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut buffer = [0; 100];
    for _ in 0..3 {
        stranger.send_to(&knock(), addr(&district)).await.unwrap();
        let answer = timeout(LIMIT, stranger.recv_from(&mut buffer)).await;
        assert_eq!(answer.unwrap().unwrap().0, KNOCK_BYTES - 1);
        // It is answered every 20 ms at most.
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    up.handle().send(vec![7; 100]).await.unwrap();
    assert_eq!(receive(&mut down, 100).await, vec![7; 100]);
}

fn calling(called: &UdpSocket) -> Arc<Repeater> {
    let (here, to) = ("127.0.0.1:0".parse(), called.local_addr());
    Repeater::bind(here.unwrap(), to.unwrap(), Arc::default()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_brings_no_answer_goes_out_again_until_it_does() {
    let called = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let repeater = calling(&called);
    let pace = Pace {
        rtt: Some(Duration::from_millis(600)),
        rate: Some(8_000),
        is_lossy: false,
    };
    let watch = repeater.watch(called.local_addr().unwrap(), pace, None);
    let send = async |bytes: &[u8]| {
        let transmit = Transmit {
            destination: called.local_addr().unwrap(),
            ecn: None,
            contents: bytes,
            segment_size: None,
            src_ip: None,
        };
        while repeater.try_send(&transmit).is_err() {
            tokio::task::yield_now().await;
        }
    };
    let hears = async |bytes: usize| {
        let to = repeater.local_addr().unwrap();
        called.send_to(&vec![2; bytes], to).await.unwrap();
        let mut storage = [0; 2_000];
        let heard = std::future::poll_fn(|context| {
            let mut buffers = [IoSliceMut::new(&mut storage)];
            repeater.poll_recv(context, &mut buffers, &mut [RecvMeta::default()])
        });
        assert_eq!(heard.await.unwrap(), 1);
    };
    let mut buffer = [0; 2_000];
    // A call's three repeats come after 1, 2 and 4 waits of a round trip and an eighth, the time of the bytes and
    // some for the machine. On a link that has carried an answer they come evenly after three quarters of a wait, the first with more
    // patience after a repeat; and what goes in vain for the second time may have arrived, so that a knock goes along.
    for (quarters, knocks) in [(28, 0), (14, 2), (22, 2)] {
        let start = tokio::time::Instant::now();
        send(b"question").await;
        let (mut questions, mut knocked) = (0, 0);
        while questions < 4 || knocked < knocks {
            let (length, _) = called.recv_from(&mut buffer).await.unwrap();
            questions += u32::from(&buffer[..length] == b"question");
            knocked += u32::from(length == KNOCK_BYTES);
        }
        assert_eq!((questions, knocked), (4, knocks));
        let (took, expected) = (start.elapsed(), Duration::from_micros(quarters * 190_750));
        assert!(took >= expected && took < expected * 11 / 10, "{took:?}");
        // An answer ends it.
        hears(100).await;
    }
    // After much on its way over a link that stood a few bytes ask whether it stands again.
    for bytes in [1_200, 900, 1_200, 700, 40] {
        send(&vec![1; bytes]).await;
        assert_eq!(called.recv_from(&mut buffer).await.unwrap().0, bytes);
    }
    let start = tokio::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(called.recv_from(&mut buffer).await.unwrap().0, KNOCK_BYTES);
        assert_eq!(buffer[0] & 0xC0, 0x40);
    }
    assert!(start.elapsed() < Duration::from_secs(40));
    hears(KNOCK_BYTES - 1).await;
    assert_eq!(called.recv_from(&mut buffer).await.unwrap().0, KNOCK_BYTES);
    hears(100).await;
    // Where QUIC waits for nothing but an answer is owed, it may be lost on its way here.
    for _ in 0..3 {
        let start = tokio::time::Instant::now();
        assert_eq!(called.recv_from(&mut buffer).await.unwrap().0, KNOCK_BYTES);
        assert!(start.elapsed() >= SILENCE);
    }
    // What needs none is sent once.
    watch.awaits(false);
    let hour = Duration::from_secs(3_600);
    assert!(timeout(hour, called.recv_from(&mut buffer)).await.is_err());
    send(b"thanks").await;
    called.recv_from(&mut buffer).await.unwrap();
    assert!(timeout(hour, called.recv_from(&mut buffer)).await.is_err());
}
