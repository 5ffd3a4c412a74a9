//! Which snapshots make up a tree and how codes go on from one to the next, as a person writes it
//! (`tree.toml`); and what can be wrong with it and its tables.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::TreeFlaw;
use super::limits::{LEVELS_MAX, MAPPINGS_MAX, SNAPSHOTS_MAX, TREE_BYTES_MAX};
use super::text::{is_name, is_word, read_day};
use super::unit::Level;
use crate::Fault;
use crate::unit::UNIT_CODE_BYTES_MAX;

/// What errors call the manifest.
pub(super) const MANIFEST: &str = "tree.toml";

/// A place in a file of unit data, what is wrong there and what to do about it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file}:{line}: {problem}; {}", .problem.cure())]
pub struct LoadError {
    /// The file, as the manifest names it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: LoadProblem,
}

impl LoadError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// What is wrong in a manifest or table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LoadProblem {
    /// Not the TOML that a manifest is.
    #[error("{0}")]
    Toml(String),
    /// A day that is none, or not after the day of the snapshot before.
    #[error("`{0}` is not a day after that of the snapshot before")]
    Day(String),
    /// A file name that could lead out of the folder.
    #[error("`{0}` is not a plain file name")]
    FileName(String),
    /// Too many or none of something.
    #[error("it lists none or too many {0}")]
    Count(&'static str),
    /// The first snapshot says how codes go on, or a later one does not.
    #[error("the first snapshot has no `codes` and no mappings, every later one says `codes`")]
    Codes,
    /// A level that the manifest does not declare, or declares twice.
    #[error("level `{0}` is not declared once in the manifest")]
    Level(String),
    /// A file that could not be read.
    #[error("the file is not there")]
    FileMissing,
    /// A file over the bound.
    #[error("the file has more than {TREE_BYTES_MAX} bytes")]
    FileTooLong,
    /// A row that is not CSV, or has too many or few fields.
    #[error("{0}")]
    Csv(String),
    /// A column that is not there.
    #[error("there is no column `{0}`")]
    Column(&'static str),
    /// A field that cannot be read.
    #[error("`{text}` is not a {column}")]
    Field {
        /// Which column.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// A code of another length than its level has.
    #[error("code `{code}` has not the {digits} digits of its level")]
    Digits {
        /// The code.
        code: String,
        /// How many it should have.
        digits: usize,
    },
    /// A code or pair of codes that is listed twice.
    #[error("`{0}` is listed twice")]
    Twice(String),
    /// A parent that is not in the same file, or not of a higher level.
    #[error("parent `{0}` is not in this file with a higher level")]
    Parent(String),
    /// Not as many units of a level as the manifest says.
    #[error("{found} units of level `{level}`, but the manifest says {expected}")]
    UnitCount {
        /// The level.
        level: String,
        /// What the manifest says.
        expected: usize,
        /// What the file has.
        found: usize,
    },
    /// A code that goes on at another level.
    #[error("`{0}` goes on with another level")]
    LevelChanged(String),
    /// A mapping from a code that did not exist before.
    #[error("old code `{0}` did not exist on the day before")]
    OldUnknown(String),
    /// A mapping from a unit that did not end.
    #[error("old code `{0}` did not end on that day")]
    OldGoesOn(String),
    /// A mapping to a code that does not exist after.
    #[error("new code `{0}` is not in the snapshot")]
    NewUnknown(String),
    /// An old unit without exactly one heir.
    #[error("of the new units of `{0}` not exactly one is heir")]
    HeirNotOne(String),
    /// Everything can be read, but it makes no tree.
    #[error("it makes no sound tree: {0}")]
    Flaw(TreeFlaw),
}

impl LoadProblem {
    /// What the person who keeps the files can do.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Toml(_) => "compare with the manifest that is shipped",
            Self::Day(_) => "write YYYY-MM-DD and list the snapshots oldest first",
            Self::FileName(_) => {
                "use letters, digits, `.`, `-` and `_` and keep the file beside it"
            }
            Self::Count(_) => "list at least one and leave out what ended long ago",
            Self::Codes => "write codes = \"continue\" or codes = \"end\" on all but the first",
            Self::Level(_) => "add a [[level]] or correct the word",
            Self::FileMissing => "put the file beside the manifest or correct its name",
            Self::FileTooLong => "check that it is the right file",
            Self::Csv(_) => "give every row the same number of fields, in UTF-8",
            Self::Column(_) => "name the columns in the first row",
            Self::Field { .. } => {
                "correct the field; names are NFC, on one line, with single spaces"
            }
            Self::Digits { .. } => "keep codes as text: spreadsheets drop leading zeros",
            Self::Twice(_) => "keep one of the rows",
            Self::Parent(_) => "add the parent's row or correct the parent_code",
            Self::UnitCount { .. } => "look for lost rows, or correct the count in the manifest",
            Self::LevelChanged(_) => "give the new unit another code, or end all codes on that day",
            Self::OldUnknown(_) => "correct the code, or fill via_code if it ended earlier",
            Self::OldGoesOn(_) => "remove the row, or take the code out of the snapshot",
            Self::NewUnknown(_) => "correct the code or add the unit to the snapshot",
            Self::HeirNotOne(_) => "set heir to 1 in exactly one row of that old_code",
            Self::Flaw(_) => "correct the row of that unit",
        }
    }
}

