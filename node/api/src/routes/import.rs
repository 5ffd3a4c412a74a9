//! Saves in any number, one a line: read, saved and answered as a stream, in the order of the lines.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hopluu_engine::view::{SaveRequest, Saved};
use hopluu_engine::{CommandError, Handle};

use super::{Api, within};
use crate::limits::{IMPORT_IN_FLIGHT_MAX, IMPORT_LINE_BYTES_MAX, REQUEST_TIME_MAX};
use crate::problem::{ApiError, Problem};
use crate::server::ended;
use crate::shape::{ImportAnswer, UnsettledLine};
use crate::stream::{LineError, LineReader, Pieces, ndjson};
use crate::text::create_in_import;

/// Reads on while earlier lines are still being saved, so that the disk is asked once for many. What
/// is wrong with a line is said in its answer and stops nothing; an empty line is passed over.
pub(super) async fn import(api: Api, request: Request) -> Response {
    let lines = LineReader::new(request.into_body(), IMPORT_LINE_BYTES_MAX);
    ndjson(move |pieces| run(api, lines, pieces))
}

async fn run(api: Api, mut lines: LineReader<Body>, mut pieces: Pieces) {
    let mut stopped = std::pin::pin!(ended(api.stopped.clone()));
    let mut under_way = UnderWay::default();
    let mut number = 0;
    let mut is_reading = true;
    while is_reading || !under_way.is_empty() {
        let may_read = is_reading && under_way.len() < IMPORT_IN_FLIGHT_MAX;
        // Every arm may be dropped halfway: lines keep what they read, saves go on when asked again.
        tokio::select! {
            answer = under_way.first(), if !under_way.is_empty() => {
                if !pieces.line(&answer).await {
                    return;
                }
            }
            line = lines.next(), if may_read => match line {
                Ok(Some(line)) => {
                    number += 1;
                    if !line.trim_ascii().is_empty() {
                        under_way.start(number, save(api.handle.clone(), line)).await;
                    }
                }
                Ok(None) => is_reading = false,
                Err(error) => {
                    number += 1;
                    is_reading = false;
                    under_way.start(number, std::future::ready(Err(line_error(&error)))).await;
                }
            },
            () = &mut stopped => return,
        }
    }
}

fn line_error<E>(error: &LineError<E>) -> ApiError {
    match error {
        LineError::TooLong { most } => ApiError::TooLarge { most: *most },
        LineError::Broken(_) => ApiError::Request {
            detail: "the stream broke off".to_owned(),
        },
    }
}

async fn save(handle: Handle, line: Vec<u8>) -> Result<Saved, ApiError> {
    match serde_json::from_slice::<SaveRequest>(&line) {
        Ok(save) => within(REQUEST_TIME_MAX, handle.report_save(save)).await,
        Err(error) => match serde_json::from_slice::<UnsettledLine>(&line) {
            Ok(line) => Err(ApiError::Unsettled {
                code: line.unsettled.code.to_string(),
            }),
            Err(_neither) => Err(ApiError::Json(error)),
        },
    }
}

/// What is told about a line: its cure is another one than on the command line.
fn problem(error: &ApiError) -> Problem {
    let mut problem = error.problem();
    if matches!(error, ApiError::Command(CommandError::NoReport { .. })) {
        problem.hint = Some(create_in_import());
    }
    problem
}

type Saving = Pin<Box<dyn Future<Output = Result<Saved, ApiError>> + Send>>;

/// A save that goes on, or its outcome.
enum Step {
    Saving(Saving),
    Over(Box<ImportAnswer>),
}

/// Saves that were started and not answered yet, oldest first.
#[derive(Default)]
struct UnderWay(VecDeque<(u64, Step)>);

impl UnderWay {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// Starts a save. It is asked once at once, and so takes its place in the engine's queue before
    /// the next line does: two saves of one report are made in the order of their lines.
    async fn start(
        &mut self,
        line: u64,
        saving: impl Future<Output = Result<Saved, ApiError>> + Send + 'static,
    ) {
        let mut step = Step::Saving(Box::pin(saving));
        poll_fn(|context| {
            step.go_on(line, context);
            Poll::Ready(())
        })
        .await;
        self.0.push_back((line, step));
    }

    /// Drives all saves until the oldest has its answer, and takes that out.
    async fn first(&mut self) -> ImportAnswer {
        poll_fn(|context| {
            for (line, step) in &mut self.0 {
                step.go_on(*line, context);
            }
            match self.0.pop_front() {
                Some((_, Step::Over(answer))) => Poll::Ready(*answer),
                Some(unfinished) => {
                    self.0.push_front(unfinished);
                    Poll::Pending
                }
                None => Poll::Pending,
            }
        })
        .await
    }
}

impl Step {
    fn go_on(&mut self, line: u64, context: &mut Context<'_>) {
        if let Self::Saving(saving) = self
            && let Poll::Ready(outcome) = saving.as_mut().poll(context)
        {
            let (saved, error) = match outcome {
                Ok(saved) => (Some(saved), None),
                Err(error) => (None, Some(problem(&error))),
            };
            *self = Self::Over(Box::new(ImportAnswer { line, saved, error }));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn answers_come_in_the_order_of_lines() {
        let mut under_way = UnderWay::default();
        let (tx, rx) = oneshot::channel::<()>();
        let refused = |most| Err(ApiError::TooLarge { most });
        under_way
            .start(1, async move {
                rx.await.unwrap();
                refused(1)
            })
            .await;
        under_way.start(2, std::future::ready(refused(2))).await;
        tx.send(()).unwrap();
        assert_eq!(under_way.first().await.line, 1);
        assert_eq!(under_way.first().await.line, 2);
        assert!(under_way.is_empty());
    }
}
