//! All nodes of the story: their folders, their processes, and the link that each has or has not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hopluu_api::{Client, ClientError};
use hopluu_engine::Home;
use tempfile::TempDir;
use tokio::time::sleep;

use super::cast::{Cast, OFFICES};
use super::limits::{LOOK_EVERY, WAIT_MAX};
use super::process::{Ended, Program, Running};
use super::words::{self, Broken};

/// Who has a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// The root.
    Province,
    /// Below it.
    District,
    /// By its place among the communes.
    Commune(usize),
    /// An office of the one commune whose offices have machines, by its place among them.
    Office(usize),
}

#[derive(Debug)]
struct Node {
    dir: PathBuf,
    log: PathBuf,
    process: Option<Running>,
    /// Where it listens, once it does; kept over restarts, because others know it.
    listen: Option<String>,
    /// Its superior's address while the link is cut.
    set_aside: Option<Vec<String>>,
    /// The file with the passphrase of its folder, where that is encrypted.
    secret: Option<PathBuf>,
}

/// Everything that was started, so that everything is stopped.
#[derive(Debug)]
pub(super) struct World {
    pub(super) program: Program,
    pub(super) cast: Cast,
    nodes: BTreeMap<Who, Node>,
    /// The last field: the folders go when the processes are gone.
    folder: TempDir,
}

impl World {
    /// An empty world in a temporary folder.
    pub(super) fn new(program: Program, cast: Cast) -> Result<Self, Broken> {
        let folder = tempfile::Builder::new().prefix("hopluu-demo-").tempdir();
        let folder = folder.map_err(|error| words::no_folder(&error))?;
        let mut world = Self {
            program,
            cast,
            nodes: BTreeMap::new(),
            folder,
        };
        for who in world.everybody() {
            let name = world.short_name(who);
            let node = Node {
                dir: world.folder.path().join(&name),
                log: world.folder.path().join(format!("{name}.log")),
                process: None,
                listen: None,
                set_aside: None,
                secret: None,
            };
            world.nodes.insert(who, node);
        }
        Ok(world)
    }

    /// The folder of all of it.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Province, district, communes, offices.
    pub(super) fn everybody(&self) -> Vec<Who> {
        let communes = (0..self.cast.communes.len()).map(Who::Commune);
        let offices = (0..OFFICES.len()).map(Who::Office);
        [Who::Province, Who::District]
            .into_iter()
            .chain(communes)
            .chain(offices)
            .collect()
    }

    /// The name of a node's folder: short, because a socket's path is.
    fn short_name(&self, who: Who) -> String {
        let code = |unit: &hopluu_model::UnitId| unit.code.to_string();
        match who {
            Who::Province => code(&self.cast.province.unit),
            Who::District => code(&self.cast.district.unit),
            Who::Commune(at) => self
                .cast
                .communes
                .get(at)
                .map_or_else(String::new, |player| code(&player.unit)),
            Who::Office(at) => {
                let commune = self.short_name(Who::Commune(super::cast::OFFICE_COMMUNE));
                format!("{commune}-{}", OFFICES.get(at).copied().unwrap_or_default())
            }
        }
    }

    fn node(&self, who: Who) -> &Node {
        self.nodes
            .get(&who)
            .expect("everybody has a node from the beginning")
    }

    fn node_mut(&mut self, who: Who) -> &mut Node {
        self.nodes
            .get_mut(&who)
            .expect("everybody has a node from the beginning")
    }

    /// A node's folder.
    pub(super) fn dir(&self, who: Who) -> &Path {
        &self.node(who).dir
    }

    /// A node's process id, while it runs.
    pub(super) fn process_id(&self, who: Who) -> Option<u32> {
        self.node(who).process.as_ref().and_then(Running::id)
    }

    /// Runs a public command in a node's folder.
    pub(super) async fn run(
        &self,
        who: Who,
        args: &[&str],
        input: Option<&str>,
    ) -> Result<String, Broken> {
        let node = self.node(who);
        let opened = opened_by(node.secret.as_deref());
        let args = [opened.as_slice(), args].concat();
        self.program.run(&node.dir, &args, input).await
    }

    /// A file beside the homes, with this line.
    pub(super) fn file(&self, name: &str, line: &str) -> Result<PathBuf, Broken> {
        let path = self.folder.path().join(name);
        let written = std::fs::write(&path, format!("{line}\n"));
        written.map_err(|error| words::no_folder(&error))?;
        Ok(path)
    }

    /// From now on a node's folder is encrypted, and this file opens it.
    pub(super) fn encrypted(&mut self, who: Who, secret: PathBuf) {
        self.node_mut(who).secret = Some(secret);
    }

    /// Where the passphrase of a node's folder is, if it is encrypted.
    pub(super) fn secret(&self, who: Who) -> Option<&Path> {
        self.node(who).secret.as_deref()
    }

