//! Totals of the whole country: from nothing, and after one commune's change.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_doc::FactsView;
use hopluu_form::Form;
use hopluu_model::{ChangeHash, DocId, Period, UnitId, UnitTree};
use hopluu_rollup::{Filing, ReportFacts, Totals};
use hopluu_store::{FactsRow, OpenOptions, Store};
use hopluu_tests::filling::{Filled, annex, key_of, put_all};
use hopluu_tests::process::shipped_tree;
use hopluu_trust::Signer;

use crate::figure::{Seen, cpu_time, median};

const COMMUNES: usize = 10_595;
const LINES: usize = 78;
const RUNS: usize = 9;

/// Communes whose report changes, all over the country.
const CHANGES: usize = 500;

const FULL_MOST: Duration = Duration::from_millis(150);
const ONE_MOST: Duration = Duration::from_millis(1);

/// A report's facts, out of the store.
struct Row {
    doc: DocId,
    unit: UnitId,
    heads: Vec<ChangeHash>,
    body: Vec<u8>,
}

impl Row {
    fn filing<'a>(&'a self, period: &'a Period) -> Option<Filing<'a>> {
        let facts = FactsView::new(&self.body).ok()?;
        let is_withdrawn = facts.state().ok()?.is_withdrawn();
        Some(Filing {
            unit: &self.unit,
            period,
            report: ReportFacts {
                also: &[],
                doc: self.doc,
                heads: &self.heads,
                is_withdrawn,
                facts,
            },
        })
    }
}

/// What the parts of one full recompute took.
#[derive(Default)]
struct Parts {
    open: Vec<Duration>,
    read: Vec<Duration>,
    shape: Vec<Duration>,
    fill: Vec<Duration>,
    all: Vec<Duration>,
    /// Of all that, the time this thread had a core.
    cpu: Vec<Duration>,
}

pub(crate) fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("country.db");
    let form = annex()?;
    let tree = Arc::new(shipped_tree()?);
    let period: Period = "2016-2020".parse()?;
    let day = form.tree_day(&period)?;
    let communes = tree.units_on(day).filter(|unit| unit.level == "commune");
    let communes: Vec<UnitId> = communes.map(|unit| unit.id.clone()).collect();
    ensure!(
        communes.len() == COMMUNES,
        "the country has {} communes",
        communes.len()
    );
    ensure!(
        form.value_lines().count() == LINES,
        "the annex has other lines"
    );
    let signer = Signer::from_seed(&[1; 32]);
    let fill = |number: u64, unit: &UnitId| {
        let key = key_of(&form, unit, &period, 0);
        Filled::new(key, &form, &signer, (LINES, 1), number)
    };
    let reports: Vec<Filled> = (0..)
        .zip(&communes)
        .map(|(at, unit)| fill(at, unit))
        .collect::<Result<_, _>>()?;
    let store = Store::open(&path, &OpenOptions::create(hopluu_engine::fresh_epoch()))?;
    put_all(&store, &reports)?;
    store.close()?;

    let mut parts = Parts::default();
    let mut totals = None;
    for _ in 0..RUNS {
        totals = Some(recompute(&path, &form, &tree, &period, &mut parts)?);
    }
    let mut totals = totals.context("there are runs")?;
    check(&totals, &tree, day)?;

    let step = communes.len() / CHANGES;
    let changed = (0_u64..).zip(&communes).step_by(step);
    let changed: Vec<Filled> = changed
        .map(|(at, unit)| fill(at + 1_000_000, unit))
        .collect::<Result<_, _>>()?;
    let (mut ones, mut digests) = (Vec::new(), Vec::new());
    for report in &changed {
        let (one, with_digests) = change(&mut totals, report, &tree, day)?;
        ones.push(one);
        digests.push(with_digests);
    }
    Ok(seen(&parts, ones, digests))
}

