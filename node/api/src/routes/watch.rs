//! What happens, line by line, as it becomes durable.

use axum::response::Response;
use hopluu_engine::view::WatchEvent;
use tokio::sync::broadcast::error::RecvError;

use super::Api;
use crate::problem::ApiError;
use crate::server::ended;
use crate::shape::{WatchLine, WatchMark};
use crate::stream::{Pieces, ndjson};

/// Answers until the asker leaves or may no longer read, or the node stops. The first line says that nothing is
/// missed from there on; an asker too slow for the node is told how much it missed.
pub(super) async fn watch(api: Api) -> Response {
    let mut events = api.handle.watch();
    ndjson(move |mut pieces: Pieces| async move {
        let mut stopped = std::pin::pin!(ended(api.stopped));
        let mut is_read = pieces.line(&WatchLine::Mark(WatchMark::Ready)).await;
        while is_read {
            // Both arms may be dropped halfway: an event stays in its queue, stopping is a state.
            let event = tokio::select! {
                event = events.recv() => event,
                () = &mut stopped => return,
            };
            let event = match event {
                Ok(event) => event,
                Err(RecvError::Lagged(events)) => WatchEvent::Missed { events },
                Err(RecvError::Closed) => return,
            };
            if let Err(error) = api.handle.may_still_read().await {
                let error = Box::new(ApiError::from(error).problem());
                let _asker_left = pieces
                    .line(&WatchLine::Mark(WatchMark::Ended { error }))
                    .await;
                return;
            }
            is_read = pieces.line(&WatchLine::Event(event)).await;
        }
    })
}
