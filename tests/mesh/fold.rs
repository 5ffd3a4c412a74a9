//! Totals once more, the plain way: every document read by Automerge itself, every figure added up.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, Change, ObjType, ROOT, ReadDoc as _, ScalarValue, Value};
use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{DocKey, MapOp, ScannedChange, genesis, scan};
use hopluu_model::tree::UnitTree;
use hopluu_model::{DocId, UnitId};
use hopluu_store::Store;

use crate::hostile::Verdicts;
use crate::province::{Round, districts};

/// What one unit's document says.
#[derive(Debug, Default)]
pub(crate) struct Paper {
    /// By code: the values that stand, several where nobody has settled.
    pub(crate) figures: BTreeMap<String, BTreeSet<String>>,
    pub(crate) is_withdrawn: bool,
}

/// What one line comes to in one unit and everything below it. A unit that never touched the line is
/// missing there, one that emptied it has left it blank.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) value: u64,
    pub(crate) answered: u32,
    pub(crate) blank: u32,
    pub(crate) unsettled: u32,
    pub(crate) missing: u32,
    /// What the value can turn out to be; nothing is said of it where somebody left the line blank
    /// while another filled it in.
    pub(crate) range: Option<(u64, u64)>,
}

/// Every document of one report in a store, from its raw changes.
pub(crate) fn papers(store: &Store, round: Round, verdicts: &Verdicts) -> BTreeMap<UnitId, Paper> {
    let read = store.read().expect("memory does not fail");
    let mut docs: Vec<(DocId, UnitId, Vec<u8>)> = Vec::new();
    read.for_each_doc(|row| docs.push((row.doc, row.unit, row.key)))
        .expect("memory does not fail");
    let mut papers: BTreeMap<UnitId, Paper> = BTreeMap::new();
    let mut closed = Vec::new();
    for (doc, unit, key) in docs {
        let key = DocKey::decode(&key).expect("what was admitted decodes");
        if key.form.to_string() != round.form || key.period.to_string() != round.period {
            continue;
        }
        let mut changes = vec![genesis(&key, round.form()).expect("it began").bytes];
        let stored = read.changes_after(doc, 0).expect("memory does not fail");
        changes.extend(stored.into_iter().map(|change| change.body));
        let paper = paper(&changes, verdicts);
        if key.compartment.is_public() {
            papers.insert(unit, paper);
        } else {
            closed.push((unit, key.compartment, paper));
        }
    }
    for (unit, compartment, paper) in closed {
        let form = round.form();
        let is_at_home = |key: &str| {
            let code = key.split('@').next().unwrap_or(key).parse();
            let home = code.ok().and_then(|code| form.compartment(&code));
            home.is_some_and(|name| name.as_str() == compartment.as_str())
        };
        let whole = papers.entry(unit).or_default();
        for (key, values) in paper.figures {
            if is_at_home(&key) {
                both(whole.figures.entry(key).or_default(), values);
            }
        }
    }
    papers
}

/// What two documents of one report say of a line: who has cleared it says nothing where the other has a value.
fn both(one: &mut BTreeSet<String>, other: BTreeSet<String>) {
    let says = |values: &BTreeSet<String>| values.iter().any(|value| value != "blank");
    match (says(one), says(&other)) {
        (true, false) => {}
        (false, true) => *one = other,
        _ => one.extend(other),
    }
}

fn paper(changes: &[Vec<u8>], verdicts: &Verdicts) -> Paper {
    // Behind genesis, which is nobody's.
    let stored = changes.get(1..).unwrap_or_default().iter();
    let scanned = stored.map(|bytes| scan(bytes, &SCAN_LIMITS).expect("it was admitted"));
    let scanned: Vec<_> = scanned.collect();
    let has_void = |change: &ScannedChange| verdicts.has(&change.hash);
    if scanned.iter().any(has_void) {
        return counting(&scanned, verdicts);
    }
    let changes = changes
        .iter()
        .map(|bytes| Change::from_bytes(bytes.clone()).expect("what was admitted is a change"));
    let mut doc = Automerge::new();
    doc.apply_changes(changes).expect("changes apply");
    let events = map(&doc, "events");
    // Nobody here does anything to a report that was withdrawn, so one such event decides.
    let is_withdrawn = |event: &String| event.starts_with("withdrawn\n");
    Paper {
        is_withdrawn: events.values().flatten().any(is_withdrawn),
        figures: map(&doc, "figures"),
    }
}

