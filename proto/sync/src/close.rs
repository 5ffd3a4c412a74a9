//! Why a link is closed, with numbers that stay.

use std::fmt;

use hopluu_model::Fault;

use crate::limits::{AGAIN_MEMORY_S, AGAIN_STORE_S};

/// Why a side closes a link. The number travels as the connection's close code; numbers are never
/// used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum CloseCode {
    /// This node stops, or the target is not wanted any more.
    Going = 1,
    /// Another link to the same peer is kept.
    Duplicate = 2,
    /// Something was owed and nothing was heard for too long.
    Silent = 3,
    /// The store of the closing side could not do it now.
    StoreFailed = 4,
    /// The closing side has no memory, or no time, to spare now.
    Busy = 5,
    /// The peer is this very node.
    Myself = 6,
    /// The first frame is not a hello, or does not begin with our mark.
    NotHello = 16,
    /// No version that both speak.
    VersionUnknown = 17,
    /// A second hello.
    HelloTwice = 18,
    /// A frame or a message in parts is longer than allowed.
    FrameTooLarge = 19,
    /// A frame of a known kind does not decode, or has bytes left over.
    Malformed = 20,
    /// A part that belongs to no message, or a message broken off.
    PartsBroken = 21,
    /// More was sent than may be unacknowledged.
    WindowExceeded = 22,
    /// An entry or an object's descriptor is longer than allowed.
    EntryTooLarge = 23,
    /// A short id that was never defined.
    ShortIdUnknown = 24,
    /// A push whose positions run backwards or beyond what the sender has.
    SpanInvalid = 25,
    /// An acknowledgement of what was not sent, or an older one again.
    AckInvalid = 26,
    /// A range that cannot exist, that repeats or overlaps, or that holds what lies outside it.
    RangeInvalid = 27,
    /// A question while one is open, or an answer to none.
    TurnInvalid = 28,
    /// A comparison that does not come to an end.
    WalkTooLong = 29,
    /// More objects or hashes than one comparison may keep waiting.
    ObjectsTooMany = 30,
    /// A file that cannot exist, bytes of one that nobody asked for, or several that are not what they are
    /// called by.
    FileInvalid = 31,
    /// Our own invariant broke.
    Bug = 48,
}

impl CloseCode {
    /// Every code, in order, for tables and tests.
    pub const ALL: [Self; 23] = [
        Self::Going,
        Self::Duplicate,
        Self::Silent,
        Self::StoreFailed,
        Self::Busy,
        Self::Myself,
        Self::NotHello,
        Self::VersionUnknown,
        Self::HelloTwice,
        Self::FrameTooLarge,
        Self::Malformed,
        Self::PartsBroken,
        Self::WindowExceeded,
        Self::EntryTooLarge,
        Self::ShortIdUnknown,
        Self::SpanInvalid,
        Self::AckInvalid,
        Self::RangeInvalid,
        Self::TurnInvalid,
        Self::WalkTooLong,
        Self::ObjectsTooMany,
        Self::FileInvalid,
        Self::Bug,
    ];

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The code behind a number; none for one that a later version added.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// In how many seconds a peer is asked to come again: the least, and as much again by chance, so that those
    /// who are turned away together do not come back together. None where it may come at once.
    #[must_use]
    pub fn comes_again_s(self) -> Option<u32> {
        match self {
            Self::Busy => Some(AGAIN_MEMORY_S),
            Self::StoreFailed => Some(AGAIN_STORE_S),
            _ => None,
        }
    }

    /// Who has to act.
    #[must_use]
    pub fn fault(self) -> Fault {
        match self.number() {
            0..16 => Fault::Local,
            16..48 => Fault::Peer,
            _ => Fault::Bug,
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Going => "not wanted any more",
            Self::Duplicate => "another link to the same peer is kept",
            Self::Silent => "nothing was heard for too long",
            Self::StoreFailed => "the store could not do it now",
            Self::Busy => "no memory or time to spare now",
            Self::Myself => "the peer is this very node",
            Self::NotHello => "the first frame is not a hello",
            Self::VersionUnknown => "no common version",
            Self::HelloTwice => "a second hello",
            Self::FrameTooLarge => "a frame is too large",
            Self::Malformed => "a frame does not decode",
            Self::PartsBroken => "a message in parts is broken",
            Self::WindowExceeded => "more was sent than may be unacknowledged",
            Self::EntryTooLarge => "an entry is too large",
            Self::ShortIdUnknown => "a short id was never defined",
            Self::SpanInvalid => "positions run backwards or too far",
            Self::AckInvalid => "an acknowledgement of what was not sent",
            Self::RangeInvalid => "a range cannot be",
            Self::TurnInvalid => "a question or answer out of turn",
            Self::WalkTooLong => "a comparison does not end",
            Self::ObjectsTooMany => "too many objects wait",
            Self::FileInvalid => "a file is not what was asked for",
            Self::Bug => "an invariant of this node broke",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinct_and_lead_back() {
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_number(code.number()), Some(code));
        }
        assert_eq!(CloseCode::from_number(0), None);
        assert_eq!(CloseCode::Silent.fault(), Fault::Local);
        assert_eq!(CloseCode::AckInvalid.fault(), Fault::Peer);
    }
}
