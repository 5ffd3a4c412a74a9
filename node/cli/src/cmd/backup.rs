//! `backup`: the database to a file, while the node works on.

use std::cell::Cell;
use std::path::absolute;

use hopluu_api::shape::BackupRequest;

use crate::args::BackupArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::progress::with_progress;
use crate::text;

pub(super) async fn run(args: &BackupArgs, context: &Context) -> Result<Exit, Failure> {
    // The node has a working folder of its own.
    let path = absolute(&args.file).map_err(|error| text::fail::file(&args.file, &error))?;
    let request = BackupRequest { path: path.clone() };
    let words = text::working("sao lưu", "backing up");
    let asked = context.ask(async |client| client.backup(&request).await);
    let done = with_progress(context, &words, &Cell::new(0), asked).await?;
    context.answer(&done, |done| {
        let file = path.display().to_string();
        text::backed_up(&file, done.bytes)
            .in_lang(context.lang)
            .to_owned()
    })?;
    Ok(Exit::Done)
}
