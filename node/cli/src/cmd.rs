//! One file a command. Each asks the node, prints the answer and says how it ended.

mod audit;
mod backup;
mod bundle;
mod clock;
pub(crate) mod demo;
mod doctor;
mod encrypt;
mod export;
mod form;
mod init;
pub(crate) mod input;
mod invite;
mod join;
mod link;
mod people;
mod report;
mod restore;
mod rights;
mod rollup;
mod root;
mod run;
mod status;
mod support;
mod units;
mod watch;

use crate::args::{Command, ExportCommand, FormCommand, LogFormat, RollupCommand, UnitsCommand};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{telemetry, text};

/// Carries out what was typed.
pub(crate) async fn run(command: Command, context: &Context) -> Result<Exit, Failure> {
    match &command {
        Command::Run(args) => telemetry::start(args.log_format, telemetry::OF_A_NODE),
        // A command that starts the engine for itself says on the log only what a person must know;
        // everything else is its answer.
        _ => telemetry::start(LogFormat::Text, "error"),
    }
    // What answers over HTTP cannot date its answers then; the doctor asks nobody.
    let is_before_1970 = std::time::SystemTime::now() < std::time::UNIX_EPOCH;
    if is_before_1970 && !matches!(command, Command::Doctor(_)) {
        return Err(text::fail::clock());
    }
    match command {
        Command::Init(args) => init::run(&args, context),
        Command::Invite(args) => invite::run(args, context).await,
        Command::Join(args) => join::run(&args, context).await,
        Command::Rekey(args) => join::rekey_home(&args, context).await,
        Command::Run(args) => run::run(&args, context).await,
        Command::Status => status::run(context).await,
        Command::Link(args) => link::run(&args, context).await,
        Command::Watch => watch::run(context).await,
        Command::Report(command) => report::run(command, context).await,
        Command::Rollup(RollupCommand::Show(args)) => rollup::show(args, context).await,
        Command::Rollup(RollupCommand::Explain(args)) => rollup::explain(args, context).await,
        Command::Rollup(RollupCommand::Recompute(args)) => rollup::recompute(args, context).await,
        Command::Export(ExportCommand::Public(args)) => export::public(args, context).await,
        Command::Form(FormCommand::List) => form::list(context).await,
        Command::Form(FormCommand::Show(args)) => form::show(args, context).await,
        Command::Form(FormCommand::Check(args)) => form::check(&args, context),
        Command::Form(FormCommand::Add(args)) => form::add(args, context).await,
        Command::Units(UnitsCommand::Show(args)) => units::show(args, context).await,
        Command::Units(UnitsCommand::Tree(args)) => units::tree(args, context).await,
        Command::Units(UnitsCommand::Add(args)) => units::add(&args, context).await,
        Command::Login(args) => people::login(args, context).await,
        Command::Logout => people::logout(context).await,
        Command::Account(command) => people::account(command, context).await,
        Command::Clock(command) => clock::run(command, context).await,
        Command::Grant(command) => rights::grant(command, context).await,
        Command::Revoke(command) => rights::revoke(command, context).await,
        Command::Void(command) => rights::void(command, context).await,
        Command::Parked(command) => rights::parked(command, context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Verify(args) => audit::verify(&args, context),
        Command::Bundle(command) => bundle::run(command, context).await,
        Command::Backup(args) => backup::run(&args, context).await,
        Command::Restore(args) => restore::run(&args, context).await,
        Command::Encrypt => encrypt::encrypt_home(context).await,
        Command::Decrypt => encrypt::decrypt_home(context).await,
        Command::Passphrase(args) => encrypt::change(&args, context).await,
        Command::Root(command) => root::run(command, context).await,
        Command::Demo(args) => demo::run(args, context).await,
        Command::Doctor(args) => doctor::run(&args, context).await,
        Command::Support(args) => support::run(&args, context).await,
    }
}
