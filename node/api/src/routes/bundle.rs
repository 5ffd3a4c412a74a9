//! Bundles out, part by part, and in.

use axum::Json;
use axum::response::Response;
use data_encoding::BASE64;
use hopluu_engine::view::BundleTaken;
use hopluu_engine::{BundleMade, BundleRequest, CommandError};
use tokio::sync::mpsc::Receiver;

use super::{Answer, Api, within};
use crate::extract::{Given, Raw};
use crate::limits::{LONG_REQUEST_TIME_MAX, REQUEST_TIME_MAX};
use crate::problem::ApiError;
use crate::server::ended;
use crate::shape::BundlePart;
use crate::stream::{Pieces, ndjson};

/// One line a part. Whoever cannot be meant is refused before the first byte leaves; what fails later
/// ends the stream with the refusal as its last line.
pub(super) async fn export(
    api: Api,
    Given(request): Given<BundleRequest>,
) -> Result<Response, ApiError> {
    let parts = within(REQUEST_TIME_MAX, api.handle.bundle_export(request)).await?;
    Ok(ndjson(move |pieces| async move {
        let stopped = ended(api.stopped.clone());
        tokio::select! {
            () = stopped => {}
            () = run(parts, pieces) => {}
        }
    }))
}

async fn run(mut parts: Receiver<Result<BundleMade, CommandError>>, mut pieces: Pieces) {
    while let Some(made) = parts.recv().await {
        let is_read = match made {
            Ok(made) => {
                let part = BundlePart {
                    bundle: made.bundle,
                    entries: made.entries,
                    pieces: made.pieces,
                    content: BASE64.encode(&made.bytes),
                };
                pieces.line(&part).await
            }
            Err(error) => pieces.line(&ApiError::from(error).problem()).await,
        };
        if !is_read {
            return;
        }
    }
}

pub(super) async fn import(api: Api, Raw(bytes): Raw) -> Answer<BundleTaken> {
    let taken = api.handle.bundle_import(bytes);
    within(LONG_REQUEST_TIME_MAX, taken).await.map(Json)
}
