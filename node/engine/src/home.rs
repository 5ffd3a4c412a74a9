//! A node's home folder: its key, its database, its settings, and the lock that keeps a second
//! process out.
//!
//! ```text
//! HOME/key         PKCS #8 in hex, mode 0600; never leaves this folder, not even in a backup
//! HOME/key.next    the one that is to take its place (`crate::rekey`)
//! HOME/store.key   of an encrypted home: the key of its database, wrapped (`crate::wrapped`)
//! HOME/store.db    everything else, SQLite; another takes its place by `crate::placing`
//! HOME/node.toml   addresses; takes its name last, so that its presence says the folder is whole
//! HOME/parcels/    what this node has made or carries for others, sealed
//! HOME/lock        held while a process works in the folder
//! HOME/session     who is logged in here, mode 0600; without it nobody is
//! HOME/api.sock    where the running node answers commands, mode 0600
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use hopluu_model::Fault;
use hopluu_net::{Proxy, Tcp, Tuning, key};
use hopluu_store::{Encryption, FILE_NAME};
use hopluu_trust::Signer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::enrol::is_address;
use crate::parcels::NeighbourSettings;
use crate::placing;
use crate::plan::{LinkFlaw, LinkSettings};
use crate::setup::SetupError;
use crate::wrapped::SecretError;

mod encrypted;

const SETTINGS: &str = "node.toml";

/// The key on its way to be the node's.
pub(crate) const KEY_NEXT: &str = "key.next";

/// The settings on their way: beside a database without settings, that both are of a beginning that was cut short.
const SETTINGS_BEGUN: &str = "node.toml.new";

/// Why a home folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Nothing is there.
    #[error("{} holds no node", .0.display())]
    Missing(PathBuf),
    /// A node is there already.
    #[error("{} holds a node already", .0.display())]
    Occupied(PathBuf),
    /// A part is missing: a join or an init was cut short, or somebody has lost it since.
    #[error("{} is not whole: {missing} is missing", dir.display())]
    HalfWritten {
        /// The folder.
        dir: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// Another process works in it.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// Cannot be written.
    #[error("{} cannot be written", dir.display())]
    ReadOnly {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file in it cannot be read or written.
    #[error("{} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key file does not hold a key.
    #[error("{} does not hold a key", .0.display())]
    Key(PathBuf),
    /// It is encrypted, and nothing was given that opens it.
    #[error("{} is encrypted, and neither passphrase nor key file is given", .0.display())]
    Closed(PathBuf),
    /// It is not encrypted.
    #[error("{} is not encrypted", .0.display())]
    NotEncrypted(PathBuf),
    /// What was given does not open it.
    #[error("{} cannot be opened", dir.display())]
    Secret {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// The settings do not parse.
    #[error("{} is not understood", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Nobody can be called at an address in the settings.
    #[error("`{address}` under `{key}` in {} is not an address HOST:PORT", path.display())]
    Address {
        /// The file.
        path: PathBuf,
        /// Where in it.
        key: &'static str,
        /// What stands there.
        address: String,
    },
    /// The settings of a link cannot be followed.
    #[error("the link to {address} in {} is not understood", path.display())]
    Link {
        /// The file.
        path: PathBuf,
        /// The link.
        address: String,
        /// Why.
        #[source]
        source: LinkFlaw,
    },
}

impl HomeError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::File { .. } | Self::ReadOnly { .. } | Self::Locked(_) => Fault::Local,
            Self::Secret { source, .. } => source.fault(),
            _ => Fault::Config,
        }
    }
}

/// The settings of a node: `node.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings {
    /// Address to listen on for other nodes; none means this node only dials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<std::net::SocketAddr>,
    /// Addresses of the nodes to keep a link to, usually the superior's.
    #[serde(default)]
    pub upstream: Vec<String>,
    /// Addresses that are called only while none of those answers, usually those of the superior's superior. Both
    /// at once would have everything sent twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standby: Vec<String>,
    /// Leaves TCP out, which else is used where QUIC over UDP is not answered, and listened to at `listen`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub udp_only: bool,
    /// Through whom calls by TCP go, as `http://[user:password@]host:port`. The environment is not asked.
    #[serde(default, with = "proxy_text", skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Whom parcels go to while there is no link to the superior, and that those of others are carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<NeighbourSettings>,
    /// How some of them are called, by address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub link: BTreeMap<String, LinkSettings>,
}

