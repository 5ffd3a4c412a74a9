//! The dated tree of units: any depth, levels named by data, parents valid from a day, successors.
//!
//! ```text
//! snapshots + mappings --load--> UnitTree --restrict--> UnitTree of one node's line
//!                                   ^  |
//!        TreeEvent, in any order ---+  +-- encode / decode: the text that is handed down
//! ```
//! A unit is a code and the day it began, because codes are used again. It ends on a day, leaves
//! successors of which one is its heir, and stays in the tree for ever, so that every period can
//! be read by the tree of its day.
//!
//! - A tree is a pure function of its base and the *set* of its events.
//! - Every parent exists as long as its child is below it, and is of a higher level: so every
//!   path ends at a root and no circle can be written down.

mod decode;
mod encode;
mod event;
mod fold;
mod index;
pub mod limits;
mod load;
mod manifest;
mod resolve;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod transition;
mod unit;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

pub use decode::{DecodeProblem, TreeDecodeError};
pub use event::{EventDecodeError, EventError, TreeEvent, VoidEvent};
pub use index::{Flaw, TreeFlaw};
use jiff::civil::Date;
pub use load::load_snapshots;
pub use manifest::{LoadError, LoadProblem, TreeManifest};
pub use resolve::{Candidate, ResolveError};
pub use unit::{Former, Level, ParentSpan, Share, Successor, Unit};

use self::event::EventSet;
use self::index::{Index, index, number};
use crate::{Digest, UnitId};

/// The dated tree of administrative units. See the module.
///
/// Cheap to share (`Arc`), not meant to be cloned often. A restricted tree answers the same as the
/// whole one about everything it [covers](Self::covers).
///
/// ```
/// use hopluu_model::{Date, TreeManifest, load_snapshots};
///
/// let manifest = TreeManifest::parse(
///     r#"
///     level = [
///         { id = "province", vi = "cấp tỉnh", en = "province" },
///         { id = "commune", vi = "cấp xã", en = "commune" },
///     ]
///     snapshot = [
///         { on = 2024-05-01, file = "2024.csv" },
///         { on = 2025-07-01, file = "2025.csv", codes = "end", continue_alone = ["province"],
///           mapping = [{ file = "map.csv" }] },
///     ]"#,
/// )?;
/// let tree = load_snapshots(&manifest, &|file| {
///     let columns = "code,name,level,kind,parent_code\n01,Tỉnh A,province,tinh,\n";
///     Some(match file {
///         "2024.csv" => format!("{columns}00101,Xã B,commune,xa,01\n00102,Xã C,commune,xa,01\n"),
///         "2025.csv" => format!("{columns}00101,Xã D,commune,xa,01\n"),
///         _ => "old_code,new_code\n01,01\n00101,00101\n00102,00101\n".to_owned(),
///     })
/// })?;
/// let (then, now) = (Date::constant(2020, 12, 14), Date::constant(2026, 6, 14));
/// let province = tree.resolve("01", None)?;
/// assert_eq!(tree.children(&province, then).len(), 2);
/// assert_eq!(tree.children(&province, now).len(), 1);
/// // A code that is used again names two units: the day says which.
/// assert!(tree.resolve("00101", None).is_err());
/// let old = tree.resolve("00102", Some(then))?;
/// let heir = tree.resolve("00101", Some(now))?;
/// assert_eq!(tree.heir_on(&old, now), Some(&heir));
/// assert!(tree.is_at_or_below(&old, &heir));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct UnitTree {
    levels: Vec<Level>,
    scope: Vec<UnitId>,
    units: Vec<Arc<Unit>>,
    index: Index,
    /// What the events are folded onto; the units themselves while there are none.
    base: Option<Vec<Arc<Unit>>>,
    events: EventSet,
    void: Vec<VoidEvent>,
    version: OnceLock<Digest>,
}

impl PartialEq for UnitTree {
    /// Whether both say the same of the same units, whatever base and events they come from.
    fn eq(&self, other: &Self) -> bool {
        self.levels == other.levels && self.scope == other.scope && self.units == other.units
    }
}

impl Eq for UnitTree {}

