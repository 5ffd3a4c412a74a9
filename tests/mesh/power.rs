//! What happens to a node's power, clock and disk.

use std::sync::Arc;

use hopluu_model::Epoch;
use hopluu_store::{DbError, Medium, OpenOptions, Store, WriteTx};
use rand::RngExt;
use serde_json::json;

use crate::check;
use crate::log::Broken;
use crate::plan::{DAY, SECOND, clock_error_ms};
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

    fn switch_off(&mut self, at: usize) -> Result<(), Broken> {
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
        if self.nodes[at].core.is_some() {
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

    /// Somebody takes a copy of the disk.
    pub(crate) fn backup(&mut self, at: usize) -> Result<(), Broken> {
        let path = self.folder.path().join(format!("{at}.backup"));
        let node = &mut self.nodes[at];
        node.store
            .backup(&path, |_| {})
            .expect("there is room for a backup");
        self.log
            .line(self.now, &node.seat.name, "backup", &json!(null));
        self.backups.insert(at, path);
        Ok(())
    }

    /// The disk is dead; the copy comes back as a new life, as `restore` makes it.
    pub(crate) fn restore(&mut self, at: usize) -> Result<(), Broken> {
        let Some(path) = self.backups.remove(&at) else {
            return Ok(());
        };
        if self.nodes[at].core.is_some() {
            self.switch_off(at)?;
        }
        self.log
            .line(self.now, &self.nodes[at].seat.name, "restore", &json!(null));
        let medium = Medium::File(path);
        let store = Store::open_manual(&medium, &OpenOptions::existing())
            .expect("a backup is a whole database");
        let epoch = Epoch(self.rng.random());
        store
            .write(move |tx: &mut WriteTx<'_>| -> Result<(), DbError> { tx.set_epoch(epoch) })
            .expect("there is room for an epoch");
        self.nodes[at].store = store;
        check::after_restore(self, at)?;
        self.at(self.now + SECOND, Happening::PowerBack { node: at });
        Ok(())
    }
}
