//! Which forms were handed down, by whom, and which of them a unit's reports are read by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_form::Form;
use hopluu_model::tree::UnitTree;
use hopluu_model::{FormId, FormVersion, RecordHash, UnitId};

/// A form as it was handed down.
#[derive(Debug, Clone)]
pub(crate) struct KnownForm {
    pub(crate) form: Arc<Form>,
    /// The units it is assigned to with all below; empty means everyone.
    pub(crate) assigned: Vec<UnitId>,
    pub(super) record: RecordHash,
}

/// The versions of one form from one unit.
#[derive(Debug, Clone, Default)]
struct Versions {
    all: BTreeMap<FormVersion, KnownForm>,
    /// Those of them that keep what the one before them promised.
    taken: BTreeMap<FormVersion, KnownForm>,
}

impl Versions {
    fn insert(&mut self, known: KnownForm) {
        let version = known.form.version();
        match self.all.get(&version) {
            // Two texts of one version: every node takes the same one.
            Some(other) if other.record <= known.record => return,
            _ => self.all.insert(version, known),
        };
        self.taken.clear();
        for (version, known) in &self.all {
            let before = self.taken.last_key_value();
            let before = before.filter(|(before, _)| before.major == version.major);
            if before.is_none_or(|(_, before)| known.form.breaches(&before.form).is_empty()) {
                self.taken.insert(*version, known.clone());
            }
        }
    }

    fn of_major(&self, major: u16) -> Option<&KnownForm> {
        let from = FormVersion { major, minor: 0 };
        let to = FormVersion {
            major,
            minor: u16::MAX,
        };
        let found = self.taken.range(from..=to).next_back();
        found.map(|(_, known)| known)
    }

    fn newest(&self) -> Option<&KnownForm> {
        self.taken.values().next_back()
    }
}

/// All forms. A form's name belongs, for all below, to the highest unit that has handed it down: what
/// a unit calls by a name of its superior's counts nowhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Forms(Arc<BTreeMap<(FormId, UnitId), Versions>>);

impl Forms {
    pub(super) fn insert(&mut self, by: UnitId, known: KnownForm) {
        let key = (known.form.id().clone(), by);
        Arc::make_mut(&mut self.0)
            .entry(key)
            .or_default()
            .insert(known);
    }

    fn named(&self, id: &FormId) -> Vec<(&UnitId, &Versions)> {
        let all = self.0.iter();
        all.filter(|((name, _), _)| name == id)
            .map(|((_, by), versions)| (by, versions))
            .collect()
    }

    fn owner(&self, id: &FormId, unit: &UnitId, tree: &UnitTree) -> Option<(&UnitId, &Versions)> {
        let above = self.named(id).into_iter();
        let above = above.filter(|(by, _)| tree.is_at_or_below(unit, by));
        above.reduce(|one, other| {
            let is_higher = one.0 != other.0 && tree.is_at_or_below(one.0, other.0);
            if is_higher { other } else { one }
        })
    }

    /// The unit that hands a form of this name down to another.
    pub(super) fn owner_of(&self, id: &FormId, unit: &UnitId, tree: &UnitTree) -> Option<&UnitId> {
        self.owner(id, unit, tree).map(|(by, _)| by)
    }

    /// The newest minor of a major version, as a unit's reports are read.
    pub(super) fn of_major(
        &self,
        id: &FormId,
        major: u16,
        unit: &UnitId,
        tree: &UnitTree,
    ) -> Option<&KnownForm> {
        self.owner(id, unit, tree)?.1.of_major(major)
    }

    /// The newest version of what is handed down to a unit, else of what one below it has of its own.
    pub(super) fn newest(&self, id: &FormId, unit: &UnitId, tree: &UnitTree) -> Option<&KnownForm> {
        self.versions(id, unit, tree)?.newest()
    }

    /// The newest minor of each major version of the same.
    pub(super) fn majors(
        &self,
        id: &FormId,
        unit: &UnitId,
        tree: &UnitTree,
    ) -> BTreeMap<u16, Arc<Form>> {
        let versions = self.versions(id, unit, tree).into_iter();
        let taken = versions.flat_map(|versions| &versions.taken);
        taken
            .map(|(version, known)| (version.major, Arc::clone(&known.form)))
            .collect()
    }

    fn versions(&self, id: &FormId, unit: &UnitId, tree: &UnitTree) -> Option<&Versions> {
        let owned = self.owner(id, unit, tree).or_else(|| {
            let mut below = self.named(id).into_iter();
            below.find(|(by, _)| tree.is_at_or_below(by, unit))
        });
        owned.map(|(_, versions)| versions)
    }

    /// Every form that a unit knows, in its newest version.
    pub(super) fn all(&self, unit: &UnitId, tree: &UnitTree) -> Vec<&KnownForm> {
        let ids: BTreeSet<_> = self.0.keys().map(|(id, _)| id).collect();
        let newest = ids.into_iter().map(|id| self.newest(id, unit, tree));
        newest.flatten().collect()
    }
}
