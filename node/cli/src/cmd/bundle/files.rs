//! Bundles as files: found in what was given, written whole or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use hopluu_engine::view::{BundlePlace, BundleView};
use hopluu_engine::{EnvelopeError, inspect};
use hopluu_model::NodeId;

use super::codes;
use crate::failure::Failure;
use crate::limits::BUNDLE_FILE_BYTES_MAX;
use crate::text;

/// The end of a bundle's name.
const EXTENSION: &str = "hlb";

/// A bundle that was found in a file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
}

/// What a file holds: a bundle, or a photo of several.
pub(super) fn read(path: &Path) -> Vec<Result<Found, Failure>> {
    let found = |bytes| Ok(Found { bytes });
    match read_bytes(path) {
        Ok(bytes) if codes::is_picture(&bytes) => match codes::read(path, &bytes) {
            Ok(codes) => codes.into_iter().map(found).collect(),
            Err(failure) => vec![Err(failure)],
        },
        other => vec![other.and_then(found)],
    }
}

pub(in crate::cmd) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| text::fail::file(path, &error))?;
    let mut bytes = Vec::new();
    file.take(BUNDLE_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| text::fail::file(path, &error))?;
    if bytes.len() as u64 > BUNDLE_FILE_BYTES_MAX {
        return Err(text::fail::too_large(path, BUNDLE_FILE_BYTES_MAX));
    }
    Ok(bytes)
}

/// Where bundles are written.
#[derive(Debug)]
pub(super) enum Target {
    /// Into a folder, under names that say from whom and for whom.
    Folder(PathBuf),
    /// Under this name, with the receiver and the part in it where there may be several.
    Named {
        path: PathBuf,
        is_many: bool,
        /// What was written, and for whom: a unit may have two nodes.
        written: BTreeMap<PathBuf, NodeId>,
    },
}

impl Target {
    /// From what was typed; `is_many` where more than one receiver is meant.
    pub(super) fn of(out: Option<&Path>, is_many: bool) -> Self {
        match out {
            None => Self::Folder(PathBuf::from(".")),
            Some(path) if path.is_dir() => Self::Folder(path.to_owned()),
            Some(path) => Self::Named {
                path: path.to_owned(),
                is_many,
                written: BTreeMap::new(),
            },
        }
    }

    /// Where a picture of a part goes, or with another ending the page of all parts.
    pub(super) fn beside(&self, bundle: &BundleView, extension: &str) -> PathBuf {
        self.path(bundle).with_extension(extension)
    }

    fn path(&self, bundle: &BundleView) -> PathBuf {
        let part = match bundle.parts {
            1 => String::new(),
            parts => format!("-{}of{parts}", bundle.part),
        };
        match self {
            Self::Folder(dir) => {
                let (from, to) = (name(&bundle.from), name(&bundle.to));
                let set = bundle.set.get(..8).unwrap_or_default();
                dir.join(format!("{from}-to-{to}-{set}{part}.{EXTENSION}"))
            }
            Self::Named { path, is_many, .. } => {
                let to = if *is_many {
                    format!("-{}", name(&bundle.to))
                } else {
                    String::new()
                };
                if to.is_empty() && part.is_empty() {
                    return path.clone();
                }
                with_stem(path, &format!("{to}{part}"))
            }
        }
    }

    /// Writes one bundle. What stands there is replaced if it is a bundle, else left alone.
    pub(super) fn write(&mut self, bundle: &BundleView, bytes: &[u8]) -> Result<PathBuf, Failure> {
        let mut path = self.path(bundle);
        if let Self::Named { written, .. } = self {
            let node = bundle.to.node;
            if written.get(&path).is_some_and(|other| *other != node) {
                path = with_stem(&path, &format!("-{}", node.short()));
            }
            written.insert(path.clone(), node);
        }
        if path.exists() && is_other(&path)? {
            return Err(text::bundle::not_ours(&path));
        }
        write_whole(&path, bytes)?;
        Ok(path)
    }
}

/// A file's name with more behind its stem.
fn with_stem(path: &Path, more: &str) -> PathBuf {
    let lossy = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    let stem = path.file_stem().map(lossy).unwrap_or_default();
    let extension = path.extension().map(lossy);
    let extension = extension.unwrap_or_else(|| EXTENSION.to_owned());
    path.with_file_name(format!("{stem}{more}.{extension}"))
}

/// Whether a file is anything but a bundle, damaged ones included.
fn is_other(path: &Path) -> Result<bool, Failure> {
    let bytes = read_bytes(path)?;
    Ok(matches!(inspect(&bytes), Err(EnvelopeError::OtherFile)))
}

/// Beside its place first, for its owner only, and synced: a stick is pulled out when the name is there.
pub(in crate::cmd) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let unwritten = |error: std::io::Error| text::fail::file(path, &error);
    let dir = folder(path);
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(unwritten)?;
    file.write_all(bytes).map_err(unwritten)?;
    file.as_file().sync_all().map_err(unwritten)?;
    file.persist(path).map_err(|error| unwritten(error.error))?;
    // Not every stick's file system can; the file is whole under one name or the other.
    let _as_far_as_it_goes = File::open(dir).and_then(|dir| dir.sync_all());
    Ok(())
}

/// Whether a file could be written there, for what cannot be taken back once it was asked for.
pub(in crate::cmd) fn must_be_writable(path: &Path) -> Result<(), Failure> {
    let probe = tempfile::tempfile_in(folder(path));
    let probe = probe.map_err(|error| text::fail::file(path, &error));
    probe.map(drop)
}

fn folder(path: &Path) -> &Path {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    dir.unwrap_or(Path::new("."))
}

/// A unit's code, and its office.
fn name(place: &BundlePlace) -> String {
    let code = place.unit.code.as_str();
    match &place.office {
        None => code.to_owned(),
        Some(office) => format!("{code}.{office}"),
    }
}
