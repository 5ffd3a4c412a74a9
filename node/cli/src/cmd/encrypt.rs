//! `encrypt`, `decrypt`, `passphrase`: whether whoever takes the disk can read it.

use std::path::{Path, PathBuf};

use hopluu_engine::{Home, Secret, SecretKind, decrypt, encrypt, rewrap};
use serde::Serialize;

use crate::args::NewSecretArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::secret::{self, From};
use crate::text;

/// How a folder is now, as JSON.
#[derive(Debug, Serialize)]
struct EncryptedJson {
    encrypted: bool,
    opened_by: Vec<SecretKind>,
    /// What of it anybody can still read.
    readable: Vec<PathBuf>,
}

pub(super) async fn encrypt_home(context: &Context) -> Result<Exit, Failure> {
    let dir = free_dir(context).await?;
    // One that was cut half-way has its secret already.
    let secret = match secret::of_home(dir, context)? {
        Some(secret) => secret,
        None => secret::new(context.secret_files(), context.lang)?,
    };
    let done = encrypt(dir, &secret)?;
    answer(done.readable, context)
}

pub(super) async fn decrypt_home(context: &Context) -> Result<Exit, Failure> {
    let dir = free_dir(context).await?;
    decrypt(dir, &its_secret(dir, context)?)?;
    answer(Vec::new(), context)
}

pub(super) async fn change(args: &NewSecretArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = free_dir(context).await?;
    let secret = its_secret(dir, context)?;
    let from = From {
        passphrase_file: args.new_passphrase_file.as_deref(),
        key_file: args.new_key_file.as_deref(),
    };
    let new = secret::new(from, context.lang)?;
    rewrap(dir, &secret, &new)?;
    answer(Vec::new(), context)
}

/// What opens an encrypted folder.
fn its_secret(dir: &Path, context: &Context) -> Result<Secret, Failure> {
    if let Some(secret) = secret::of_home(dir, context)? {
        return Ok(secret);
    }
    // One that has lost its wrapped key is encrypted all the same.
    Home::open(dir)?.unlock(None)?;
    Err(text::secret::not_encrypted(dir))
}

/// The folder, if no node runs in it.
async fn free_dir(context: &Context) -> Result<&Path, Failure> {
    let dir = context.dir()?;
    if hopluu_api::is_served(dir).await {
        return Err(text::fail::still_running());
    }
    Ok(dir)
}

fn answer(readable: Vec<PathBuf>, context: &Context) -> Result<Exit, Failure> {
    let opened_by = Home::opened_by(context.dir()?)?;
    let json = EncryptedJson {
        encrypted: !opened_by.is_empty(),
        opened_by,
        readable,
    };
    context.answer(&json, |json| {
        text::secret::answer(&json.opened_by, &json.readable, context.lang)
    })?;
    Ok(if json.readable.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}
