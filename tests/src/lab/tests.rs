//! The relays with real sockets; what the shapes do is tested without them.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

fn slow() -> Profile {
    let shape = Shape {
        rate: Some(80_000),
        delay_ms: 100,
        ..Shape::default()
    };
    Profile {
        both: shape,
        ..Profile::named("clean").unwrap()
    }
}

async fn receive(socket: &UdpSocket) -> (Vec<u8>, std::net::SocketAddr) {
    let mut buffer = [0; 2_000];
    let received = timeout(LIMIT, socket.recv_from(&mut buffer)).await;
    let (length, from) = received.unwrap().unwrap();
    (buffer[..length].to_vec(), from)
}

#[tokio::test]
async fn a_packet_takes_as_long_as_the_profile_says_and_is_counted() {
    let called = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let caller = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let relay = UdpRelay::start(slow(), 1, called.local_addr().unwrap())
        .await
        .unwrap();
    caller.send_to(&[7; 1_000], relay.addr()).await.unwrap();
    let (bytes, from) = receive(&called).await;
    let took = relay.traffic().since_begun(Instant::now());
    assert_eq!(bytes, [7; 1_000]);
    assert!(took >= Duration::from_millis(195), "{took:?}");
    called.send_to(b"answer", from).await.unwrap();
    assert_eq!(receive(&caller).await, (b"answer".to_vec(), relay.addr()));
    let traffic = relay.traffic();
    assert_eq!(relay.trace().len(), 2);
    relay.count_anew();
    let count = |bytes, packets| Count {
        bytes,
        packets,
        lost: 0,
    };
    assert_eq!((traffic.up, traffic.down), (count(1_000, 1), count(6, 1)));
    assert_eq!(relay.traffic(), Traffic::default());
}

#[tokio::test]
async fn a_cut_loses_packets_and_a_new_address_keeps_them() {
    let called = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let caller = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let clean = Profile::named("clean").unwrap();
    let relay = UdpRelay::start(clean, 1, called.local_addr().unwrap())
        .await
        .unwrap();
    relay.cut(true);
    caller.send_to(b"lost", relay.addr()).await.unwrap();
    while relay.traffic().up.lost == 0 {
        tokio::task::yield_now().await;
    }
    relay.cut(false);
    caller.send_to(b"one", relay.addr()).await.unwrap();
    let (bytes, before) = receive(&called).await;
    assert_eq!(bytes, b"one");
    relay.rebind();
    tokio::task::yield_now().await;
    caller.send_to(b"two", relay.addr()).await.unwrap();
    let (bytes, after) = receive(&called).await;
    assert_eq!(bytes, b"two");
    assert_ne!(before, after);
}

#[tokio::test]
async fn tcp_pays_a_round_trip_before_its_first_byte() {
    let called = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = TcpRelay::start(slow(), 1, called.local_addr().unwrap())
        .await
        .unwrap();
    let begun = Instant::now();
    let mut caller = TcpStream::connect(relay.addr()).await.unwrap();
    caller.write_all(&[5; 1_000]).await.unwrap();
    let (mut stream, _) = timeout(LIMIT, called.accept()).await.unwrap().unwrap();
    let mut bytes = vec![0; 1_000];
    timeout(LIMIT, stream.read_exact(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(395));
    assert_eq!(relay.take_traffic().up.bytes, 1_000);
}
