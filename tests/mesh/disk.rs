//! What happens to a node's disk: it dies and a backup comes back, or it is copied and runs twice.

use std::fs;
use std::path::PathBuf;

use hopluu_model::Epoch;
use hopluu_store::{DbError, Medium, OpenOptions, Store, WriteTx};
use rand::RngExt;
use serde_json::json;

use crate::check;
use crate::link::Route;
use crate::log::Broken;
use crate::plan::{BEGIN, DAY, SECOND};
use crate::world::{Happening, World};

impl World {
    pub(crate) fn plan_disks(&mut self) {
        for _ in 0..self.plan.restored {
            let node = self.rng.random_range(0..self.nodes.len());
            let backup = BEGIN + self.rng.random_range(30 * DAY..90 * DAY);
            self.at(backup, Happening::Backup { node });
            let mut restore = backup;
            // The same old backup may have to serve again.
            for _ in 0..self.rng.random_range(1..=2) {
                restore += self.rng.random_range(DAY..45 * DAY);
                self.at(restore, Happening::Restore { node });
            }
        }
        for _ in 0..self.plan.copied {
            let node = self.rng.random_range(0..self.nodes.len());
            let copy = BEGIN + self.rng.random_range(20 * DAY..150 * DAY);
            self.at(copy, Happening::Copy { node });
        }
    }

    fn save_disk(&mut self, at: usize) -> PathBuf {
        self.disks += 1;
        let path = self.folder.path().join(format!("{}.db", self.disks));
        let saved = self.nodes[at].store.backup(&path, |_| {});
        saved.expect("there is room for a backup");
        path
    }

    /// Somebody takes a backup.
    pub(crate) fn backup(&mut self, at: usize) {
        let path = self.save_disk(at);
        let name = &self.nodes[at].seat.name;
        self.log.line(self.now, name, "backup", &json!(null));
        self.backups.insert(at, path);
    }

    /// The disk is dead; the backup comes back as a new life, as `hopluu restore` makes it.
    pub(crate) fn restore(&mut self, at: usize) -> Result<(), Broken> {
        let Some(backup) = self.backups.get(&at) else {
            return Ok(());
        };
        self.disks += 1;
        let path = self.folder.path().join(format!("{}.db", self.disks));
        fs::copy(backup, &path).expect("there is room for a disk");
        if self.nodes[at].core.is_some() {
            self.switch_off(at)?;
        }
        self.log
            .line(self.now, &self.nodes[at].seat.name, "restore", &json!(null));
        let store = open(path);
        let epoch = Epoch(self.rng.random());
        store
            .write(move |tx: &mut WriteTx<'_>| -> Result<(), DbError> { tx.set_epoch(epoch) })
            .expect("there is room for an epoch");
        self.nodes[at].store = store;
        check::after_restore(self, at);
        self.at(self.now + SECOND, Happening::PowerBack { node: at });
        if at == 0 {
            // Whoever decides sees that a decision is missing, and decides again.
            self.decide_again();
        }
        Ok(())
    }

    /// A second machine comes up over a copy of the disk, dials whom the first dials, and is worked at.
    pub(crate) fn copy(&mut self, at: usize) {
        let path = self.save_disk(at);
        let copy = self.nodes.len();
        let node = self.nodes[at].copied(open(path));
        self.log
            .line(self.now, &node.seat.name, "copied", &json!(null));
        self.nodes.push(node);
        self.ledger.joined();
        let ways = self.routes.iter().filter(|route| route.caller == at);
        let ways: Vec<Route> = ways.map(|route| route.of_copy(copy)).collect();
        for way in ways {
            self.routes.push(way);
            self.plan_window(self.routes.len() - 1);
        }
        self.at(self.now, Happening::PowerBack { node: copy });
        self.at(self.now + DAY, Happening::Work { node: copy });
        let end = self.now + self.rng.random_range(2 * DAY..20 * DAY);
        let original = at;
        self.at(end, Happening::Retire { copy, original });
    }

    /// Somebody has noticed: the copy is put away, and the first machine begins a new life, because its
    /// journal and the copy's have used the same numbers.
    pub(crate) fn retire(&mut self, copy: usize, original: usize) -> Result<(), Broken> {
        if self.nodes[copy].core.is_some() {
            self.switch_off(copy)?;
        }
        self.nodes[copy].is_retired = true;
        check::after_retirement(self, copy);
        self.backup(original);
        self.restore(original)
    }
}

fn open(path: PathBuf) -> Store {
    let medium = Medium::File(path);
    Store::open_manual(&medium, &OpenOptions::existing()).expect("a backup is a whole database")
}
