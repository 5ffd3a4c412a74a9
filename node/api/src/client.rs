//! The side that asks. It speaks HTTP to the node's socket, or to an engine that it starts in its own
//! process when no node runs; nothing above it can tell the two apart.

mod attachment;
mod bundle;
mod calls;
mod import;
mod wire;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use bundle::{ExportedPart, ExportedParts};
use hopluu_engine::{Home, HomeError, Running, StartError, start_offline};
use hopluu_model::Fault;
use hyper::Method;
pub use import::ImportSummary;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::DuplexStream;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
pub use wire::Lines;

use crate::limits::{
    CLIENT_ANSWER_BYTES_MAX, CLIENT_GRACE, HOME_WAIT_MAX, HOME_WAIT_STEP, LONG_REQUEST_TIME_MAX,
    REQUEST_TIME_MAX,
};
use crate::problem::Problem;
use crate::server::Server;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No node runs in this folder.
    #[error("no node runs in {}", .0.display())]
    NotRunning(PathBuf),
    /// The folder cannot be opened.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The engine cannot be started in this process.
    #[error("the node in {} cannot be opened", dir.display())]
    Start {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        source: Box<StartError>,
    },
    /// The node refused what was asked.
    #[error("{} {}", .0.code, .0.message.en)]
    Refused(Box<Problem>),
    /// The connection broke off, so that nobody knows whether it was done.
    #[error("the connection to the node broke off, whether it was done is not known")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The node did not answer in time, so that nobody knows whether it was done.
    #[error("the node did not answer in time, whether it was done is not known")]
    Silent,
    /// The node answers in words of another version.
    #[error("the answer of the node is not understood: {detail}")]
    Foreign {
        /// What is wrong with it.
        detail: String,
    },
    /// What was to be sent cannot be read.
    #[error("the input cannot be read")]
    Input(#[source] std::io::Error),
}

impl ClientError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(problem) if problem.is_askers() => Fault::Config,
            Self::Home(error) => error.fault(),
            Self::Start { source, .. } => source.fault(),
            Self::Refused(_)
            | Self::NotRunning(_)
            | Self::Broken(_)
            | Self::Silent
            | Self::Input(_) => Fault::Local,
            Self::Foreign { .. } => Fault::Bug,
        }
    }
}

/// Reports as saves, one a line, and what has no line.
#[derive(Debug)]
pub struct Exported {
    /// The saves, and behind each its unsettled figures.
    pub lines: Lines,
    /// Reports that were left out because they are withdrawn.
    pub withdrawn: u64,
}

/// Asks a node.
#[derive(Debug)]
pub struct Client {
    door: Door,
    /// What says who asks, where this node's people have accounts.
    session: Option<String>,
}

#[derive(Debug)]
enum Door {
    Socket(PathBuf),
    Memory {
        dial: mpsc::Sender<DuplexStream>,
        server: Server,
        running: Box<Running>,
    },
}

/// Whether a running node answers in this folder.
pub async fn is_served(dir: &Path) -> bool {
    UnixStream::connect(Home::socket(dir)).await.is_ok()
}

/// Takes the folder of a node; none if a node runs in it. One that a command is about to leave is
/// waited for.
///
/// # Errors
/// When there is no node in the folder, it stays in use, or it cannot be written.
pub async fn take_home(dir: &Path) -> Result<Option<Home>, HomeError> {
    let asked_at = Instant::now();
    loop {
        if is_served(dir).await {
            return Ok(None);
        }
        match Home::open(dir) {
            Err(HomeError::Locked(_)) if asked_at.elapsed() < HOME_WAIT_MAX => {
                sleep(HOME_WAIT_STEP).await;
            }
            taken => return taken.map(Some),
        }
    }
}

impl Client {
    /// The running node of this folder, or its engine in this process. A folder that another process
    /// is about to leave, or to serve, is waited for.
    ///
    /// # Errors
    /// When there is no node in the folder, it stays in use, or it cannot be opened.
    pub async fn open(dir: &Path) -> Result<Self, ClientError> {
        match take_home(dir).await {
            Ok(Some(home)) => Self::within(home),
            Ok(None) => Ok(Self::over_socket(dir)),
            Err(error) => Err(error.into()),
        }
    }

