//! What the loop says of parcels: for whom some are due, and whom they may go to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_model::{NodeId, Place, Timestamp};
use hopluu_net::Via;
use hopluu_sync::{Steady, TargetState};

use super::{Made, Stock};
use crate::bundle::Exporting;
use crate::core::Core;
use crate::limits::PARCELS_ANSWERED_MAX;

/// What the loop remembers for parcels.
#[derive(Debug, Default)]
pub(crate) struct Apart {
    /// What this node holds; none before it serves links.
    pub(crate) stock: Option<Arc<Stock>>,
    /// Since when there has been no link to whom something may be due.
    since: BTreeMap<NodeId, Steady>,
    /// Whose parcels came here, and who has no other way to hear of it.
    answered: BTreeSet<NodeId>,
    /// What was last made for each.
    made: BTreeMap<NodeId, (u64, u64)>,
}

/// What is to be made and done in one round.
pub(crate) struct Due {
    pub(crate) jobs: Vec<Job>,
    /// Those who hear all over a link.
    pub(crate) settled: Vec<NodeId>,
    /// The superior, where what is carried for others may go to it now.
    pub(crate) upstream: Option<Upstream>,
}

/// A superior to whom a link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) node: NodeId,
    pub(crate) addr: String,
    /// What leads there.
    pub(crate) via: Via,
}

/// Parcels for one receiver.
pub(crate) struct Job {
    pub(crate) to: NodeId,
    pub(crate) exporting: Exporting,
    pub(crate) before: Option<(u64, u64)>,
    /// Whether to say even that there is nothing but the word on what came.
    pub(crate) answers: bool,
}

impl Core {
    /// For whom parcels are due. Without neighbours (`after_s`) only parcels that came are answered.
    pub(crate) fn parcels_due(
        &mut self,
        steady: Steady,
        now: Timestamp,
        after_s: Option<u64>,
    ) -> Due {
        let linked: BTreeSet<NodeId> = self.linked.values().copied().collect();
        let registry = self.shared_registry();
        let mut receivers = self.apart.answered.clone();
        if after_s.is_some() {
            let me = self.me().node;
            let nodes = registry.identities().map(|identity| identity.place.node);
            let above: Vec<_> = nodes
                .filter(|node| registry.is_right_above(node, &me))
                .collect();
            // Of several main nodes one that hears all tells the others.
            let heard = above.iter().copied().find(|node| linked.contains(node));
            match heard {
                Some(node) => receivers.extend([node]),
                None => receivers.extend(above),
            }
        }
        receivers.retain(|node| registry.is_welcome(node));
        let (mut jobs, mut settled) = (Vec::new(), Vec::new());
        for to in receivers {
            if linked.contains(&to) {
                self.apart.since.remove(&to);
                self.apart.answered.remove(&to);
                self.apart.made.remove(&to);
                settled.push(to);
                continue;
            }
            let since = *self.apart.since.entry(to).or_insert(steady);
            let answers = self.apart.answered.contains(&to);
            let waited = steady.ms_since(since);
            let is_due =
                answers || after_s.is_some_and(|after| waited >= after.saturating_mul(1_000));
            let identities = self.registry().identities();
            let place = identities.map(|identity| identity.place.clone());
            let place: Option<Place> = place.into_iter().find(|place| place.node == to);
            if let Some(place) = place.filter(|_| is_due) {
                let exporting = self.parcels_to(place, now);
                let before = self.apart.made.get(&to).copied();
                jobs.push(Job {
                    to,
                    exporting,
                    before,
                    answers,
                });
            }
        }
        Due {
            jobs,
            settled,
            upstream: self.idle_upstream(),
        }
    }

    /// The superior whose link has nothing of this node's own to carry, by its window and its month: what is carried for
    /// others comes last.
    pub(crate) fn idle_upstream(&self) -> Option<Upstream> {
        let status = self.hub.status();
        let owes = |node: NodeId| {
            let mut peers = status.peers.iter();
            peers.any(|peer| peer.peer.node == node && peer.owed > 0)
        };
        status.targets.iter().find_map(|target| {
            let TargetState::Linked(link) = target.state else {
                return None;
            };
            let node = *self.linked.get(&link)?;
            let called = self.called.get(&target.target)?;
            let may_carry = self.plans.may_carry(target.target) && !owes(node);
            may_carry.then(|| Upstream {
                node,
                addr: called.addr.clone(),
                via: self.vias.get(&link).copied().unwrap_or_default(),
            })
        })
    }

    pub(crate) fn parcels_made(&mut self, made: Vec<Made>) {
        self.apart.made.extend(made);
    }

    /// A parcel of this node was taken in: it is answered by one, unless a link comes first.
    pub(crate) fn parcel_came(&mut self, from: NodeId) {
        if self.apart.answered.len() < PARCELS_ANSWERED_MAX {
            self.apart.answered.insert(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use hopluu_sync::{LinkId, TargetId};

    use super::*;
    use crate::core::Called;
    use crate::home::NodeSettings;
    use crate::testing::alone::Node;

    #[test]
    fn a_link_that_has_something_of_its_own_to_carry_carries_nothing_for_others() {
        let mut node = Node::of("465@2024-05-01");
        let peer = Place {
            node: NodeId([9; 32]),
            unit: "45@2024-05-01".parse().unwrap(),
            office: None,
        };
        let settings = NodeSettings {
            upstream: vec!["45.example.vn:7710".to_owned()],
            ..NodeSettings::default()
        };
        node.core.called = Called::of(&settings);
        let target = TargetId(1);
        assert!(node.core.called.contains_key(&target));
        node.turn(Steady(0), |core, turn| {
            core.target_added(turn, target);
            core.link_opened(turn, LinkId(1), peer.clone(), Some(target));
        });
        let status = node.core.hub.status();
        let state = status.targets.first().map(|target| target.state);
        assert_eq!(state, Some(TargetState::Linked(LinkId(1))));
        assert!(status.peers.iter().any(|peer| peer.owed > 0));
        assert_eq!(node.core.idle_upstream(), None);
    }
}
