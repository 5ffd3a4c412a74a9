//! `restore`: a backup in the place of the database. The node begins a new life with it, and its peers
//! give back what came after the backup.

use std::path::PathBuf;

use hopluu_engine::{HomeError, Restored, Secrets, SetupError, restore};
use hopluu_model::Epoch;
use serde::Serialize;

use crate::args::RestoreArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::secret::{self, From};
use crate::text;

#[derive(Debug, Serialize)]
struct RestoredJson {
    epoch: Epoch,
    documents: u64,
    kept: Option<PathBuf>,
}

/// Whether only a secret is wanting.
fn is_closed(done: &Result<Restored, SetupError>) -> bool {
    matches!(
        done,
        Err(SetupError::BackupClosed(_) | SetupError::Home(HomeError::Closed(_)))
    )
}

pub(super) async fn run(args: &RestoreArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    if hopluu_api::is_served(dir).await {
        return Err(text::fail::still_running());
    }
    let from = From {
        passphrase_file: args.backup_passphrase_file.as_deref(),
        key_file: args.backup_key_file.as_deref(),
    };
    let home = secret::of_home(dir, context)?;
    let backup = match from.read()? {
        // A folder that has lost its wrapped key is opened by what opens the backup.
        None if home.is_none() => context.secret_files().read()?,
        given => given,
    };
    let mut secrets = Secrets { home, backup };
    let mut done = restore(dir, &args.file, &secrets);
    if is_closed(&done) && secrets.backup.is_none() && secret::can_ask() {
        let prompt = text::secret::passphrase_of_backup(context.lang);
        secrets.backup = Some(secret::ask(prompt)?);
        done = restore(dir, &args.file, &secrets);
    }
    let done = done.map_err(|error| text::fail::restore(&args.file, error))?;
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
