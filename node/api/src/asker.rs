//! Who asks, as far as a connection says it.

use std::os::unix::fs::MetadataExt;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use crate::server::Memory;

/// Whoever has opened a connection: a user of this machine, because nobody else reaches the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asker(pub(crate) String);

impl Asker {
    fn of(uid: Option<u32>) -> Self {
        Self(uid.map_or_else(|| "uid:?".to_owned(), |uid| format!("uid:{uid}")))
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Asker {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self::of(stream.io().peer_cred().ok().map(|peer| peer.uid()))
    }
}

impl Connected<IncomingStream<'_, Memory>> for Asker {
    fn connect_info(_: IncomingStream<'_, Memory>) -> Self {
        // Whoever asks is this very process, and the system says whose that is.
        let own = std::fs::metadata("/proc/self");
        Self::of(own.ok().map(|own| own.uid()))
    }
}