impl UnitTree {
    /// A tree of these units, in any order. `levels` go from the top down.
    ///
    /// # Errors
    /// The first rule that a unit breaks.
    pub fn new(levels: Vec<Level>, units: Vec<Unit>) -> Result<Self, TreeFlaw> {
        for unit in &units {
            check_fields(&levels, unit).map_err(|flaw| TreeFlaw {
                unit: unit.id.clone(),
                flaw,
            })?;
        }
        Self::of(levels, Vec::new(), units)
    }

    /// Of units whose fields have been checked.
    fn of(levels: Vec<Level>, scope: Vec<UnitId>, units: Vec<Unit>) -> Result<Self, TreeFlaw> {
        let mut units: Vec<_> = units.into_iter().map(Arc::new).collect();
        units.sort_by_cached_key(|unit| index::key(&unit.id));
        Self::assemble(levels, scope, units)
    }

    fn assemble(
        levels: Vec<Level>,
        scope: Vec<UnitId>,
        units: Vec<Arc<Unit>>,
    ) -> Result<Self, TreeFlaw> {
        Ok(Self {
            index: Index::build(&levels, &units)?,
            levels,
            scope,
            units,
            base: None,
            events: EventSet::default(),
            void: Vec::new(),
            version: OnceLock::new(),
        })
    }

    /// The levels, top first.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// One level by its word.
    #[must_use]
    pub fn level(&self, id: &str) -> Option<&Level> {
        self.levels.iter().find(|level| level.id == id)
    }

    /// Number of units, ended ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether there is no unit at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// One unit.
    #[must_use]
    pub fn unit(&self, id: &UnitId) -> Option<&Unit> {
        self.at(self.index.find(id)?)
    }

