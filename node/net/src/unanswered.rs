//! What a called node last said before an outage.
//!
//! A called node does not look for its callers, they come again. What it said meanwhile is lost, and QUIC's timers,
//! doubled while nobody answers, may miss one window after the other. So whoever knocks, or is heard after a silence, gets
//! the last packet again: its acknowledgement shows QUIC what was lost.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::time::Instant;

use crate::header::is_long;
use crate::limits::{ASKING_BYTES, KNOCK_BYTES, SILENCE, UNANSWERED_PEERS_MAX};

/// The last packet to each peer.
#[derive(Debug, Default)]
pub(crate) struct Unanswered {
    peers: BTreeMap<SocketAddr, Last>,
}

#[derive(Debug)]
struct Last {
    /// When the first packet went out since the peer was heard, if one did.
    since: Option<Instant>,
    /// When it, or what was said after it, went out or went again.
    at: Instant,
    packet: Vec<u8>,
    /// Bytes that may go again: twice what was heard, because its address may be a lie and QUIC itself answers a knock
    /// with as much as it is (RFC 9000, section 8.1).
    credit: usize,
}

/// Most of that: repeats of an outage.
const CREDIT_MAX: usize = 16 << 10;

impl Unanswered {
    /// A packet went out.
    pub(crate) fn sent(&mut self, to: SocketAddr, packet: &[u8], now: Instant) {
        if packet.len() < ASKING_BYTES || is_long(packet) {
            return;
        }
        if let Some(last) = self.peers.get_mut(&to) {
            last.since.get_or_insert(now);
            last.at = now;
            last.packet.clear();
            last.packet.extend_from_slice(packet);
            return;
        }
        self.make_room();
        let last = Last {
            since: Some(now),
            at: now,
            packet: packet.to_vec(),
            credit: 0,
        };
        self.peers.insert(to, last);
    }

    /// So many bytes came in: gives what goes out again. Who knocks has heard nothing for a while; what it says again
    /// and again has been heard, and is no sign that it hears.
    pub(crate) fn heard(&mut self, from: SocketAddr, bytes: usize, now: Instant) -> Option<&[u8]> {
        let last = self.peers.get_mut(&from)?;
        last.credit = last.credit.saturating_add(2 * bytes).min(CREDIT_MAX);
        let since = if bytes == KNOCK_BYTES {
            Some(last.at)
        } else {
            last.since.take()
        };
        let is_silent = |since| now.saturating_duration_since(since) >= SILENCE;
        if !since.is_some_and(is_silent) || last.credit < last.packet.len() {
            return None;
        }
        last.credit -= last.packet.len();
        last.at = now;
        Some(&last.packet)
    }

    /// Forgets who has been silent longest, where too many are.
    fn make_room(&mut self) {
        if self.peers.len() < UNANSWERED_PEERS_MAX {
            return;
        }
        let silent = self.peers.iter().min_by_key(|(_, last)| last.at);
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
        assert_eq!(unanswered.heard(addr(2), 300, start + SILENCE), None);
        let again = unanswered.heard(addr(1), 300, start + SILENCE);
        assert_eq!(again, Some(&[3; 300][..]));
        assert_eq!(unanswered.heard(addr(1), 300, start + 2 * SILENCE), None);
        // Who answers in time was there all along.
        unanswered.sent(addr(1), &[5; 300], start + 3 * SILENCE);
        let soon = start + 3 * SILENCE + SILENCE / 2;
        assert_eq!(unanswered.heard(addr(1), 300, soon), None);
        assert_eq!(unanswered.heard(addr(1), 300, start + 9 * SILENCE), None);
    }

    #[test]
    fn who_knocks_gets_it_now_and_then_whatever_else_it_says() {
        let (mut unanswered, start) = (Unanswered::default(), Instant::now());
        unanswered.sent(addr(1), &[1; 300], start);
        let mut times = 0;
        for tenths in 1..=SILENCE.as_secs() * 40 {
            let now = start + Duration::from_millis(100 * tenths);
            // It repeats what had arrived, because it has heard no answer.
            unanswered.heard(addr(1), 300, now);
            times += u32::from(unanswered.heard(addr(1), KNOCK_BYTES, now).is_some());
        }
        assert_eq!(times, 4);
    }

    #[test]
    fn nobody_gets_more_than_thrice_what_it_said() {
        let (mut unanswered, start) = (Unanswered::default(), Instant::now());
        unanswered.sent(addr(1), &[1; 1_190], start);
        let mut again = 0;
        for knock in 1..=100 {
            let packet = unanswered.heard(addr(1), KNOCK_BYTES, start + SILENCE * knock);
            again += packet.map_or(0, <[u8]>::len);
        }
        // Each knock has its reset too.
        assert!(again > 0 && again <= 2 * 100 * KNOCK_BYTES, "{again}");
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
        assert_eq!(unanswered.heard(addr(9), 300, late), None);
        assert!(unanswered.heard(addr(10), 300, late).is_some());
    }
}
