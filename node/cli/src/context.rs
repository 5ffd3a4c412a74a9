//! What every command has: the folder, the language, and where its words go.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hopluu_api::text::Both;
use hopluu_api::{Client, ClientError, take_home};
use hopluu_engine::Secret;
use hopluu_form::{Lang, Style};
use serde::Serialize;

use crate::args::Cli;
use crate::failure::Failure;
use crate::text::screen;
use crate::{secret, text};

/// The circumstances of a command.
#[derive(Debug)]
pub(crate) struct Context {
    home: Option<PathBuf>,
    pub(crate) lang: Lang,
    pub(crate) is_json: bool,
    home_passphrase_file: Option<PathBuf>,
    home_key_file: Option<PathBuf>,
    /// What was typed to open the folder, so that one command asks once.
    secret: OnceLock<Secret>,
}

impl Context {
    pub(crate) fn new(cli: &Cli) -> Self {
        let home = cli.home.clone().or_else(default_home);
        Self {
            home,
            lang: cli.lang.into(),
            is_json: cli.json,
            home_passphrase_file: cli.home_passphrase_file.clone(),
            home_key_file: cli.home_key_file.clone(),
            secret: OnceLock::new(),
        }
    }

    /// The node's folder.
    pub(crate) fn dir(&self) -> Result<&Path, Failure> {
        self.home.as_deref().ok_or_else(text::fail::no_home)
    }

    /// What opened the folder earlier in this command.
    pub(crate) fn secret(&self) -> &OnceLock<Secret> {
        &self.secret
    }

    /// Where the secret of an encrypted folder is, if not in somebody's head.
    pub(crate) fn secret_files(&self) -> secret::From<'_> {
        secret::From {
            passphrase_file: self.home_passphrase_file.as_deref(),
            key_file: self.home_key_file.as_deref(),
        }
    }

    /// How figures are printed.
    pub(crate) fn style(&self) -> Style {
        self.lang.into()
    }

    /// The running node, or its engine in this process.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let dir = self.dir()?;
        let Some(mut home) = take_home(dir).await? else {
            return Ok(Client::running(dir).await?);
        };
        home.unlock(secret::of_home(dir, self)?.as_ref())?;
        Ok(Client::within(home)?)
    }

    /// Asks the node one thing and leaves it in order, whatever it answers.
    pub(crate) async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, ClientError>,
    ) -> Result<T, Failure> {
        let client = self.client().await?;
        let answer = question(&client).await;
        client.close().await;
        Ok(answer?)
    }

    /// Prints an answer: as JSON if that was asked for, else as `text` says.
    pub(crate) fn answer<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        if self.is_json {
            let json =
                serde_json::to_string_pretty(answer).expect("the shapes of answers are plain JSON");
            self.print(&screen::json(&json))
        } else {
            self.print(&screen::page(text(answer).trim_end()))
        }
    }

    /// Prints lines to standard output.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{text}").and_then(|()| out.flush());
        written.map_err(|error| text::fail::output(&error))
    }

    /// Tells a person something beside the answer.
    pub(crate) fn note(&self, words: &Both) {
        // Where standard error is closed nobody wants to hear it.
        let _nobody_listens = writeln!(io::stderr(), "{}", screen::page(words.in_lang(self.lang)));
    }

    /// Says why a command was not carried out.
    pub(crate) fn report(&self, failure: &Failure) {
        let Some(problem) = failure.problem() else {
            return;
        };
        let text = if self.is_json {
            serde_json::to_string(problem).expect("a problem is plain JSON")
        } else {
            text::fail::lines(problem, self.lang)
        };
        let text = screen::page(&text);
        // Where standard error is closed the exit code still says it.
        let _nobody_listens = writeln!(io::stderr(), "{text}");
    }

    /// Whether a person watches standard error.
    pub(crate) fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }
}

/// `hopluu` in the user's data folder.
fn default_home() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute());
    let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local").join("share")));
    data.map(|data| data.join("hopluu"))
}
