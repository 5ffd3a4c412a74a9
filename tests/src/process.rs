//! Real nodes: the program as people run it, each in a home folder of its own.

use std::fs::OpenOptions as FileOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use hopluu_api::Client;
use hopluu_api::shape::TicketRequest;
use hopluu_engine::{NewHome, NodeSettings, RootSetup, init_root, join, now};
use hopluu_model::tree::{TreeManifest, UnitTree, load_snapshots};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::{program, repository};

/// A node that is not ready by then never will be, on any machine that runs tests.
const START_SECS_MAX: u64 = 60;

/// A node that was asked to stop and has not by then hangs.
const STOP_SECS_MAX: u64 = 30;

/// The text of a form that comes with the program.
///
/// # Errors
/// When there is none of this name.
pub fn shipped_form(name: &str) -> anyhow::Result<String> {
    let path = repository().join("config/forms").join(name);
    std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

/// The tree of units that comes with the program: the whole country, before and after 2025.
///
/// # Errors
/// When its tables cannot be read.
pub fn shipped_tree() -> anyhow::Result<UnitTree> {
    let dir = repository().join("config/units");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
    let manifest = read("tree.toml").context("read the manifest of the tree")?;
    Ok(load_snapshots(&TreeManifest::parse(&manifest)?, &read)?)
}

/// Ports that a person would give a node: those that the system hands out for calls begin above, and could be taken
/// between two starts of a node.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// An address on this machine that nobody listens on, so that a node keeps it over its restarts.
///
/// # Errors
/// When the system has none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    for _ in 0..64 {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, rand::random_range(PORTS)));
        // By both transports: a node listens on either.
        if UdpSocket::bind(addr).is_ok() && TcpListener::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
    bail!("no port is free for UDP and TCP");
}

/// Makes the home of a root with the form of the annex, listening on this machine.
///
/// # Errors
/// When the folder is taken or the unit unknown.
pub fn make_root(dir: &Path, unit: &str) -> anyhow::Result<()> {
    make_root_with(dir, unit, &[])
}

/// The same, with more forms.
///
/// # Errors
/// Also when a form is not valid.
pub fn make_root_with(dir: &Path, unit: &str, forms: &[&str]) -> anyhow::Result<()> {
    let annex = shipped_form("pcmd-review.toml")?;
    let others = forms.iter().map(|form| (*form).to_owned());
    let forms = std::iter::once(annex).chain(others);
    let setup = RootSetup {
        unit: unit.to_owned(),
        tree: shipped_tree()?,
        forms: forms.map(|form| (form, Vec::new())).collect(),
        home: NewHome {
            settings: NodeSettings {
                listen: Some(free_address()?),
                ..NodeSettings::default()
            },
            ..NewHome::default()
        },
    };
    init_root(dir, &setup, now()).context("make the root")?;
    Ok(())
}

/// A node in a process of its own. Dropping it kills the process.
#[derive(Debug)]
pub struct NodeProcess {
    child: Child,
    pid: u32,
    dir: PathBuf,
    /// Held, or the node would find nobody to tell.
    _says: BufReader<ChildStdout>,
}

impl NodeProcess {
    /// Starts `hopluu run` and waits until it serves links and commands. Its log goes to a file beside
    /// the home folder.
    ///
    /// # Errors
    /// When it ends, or says nothing, before it is ready.
    pub async fn start(dir: &Path) -> anyhow::Result<Self> {
        let log = dir.with_extension("log");
        let log = FileOptions::new().create(true).append(true).open(log)?;
        let mut child = Command::new(program())
            .arg("--home")
            .arg(dir)
            .args(["--json", "run"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("start the program")?;
        let pid = child.id().context("the program has ended")?;
        let stdout = child.stdout.take().context("the program has no output")?;
        let mut says = BufReader::new(stdout);
        let mut line = String::new();
        let limit = Duration::from_secs(START_SECS_MAX);
        timeout(limit, says.read_line(&mut line))
            .await
            .context("the node is not ready in time")??;
        if !line.contains("\"ready\"") {
            bail!(
                "the node did not start: see {}",
                dir.with_extension("log").display()
            );
        }
        let dir = dir.to_owned();
        Ok(Self {
            child,
            pid,
            dir,
            _says: says,
        })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its home folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Asks it over its socket.
    ///
    /// # Errors
    /// When it does not serve any more.
    pub async fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::running(&self.dir).await?)
    }

    /// Invites a unit below, or an office of its own, which joins in this new home folder.
    ///
    /// # Errors
    /// When the node refuses, or the folder is taken.
    pub async fn take_in(
        &self,
        unit: Option<&str>,
        office: Option<&str>,
        dir: &Path,
    ) -> anyhow::Result<()> {
        let asked = TicketRequest {
            unit: unit.map(str::to_owned),
            office: office.map(str::to_owned),
            addresses: Vec::new(),
            hours: 1,
        };
        let ticket = self.client().await?.invite(&asked).await?.ticket;
        join(dir, &ticket, NewHome::default(), now())
            .await
            .context("join with the ticket")?;
        Ok(())
    }

    /// Ends it without warning, as a power cut does: kill -9.
    ///
    /// # Errors
    /// When the system does not.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("kill the node")
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not end in time, or not well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process has a number")?, Signal::TERM)?;
        let limit = Duration::from_secs(STOP_SECS_MAX);
        let status = timeout(limit, self.child.wait())
            .await
            .context("the node does not stop")??;
        ensure!(status.success(), "the node stopped with {status}");
        Ok(())
    }
}
