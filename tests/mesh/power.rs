//! What happens to a node's power and clock.

use std::sync::Arc;

use rand::RngExt;
use serde_json::json;

use crate::check;
use crate::log::Broken;
use crate::plan::{DAY, clock_error_ms};
use crate::world::{Happening, World};

impl World {
    pub(crate) fn plan_power_cut(&mut self, at: usize) {
        let Some(between) = self.plan.power_ms else {
            return;
        };
        let life = self.nodes[at].life;
        let cut = self.now + between.draw(&mut self.rng);
        self.at(cut, Happening::PowerCut { node: at, life });
    }

    /// Power goes just when something is under way, now and then.
    pub(crate) fn maybe_power_cut(&mut self, at: usize, of_1000: u32, within_ms: i64) {
        if !self.is_healed && self.chance(of_1000) {
            let life = self.nodes[at].life;
            let cut = self.now + self.rng.random_range(0..=within_ms);
            self.at(cut, Happening::PowerCut { node: at, life });
        }
    }

    pub(crate) fn power_cut(&mut self, at: usize, life: u32) -> Result<(), Broken> {
        if self.is_healed || self.nodes[at].life != life || self.nodes[at].core.is_none() {
            return Ok(());
        }
        self.switch_off(at)?;
        let off = self.plan.off_ms.draw(&mut self.rng);
        self.at(self.now + off, Happening::PowerBack { node: at });
        check::after_power_cut(self, at)
    }

    pub(crate) fn switch_off(&mut self, at: usize) -> Result<(), Broken> {
        let lost = json!({"asked": self.nodes[at].asked.len()});
        self.log
            .line(self.now, &self.nodes[at].seat.name, "power cut", &lost);
        self.nodes[at].stop();
        let links = std::mem::take(&mut self.nodes[at].links);
        for (id, end) in links.into_values() {
            let pipe = self.pipes.get_mut(&id).expect("a link has its pipe");
            pipe.ends[end].is_open = false;
            if !pipe.is_cut {
                self.break_pipe(id)?;
            }
        }
        Ok(())
    }

    pub(crate) fn power_back(&mut self, at: usize) -> Result<(), Broken> {
        if self.nodes[at].core.is_some() || self.nodes[at].is_retired {
            return Ok(());
        }
        let is_wrong = !self.is_healed && self.chance(self.plan.wrong_clock);
        let off = if is_wrong {
            clock_error_ms(&mut self.rng)
        } else {
            0
        };
        self.nodes[at].clock_off_ms = off;
        let seed = self.rng.random();
        let beginnings = Arc::clone(&self.beginnings);
        self.nodes[at].start(self.now, seed, &beginnings);
        let detail = json!({"clock_off_ms": off});
        self.log
            .line(self.now, &self.nodes[at].seat.name, "power back", &detail);
        if is_wrong {
            // Within minutes where there is a network, or when somebody looks at it.
            let life = self.nodes[at].life;
            let within = (2 * DAY) >> self.rng.random_range(0..12);
            let set = self.now + self.rng.random_range(0..=within);
            self.at(set, Happening::ClockSet { node: at, life });
        }
        self.start_dialling(at);
        self.plan_power_cut(at);
        Ok(())
    }

    /// The clock jumps while the node works: mostly to the true time, by hours or years.
    pub(crate) fn set_clock(&mut self, at: usize, life: u32) {
        let node = &self.nodes[at];
        if self.is_healed || node.life != life || node.core.is_none() {
            return;
        }
        let is_right = self.rng.random_range(0..4) > 0;
        let off = if is_right {
            0
        } else {
            clock_error_ms(&mut self.rng)
        };
        let detail = json!({"clock_off_ms": off});
        self.nodes[at].clock_off_ms = off;
        self.log
            .line(self.now, &self.nodes[at].seat.name, "clock set", &detail);
    }
}
