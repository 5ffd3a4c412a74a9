//! `root`: a root's key on paper, and a root from paper.

use std::path::{Path, PathBuf};

use hopluu_engine::{
    NewHome, NodeSettings, RootError, RootSetup, RootShare, SetupError, SharePage, now,
    root_backup, root_restore,
};
use hopluu_form::Lang;
use qrcode::EcLevel;
use serde::Serialize;

use super::bundle::codes::{Code, escaped, is_picture, read};
use super::bundle::files::{read_bytes, write_whole};
use crate::args::{RootBackupArgs, RootCommand, RootRestoreArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{secret, shipped, text};

pub(super) async fn run(command: RootCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        RootCommand::Backup(args) => backup(&args, context).await,
        RootCommand::Restore(args) => restore(&args, context),
    }
}

/// One share that was written. What it says is in the files alone.
#[derive(Debug, Serialize)]
struct ShareJson {
    number: u8,
    needed: u8,
    of: u8,
    file: PathBuf,
    page: PathBuf,
}

async fn backup(args: &RootBackupArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    if hopluu_api::is_served(dir).await {
        return Err(text::fail::still_running());
    }
    let secret = secret::of_home(dir, context)?;
    let pages = root_backup(dir, secret.as_ref(), args.needed, args.shares)?;
    std::fs::create_dir_all(&args.out).map_err(|error| text::fail::file(&args.out, &error))?;
    let files = |share: &RootShare| {
        let name = format!("root-share-{}of{}", share.number, share.of);
        ["txt", "html"].map(|kind| args.out.join(format!("{name}.{kind}")))
    };
    // Shares of two backups do not go together, and those of the first may be all there is of it.
    let mut all = pages.iter().flat_map(|page| files(&page.share));
    if let Some(there) = all.find(|path| path.symlink_metadata().is_ok()) {
        return Err(text::audit::exists(&there));
    }
    let mut written = Vec::new();
    for page in &pages {
        let share = &page.share;
        let [file, sheet] = files(share);
        write_whole(&file, format!("{}\n", *page.text).as_bytes())?;
        write_whole(&sheet, paper(page, context.lang).as_bytes())?;
        written.push(ShareJson {
            number: share.number,
            needed: share.needed,
            of: share.of,
            file,
            page: sheet,
        });
    }
    context.answer(&written, |written| {
        let lines = written.iter().map(|one| one.page.display().to_string());
        lines.collect::<Vec<_>>().join("\n")
    })?;
    if !context.is_json {
        context.note(&text::root::written(args.needed));
    }
    Ok(Exit::Done)
}

/// A page to print: the code, and the same as text for when it cannot be read.
fn paper(page: &SharePage, lang: Lang) -> String {
    let share = &page.share;
    let title = escaped(&text::root::title(share, lang));
    let how = escaped(&text::root::how(share, lang));
    let code = Code::of(page.text.as_bytes(), EcLevel::M).map(|code| code.svg());
    let (svg, text) = (code.unwrap_or_default(), escaped(&page.text));
    let lang = text::word(lang, "vi", "en");
    format!(
        "<!doctype html>\n<html lang=\"{lang}\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <style>body{{font:12pt serif;margin:2cm}}svg{{width:11cm;height:11cm}}\
         pre{{font:11pt monospace;white-space:pre-wrap;overflow-wrap:anywhere}}</style>\n\
         <h1>{title}</h1>\n<p>{how}</p>\n{svg}\n<pre>{text}</pre></html>\n"
    )
}

fn restore(args: &RootRestoreArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    let mut shares = Vec::new();
    for file in &args.files {
        shares.extend(shares_in(file)?);
    }
    let setup = RootSetup {
        // The shares say it.
        unit: String::new(),
        tree: shipped::tree_or(args.units.as_deref())?,
        forms: shipped::forms_or(&args.form)?,
        home: NewHome {
            settings: NodeSettings {
                listen: args.listen,
                ..NodeSettings::default()
            },
            secret: super::init::new_secret(args.encrypt, context)?,
            admin: None,
        },
    };
    let done = root_restore(dir, &shares, setup, now())?;
    super::init::answer(&done, dir, context)
}

/// What a text says, or every code in a photo.
fn shares_in(path: &Path) -> Result<Vec<String>, Failure> {
    let bytes = read_bytes(path)?;
    let texts = if is_picture(&bytes) {
        read(path, &bytes)?
    } else {
        vec![bytes]
    };
    let text = |bytes| String::from_utf8(bytes).map_err(|_| text::fail::not_utf8(path));
    texts.into_iter().map(text).collect()
}

impl From<RootError> for Failure {
    fn from(error: RootError) -> Self {
        match error {
            RootError::Setup(error) => SetupError::into(error),
            other => text::root::failure(&other),
        }
    }
}
