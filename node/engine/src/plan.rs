//! By what settings other nodes are called: the kind of link, its windows, its month.

use std::collections::BTreeMap;
use std::time::Duration;

use hopluu_model::{Date, Fault, NodeId, Timestamp};
use hopluu_net::Tuning;
use hopluu_store::LedgerSpan;
use hopluu_sync::{Class, Event, Purpose, Spent, Steady, TargetId, WindowError, Windows};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::core::Core;
use crate::ledger::spans;
use crate::limits::{MONTH_RESERVE, PLAN_LOOK_MS};
use crate::turn::Turn;
use crate::view::{Allowance, PlanView};

/// What kind of link leads to a node: its first guess of the round trip, how long it may sleep, what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Weak 3G or 4G.
    #[default]
    Mobile,
    /// A satellite far up.
    Satellite,
    /// A radio or telephone modem of 9.6 kbit/s.
    Modem,
    /// An office network or a leased line.
    Wired,
}

impl Profile {
    /// The word in the settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Satellite => "satellite",
            Self::Modem => "modem",
            Self::Wired => "wired",
        }
    }

    fn tuning(self, usual: Tuning) -> Tuning {
        match self {
            Self::Mobile => usual,
            Self::Satellite => Tuning {
                initial_rtt: Duration::from_millis(700),
                ..usual
            },
            Self::Modem => Tuning {
                initial_rtt: Duration::from_millis(1_200),
                ..usual
            },
            // Where nothing ever has to sleep, a peer that is gone should be noticed within the hour.
            Self::Wired => Tuning {
                initial_rtt: Duration::from_millis(200),
                idle_timeout: Duration::from_secs(3_600),
                ..usual
            },
        }
    }
}

/// The settings of one link, in `node.toml` under `[link."ADDRESS"]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSettings {
    /// The kind of link.
    #[serde(default)]
    pub profile: Profile,
    /// Thousand bits a second that it may carry at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_max_kbit: Option<u32>,
    /// When it may be used, such as `T2-T6 07:00-07:30`; always where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// Million bytes a month, both ways, after which only what is urgent goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month_max_mb: Option<u32>,
}

