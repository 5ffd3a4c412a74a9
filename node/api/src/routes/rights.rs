//! Who may write what, and what somebody wrote who may not.

use axum::Json;
use axum::extract::State;
use hopluu_engine::view::{
    GrantRequest, GrantView, ParkedView, RevocationView, RevokeRequest, Saved, VoidQuery, VoidView,
};

use super::{Answer, Api, soon, within};
use crate::extract::{Asked, Given};
use crate::limits::REQUEST_TIME_MAX;
use crate::shape::{Done, ParkedRequest, VoidRequest};

pub(super) async fn grant_list(State(api): State<Api>) -> Answer<Vec<GrantView>> {
    soon(api.handle.grant_list()).await
}

pub(super) async fn grant_give(
    State(api): State<Api>,
    Given(grant): Given<GrantRequest>,
) -> Answer<GrantView> {
    soon(api.handle.grant_give(grant)).await
}

pub(super) async fn revocation_list(State(api): State<Api>) -> Answer<Vec<RevocationView>> {
    soon(api.handle.revocation_list()).await
}

pub(super) async fn revoke(
    State(api): State<Api>,
    Given(revoke): Given<RevokeRequest>,
) -> Answer<RevocationView> {
    soon(api.handle.revoke(revoke)).await
}

pub(super) async fn void_list(
    State(api): State<Api>,
    Asked(query): Asked<VoidQuery>,
) -> Answer<Vec<VoidView>> {
    soon(api.handle.void_list(query)).await
}

pub(super) async fn parked_list(State(api): State<Api>) -> Answer<Vec<ParkedView>> {
    soon(api.handle.parked_list()).await
}

pub(super) async fn parked_drop(
    State(api): State<Api>,
    Given(parked): Given<ParkedRequest>,
) -> Answer<Done> {
    within(REQUEST_TIME_MAX, api.handle.parked_drop(parked.name)).await?;
    Ok(Json(Done {}))
}

pub(super) async fn void_adopt(
    State(api): State<Api>,
    Given(void): Given<VoidRequest>,
) -> Answer<Saved> {
    soon(api.handle.void_adopt(void.change)).await
}

pub(super) async fn void_dismiss(
    State(api): State<Api>,
    Given(void): Given<VoidRequest>,
) -> Answer<Saved> {
    soon(api.handle.void_dismiss(void.change)).await
}
