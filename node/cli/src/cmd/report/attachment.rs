//! Attached files: in, listed, and out again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hopluu_api::Client;
use hopluu_api::shape::{AttachQuery, PartQuery};
use hopluu_api::text::attachment::megabytes;
use hopluu_engine::view::AttachmentView;
use serde::Serialize;

use super::edit;
use crate::args::{AttachArgs, ReportArgs, SaveAttachmentArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::ATTACHMENT_BYTES_MAX;
use crate::table::{Align, Table};
use crate::{show, text};

pub(super) async fn attach(args: &AttachArgs, context: &Context) -> Result<Exit, Failure> {
    let content = read(&args.file)?;
    let name = args.file.file_name().unwrap_or_default();
    let report = args.report.selector();
    let query = AttachQuery {
        unit: report.unit,
        form: report.form,
        period: report.period,
        instance: report.instance,
        office: args.office.office.clone(),
        name: name.to_string_lossy().into_owned(),
        caption: args.caption.clone(),
        create: args.new,
    };
    let saved = context
        .ask(async |client| client.attach(&query, content).await)
        .await
        .map_err(|failure| text::attachment::refused(&args.file, failure))?;
    edit::answer(&saved, context)
}

/// A file's bytes; of one that is far too long no more than shows it.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| text::fail::file(path, &error);
    let file = File::open(path).map_err(failed)?;
    let mut content = Vec::new();
    file.take(ATTACHMENT_BYTES_MAX + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > ATTACHMENT_BYTES_MAX {
        return Err(text::attachment::too_large(path, ATTACHMENT_BYTES_MAX));
    }
    Ok(content)
}

pub(super) async fn list(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    let selector = args.selector();
    let attached = context
        .ask(async |client| client.attachments(&selector).await)
        .await?;
    context.answer(&attached, |attached| page(attached, context))?;
    Ok(Exit::Done)
}

fn page(attached: &[AttachmentView], context: &Context) -> String {
    let lang = context.lang;
    if attached.is_empty() {
        return text::attachment::none().in_lang(lang).to_owned();
    }
    let mut table = Table::new([
        (text::printed(lang), Align::Right),
        (text::attachment::name(lang), Align::Left),
        (text::attachment::size(lang), Align::Right),
        (text::reached(lang), Align::Left),
        (text::at(lang), Align::Left),
        (text::attachment::caption(lang), Align::Left),
    ]);
    for (number, one) in (1..).zip(attached) {
        table.row([
            format!("{number}"),
            one.name.clone(),
            megabytes(one.bytes),
            text::attachment::reached(one, lang),
            show::time(one.at, lang),
            one.caption.clone(),
        ]);
    }
    table.text()
}

/// What became of a file that was to be saved.
#[derive(Debug, Serialize)]
struct SavedFile {
    file: PathBuf,
    hash: String,
    bytes: u64,
}

pub(super) async fn save(args: &SaveAttachmentArgs, context: &Context) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let saved = copy(&client, args).await;
    client.close().await;
    let saved = saved?;
    context.answer(&saved, |saved| {
        let words = text::attachment::saved(&saved.file, saved.bytes);
        words.in_lang(context.lang).to_owned()
    })?;
    Ok(Exit::Done)
}

/// Writes a file beside its place and moves it there whole.
async fn copy(client: &Client, args: &SaveAttachmentArgs) -> Result<SavedFile, Failure> {
    let report = args.report.selector();
    let mut query = PartQuery {
        unit: report.unit,
        form: report.form,
        period: report.period,
        instance: report.instance,
        attachment: args.attachment.clone(),
        from: 0,
    };
    let mut part = client.attachment_part(&query).await?;
    // Another file may come by this name meanwhile: from here on it is the one with this hash.
    query.attachment = part.hash.clone();
    let target = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(&part.name));
    if !args.force && target.symlink_metadata().is_ok() {
        return Err(text::attachment::exists(&target));
    }
    let draft = beside(&target);
    let mut draft = Draft::new(draft)?;
    let mut written = 0;
    while !part.content.is_empty() {
        written += part.content.len() as u64;
        draft.write(&part.content)?;
        query.from = part.next;
        part = client.attachment_part(&query).await?;
    }
    if written != part.bytes {
        return Err(text::attachment::torn(&target));
    }
    draft.place(&target, args.force)?;
    Ok(SavedFile {
        file: target,
        hash: part.hash,
        bytes: written,
    })
}

fn beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    PathBuf::from(name)
}

/// A file that is being written; gone unless it is put in its place.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn new(path: PathBuf) -> Result<Self, Failure> {
        // A signed paper is for whoever saves it, and nobody else on this machine.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let file = file.map_err(|error| text::fail::file(&path, &error))?;
        Ok(Self { path, file })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| text::fail::file(&self.path, &error))
    }

    fn place(self, target: &Path, may_replace: bool) -> Result<(), Failure> {
        let failed = |error: io::Error| text::fail::file(target, &error);
        self.file.sync_all().map_err(failed)?;
        if may_replace {
            return fs::rename(&self.path, target).map_err(failed);
        }
        // A link is made only where nothing is: another file may have come meanwhile.
        match fs::hard_link(&self.path, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(text::attachment::exists(target))
            }
            // Sticks have file systems without links.
            Err(_) if target.symlink_metadata().is_err() => {
                fs::rename(&self.path, target).map_err(failed)
            }
            linked => linked.map_err(failed),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Put in its place it is gone already, or a second name of the same file.
        let _is_gone = fs::remove_file(&self.path);
    }
}
