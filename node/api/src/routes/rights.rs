//! Who may write what, and what somebody wrote who may not.

use axum::Json;
use axum::extract::ConnectInfo;
use hopluu_engine::view::{
    GrantRequest, GrantView, ParkedView, RevocationView, RevokeRequest, Saved, VoidQuery, VoidView,
};

use super::audit::Showing;
use super::{Answer, Api, soon, within};
use crate::asker::Asker;
use crate::extract::{Asked, Given};
use crate::limits::REQUEST_TIME_MAX;
use crate::shape::{Done, ParkedRequest, VoidRequest};

pub(super) async fn grant_list(api: Api) -> Answer<Vec<GrantView>> {
    soon(api.handle.grant_list()).await
}

pub(super) async fn grant_give(api: Api, Given(grant): Given<GrantRequest>) -> Answer<GrantView> {
    soon(api.handle.grant_give(grant)).await
}

pub(super) async fn revocation_list(api: Api) -> Answer<Vec<RevocationView>> {
    soon(api.handle.revocation_list()).await
}

pub(super) async fn revoke(
    api: Api,
    Given(revoke): Given<RevokeRequest>,
) -> Answer<RevocationView> {
    soon(api.handle.revoke(revoke)).await
}

pub(super) async fn void_list(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Asked(query): Asked<VoidQuery>,
) -> Answer<Vec<VoidView>> {
    let voids = within(REQUEST_TIME_MAX, api.handle.void_list(query)).await?;
    let showing = Showing {
        to: &to,
        how: "void",
    };
    showing.of_voids(&api, &voids).await?;
    Ok(Json(voids))
}

pub(super) async fn parked_list(api: Api) -> Answer<Vec<ParkedView>> {
    soon(api.handle.parked_list()).await
}

pub(super) async fn parked_drop(api: Api, Given(parked): Given<ParkedRequest>) -> Answer<Done> {
    within(REQUEST_TIME_MAX, api.handle.parked_drop(parked.name)).await?;
    Ok(Json(Done {}))
}

pub(super) async fn void_adopt(api: Api, Given(void): Given<VoidRequest>) -> Answer<Saved> {
    soon(api.handle.void_adopt(void.change)).await
}

pub(super) async fn void_dismiss(api: Api, Given(void): Given<VoidRequest>) -> Answer<Saved> {
    soon(api.handle.void_dismiss(void.change)).await
}
