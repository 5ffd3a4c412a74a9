//! Requests that no program of ours makes: with any session, and from any origin.

use std::path::Path;

use hopluu_api::Problem;
use hopluu_engine::Home;
use hopluu_engine::view::LoginView;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::super::words::{self as frame, Broken};

/// What a node answered.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    /// Status and code of a refusal; the status of what is none.
    pub(super) fn told(&self) -> String {
        let code = self.read::<Problem>().map(|problem| problem.code);
        let code = code.map_or_else(String::new, |code| format!(" {code}"));
        format!("{}{code}", self.status)
    }

    pub(super) fn is_granted(&self) -> bool {
        self.status == 200
    }

    fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Reads something with these headers.
pub(super) async fn get(dir: &Path, path: &str, headers: &[String]) -> Result<Answer, Broken> {
    ask(dir, "GET", path, headers, "").await
}

/// Tries to log in.
pub(super) async fn login(
    dir: &Path,
    account: &str,
    passphrase: &str,
) -> Result<(Answer, Option<String>), Broken> {
    let body = json!({"account": account, "passphrase": passphrase}).to_string();
    let answer = ask(dir, "POST", "/v1/login", &[], &body).await?;
    let token = answer.read::<LoginView>().map(|view| view.token);
    Ok((answer, token))
}

/// Logs a session out.
pub(super) async fn logout(dir: &Path, token: &str) -> Result<(), Broken> {
    ask(dir, "POST", "/v1/logout", &[bearer(token)], "null").await?;
    Ok(())
}

/// The header of a session.
pub(super) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

async fn ask(
    dir: &Path,
    method: &str,
    path: &str,
    headers: &[String],
    body: &str,
) -> Result<Answer, Broken> {
    let asked = async {
        let mut stream = UnixStream::connect(Home::socket(dir)).await?;
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = asked
        .await
        .map_err(|error| frame::not_started(path, &error))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.unwrap_or_default(),
        body: body.to_owned(),
    })
}
