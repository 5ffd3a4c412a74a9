//! Who asks, and what they may: a gate before every route, and the requests about people.

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use hopluu_engine::view::{
    AccountChange, AccountRequest, AccountView, LoginRequest, LoginView, PassphraseRequest,
    SessionView,
};
use hopluu_engine::{CommandError, Handle, PeopleError, Permission};

use super::{Answer, Api, soon, within};
use crate::asker::Asker;
use crate::extract::Given;
use crate::limits::REQUEST_TIME_MAX;
use crate::problem::ApiError;
use crate::shape::Done;

/// What a route asks of whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: to log in or out.
    Nothing,
    /// A session, whatever its roles.
    Session,
    /// A role that gives this.
    Role(Permission),
}

/// Of what is read.
const READS: &[&str] = &[
    "/v1/attachments",
    "/v1/attachments/part",
    "/v1/audit/report",
    "/v1/clock",
    "/v1/forms",
    "/v1/forms/show",
    "/v1/grants",
    "/v1/links",
    "/v1/reports",
    "/v1/reports/export",
    "/v1/reports/history",
    "/v1/reports/show",
    "/v1/revocations",
    "/v1/rollup",
    "/v1/rollup/explain",
    "/v1/status",
    "/v1/units",
    "/v1/units/tree",
    "/v1/watch",
];

/// What a route needs. One that nobody has put here is the administrator's.
fn needs(method: &Method, path: &str) -> Needs {
    let is_read = method == Method::GET || method == Method::HEAD;
    match path {
        "/v1/login" | "/v1/logout" => Needs::Nothing,
        "/v1/session" | "/v1/accounts/passphrase" => Needs::Session,
        "/v1/rollup/recompute" => Needs::Role(Permission::Read),
        // What each of its edits needs is asked where they are understood.
        "/v1/reports/save" => Needs::Role(Permission::Read),
        "/v1/reports/new" | "/v1/reports/undo" | "/v1/reports/import" => {
            Needs::Role(Permission::Write)
        }
        "/v1/attachments" if !is_read => Needs::Role(Permission::Write),
        "/v1/audit/dossier" | "/v1/bundles/export" | "/v1/bundles/import"
        | "/v1/exports/public" | "/v1/links/call" => Needs::Role(Permission::Carry),
        _ if is_read && READS.contains(&path) => Needs::Role(Permission::Read),
        _ => Needs::Role(Permission::Administer),
    }
}

/// Lets a request through to its route, with the node as whoever asks sees it.
pub(super) async fn gate(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // Commands come from programs. A page in a browser names its origin, and is none of ours.
    if let Some(origin) = request.headers().get(ORIGIN) {
        let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
        return Err(ApiError::Origin { origin });
    }
    let path = request.extensions().get::<MatchedPath>();
    let needs = path.map_or(Needs::Role(Permission::Administer), |path| {
        needs(request.method(), path.as_str())
    });
    let asker = match needs {
        Needs::Nothing => api.handle,
        Needs::Session => of_session(&api, request.headers()).await?,
        Needs::Role(permission) => {
            let asker = of_session(&api, request.headers()).await?;
            asker.must(permission)?;
            asker
        }
    };
    if let Some(account) = asker.session().account {
        let who = ConnectInfo(Asker(account.into()));
        request.extensions_mut().insert(who);
    }
    request.extensions_mut().insert(asker);
    Ok(next.run(request).await)
}

/// The routes about people.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/login", post(login))
        .route("/v1/logout", post(logout))
        .route("/v1/session", get(session))
        .route("/v1/accounts", get(account_list).post(account_add))
        .route("/v1/accounts/change", post(account_change))
        .route("/v1/accounts/passphrase", post(passphrase))
}

async fn of_session(api: &Api, headers: &HeaderMap) -> Result<Handle, ApiError> {
    within(REQUEST_TIME_MAX, api.handle.of_session(token(headers))).await
}

fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    Some(value.strip_prefix("Bearer ")?.to_owned())
}

impl<S> FromRequestParts<S> for Api
where
    Self: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let api = Self::from_ref(state);
        // What has not come through the gate asks as nobody.
        let handle = parts.extensions.get::<Handle>().cloned();
        let handle = handle.ok_or(CommandError::People(PeopleError::LoginNeeded))?;
        Ok(Self { handle, ..api })
    }
}

async fn login(api: Api, Given(request): Given<LoginRequest>) -> Answer<LoginView> {
    soon(api.handle.login(request)).await
}

async fn logout(api: Api, headers: HeaderMap) -> Answer<Done> {
    if let Some(token) = token(&headers) {
        within(REQUEST_TIME_MAX, api.handle.logout(token)).await?;
    }
    Ok(Json(Done {}))
}

async fn session(api: Api) -> Answer<SessionView> {
    Ok(Json(api.handle.session()))
}

async fn account_list(api: Api) -> Answer<Vec<AccountView>> {
    soon(api.handle.account_list()).await
}

async fn account_add(api: Api, Given(account): Given<AccountRequest>) -> Answer<AccountView> {
    soon(api.handle.account_add(account)).await
}

async fn account_change(api: Api, Given(change): Given<AccountChange>) -> Answer<AccountView> {
    soon(api.handle.account_change(change)).await
}

async fn passphrase(api: Api, Given(passphrase): Given<PassphraseRequest>) -> Answer<AccountView> {
    soon(api.handle.passphrase(passphrase)).await
}

#[cfg(test)]
mod tests {
    use hopluu_engine::Role;

    use super::*;

    #[test]
    fn a_route_that_nobody_has_thought_of_is_the_administrator_s() {
        for (method, path) in [
            (Method::GET, "/v1/secrets"),
            (Method::POST, "/v1/reports"),
            (Method::GET, "/v1/accounts"),
            (Method::POST, "/v1/grants"),
            (Method::DELETE, "/v1/reports/show"),
        ] {
            let needs = needs(&method, path);
            assert_eq!(
                needs,
                Needs::Role(Permission::Administer),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn who_may_what_at_a_glance() {
        let asked = [
            (Method::GET, "/v1/reports/show"),
            (Method::POST, "/v1/reports/new"),
            (Method::POST, "/v1/attachments"),
            (Method::GET, "/v1/attachments"),
            (Method::POST, "/v1/bundles/import"),
            (Method::POST, "/v1/exports/public"),
            (Method::GET, "/v1/audit/published"),
            (Method::POST, "/v1/backup"),
            (Method::POST, "/v1/accounts/passphrase"),
        ];
        let roles = |needs: Needs| match needs {
            Needs::Nothing => "anybody".to_owned(),
            Needs::Session => "any role".to_owned(),
            Needs::Role(permission) => {
                let roles: Vec<_> = permission.roles().map(Role::as_str).collect();
                roles.join(" ")
            }
        };
        let lines: Vec<String> = asked
            .iter()
            .map(|(method, path)| format!("{method} {path}: {}", roles(needs(method, path))))
            .collect();
        expect_test::expect![[r#"
            GET /v1/reports/show: editor checker consolidator signatory registrar reader administrator
            POST /v1/reports/new: editor consolidator
            POST /v1/attachments: editor consolidator
            GET /v1/attachments: editor checker consolidator signatory registrar reader administrator
            POST /v1/bundles/import: registrar administrator
            POST /v1/exports/public: registrar administrator
            GET /v1/audit/published: administrator
            POST /v1/backup: administrator
            POST /v1/accounts/passphrase: any role"#]]
        .assert_eq(&lines.join("\n"));
    }
}
