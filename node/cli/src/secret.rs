//! What opens an encrypted folder: read from a file, or asked for at the terminal, and never typed into a
//! command, where others see it.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use hopluu_engine::{Home, Secret, SecretKind};
use hopluu_form::Lang;
use zeroize::Zeroizing;

use crate::cmd::input::read_given;
use crate::context::Context;
use crate::failure::Failure;
use crate::limits::SECRET_FILE_BYTES_MAX;
use crate::text;

/// Files that a secret may come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From<'a> {
    pub(crate) passphrase_file: Option<&'a Path>,
    pub(crate) key_file: Option<&'a Path>,
}

impl From<'_> {
    /// What the files say; none where there is no file.
    pub(crate) fn read(self) -> Result<Option<Secret>, Failure> {
        if let Some(path) = self.key_file {
            return read_key_file(path).map(Some);
        }
        let Some(path) = self.passphrase_file else {
            return Ok(None);
        };
        let text = Zeroizing::new(read_given(path, SECRET_FILE_BYTES_MAX)?);
        let line = text.lines().next().unwrap_or_default();
        Ok(Some(
            Secret::passphrase(line).map_err(|error| text::secret::wrong(&error))?,
        ))
    }
}

/// What opens a folder, if it is encrypted.
pub(crate) fn of_home(dir: &Path, context: &Context) -> Result<Option<Secret>, Failure> {
    let kinds = Home::opened_by(dir)?;
    if kinds.is_empty() {
        return Ok(None);
    }
    if let Some(known) = context.secret().get() {
        return Ok(Some(known.clone()));
    }
    if let Some(given) = context.secret_files().read()? {
        return Ok(Some(given));
    }
    if !kinds.contains(&SecretKind::Passphrase) {
        return Err(text::secret::key_file_needed());
    }
    let asked = ask(text::secret::passphrase(context.lang))?;
    Ok(Some(context.secret().get_or_init(|| asked).clone()))
}

/// What is to open a folder that is encrypted now.
pub(crate) fn new(from: From<'_>, lang: Lang) -> Result<Secret, Failure> {
    if let Some(given) = from.read()? {
        return Ok(given);
    }
    let first = typed(text::secret::new_passphrase(lang))?;
    let secret = Secret::passphrase(&first).map_err(|error| text::secret::wrong(&error))?;
    if *typed(text::secret::once_more(lang))? == *first {
        Ok(secret)
    } else {
        Err(text::secret::not_the_same())
    }
}

/// Asks for a passphrase that is there already.
pub(crate) fn ask(prompt: &str) -> Result<Secret, Failure> {
    Secret::passphrase(&typed(prompt)?).map_err(|error| text::secret::wrong(&error))
}

/// Whether somebody is there: a script is never kept waiting.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Asks for something that is not shown.
pub(crate) fn typed(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if !can_ask() {
        return Err(text::secret::nobody_to_ask());
    }
    let typed = rpassword::prompt_password(format!("{prompt}: "));
    typed
        .map(Zeroizing::new)
        .map_err(|error| text::secret::no_terminal(&error))
}

fn read_key_file(path: &Path) -> Result<Secret, Failure> {
    let failed = |error| text::fail::file(path, &error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(SECRET_FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Secret::key_file(&bytes).map_err(|error| text::secret::wrong(&error))
}