impl NodeSettings {
    /// Reads the settings of a folder, whether a node works in it or not.
    ///
    /// # Errors
    /// When the file cannot be read or is not understood.
    pub fn read(dir: &Path) -> Result<Self, HomeError> {
        let path = dir.join(SETTINGS);
        let text = fs::read_to_string(&path).map_err(|source| HomeError::File {
            path: path.clone(),
            source,
        })?;
        let parsed: Result<Self, _> = toml::from_str(&text);
        let settings = match parsed {
            Ok(settings) => settings,
            Err(source) => {
                let source = Box::new(source);
                return Err(HomeError::Settings { path, source });
            }
        };
        // Called for ever, it would only look like a superior that does not answer.
        if let Some((key, address)) = settings.bad_address() {
            let address = address.clone();
            return Err(HomeError::Address { path, key, address });
        }
        let is_called =
            |address| settings.upstream.contains(address) || settings.standby.contains(address);
        for (address, link) in &settings.link {
            let flaw = match link.check() {
                Ok(_) if is_called(address) => continue,
                Ok(_) => LinkFlaw::NotCalled,
                Err(flaw) => flaw,
            };
            let address = address.clone();
            return Err(HomeError::Link {
                path,
                address,
                source: flaw,
            });
        }
        Ok(settings)
    }

    /// The first address that nobody can be called at, and where it stands.
    fn bad_address(&self) -> Option<(&'static str, &String)> {
        let near = self.neighbours.as_ref();
        let near = near.map_or(&[][..], |near| &near.addresses);
        let all = [
            ("upstream", &self.upstream[..]),
            ("standby", &self.standby),
            ("neighbours.addresses", near),
        ];
        let mut each = all
            .into_iter()
            .flat_map(|(key, addresses)| addresses.iter().map(move |address| (key, address)));
        each.find(|(_, address)| !is_address(address))
    }

    /// How links of this node behave.
    pub(crate) fn tuning(&self) -> Tuning {
        Tuning {
            tcp: match (self.udp_only, self.listen) {
                (true, _) => Tcp::Off,
                (false, None) => Tcp::Calls,
                (false, Some(_)) => Tcp::Serves,
            },
            proxy: self.proxy.clone(),
            ..Tuning::default()
        }
    }
}

/// A proxy as text.
mod proxy_text {
    use hopluu_net::Proxy;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde hands over references")]
    pub(super) fn serialize<S: Serializer>(
        proxy: &Option<Proxy>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        proxy.as_ref().map(Proxy::text).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Proxy>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let proxy = text.map(|text| text.parse()).transpose();
        proxy.map_err(serde::de::Error::custom)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A home folder that this process holds alone.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    /// How its database is encrypted, once it was unlocked.
    encryption: Option<Encryption>,
    /// Held for its lock: the system releases it when the process ends, however it ends.
    _lock: File,
}

impl Home {
    /// Takes the folder of an existing node.
    ///
    /// # Errors
    /// When nothing is there, a part is missing, another process holds it, or it is read-only.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        let path = |name| dir.join(name);
        let present = |name| path(name).exists();
        let has_database = present(FILE_NAME) || placing::is_unfinished(&path(FILE_NAME));
        match (present("key"), has_database, present(SETTINGS)) {
            (false, false, false) => return Err(HomeError::Missing(dir.to_owned())),
            (true, true, true) => {}
            (key, db, _) => {
                let missing = match (key, db) {
                    (false, _) => "key",
                    (_, false) => FILE_NAME,
                    _ => SETTINGS,
                };
                return Err(HomeError::HalfWritten {
                    dir: dir.to_owned(),
                    missing,
                });
            }
        }
        Self::lock(dir)
    }

