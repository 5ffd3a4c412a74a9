//! Links on which packets are lost, chosen one by one by a go-between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::*;
use crate::header::{Kind, is_long, longs};

/// Packets of a caller in their order, and whether they passed.
type Sent = Vec<(Vec<u8>, bool)>;

/// Passes packets between a caller and who is called, but those that it loses.
struct Between {
    addr: SocketAddr,
    sent: Arc<Mutex<Sent>>,
    /// Whether what the called node says is lost.
    is_deaf: Arc<AtomicBool>,
    /// Lets the caller come from another address.
    moves: Arc<Notify>,
    _running: JoinSet<()>,
}

impl Between {
    async fn new(
        called: SocketAddr,
        mut passes: impl FnMut(&[u8]) -> bool + Send + 'static,
    ) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let connected = async move || {
            let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            far.connect(called).await.unwrap();
            far
        };
        let mut far = connected().await;
        let (is_deaf, moves) = (Arc::<AtomicBool>::default(), Arc::<Notify>::default());
        let (deaf, moving) = (Arc::clone(&is_deaf), Arc::clone(&moves));
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
                    () = moving.notified() => far = connected().await,
                    Ok(length) = far.recv(&mut down) => if !deaf.load(Ordering::Relaxed) {
                        near.send_to(&down[..length], caller.unwrap()).await.unwrap();
                    }
                }
            }
        });
        Self {
            addr,
            sent,
            is_deaf,
            moves,
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
    let (mut have_words_come, mut has_proof_passed) = (false, false);
    let between = Between::new(addr(&district), move |packet| {
        if is_proof(packet) {
            has_proof_passed |= have_words_come;
            return have_words_come;
        }
        // What follows the proof is lost as well: only what came before it can be the words.
        let is_word = !is_long(packet) && packet.len() >= 900;
        have_words_come |= is_word;
        is_long(packet) || !has_proof_passed
    })
    .await;
    let known = DialOptions {
        initial_rtt: Some(Duration::from_millis(100)),
        ..DialOptions::default()
    };
    let up = commune.dial(between.addr, &known).await.unwrap();
    let words = pattern(1_000, 1);
    up.handle().send(words.clone()).await.unwrap();
    let mut down = accept_link(&district).await;
    assert_eq!(receive(&mut down, words.len()).await, words);
    let sent = between.sent();
    let mut lost = sent.iter().filter(|(_, is_passed)| !is_passed);
    assert!(lost.any(|(packet, _)| is_proof(packet)));
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

#[tokio::test]
async fn an_answer_that_was_lost_comes_soon_after_the_return_on_another_address() {
    let (commune, district) = (node(3), node(2));
    let between = Between::new(addr(&district), |_| true).await;
    let mut up = commune
        .dial(between.addr, &DialOptions::default())
        .await
        .unwrap();
    up.handle().send(vec![1; 100]).await.unwrap();
    let mut down = accept_link(&district).await;
    assert_eq!(receive(&mut down, 100).await, vec![1; 100]);
    down.handle().send(vec![2; 100]).await.unwrap();
    assert_eq!(receive(&mut up, 100).await, vec![2; 100]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    between.is_deaf.store(true, Ordering::Relaxed);
    up.handle().send(vec![3; 100]).await.unwrap();
    assert_eq!(receive(&mut down, 100).await, vec![3; 100]);
    down.handle().send(vec![4; 300]).await.unwrap();
    // Long enough for QUIC's timers to have become rare.
    tokio::time::sleep(Duration::from_secs(8)).await;
    between.moves.notify_one();
    between.is_deaf.store(false, Ordering::Relaxed);
    let start = tokio::time::Instant::now();
    assert_eq!(receive(&mut up, 300).await, vec![4; 300]);
    let took = start.elapsed();
    assert!(took < Duration::from_millis(1_500), "{took:?}");
}
