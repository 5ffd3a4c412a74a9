//! What is remembered of the ways to other nodes, so that the next call begins with it: a first guess of
//! the round trip that is too high costs seconds when a packet is lost, one too low sends everything twice.

use std::collections::BTreeMap;
use std::time::Duration;

use hopluu_model::{ErrorChain, NodeId};
use hopluu_net::{DialOptions, LinkHandle, Via};
use hopluu_store::{DbError, WriteError};
use hopluu_sync::TargetId;

use crate::core::{Core, unreadable};
use crate::limits::{SILENT_CALLS, WHOLE_CALL_EVERY};

/// What was last seen of the way to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    rtt: Duration,
    /// Bytes a second, where enough has gone that way to tell.
    rate: Option<u64>,
    /// What led there.
    via: Via,
    /// Over all links that have led there.
    losses: Losses,
    /// Who answered there.
    node: Option<NodeId>,
}

/// Packets of this node's to an address, and how many were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Losses {
    packets: u64,
    lost: u64,
}

impl Losses {
    /// From one lost packet in fifty on, a call is quicker in all when it does not wait for a loss to show.
    const LOSSY: u64 = 50;

    /// So many packets count; of older ones half, and half of that.
    const PACKETS_MAX: u64 = 1_000;

    /// Those of one link.
    pub(crate) fn of(link: &LinkHandle) -> Self {
        let meter = link.meter();
        Self {
            packets: meter.packets,
            lost: meter.packets_lost,
        }
    }

    fn is_lossy(self) -> bool {
        self.lost > 0 && self.lost * Self::LOSSY >= self.packets
    }

    /// Those of one link since it was looked at.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(before.packets),
            lost: self.lost.saturating_sub(before.lost),
        }
    }

    fn and(self, more: Self) -> Self {
        let mut sum = Self {
            packets: self.packets.saturating_add(more.packets),
            lost: self.lost.saturating_add(more.lost),
        };
        while sum.packets > Self::PACKETS_MAX {
            sum = Self {
                packets: sum.packets / 2,
                lost: sum.lost / 2,
            };
        }
        sum
    }
}

/// Calls in a row to which nobody has said anything, by target.
#[derive(Debug, Default)]
pub(crate) struct Silence(BTreeMap<TargetId, u32>);

impl Silence {
    pub(crate) fn called(&mut self, target: TargetId, is_heard: bool) {
        if is_heard {
            self.0.remove(&target);
        } else {
            let calls = self.0.entry(target).or_default();
            *calls = calls.saturating_add(1);
        }
    }

    /// Whether a few bytes ask first if anybody is there.
    pub(crate) fn asks_first(&self, target: TargetId) -> bool {
        let calls = self.0.get(&target).copied().unwrap_or_default();
        calls >= SILENT_CALLS && !calls.is_multiple_of(WHOLE_CALL_EVERY)
    }

    /// Something has changed: the next calls are whole, and no more than those.
    pub(crate) fn hurry(&mut self) {
        for calls in self.0.values_mut() {
            *calls = (*calls).min(SILENT_CALLS - 1);
        }
    }
}

impl Way {
    /// What a link shows, if it shows anything yet.
    pub(crate) fn seen(link: &LinkHandle) -> Option<Self> {
        let meter = link.meter();
        (meter.udp_received > 0).then_some(Self {
            rtt: meter.rtt,
            rate: meter.rate,
            via: link.via(),
            losses: Losses::default(),
            node: Some(link.peer().node),
        })
    }

    /// With what one more link has lost.
    pub(crate) fn losing(self, more: Losses) -> Self {
        Self {
            losses: self.losses.and(more),
            ..self
        }
    }

