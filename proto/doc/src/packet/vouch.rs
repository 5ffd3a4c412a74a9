//! Whose seal vouches for which change.

use std::collections::BTreeMap;

use hopluu_model::{ActorId, ChangeHash};

use crate::limits::PACKET_CHANGES_MAX;

/// What decides it of one change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link<'a> {
    pub(super) hash: ChangeHash,
    pub(super) actor: ActorId,
    pub(super) deps: &'a [ChangeHash],
}

const WORDS: usize = PACKET_CHANGES_MAX.div_ceil(64);

/// For each change the nearest change of its actor, itself or later, that is sealed and builds upon it
/// within this list. A seal vouches for its author's own actors among the head's ancestors; that it is of
/// the same actor is asked besides, because a store tells whose an actor is by the seals of its changes.
pub(super) fn vouchers(
    links: &[Link<'_>],
    is_sealed: impl Fn(usize) -> bool,
) -> Vec<Option<usize>> {
    let ancestors = ancestors(links);
    let mut last: BTreeMap<ActorId, usize> = BTreeMap::new();
    let mut vouchers = vec![None; links.len()];
    for (at, link) in links.iter().enumerate().rev() {
        if is_sealed(at) {
            last.insert(link.actor, at);
        }
        let voucher = last.get(&link.actor).copied();
        let builds_upon = |voucher: &usize| {
            *voucher == at || ancestors.get(*voucher).is_some_and(|set| has(set, at))
        };
        if let Some(slot) = vouchers.get_mut(at) {
            *slot = voucher.filter(builds_upon);
        }
    }
    vouchers
}

/// Which seals need not travel: another's change of the same actor vouches for as much.
pub(super) fn spare(links: &[Link<'_>], is_sealed: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut later: BTreeMap<ActorId, usize> = BTreeMap::new();
    let lasts: Vec<bool> = (0..links.len())
        .rev()
        .map(|at| {
            let link = links.get(at).filter(|_| is_sealed(at));
            link.is_some_and(|link| later.insert(link.actor, at).is_none())
        })
        .collect();
    let is_last = |at: usize| lasts.iter().rev().nth(at).copied().unwrap_or(false);
    let vouched = vouchers(links, is_last);
    let spare = vouched.iter().enumerate();
    spare
        .map(|(at, voucher)| voucher.is_some_and(|voucher| voucher != at))
        .collect()
}

fn ancestors(links: &[Link<'_>]) -> Vec<[u64; WORDS]> {
    let places: BTreeMap<ChangeHash, usize> = links
        .iter()
        .enumerate()
        .map(|(at, link)| (link.hash, at))
        .collect();
    let mut sets: Vec<[u64; WORDS]> = Vec::with_capacity(links.len());
    for link in links {
        let mut set = [0; WORDS];
        for dep in link.deps {
            let Some(&dep) = places.get(dep) else {
                continue;
            };
            // A change comes behind all that it builds upon: what does not is nobody's ancestor.
            if let Some(before) = sets.get(dep) {
                for (word, other) in set.iter_mut().zip(before) {
                    *word |= other;
                }
                if let Some(word) = set.get_mut(dep / 64) {
                    *word |= 1 << (dep % 64);
                }
            }
        }
        sets.push(set);
    }
    sets
}

fn has(set: &[u64; WORDS], at: usize) -> bool {
    set.get(at / 64)
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}
