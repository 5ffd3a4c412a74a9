//! Tables for the public. What would tell of few people is held back with what gives it away, by [`hopluu_mask`]; all that
//! this node has published of a form and period is reckoned with, of whatever unit, because readers keep it.
//!
//! What a cell may say is decided here and nowhere else: [`Publishing::enter`].

mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_form::{Form, Lang, Line, OverUnits, ValueLine};
use hopluu_mask::{CellKey, Masked, NotProved, Remaining, Row, Shown, Table, mask};
use hopluu_model::tree::UnitTree;
use hopluu_model::{
    Date, Decimal, Digest, ErrorChain, Period, Qualifier, Scalar, Timestamp, UnitId,
};
use hopluu_rollup::{LineTotal, Total};
use hopluu_store::limits::PUBLICATIONS_PER_PERIOD_MAX;
use hopluu_store::{DbError, PublicationRow, Store};

use self::kept::Kept;
use crate::core::Core;
use crate::error::CommandError;
use crate::handle::TotalSelector;
use crate::resolve::unit_name;
use crate::rollups::not_reporting;
use crate::turn::Reply;
use crate::view::{
    PublicCell, PublicColumn, PublicKind, PublicRow, PublicText, PublicView, PublishedView,
};

/// A table on its way out; masking goes on beside the loop.
#[derive(Debug)]
pub(crate) struct Publishing {
    store: Store,
    form: Arc<Form>,
    /// The form in each of its major versions.
    majors: BTreeMap<u16, Arc<Form>>,
    tree: Arc<UnitTree>,
    day: Date,
    period: Period,
    total: Digest,
    /// The numbers that are to be masked.
    figures: BTreeMap<CellKey, Decimal>,
    /// Those of them that are known to be so many at most.
    few_at_most: BTreeSet<CellKey>,
    /// Where they stand in the table.
    places: Vec<(CellKey, usize, usize)>,
    view: PublicView,
    who: String,
    now: Timestamp,
}

/// A masked table, and what is to be noted before it leaves.
#[derive(Debug)]
pub(crate) struct MadePublic {
    view: PublicView,
    row: PublicationRow,
    /// How many publications of the period it has reckoned with.
    known: usize,
}

impl Core {
    /// What publishing takes of the core.
    ///
    /// # Errors
    /// When the selector names no table, or this node holds only a part of one.
    pub(crate) fn publishing(
        &mut self,
        selector: &TotalSelector,
        who: String,
        now: Timestamp,
    ) -> Result<Publishing, CommandError> {
        if self.me().office.is_some() {
            return Err(CommandError::MayNotIssue {
                what: "a public export",
            });
        }
        let (known, period, day, unit) = self.asked(selector)?;
        let tree = self.tree();
        let totals = self.totals(&known, &period)?;
        let top = totals.total(&unit);
        let top = top.ok_or_else(|| not_reporting(&unit, &known.form))?;
        let children = tree.children(&unit, day).into_iter();
        let below: Vec<Total> = children.filter_map(|child| totals.total(child)).collect();
        let form = Arc::clone(&known.form);
        let mut publishing = Publishing {
            store: self.store().clone(),
            view: self.empty_view(&form, day, &top),
            majors: self.registry().majors(form.id(), &self.me().unit),
            form,
            tree,
            day,
            period,
            total: top.digest(),
            figures: BTreeMap::new(),
            few_at_most: BTreeSet::new(),
            places: Vec::new(),
            who,
            now,
        };
        publishing.add(PublicKind::Total, &top);
        if !below.is_empty() {
            publishing.add(PublicKind::Own, &top);
        }
        for total in &below {
            publishing.add(PublicKind::Below, total);
        }
        Ok(publishing)
    }