    /// What was seen before stays where less is seen now.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        Self {
            rtt: self.rtt,
            rate: self.rate.or(before.and_then(|before| before.rate)),
            via: self.via,
            losses: before.map_or(Losses::default(), |before| before.losses),
            node: self.node,
        }
    }

    /// Whether another figure is so near that writing it down is not worth a write.
    pub(crate) fn is_near(self, other: Self) -> bool {
        let near = |a: u64, b: u64| a.abs_diff(b) <= a.max(b) / 8;
        let rate = |way: Self| way.rate.unwrap_or_default();
        let is_near = near(micros(self.rtt), micros(other.rtt)) && near(rate(self), rate(other));
        let losses = |way: Self| (way.losses.is_lossy(), way.losses.packets.checked_ilog2());
        let is_same = self.via == other.via && self.node == other.node;
        is_near && is_same && losses(self) == losses(other)
    }

    pub(crate) fn node(self) -> Option<NodeId> {
        self.node
    }

    pub(crate) fn rate(self) -> Option<u64> {
        self.rate
    }

    pub(crate) fn round_trip_ms(self) -> u64 {
        micros(self.rtt) / 1_000
    }

    pub(crate) fn options(&self) -> DialOptions {
        DialOptions {
            initial_rtt: Some(self.rtt),
            rate: self.rate,
            is_lossy: self.losses.is_lossy(),
            first: self.via,
            ..DialOptions::default()
        }
    }

    fn encode(self) -> Vec<u8> {
        let rate = self.rate.unwrap_or_default();
        let mut bytes = [micros(self.rtt).to_le_bytes(), rate.to_le_bytes()].concat();
        bytes.push(match self.via {
            Via::Quic => 0,
            Via::Tcp => 1,
            Via::WebSocket => 2,
        });
        bytes.extend(self.losses.packets.to_le_bytes());
        bytes.extend(self.losses.lost.to_le_bytes());
        bytes.extend(self.node.iter().flat_map(|node| node.0));
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (rtt, rest) = bytes.split_first_chunk::<8>()?;
        let (rate, via) = rest.split_first_chunk::<8>()?;
        let rate = u64::from_le_bytes(*rate);
        let losses = via.get(1..).and_then(|rest| {
            let (packets, rest) = rest.split_first_chunk::<8>()?;
            let (lost, rest) = rest.split_first_chunk::<8>()?;
            let losses = Losses {
                packets: u64::from_le_bytes(*packets),
                lost: u64::from_le_bytes(*lost),
            };
            Some((losses, rest.first_chunk().copied().map(NodeId)))
        });
        // In ways that were written earlier losses are not counted, and nobody is named.
        let (losses, node) = losses.unwrap_or_default();
        Some(Self {
            rtt: Duration::from_micros(u64::from_le_bytes(*rtt)),
            rate: (rate > 0).then_some(rate),
            // Without a word of it a way was written when there was QUIC only.
            via: match via.first() {
                Some(1) => Via::Tcp,
                Some(2) => Via::WebSocket,
                _ => Via::Quic,
            },
            losses,
            node,
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn key(addr: &str) -> String {
    format!("way {addr}")
}

impl Core {
    /// What is remembered of these addresses. A way that cannot be read is a way never gone.
    pub(crate) fn ways<'a>(
        &self,
        addrs: impl IntoIterator<Item = &'a String>,
    ) -> BTreeMap<String, Way> {
        let mut ways = BTreeMap::new();
        for addr in addrs {
            match self.store().read().and_then(|read| read.meta(&key(addr))) {
                Ok(kept) => {
                    ways.extend(
                        kept.and_then(|kept| Way::decode(&kept))
                            .map(|way| (addr.clone(), way)),
                    );
                }
                Err(error) => unreadable(&error),
            }
        }
        ways
    }

    /// Remembers a way for the next start.
    pub(crate) fn remember_way(&mut self, addr: &str, way: Way) {
        let key = key(addr);
        self.submit(
            move |tx| tx.set_meta(&key, &way.encode()),
            |_, _, result: Result<(), WriteError<DbError>>| {
                // The next link shows it again.
                if let Err(error) = result {
                    tracing::debug!(error = %ErrorChain(&error), "a way was not remembered");
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(ms: u64, rate: Option<u64>) -> Way {
        Way {
            rtt: Duration::from_millis(ms),
            rate,
            via: Via::Quic,
            losses: Losses {
                packets: 40,
                lost: 0,
            },
            node: Some(NodeId([7; 32])),
        }
    }

    #[test]
    fn who_is_silent_for_long_is_asked_first_and_now_and_then_called_all_the_same() {
        let (mut silence, target) = (Silence::default(), TargetId(1));
        let asks = |silence: &mut Silence| {
            let asks = silence.asks_first(target);
            silence.called(target, false);
            asks
        };
        let first: Vec<bool> = (0..18).map(|_| asks(&mut silence)).collect();
        let whole = |calls: &[bool]| calls.iter().filter(|asks| !**asks).count();
        assert_eq!((whole(&first[..5]), whole(&first[5..])), (5, 1));
        assert!(!silence.asks_first(TargetId(2)));
        silence.hurry();
        assert_eq!([asks(&mut silence), asks(&mut silence)], [false, true]);
        silence.called(target, true);
        assert!(!asks(&mut silence));
    }

    #[test]
    fn a_way_is_read_as_it_was_written_and_nothing_else_is() {
        for rate in [None, Some(8_000)] {
            for via in [Via::Quic, Via::Tcp, Via::WebSocket] {
                let way = Way {
                    via,
                    ..way(612, rate)
                };
                assert_eq!(Way::decode(&way.encode()), Some(way));
            }
        }
        assert_eq!(Way::decode(b"short"), None);
        // As it was written before there was another way than QUIC.
        let old = way(612, None).encode();
        let nameless = Way {
            node: None,
            ..way(612, None)
        };
        let before = Way {
            losses: Losses::default(),
            ..nameless
        };
        assert_eq!(Way::decode(&old[..16]), Some(before));
        assert_eq!(Way::decode(&old[..17]), Some(before));
        assert_eq!(Way::decode(&old[..33]), Some(nameless));
    }

    #[test]
    fn a_way_that_loses_many_packets_is_known_until_it_has_lost_few() {
        let losses = |packets, lost| Losses { packets, lost };
        assert!(!way(600, None).options().is_lossy);
        let lossy = way(600, None).losing(losses(40, 4));
        assert!(lossy.options().is_lossy && !lossy.is_near(way(600, None)));
        assert!(way(600, None).after(Some(lossy)).options().is_lossy);
        let better = lossy.losing(losses(121, 0));
        assert!(!better.options().is_lossy);
        // Long ago counts for less.
        let old = way(600, None).losing(losses(u64::MAX / 2, 0));
        assert!(old.losing(losses(100, 15)).options().is_lossy);
        assert_eq!(losses(90, 7).since(losses(40, 4)), losses(50, 3));
    }

    #[test]
    fn a_rate_stays_known_when_a_short_link_shows_none() {
        let before = Some(way(600, Some(8_000)));
        assert_eq!(way(610, None).after(before), way(610, Some(8_000)));
        assert!(way(600, Some(8_000)).is_near(way(640, Some(8_100))));
        assert!(!way(600, None).is_near(way(600, Some(8_000))));
        assert!(!way(600, None).is_near(way(900, None)));
        let by_tcp = Way {
            via: Via::Tcp,
            ..way(600, None)
        };
        assert!(!way(600, None).is_near(by_tcp));
    }
}
