//! Which path answers what. Everything under `/v1/`; docs/cli.md has the table.

mod attachment;
mod audit;
mod bundle;
mod export;
mod import;
mod people;
mod publish;
mod rights;
mod watch;

use std::future::Future;
use std::time::Duration;

use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};
use hopluu_engine::view::{
    ClockRequest, ClockView, ExplainView, FormRow, HistoryRow, InviteView, LinkView, RecomputeView,
    ReportRow, ReportView, SaveRequest, Saved, Selector, StatusView, TotalView, UnitView,
    UpstreamView,
};
use hopluu_engine::{CommandError, Handle, InviteRequest, ReportFilter, TotalSelector};
use hopluu_model::tree::TreeEvent;
use tokio::time::timeout;

use self::audit::Showing;
use crate::asker::Asker;
use crate::extract::{Asked, Given};
use crate::limits::{
    ATTACHMENT_BODY_BYTES_MAX, BODY_BYTES_MAX, BUNDLE_BYTES_MAX, LONG_REQUEST_TIME_MAX,
    REQUEST_TIME_MAX,
};
use crate::problem::ApiError;
use crate::shape::{
    BackupDone, BackupRequest, Done, FormQuery, FormRequest, FormView, NewRequest, ReportQuery,
    TicketRequest, TotalQuery, UndoRequest, UnitQuery,
};

/// What every route can reach.
#[derive(Debug, Clone)]
struct Api {
    handle: Handle,
    /// Streams end when the node stops.
    stopped: tokio::sync::watch::Receiver<bool>,
}

type Answer<T> = Result<Json<T>, ApiError>;

/// All routes.
pub(crate) fn router(handle: Handle, stopped: tokio::sync::watch::Receiver<bool>) -> Router {
    let api = Api { handle, stopped };
    let gate = from_fn_with_state(api.clone(), people::gate);
    Router::new()
        .merge(people::routes())
        .route("/v1/status", get(status))
        .route("/v1/links", get(link_list))
        .route("/v1/links/call", post(link_call))
        .route("/v1/watch", get(watch::watch))
        .route("/v1/reports", get(report_list))
        .route("/v1/reports/new", post(report_new))
        .route("/v1/reports/show", get(report_show))
        .route("/v1/reports/save", post(report_save))
        .route("/v1/reports/undo", post(report_undo))
        .route("/v1/reports/history", get(report_history))
        // An import is as long as it is: its lines are bounded one by one.
        .route(
            "/v1/reports/import",
            post(import::import).layer(DefaultBodyLimit::disable()),
        )
        .route("/v1/reports/export", get(export::export))
        .route(
            "/v1/attachments",
            get(attachment::list)
                .post(attachment::attach)
                .layer(DefaultBodyLimit::max(ATTACHMENT_BODY_BYTES_MAX)),
        )
        .route("/v1/attachments/part", get(attachment::part))
        .route("/v1/rollup", get(rollup_show))
        .route("/v1/rollup/explain", get(rollup_explain))
        .route("/v1/rollup/recompute", post(rollup_recompute))
        .route("/v1/forms", get(form_list).post(form_add))
        .route("/v1/forms/show", get(form_show))
        .route("/v1/units", get(unit_show).post(units_add))
        .route("/v1/units/tree", get(unit_tree))
        .route("/v1/invite", post(invite))
        .route("/v1/clock", get(clock_show).post(clock_set))
        .route(
            "/v1/grants",
            get(rights::grant_list).post(rights::grant_give),
        )
        .route(
            "/v1/revocations",
            get(rights::revocation_list).post(rights::revoke),
        )
        .route("/v1/parked", get(rights::parked_list))
        .route("/v1/parked/drop", post(rights::parked_drop))
        .route("/v1/voids", get(rights::void_list))
        .route("/v1/voids/adopt", post(rights::void_adopt))
        .route("/v1/voids/dismiss", post(rights::void_dismiss))
        .route("/v1/audit/report", get(audit::report))
        .route("/v1/audit/dossier", post(audit::dossier))
        .route("/v1/audit/reads", get(audit::reads))
        .route("/v1/audit/refused", get(audit::refused))
        .route("/v1/audit/published", get(publish::published))
        .route("/v1/exports/public", post(publish::publish))
        .route("/v1/backup", post(backup))
        .route("/v1/bundles/export", post(bundle::export))
        .route(
            "/v1/bundles/import",
            post(bundle::import).layer(DefaultBodyLimit::max(BUNDLE_BYTES_MAX)),
        )
        .route_layer(gate)
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(api)
}

/// Waits for the engine, but not for ever.
async fn within<T>(
    most: Duration,
    answer: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, ApiError> {
    match timeout(most, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(ApiError::TooSlow {
            seconds: most.as_secs(),
        }),
    }
}

async fn soon<T>(answer: impl Future<Output = Result<T, CommandError>>) -> Answer<T> {
    within(REQUEST_TIME_MAX, answer).await.map(Json)
}

async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::Path {
        path: uri.path().to_owned(),
    }
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    ApiError::Method {
        method: method.to_string(),
        path: uri.path().to_owned(),
    }
}

async fn status(api: Api) -> Answer<StatusView> {
    soon(api.handle.status()).await
}

async fn link_list(api: Api) -> Answer<Vec<LinkView>> {
    soon(api.handle.link_list()).await
}

async fn link_call(api: Api) -> Answer<Vec<UpstreamView>> {
    soon(api.handle.link_call()).await
}

async fn report_list(api: Api, Asked(query): Asked<ReportQuery>) -> Answer<Vec<ReportRow>> {
    soon(api.handle.report_list(filter(query))).await
}