    fn empty_view(&self, form: &Form, day: Date, top: &Total) -> PublicView {
        let column = |(line, value): (&Line, &ValueLine)| PublicColumn {
            code: line.code.clone(),
            label: text(&line.label.vi, &line.label.en),
            measure: text(&value.measure.vi, &value.measure.en),
        };
        PublicView {
            unit: top.unit.clone(),
            unit_name: unit_name(&self.tree(), &top.unit, day),
            form: top.form.clone(),
            form_version: top.version,
            form_digest: top.form_digest,
            period: top.period.clone(),
            tree_day: day,
            tree: top.tree,
            reported: top.coverage.reported,
            expected: top.coverage.expected,
            missing: self.missing(&top.coverage.missing, day),
            columns: form.value_lines().map(column).collect(),
            rows: Vec::new(),
            held_back: 0,
            threshold: u32::try_from(hopluu_mask::limits::THRESHOLD).unwrap_or(u32::MAX),
            remaining: Remaining::ALL
                .into_iter()
                .map(|one| text(one.text(Lang::Vi), one.text(Lang::En)))
                .collect(),
            publication: Digest([0; 32]),
        }
    }

    /// Notes a table, and gives it out once that is on disk; nothing where another has left meanwhile.
    pub(crate) fn note_published(&self, made: MadePublic, reply: Reply<Option<PublicView>>) {
        let MadePublic { view, row, known } = made;
        self.submit(
            move |tx| tx.publish(&row, known),
            move |core, turn, result| {
                let noted = result.map_err(|error| core.write_failed(turn, error));
                reply(noted.map(|is_noted| is_noted.then_some(view)));
            },
        );
    }

    /// What was published here, the last first.
    pub(crate) fn published(&self) -> Result<Vec<PublishedView>, CommandError> {
        let rows = self.read()?.publication_list();
        let rows = rows.map_err(CommandError::Store)?.into_iter();
        let tree = self.tree();
        let views = rows.filter_map(|row| {
            let unit: UnitId = row.unit.parse().ok()?;
            Some(PublishedView {
                publication: row.digest,
                unit_name: unit_name(&tree, &unit, Date::MAX),
                unit,
                form: row.form,
                period: row.period,
                total: row.total,
                held_back: row.held_back,
                who: row.who,
                first: row.first,
                last: row.last,
                count: row.count,
            })
        });
        Ok(views.collect())
    }
}

fn text(vi: &str, en: &str) -> PublicText {
    PublicText {
        vi: vi.to_owned(),
        en: en.to_owned(),
    }
}

impl Publishing {
    fn add(&mut self, kind: PublicKind, total: &Total) {
        let row = match kind {
            PublicKind::Own => Row::Own(total.unit.clone()),
            PublicKind::Total | PublicKind::Below => Row::Total(total.unit.clone()),
        };
        let at = self.view.rows.len();
        let form = Arc::clone(&self.form);
        let lines = form.value_lines().enumerate();
        let cells: Vec<PublicCell> = lines
            .map(|(column, (line, value))| {
                let Some(found) = total.line(&line.code) else {
                    return PublicCell::None;
                };
                let key = CellKey {
                    row: row.clone(),
                    code: line.code.clone(),
                    office: None,
                };
                self.enter(kind, value, found, (key, at, column))
            })
            .collect();
        if kind == PublicKind::Own && cells.iter().all(|cell| *cell == PublicCell::None) {
            return;
        }
        let own = &total.own_parts;
        self.view.rows.push(PublicRow {
            kind,
            unit: total.unit.clone(),
            unit_name: unit_name(&self.tree, &total.unit, self.day),
            reported: total.coverage.reported + own.reported,
            expected: total.coverage.expected + own.expected,
            cells,
        });
    }

    /// What a cell says before anything is masked. A number goes into the table that is masked; of what is private and no
    /// number nothing leaves.
    fn enter(
        &mut self,
        kind: PublicKind,
        line: &ValueLine,
        found: &LineTotal,
        place: (CellKey, usize, usize),
    ) -> PublicCell {
        let adds = matches!(line.over_units, OverUnits::SumPlusOwn | OverUnits::OwnOnly);
        let (value, is_unsettled) = match kind {
            PublicKind::Own => match found.own.filter(|_| adds) {
                Some(own) => (own.value, own.range.is_some()),
                None => return PublicCell::None,
            },
            PublicKind::Total | PublicKind::Below => (found.value, found.is_unsettled()),
        };
        if is_unsettled {
            return PublicCell::Unsettled;
        }
        let number = match value {
            None | Some(Scalar::Blank) => return PublicCell::None,
            Some(Scalar::Number(number, qualifier)) => {
                // "Below 5" tells what a 3 would.
                if qualifier == Qualifier::AtMost {
                    self.few_at_most.insert(place.0.clone());
                }
                Some(number)
            }
            Some(Scalar::Nil) => Some(Decimal::ZERO),
            Some(_) => None,
        };
        let value = value.map_or_else(String::new, |value| value.to_string());
        match number {
            Some(number) if line.entered.is_number() => {
                self.figures.insert(place.0.clone(), number);
                self.places.push(place);
                PublicCell::Value(value)
            }
            _ if line.is_private() => PublicCell::HeldBack,
            _ => PublicCell::Value(value),
        }
    }

