//! `restore`: a backup in the place of the database. The node begins a new life with it, and its peers
//! give back what came after the backup.

use std::path::PathBuf;

use hopluu_engine::restore;
use hopluu_model::Epoch;
use serde::Serialize;

use crate::args::RestoreArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::text;

#[derive(Debug, Serialize)]
struct RestoredJson {
    epoch: Epoch,
    documents: u64,
    kept: Option<PathBuf>,
}

pub(super) async fn run(args: &RestoreArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    if hopluu_api::is_served(dir).await {
        return Err(text::fail::still_running());
    }
    let done = restore(dir, &args.file).map_err(|error| text::fail::restore(&args.file, error))?;
    let json = RestoredJson {
        epoch: done.epoch,
        documents: done.documents,
        kept: done.kept,
    };
    context.answer(&json, |json| {
        let kept = json.kept.as_ref().map(|path| path.display().to_string());
        text::restored(json.documents, kept.as_deref())
            .in_lang(context.lang)
            .to_owned()
    })?;
    Ok(Exit::Done)
}
