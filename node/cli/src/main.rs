//! `hopluu`: the node and every tool of it, in one binary.
//!
//! ```text
//! args (what was typed) ── cmd/* (one file a command) ── api::Client ── a running node, or its engine here
//!                                   └── text, table, show: what a person reads, Vietnamese first
//! ```
//! docs/cli.md is the contract: commands, options, shapes of JSON, exit codes. Start at
//! [`args::Command`].

mod args;
mod cmd;
mod context;
mod failure;
mod limits;
mod progress;
mod secret;
mod shipped;
mod show;
mod table;
mod telemetry;
mod text;

use std::process::ExitCode;

use clap::FromArgMatches;

use crate::args::{Cli, is_json, lang_of};
use crate::context::Context;
use crate::failure::Exit;

fn main() -> ExitCode {
    let typed: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let lang = lang_of(&typed);
    let matches = match text::help::command(lang).try_get_matches_from(&typed) {
        Ok(matches) => matches,
        Err(error) => return text::usage::report(&error, lang, is_json(&typed)),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return text::usage::report(&error, lang, is_json(&typed)),
    };
    let context = Context::new(&cli);
    let worked = match runtime() {
        Ok(runtime) => runtime.block_on(cmd::run(cli.command, &context)),
        Err(error) => Err(text::fail::runtime(&error)),
    };
    match worked {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_unread() => Exit::Done.into(),
        Err(failure) => {
            context.report(&failure);
            failure.exit().into()
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(limits::WORKER_THREADS)
        .enable_all()
        .build()
}
