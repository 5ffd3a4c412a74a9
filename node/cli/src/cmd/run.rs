//! `run`: the node itself.

use hopluu_api::{Server, take_home};
use hopluu_engine::{HomeError, LoopEnded, start};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::RunArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{secret, text};

/// The line that says that links and commands are served.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "ready")]
struct Ready {
    unit: String,
    office: Option<String>,
    node: String,
    listen: Option<String>,
    pid: u32,
}

pub(super) async fn run(args: &RunArgs, context: &Context) -> Result<Exit, Failure> {
    // From here on a signal is an orderly stop, also while the store is being opened.
    let mut stops = Stops::new()?;
    let dir = context.dir()?.to_owned();
    let Some(mut home) = take_home(&dir).await? else {
        return Err(HomeError::Locked(dir).into());
    };
    home.unlock(secret::of_home(&dir, context)?.as_ref())?;
    let mut settings = home.settings()?;
    if args.listen.is_some() {
        settings.listen = args.listen;
    }
    let mut running = start(home, &settings)?;
    let server = match Server::start(&dir, running.handle()).await {
        Ok(server) => server,
        Err(error) => {
            running.stop().await;
            return Err(error.into());
        }
    };
    let status = running.handle().status().await;
    let mut done = status.map_err(Failure::from).and_then(|status| {
        let ready = Ready {
            unit: status.unit.to_string(),
            office: status.office.map(|office| office.to_string()),
            node: status.node.to_string(),
            listen: running.listen_addr().map(|addr| addr.to_string()),
            pid: std::process::id(),
        };
        tell(&ready, &status.unit_name, context)
    });
    if done.is_ok() {
        tokio::select! {
            () = stops.wait() => tracing::info!("node stops"),
            LoopEnded = running.ended() => done = Err(text::fail::loop_ended()),
        }
    }
    // Commands first, so that none is accepted that the engine would not answer.
    server.stop().await;
    let is_closed = running.stop().await;
    done?;
    if !context.is_json {
        context.note(&text::stopped(is_closed));
    }
    Ok(Exit::Done)
}

fn tell(ready: &Ready, unit_name: &str, context: &Context) -> Result<(), Failure> {
    if context.is_json {
        let line = serde_json::to_string(ready).expect("a ready line is plain JSON");
        return context.print(&line);
    }
    let listen = ready.listen.as_deref().unwrap_or("–");
    let unit = match &ready.office {
        Some(office) => format!("{unit_name} / {office}"),
        None => unit_name.to_owned(),
    };
    context.print(text::ready(&unit, listen).in_lang(context.lang))
}

/// The signals that ask a node to stop.
struct Stops {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal in which the node was started is gone.
    hang_up: Signal,
}

impl Stops {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| text::fail::runtime(&error));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        // Whichever comes first; a signal that is dropped asks for the same.
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
