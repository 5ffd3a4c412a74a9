//! Reading totals: what is shown, what is hashed, and who is behind it.

use std::borrow::Cow;

use hopluu_form::OverUnits;
use hopluu_model::{Digest, DocId, IndicatorCode, Period, UnitId};

use super::Totals;
use crate::algebra::{Marks, Partial, Shown};
use crate::document::Document;
use crate::lines::{LineRule, Part};
use crate::shape::{Member, Node};
use crate::total::{Child, Count, Coverage, LineTotal, Missing, Source, Tally, Total, digest_of};
use crate::wire::{LineWire, Made, TotalWire};

impl Totals {
    /// The total of a unit; none for a unit that the form does not reach in this period.
    #[must_use]
    pub fn total(&self, unit: &UnitId) -> Option<Total> {
        let at = self.at(unit)?;
        let node = self.shape.nodes.get(at)?;
        let sums = self.sums_at(at);
        let lines = self.line_views(node, &sums).map(LineView::into_total);
        let lines: Vec<_> = lines.collect();
        let (coverage, own_parts) = self.coverage(at);
        let shown = lines
            .iter()
            .filter_map(|line| Some((line.code.clone(), line.value?)));
        let stated = node.stated().iter().cloned().collect();
        let findings = self.form.findings_in_total(&shown.collect(), &stated);
        Some(Total {
            unit: unit.clone(),
            form: self.form.id().clone(),
            version: self.form.version(),
            form_digest: self.form_digest,
            period: self.period.clone(),
            parts: self.parts.clone(),
            tree: self.tree_below(at),
            lines,
            coverage,
            own_parts,
            sources: self.sources(node),
            children: self.children(node),
            findings,
        })
    }

    /// One line of a unit's total, for following a figure down without making every total whole.
    #[must_use]
    pub fn line(&self, unit: &UnitId, code: &IndicatorCode) -> Option<LineTotal> {
        let at = self.at(unit)?;
        let line = self.lines.find(code.as_str())?;
        let sums = self.sums_at(at);
        let view = self.line_views(self.shape.nodes.get(at)?, &sums).nth(line);
        view.map(LineView::into_total)
    }

    /// What the unit's own documents, and those that count as its own, say on a line: each document by
    /// itself, before anything is added up. In the order of [`Total::sources`].
    #[must_use]
    pub fn entered(&self, unit: &UnitId, code: &IndicatorCode) -> Vec<(DocId, Shown)> {
        let node = self.at(unit).and_then(|at| self.shape.nodes.get(at));
        let line = self.lines.find(code.as_str());
        let rule = line.and_then(|line| self.lines.rules().get(line));
        let (Some(node), Some(line), Some(rule)) = (node, line, rule) else {
            return Vec::new();
        };
        let shown = |document: &Document| {
            let figure = document.figure(line);
            let shown = Partial::lift(rule.measure, figure).finish(rule.measure);
            (document.doc, shown)
        };
        let documents = self.documents(node).into_iter();
        documents.map(|(_, _, document)| shown(document)).collect()
    }

    /// The digest of a unit's total. Kept until something below changes.
    #[must_use]
    pub fn digest(&self, unit: &UnitId) -> Option<Digest> {
        Some(self.digest_at(self.at(unit)?))
    }

    /// Coverage of a unit in numbers, at no cost.
    #[must_use]
    pub fn tally(&self, unit: &UnitId) -> Option<Tally> {
        Some(self.kept.get(self.at(unit)?)?.tally)
    }

