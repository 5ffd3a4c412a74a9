//! Where a report stands: an append-only map of events in the document, and a fold over it.
//!
//! Nothing supersedes an event and nobody removes one, so a merge is the union and every node folds
//! the same set. An event names those that its author saw last; the events that no other names are the
//! *standing* ones. One is the rule, and it is the state. Several were written apart, and then the one
//! furthest down this list holds, until somebody who saw them all writes the next:
//!
//! `opened` · `contributed` · `consolidated` · `checked` · `signed` · `submitted` · `accepted` ·
//! `amended` · `returned` · `withdrawn`
//!
//! | concurrent | outcome |
//! | --- | --- |
//! | the same step twice | that step; both stay in the history |
//! | contributed, and any later step | the later step; the contribution shows as a change since |
//! | signed, submitted | submitted |
//! | signed or submitted, returned | returned: it is signed again after the cure |
//! | accepted, returned | returned: a doubt outweighs |
//! | signed, submitted or accepted, amended | amended: what was amended is not what was signed |
//! | amended, returned | returned |
//! | withdrawn, and anything | withdrawn |
//!
//! Signing needs no list of heads: an event stands in a change, and the parents of that change are
//! exactly what was signed.
//!
//! In the document an event is three lines under a key of its own: the step (`contributed police`),
//! the keys of the events before it, the reason.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{OfficeId, Step};

use crate::figure::OpId;
use crate::limits::EVENTS_NAMED_MAX;

/// One step in a report's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifecycleEvent {
    /// Somebody began it.
    Opened,
    /// An office says that its part is complete.
    Contributed(OfficeId),
    /// The parts were put together.
    Consolidated,
    /// Somebody checked it.
    Checked,
    /// The signatory signed what the change's parents hold.
    Signed,
    /// It was handed to the superior.
    Submitted,
    /// The superior sent it back, and why.
    Returned(String),
    /// The superior took it.
    Accepted,
    /// It was corrected after signing, and why.
    Amended(String),
    /// It no longer counts, and why.
    Withdrawn(String),
}

impl LifecycleEvent {
    /// Which step it is.
    #[must_use]
    pub fn step(&self) -> Step {
        match self {
            Self::Opened => Step::Opened,
            Self::Contributed(_) => Step::Contributed,
            Self::Consolidated => Step::Consolidated,
            Self::Checked => Step::Checked,
            Self::Signed => Step::Signed,
            Self::Submitted => Step::Submitted,
            Self::Returned(_) => Step::Returned,
            Self::Accepted => Step::Accepted,
            Self::Amended(_) => Step::Amended,
            Self::Withdrawn(_) => Step::Withdrawn,
        }
    }

    /// Why, where a step has a reason.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Returned(reason) | Self::Amended(reason) | Self::Withdrawn(reason) => {
                Some(reason)
            }
            _ => None,
        }
    }

    fn read(step: &str, reason: &str) -> Option<Self> {
        let (word, office) = step.split_once(' ').unwrap_or((step, ""));
        let event = match word {
            "opened" => Self::Opened,
            "contributed" => return office.parse().ok().map(Self::Contributed),
            "consolidated" => Self::Consolidated,
            "checked" => Self::Checked,
            "signed" => Self::Signed,
            "submitted" => Self::Submitted,
            "returned" => Self::Returned(reason.to_owned()),
            "accepted" => Self::Accepted,
            "amended" => Self::Amended(reason.to_owned()),
            "withdrawn" => Self::Withdrawn(reason.to_owned()),
            _ => return None,
        };
        office.is_empty().then_some(event)
    }
}

/// An event as it stands in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventEntry {
    /// Its key: the actor and a number.
    pub key: String,
    /// The operation that wrote it.
    pub op: OpId,
    /// What happened.
    pub event: LifecycleEvent,
    /// The keys of the events that its author saw last.
    pub after: Vec<String>,
}

impl EventEntry {
    /// The three lines under the key.
    pub(crate) fn encode(event: &LifecycleEvent, after: &[String]) -> String {
        let step = match event {
            LifecycleEvent::Contributed(office) => format!("contributed {office}"),
            other => other.step().to_string(),
        };
        format!(
            "{step}\n{}\n{}",
            after.join(" "),
            event.reason().unwrap_or("")
        )
    }

    /// Nothing if a later version of the program wrote what this one does not know.
    pub(crate) fn read(key: &str, op: OpId, text: &str) -> Option<Self> {
        let (step, rest) = text.split_once('\n')?;
        let (after, reason) = rest.split_once('\n')?;
        Some(Self {
            key: key.to_owned(),
            op,
            event: LifecycleEvent::read(step, reason)?,
            after: after
                .split_ascii_whitespace()
                .take(EVENTS_NAMED_MAX)
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// Where a report stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleState {
    /// The step that holds; nothing while nobody wrote one.
    pub step: Option<Step>,
    /// The events that no other names, in the order of their operations. More than one were written
    /// apart.
    pub standing: Vec<EventEntry>,
    /// The offices that called their part complete, ever.
    pub contributed: BTreeSet<OfficeId>,
}

impl LifecycleState {
    /// Folds events, in any order.
    #[must_use]
    pub fn fold(events: impl IntoIterator<Item = EventEntry>) -> Self {
        // Only an earlier operation can have been seen: this keeps a liar's circles out.
        let mut by_op: BTreeMap<OpId, EventEntry> = BTreeMap::new();
        let mut contributed = BTreeSet::new();
        for entry in events {
            if let LifecycleEvent::Contributed(office) = &entry.event {
                contributed.insert(office.clone());
            }
            by_op.insert(entry.op, entry);
        }
        // From the last to the first, so that the names at hand are those that later ones give.
        let mut named = BTreeSet::new();
        let mut followed = BTreeSet::new();
        for (op, entry) in by_op.iter().rev() {
            if named.contains(entry.key.as_str()) {
                followed.insert(*op);
            }
            named.extend(entry.after.iter().map(String::as_str));
        }
        by_op.retain(|op, _| !followed.contains(op));
        let standing: Vec<_> = by_op.into_values().collect();
        let step = standing.iter().map(|entry| entry.event.step()).max();
        Self {
            step,
            standing,
            contributed,
        }
    }

    /// Why it stands where it does, where that step has a reason; the latest of several.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        let holding = self.standing.iter().rev();
        let mut holding = holding.filter(|entry| Some(entry.event.step()) == self.step);
        holding.find_map(|entry| entry.event.reason())
    }

    /// Whether the report no longer counts.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.step == Some(Step::Withdrawn)
    }
}

#[cfg(test)]
mod tests {
    use hopluu_model::ActorId;

