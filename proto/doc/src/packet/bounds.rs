//! What a packet may hold: counted before there is room made for it, because a few bytes of a packed stream say a great
//! deal.

use super::PacketError;
use crate::limits::{
    EVENT_BYTES_MAX, NOTE_BYTES_MAX, PACKET_CHANGES_MAX, PACKET_LISTED_MAX, SCAN_LIMITS,
};
use crate::scan::ScanLimits;

/// Longest value of a map: a note or an event.
pub(super) const VALUE_BYTES_MAX: usize = if NOTE_BYTES_MAX > EVENT_BYTES_MAX {
    NOTE_BYTES_MAX
} else {
    EVENT_BYTES_MAX
};

/// Operations that a parent of a change counts for: its 32 bytes are written out, sorted, and hashed with the change.
/// Packets of what people do name a parent or two for each change.
const PARENT_OPS: u64 = 2;

/// Operations that may still come. What a few bytes can say many times is spent from it before there is room made:
/// operations, those that they supersede, and parents.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Budget {
    /// As many as one change may have, for all of a packet.
    pub(super) fn of_a_change() -> Self {
        Self(SCAN_LIMITS.ops_max as u64)
    }

    pub(super) fn spend(&mut self, ops: u64) -> Result<(), PacketError> {
        self.0 = self.0.checked_sub(ops).ok_or(PacketError::TooMany {
            what: "operations",
            max: SCAN_LIMITS.ops_max,
        })?;
        Ok(())
    }

    pub(super) fn spend_parents(&mut self, count: usize) -> Result<(), PacketError> {
        self.spend(PARENT_OPS.saturating_mul(count as u64))
    }

    /// For the next change.
    pub(super) fn limits(&self) -> ScanLimits {
        ScanLimits {
            ops_max: usize::try_from(self.0).unwrap_or(usize::MAX),
            ..SCAN_LIMITS
        }
    }
}

pub(super) fn count_changes(count: usize) -> Result<(), PacketError> {
    if count == 0 {
        return Err(PacketError::Damaged("nothing in it"));
    }
    within("changes", count, PACKET_CHANGES_MAX)
}

pub(super) fn count_listed(what: &'static str, count: usize) -> Result<(), PacketError> {
    within(what, count, PACKET_LISTED_MAX)
}

/// Checks a count before there is room made.
pub(super) fn within(what: &'static str, count: usize, max: usize) -> Result<(), PacketError> {
    if count > max {
        return Err(PacketError::TooMany { what, max });
    }
    Ok(())
}

/// A number of an operation as a report can have.
pub(super) fn in_reach(counter: u64) -> Result<u64, PacketError> {
    if counter <= SCAN_LIMITS.op_counter_max {
        Ok(counter)
    } else {
        Err(PacketError::Damaged("number of an operation"))
    }
}
