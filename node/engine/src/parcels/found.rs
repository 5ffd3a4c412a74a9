//! Neighbours that have said by mDNS where they are. Nothing more is believed of them: anybody on the network can say
//! anything, and as often as it likes. Who is at an address the handshake says.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hopluu_model::ErrorChain;
use hopluu_net::Near;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep};

use crate::limits::{
    NEIGHBOUR_LIFE, NEIGHBOUR_REST, NEIGHBOUR_REST_DOUBLED_MAX, NEIGHBOURS_ANSWER,
    NEIGHBOURS_FOUND_CALLED_MAX, NEIGHBOURS_FOUND_MAX,
};

/// An address that was heard.
#[derive(Debug)]
struct Seen {
    heard: Instant,
    /// Whether somebody under our root was there.
    is_met: bool,
    /// Calls since then that led to nobody.
    failures: u32,
    /// Until when it is left alone.
    rests_until: Instant,
}

/// What was found, for the task that listens and for the rounds of calls.
#[derive(Debug, Default)]
pub(super) struct Found {
    seen: Mutex<BTreeMap<SocketAddr, Seen>>,
    wanted: Notify,
}

impl Found {
    /// Listens, and asks when somebody is looked for, until the node stops.
    pub(super) async fn listen(&self, mut near: Near) {
        let mut is_told = false;
        loop {
            tokio::select! {
                found = near.next() => match found {
                    Ok(addr) => self.heard(addr, Instant::now()),
                    Err(error) => {
                        tracing::debug!(error = %ErrorChain(&error), "the network cannot be heard");
                        sleep(NEIGHBOURS_ANSWER).await;
                    }
                },
                () = self.wanted.notified() => match near.ask().await {
                    Ok(()) => is_told = false,
                    Err(error) if !is_told => {
                        tracing::warn!(error = %ErrorChain(&error), "no network to look for neighbours on");
                        is_told = true;
                    }
                    Err(_) => {}
                },
            }
        }
    }

    /// Asks who is there and waits for answers: who is to be called now.
    pub(super) async fn seek(&self) -> Vec<SocketAddr> {
        self.wanted.notify_one();
        sleep(NEIGHBOURS_ANSWER).await;
        self.due(Instant::now())
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where there is no place one is taken that led to nobody; who was met keeps theirs.
    fn heard(&self, addr: SocketAddr, now: Instant) {
        let mut seen = self.seen();
        seen.retain(|_, seen| now.duration_since(seen.heard) < NEIGHBOUR_LIFE);
        if let Some(known) = seen.get_mut(&addr) {
            known.heard = now;
            return;
        }
        if seen.len() >= NEIGHBOURS_FOUND_MAX {
            let vain = seen
                .iter()
                .filter(|(_, seen)| !seen.is_met && seen.failures > 0);
            let vainest = vain.max_by_key(|(_, seen)| seen.failures);
            let Some(addr) = vainest.map(|(addr, _)| *addr) else {
                return;
            };
            seen.remove(&addr);
        }
        let new = Seen {
            heard: now,
            is_met: false,
            failures: 0,
            rests_until: now,
        };
        seen.insert(addr, new);
    }

    /// Those who were met first, and a few.
    fn due(&self, now: Instant) -> Vec<SocketAddr> {
        let seen = self.seen();
        let awake = seen.iter().filter(|(_, seen)| {
            seen.rests_until <= now && now.duration_since(seen.heard) < NEIGHBOUR_LIFE
        });
        let mut due: Vec<_> = awake
            .map(|(addr, seen)| ((Reverse(seen.is_met), seen.failures, seen.heard), *addr))
            .collect();
        due.sort_unstable();
        let due = due.into_iter().map(|(_, addr)| addr);
        due.take(NEIGHBOURS_FOUND_CALLED_MAX).collect()
    }

    /// Whether somebody under our root was there. Else it rests, each time twice as long.
    pub(super) fn called(&self, addr: SocketAddr, now: Instant, is_met: bool) {
        let mut seen = self.seen();
        let Some(seen) = seen.get_mut(&addr) else {
            return;
        };
        if is_met {
            (seen.is_met, seen.failures) = (true, 0);
            return;
        }
        let doubled = seen.failures.min(NEIGHBOUR_REST_DOUBLED_MAX);
        let rest: Duration = NEIGHBOUR_REST * 2_u32.pow(doubled);
        seen.failures = seen.failures.saturating_add(1);
        seen.rests_until = now + rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(n: usize) -> SocketAddr {
        let n = u16::try_from(n).unwrap();
        SocketAddr::from(([10, 9, 0, 1], n + 1))
    }

    #[test]
    fn a_flood_is_bounded_called_a_few_at_a_time_and_left_alone_for_longer_and_longer() {
        let (found, now) = (Found::default(), Instant::now());
        for n in 0..10_000 {
            found.heard(addr(n), now);
        }
        assert_eq!(found.seen().len(), NEIGHBOURS_FOUND_MAX);
        let mut calls = 0;
        for round in 0..24 {
            let now = now + Duration::from_secs(300 * round);
            for n in 0..NEIGHBOURS_FOUND_MAX {
                found.heard(addr(n), now);
            }
            let due = found.due(now);
            assert!(due.len() <= NEIGHBOURS_FOUND_CALLED_MAX);
            for addr in due {
                found.called(addr, now, false);
                calls += 1;
            }
        }
        // Two hours: each once, and after five, ten, twenty and forty minutes more.
        assert!(calls <= 5 * NEIGHBOURS_FOUND_MAX, "{calls} calls");
        assert_eq!(found.seen().len(), NEIGHBOURS_FOUND_MAX);
    }

    #[test]
    fn who_was_met_keeps_a_place_and_is_called_first() {
        let (found, now) = (Found::default(), Instant::now());
        found.heard(addr(9_999), now);
        found.called(addr(9_999), now, true);
        for n in 0..NEIGHBOURS_FOUND_MAX {
            found.heard(addr(n), now);
            found.called(addr(n), now, false);
        }
        for n in 1_000..9_000 {
            found.heard(addr(n), now);
        }
        assert_eq!(found.seen().len(), NEIGHBOURS_FOUND_MAX);
        assert_eq!(found.due(now).first(), Some(&addr(9_999)));
        // It is off, and then on again.
        found.called(addr(9_999), now, false);
        assert_ne!(found.due(now).first(), Some(&addr(9_999)));
        let later = now + NEIGHBOUR_REST;
        found.heard(addr(9_999), later);
        found.called(addr(9_999), later, true);
        assert_eq!(found.due(later).first(), Some(&addr(9_999)));
    }

    #[test]
    fn who_says_no_more_is_forgotten() {
        let (found, now) = (Found::default(), Instant::now());
        found.heard(addr(1), now);
        found.called(addr(1), now, true);
        let later = now + NEIGHBOUR_LIFE;
        assert!(found.due(later).is_empty());
        found.heard(addr(2), later);
        assert_eq!(found.seen().len(), 1);
    }
}
