//! What the province decides while everybody is at work.

use hopluu_engine::Core;
use hopluu_model::tree::TreeEvent;
use hopluu_model::{Timestamp, UnitId};
use rand::RngExt;
use serde_json::json;

use crate::log::Broken;
use crate::plan::{DAY, HOUR};
use crate::province::{ANNEX, TREE, TREE_DAY, districts};
use crate::world::{Happening, World};

/// Something that is decided once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decision {
    /// The form that everybody waits for.
    Form,
    /// A commune gets another name: nothing in the totals moves, but every node compares again.
    Name,
}

const NEW_NAME: &str = "Xã Tên Mới";

impl World {
    pub(crate) fn plan_decisions(&mut self) {
        if self.plan.is_form_late {
            let at = self.now + self.rng.random_range(DAY..20 * DAY);
            let what = Decision::Form;
            self.at(at, Happening::Decide { what });
        }
        if self.plan.tree_events > 0 {
            let at = self.now + self.rng.random_range(30 * DAY..120 * DAY);
            let what = Decision::Name;
            self.at(at, Happening::Decide { what });
        }
    }

    /// Decides, and looks again later whether it stands: power may go in between.
    pub(crate) fn decide(&mut self, what: Decision) -> Result<(), Broken> {
        let unit = self.nodes[4].place.unit.clone();
        if (self.nodes[0].core.as_ref()).is_some_and(|core| stands(core, what, &unit)) {
            return Ok(());
        }
        let detail = json!(format!("{what:?}"));
        self.log
            .line(self.now, &self.nodes[0].seat.name, "decide", &detail);
        self.at(self.now + HOUR, Happening::Decide { what });
        let roots = if self.plan.is_for_all {
            Vec::new()
        } else {
            districts()
        };
        self.turn(0, |core, turn| match what {
            Decision::Form => {
                let roots: Vec<String> = roots.iter().map(ToString::to_string).collect();
                core.form_add(turn, ANNEX.source(), &roots, Box::new(|_| {}));
            }
            Decision::Name => {
                let kind = TREE.unit(&unit).map(|unit| unit.kind.clone());
                let event = TreeEvent::Renamed {
                    unit,
                    on: TREE_DAY,
                    name: NEW_NAME.to_owned(),
                    kind: kind.expect("every seat is in the tree"),
                };
                core.units_add(turn, &event, Box::new(|_| {}));
            }
        })
    }
}

fn stands(core: &Core, what: Decision, unit: &UnitId) -> bool {
    match what {
        Decision::Form => !core.form_list().is_empty(),
        Decision::Name => {
            let shown = core.unit_show(Some(&unit.to_string()), Some(TREE_DAY), Timestamp(0));
            shown.is_ok_and(|shown| shown.name == NEW_NAME)
        }
    }
}
