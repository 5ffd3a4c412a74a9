//! Says that something goes on, once it has taken longer than a second and somebody watches.

use std::cell::Cell;
use std::future::Future;
use std::io::{self, Write};
use std::time::Instant;

use hopluu_api::text::Both;
use tokio::time::{MissedTickBehavior, interval};

use crate::context::Context;
use crate::limits::{PROGRESS_AFTER, PROGRESS_STEP};

/// Waits for work that may take long. `count` is how many pieces of it are done, where that is known.
pub(crate) async fn with_progress<T>(
    context: &Context,
    words: &Both,
    count: &Cell<u64>,
    work: impl Future<Output = T>,
) -> T {
    if !context.is_watched() {
        return work.await;
    }
    let started = Instant::now();
    let mut work = std::pin::pin!(work);
    let mut ticks = interval(PROGRESS_STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_drawn = false;
    loop {
        // A tick that is dropped is a picture that is not drawn; the work goes on where it was.
        tokio::select! {
            done = &mut work => {
                if is_drawn {
                    draw("");
                }
                return done;
            }
            _ = ticks.tick() => if started.elapsed() >= PROGRESS_AFTER {
                is_drawn = true;
                draw(&line(words.in_lang(context.lang), count.get(), started.elapsed().as_secs()));
            }
        }
    }
}

fn line(words: &str, count: u64, seconds: u64) -> String {
    if count == 0 {
        format!("{words} {seconds} s")
    } else {
        format!("{words} {count} · {seconds} s")
    }
}

fn draw(text: &str) {
    let mut out = io::stderr().lock();
    // A terminal that is gone needs no picture.
    let _nobody_watches = write!(out, "\r\x1b[2K{text}").and_then(|()| out.flush());
}
