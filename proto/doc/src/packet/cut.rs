//! A long history in several packets.

use std::collections::BTreeSet;

use hopluu_model::ActorId;

use super::{Member, pack};

/// Packs changes of one document into packets of at most so many bytes, each with the place of its first
/// change. Each ends where all in it is vouched for, so that it can be let in by itself, and may be larger
/// only where it cannot be cut.
///
/// The changes stand in causal order, each with its actor, and those without a seal before one of their
/// actor that has one.
#[must_use]
pub fn pack_within(members: &[(ActorId, Member<'_>)], bytes_max: usize) -> Vec<(usize, Vec<u8>)> {
    let mut packets = Vec::new();
    // What is still to be packed, the next last.
    let mut parts = vec![(0, members)];
    while let Some((first, part)) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let alone: Vec<_> = part.iter().map(|(_, member)| *member).collect();
        let packet = pack(&alone);
        match cut(part).filter(|_| packet.len() > bytes_max) {
            None => packets.push((first, packet)),
            Some((before, after)) => {
                parts.push((first + before.len(), after));
                parts.push((first, before));
            }
        }
    }
    packets
}

type Part<'p, 'm> = &'p [(ActorId, Member<'m>)];

/// Two parts of about equal weight, the first of which ends where all in it is vouched for.
fn cut<'p, 'm>(part: Part<'p, 'm>) -> Option<(Part<'p, 'm>, Part<'p, 'm>)> {
    let weigh = |(_, member): &(ActorId, Member<'_>)| member.change.len();
    let half = part.iter().map(weigh).sum::<usize>() / 2;
    let (mut open, mut weight) = (BTreeSet::new(), 0_usize);
    let mut cuts = Vec::new();
    for (at, one) in part.iter().enumerate() {
        if at > 0 && open.is_empty() {
            cuts.push((weight.abs_diff(half), at));
        }
        weight += weigh(one);
        let (actor, member) = one;
        if member.seal.is_empty() {
            open.insert(*actor);
        } else {
            open.remove(actor);
        }
    }
    let (_, at) = cuts.into_iter().min()?;
    part.split_at_checked(at)
}
