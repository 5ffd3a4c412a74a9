//! Attachments: in as one body, out in stretches.

use axum::Json;
use data_encoding::BASE64;
use hopluu_engine::view::{AttachmentView, Saved, Selector};

use super::{Answer, Api, soon, within};
use crate::extract::{Asked, Raw};
use crate::limits::{LONG_REQUEST_TIME_MAX, REQUEST_TIME_MAX};
use crate::shape::{AttachQuery, PartQuery, PartView};

/// A disk that takes 50 MB may take its time.
pub(super) async fn attach(
    api: Api,
    Asked(query): Asked<AttachQuery>,
    Raw(content): Raw,
) -> Answer<Saved> {
    let saved = api.handle.attach(query.into(), content);
    within(LONG_REQUEST_TIME_MAX, saved).await.map(Json)
}

pub(super) async fn list(api: Api, Asked(report): Asked<Selector>) -> Answer<Vec<AttachmentView>> {
    soon(api.handle.attachments(report)).await
}

pub(super) async fn part(api: Api, Asked(query): Asked<PartQuery>) -> Answer<PartView> {
    let selector = query.selector();
    let part = api
        .handle
        .attachment_part(selector, query.attachment, query.from);
    let part = within(REQUEST_TIME_MAX, part).await?;
    Ok(Json(PartView {
        hash: part.hash,
        name: part.name,
        bytes: part.bytes,
        next: part.next,
        content: BASE64.encode(&part.content),
    }))
}
