//! The registry as the writer sees it: with what its transaction has, and never with more.

use std::sync::{Arc, Mutex, PoisonError};

use hopluu_store::{DbError, Read};
use hopluu_trust::Record;

use super::Registry;

/// Jobs of one group see each other's records before these are committed, and all others only
/// after; a commit that fails takes them back. So each job begins from what its transaction holds,
/// and the loop is handed the outcome when it is on disk.
#[derive(Debug)]
pub(crate) struct Working {
    /// Without any record.
    blank: Registry,
    /// As the last job left it.
    last: Mutex<Arc<Registry>>,
}

impl Working {
    pub(crate) fn new(blank: Registry, now: &Arc<Registry>) -> Self {
        Self {
            blank,
            last: Mutex::new(Arc::clone(now)),
        }
    }

    /// The registry of what a transaction holds.
    pub(crate) fn begin(&self, read: &Read) -> Result<Registry, DbError> {
        let last = {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&last)
        };
        let through = last.last.map_or(0, |(place, _)| place);
        let mut registry = if read.last_record(through)? == last.last {
            Registry::clone(&last)
        } else {
            // What the last job wrote was not committed.
            self.blank.clone()
        };
        registry.catch_up(read)?;
        Ok(registry)
    }

    /// Keeps what a job has made of it, for the next one and for the loop.
    pub(crate) fn end(
        &self,
        read: &Read,
        mut registry: Registry,
    ) -> Result<Arc<Registry>, DbError> {
        registry.settle();
        registry.last = read.last_record(u64::from(u32::MAX))?;
        let registry = Arc::new(registry);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&registry);
        Ok(registry)
    }
}

impl Registry {
    /// Learns what a store holds beyond what is known.
    pub(crate) fn catch_up(&mut self, read: &Read) -> Result<(), DbError> {
        let mut last = self.last;
        read.for_each_record(last.map_or(0, |(place, _)| place), |place, row| {
            last = Some((place, row.hash));
            let learnt = Record::decode(&row.body)
                .map_err(|error| error.to_string())
                .and_then(|record| self.learn(&record).map_err(|error| error.to_string()));
            if let Err(detail) = learnt {
                tracing::error!(record = %row.hash, %detail, "stored record is not understood");
            }
        })?;
        self.last = last;
        self.settle();
        Ok(())
    }
}