/// What counts where something is void: of each key the writes that count, but those that another one which counts was
/// written over, be it by way of void ones.
fn counting(changes: &[ScannedChange], verdicts: &Verdicts) -> Paper {
    let of = |ops: fn(&ScannedChange) -> &[MapOp]| {
        let (mut void, mut counts) = (BTreeMap::new(), Vec::new());
        for change in changes {
            for op in ops(change) {
                if verdicts.is_void(&change.hash, op.op.counter) {
                    void.insert(op.op, op.preds.clone());
                } else {
                    counts.push(op);
                }
            }
        }
        let mut hidden = BTreeSet::new();
        for op in &counts {
            let mut next = op.preds.clone();
            while let Some(before) = next.pop() {
                if hidden.insert(before) {
                    next.extend(void.get(&before).into_iter().flatten().copied());
                }
            }
        }
        let mut map: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for op in counts.iter().filter(|op| !hidden.contains(&op.op)) {
            let values = map.entry(op.key.clone()).or_default();
            values.insert(op.value.clone());
        }
        map
    };
    let events = of(|change| &change.events);
    let is_withdrawn = |event: &String| event.starts_with("withdrawn\n");
    Paper {
        is_withdrawn: events.values().flatten().any(is_withdrawn),
        figures: of(|change| &change.figures),
    }
}

/// One of a document's maps: by key, all values that stand.
fn map(doc: &Automerge, name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (value, map) = doc
        .get(ROOT, name)
        .expect("the document reads")
        .expect("genesis makes it");
    assert!(matches!(value, Value::Object(ObjType::Map)), "it is a map");
    let mut entries = BTreeMap::new();
    for key in doc.keys(&map) {
        let values = doc.get_all(&map, key.as_str()).expect("the document reads");
        let values = values.into_iter().map(|(value, _)| match value {
            Value::Scalar(scalar) => match scalar.as_ref() {
                ScalarValue::Str(text) => text.to_string(),
                other => panic!("an entry is a text, not {other:?}"),
            },
            Value::Object(_) => panic!("an entry is a text"),
        });
        entries.insert(key, values.collect());
    }
    entries
}

/// A unit and all below it that the form is assigned to.
pub(crate) fn asked(
    tree: &UnitTree,
    unit: &UnitId,
    round: Round,
    is_for_all: bool,
) -> BTreeSet<UnitId> {
    let mut units = tree.descendants(unit, round.last_day);
    units.push(unit.clone());
    let assigned = districts();
    let is_asked =
        |unit: &UnitId| is_for_all || assigned.iter().any(|root| tree.is_at_or_below(unit, root));
    units.into_iter().filter(is_asked).collect()
}

/// Adds a line up over these units.
pub(crate) fn sum(
    tree: &UnitTree,
    papers: &BTreeMap<UnitId, Paper>,
    units: &BTreeSet<UnitId>,
    (code, has_own_parts): (&str, bool),
) -> Sum {
    let mut sum = Sum::default();
    let mut range = Some((0, 0));
    for unit in units {
        let is_commune = tree.unit(unit).is_some_and(|unit| unit.level == "commune");
        if !is_commune && !has_own_parts {
            continue;
        }
        let Some(paper) = papers.get(unit).filter(|paper| !paper.is_withdrawn) else {
            sum.missing += 1;
            continue;
        };
        let values = paper.figures.get(code);
        let values: Vec<&str> = values.into_iter().flatten().map(String::as_str).collect();
        match values.as_slice() {
            [] => sum.missing += 1,
            ["blank"] => sum.blank += 1,
            [one] => {
                sum.answered += 1;
                sum.value += number(one).expect("a count");
            }
            _ => sum.unsettled += 1,
        }
        if values.len() > 1 || number(values.first().unwrap_or(&"")).is_some() {
            let numbers: Option<Vec<u64>> = values.iter().map(|value| number(value)).collect();
            range = numbers.zip(range).map(|(numbers, (lo, hi))| {
                let least = numbers.iter().min().unwrap_or(&0);
                (lo + least, hi + numbers.iter().max().unwrap_or(&0))
            });
        }
    }
    sum.range = range.filter(|_| sum.unsettled > 0);
    sum
}

fn number(value: &str) -> Option<u64> {
    value.parse().ok()
}
