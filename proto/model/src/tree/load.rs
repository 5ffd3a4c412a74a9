//! Snapshots of several days and the mappings between them, into one dated tree. Pure: text in.

use std::collections::BTreeMap;

use super::UnitTree;
use super::index::code_key;
use super::limits::UNITS_MAX;
use super::manifest::{LoadError, LoadProblem, Mapping, Snapshot, TreeManifest};
use super::table::{Table, file_text};
use super::text::{is_name, is_word};
use super::transition::Growth;
use super::unit::Share;
use crate::UnitCode;

/// Loads what a manifest names; `files` gives the text of a file by its name.
///
/// Units of the first snapshot are open to the past. What the mappings cannot date better is dated
/// by the snapshot that shows it first.
///
/// # Errors
/// The first thing that is wrong, with its file, line and cure.
pub fn load_snapshots(
    manifest: &TreeManifest,
    files: &dyn Fn(&str) -> Option<String>,
) -> Result<UnitTree, LoadError> {
    let mut growth = Growth::new(manifest);
    for snapshot in &manifest.snapshots {
        let text = file_text(files, &snapshot.file, snapshot.line)?;
        let rows = read_rows(manifest, snapshot, &text)?;
        let mut moves = Vec::new();
        for mapping in snapshot.wave.iter().flat_map(|wave| &wave.mappings) {
            let text = file_text(files, &mapping.file, mapping.line)?;
            read_moves(mapping, &text, &mut moves)?;
        }
        growth.grow(snapshot, rows, moves)?;
    }
    growth.finish()
}

/// The units of a snapshot by the [key](code_key) of their code.
pub(super) type Rows = BTreeMap<u128, Row>;

/// One unit of a snapshot.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) code: UnitCode,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) rank: usize,
    pub(super) parent: Option<UnitCode>,
}

/// One row of a mapping.
pub(super) struct Move<'a> {
    pub(super) file: &'a str,
    pub(super) line: u64,
    pub(super) old: UnitCode,
    pub(super) new: UnitCode,
    pub(super) heir: Option<bool>,
    pub(super) area: Share,
    pub(super) people: Share,
    pub(super) official: bool,
    /// True if the old unit was gone before, so that this row only follows its successor on.
    pub(super) is_chained: bool,
}

impl Move<'_> {
    pub(super) fn wrong(&self, problem: LoadProblem) -> LoadError {
        LoadError {
            file: self.file.to_owned(),
            line: self.line,
            problem,
        }
    }
}

const UNIT_COLUMNS: [&str; 5] = ["code", "name", "level", "kind", "parent_code"];

fn read_rows(manifest: &TreeManifest, snapshot: &Snapshot, text: &str) -> Result<Rows, LoadError> {
    let mut table = Table::open(&snapshot.file, text, &UNIT_COLUMNS, &[])?;
    let mut rows = Rows::new();
    while table.advance()? {
        let row = read_row(manifest, &table)?;
        if let Some(row) = rows.insert(code_key(&row.code), row) {
            return Err(table.wrong(LoadProblem::Twice(row.code.to_string())));
        }
        if rows.len() > UNITS_MAX {
            return Err(table.wrong(LoadProblem::Count("units")));
        }
    }
    check_rows(manifest, snapshot, &rows)?;
    Ok(rows)
}

fn read_row(manifest: &TreeManifest, table: &Table<'_>) -> Result<Row, LoadError> {
    let code: UnitCode = table.read("code", |text| text.parse().ok())?;
    let level = table.field("level").unwrap_or_default();
    let unknown = || table.wrong(LoadProblem::Level(level.to_owned()));
    let rank = manifest.rank(level).ok_or_else(unknown)?;
    let rule = manifest.levels.get(rank).ok_or_else(unknown)?;
    if let Some(digits) = rule.digits
        && digits != code.as_str().len()
    {
        let code = code.to_string();
        return Err(table.wrong(LoadProblem::Digits { code, digits }));
    }
    let parent = match table.field("parent_code").unwrap_or_default() {
        "" => None,
        _ => Some(table.read("parent_code", |text| text.parse().ok())?),
    };
    Ok(Row {
        line: table.line,
        code,
        name: table.read("name", |text| is_name(text).then(|| text.to_owned()))?,
        kind: table.read("kind", |text| is_word(text).then(|| text.to_owned()))?,
        rank,
        parent,
    })
}

fn check_rows(manifest: &TreeManifest, snapshot: &Snapshot, rows: &Rows) -> Result<(), LoadError> {
    let wrong = |line, problem| LoadError {
        file: snapshot.file.clone(),
        line,
        problem,
    };
    for row in rows.values() {
        let Some(code) = &row.parent else { continue };
        let parent = rows.get(&code_key(code));
        if parent.is_none_or(|parent| parent.rank >= row.rank) {
            return Err(wrong(row.line, LoadProblem::Parent(code.to_string())));
        }
    }
    for (level, expected) in &snapshot.counts {
        let rank = manifest.rank(level);
        let found = rows.values().filter(|row| Some(row.rank) == rank).count();
        if found != *expected {
            let (level, expected) = (level.clone(), *expected);
            let problem = LoadProblem::UnitCount {
                level,
                expected,
                found,
            };
            return Err(wrong(1, problem));
        }
    }
    Ok(())
}

const OPTIONAL_COLUMNS: [&str; 5] = ["heir", "area", "people", "basis", "via_code"];

fn read_moves<'a>(
    mapping: &'a Mapping,
    text: &str,
    moves: &mut Vec<Move<'a>>,
) -> Result<(), LoadError> {
    let needed = ["old_code", "new_code"];
    let mut table = Table::open(&mapping.file, text, &needed, &OPTIONAL_COLUMNS)?;
    while table.advance()? {
        let share = |column| match table.field(column) {
            None => Ok(Share::Unknown),
            Some(_) => table.read(column, read_share),
        };
        let heir = match table.field("heir") {
            None => None,
            Some(_) => Some(table.read("heir", |text| match text {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            })?),
        };
        let is_official = |basis: &str| mapping.official.iter().any(|word| word == basis);
        let via = table.field("via_code").unwrap_or_default();
        let (area, people) = (share("area")?, share("people")?);
        moves.push(Move {
            file: &mapping.file,
            line: table.line,
            old: table.read("old_code", |text| text.parse().ok())?,
            new: table.read("new_code", |text| text.parse().ok())?,
            heir,
            area,
            people,
            official: table.field("basis").is_none_or(is_official),
            is_chained: !via.is_empty(),
        });
        if moves.len() > UNITS_MAX {
            return Err(table.wrong(LoadProblem::Count("rows")));
        }
    }
    Ok(())
}

fn read_share(text: &str) -> Option<Share> {
    match text {
        "all" => Some(Share::All),
        "part" => Some(Share::Part),
        "none" => Some(Share::None),
        "unknown" => Some(Share::Unknown),
        _ => None,
    }
}
