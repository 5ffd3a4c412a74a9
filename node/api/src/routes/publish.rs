//! What leaves the reporting line: masked, and noted before it is given out.

use axum::Json;
use axum::extract::ConnectInfo;
use hopluu_engine::view::{PublicView, PublishedView};

use super::{Answer, Api, soon, total, within};
use crate::asker::Asker;
use crate::extract::Given;
use crate::limits::LONG_REQUEST_TIME_MAX;
use crate::shape::TotalQuery;

pub(super) async fn publish(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Given(query): Given<TotalQuery>,
) -> Answer<PublicView> {
    let published = api.handle.publish(total(query).0, to.0.clone());
    within(LONG_REQUEST_TIME_MAX, published).await.map(Json)
}

pub(super) async fn published(api: Api) -> Answer<Vec<PublishedView>> {
    soon(api.handle.published()).await
}
