//! What the province decides while everybody is at work.

use hopluu_engine::Core;
use hopluu_model::tree::TreeEvent;
use hopluu_model::{Date, Timestamp, UnitId};
use rand::RngExt;
use serde_json::json;

use crate::link::new_route;
use crate::log::Broken;
use crate::plan::{DAY, HOUR};
use crate::province::{A_FLOOD, DISTRICTS, Level, THIS_HALF, TREE_DAY, districts};
use crate::world::{Happening, World};

/// Something that is decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The forms that everybody waits for.
    Forms,
    /// A commune gets another name: nothing in the totals moves, but every node compares again.
    Name,
    /// A commune comes below another district, which it then dials as well.
    Move { commune: usize, to: usize },
}

const NEW_NAME: &str = "Xã Tên Mới";

/// Between the reports that are asked for: the totals of some count it here, of others there.
const MOVE_DAY: Date = jiff::civil::date(2024, 10, 1);

impl World {
    pub(crate) fn plan_decisions(&mut self) {
        if self.plan.is_form_late {
            self.plan_decision(Decision::Forms, (DAY, 20 * DAY));
        }
        if self.plan.tree_events > 0 {
            self.plan_decision(Decision::Name, (30 * DAY, 120 * DAY));
        }
        for _ in 0..self.plan.moved {
            let is_commune = |at: &usize| self.nodes[*at].seat.level == Level::Commune;
            let communes: Vec<usize> = (0..self.nodes.len()).filter(is_commune).collect();
            let commune = communes[self.rng.random_range(0..communes.len())];
            let from = self.nodes[commune].seat.above.unwrap_or(0);
            let to = 1 + from % DISTRICTS.len();
            let what = Decision::Move { commune, to };
            // Ahead of its day, or when people have long worked by it.
            self.plan_decision(what, (60 * DAY, 150 * DAY));
        }
    }

    fn plan_decision(&mut self, what: Decision, (from, to): (i64, i64)) {
        let at = self.now + self.rng.random_range(from..to);
        self.at(at, Happening::Decide { what });
    }

    /// After the root's disk was replaced: whoever decides looks whether everything still stands.
    pub(crate) fn decide_again(&mut self) {
        for what in self.decided.clone() {
            self.at(self.now + HOUR, Happening::Decide { what });
        }
    }

    /// Decides, and looks again later whether it stands: power may go in between.
    pub(crate) fn decide(&mut self, what: Decision) -> Result<(), Broken> {
        let event = self.event_of(what);
        if (self.nodes[0].core.as_ref()).is_some_and(|core| stands(core, event.as_ref())) {
            return Ok(());
        }
        let detail = json!(format!("{what:?}"));
        self.log
            .line(self.now, &self.nodes[0].seat.name, "decide", &detail);
        self.at(self.now + HOUR, Happening::Decide { what });
        if !self.decided.contains(&what) {
            self.decided.push(what);
            if let Some(event) = &event {
                self.tree.apply(event).expect("it holds in this tree");
            }
            if let Decision::Move { commune, to } = what {
                self.dial_too(commune, to)?;
            }
        }
        let roots = if self.plan.is_for_all {
            Vec::new()
        } else {
            districts()
        };
        self.turn(0, |core, turn| match &event {
            None => {
                let roots: Vec<String> = roots.iter().map(ToString::to_string).collect();
                for round in [THIS_HALF, A_FLOOD] {
                    core.form_add(turn, round.form().source(), &roots, Box::new(|_| {}));
                }
            }
            Some(event) => core.units_add(turn, event, Box::new(|_| {})),
        })
    }

    /// What a decision says of the tree; none where it is about forms.
    fn event_of(&self, what: Decision) -> Option<TreeEvent> {
        let unit_of = |at: usize| self.nodes[at].place.unit.clone();
        match what {
            Decision::Forms => None,
            Decision::Name => {
                let unit = unit_of(4);
                let kind = self.tree.unit(&unit).map(|unit| unit.kind.clone());
                Some(TreeEvent::Renamed {
                    unit,
                    on: TREE_DAY,
                    name: NEW_NAME.to_owned(),
                    kind: kind.expect("every seat is in the tree"),
                })
            }
            Decision::Move { commune, to } => Some(TreeEvent::Moved {
                unit: unit_of(commune),
                on: MOVE_DAY,
                parent: unit_of(to),
            }),
        }
    }

    /// A commune is told where its new district is; the old one stays the one that let it in.
    fn dial_too(&mut self, commune: usize, to: usize) -> Result<(), Broken> {
        let route = new_route(&self.plan, (commune, to), &mut self.rng);
        let at = self.routes.len();
        self.routes.push(route);
        self.cut_off_district();
        self.plan_window(at);
        self.dial_by(at)
    }
}

fn stands(core: &Core, event: Option<&TreeEvent>) -> bool {
    let shown = |unit: &UnitId| {
        let shown = core.unit_show(Some(&unit.to_string()), Some(TREE_DAY), Timestamp(0));
        shown.ok()
    };
    match event {
        None => core.form_list().len() > 1,
        Some(TreeEvent::Moved { unit, parent, .. }) => {
            shown(unit).is_some_and(|shown| shown.path.contains(parent))
        }
        Some(event) => shown(event.unit()).is_some_and(|shown| shown.name == NEW_NAME),
    }
}
