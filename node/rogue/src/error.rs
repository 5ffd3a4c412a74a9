//! Why a rogue could not do what it wanted.

use std::io;

use hopluu_engine::{HomeError, SetupError};
use hopluu_model::Fault;
use hopluu_net::key::{IssueError, RandomError};
use hopluu_net::{BindError, CloseReason, DialError, JoinCallError};
use hopluu_store::{DbError, WriteError};
use hopluu_trust::{SignError, TicketError};

/// Why a rogue could not do what it wanted. That the other node refuses what it says is no error.
#[derive(Debug, thiserror::Error)]
pub enum RogueError {
    /// The folder says nothing.
    #[error("the folder cannot be read")]
    Home(#[from] HomeError),
    /// The node in it does not say who it is.
    #[error("the folder does not say whose it is")]
    Setup(#[source] Box<SetupError>),
    /// Its database cannot be used.
    #[error("the database cannot be used")]
    Store(#[from] DbError),
    /// Its database takes nothing.
    #[error("the database takes nothing")]
    Write(#[from] WriteError<DbError>),
    /// The ticket is none.
    #[error("the ticket cannot be read")]
    Ticket(#[from] TicketError),
    /// Nobody lets it in.
    #[error("the ticket lets nobody in")]
    Join(#[from] JoinCallError),
    /// There is no randomness.
    #[error("a key cannot be drawn")]
    Random(#[from] RandomError),
    /// A certificate cannot be written.
    #[error("a certificate cannot be written")]
    Issue(#[from] IssueError),
    /// Something cannot be signed.
    #[error("it cannot be signed")]
    Sign(#[from] SignError),
    /// There is no socket to speak from.
    #[error("there is no socket to speak from")]
    Bind(#[from] BindError),
    /// The system says nothing of the socket.
    #[error("the socket says nothing")]
    Socket(#[from] io::Error),
    /// Nobody takes the call.
    #[error("the call is not taken")]
    Dial(#[source] Box<DialError>),
    /// The link has ended.
    #[error("the link has ended")]
    Closed(#[source] CloseReason),
    /// Nothing was heard in time.
    #[error("nothing was heard in time")]
    Silent,
    /// What the other node says is not understood.
    #[error("it is not understood: {0}")]
    Foreign(&'static str),
    /// A report cannot be made up.
    #[error("a report cannot be made up: {0}")]
    Report(String),
}

impl RogueError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Foreign(_) | Self::Report(_) | Self::Issue(_) | Self::Sign(_) => Fault::Bug,
            _ => Fault::Local,
        }
    }
}

impl From<SetupError> for RogueError {
    fn from(error: SetupError) -> Self {
        Self::Setup(Box::new(error))
    }
}

impl From<DialError> for RogueError {
    fn from(error: DialError) -> Self {
        Self::Dial(Box::new(error))
    }
}