fn seen(parts: &Parts, ones: Vec<Duration>, digests: Vec<Duration>) -> Seen {
    let mut seen = Seen::default();
    let worst = ones.iter().max().copied().unwrap_or_default();
    seen.time(
        "full recompute, 10,595 communes x 78 lines, 705 districts, 63 provinces",
        median(parts.all.clone()),
        Some(FULL_MOST),
    );
    seen.time(
        "- of that with a core of its own",
        median(parts.cpu.clone()),
        None,
    );
    seen.time("- opening the store", median(parts.open.clone()), None);
    seen.time("- reading the facts", median(parts.read.clone()), None);
    seen.time("- laying out the units", median(parts.shape.clone()), None);
    seen.time("- decoding and adding up", median(parts.fill.clone()), None);
    seen.time(
        "one changed report into all totals above it",
        median(ones),
        Some(ONE_MOST),
    );
    seen.time("- the slowest of them", worst, None);
    seen.time("- with the digests of those totals", median(digests), None);
    seen.note(format!(
        "median of {RUNS}; the recompute begins with opening the store file (in the system's cache) \
         and ends when every total stands; the unit tree and the form are there already (bench tree)"
    ));
    seen
}

fn recompute(
    path: &Path,
    form: &Arc<Form>,
    tree: &Arc<UnitTree>,
    period: &Period,
    parts: &mut Parts,
) -> anyhow::Result<Totals> {
    let cpu = cpu_time()?;
    let begun = Instant::now();
    let store = Store::open(path, &OpenOptions::existing())?;
    let opened = begun.elapsed();
    let rows = read(&store, form, period)?;
    let read = begun.elapsed();
    let mut totals = Totals::new(Arc::clone(form), Arc::clone(tree), period.clone(), &[])?;
    let laid_out = begun.elapsed();
    let refused = totals.fill(rows.iter().filter_map(|row| row.filing(period)));
    let filled = begun.elapsed();
    parts.cpu.push(cpu_time()?.saturating_sub(cpu));
    ensure!(refused.is_empty(), "{} reports were refused", refused.len());
    parts.open.push(opened);
    parts.read.push(read.saturating_sub(opened));
    parts.shape.push(laid_out.saturating_sub(read));
    parts.fill.push(filled.saturating_sub(laid_out));
    parts.all.push(filled);
    store.close()?;
    Ok(totals)
}

/// As the engine reads them: only a unit's first public report of the period counts.
fn read(store: &Store, form: &Form, period: &Period) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let take = |row: FactsRow<'_>| {
        if key_of(form, row.unit, period, 0).id() != row.doc {
            return;
        }
        let heads = row.heads.chunks_exact(ChangeHash::LEN);
        rows.push(Row {
            doc: row.doc,
            unit: row.unit.clone(),
            heads: heads
                .filter_map(|head| ChangeHash::try_from(head).ok())
                .collect(),
            body: row.body.to_vec(),
        });
    };
    store
        .read()?
        .for_each_facts(form.id(), form.version().major, period, take)?;
    Ok(rows)
}

/// Every commune is in, and the totals are those of all 63 provinces.
fn check(totals: &Totals, tree: &UnitTree, day: hopluu_model::Date) -> anyhow::Result<()> {
    let mut provinces = 0;
    let mut reported = 0;
    for root in tree.roots(day) {
        let tally = totals.tally(root).context("a province has a total")?;
        provinces += 1;
        reported += usize::try_from(tally.reports.reported)?;
    }
    ensure!(
        (provinces, reported) == (63, COMMUNES),
        "{provinces} provinces, {reported} reports"
    );
    Ok(())
}

/// One changed report; how long until all totals above stand, and until their digests are known.
fn change(
    totals: &mut Totals,
    report: &Filled,
    tree: &UnitTree,
    day: hopluu_model::Date,
) -> anyhow::Result<(Duration, Duration)> {
    let key = &report.key;
    let heads = [report.head()];
    let row = Row {
        doc: key.id(),
        unit: key.unit.clone(),
        heads: heads.to_vec(),
        body: report.facts().to_vec(),
    };
    let line = tree.path(&key.unit, day);
    let begun = Instant::now();
    let filing = row
        .filing(&key.period)
        .context("facts that were just made")?;
    totals.set(filing.unit, filing.period, &filing.report)?;
    let set = begun.elapsed();
    for unit in &line {
        totals.digest(unit).context("a unit above has a total")?;
    }
    Ok((set, begun.elapsed()))
}
