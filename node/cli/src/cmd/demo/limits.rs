//! Every bound of the demo, with its reason.

use std::time::Duration;

/// A command of the demo takes milliseconds; one that hangs must fail well before the minute that the
/// whole story has.
pub(super) const COMMAND_TIME_MAX: Duration = Duration::from_secs(15);

/// How long anything is waited for: a redial after a failed one takes at most a few seconds here.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(20);

/// How often a state is looked at while it is waited for: faster than an eye, slower than an answer.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How often a refused join is tried again: its issuer lets one more in every 3 s.
pub(super) const JOIN_EVERY: Duration = Duration::from_millis(250);

/// How long a node may take to stop before it is killed: it waits 10 s for its store at most.
pub(super) const STOP_TIME_MAX: Duration = Duration::from_secs(12);

/// Times each figure is written anew in the story of the killed node: more saves than can be on disk
/// before the kill comes.
pub(super) const REWRITES: u64 = 20;

/// Confirmed saves before the kill.
pub(super) const KILL_AFTER_SAVES: usize = 150;