    /// All units, ended ones included, by id.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().map(AsRef::as_ref)
    }

    /// The units that exist on that day, by id.
    pub fn units_on(&self, on: Date) -> impl Iterator<Item = &Unit> {
        self.units().filter(move |unit| unit.exists_on(on))
    }

    /// The units without a parent that exist on that day, by id.
    pub fn roots(&self, on: Date) -> impl Iterator<Item = &UnitId> {
        let roots = self.units_on(on).filter(|unit| unit.parents.is_empty());
        roots.map(|unit| &unit.id)
    }

    /// Whether the unit is known and exists on that day.
    #[must_use]
    pub fn exists_on(&self, id: &UnitId, on: Date) -> bool {
        self.unit(id).is_some_and(|unit| unit.exists_on(on))
    }

    /// The units directly below on that day, by id.
    #[must_use]
    pub fn children(&self, id: &UnitId, on: Date) -> Vec<&UnitId> {
        let Some(unit) = self.index.find(id) else {
            return Vec::new();
        };
        let children = self.index.children(unit, on);
        children.filter_map(|child| self.id_at(child)).collect()
    }

    /// The unit directly above on that day.
    #[must_use]
    pub fn parent(&self, id: &UnitId, on: Date) -> Option<&UnitId> {
        let unit = self.index.find(id)?;
        self.id_at(self.index.parent(unit, on)?)
    }

    /// The line from the root down to the unit itself on that day; empty when it did not exist.
    #[must_use]
    pub fn path(&self, id: &UnitId, on: Date) -> Vec<UnitId> {
        let start = self.index.find(id).filter(|_| self.exists_on(id, on));
        let up = std::iter::successors(start, |unit| self.index.parent(*unit, on));
        let mut path: Vec<_> = up.filter_map(|unit| self.id_at(unit).cloned()).collect();
        path.reverse();
        path
    }

    /// All units below on that day, without the unit itself, by id.
    #[must_use]
    pub fn descendants(&self, id: &UnitId, on: Date) -> Vec<UnitId> {
        self.ids(self.numbers_below(id, on))
    }

    /// The units below on that day that have nobody below them, or the unit itself if it has
    /// nobody; by id. Empty when it does not exist on that day.
    #[must_use]
    pub fn leaves_below(&self, id: &UnitId, on: Date) -> Vec<UnitId> {
        if !self.exists_on(id, on) {
            return Vec::new();
        }
        let mut below = self.numbers_below(id, on);
        if below.is_empty() {
            return vec![id.clone()];
        }
        below.retain(|unit| self.index.children(*unit, on).next().is_none());
        self.ids(below)
    }

    /// Whether the unit is `above` itself, or was below it on any day, or has come below it
    /// through heirs (its own, or those of a unit it was below): the scope of what a node holds.
    ///
    /// Once true it stays true, whatever happens to the tree later.
    #[must_use]
    pub fn is_at_or_below(&self, unit: &UnitId, above: &UnitId) -> bool {
        if unit == above {
            return true;
        }
        let numbers = self.index.find(unit).zip(self.index.find(above));
        numbers.is_some_and(|(unit, above)| self.index.above(unit).contains(&above))
    }

    /// Whether either is at or below the other.
    #[must_use]
    pub fn related(&self, a: &UnitId, b: &UnitId) -> bool {
        let is_below = |unit, above| self.index.above(unit).contains(&above);
        let numbers = || self.index.find(a).zip(self.index.find(b));
        a == b || numbers().is_some_and(|(a, b)| is_below(a, b) || is_below(b, a))
    }

    /// All units that are [at or below](Self::is_at_or_below) this one, by id.
    #[must_use]
    pub fn ever_below(&self, id: &UnitId) -> Vec<UnitId> {
        let Some(above) = self.index.find(id) else {
            return Vec::new();
        };
        let all = 0..number(self.units.len());
        let below = |unit: &u32| *unit == above || self.index.above(*unit).contains(&above);
        self.ids(all.filter(below))
    }

    /// The units that ended and had this one among their successors, heir or not, by id.
    #[must_use]
    pub fn sources(&self, id: &UnitId) -> Vec<&UnitId> {
        let unit = self.index.find(id);
        let sources = unit.map_or(&[][..], |unit| self.index.sources(unit));
        sources.iter().filter_map(|at| self.id_at(*at)).collect()
    }

    /// The unit that stands for this one on that day: itself while it exists, then its heir, that
    /// one's heir and so on. None before it began, or where the line of heirs has ended.
    #[must_use]
    pub fn heir_on(&self, id: &UnitId, on: Date) -> Option<&UnitId> {
        let mut heirs = std::iter::successors(self.index.find(id), |unit| self.index.heir(*unit));
        heirs.find_map(|unit| {
            let unit = self.at(unit)?;
            unit.exists_on(on).then_some(&unit.id)
        })
    }

    /// Whether this tree knows everything that is or was below the unit, on any day. A whole tree
    /// covers all its units; a restricted one also holds units above its roots, and successors,
    /// but not all that is below those.
    #[must_use]
    pub fn covers(&self, id: &UnitId) -> bool {
        let Some(unit) = self.index.find(id) else {
            return false;
        };
        let up = self.closure([unit], |unit| self.index.ever_up(unit));
        let mut up = up.into_iter().filter_map(|unit| self.id_at(unit));
        self.scope.is_empty() || up.any(|above| self.scope.contains(above))
    }

    /// The roots this tree was restricted to; empty for a whole one.
    #[must_use]
    pub fn scope(&self) -> &[UnitId] {
        &self.scope
    }

    /// The part that a node of these units needs: the roots, all that was ever below them, and for
    /// each of those everything above and every successor, so that no answer about them changes.
    /// Roots that the tree does not cover are left out.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a part of a sound tree is sound")]
    pub fn restrict(&self, roots: &[UnitId]) -> Self {
        let covered = roots.iter().filter(|root| self.covers(root));
        let scope: BTreeSet<_> = covered.take(limits::SCOPE_MAX).cloned().collect();
        let wanted = scope.iter().filter_map(|id| self.index.find(id));
        let below = self.closure(wanted, |unit| self.index.ever_down(unit));
        let kept = self.closure(below, |unit| {
            let takers = self.at(unit).map(|unit| unit.successors.iter());
            let takers = takers.into_iter().flatten();
            let takers = takers.filter_map(|taker| self.index.find(&taker.unit));
            self.index.ever_up(unit).chain(takers)
        });
        let units = kept.iter().filter_map(|unit| self.units.get(index(*unit)));
        Self::assemble(
            self.levels.clone(),
            scope.into_iter().collect(),
            units.cloned().collect(),
        )
        .expect("units of a sound tree, with all they refer to, make a sound tree")
    }

    /// The tree's version: BLAKE3 of its [canonical text](Self::encode). It differs between a
    /// whole tree and its parts; what a total was made from is [`Self::version_below`].
    #[must_use]
    pub fn version(&self) -> Digest {
        let digest = || Digest(*blake3::hash(&self.encode()).as_bytes());
        *self.version.get_or_init(digest)
    }

    /// The version of what is at and below a unit on a day: who is there, of which level, below
    /// whom. The same in every tree that covers the unit, and later events do not change it.
    #[must_use]
    pub fn version_below(&self, id: &UnitId, on: Date) -> Digest {
        let mut hash = blake3::Hasher::new();
        hash.update(b"hopluu tree below 1\n");
        let own = self.index.find(id).filter(|_| self.exists_on(id, on));
        let below = self.numbers_below(id, on);
        for unit in own.into_iter().chain(below) {
            let Some(here) = self.at(unit) else { continue };
            let parent = self.index.parent(unit, on).filter(|_| Some(unit) != own);
            let line = match parent.and_then(|parent| self.id_at(parent)) {
                Some(parent) => format!("{}\t{}\t{parent}\n", here.id, here.level),
                None => format!("{}\t{}\n", here.id, here.level),
            };
            hash.update(line.as_bytes());
        }
        Digest(*hash.finalize().as_bytes())
    }

    /// These units and all that `next` leads to from any of them.
    fn closure<I: Iterator<Item = u32>>(
        &self,
        from: impl IntoIterator<Item = u32>,
        next: impl Fn(u32) -> I,
    ) -> BTreeSet<u32> {
        let mut open: Vec<u32> = from.into_iter().collect();
        let mut found: BTreeSet<u32> = open.iter().copied().collect();
        while let Some(unit) = open.pop() {
            open.extend(next(unit).filter(|unit| found.insert(*unit)));
        }
        found
    }

    /// Sorted, without the unit itself.
    fn numbers_below(&self, id: &UnitId, on: Date) -> Vec<u32> {
        let mut below = Vec::new();
        let mut open: Vec<u32> = self.index.find(id).into_iter().collect();
        while let Some(unit) = open.pop() {
            let from = below.len();
            below.extend(self.index.children(unit, on));
            open.extend(below.iter().skip(from));
        }
        below.sort_unstable();
        below
    }

    fn at(&self, unit: u32) -> Option<&Unit> {
        self.units.get(index(unit)).map(AsRef::as_ref)
    }

    fn id_at(&self, unit: u32) -> Option<&UnitId> {
        self.at(unit).map(|unit| &unit.id)
    }

    fn ids(&self, units: impl IntoIterator<Item = u32>) -> Vec<UnitId> {
        let ids = units.into_iter().filter_map(|unit| self.id_at(unit));
        ids.cloned().collect()
    }
}

