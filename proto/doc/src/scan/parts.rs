//! A change within bounds, taken apart one operation at a time and not judged.

use super::chunk::Chunk;
use super::columns::Columns;
use super::ops::{RawOp, RawOps};
use super::{Head, ScanError, ScanLimits};
use crate::leb128::Reader;

/// The head, and the operations that follow.
pub(crate) struct Parts<'c> {
    pub(crate) head: Head<'c>,
    raw: RawOps<'c>,
    counters: std::ops::Range<u64>,
}

impl<'c> Parts<'c> {
    pub(crate) fn read(chunk: &'c Chunk<'_>, limits: &ScanLimits) -> Result<Self, ScanError> {
        let mut reader = Reader::new(&chunk.body);
        let head = Head::read(&mut reader, limits)?;
        let columns = Columns::read(&mut reader)?;
        if !reader.is_empty() {
            return Err(ScanError::OutsideSchema("bytes after the operations"));
        }
        let ops = columns.count(limits.ops_max)?;
        let end = head.start_op.saturating_add(ops);
        if ops == 0 || end > limits.op_counter_max.saturating_add(1) {
            return Err(ScanError::Damaged("numbers of the operations"));
        }
        Ok(Self {
            counters: head.start_op..end,
            raw: RawOps::new(&columns),
            head,
        })
    }

    /// How many operations are left.
    pub(super) fn ops(&self) -> u64 {
        self.counters.end - self.counters.start
    }

    /// The next operation.
    pub(crate) fn next(&mut self) -> Result<Option<RawOp<'c>>, ScanError> {
        match self.counters.next() {
            Some(counter) => self.raw.next(counter).map(Some),
            None if self.raw.is_empty() => Ok(None),
            None => Err(ScanError::Damaged("bytes after the values")),
        }
    }
}