    /// Masks the table for readers who have kept all that was published of the period before.
    pub(crate) fn run(mut self) -> Result<MadePublic, CommandError> {
        let rows = self.store.read().and_then(|read| {
            let rows = read.publications(self.form.id(), &self.period)?;
            Ok::<_, DbError>(rows)
        });
        let rows = rows.map_err(CommandError::Store)?;
        if rows.len() >= PUBLICATIONS_PER_PERIOD_MAX {
            return Err(CommandError::TooMuch {
                what: "publications of one period",
                most: PUBLICATIONS_PER_PERIOD_MAX,
            });
        }
        // A table of another major version adds up by the form of that one.
        let kept = rows
            .iter()
            .map(|row| Some((Kept::decode(&row.body)?, self.majors.get(&row.major)?)));
        let kept: Option<Vec<_>> = kept.collect();
        let kept = kept.ok_or_else(|| CommandError::Damaged {
            doc: "publications".to_owned(),
            detail: "what was published before cannot be read".to_owned(),
        })?;
        let above = self.above();
        let refused = |error| CommandError::Refused {
            what: "a public export",
            detail: ErrorChain(&error).to_string(),
        };
        let earlier: Result<Vec<_>, _> = kept
            .into_iter()
            .map(|(kept, form)| kept.published(form))
            .collect();
        let figures = std::mem::take(&mut self.figures);
        let table = Table::new(&self.form, &above, figures).map_err(refused)?;
        let table = table.few_at_most(&self.form, &self.few_at_most);
        let table = table.after(&earlier.map_err(refused)?);
        let masked = mask(&table).map_err(|error| CommandError::GivenAway {
            cells: match error {
                NotProved::Published(_) => 1,
                NotProved::MayBeDerived(cells) => cells.len(),
            },
        })?;
        let kept = Kept::of(&table, above, &masked.mask);
        Ok(self.made(&kept, &masked, rows.len()))
    }

    /// For each unit of the table the one right above it.
    fn above(&self) -> BTreeMap<UnitId, UnitId> {
        let units = self.view.rows.iter().map(|row| &row.unit);
        let above = units.filter_map(|unit| {
            let above = self.tree.parent(unit, self.day)?;
            Some((unit.clone(), above.clone()))
        });
        above.collect()
    }

    fn made(mut self, kept: &Kept, masked: &Masked, known: usize) -> MadePublic {
        for (key, row, column) in &self.places {
            let cell = self.view.rows.get_mut(*row);
            let cell = cell.and_then(|row| row.cells.get_mut(*column));
            if let Some(cell) = cell.filter(|_| masked.figures.get(key) == Some(&Shown::Masked)) {
                *cell = PublicCell::HeldBack;
            }
        }
        let cells = self.view.rows.iter().flat_map(|row| &row.cells);
        let held_back = cells.filter(|cell| **cell == PublicCell::HeldBack).count();
        self.view.held_back = held_back as u64;
        let bytes = postcard::to_stdvec(&self.view).expect("a view serialises into memory");
        self.view.publication = Digest(*blake3::hash(&bytes).as_bytes());
        MadePublic {
            row: PublicationRow {
                form: self.form.id().to_string(),
                major: self.form.version().major,
                period: self.period.to_string(),
                unit: self.view.unit.to_string(),
                digest: self.view.publication,
                total: self.total,
                held_back: self.view.held_back,
                who: self.who,
                first: self.now,
                last: self.now,
                count: 1,
                body: kept.encode(),
            },
            view: self.view,
            known,
        }
    }
}