/// What reading checks line by line, for a tree that was not read.
fn check_fields(levels: &[Level], unit: &Unit) -> Result<(), Flaw> {
    let mut own = levels.iter().filter(|level| level.id == unit.level);
    let first = own.next();
    let level = first.filter(|_| own.next().is_none());
    let level = level.filter(|_| levels.len() <= limits::LEVELS_MAX);
    let level = level.ok_or_else(|| Flaw::LevelUnknown(unit.level.clone()))?;
    let spans = unit.parents.iter().map(|span| span.from);
    let renamed = unit.former.iter().map(|former| former.until);
    let days = spans
        .chain(renamed)
        .chain([unit.id.since])
        .chain(unit.ended);
    if !days.into_iter().all(text::is_day) {
        return Err(Flaw::DatesUnordered);
    }
    let former = unit.former.iter();
    let former = former.flat_map(|former| [(&former.name, true), (&former.kind, false)]);
    let texts = [
        (&level.id, false),
        (&level.vi, true),
        (&level.en, true),
        (&unit.name, true),
        (&unit.kind, false),
    ];
    for (text, is_name) in texts.into_iter().chain(former) {
        let fits = if is_name {
            text::is_name(text)
        } else {
            text::is_word(text)
        };
        if !fits {
            return Err(Flaw::Text(text.clone()));
        }
    }
    Ok(())
}
