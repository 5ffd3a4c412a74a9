//! Who may read which documents of a report: what scope asks of the records.

use hopluu_doc::{Compartment, DocKey};
use hopluu_form::{Form, ValueLine};
use hopluu_model::{Digest, EntryKind, IndicatorCode, Place};
use hopluu_sync::Readers;
use hopluu_trust::Subject;

use super::Registry;

impl Readers for Registry {
    fn may_read(&self, office: &Place, key: &[u8]) -> bool {
        DocKey::decode(key).is_ok_and(|key| self.reads(office, &key))
    }

    fn version(&self, office: &Place) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("hopluu engine 1 what an office may read");
        if let Some(name) = &office.office {
            let holder = (office.unit.clone(), name.clone());
            for grant in self.authority.standing(&self.who(), &holder) {
                hasher.update(grant.as_bytes());
            }
        }
        // A form says which lines stand together, and whose they are.
        let mut forms: Vec<_> = self.handed.iter().map(|(.., form)| form.record).collect();
        forms.sort_unstable();
        for form in forms {
            hasher.update(form.as_bytes());
        }
        Digest(*hasher.finalize().as_bytes())
    }
}

impl Registry {
    /// Whether somebody may read a document: main nodes what is at or below their unit, offices the open documents of
    /// theirs, and what is in a compartment by [grants](hopluu_trust::Authority::may_read).
    pub(crate) fn reads(&self, place: &Place, key: &DocKey) -> bool {
        let Some(office) = &place.office else {
            return self.tree.is_at_or_below(&key.unit, &place.unit);
        };
        if key.compartment.is_public() {
            return key.unit == place.unit;
        }
        let Some(known) = self.form_of_major(&key.form, key.major, &key.unit) else {
            return false;
        };
        let values = known.form.value_lines();
        let lines = values.filter(|(_, value)| {
            let compartment = value.compartment.as_ref();
            compartment.is_some_and(|name| name.as_str() == key.compartment.as_str())
        });
        let is_own = |value: &ValueLine| value.offices().any(|own| own == office);
        let lines: Vec<_> = lines
            .map(|(line, value)| (&line.code, is_own(value)))
            .collect();
        let subject = Subject {
            doc: key.id(),
            unit: &key.unit,
            form: &key.form,
            period: &key.period,
        };
        let holder = (&place.unit, office);
        self.authority
            .may_read(&self.who(), holder, &subject, &lines)
    }
}

impl Registry {
    /// The lines of a report that somebody may not read, in the order of the form.
    pub(crate) fn withheld(&self, place: &Place, key: &DocKey, form: &Form) -> Vec<IndicatorCode> {
        if place.office.is_none() {
            return Vec::new();
        }
        let names = form.compartments().into_iter();
        let shut: Vec<_> = names
            .filter(|name| !self.reads(place, &key.within(name)))
            .collect();
        let lines = form.lines().iter().map(|line| &line.code);
        let is_shut = |code: &&IndicatorCode| {
            let compartment = form.compartment(code);
            compartment.is_some_and(|name| shut.contains(&name))
        };
        lines.filter(is_shut).cloned().collect()
    }
}

/// Whether a form has such a compartment; every form has the open one.
pub(crate) fn has_compartment(form: &Form, compartment: &Compartment) -> bool {
    let mut names = form.compartments().into_iter();
    compartment.is_public() || names.any(|name| name.as_str() == compartment.as_str())
}

/// Of the key of a document that an entry is in or about that of one in a compartment. A record is in none; what is
/// about a document that is not here may be about one that is.
pub(crate) fn closed(kind: EntryKind, key: &[u8]) -> Option<&[u8]> {
    match kind {
        EntryKind::Record => None,
        EntryKind::Change | EntryKind::Receipt | EntryKind::Attachment => DocKey::closed(key),
    }
}