    /// Whether a node is there, and not only what a beginning that was cut short has left.
    #[must_use]
    pub fn is_occupied(dir: &Path) -> bool {
        let is_there = |name| dir.join(name).exists();
        is_there(SETTINGS) || (is_there(FILE_NAME) && !is_there(SETTINGS_BEGUN))
    }

    /// Takes a folder for a new node, creating it: an empty one, or one where a beginning was cut
    /// short, of which the key stays.
    ///
    /// # Errors
    /// When a node is there already, or the folder cannot be made or written.
    pub fn create(dir: &Path) -> Result<Self, HomeError> {
        fs::create_dir_all(dir).map_err(|source| HomeError::ReadOnly {
            dir: dir.to_owned(),
            source,
        })?;
        let home = Self::lock(dir)?;
        if Self::is_occupied(dir) {
            return Err(HomeError::Occupied(dir.to_owned()));
        }
        let path = home.database();
        placing::remove(&path).map_err(|source| HomeError::File { path, source })?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|source| {
            HomeError::ReadOnly {
                dir: dir.to_owned(),
                source,
            }
        })?;
        Ok(home)
    }

    /// Takes the folder of a node whose database may be missing or broken: its key is enough.
    ///
    /// # Errors
    /// When there is no key, another process holds the folder, or it is read-only.
    pub fn open_for_restore(dir: &Path) -> Result<Self, HomeError> {
        let present = |name| dir.join(name).exists();
        if !present("key") {
            // A database without its key is somebody's reports, not an empty folder.
            return Err(if present(FILE_NAME) || present(SETTINGS) {
                HomeError::HalfWritten {
                    dir: dir.to_owned(),
                    missing: "key",
                }
            } else {
                HomeError::Missing(dir.to_owned())
            });
        }
        Self::lock(dir)
    }

    fn lock(dir: &Path) -> Result<Self, HomeError> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(dir.join("lock"))
            .map_err(|source| HomeError::ReadOnly {
                dir: dir.to_owned(),
                source,
            })?;
        match lock.try_lock() {
            Ok(()) => {
                let database = dir.join(FILE_NAME);
                placing::finish(&database)
                    .and_then(|()| placing::clear(&database))
                    .map_err(|source| HomeError::File {
                        path: database.clone(),
                        source,
                    })?;
                Ok(Self {
                    dir: dir.to_owned(),
                    encryption: None,
                    _lock: lock,
                })
            }
            Err(TryLockError::WouldBlock) => Err(HomeError::Locked(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(HomeError::File {
                path: dir.join("lock"),
                source,
            }),
        }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.dir.join(FILE_NAME)
    }

    /// Where parcels are kept.
    #[must_use]
    pub fn parcels(&self) -> PathBuf {
        self.dir.join("parcels")
    }

    /// Where the running node answers commands.
    #[must_use]
    pub fn socket(dir: &Path) -> PathBuf {
        dir.join("api.sock")
    }

    /// The session that was opened last from this folder, if it was not ended.
    #[must_use]
    pub fn session(dir: &Path) -> Option<String> {
        let text = fs::read_to_string(dir.join("session")).ok()?;
        Some(text.trim().to_owned())
    }

    /// Remembers a session, so that the next command goes on in it; none where it has ended.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep_session(dir: &Path, session: Option<&str>) -> Result<(), HomeError> {
        let path = dir.join("session");
        let kept = match session {
            Some(session) => put_file(dir, &dir.join("session.new"), &path, session.as_bytes()),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        };
        kept.map_err(|source| HomeError::File { path, source })
    }

    /// Reads the key.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn signer(&self) -> Result<Signer, HomeError> {
        self.read_key("key")
    }

    fn read_key(&self, name: &str) -> Result<Signer, HomeError> {
        let path = self.dir.join(name);
        let text = fs::read_to_string(&path).map_err(|source| HomeError::File {
            path: path.clone(),
            source,
        })?;
        let text = self.opened(&path, &Zeroizing::new(text))?;
        let der = Zeroizing::new(HEXLOWER.decode(text.trim().as_bytes()).unwrap_or_default());
        Signer::from_pkcs8(&der).map_err(|_| HomeError::Key(path))
    }

    pub(crate) fn has_key(&self) -> bool {
        self.dir.join("key").exists()
    }

    /// The key of a new node: the one that a beginning cut short has left, or one drawn now. It is on
    /// disk before anybody certifies it, because a ticket is good for one key.
    pub(crate) fn begin_key(&self) -> Result<Signer, SetupError> {
        if self.has_key() {
            return Ok(self.signer()?);
        }
        let signer = key::generate()?;
        self.write_key(&signer)?;
        Ok(signer)
    }

    /// Takes back a key that nobody has certified.
    pub(crate) fn forget_key(&self) -> Result<(), HomeError> {
        self.remove("key")
    }

    /// The key that is to take the place of the one that is there, if a cut has left one.
    pub(crate) fn next_key(&self) -> Result<Option<Signer>, HomeError> {
        let is_there = self.has_next_key();
        is_there.then(|| self.read_key(KEY_NEXT)).transpose()
    }

    pub(crate) fn has_next_key(&self) -> bool {
        self.dir.join(KEY_NEXT).exists()
    }

    /// Writes it, if there is one.
    pub(crate) fn write_next_key(&self, signer: Option<&Signer>) -> Result<(), HomeError> {
        let Some(signer) = signer else { return Ok(()) };
        let text = self.key_text(signer)?;
        self.write(KEY_NEXT, text.as_bytes())
    }

    pub(crate) fn forget_next_key(&self) -> Result<(), HomeError> {
        self.remove(KEY_NEXT)
    }

    /// Has it take that place; the old key is gone.
    pub(crate) fn take_next_key(&self) -> Result<(), HomeError> {
        let path = self.dir.join("key");
        rename(&self.dir, &self.dir.join(KEY_NEXT), &path)
            .map_err(|source| HomeError::File { path, source })
    }

    fn remove(&self, name: &str) -> Result<(), HomeError> {
        let path = self.dir.join(name);
        fs::remove_file(&path).map_err(|source| HomeError::File { path, source })
    }

    /// Writes the key of a new node.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_key(&self, signer: &Signer) -> Result<(), HomeError> {
        let text = self.key_text(signer)?;
        self.write("key", text.as_bytes())
    }

    fn key_text(&self, signer: &Signer) -> Result<Zeroizing<String>, HomeError> {
        self.closed(&Zeroizing::new(HEXLOWER.encode(&signer.pkcs8())))
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// When the file cannot be read or is not understood.
    pub fn settings(&self) -> Result<NodeSettings, HomeError> {
        NodeSettings::read(&self.dir)
    }

    /// Writes the settings whole, or leaves the old ones.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_settings(&self, settings: &NodeSettings) -> Result<(), HomeError> {
        self.begin_settings(settings)?;
        self.finish_settings()
    }

    /// Writes the settings under the name that says that a beginning goes on.
    ///
    /// # Panics
    /// Never: settings are addresses, and addresses print.
    pub(crate) fn begin_settings(&self, settings: &NodeSettings) -> Result<(), HomeError> {
        let text = toml::to_string(settings).expect("settings are plain strings");
        let path = self.dir.join(SETTINGS_BEGUN);
        put_new(&path, text.as_bytes()).map_err(|source| HomeError::File { path, source })
    }

    /// Gives them their name: what else the folder needs is there.
    pub(crate) fn finish_settings(&self) -> Result<(), HomeError> {
        let path = self.dir.join(SETTINGS);
        rename(&self.dir, &self.dir.join(SETTINGS_BEGUN), &path)
            .map_err(|source| HomeError::File { path, source })
    }

    /// Writes a file beside its place and renames it there, so that a cut leaves old or new.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        let path = self.dir.join(name);
        let beside = self.dir.join(format!("{name}.new"));
        put_file(&self.dir, &beside, &path, bytes).map_err(|source| HomeError::File {
            path: path.clone(),
            source,
        })
    }
}

/// Writes a file beside its place in a folder and renames it there, so that a cut leaves old or new.
pub(crate) fn put_file(dir: &Path, beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    put_new(beside, bytes)?;
    rename(dir, beside, path)
}

fn put_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn rename(dir: &Path, from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
