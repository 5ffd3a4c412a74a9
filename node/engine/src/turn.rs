//! One turn of the engine: what goes in with the time, what comes out as effects.

use hopluu_model::Timestamp;
use hopluu_sync::{CloseCode, LinkId, Steady, TargetId};

use crate::core::Core;
use crate::error::CommandError;
use crate::view::WatchEvent;

/// Something the network has to do.
#[derive(Debug)]
pub enum NetEffect {
    /// A person wants the next calls to be whole.
    CallWanted,
    /// Open a link to a configured address.
    Dial {
        /// Which.
        target: TargetId,
    },
    /// Send bytes, and tell [`Core::link_sent`] when the link has taken them: nothing more is sent
    /// on this link before.
    Send {
        /// Where.
        link: LinkId,
        /// What.
        bytes: Vec<u8>,
        /// Whether anything may come before it.
        may_wait: bool,
    },
    /// The peer owes an answer from now on, or none any more.
    Await {
        /// Which.
        link: LinkId,
        /// Whether one is owed.
        is_awaited: bool,
    },
    /// Bring no more of what comes over a link, or bring it again: the peer is read as fast as turns come.
    Hold {
        /// Which.
        link: LinkId,
        /// Whether it is held back.
        is_held: bool,
    },
    /// Judge certificates by this time from now on, those of open links too.
    Judge {
        /// The latest time there is evidence of.
        at: Timestamp,
    },
    /// Show this node's newer certificate from now on. Links stay as they are.
    Present,
    /// Close a link to whoever was revoked.
    Bar {
        /// Which.
        link: LinkId,
        /// Why and by whom.
        why: String,
    },
    /// Close a link.
    Close {
        /// Which.
        link: LinkId,
        /// The code that the peer is told.
        code: CloseCode,
        /// In how many seconds it may come again; none where it may at once.
        again_s: Option<u32>,
    },
}

/// The time of a turn and what came of it.
#[derive(Debug)]
pub struct Turn {
    /// The time of the whole turn, as the machine's clock says: everything in it happens at once.
    /// For what is shown and signed; the clock may be set at any moment.
    pub now: Timestamp,
    /// The same instant on a clock that is never set: for what waits.
    pub steady: Steady,
    /// What the network has to do, in order.
    pub net: Vec<NetEffect>,
    /// What watchers are told, in order.
    pub events: Vec<WatchEvent>,
}

impl Turn {
    /// A turn at this time.
    #[must_use]
    pub fn at(now: Timestamp, steady: Steady) -> Self {
        Self {
            now,
            steady,
            net: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// What happens once the store has answered.
pub type Continuation = Box<dyn FnOnce(&mut Core, &mut Turn) + Send>;

/// Where the answer of a command goes, once it is durable.
pub type Reply<T> = Box<dyn FnOnce(Result<T, CommandError>) + Send>;