    /// The sums of a unit by line: those kept, or added up from its documents.
    fn sums_at(&self, at: usize) -> Cow<'_, [Partial]> {
        let kept = self.kept.get(at).map_or(&[][..], |kept| &kept.sums);
        match self.shape.nodes.get(at) {
            Some(node) if kept.is_empty() => self.sums(node, Box::default()).into_vec().into(),
            _ => kept.into(),
        }
    }

    fn line_views<'a>(
        &'a self,
        node: &'a Node,
        sums: &'a [Partial],
    ) -> impl Iterator<Item = LineView<'a>> {
        let rules = self.lines.rules().iter().enumerate().zip(sums);
        rules.map(move |((line, rule), sum)| LineView::new(node, rule, line, *sum))
    }

    fn coverage(&self, at: usize) -> (Coverage, Coverage) {
        let tally = self
            .kept
            .get(at)
            .map_or(Tally::default(), |kept| kept.tally);
        let (mut reports, mut own_parts) = (Vec::new(), Vec::new());
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            let Some((node, kept)) = self.shape.nodes.get(at).zip(self.kept.get(at)) else {
                continue;
            };
            if kept.tally.is_complete() {
                continue;
            }
            open.extend(&node.children);
            for member in node.entities.iter().flat_map(|entity| &entity.members) {
                let missing = if member.part.is_reporting() {
                    &mut reports
                } else {
                    &mut own_parts
                };
                missing.extend(self.missing(member));
            }
        }
        let coverage = |count: Count, mut missing: Vec<Missing>| {
            missing.sort();
            Coverage {
                expected: count.expected,
                reported: count.reported,
                missing,
            }
        };
        (
            coverage(tally.reports, reports),
            coverage(tally.own_parts, own_parts),
        )
    }

    fn missing<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = Missing> + 'a {
        let parts = member.missing().filter_map(|part| self.parts.get(part));
        parts.map(|period| Missing {
            unit: member.unit.clone(),
            period: period.clone(),
        })
    }

    fn sources(&self, node: &Node) -> Vec<Source> {
        let mut sources = Vec::new();
        for (unit, period, document) in self.documents(node) {
            sources.push(Source {
                unit: unit.clone(),
                period: period.clone(),
                doc: document.doc,
                heads: document.heads.to_vec(),
                is_withdrawn: document.is_withdrawn,
                stray_count: document.stray_count,
                strays: document.strays.clone(),
            });
            sources.extend(document.also.iter().map(|(doc, heads)| Source {
                unit: unit.clone(),
                period: period.clone(),
                doc: *doc,
                heads: heads.clone(),
                is_withdrawn: document.is_withdrawn,
                // All strays of a report are counted once.
                stray_count: 0,
                strays: Vec::new(),
            }));
        }
        sources
    }

    /// The documents of a unit and of all that it is heir of, by unit and period.
    fn documents<'a>(&'a self, node: &'a Node) -> Vec<(&'a UnitId, &'a Period, &'a Document)> {
        let mut documents = Vec::new();
        for member in node.entities.iter().flat_map(|entity| &entity.members) {
            let parts = member.documents.iter().zip(&self.parts);
            documents.extend(parts.filter_map(|(document, period)| {
                let document = document.as_ref()?;
                Some((&member.unit, period, document))
            }));
        }
        documents.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        documents
    }

    fn children(&self, node: &Node) -> Vec<Child> {
        let mut children: Vec<_> = node
            .children
            .iter()
            .filter_map(|at| {
                Some(Child {
                    unit: self.shape.nodes.get(*at)?.unit.clone(),
                    digest: self.digest_at(*at),
                    tally: self.kept.get(*at)?.tally,
                })
            })
            .collect();
        children.sort_by(|a, b| a.unit.cmp(&b.unit));
        children
    }

    fn tree_below(&self, at: usize) -> Digest {
        let Some((node, kept)) = self.shape.nodes.get(at).zip(self.kept.get(at)) else {
            return Digest([0; 32]);
        };
        *kept
            .tree
            .get_or_init(|| self.tree.version_below(&node.unit, self.day))
    }

    /// As deep as the tree has levels.
    fn digest_at(&self, at: usize) -> Digest {
        let Some((node, kept)) = self.shape.nodes.get(at).zip(self.kept.get(at)) else {
            return Digest([0; 32]);
        };
        *kept.digest.get_or_init(|| {
            let (coverage, own_parts) = self.coverage(at);
            let sources = self.sources(node);
            let children = self.children(node);
            let sums = self.sums_at(at);
            let wire = TotalWire {
                form: self.form.id().as_str(),
                version: self.form.version(),
                form_digest: self.form_digest,
                period: &self.period,
                parts: &self.parts,
                unit: &node.unit,
                tree: self.tree_below(at),
                lines: Made(|| self.line_views(node, &sums).map(LineWire::from)),
                coverage: (&coverage).into(),
                own_parts: (&own_parts).into(),
                sources: sources.iter().map(Into::into).collect(),
                children: children.iter().map(|c| (&c.unit, c.digest)).collect(),
            };
            digest_of(&wire.bytes())
        })
    }
}

/// A line of a total whose code is not copied: thousands of totals are only hashed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineView<'a> {
    pub(crate) rule: &'a LineRule,
    pub(crate) shown: Shown,
    pub(crate) own: Option<Shown>,
    pub(crate) sum: Partial,
}

impl<'a> LineView<'a> {
    fn new(node: &Node, rule: &'a LineRule, line: usize, mut sum: Partial) -> Self {
        let measure = rule.measure;
        let stands_alone = rule.over_units == OverUnits::None;
        let mut own = None;
        if stands_alone || node.part == Part::Above {
            let entered = Partial::lift(measure, node.entered(rule, line));
            if stands_alone {
                sum = entered;
            } else {
                let shown = entered.finish(measure);
                own = (shown.value.is_some() || shown.range.is_some()).then_some(shown);
            }
        }
        if rule.may_count_twice && sum.counts.with_value() > 1 {
            sum.marks = sum.marks.with(Marks::MAY_COUNT_TWICE);
        }
        Self {
            rule,
            shown: sum.finish(measure),
            own,
            sum,
        }
    }

    fn into_total(self) -> LineTotal {
        LineTotal {
            code: self.rule.code.clone(),
            value: self.shown.value,
            range: self.shown.range,
            own: self.own,
            counts: self.sum.counts,
            marks: self.sum.marks,
        }
    }
}
