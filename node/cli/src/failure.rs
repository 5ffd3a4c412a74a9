//! How a command ends.

use std::process::ExitCode;

use hopluu_api::text::Both;
use hopluu_api::{ApiError, Problem};
use hopluu_engine::CommandError;

/// How a command ended, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: failed; what was asked for holds, this machine or another could not do it.
    Failed,
    /// 2: what was asked for does not hold: usage, configuration, an unknown name, a wrong value.
    Usage,
    /// 3: no node could be reached.
    NotRunning,
    /// 4: done, and something was found that a person should look at.
    Findings,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NotRunning => 3,
            Exit::Findings => 4,
        })
    }
}

/// Why a command was not carried out.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    exit: Exit,
}

#[derive(Debug)]
enum Kind {
    Told(Box<Problem>),
    /// Whoever read our output has left: nothing is wrong, and nobody is there to tell.
    Unread,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &str, message: Both, hint: Option<Both>) -> Self {
        let fault = if exit == Exit::Usage {
            "config"
        } else {
            "local"
        };
        let problem = Problem {
            code: code.to_owned(),
            fault: fault.to_owned(),
            message,
            hint,
        };
        Self {
            kind: Kind::Told(Box::new(problem)),
            exit,
        }
    }

    pub(crate) fn unread() -> Self {
        Self {
            kind: Kind::Unread,
            exit: Exit::Done,
        }
    }

    pub(crate) fn is_unread(&self) -> bool {
        matches!(self.kind, Kind::Unread)
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn problem(&self) -> Option<&Problem> {
        match &self.kind {
            Kind::Told(problem) => Some(problem),
            Kind::Unread => None,
        }
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        ApiError::from(error).problem().into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let exit = if problem.is_askers() {
            Exit::Usage
        } else {
            Exit::Failed
        };
        Self {
            kind: Kind::Told(Box::new(problem)),
            exit,
        }
    }
}
