//! The side that answers: a Unix socket in the node's folder, or a pipe in memory.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use hopluu_engine::{Handle, Home};
use hopluu_model::{ErrorChain, Fault};
use tokio::io::DuplexStream;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::asker::Asker;
use crate::limits::{DRAIN_TIME_MAX, MEMORY_CONNECTIONS_MAX, SOCKET_PATH_BYTES_MAX};
use crate::routes::router;

/// Why commands cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The folder lies too deep for a socket.
    #[error("{} is longer than the {SOCKET_PATH_BYTES_MAX} bytes of a socket's path", .0.display())]
    PathTooLong(PathBuf),
    /// Another process answers there.
    #[error("{} is answered by another process", .0.display())]
    Served(PathBuf),
    /// The socket cannot be made.
    #[error("{} cannot be made", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ServeError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::PathTooLong(_) => Fault::Config,
            Self::Served(_) | Self::Bind { .. } => Fault::Local,
        }
    }
}

/// Answers commands until it is stopped.
#[derive(Debug)]
pub struct Server {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    socket: Option<PathBuf>,
}

impl Server {
    /// Answers on the socket of a node's folder, which only its owner may open. A socket that a killed
    /// process left behind is replaced.
    ///
    /// # Errors
    /// When another process answers there, or the socket cannot be made.
    pub async fn start(dir: &Path, handle: Handle) -> Result<Self, ServeError> {
        let path = Home::socket(dir);
        let listener = bind(&path).await?;
        Ok(Self::over(listener, handle, Some(path)))
    }

    /// Answers in memory; the sender takes the far ends of connections.
    pub(crate) fn in_memory(handle: Handle) -> (Self, mpsc::Sender<DuplexStream>) {
        let (dial, dialled) = mpsc::channel(MEMORY_CONNECTIONS_MAX);
        (Self::over(Memory { dialled }, handle, None), dial)
    }

    fn over<L>(listener: L, handle: Handle, socket: Option<PathBuf>) -> Self
    where
        L: Listener,
        L::Addr: std::fmt::Debug,
        Asker: for<'s> Connected<IncomingStream<'s, L>>,
    {
        let (stop, stopped) = watch::channel(false);
        let routes: Router = router(handle, stopped.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let routes = routes.into_make_service_with_connect_info::<Asker>();
            let served = axum::serve(listener, routes).with_graceful_shutdown(ended(stopped));
            if let Err(error) = served.await {
                tracing::error!(error = %ErrorChain(&error), "api ended");
            }
        });
        Self {
            stop,
            tasks,
            socket,
        }
    }

    /// Takes no more commands, lets open ones end for a while, and removes the socket.
    pub async fn stop(mut self) {
        if let Some(socket) = self.socket.take() {
            // Whoever asks from now on is told at once that no node runs.
            let _gone_already = std::fs::remove_file(socket);
        }
        // Nobody listens any more if the server ended by itself.
        let _ended_already = self.stop.send(true);
        let drained = timeout(DRAIN_TIME_MAX, self.tasks.join_next()).await;
        if drained.is_err() {
            tracing::warn!("open requests were cut");
        }
        self.tasks.shutdown().await;
    }
}

/// Resolves when the node stops, or whoever could stop it is gone.
pub(crate) async fn ended(mut stopped: watch::Receiver<bool>) {
    let _sender_gone = stopped.wait_for(|is_stopped| *is_stopped).await;
}

async fn bind(path: &Path) -> Result<UnixListener, ServeError> {
    let refuse = |source| ServeError::Bind {
        path: path.to_owned(),
        source,
    };
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        return Err(ServeError::PathTooLong(path.to_owned()));
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(ServeError::Served(path.to_owned()));
    }
    // Made beside its place and closed to others there, then moved: nobody can open it in between,
    // and a socket that a killed process left is replaced in the same step.
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refuse(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&beside).map_err(refuse)?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600)).map_err(refuse)?;
    std::fs::rename(&beside, path).map_err(refuse)?;
    Ok(listener)
}

/// Connections from the same process.
#[derive(Debug)]
pub(crate) struct Memory {
    dialled: mpsc::Receiver<DuplexStream>,
}

impl Listener for Memory {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.dialled.recv().await {
            Some(stream) => (stream, ()),
            // The client is gone: nothing comes any more, and the server is stopped by its owner.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_closed_to_others_and_replaces_a_dead_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("api.sock");
        drop(bind(&path).await.unwrap());
        assert!(path.exists(), "a killed process leaves its socket");
        let listener = bind(&path).await.unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(bind(&path).await, Err(ServeError::Served(_))));
        drop(listener);
    }

    #[tokio::test]
    async fn a_folder_too_deep_for_a_socket_is_named() {
        let path = PathBuf::from("x".repeat(SOCKET_PATH_BYTES_MAX + 1));
        assert!(matches!(bind(&path).await, Err(ServeError::PathTooLong(_))));
    }
}