/// A checked `tree.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeManifest {
    pub(super) levels: Vec<LevelRule>,
    pub(super) snapshots: Vec<Snapshot>,
}

/// A level and how long its codes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LevelRule {
    pub(super) level: Level,
    pub(super) digits: Option<usize>,
}

/// All units of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) on: Date,
    pub(super) file: String,
    /// Where the manifest names the file.
    pub(super) line: u64,
    pub(super) counts: BTreeMap<String, usize>,
    /// How codes come from the snapshot before; none for the first.
    pub(super) wave: Option<Wave>,
}

/// What happened between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wave {
    pub(super) codes: Codes,
    pub(super) alone: Vec<String>,
    pub(super) mappings: Vec<Mapping>,
}

/// What the same code on both sides means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Codes {
    /// The same unit.
    Continue,
    /// Nothing: every unit ended, but for those of some levels that took in nobody.
    End,
}

/// A table of who took over from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) file: String,
    pub(super) line: u64,
    /// Words of the `basis` column that mean an authority said so; without that column all do.
    pub(super) official: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    level: Vec<RawLevel>,
    snapshot: Vec<RawSnapshot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLevel {
    id: Spanned<String>,
    vi: String,
    en: String,
    code_digits: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSnapshot {
    on: Spanned<Datetime>,
    file: Spanned<String>,
    codes: Option<Codes>,
    #[serde(default)]
    continue_alone: Vec<Spanned<String>>,
    #[serde(default)]
    counts: BTreeMap<Spanned<String>, usize>,
    #[serde(default)]
    mapping: Vec<RawMapping>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    file: Spanned<String>,
    #[serde(default)]
    official: Vec<String>,
}

impl TreeManifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// The first line that is wrong, and its cure.
    pub fn parse(text: &str) -> Result<Self, LoadError> {
        let raw: RawManifest = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            wrong(text, start, LoadProblem::Toml(error.message().to_owned()))
        })?;
        if !(1..=LEVELS_MAX).contains(&raw.level.len()) {
            return Err(wrong(text, 0, LoadProblem::Count("levels")));
        }
        if !(1..=SNAPSHOTS_MAX).contains(&raw.snapshot.len()) {
            return Err(wrong(text, 0, LoadProblem::Count("snapshots")));
        }
        let mut manifest = Self {
            levels: Vec::new(),
            snapshots: Vec::new(),
        };
        for level in raw.level {
            manifest.push_level(text, level)?;
        }
        for snapshot in raw.snapshot {
            manifest.push_snapshot(text, snapshot)?;
        }
        Ok(manifest)
    }

    /// The files that it names, in the order in which they are read. Names are plain, without a
    /// folder, so a caller can join them to the manifest's own folder.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.snapshots.iter().flat_map(|snapshot| {
            let mappings = snapshot.wave.iter().flat_map(|wave| &wave.mappings);
            let mappings = mappings.map(|mapping| mapping.file.as_str());
            std::iter::once(snapshot.file.as_str()).chain(mappings)
        })
    }

    /// The place of a level from the top.
    pub(super) fn rank(&self, level: &str) -> Option<usize> {
        self.levels.iter().position(|rule| rule.level.id == level)
    }

    fn push_level(&mut self, text: &str, raw: RawLevel) -> Result<(), LoadError> {
        let start = raw.id.span().start;
        let id = raw.id.into_inner();
        let fits = is_word(&id)
            && self.rank(&id).is_none()
            && is_name(&raw.vi)
            && is_name(&raw.en)
            && raw
                .code_digits
                .is_none_or(|digits| digits <= UNIT_CODE_BYTES_MAX);
        if !fits {
            return Err(wrong(text, start, LoadProblem::Level(id)));
        }
        self.levels.push(LevelRule {
            level: Level {
                id,
                vi: raw.vi,
                en: raw.en,
            },
            digits: raw.code_digits,
        });
        Ok(())
    }

    fn push_snapshot(&mut self, text: &str, raw: RawSnapshot) -> Result<(), LoadError> {
        let typed = raw.on.get_ref().to_string();
        let before = self.snapshots.last().map(|snapshot| snapshot.on);
        let on = read_day(&typed).filter(|on| before.is_none_or(|before| before < *on));
        let on = on.ok_or_else(|| wrong(text, raw.on.span().start, LoadProblem::Day(typed)))?;
        let (file, line) = file_name(text, &raw.file)?;
        let levels = raw.counts.keys().chain(&raw.continue_alone);
        for level in levels {
            if self.rank(level.get_ref()).is_none() {
                let problem = LoadProblem::Level(level.get_ref().clone());
                return Err(wrong(text, level.span().start, problem));
            }
        }
        if raw.mapping.len() > MAPPINGS_MAX {
            return Err(wrong(
                text,
                raw.file.span().start,
                LoadProblem::Count("mappings"),
            ));
        }
        let mut mappings = Vec::new();
        for mapping in raw.mapping {
            let (file, line) = file_name(text, &mapping.file)?;
            mappings.push(Mapping {
                file,
                line,
                official: mapping.official,
            });
        }
        let alone = raw.continue_alone.into_iter().map(Spanned::into_inner);
        let alone: Vec<String> = alone.collect();
        let is_first = self.snapshots.is_empty();
        let wave = match raw.codes {
            Some(codes) if !is_first && (codes == Codes::End || alone.is_empty()) => Some(Wave {
                codes,
                alone,
                mappings,
            }),
            None if is_first && mappings.is_empty() && alone.is_empty() => None,
            _ => return Err(wrong(text, raw.file.span().start, LoadProblem::Codes)),
        };
        let counts = raw.counts.into_iter();
        self.snapshots.push(Snapshot {
            on,
            file,
            line,
            counts: counts
                .map(|(level, count)| (level.into_inner(), count))
                .collect(),
            wave,
        });
        Ok(())
    }
}

fn file_name(text: &str, raw: &Spanned<String>) -> Result<(String, u64), LoadError> {
    let name = raw.get_ref();
    let start = raw.span().start;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if name.bytes().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok((name.clone(), line_at(text, start)))
    } else {
        Err(wrong(text, start, LoadProblem::FileName(name.clone())))
    }
}

fn wrong(text: &str, at: usize, problem: LoadProblem) -> LoadError {
    LoadError {
        file: MANIFEST.to_owned(),
        line: line_at(text, at),
        problem,
    }
}

fn line_at(text: &str, at: usize) -> u64 {
    let breaks = text.bytes().take(at).filter(|b| *b == b'\n');
    (1..).nth(breaks.count()).unwrap_or(1)
}
