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
//! A step counts only upon what it needs. What stands before it follows from the events that it names and from
//! those that these name: a contribution or a check takes nothing back, `amended`, `returned` and `withdrawn` do.
//!
//! | step | needs before it |
//! | --- | --- |
//! | opened | nothing, or withdrawn |
//! | contributed, consolidated, checked, signed | opened, and not withdrawn since |
//! | submitted, amended | signed, and nothing taken back since |
//! | accepted, returned | submitted, and nothing taken back since |
//! | withdrawn | nothing |
//!
//! One that does not count changes no state and hides nothing: whoever names it follows what it followed. Who
//! names an event that is not there (it is void for its author, or beyond what is read) has seen something, so
//! what stands before it is taken from all that has an earlier number.
//!
//! Signing needs no list of heads: an event stands in a change, and the parents of that change are
//! exactly what was signed.
//!
//! In the document an event is three lines under a key of its own: the step (`contributed police`),
//! the keys of the events before it, the reason.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{OfficeId, Step};

use crate::figure::OpId;
use crate::limits::{EVENTS_NAMED_MAX, EVENTS_READ_MAX};

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
    /// The events that do not count, because what they need was not before them; in that order too.
    pub out_of_order: Vec<EventEntry>,
    /// How far it has got, for what would be written next.
    reached: Option<Step>,
}

impl LifecycleState {
    /// Folds events, in any order.
    #[must_use]
    pub fn fold(events: impl IntoIterator<Item = EventEntry>) -> Self {
        // Only an earlier operation can have been seen: this keeps a liar's circles out.
        let by_op = events.into_iter().map(|entry| (entry.op, entry));
        let by_op: BTreeMap<OpId, EventEntry> = by_op.collect();
        let walk = Walk::over(by_op.values(), by_op.len() >= EVENTS_READ_MAX);
        let mut state = Self {
            reached: walk.standing_reached(),
            ..Self::default()
        };
        let Walk { seen, standing, .. } = walk;
        let counts: Vec<bool> = seen.into_iter().map(|seen| seen.counts).collect();
        for (at, (entry, counts)) in by_op.into_values().zip(counts).enumerate() {
            if !counts {
                state.out_of_order.push(entry);
                continue;
            }
            if let LifecycleEvent::Contributed(office) = &entry.event {
                state.contributed.insert(office.clone());
            }
            if standing.contains(&at) {
                state.step = state.step.max(Some(entry.event.step()));
                state.standing.push(entry);
            }
        }
        state
    }

    /// Which of some steps would count, if somebody who sees all of this wrote them now, one after the other.
    #[must_use]
    pub fn would_count(
        &self,
        events: impl IntoIterator<Item = LifecycleEvent>,
    ) -> Vec<LifecycleEvent> {
        let mut before = self.reached;
        let counting = events.into_iter().filter(|event| {
            let reached = reached(event.step(), before);
            before = reached.or(before);
            reached.is_some()
        });
        counting.collect()
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

/// How far a report has got with a step; nothing where the step does not count after what was before it.
fn reached(step: Step, before: Option<Step>) -> Option<Step> {
    let is_open = !matches!(before, None | Some(Step::Withdrawn));
    let counts = match step {
        Step::Opened => !is_open,
        Step::Contributed | Step::Consolidated | Step::Checked | Step::Signed => is_open,
        Step::Submitted | Step::Amended => matches!(
            before,
            Some(Step::Signed | Step::Submitted | Step::Accepted)
        ),
        Step::Accepted | Step::Returned => {
            matches!(before, Some(Step::Submitted | Step::Accepted))
        }
        Step::Withdrawn => true,
    };
    // After what takes back, it begins anew.
    let kept = before.filter(|before| *before < Step::Amended);
    counts.then(|| kept.map_or(step, |kept| kept.max(step)))
}

/// The events one after the other, each upon those that it names.
#[derive(Default)]
struct Walk<'a> {
    /// Where those stand that go by a key: one, unless somebody lies.
    places: BTreeMap<&'a str, Vec<usize>>,
    seen: Vec<Seen>,
    /// Those that count and that no other that counts follows.
    standing: BTreeSet<usize>,
}

struct Seen {
    /// How far the report has got with it.
    reached: Option<Step>,
    counts: bool,
    /// What it names; taken from one that does not count by the first that counts and follows it.
    follows: Vec<usize>,
}

impl<'a> Walk<'a> {
    /// Where there are as many events as are read, the report was once opened.
    fn over(events: impl Iterator<Item = &'a EventEntry>, is_cut: bool) -> Self {
        let mut walk = Self::default();
        let ground = is_cut.then_some(Step::Opened);
        for (at, entry) in events.enumerate() {
            let (before, follows) = walk.before(entry);
            let reached = reached(entry.event.step(), before.or(ground));
            if reached.is_some() {
                walk.follow(&follows);
                walk.standing.insert(at);
            }
            walk.seen.push(Seen {
                reached: reached.or(before),
                counts: reached.is_some(),
                follows,
            });
            walk.places.entry(&entry.key).or_default().push(at);
        }
        walk
    }

    /// How far the report had got for whoever wrote an event, and which others that names.
    fn before(&self, entry: &EventEntry) -> (Option<Step>, Vec<usize>) {
        let names: BTreeSet<&str> = entry.after.iter().map(String::as_str).collect();
        let (mut follows, mut is_any_missing) = (Vec::new(), false);
        for name in names {
            match self.places.get(name) {
                Some(places) => follows.extend(places),
                None => is_any_missing = true,
            }
        }
        let seen = follows.iter().filter_map(|at| self.seen.get(*at));
        let before = seen.filter_map(|seen: &Seen| seen.reached).max();
        let all = is_any_missing.then(|| self.standing_reached()).flatten();
        (before.max(all), follows)
    }

    /// These no longer stand, nor what those of them followed that do not count. Nothing comes to stand again, so
    /// each is looked at once.
    fn follow(&mut self, follows: &[usize]) {
        let mut next = follows.to_vec();
        while let Some(at) = next.pop() {
            self.standing.remove(&at);
            if let Some(seen) = self.seen.get_mut(at).filter(|seen| !seen.counts) {
                next.append(&mut seen.follows);
            }
        }
    }

    fn standing_reached(&self) -> Option<Step> {
        let standing = self.standing.iter().filter_map(|at| self.seen.get(*at));
        standing.filter_map(|seen| seen.reached).max()
    }
}

#[cfg(test)]
mod tests;
