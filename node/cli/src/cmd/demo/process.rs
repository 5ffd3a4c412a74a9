//! The one binary, as commands that end and as nodes that run.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hopluu_form::Lang;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::limits::{COMMAND_TIME_MAX, STOP_TIME_MAX};
use super::words::{self, Broken};

/// This program.
#[derive(Debug, Clone)]
pub(super) struct Program {
    file: PathBuf,
    lang: Lang,
}

impl Program {
    /// The file of the running process.
    pub(super) fn this(lang: Lang) -> Result<Self, Broken> {
        let file = std::env::current_exe().map_err(|error| words::no_program(&error))?;
        Ok(Self { file, lang })
    }

    /// The program's file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.file);
        let lang = if self.lang == Lang::En { "en" } else { "vi" };
        // A signal to the story's own group is the story's affair: it stops the nodes in order.
        command
            .arg("--home")
            .arg(home)
            .args(["--lang", lang])
            .process_group(0);
        // What a command writes by a name of its own comes to lie beside the homes.
        if let Some(folder) = home.parent() {
            command.current_dir(folder);
        }
        command
    }

    /// Runs a public command that must succeed, and gives what it printed.
    pub(super) async fn run(
        &self,
        home: &Path,
        args: &[&str],
        input: Option<&str>,
    ) -> Result<String, Broken> {
        let told = self.tell(home, args, input).await?;
        if told.code == Some(0) {
            Ok(told.out)
        } else {
            Err(words::refused(&args.join(" "), told.code, told.err.trim()))
        }
    }

    /// Runs a public command to its end.
    pub(super) async fn tell(
        &self,
        home: &Path,
        args: &[&str],
        input: Option<&str>,
    ) -> Result<Told, Broken> {
        let line = args.join(" ");
        let broken = |error: &std::io::Error| words::not_started(&line, error);
        let mut child = self
            .command(home)
            .args(args)
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken(&error))?;
        let stdin = child.stdin.take();
        let feeding = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A command that ends without reading says why in its answer.
                let _left_unread = stdin.write_all(input.as_bytes()).await;
            }
        };
        let ended = async { tokio::join!(feeding, child.wait_with_output()).1 };
        let ended = timeout(COMMAND_TIME_MAX, ended).await;
        let output = ended
            .map_err(|_| words::no_end(&line))?
            .map_err(|error| broken(&error))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Told {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        })
    }

    /// Starts a node; what it prints goes to a file.
    pub(super) fn start(&self, home: &Path, log: &Path, args: &[&str]) -> Result<Running, Broken> {
        let broken = |error: std::io::Error| words::not_started("run", &error);
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(broken)?;
        let mut command = self.command(home);
        command.arg("run").args(args);
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(broken)?)
            .stderr(log)
            .spawn()
            .map_err(broken)?;
        Ok(Running { child })
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

/// A node's process. It outlives its value: whoever drops one without ending it means to keep it.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
}

impl Running {
    /// Its id, until it has been waited for.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.to_string())
    }

    /// Asks it to stop in order.
    pub(super) fn ask_to_stop(&self) {
        send(self.id(), Signal::TERM);
    }

    /// Ends it as a power cut would.
    pub(super) fn kill(&self) {
        send(self.id(), Signal::KILL);
    }

    /// Waits until it is gone; one that does not stop in time is killed. Answers whether it ended by
    /// itself, and whether by SIGKILL.
    pub(super) async fn gone(&mut self) -> Ended {
        let Ok(status) = timeout(STOP_TIME_MAX, self.child.wait()).await else {
            // It may be stuck in the disk; the system ends it when that lets go.
            let _gone_meanwhile = self.child.kill().await;
            return Ended {
                is_orderly: false,
                is_killed: false,
            };
        };
        let status = status.ok();
        Ended {
            is_orderly: status.is_some_and(|status| status.success()),
            is_killed: status.and_then(|status| status.signal()) == Some(Signal::KILL.as_raw()),
        }
    }
}

/// How a node's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// By itself, with exit code 0.
    pub(super) is_orderly: bool,
    /// By SIGKILL before anybody asked it to stop.
    pub(super) is_killed: bool,
}

/// Sends a signal to a process of ours that has not been waited for, so that its id is still its own.
pub(super) fn send(id: Option<u32>, signal: Signal) {
    let id = id
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let Some(id) = id {
        // One that has just ended is what was wanted.
        let _ended_already = kill_process(id, signal);
    }
}

/// How long something takes that is waited for.
pub(super) fn seconds(time: Duration) -> String {
    format!("{},{:02}", time.as_secs(), time.subsec_millis() / 10)
}