fn filter(query: ReportQuery) -> ReportFilter {
    ReportFilter {
        form: query.form,
        period: query.period,
        unit: query.unit,
    }
}

async fn report_new(api: Api, Given(new): Given<NewRequest>) -> Answer<Saved> {
    soon(api.handle.report_new(new.report, new.office, new.like_last)).await
}

async fn report_show(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Asked(report): Asked<Selector>,
) -> Answer<ReportView> {
    let view = within(REQUEST_TIME_MAX, api.handle.report_show(report)).await?;
    let codes = view.figures.iter().map(|figure| figure.code.clone());
    let showing = Showing {
        to: &to,
        how: "report",
    };
    let codes = Some(codes.collect());
    showing.of_report(&api, &view.report, codes).await?;
    Ok(Json(view))
}

async fn report_save(api: Api, Given(save): Given<SaveRequest>) -> Answer<Saved> {
    soon(api.handle.report_save(save)).await
}

async fn report_undo(api: Api, Given(undo): Given<UndoRequest>) -> Answer<Saved> {
    soon(api.handle.report_undo(undo.report, undo.office)).await
}

async fn report_history(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Asked(report): Asked<Selector>,
) -> Answer<Vec<HistoryRow>> {
    let rows = within(REQUEST_TIME_MAX, api.handle.report_history(report.clone())).await?;
    let codes = rows
        .iter()
        .flat_map(|row| audit::codes_of(&row.wrote))
        .collect();
    let whose = within(REQUEST_TIME_MAX, api.handle.report_show(report)).await?;
    let showing = Showing {
        to: &to,
        how: "history",
    };
    showing.of_report(&api, &whose.report, Some(codes)).await?;
    Ok(Json(rows))
}

fn total(query: TotalQuery) -> (TotalSelector, Option<String>) {
    (
        TotalSelector {
            unit: query.unit,
            form: query.form,
            period: query.period,
        },
        query.code,
    )
}

async fn rollup_show(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Asked(query): Asked<TotalQuery>,
) -> Answer<TotalView> {
    let view = within(REQUEST_TIME_MAX, api.handle.rollup_show(total(query).0)).await?;
    let showing = Showing {
        to: &to,
        how: "total",
    };
    let of = (view.unit.clone(), view.form.clone(), view.period.clone());
    let shown = view.lines.iter().filter(|line| !line.is_withheld);
    let codes = Some(shown.map(|line| line.code.clone()).collect());
    showing
        .note(&api, (Some(of.0), Some(of.1), Some(of.2)), codes)
        .await?;
    Ok(Json(view))
}

async fn rollup_explain(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Asked(query): Asked<TotalQuery>,
) -> Answer<ExplainView> {
    let (selector, code) = total(query);
    let codes = code.as_deref().and_then(|code| code.parse().ok());
    let (form, period) = (selector.form.parse().ok(), selector.period.parse().ok());
    let explained = api.handle.rollup_explain(selector, code);
    let view = within(REQUEST_TIME_MAX, explained).await?;
    let showing = Showing {
        to: &to,
        how: "total",
    };
    let of = (Some(view.unit.clone()), form, period);
    let codes = codes.map(|code| vec![code]);
    showing.note(&api, of, codes).await?;
    Ok(Json(view))
}

async fn rollup_recompute(api: Api, Given(query): Given<TotalQuery>) -> Answer<RecomputeView> {
    let answer = api.handle.rollup_recompute(total(query).0);
    within(LONG_REQUEST_TIME_MAX, answer).await.map(Json)
}

async fn form_list(api: Api) -> Answer<Vec<FormRow>> {
    soon(api.handle.form_list()).await
}

async fn form_show(api: Api, Asked(query): Asked<FormQuery>) -> Answer<FormView> {
    let form = within(REQUEST_TIME_MAX, api.handle.form_show(query.form)).await?;
    Ok(Json(FormView::from(form.as_ref())))
}

async fn form_add(api: Api, Given(form): Given<FormRequest>) -> Answer<FormRow> {
    soon(api.handle.form_add(form.source, form.assigned)).await
}

async fn unit_show(api: Api, Asked(query): Asked<UnitQuery>) -> Answer<UnitView> {
    soon(api.handle.unit_show(query.unit, query.on)).await
}

async fn unit_tree(api: Api, Asked(query): Asked<UnitQuery>) -> Answer<Vec<UnitView>> {
    soon(api.handle.unit_tree(query.unit, query.on)).await
}

async fn units_add(api: Api, Given(event): Given<TreeEvent>) -> Answer<Done> {
    within(REQUEST_TIME_MAX, api.handle.units_add(event)).await?;
    Ok(Json(Done {}))
}

async fn clock_show(api: Api) -> Answer<ClockView> {
    soon(api.handle.clock_show()).await
}

async fn clock_set(api: Api, Given(clock): Given<ClockRequest>) -> Answer<ClockView> {
    soon(api.handle.clock_set(clock)).await
}

async fn invite(api: Api, Given(ticket): Given<TicketRequest>) -> Answer<InviteView> {
    let TicketRequest {
        unit,
        office,
        addresses,
        hours,
    } = ticket;
    soon(api.handle.invite(InviteRequest {
        unit,
        office,
        addresses,
        hours,
    }))
    .await
}

async fn backup(api: Api, Given(backup): Given<BackupRequest>) -> Answer<BackupDone> {
    let bytes = within(LONG_REQUEST_TIME_MAX, api.handle.backup(backup.path)).await?;
    Ok(Json(BackupDone { bytes }))
}