    /// The running node of this folder.
    ///
    /// # Errors
    /// When none runs there.
    pub async fn running(dir: &Path) -> Result<Self, ClientError> {
        if is_served(dir).await {
            Ok(Self::over_socket(dir))
        } else {
            Err(ClientError::NotRunning(dir.to_owned()))
        }
    }

    fn over_socket(dir: &Path) -> Self {
        Self {
            door: Door::Socket(Home::socket(dir)),
            session: Home::session(dir),
        }
    }

    /// Asks as whoever has this session; as nobody where there is none.
    #[must_use]
    pub fn with_session(self, session: Option<String>) -> Self {
        Self { session, ..self }
    }

    /// The engine of a folder, in this process.
    ///
    /// # Errors
    /// When it cannot be opened; an encrypted one must be [unlocked](Home::unlock) first.
    pub fn within(home: Home) -> Result<Self, ClientError> {
        let dir = home.dir().to_owned();
        let session = Home::session(&dir);
        let running = start_offline(home).map_err(|source| ClientError::Start {
            dir,
            source: Box::new(source),
        })?;
        let (server, dial) = Server::in_memory(running.handle());
        Ok(Self {
            session,
            door: Door::Memory {
                dial,
                server,
                running: Box::new(running),
            },
        })
    }

    /// Whether the engine runs in this process, so that no link is served while it works.
    #[must_use]
    pub fn is_in_process(&self) -> bool {
        matches!(self.door, Door::Memory { .. })
    }

    /// Ends in order: an engine in this process puts everything on disk first.
    pub async fn close(self) {
        if let Door::Memory {
            server, running, ..
        } = self.door
        {
            server.stop().await;
            running.stop().await;
        }
    }

    async fn get<Q: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Q,
    ) -> Result<T, ClientError> {
        let path = wire::with_query(path, query);
        self.ask(Method::GET, &path, None, REQUEST_TIME_MAX).await
    }

    async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        most: Duration,
    ) -> Result<T, ClientError> {
        let body = json(body);
        self.ask(Method::POST, path, Some(body), most).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        most: Duration,
    ) -> Result<T, ClientError> {
        let asked = async {
            let mut answer = self.dial().await?.send(method, path, body).await?;
            answer.whole(CLIENT_ANSWER_BYTES_MAX).await
        };
        let bytes = timeout(most + CLIENT_GRACE, asked)
            .await
            .map_err(|_| ClientError::Silent)??;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Foreign {
            detail: error.to_string(),
        })
    }

    /// An answer whose body is a stream; only its beginning is waited for with a bound.
    async fn stream(&self, path: &str) -> Result<wire::Answer, ClientError> {
        let asked = async { self.dial().await?.send(Method::GET, path, None).await };
        let answer = timeout(REQUEST_TIME_MAX + CLIENT_GRACE, asked);
        answer.await.map_err(|_| ClientError::Silent)?
    }

    async fn dial(&self) -> Result<wire::Connection, ClientError> {
        match &self.door {
            Door::Socket(path) => {
                let stream = UnixStream::connect(path)
                    .await
                    .map_err(|error| ClientError::Broken(Box::new(error)))?;
                wire::Connection::over(stream, self.session.clone()).await
            }
            Door::Memory { dial, .. } => {
                let (near, far) = tokio::io::duplex(crate::limits::MEMORY_PIPE_BYTES);
                dial.send(far)
                    .await
                    .map_err(|error| ClientError::Broken(Box::new(error)))?;
                wire::Connection::over(near, self.session.clone()).await
            }
        }
    }

    fn long() -> Duration {
        LONG_REQUEST_TIME_MAX
    }
}

fn json<T: Serialize>(shape: &T) -> Vec<u8> {
    serde_json::to_vec(shape).expect("the shapes of the API are plain JSON")
}