    use super::*;

    fn entry(number: u64, actor: u8, event: LifecycleEvent, after: &[u64]) -> EventEntry {
        EventEntry {
            key: number.to_string(),
            op: OpId {
                counter: number,
                actor: ActorId([actor; 8]),
            },
            event,
            after: after.iter().map(u64::to_string).collect(),
        }
    }

    #[test]
    fn every_event_reads_back() {
        for event in [
            LifecycleEvent::Opened,
            LifecycleEvent::Contributed("police".parse().unwrap()),
            LifecycleEvent::Consolidated,
            LifecycleEvent::Checked,
            LifecycleEvent::Signed,
            LifecycleEvent::Submitted,
            LifecycleEvent::Returned("thiếu phụ lục\ndòng 2".to_owned()),
            LifecycleEvent::Accepted,
            LifecycleEvent::Amended("sai số".to_owned()),
            LifecycleEvent::Withdrawn(String::new()),
        ] {
            let expected = entry(7, 1, event, &[3, 5]);
            let text = EventEntry::encode(&expected.event, &expected.after);
            assert_eq!(EventEntry::read("7", expected.op, &text), Some(expected));
        }
        let op = entry(1, 1, LifecycleEvent::Opened, &[]).op;
        for bad in [
            "",
            "opened",
            "approved\n\n",
            "contributed\n\n",
            "signed police\n\n",
        ] {
            assert_eq!(EventEntry::read("1", op, bad), None, "{bad}");
        }
    }

    #[test]
    fn the_last_event_that_saw_all_others_holds() {
        let events = [
            entry(1, 1, LifecycleEvent::Opened, &[]),
            entry(2, 1, LifecycleEvent::Signed, &[1]),
            entry(3, 2, LifecycleEvent::Returned("?".to_owned()), &[2]),
            entry(
                4,
                1,
                LifecycleEvent::Contributed("health".parse().unwrap()),
                &[3],
            ),
        ];
        let state = LifecycleState::fold(events.clone());
        assert_eq!(state.step, Some(Step::Contributed));
        assert_eq!(state.standing, events[3..]);
        assert_eq!(LifecycleState::fold([]), LifecycleState::default());
    }

    /// Each pair of steps written apart, whichever has the later operation.
    #[test]
    fn concurrent_events_have_the_outcome_of_the_table() {
        use LifecycleEvent as E;
        let pairs = [
            (E::Signed, E::Signed, Step::Signed),
            (
                E::Contributed("health".parse().unwrap()),
                E::Signed,
                Step::Signed,
            ),
            (E::Signed, E::Submitted, Step::Submitted),
            (E::Submitted, E::Returned(String::new()), Step::Returned),
            (E::Accepted, E::Returned(String::new()), Step::Returned),
            (E::Accepted, E::Amended(String::new()), Step::Amended),
            (
                E::Amended(String::new()),
                E::Returned(String::new()),
                Step::Returned,
            ),
            (E::Withdrawn(String::new()), E::Accepted, Step::Withdrawn),
        ];
        for (one, other, outcome) in pairs {
            for (first, second) in [(&one, &other), (&other, &one)] {
                let opened = entry(1, 1, E::Opened, &[]);
                let events = [
                    opened,
                    entry(2, 1, first.clone(), &[1]),
                    entry(2, 2, second.clone(), &[1]),
                ];
                let state = LifecycleState::fold(events);
                assert_eq!(state.step, Some(outcome), "{first:?} {second:?}");
                assert_eq!(state.standing.len(), 2);
            }
        }
    }

    /// Compared one with another, as many as these would take minutes.
    #[test]
    fn a_quarter_of_a_million_events_are_folded() {
        let events = (1..=250_000_u64).map(|number| {
            let before: Vec<u64> = (number.saturating_sub(8)..number).collect();
            entry(number, 1, LifecycleEvent::Checked, &before)
        });
        let state = LifecycleState::fold(events);
        let standing: Vec<_> = state
            .standing
            .iter()
            .map(|entry| entry.op.counter)
            .collect();
        assert_eq!(standing, [250_000]);
    }

    #[test]
    fn events_that_name_each_other_in_a_circle_still_have_a_state() {
        let events = [
            entry(1, 1, LifecycleEvent::Signed, &[2]),
            entry(2, 1, LifecycleEvent::Withdrawn(String::new()), &[1]),
        ];
        assert_eq!(LifecycleState::fold(events).step, Some(Step::Withdrawn));
    }
}
