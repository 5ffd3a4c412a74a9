//! Several ways to one node, tried side by side.

use std::pin::Pin;
use std::time::Duration;

use hopluu_model::ErrorChain;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dial::{DialError, DialOptions};
use crate::flight::Pace;
use crate::limits::{
    ANSWER_UNKNOWN, ATTEMPTS_MAX, FLIGHT_BYTES, HEAD_STARTS, INITIAL_RTT_LEAST, REFUSED_HEAD_STARTS,
};

/// One way, not begun.
pub(crate) type Attempt<T> = Pin<Box<dyn Future<Output = Result<T, DialError>> + Send>>;

/// Begins the first, and each further one when those before have had their time or one of them has failed. Takes the first
/// that leads somewhere; the others are given up, whatever they have reached. Where one was refused the machine is
/// there and nobody listens, so the others get some head starts more and not their full time.
///
/// # Errors
/// When none leads anywhere: what says most.
///
/// # Panics
/// When there is none.
pub(crate) async fn race<T: Send + 'static>(
    attempts: Vec<Attempt<T>>,
    head_start: Duration,
) -> Result<T, DialError> {
    let mut waiting = attempts.into_iter().take(ATTEMPTS_MAX).peekable();
    let mut running = JoinSet::new();
    running.spawn(waiting.next().expect("there is a way to try"));
    let mut failed: Option<DialError> = None;
    // An attempt gives up by itself, in its own time.
    let mut patience = None;
    loop {
        let is_last = waiting.peek().is_none();
        let wait = if is_last { patience } else { Some(head_start) };
        let ended = match wait {
            Some(wait) => timeout(wait, running.join_next()).await,
            None => Ok(running.join_next().await),
        };
        match ended {
            Ok(Some(Ok(Ok(reached)))) => return Ok(reached),
            Ok(Some(Ok(Err(error)))) => {
                tracing::debug!(error = %ErrorChain(&error), "way given up");
                if error.is_refusal() {
                    patience = Some(head_start * REFUSED_HEAD_STARTS);
                }
                failed = Some(match failed {
                    Some(before) if telling(&before) >= telling(&error) => before,
                    _ => error,
                });
            }
            Ok(Some(Err(broken))) => std::panic::resume_unwind(broken.into_panic()),
            Ok(None) | Err(_) if is_last => {
                return Err(failed.expect("all have failed, or one was refused"));
            }
            Ok(None) | Err(_) => {}
        }
        if let Some(next) = waiting.next() {
            running.spawn(next);
        }
    }
}

/// How long the second way waits for the first.
pub(crate) fn head_start(options: &DialOptions) -> Duration {
    let Some(rtt) = options.initial_rtt else {
        return ANSWER_UNKNOWN;
    };
    let pace = Pace {
        rtt: Some(rtt.max(INITIAL_RTT_LEAST)),
        rate: options.rate,
        is_lossy: false,
    };
    pace.wait(FLIGHT_BYTES) * HEAD_STARTS
}

/// That the wrong node answered says more than that it broke off, and that more than silence.
fn telling(error: &DialError) -> u8 {
    match error {
        DialError::Chain { .. } | DialError::OtherNode { .. } => 3,
        DialError::Closed { .. } | DialError::Tls(_) => 2,
        DialError::TimedOut { .. } => 1,
        DialError::Address { .. } | DialError::Unreachable { .. } | DialError::NotFound { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::time::{Instant, sleep};

    use super::*;

    const HEAD_START: Duration = Duration::from_secs(2);

    /// Leads somewhere or nowhere after so many seconds, or is refused then.
    type Told = (u64, Result<u8, io::ErrorKind>);

    const NOWHERE: Result<u8, io::ErrorKind> = Err(io::ErrorKind::HostUnreachable);
    const REFUSED: Result<u8, io::ErrorKind> = Err(io::ErrorKind::ConnectionRefused);

    fn attempt((seconds, end): Told) -> Attempt<u8> {
        Box::pin(async move {
            sleep(Duration::from_secs(seconds)).await;
            end.map_err(|kind| DialError::Unreachable {
                addr: "there".to_owned(),
                source: kind.into(),
            })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_way_begins_when_the_first_has_had_its_time_or_has_failed() {
        for (first, second, expected, seconds) in [
            // In time; slow; dead; refused at once.
            ((1, Ok(1)), (0, Ok(2)), Some(1), 1),
            ((9, Ok(1)), (3, Ok(2)), Some(2), 5),
            ((30, NOWHERE), (1, Ok(2)), Some(2), 3),
            ((0, REFUSED), (1, Ok(2)), Some(2), 1),
            ((3, Ok(1)), (0, NOWHERE), Some(1), 3),
            ((30, NOWHERE), (1, NOWHERE), None, 30),
            // Where nobody listens by TCP, QUIC has three head starts more.
            ((7, Ok(1)), (0, REFUSED), Some(1), 7),
            ((30, NOWHERE), (0, REFUSED), None, 8),
        ] {
            let begun = Instant::now();
            let reached = race(vec![attempt(first), attempt(second)], HEAD_START).await;
            let took = begun.elapsed().as_secs();
            assert_eq!(
                (reached.ok(), took),
                (expected, seconds),
                "{first:?} {second:?}"
            );
        }
    }

    #[test]
    fn a_remembered_way_has_a_short_head_start_and_an_unknown_one_seconds() {
        let known = |ms| DialOptions {
            initial_rtt: Some(Duration::from_millis(ms)),
            ..DialOptions::default()
        };
        let (near, far) = (head_start(&known(30)), head_start(&known(600)));
        assert!(
            near > Duration::from_millis(1_500) && near < Duration::from_secs(2),
            "{near:?}"
        );
        assert!(
            far > Duration::from_secs(2) && far < ANSWER_UNKNOWN,
            "{far:?}"
        );
        assert_eq!(head_start(&DialOptions::default()), ANSWER_UNKNOWN);
    }
}
