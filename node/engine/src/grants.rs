//! Grants and revocations: given, taken back and shown.

mod revoke;

use std::collections::BTreeSet;

use hopluu_model::{IndicatorCode, NodeId, SectionId, Timestamp, UnitId};
use hopluu_store::{DbError, WriteError};
use hopluu_trust::{Act, Given, Grant, Reach, Record};

use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::registry::KnownForm;
use crate::resolve::unit_name;
use crate::turn::{Reply, Turn};
use crate::view::{GrantRequest, GrantView, ReachView};

impl Core {
    /// Gives every office that this node has let in, and that nobody ever gave anything, what an office gets with
    /// its certificate: those of an earlier version have none.
    pub(crate) fn grant_offices(&mut self, turn: &Turn) {
        if self.me().office.is_some() {
            return;
        }
        let (registry, me) = (self.shared_registry(), self.me().node);
        let given = registry.grants();
        let mut due = Vec::new();
        for identity in registry.identities() {
            let place = &identity.place;
            let Some(office) = &place.office else {
                continue;
            };
            let has = given.iter().any(|(given, _)| {
                (&given.body.holder, &given.body.office) == (&place.unit, office)
            });
            let grant = Grant::of_office(place.unit.clone(), office.clone());
            if !has && registry.issuer(&place.node) == Some(me) && !due.contains(&grant) {
                due.push(grant);
            }
        }
        let records = due.into_iter().filter_map(|grant| {
            let unit = grant.holder.clone();
            grant.sign(self.signer(), unit).ok()
        });
        let records: Vec<_> = records.collect();
        if !records.is_empty() {
            self.put_own(turn.now, records, Box::new(|_| {}));
        }
    }

    /// Every grant that is known here.
    #[must_use]
    pub fn grant_list(&self, now: Timestamp) -> Vec<GrantView> {
        let grants = self.registry().grants();
        let mut views: Vec<_> = grants
            .into_iter()
            .map(|(given, counts)| self.grant_view(now, given, counts))
            .collect();
        views.sort_by(|a, b| (&a.unit, &a.holder, &a.office).cmp(&(&b.unit, &b.holder, &b.office)));
        views
    }

    fn grant_view(&self, now: Timestamp, given: Given<Grant>, counts: bool) -> GrantView {
        let (tree, day) = (self.tree(), clock::day(now));
        let grant = given.body;
        GrantView {
            grant: given.hash,
            unit_name: unit_name(&tree, &given.unit, day),
            unit: given.unit,
            below: grant.below,
            holder_name: unit_name(&tree, &grant.holder, day),
            holder: grant.holder,
            office: grant.office,
            forms: grant.forms,
            since: grant.since,
            until: grant.until,
            lines: reach_view(&grant.lines),
            texts: reach_view(&grant.texts),
            attachments: grant.attachments,
            steps: grant.steps.iter().collect(),
            reads: reach_view(&grant.reads),
            by: given.author,
            by_unit: self.unit_of(&given.author),
            counts,
        }
    }

    /// The unit that a node works for.
    pub(crate) fn unit_of(&self, node: &NodeId) -> Option<UnitId> {
        let identity = self.registry().identity(node)?;
        Some(identity.place.unit.clone())
    }

    /// Gives an office rights.
    pub fn grant_give(&mut self, turn: &mut Turn, request: &GrantRequest, reply: Reply<GrantView>) {
        match self.make_grant(turn.now, request) {
            Ok((record, view)) => {
                let reply = Box::new(move |done: Result<(), _>| reply(done.map(|()| view)));
                self.put_own(turn.now, vec![record], reply);
            }
            Err(error) => reply(Err(error)),
        }
    }

    fn make_grant(
        &self,
        now: Timestamp,
        request: &GrantRequest,
    ) -> Result<(Record, GrantView), CommandError> {
        self.must_issue("give rights")?;
        let today = clock::day(now);
        let unit = self.unit(request.unit.as_deref(), today)?;
        let holder = match &request.holder {
            Some(text) => self.unit(Some(text), today)?,
            None => unit.clone(),
        };
        let (tree, own) = (self.tree(), &self.me().unit);
        for (below, above) in [(&holder, own), (&unit, &holder)] {
            if !tree.is_at_or_below(below, above) {
                return Err(CommandError::GrantOutside {
                    within: above.clone(),
                    unit: below.clone(),
                });
            }
        }
        let office = self.known_office(&request.office)?;
        let forms = request.forms.iter();
        let forms = forms
            .map(|text| Ok(self.known_form(text)?.form.id().clone()))
            .collect::<Result<Vec<_>, CommandError>>()?;
        let grant = Grant {
            holder,
            office,
            forms,
            below: request.below,
            since: request.since,
            until: request.until,
            lines: reach(&request.lines, |text| self.known_line(text))?,
            texts: reach(&request.texts, |text| self.known_section(text))?,
            attachments: request.attachments,
            steps: request.steps.iter().copied().collect(),
            reads: reach(&request.reads, |text| self.known_line(text))?,
        };
        self.could_count(&grant, &unit)?;
        let record = grant.clone().sign(self.signer(), unit.clone());
        let record = record.map_err(|error| refused(error.to_string()))?;
        let given = Given {
            hash: record.hash(),
            author: record.author,
            unit,
            body: grant,
        };
        let view = self.grant_view(now, given, true);
        Ok((record, view))
    }

