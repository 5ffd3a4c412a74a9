//! The one door: events in, effects out.

use std::sync::Arc;

use hopluu_model::{Epoch, Place, Seq, Timestamp, UnitTree};

use crate::generator::Generator;
use crate::{Effect, Event, HubStatus};

/// What a hub must know to begin.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Who this node is.
    pub me: Place,
    /// The life of its store.
    pub epoch: Epoch,
    /// The last position of its journal.
    pub last: Seq,
    /// The tree by which scope is decided.
    pub tree: Arc<UnitTree>,
    /// Drawn afresh at every start, by whoever may draw.
    pub seed: [u8; 32],
}

/// All links of one node.
#[derive(Debug)]
pub struct Hub {
    config: HubConfig,
    generator: Generator,
}

impl Hub {
    /// A hub without links or targets.
    #[must_use]
    pub fn new(config: HubConfig) -> Self {
        let generator = Generator::new(config.seed);
        Self { config, generator }
    }

    /// Takes one event and says what must be done. `now` never decides what is true, only when to
    /// try again.
    pub fn handle(&mut self, now: Timestamp, event: Event, effects: &mut Vec<Effect>) {
        let _ = (now, &self.config, self.generator.below(1), effects);
        match event {
            Event::Woken => {}
            _ => {}
        }
    }

    /// When [`Event::Woken`] is wanted. None while nothing is owed and nothing to be dialled.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        None
    }

    /// What a person may want to know.
    #[must_use]
    pub fn status(&self) -> HubStatus {
        HubStatus {
            peers: Vec::new(),
            targets: Vec::new(),
        }
    }
}
