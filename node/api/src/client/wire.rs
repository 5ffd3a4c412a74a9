//! One HTTP exchange over one connection, driven by whoever waits for it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};

use super::ClientError;
use crate::limits::{CLIENT_ANSWER_BYTES_MAX, CLIENT_LINE_BYTES_MAX};
use crate::problem::Problem;
use crate::stream::{LineError, LineReader, NDJSON, Sent};

type RequestBody = BoxBody<Bytes, std::convert::Infallible>;

/// The work of a connection. It has no task of its own: whoever waits on the connection polls it.
struct Driver {
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
}

impl fmt::Debug for Driver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Driver")
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

impl Driver {
    /// Waits for something that the connection brings.
    async fn drive<T>(&mut self, wanted: impl Future<Output = T>) -> T {
        let mut wanted = std::pin::pin!(wanted);
        poll_fn(|context| {
            if !self.is_over && self.work.as_mut().poll(context).is_ready() {
                self.is_over = true;
            }
            match wanted.as_mut().poll(context) {
                Poll::Ready(value) => Poll::Ready(value),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// A connection that carries one request.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<RequestBody>,
    driver: Driver,
    /// Whose session it is sent in.
    session: Option<String>,
}

impl Connection {
    pub(super) async fn over<S>(stream: S, session: Option<String>) -> Result<Self, ClientError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let work = Box::pin(async move {
            // Whoever waits for the answer sees the same failure there.
            let _seen_by_the_answer = connection.await;
        });
        Ok(Self {
            session,
            sender,
            driver: Driver {
                work,
                is_over: false,
            },
        })
    }

    /// Sends a request with a body that is there already, and waits for the head of the answer.
    pub(super) async fn send(
        self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ClientError> {
        let (kind, body) = match body {
            Some(bytes) => ("application/json", Full::from(bytes).boxed()),
            None => ("application/json", Empty::new().boxed()),
        };
        self.request(method, path, kind, body).await
    }

    /// Sends a request whose body is still being made.
    pub(super) async fn send_lines(self, path: &str, lines: Sent) -> Result<Answer, ClientError> {
        self.request(Method::POST, path, NDJSON, lines.boxed())
            .await
    }

    async fn request(
        mut self,
        method: Method,
        path: &str,
        kind: &str,
        body: RequestBody,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, kind);
        if let Some(session) = &self.session {
            request = request.header(AUTHORIZATION, format!("Bearer {session}"));
        }
        let request = request
            .body(body)
            .map_err(|error| ClientError::Broken(Box::new(error)))?;
        let sent = self.sender.send_request(request);
        let response: Response<Incoming> = self.driver.drive(sent).await.map_err(broken)?;
        let is_ok = response.status().is_success();
        let (head, body) = response.into_parts();
        let mut answer = Answer {
            headers: head.headers,
            body,
            driver: self.driver,
        };
        if is_ok {
            return Ok(answer);
        }
        let bytes = answer.whole(CLIENT_ANSWER_BYTES_MAX).await?;
        let problem =
            serde_json::from_slice::<Problem>(&bytes).map_err(|error| ClientError::Foreign {
                detail: error.to_string(),
            })?;
        Err(ClientError::Refused(Box::new(problem)))
    }
}

fn broken(error: hyper::Error) -> ClientError {
    ClientError::Broken(Box::new(error))
}

/// An answer whose head has arrived.
#[derive(Debug)]
pub(super) struct Answer {
    headers: HeaderMap,
    body: Incoming,
    driver: Driver,
}

impl Answer {
    /// Its whole body.
    pub(super) async fn whole(&mut self, bytes_max: usize) -> Result<Bytes, ClientError> {
        let whole = Limited::new(&mut self.body, bytes_max).collect();
        let whole = self
            .driver
            .drive(whole)
            .await
            .map_err(ClientError::Broken)?;
        Ok(whole.to_bytes())
    }

    /// How many a header of it says; none without the header.
    pub(super) fn count(&self, header: &str) -> u64 {
        let count = self.headers.get(header).and_then(|said| said.to_str().ok());
        count.and_then(|said| said.parse().ok()).unwrap_or_default()
    }

    /// Its body as lines.
    pub(super) fn lines(self) -> Lines {
        Lines {
            lines: LineReader::new(self.body, CLIENT_LINE_BYTES_MAX),
            driver: self.driver,
        }
    }
}

/// A stream of JSON lines from the node.
#[derive(Debug)]
pub struct Lines {
    lines: LineReader<Incoming>,
    driver: Driver,
}

impl Lines {
    /// The next line without its end; none when the node has ended the stream.
    ///
    /// # Errors
    /// When the connection breaks off, or a line is longer than any that a node sends.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        self.driver
            .drive(self.lines.next())
            .await
            .map_err(|error| match error {
                LineError::TooLong { most } => ClientError::Foreign {
                    detail: format!("a line is longer than {most} bytes"),
                },
                LineError::Broken(source) => ClientError::Broken(Box::new(source)),
            })
    }
}

/// A path with what it asks for behind it.
pub(super) fn with_query<Q: Serialize>(path: &str, query: &Q) -> String {
    let value = serde_json::to_value(query).expect("the shapes of the API are plain JSON");
    let mut text = path.to_owned();
    let mut sign = '?';
    for (key, value) in value.as_object().into_iter().flatten() {
        let value = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(value) => value.clone(),
            other => other.to_string(),
        };
        text.push(sign);
        sign = '&';
        text.push_str(key);
        text.push('=');
        push_encoded(&mut text, &value);
    }
    text
}

/// Percent-encoding of everything but the unreserved signs of RFC 3986.
fn push_encoded(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::ReportQuery;

    #[test]
    fn a_query_carries_what_is_there() {
        let query = ReportQuery {
            form: None,
            period: Some("2016-2020".to_owned()),
            unit: Some("xã & 1@2".to_owned()),
        };
        assert_eq!(
            with_query("/v1/reports", &query),
            "/v1/reports?period=2016-2020&unit=x%C3%A3%20%26%201%402"
        );
        assert_eq!(with_query("/v1/x", &ReportQuery::default()), "/v1/x");
    }
}