    /// A grant that no operation could ever stand on is a mistake of whoever typed it.
    fn could_count(&self, grant: &Grant, unit: &UnitId) -> Result<(), CommandError> {
        if let (Some(since), Some(until)) = (grant.since, grant.until)
            && until < since
        {
            return Err(refused(format!("{until} is before it begins")));
        }
        let is_empty = grant.lines == Reach::Nothing
            && grant.texts == Reach::Nothing
            && grant.reads == Reach::Nothing
            && !grant.attachments
            && grant.steps.iter().next().is_none();
        if is_empty {
            return Err(refused(format!("{} gets nothing", grant.office)));
        }
        let mut steps = grant.steps.iter();
        let step = steps.find(|step| Act::Step(*step, None).is_superior_s());
        if let Some(step) = step.filter(|_| grant.holder == *unit && !grant.below) {
            let detail = format!("{} is taken by a unit above alone", step.as_str());
            return Err(refused(detail));
        }
        let forms = self.registry().forms(&self.me().unit);
        let is_open = |code: &&IndicatorCode| {
            let mut forms = forms.iter();
            !forms.any(|known| known.form.compartment(code).is_some())
        };
        match &grant.reads {
            Reach::Only(codes) => match codes.iter().find(is_open) {
                Some(code) => Err(refused(format!("{code} is no private line"))),
                None => Ok(()),
            },
            Reach::Nothing | Reach::Own | Reach::All => Ok(()),
        }
    }

    fn known_line(&self, text: &str) -> Result<IndicatorCode, CommandError> {
        let forms = self.registry().forms(&self.me().unit);
        let code = text.parse::<IndicatorCode>().ok();
        let known = code.filter(|code| forms.iter().any(|one| one.form.line(code).is_some()));
        known.ok_or_else(|| CommandError::UnknownLine {
            code: text.to_owned(),
            form: names(&forms),
            near: Vec::new(),
        })
    }

    fn known_section(&self, text: &str) -> Result<SectionId, CommandError> {
        let forms = self.registry().forms(&self.me().unit);
        let sections = forms.iter().flat_map(|one| one.form.texts());
        let sections: BTreeSet<_> = sections.map(|(section, _)| section.id.clone()).collect();
        let section = text.parse().ok().filter(|id| sections.contains(id));
        section.ok_or_else(|| CommandError::UnknownSection {
            section: text.to_owned(),
            form: names(&forms),
            known: sections.iter().map(ToString::to_string).collect(),
        })
    }

    /// Writes records of this node's own and takes them in once they are on disk.
    pub(crate) fn put_own(&mut self, now: Timestamp, records: Vec<Record>, reply: Reply<()>) {
        let admission = self.admission(None, now);
        self.submit(
            move |tx| admission.own(tx, &records),
            move |core, turn, result: Result<_, WriteError<DbError>>| match result {
                Ok(admitted) => {
                    core.let_in(turn, admitted, None);
                    reply(Ok(()));
                }
                Err(error) => reply(Err(core.write_failed(turn, error))),
            },
        );
    }
}

/// The forms that were looked through.
fn refused(detail: String) -> CommandError {
    CommandError::Refused {
        what: "the grant",
        detail,
    }
}

fn names(forms: &[&KnownForm]) -> String {
    let names = forms.iter().map(|known| known.form.id().to_string());
    names.collect::<Vec<_>>().join(", ")
}

fn reach<T>(
    asked: &ReachView,
    read: impl Fn(&str) -> Result<T, CommandError>,
) -> Result<Reach<T>, CommandError> {
    Ok(match asked {
        ReachView::Nothing => Reach::Nothing,
        ReachView::Own => Reach::Own,
        ReachView::All => Reach::All,
        ReachView::Only(names) if names.is_empty() => Reach::Nothing,
        ReachView::Only(names) => {
            let names = names.iter().map(|name| read(name));
            Reach::Only(names.collect::<Result<_, _>>()?)
        }
    })
}

fn reach_view<T: ToString>(reach: &Reach<T>) -> ReachView {
    match reach {
        Reach::Nothing => ReachView::Nothing,
        Reach::Own => ReachView::Own,
        Reach::All => ReachView::All,
        Reach::Only(names) => ReachView::Only(names.iter().map(ToString::to_string).collect()),
    }
}
