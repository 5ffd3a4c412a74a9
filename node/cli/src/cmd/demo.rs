//! `demo`: the whole mesh at work on this machine, from real units and the published annex.
//!
//! ```text
//! plan, annex, cast     who enters what, and who plays which part     (pure)
//! process, world, disk  the one binary as commands and as nodes       (this machine)
//! stage, board, ledger  waiting, the table that grows, what was claimed
//! story/*               the scenes
//! hostile/*             the scenes of `--hostile`
//! ```
//! Everything goes through the public commands and their API. Nothing here knows how a node works
//! inside, so that what the story shows is what anybody can do. Only the attackers of `--hostile` speak the protocol
//! themselves, by `hopluu-rogue`.

mod annex;
mod board;
mod cast;
mod disk;
mod hostile;
mod ledger;
mod limits;
mod plan;
mod process;
mod stage;
mod story;
mod words;
mod world;

use std::io::{BufRead, IsTerminal};

use clap::Args;
use hopluu_form::{Form, Lang};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use self::cast::Cast;
use self::ledger::Ledger;
use self::process::Program;
use self::stage::{FORM, Stage};
use self::words::Broken;
use self::world::{Who, World};
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// How the story is played.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DemoArgs {
    /// Without a person: no pauses; exit code 1 if anything did not hold
    #[arg(long)]
    check: bool,
    /// Leave the nodes running and say where they are
    #[arg(long)]
    keep: bool,
    /// Let a commune that was taken over, stolen laptops and a hostile relay try what they must not be able to
    #[arg(long, conflicts_with = "keep")]
    hostile: bool,
}

/// Plays the story. Everything that was started is stopped again, however it ends; only a story that
/// came to its end is kept.
pub(super) async fn run(args: DemoArgs, context: &Context) -> Result<Exit, Failure> {
    let mut ledger = Ledger::new(context.lang, args.hostile && context.is_json);
    ledger.say(&if args.hostile {
        hostile::title()
    } else {
        words::title()
    });
    let stops = Stops::new();
    let prepared = stops.and_then(|stops| Ok((stops, prepare(context.lang)?)));
    let (mut stops, mut world) = match prepared {
        Ok(prepared) => prepared,
        Err(broken) => {
            ledger.broke(broken.what);
            return Ok(Exit::Failed);
        }
    };
    let played = tokio::select! {
        played = play(args, &mut world, &mut ledger) => Some(played),
        () = stops.wait() => None,
    };
    let is_over = matches!(played, Some(Ok(())));
    let holds = match played {
        // Whoever stops the story has refuted nothing.
        None => {
            ledger.say(&words::interrupted());
            false
        }
        Some(played) => {
            if let Err(broken) = played {
                ledger.broke(broken.what);
            }
            ledger.verdict()
        }
    };
    if args.keep && is_over {
        keep(world, &ledger);
    } else {
        let nodes = world.running();
        let is_orderly = world.stop_all().await;
        drop(world);
        ledger.say(&words::all_stopped(is_orderly, nodes));
    }
    Ok(if holds { Exit::Done } else { Exit::Failed })
}

fn prepare(lang: Lang) -> Result<World, Broken> {
    let tree = crate::shipped::tree().ok();
    let cast = tree
        .and_then(|tree| Cast::of(&tree))
        .ok_or_else(words::no_units)?;
    World::new(Program::this(lang)?, cast)
}

/// Plays until the end or an error.
async fn play(args: DemoArgs, world: &mut World, ledger: &mut Ledger) -> Result<(), Broken> {
    let form = crate::shipped::forms().iter().find_map(|source| {
        Form::parse(source)
            .ok()
            .filter(|form| form.id().as_str() == FORM)
    });
    let form = form.ok_or_else(words::no_units)?;
    let enter = if args.check { None } else { enter_key() };
    let mut stage = Stage::new(world, ledger, form, enter);
    if args.hostile {
        hostile::play(&mut stage).await
    } else {
        story::play(&mut stage).await
    }
}

/// The signals that end the story on the way.
struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    fn new() -> Result<Self, Broken> {
        let listen = |kind| signal(kind).map_err(|error| words::no_terminal(&error));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        // Whichever comes first; a signal that is dropped asks for the same.
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A person's Enter, where one sits at the terminal. The thread ends with the process: a read from a
/// terminal cannot be called off.
fn enter_key() -> Option<mpsc::Receiver<()>> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let (pressed, enter) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut lines = std::io::stdin().lock().lines();
        while let Some(Ok(_)) = lines.next() {
            if pressed.blocking_send(()).is_err() {
                return;
            }
        }
    });
    Some(enter)
}

fn keep(world: World, ledger: &Ledger) {
    let pids: Vec<String> = world
        .everybody()
        .into_iter()
        .filter_map(|who: Who| world.process_id(who).map(|pid| pid.to_string()))
        .collect();
    let program = world.program.file().display().to_string();
    let folder = world.keep().display().to_string();
    ledger.say(&words::kept(&folder, &program, &pids.join(" ")));
}
