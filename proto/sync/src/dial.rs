//! Where to dial and when: at once, then with growing waits, and not while a link stands; and who stands by for the
//! others only while none of them answers.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::NodeId;

use crate::generator::Generator;
use crate::limits::{AGAIN_MAX_S, BACKOFF_FIRST_MS, BACKOFF_MAX_MS, STANDBY_AFTER_FAILURES};
use crate::{Effect, LinkId, Steady, TargetId, TargetState, TargetStatus};

/// All targets of this node.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    targets: BTreeMap<TargetId, Target>,
}

#[derive(Debug)]
struct Target {
    state: TargetState,
    failures: u32,
    /// Who answered there last.
    peer: Option<NodeId>,
    is_standby: bool,
}

/// How a link ended, as far as dialling again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The peers understood each other: a window closed.
    Well,
    /// It will likely end the same way again.
    Badly,
    /// The peer has no time now, and says in how many seconds it may.
    TurnedAway(u32),
}

impl Targets {
    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }

    /// Dials a new target at once.
    pub(crate) fn add(
        &mut self,
        target: TargetId,
        peer: Option<NodeId>,
        effects: &mut Vec<Effect>,
    ) {
        self.targets.entry(target).or_insert_with(|| {
            effects.push(Effect::Dial { target });
            Target {
                state: TargetState::Dialling,
                failures: 0,
                peer,
                is_standby: false,
            }
        });
    }

    /// A target that rests until it is needed.
    pub(crate) fn add_standby(&mut self, target: TargetId) {
        self.targets.entry(target).or_insert(Target {
            state: TargetState::Resting,
            failures: 0,
            peer: None,
            is_standby: true,
        });
    }

    /// Dials those who stand by when none of the others answers, and lets them rest when one does. Gives the links
    /// that are to be closed then.
    pub(crate) fn review_standby(
        &mut self,
        answers: impl Fn(LinkId) -> bool,
        effects: &mut Vec<Effect>,
    ) -> Vec<LinkId> {
        if !self.targets.values().any(|target| target.is_standby) {
            return Vec::new();
        }
        let others = || self.targets.values().filter(|target| !target.is_standby);
        let serving: Vec<LinkId> = others().filter_map(Target::link).collect();
        let is_served = serving.iter().any(|link| answers(*link));
        let is_needed = others().all(|target| target.failures >= STANDBY_AFTER_FAILURES);
        let mut left = Vec::new();
        for (id, target) in &mut self.targets {
            match (target.is_standby, target.state) {
                (true, TargetState::Resting) if is_needed && !is_served => {
                    target.state = TargetState::Dialling;
                    effects.push(Effect::Dial { target: *id });
                }
                (true, TargetState::Waiting(_)) if is_served => target.rest(),
                (true, TargetState::Linked(link)) if is_served && !serving.contains(&link) => {
                    target.rest();
                    left.push(link);
                }
                _ => {}
            }
        }
        left
    }

    /// The links that lead to targets.
    pub(crate) fn links(&self) -> BTreeSet<LinkId> {
        self.targets.values().filter_map(Target::link).collect()
    }

    /// Dials whatever waits, and forgets how often it has failed: that was on another network.
    pub(crate) fn dial_waiting(&mut self, effects: &mut Vec<Effect>) {
        for (id, target) in &mut self.targets {
            if matches!(target.state, TargetState::Waiting(_)) {
                target.failures = 0;
                target.state = TargetState::Dialling;
                effects.push(Effect::Dial { target: *id });
            }
        }
    }

    pub(crate) fn remove(&mut self, target: TargetId) {
        self.targets.remove(&target);
    }

    /// Waits before the next dial, unless another link serves this target by now.
    pub(crate) fn dial_failed(
        &mut self,
        target: TargetId,
        ended: Ended,
        link_to: impl Fn(NodeId) -> Option<LinkId>,
        now: Steady,
        generator: &mut Generator,
    ) {
        if let Some(target) = self.targets.get_mut(&target)
            && target.state == TargetState::Dialling
        {
            match target.peer.and_then(link_to) {
                Some(link) => target.state = TargetState::Linked(link),
                None => target.wait(ended, now, generator),
            }
        }
    }

    /// The link that stands to a peer serves all targets that lead there.
    pub(crate) fn linked(&mut self, target: Option<TargetId>, peer: NodeId, link: LinkId) {
        if let Some(target) = target.and_then(|target| self.targets.get_mut(&target)) {
            target.peer = Some(peer);
        }
        for (id, entry) in &mut self.targets {
            let is_dialling = entry.state == TargetState::Dialling && Some(*id) != target;
            if entry.peer == Some(peer) && !is_dialling {
                entry.state = TargetState::Linked(link);
            }
        }
    }

    /// A link is gone and no other to its peer stands.
    pub(crate) fn unlinked(
        &mut self,
        link: LinkId,
        ended: Ended,
        now: Steady,
        generator: &mut Generator,
    ) {
        for target in self.targets.values_mut() {
            if target.state == TargetState::Linked(link) {
                target.wait(ended, now, generator);
            }
        }
    }

    /// Dials what is due.
    pub(crate) fn woken(&mut self, now: Steady, effects: &mut Vec<Effect>) {
        for (id, target) in &mut self.targets {
            if matches!(target.state, TargetState::Waiting(due) if due <= now) {
                target.state = TargetState::Dialling;
                effects.push(Effect::Dial { target: *id });
            }
        }
    }

    pub(crate) fn next_wake(&self) -> Option<Steady> {
        let due = self
            .targets
            .values()
            .filter_map(|target| match target.state {
                TargetState::Waiting(due) => Some(due),
                TargetState::Dialling | TargetState::Linked(_) | TargetState::Resting => None,
            });
        due.min()
    }

    pub(crate) fn status(&self) -> Vec<TargetStatus> {
        let status = |(target, entry): (&TargetId, &Target)| TargetStatus {
            target: *target,
            state: entry.state,
            failures: entry.failures,
        };
        self.targets.iter().map(status).collect()
    }
}

impl Target {
    fn link(&self) -> Option<LinkId> {
        match self.state {
            TargetState::Linked(link) => Some(link),
            TargetState::Dialling | TargetState::Waiting(_) | TargetState::Resting => None,
        }
    }

    fn rest(&mut self) {
        self.state = TargetState::Resting;
        self.failures = 0;
    }

    /// Half of the wait is fixed and half is chance, or all communes of a district would dial at
    /// once when its power comes back. Whoever turns callers away has drawn a time for each, which is kept as it is;
    /// those who stand by are called meanwhile.
    fn wait(&mut self, ended: Ended, now: Steady, generator: &mut Generator) {
        self.failures = match ended {
            Ended::Well => 0,
            Ended::Badly => self.failures.saturating_add(1),
            Ended::TurnedAway(_) => self.failures.max(STANDBY_AFTER_FAILURES),
        };
        if let Ended::TurnedAway(seconds) = ended {
            let wait = u64::from(seconds.clamp(1, AGAIN_MAX_S)) * 1_000;
            self.state = TargetState::Waiting(now.plus_ms(wait));
            return;
        }
        let doublings = self.failures.saturating_sub(1).min(16);
        let wait = (BACKOFF_FIRST_MS << doublings).min(BACKOFF_MAX_MS);
        let wait = wait / 2 + generator.below(wait / 2 + 1);
        self.state = TargetState::Waiting(now.plus_ms(wait));
    }
}
