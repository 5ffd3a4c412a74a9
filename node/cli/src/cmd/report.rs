//! `report`: written, read, carried in and out.

mod attachment;
mod edit;
mod figures;
mod page;
mod read;
mod transfer;

pub(super) use page::findings;

use crate::args::ReportCommand;
use crate::context::Context;
use crate::failure::{Exit, Failure};

pub(super) async fn run(command: ReportCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        ReportCommand::New(args) => edit::new(&args, context).await,
        ReportCommand::List(filter) => read::list(filter, context).await,
        ReportCommand::Show(args) => read::show(&args, context).await,
        ReportCommand::Set(args) => edit::set(args, context).await,
        ReportCommand::Clear(args) => edit::clear(args, context).await,
        ReportCommand::Text(args) => edit::text(args, context).await,
        ReportCommand::Note(args) => edit::note(args, context).await,
        ReportCommand::Conflicts(args) => read::conflicts(&args, context).await,
        ReportCommand::Settle(args) => edit::settle(args, context).await,
        ReportCommand::Attach(args) => attachment::attach(&args, context).await,
        ReportCommand::Attachments(args) => attachment::list(&args, context).await,
        ReportCommand::Detach(args) => edit::detach(args, context).await,
        ReportCommand::SaveAttachment(args) => attachment::save(&args, context).await,
        ReportCommand::Undo(args) => edit::undo(&args, context).await,
        ReportCommand::Withdraw(args) => edit::withdraw(args, context).await,
        ReportCommand::History(args) => read::history(&args, context).await,
        ReportCommand::Print(args) => read::print(&args, context).await,
        ReportCommand::Import(args) => transfer::import(&args, context).await,
        ReportCommand::Export(args) => transfer::export(args, context).await,
    }
}
