//! What is remembered of the ways to other nodes, so that the next call begins with it: a first guess of
//! the round trip that is too high costs seconds when a packet is lost, one too low sends everything twice.

use std::collections::BTreeMap;
use std::time::Duration;

use hopluu_model::ErrorChain;
use hopluu_net::{DialOptions, LinkHandle, Via};
use hopluu_store::{DbError, WriteError};

use crate::core::{Core, unreadable};

/// What was last seen of the way to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    rtt: Duration,
    /// Bytes a second, where enough has gone that way to tell.
    rate: Option<u64>,
    /// What led there.
    via: Via,
}

impl Way {
    /// What a link shows, if it shows anything yet.
    pub(crate) fn seen(link: &LinkHandle) -> Option<Self> {
        let meter = link.meter();
        (meter.udp_received > 0).then_some(Self {
            rtt: meter.rtt,
            rate: meter.rate,
            via: link.via(),
        })
    }

    /// What was seen before stays where less is seen now.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        Self {
            rtt: self.rtt,
            rate: self.rate.or(before.and_then(|before| before.rate)),
            via: self.via,
        }
    }

    /// Whether another figure is so near that writing it down is not worth a write.
    pub(crate) fn is_near(self, other: Self) -> bool {
        let near = |a: u64, b: u64| a.abs_diff(b) <= a.max(b) / 8;
        let rate = |way: Self| way.rate.unwrap_or_default();
        let is_near = near(micros(self.rtt), micros(other.rtt)) && near(rate(self), rate(other));
        is_near && self.via == other.via
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
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (rtt, rest) = bytes.split_first_chunk::<8>()?;
        let (rate, via) = rest.split_first_chunk::<8>()?;
        let rate = u64::from_le_bytes(*rate);
        Some(Self {
            rtt: Duration::from_micros(u64::from_le_bytes(*rtt)),
            rate: (rate > 0).then_some(rate),
            // Without a word of it a way was written when there was QUIC only.
            via: match via.first() {
                Some(1) => Via::Tcp,
                Some(2) => Via::WebSocket,
                _ => Via::Quic,
            },
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
        }
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
        assert_eq!(Way::decode(&old[..16]), Some(way(612, None)));
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