/// Why the settings of a link cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFlaw {
    /// Nobody calls that address.
    #[error("the address is among neither `upstream` nor `standby`")]
    NotCalled,
    /// A window.
    #[error("a window cannot be read")]
    Window(#[source] WindowError),
    /// Nothing could ever go.
    #[error("`{0}` is 0")]
    Zero(&'static str),
}

impl LinkFlaw {
    /// Whoever wrote it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

impl LinkSettings {
    pub(crate) fn check(&self) -> Result<Windows, LinkFlaw> {
        if self.rate_max_kbit == Some(0) {
            return Err(LinkFlaw::Zero("rate_max_kbit"));
        }
        if self.month_max_mb == Some(0) {
            return Err(LinkFlaw::Zero("month_max_mb"));
        }
        Windows::parse(self.windows.iter().map(String::as_str)).map_err(LinkFlaw::Window)
    }

    /// How this link behaves where others behave as usual.
    pub(crate) fn tuning(&self, usual: Tuning) -> Tuning {
        Tuning {
            rate_max: self.rate_max().or(usual.rate_max),
            ..self.profile.tuning(usual)
        }
    }

    /// Bytes a second.
    fn rate_max(&self) -> Option<u64> {
        self.rate_max_kbit.map(|kbit| u64::from(kbit) * 125)
    }
}

/// The plan of one link, and where it stands.
#[derive(Debug)]
struct Plan {
    address: String,
    settings: LinkSettings,
    windows: Windows,
    /// Whether the hub has been told to call.
    is_called: bool,
    allowance: Allowance,
    month: Option<Month>,
}

/// What calling an address has cost in a month.
#[derive(Debug, Clone, Copy)]
struct Month {
    /// Who answered there last.
    node: NodeId,
    number: u32,
    bytes: u64,
    /// Those of them that led nowhere. They keep nothing urgent from going: nobody shall use up a node's month by not
    /// answering it.
    in_vain: u64,
}

impl Month {
    fn of(node: NodeId, number: u32) -> Self {
        Self {
            node,
            number,
            bytes: 0,
            in_vain: 0,
        }
    }

    fn add(&mut self, spent: &Spent) {
        let both = |(up, down): (u64, u64)| up.saturating_add(down);
        self.bytes = self.bytes.saturating_add(both(spent.total()));
        let in_vain = both(spent.of(Purpose::Calls));
        self.in_vain = self.in_vain.saturating_add(in_vain);
    }
}

impl Plan {
    fn month_bytes_max(&self) -> Option<u64> {
        Some(u64::from(self.settings.month_max_mb?) * 1_000_000)
    }

    fn allowed(&self) -> Allowance {
        let (Some(max), Some(month)) = (self.month_bytes_max(), self.month) else {
            return Allowance::All;
        };
        if month.bytes < max {
            Allowance::All
        } else if month.bytes - month.in_vain < max + max / MONTH_RESERVE {
            Allowance::Urgent
        } else {
            Allowance::Nothing
        }
    }
}

/// The plans of all links that this node calls.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    plans: BTreeMap<TargetId, Plan>,
    next: Option<Steady>,
}

impl Plans {
    pub(crate) fn insert(&mut self, target: TargetId, address: String, settings: LinkSettings) {
        // Settings are checked when they are read.
        let windows = settings.check().unwrap_or_default();
        let plan = Plan {
            address,
            settings,
            windows,
            is_called: false,
            allowance: Allowance::All,
            month: None,
        };
        self.plans.insert(target, plan);
    }

    /// Whether a target may be called now. One without a plan may.
    pub(crate) fn may_call(&self, target: TargetId) -> bool {
        self.plans.get(&target).is_none_or(|plan| plan.is_called)
    }

    /// Who answered at a target last, as far as is remembered.
    fn node(&self, target: TargetId) -> Option<NodeId> {
        let plan = self.plans.get(&target)?;
        plan.month.map(|month| month.node)
    }

    /// Whether its link may carry what is nobody's hurry: its window is open, and its month has bytes left for all.
    pub(crate) fn may_carry(&self, target: TargetId) -> bool {
        let may = |plan: &Plan| plan.is_called && plan.allowed() == Allowance::All;
        self.plans.get(&target).is_none_or(may)
    }

    /// Targets whose count is not of this month, and who answered there.
    fn of_other_months(&self, number: u32) -> Vec<(TargetId, NodeId)> {
        let months = self.plans.iter();
        let months = months.filter_map(|(target, plan)| Some((*target, plan.month?)));
        let others = months.filter(|(_, month)| month.number != number);
        others.map(|(target, month)| (target, month.node)).collect()
    }

    pub(crate) fn next_wake(&self) -> Option<Steady> {
        self.next
    }

    /// The settings by which a peer is called.
    pub(crate) fn view(&self, node: NodeId, now: Timestamp) -> Option<PlanView> {
        let is_of = |plan: &&Plan| plan.month.is_some_and(|month| month.node == node);
        let plan = self.plans.values().find(is_of)?;
        let state = plan.windows.at(clock::minute_of_week(now));
        Some(PlanView {
            address: plan.address.clone(),
            profile: plan.settings.profile.as_str().to_owned(),
            windows: plan.settings.windows.clone(),
            is_open: state.is_open,
            changes_in_minutes: state.changes_in_minutes,
            rate_max: plan.settings.rate_max(),
            month_bytes_max: plan.month_bytes_max(),
            allowance: plan.allowed(),
        })
    }
}

fn month(now: Timestamp) -> u32 {
    month_of(clock::day(now))
}

fn month_of(day: Date) -> u32 {
    let [_, (_, month, _)] = spans(day);
    month
}

impl Core {
    /// Calls whom the windows and the month's bytes allow, and leaves whom they do not; looks again when that
    /// may change.
    pub(crate) fn follow_plans(&mut self, turn: &mut Turn) {
        let (minute, this_month) = (clock::minute_of_week(turn.now), month(turn.now));
        let (mut news, mut limits) = (Vec::new(), Vec::new());
        let mut look_in_ms: Option<u64> = None;
        for (target, node) in self.plans.of_other_months(this_month) {
            self.plan_remembers(target, node, turn.now);
        }
        for (target, plan) in &mut self.plans.plans {
            let allowed = plan.allowed();
            if let Some(Month { node, .. }) = plan.month
                && allowed != plan.allowance
            {
                limits.push((node, allowed));
            }
            plan.allowance = allowed;
            let state = plan.windows.at(minute);
            let is_called = state.is_open && allowed != Allowance::Nothing;
            if is_called != plan.is_called {
                plan.is_called = is_called;
                news.push((*target, is_called));
            }
            let changes = state
                .changes_in_minutes
                .map(|minutes| u64::from(minutes) * 60_000);
            let changes = changes.map(|ms| ms - clock::ms_of_minute(turn.now).min(ms));
            let again = (changes.is_some() || allowed != Allowance::All).then_some(PLAN_LOOK_MS);
            look_in_ms = look_in_ms.into_iter().chain(changes).chain(again).min();
        }
        self.plans.next = look_in_ms.map(|ms| turn.steady.plus_ms(ms.max(1)));
        for (peer, allowed) in limits {
            let least = match allowed {
                Allowance::All => Class::Attachments,
                Allowance::Urgent | Allowance::Nothing => Class::Urgent,
            };
            self.hub_event(turn, Event::Limited { peer, least });
        }
        for (target, is_called) in news {
            let is_standby = self
                .called
                .get(&target)
                .is_some_and(|called| called.is_standby);
            let event = match (is_called, is_standby) {
                (true, false) => {
                    let peer = self.plans.node(target);
                    Event::TargetAdded { target, peer }
                }
                (true, true) => Event::StandbyAdded { target },
                (false, _) => Event::TargetRemoved { target },
            };
            self.hub_event(turn, event);
        }
    }

    /// Looks at the plans if it is time.
    pub(crate) fn plans_woken(&mut self, turn: &mut Turn) {
        if self.plans.next.is_some_and(|next| next <= turn.steady) {
            self.follow_plans(turn);
        }
    }

    /// Somebody answered at a target: whose month its bytes are.
    pub(crate) fn plan_met(&mut self, turn: &mut Turn, target: TargetId, node: NodeId) {
        self.plan_remembers(target, node, turn.now);
        if let Some(plan) = self.plans.plans.get_mut(&target) {
            // A hub that has just met the peer knows of no limit.
            plan.allowance = Allowance::All;
            self.follow_plans(turn);
        }
    }

    /// Takes for a target's what has gone to this node in this month.
    pub(crate) fn plan_remembers(&mut self, target: TargetId, node: NodeId, now: Timestamp) {
        let this_month = month(now);
        let written = self.store().read().and_then(|read| {
            let sum = read.ledger(node, LedgerSpan::Month, this_month)?;
            Ok(Spent::decode(&sum.unwrap_or_default()))
        });
        let mut kept = Month::of(node, this_month);
        kept.add(&written.unwrap_or_default());
        if let Some((day, unwritten)) = self.ledger.unwritten(node)
            && month_of(day) == this_month
        {
            kept.add(&unwritten);
        }
        if let Some(plan) = self.plans.plans.get_mut(&target) {
            plan.month = Some(kept);
        }
    }

    /// A call that led nowhere is put down on whoever answered there last. Of an address where nobody ever has it is
    /// nobody's.
    pub(crate) fn call_spent(&mut self, turn: &mut Turn, target: TargetId, spent: &Spent) {
        let plan = self.plans.plans.get(&target);
        if let Some(month) = plan.and_then(|plan| plan.month) {
            self.spend(turn, month.node, spent);
        }
    }

    /// A link has cost so much more.
    pub(crate) fn plan_spent(&mut self, turn: &mut Turn, node: NodeId, spent: &Spent) {
        let mut is_news = false;
        for plan in self.plans.plans.values_mut() {
            if let Some(month) = &mut plan.month
                && month.node == node
            {
                month.add(spent);
                is_news |= plan.allowed() != plan.allowance;
            }
        }
        if is_news {
            self.follow_plans(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alone::Node;
    use crate::turn::NetEffect;

    #[test]
    fn a_profile_and_a_cap_set_how_a_link_behaves() {
        let settings = LinkSettings {
            profile: Profile::Modem,
            ..LinkSettings::default()
        };
        let tuning = |settings: &LinkSettings| settings.tuning(Tuning::default());
        assert_eq!(tuning(&settings).rate_max, None);
        let settings = LinkSettings {
            rate_max_kbit: Some(64),
            ..settings
        };
        assert_eq!(tuning(&settings).rate_max, Some(8_000));
        assert_eq!(tuning(&settings).initial_rtt, Duration::from_millis(1_200));
    }

    #[test]
    fn what_could_never_work_is_refused() {
        let zero = LinkSettings {
            month_max_mb: Some(0),
            ..LinkSettings::default()
        };
        assert_eq!(zero.check(), Err(LinkFlaw::Zero("month_max_mb")));
        let garbled = LinkSettings {
            windows: vec!["T9 07:00-08:00".to_owned()],
            ..LinkSettings::default()
        };
        assert!(matches!(garbled.check(), Err(LinkFlaw::Window(_))));
    }

    #[test]
    fn a_link_is_called_when_its_window_opens_and_left_when_it_closes() {
        const MINUTE: u64 = 60_000;
        let mut node = Node::new();
        let target = TargetId(1);
        let settings = LinkSettings {
            windows: vec!["daily 07:00-07:03".to_owned()],
            ..LinkSettings::default()
        };
        let address = "district:7710".to_owned();
        node.core.plans.insert(target, address, settings);
        // It is noon.
        let turn = node.turn(Steady(0), Core::follow_plans);
        assert!(turn.net.is_empty() && !node.core.plans.may_call(target));
        let mut at = |minutes: u64| {
            let steady = Steady(minutes * MINUTE);
            let turn = node.turn(steady, |core, turn| {
                turn.now.0 += i64::try_from(minutes * MINUTE).unwrap();
                core.woken(turn);
            });
            let dials = turn
                .net
                .iter()
                .filter(|effect| matches!(effect, NetEffect::Dial { .. }));
            let wake = node.core.plans.next_wake().unwrap().ms_since(steady);
            (dials.count(), node.core.plans.may_call(target), wake)
        };
        assert_eq!(at(19 * 60 - 5), (0, false, 5 * MINUTE));
        assert_eq!(at(19 * 60), (1, true, 3 * MINUTE));
        assert_eq!(at(19 * 60 + 3), (0, false, PLAN_LOOK_MS));
    }

    #[test]
    fn windows_and_waits_end_at_once_when_the_clock_jumps() {
        const HOUR_MS: i64 = 3_600_000;
        let mut node = Node::new();
        let settings = LinkSettings {
            windows: vec!["daily 07:00-07:03".to_owned()],
            ..LinkSettings::default()
        };
        for (target, settings) in [(1, settings), (2, LinkSettings::default())] {
            let address = format!("district-{target}:7710");
            node.core.plans.insert(TargetId(target), address, settings);
        }
        let dials = |turn: &Turn| {
            let dials = turn.net.iter().filter_map(|effect| match effect {
                NetEffect::Dial { target } => Some(target.0),
                _ => None,
            });
            dials.collect::<Vec<_>>()
        };
        // It is noon.
        assert_eq!(dials(&node.turn(Steady(0), Core::follow_plans)), [2]);
        node.turn(Steady(1), |core, turn| {
            core.dial_failed(turn, TargetId(2), Some(900));
        });
        // The machine slept until seven, and by the steady clock no time has passed.
        let mut jump = |hours| {
            let turn = node.turn(Steady(2), |core, turn| {
                turn.now.0 += hours * HOUR_MS;
                core.clock_jumped(turn);
            });
            dials(&turn)
        };
        assert_eq!(jump(19), [1, 2]);
        assert!(jump(0).is_empty());
        assert!(!node.core.plans.may_call(TargetId(1)));
    }

    #[test]
    fn calls_that_lead_nowhere_are_of_the_month_after_a_restart_as_well() {
        let mut node = Node::new();
        let (target, superior) = (TargetId(1), NodeId([1; 32]));
        let settings = LinkSettings {
            month_max_mb: Some(1),
            ..LinkSettings::default()
        };
        let at = |node: &Node| {
            let plan = node.core.plans.view(superior, Timestamp(0)).unwrap();
            (plan.allowance, node.core.plans.may_call(target))
        };
        let start = |node: &mut Node| {
            let address = "district:7710".to_owned();
            node.core.plans = Plans::default();
            node.core.plans.insert(target, address, settings.clone());
            node.turn(Steady(0), |core, turn| {
                core.plan_remembers(target, superior, turn.now);
                core.follow_plans(turn);
            });
            at(node)
        };
        assert_eq!(start(&mut node), (Allowance::All, true));
        let call = |node: &mut Node, bytes| {
            node.turn(Steady(0), |core, turn| {
                core.call_spent(turn, target, &Spent::of_call(bytes, 0));
            });
            at(node)
        };
        assert_eq!(call(&mut node, 999_999), (Allowance::All, true));
        assert_eq!(call(&mut node, 1), (Allowance::Urgent, true));
        // Whoever does not answer uses up nobody's reserve.
        assert_eq!(call(&mut node, 10_000_000), (Allowance::Urgent, true));
        assert_eq!(start(&mut node), (Allowance::Urgent, true));
    }

    #[test]
    fn a_month_ends_with_a_reserve_for_what_is_urgent() {
        let mut plans = Plans::default();
        let settings = LinkSettings {
            month_max_mb: Some(10),
            ..LinkSettings::default()
        };
        plans.insert(TargetId(1), "district:7710".to_owned(), settings);
        let mut allowed = |is_called, spent| {
            let plan = plans.plans.get_mut(&TargetId(1)).unwrap();
            let month = Month::of(NodeId([1; 32]), 682);
            plan.month = Some(Month {
                bytes: spent,
                ..month
            });
            plan.is_called = is_called;
            let allowed = plan.allowed();
            (allowed, plans.may_carry(TargetId(1)))
        };
        assert_eq!(allowed(true, 9_999_999), (Allowance::All, true));
        assert_eq!(allowed(true, 10_000_000), (Allowance::Urgent, false));
        assert_eq!(allowed(true, 10_999_999), (Allowance::Urgent, false));
        assert_eq!(allowed(true, 11_000_000), (Allowance::Nothing, false));
        // Its window is closed.
        assert_eq!(allowed(false, 0), (Allowance::All, false));
    }
}
