//! What a called node last said before an outage.
//!
//! A called node does not look for its callers, they come again. What it said meanwhile is lost, and QUIC's timers,
//! doubled while nobody answered, may miss one window after the other. So whoever is heard after a silence gets the
//! last packet again: its acknowledgement shows QUIC what was lost.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::time::Instant;

use crate::header::is_long;
use crate::limits::{ASKING_BYTES, SILENCE, UNANSWERED_PEERS_MAX};

/// The last packet to each peer that has not been heard since.
#[derive(Debug, Default)]
pub(crate) struct Unanswered {
    peers: BTreeMap<SocketAddr, Last>,
}

#[derive(Debug)]
struct Last {
    /// When the first packet went out since the peer was heard.
    since: Instant,
    packet: Vec<u8>,
}

impl Unanswered {
    /// A packet went out.
    pub(crate) fn sent(&mut self, to: SocketAddr, packet: &[u8], now: Instant) {
        if packet.len() < ASKING_BYTES || is_long(packet) {
            return;
        }
        if let Some(last) = self.peers.get_mut(&to) {
            last.packet.clear();
            last.packet.extend_from_slice(packet);
            return;
        }
        self.make_room();
        let packet = packet.to_vec();
        self.peers.insert(to, Last { since: now, packet });
    }

    /// A packet came in: gives what goes out again.
    pub(crate) fn heard(&mut self, from: SocketAddr, now: Instant) -> Option<Vec<u8>> {
        let last = self.peers.remove(&from)?;
        let silence = now.saturating_duration_since(last.since);
        (silence >= SILENCE).then_some(last.packet)
    }

    /// Forgets who has been silent longest, where too many are.
    fn make_room(&mut self) {
        if self.peers.len() < UNANSWERED_PEERS_MAX {
            return;
        }
        let silent = self.peers.iter().min_by_key(|(_, last)| last.since);
        if let Some(silent) = silent.map(|(addr, _)| *addr) {
            self.peers.remove(&silent);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn addr(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn who_comes_back_after_a_silence_gets_the_last_packet_once() {
        let (mut unanswered, start) = (Unanswered::default(), Instant::now());
        for byte in 1..4 {
            unanswered.sent(addr(1), &[byte; 300], start);
        }
        // Acknowledgements and handshakes are no question.
        unanswered.sent(addr(1), &[4; ASKING_BYTES - 1], start);
        unanswered.sent(addr(1), &[0xC0; 300], start);
        assert_eq!(unanswered.heard(addr(2), start + SILENCE), None);
        let again = unanswered.heard(addr(1), start + SILENCE);
        assert_eq!(again, Some(vec![3; 300]));
        assert_eq!(unanswered.heard(addr(1), start + 2 * SILENCE), None);
        // Who answers in time was there all along.
        unanswered.sent(addr(1), &[5; 300], start + 3 * SILENCE);
        let soon = start + 3 * SILENCE + SILENCE / 2;
        assert_eq!(unanswered.heard(addr(1), soon), None);
        assert!(unanswered.peers.is_empty());
    }

    #[test]
    fn of_many_silent_peers_the_oldest_is_forgotten() {
        let (mut unanswered, start) = (Unanswered::default(), Instant::now());
        let count = u16::try_from(UNANSWERED_PEERS_MAX).unwrap() + 10;
        for port in 0..count {
            let now = start + Duration::from_millis(port.into());
            unanswered.sent(addr(port), &[0; 300], now);
        }
        assert_eq!(unanswered.peers.len(), UNANSWERED_PEERS_MAX);
        let late = start + 2 * SILENCE;
        assert_eq!(unanswered.heard(addr(9), late), None);
        assert!(unanswered.heard(addr(10), late).is_some());
    }
}
