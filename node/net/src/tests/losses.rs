//! Links on which packets are lost, chosen one by one by a go-between.

use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::*;
use crate::header::{Kind, is_long, longs};

/// Packets of a caller in their order, and whether they passed.
type Sent = Vec<(Vec<u8>, bool)>;

/// Passes packets between a caller and who is called, but those that it loses.
struct Between {
    addr: SocketAddr,
    sent: Arc<Mutex<Sent>>,
    _running: JoinSet<()>,
}

impl Between {
    async fn new(
        called: SocketAddr,
        mut passes: impl FnMut(&[u8]) -> bool + Send + 'static,
    ) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        far.connect(called).await.unwrap();
        let (addr, sent) = (near.local_addr().unwrap(), Arc::<Mutex<Sent>>::default());
        let (mut running, seen) = (JoinSet::new(), Arc::clone(&sent));
        running.spawn(async move {
            let (mut caller, mut up, mut down) = (None, [0; 2_000], [0; 2_000]);
            loop {
                tokio::select! {
                    Ok((length, from)) = near.recv_from(&mut up) => {
                        caller = Some(from);
                        let packet = &up[..length];
                        let is_passed = passes(packet);
                        seen.lock().unwrap().push((packet.to_vec(), is_passed));
                        if is_passed {
                            far.send(packet).await.unwrap();
                        }
                    }
                    Ok(length) = far.recv(&mut down) => {
                        near.send_to(&down[..length], caller.unwrap()).await.unwrap();
                    }
                }
            }
        });
        Self {
            addr,
            sent,
            _running: running,
        }
    }

    fn sent(&self) -> Sent {
        self.sent.lock().unwrap().clone()
    }
}

fn is_proof(packet: &[u8]) -> bool {
    longs(packet).any(|long| long.kind == Kind::Handshake)
}

#[tokio::test]
async fn first_words_are_taken_although_the_proof_before_them_was_lost() {
    let (commune, district) = (node(3), node(2));
    let mut proofs = 0;
    let between = Between::new(addr(&district), move |packet| {
        proofs += u32::from(is_proof(packet));
        // The first proof is lost, and what follows the second: only what came in between can be the words.
        !(is_proof(packet) && proofs == 1 || !is_long(packet) && proofs > 1)
    })
    .await;
    let known = DialOptions {
        initial_rtt: Some(Duration::from_millis(100)),
        ..DialOptions::default()
    };
    let up = commune.dial(between.addr, &known).await.unwrap();
    let words = pattern(2_500, 1);
    up.handle().send(words.clone()).await.unwrap();
    let mut down = accept_link(&district).await;
    assert_eq!(receive(&mut down, words.len()).await, words);
    let sent = between.sent();
    let lost = sent
        .iter()
        .filter(|(packet, is_passed)| is_proof(packet) && !is_passed);
    assert_eq!(lost.count(), 1);
}

#[tokio::test]
async fn a_call_over_a_way_that_loses_many_goes_twice_and_stands_without_its_first_copy() {
    let (commune, district) = (node(3), node(2));
    let mut calls = 0;
    let between = Between::new(addr(&district), move |_| {
        calls += 1;
        calls > 1
    })
    .await;
    let lossy = DialOptions {
        initial_rtt: Some(Duration::from_secs(5)),
        is_lossy: true,
        ..DialOptions::default()
    };
    let start = tokio::time::Instant::now();
    let up = commune.dial(between.addr, &lossy).await.unwrap();
    up.handle().send(vec![1; 100]).await.unwrap();
    let mut down = accept_link(&district).await;
    assert_eq!(receive(&mut down, 100).await, vec![1; 100]);
    // Neither QUIC nor the patience of its socket would have called again by then.
    assert!(start.elapsed() < Duration::from_secs(5));
    let sent = between.sent();
    let [(first, false), (second, true), ..] = &*sent else {
        panic!("{} packets", sent.len());
    };
    assert_eq!(first, second, "the same bytes");
    assert_eq!(up.handle().meter().packets_lost, 0);
}
