//! What goes by hand: files that arrive days later, twice, in any order, or not at all.

use hopluu_engine::{BundleRequest, Receivers};
use rand::RngExt;
use serde_json::json;

use crate::log::Broken;
use crate::plan::{DAY, HOUR};
use crate::world::{Happening, World};

/// Chances in 1,000 that a stick is lost, or that it turns up once more.
const LOST: u32 = 150;
const AGAIN: u32 = 200;

/// Small enough that most of what is carried comes in several parts, whose order nobody keeps.
const PART_BYTES: u64 = 8 << 10;

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Stick {
    to: usize,
    bytes: Vec<u8>,
}

impl World {
    pub(crate) fn plan_sticks(&mut self, node: usize) {
        if let Some(between) = self.plan.sticks_ms {
            let at = self.now + between.draw(&mut self.rng);
            self.at(at, Happening::Sticks { node });
        }
    }

    /// Writes what everybody in the line lacks, if there is power and somebody to carry it.
    pub(crate) fn write_sticks(&mut self, at: usize) {
        if self.is_healed {
            return;
        }
        self.plan_sticks(at);
        let node = &mut self.nodes[at];
        let now = node.at(self.now).now;
        let request = BundleRequest {
            to: Receivers::Line,
            size_max: Some(PART_BYTES),
            parts_max: None,
            report: None,
            anew: false,
            attachments: false,
        };
        // Without power, with nobody known yet, or with an entry that no stick holds.
        let Some(Ok(parts)) = node.core.as_mut().map(|core| core.bundles(&request, now)) else {
            return;
        };
        for part in parts {
            let receiver = |node: &crate::node::Node| node.place.node == part.bundle.to.node;
            let Some(to) = self.nodes.iter().position(receiver) else {
                continue;
            };
            let detail = json!({"to": self.nodes[to].seat.name, "entries": part.entries});
            self.log
                .line(self.now, &self.nodes[at].seat.name, "stick", &detail);
            let stick = self.sticks.len();
            let bytes = part.bytes;
            self.sticks.push(Stick { to, bytes });
            if self.chance(LOST) {
                continue;
            }
            let copies = if self.chance(AGAIN) { 2 } else { 1 };
            for _ in 0..copies {
                // The same evening as often as weeks later.
                let within = (20 * DAY) >> self.rng.random_range(0..8);
                let at = self.now + self.rng.random_range(HOUR..within);
                self.at(at, Happening::Carried { stick });
            }
        }
    }

    pub(crate) fn carried(&mut self, stick: usize) -> Result<(), Broken> {
        let Stick { to, bytes } = &self.sticks[stick];
        let (to, bytes) = (*to, bytes.clone());
        self.turn(to, |core, turn| {
            // Refused, it is one more stick that never came.
            core.bundle_import(turn, &bytes, Box::new(|_| {}));
        })
    }
}