    /// The door that the commands use, to look at a running node.
    pub(super) async fn client(&self, who: Who) -> Result<Client, Broken> {
        Client::running(self.dir(who))
            .await
            .map_err(|error| words::asked(&error))
    }

    /// Starts nodes side by side and waits until each answers.
    pub(super) async fn start(&mut self, whos: &[Who]) -> Result<(), Broken> {
        let program = self.program.clone();
        for who in whos {
            let node = self.node_mut(*who);
            let mut args = opened_by(node.secret.as_deref());
            if let Some(listen) = node.listen.as_deref() {
                args.extend(["--listen", listen]);
            }
            node.process = Some(program.start(&node.dir, &node.log, &args)?);
        }
        for who in whos {
            let listen = self.answered(*who).await?;
            self.node_mut(*who).listen = listen;
        }
        Ok(())
    }

    /// Waits for a node's first answer: where it listens.
    async fn answered(&mut self, who: Who) -> Result<Option<String>, Broken> {
        let begun = Instant::now();
        loop {
            if let Ok(client) = Client::running(self.dir(who)).await
                && let Ok(status) = client.status().await
            {
                return Ok(status.listen);
            }
            let name = self.short_name(who);
            let node = self.node_mut(who);
            let ended = node.process.as_mut().and_then(Running::ended);
            if ended.is_some() || begun.elapsed() > WAIT_MAX {
                let log = std::fs::read_to_string(&node.log).unwrap_or_default();
                return Err(words::no_start(&name, &log));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Stops nodes side by side, in order. Answers whether each stopped by itself.
    pub(super) async fn stop(&mut self, whos: &[Who]) -> bool {
        for who in whos {
            if let Some(process) = &self.node(*who).process {
                process.ask_to_stop();
            }
        }
        let mut is_orderly = true;
        for who in whos {
            is_orderly &= self.gone(*who).await.is_none_or(|ended| ended.is_orderly);
        }
        is_orderly
    }

    /// Waits for the end of a node that was asked to stop, or killed.
    pub(super) async fn gone(&mut self, who: Who) -> Option<Ended> {
        let node = self.node_mut(who);
        // It stays ours until it is gone, also if nobody waits to the end.
        let ended = node.process.as_mut()?.gone().await;
        node.process = None;
        Some(ended)
    }

    /// Cuts nodes off: they go on running, without an address to call.
    pub(super) async fn cut(&mut self, whos: &[Who]) -> Result<(), Broken> {
        self.stop(whos).await;
        for who in whos {
            let node = self.node_mut(*who);
            let upstream = change_upstream(&node.dir, Vec::new())?;
            node.set_aside.get_or_insert(upstream);
        }
        self.start(whos).await
    }

    /// Gives nodes their link back.
    pub(super) async fn mend(&mut self, whos: &[Who]) -> Result<(), Broken> {
        self.stop(whos).await;
        for who in whos {
            let node = self.node_mut(*who);
            if let Some(upstream) = node.set_aside.take() {
                change_upstream(&node.dir, upstream)?;
            }
        }
        self.start(whos).await
    }

    /// Has a node call one more address.
    pub(super) async fn calls_also(&mut self, who: Who, addr: &str) -> Result<(), Broken> {
        self.stop(&[who]).await;
        let dir = self.dir(who).to_owned();
        let mut upstream = change_upstream(&dir, Vec::new())?;
        upstream.push(addr.to_owned());
        change_upstream(&dir, upstream)?;
        self.start(&[who]).await
    }

    /// How many nodes run.
    pub(super) fn running(&self) -> usize {
        self.nodes
            .values()
            .filter(|node| node.process.is_some())
            .count()
    }

    /// Stops everything that runs, the lowest first, so that nobody is left calling.
    pub(super) async fn stop_all(&mut self) -> bool {
        let mut whos = self.everybody();
        whos.reverse();
        self.stop(&whos).await
    }

    /// Leaves everything running; the folder stays.
    pub(super) fn keep(mut self) -> PathBuf {
        for node in self.nodes.values_mut() {
            // The process outlives its value.
            node.process = None;
        }
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

impl Drop for World {
    /// After an error or a panic: nothing that was started here stays.
    fn drop(&mut self) {
        for node in self.nodes.values() {
            if let Some(process) = &node.process {
                process.kill();
            }
        }
    }
}

/// What a command on an encrypted folder begins with.
pub(super) fn opened_by(secret: Option<&Path>) -> Vec<&str> {
    let secret = secret.and_then(Path::to_str);
    secret.map_or(Vec::new(), |file| vec!["--home-passphrase-file", file])
}

/// Writes a stopped node's settings anew; answers the addresses it had.
fn change_upstream(dir: &Path, upstream: Vec<String>) -> Result<Vec<String>, Broken> {
    let change = || {
        let home = Home::open(dir)?;
        let mut settings = home.settings()?;
        let before = std::mem::replace(&mut settings.upstream, upstream);
        home.write_settings(&settings)?;
        Ok(before)
    };
    change().map_err(|error| words::asked(&ClientError::Home(error)))
}
