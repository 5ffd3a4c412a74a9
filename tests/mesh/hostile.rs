//! Offices whose program was changed: they write what they may not, under their own seal, and pass it on as
//! everybody does. Meanwhile main nodes give rights and take them back. What of it may count is reckoned here
//! once more, the plain way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{
    DocKey, Edit, FigureKey, LifecycleEvent, Report, SaveContext, SavedChange, ScannedChange, scan,
};
use hopluu_engine::view::{GrantRequest, GrantView, ReachView, RevocationView, RevokeRequest};
use hopluu_form::{Form, Line};
use hopluu_model::{
    ActorId, ChangeHash, DocId, NodeId, OfficeId, Place, RecordHash, Step, Timestamp, UnitId,
};
use hopluu_store::{AppendError, NewChange, NewDoc, Store};
use hopluu_trust::{Seal, Signer};
use rand::RngExt;
use serde_json::json;

use crate::log::Broken;
use crate::node::{Inbox, Node};
use crate::plan::{Between, DAY, HOUR};
use crate::province::{A_FLOOD, CODES, LAST_HALF, Level, Round, THIS_HALF};
use crate::world::{Happening, World};

/// Between two forged saves of one office.
const FORGED_MS: Between = Between(HOUR / 2, DAY / 2);

/// Between two things that a main node gives or takes back.
const RIGHTS_MS: Between = Between(3 * DAY, 30 * DAY);

/// What was taken back, and of which office; what of it was there then stands.
#[derive(Debug, Clone)]
struct Taken {
    /// A grant, else the node.
    grant: Option<RecordHash>,
    node: Option<NodeId>,
    stands: BTreeSet<ChangeHash>,
}

/// What was given and taken back, by the records that say so.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    taken: Vec<(Inbox<RecordHash>, Taken)>,
    /// Offices that were ever given more than they began with.
    given: BTreeSet<(UnitId, OfficeId)>,
    /// Saves that were forged.
    pub(crate) forged: u64,
    /// Writes, of these and of honest offices, that nobody had the right to, at the end.
    pub(crate) void: u64,
}

impl Rights {
    /// Whether the office of a node was ever given more than it began with.
    pub(crate) fn given(&self, node: &Node) -> bool {
        let place = &node.place;
        let office = place.office.as_ref();
        office.is_some_and(|office| self.given.contains(&(place.unit.clone(), office.clone())))
    }
}

impl World {
    pub(crate) fn plan_hostility(&mut self) {
        for at in 0..self.nodes.len() {
            if self.nodes[at].is_hostile {
                let wait = FORGED_MS.draw(&mut self.rng);
                self.at(self.now + wait, Happening::Forge { node: at });
            }
        }
        let issuers: BTreeSet<usize> = offices(self).map(|(_, above)| above).collect();
        for node in issuers {
            let wait = RIGHTS_MS.draw(&mut self.rng);
            self.at(self.now + wait, Happening::Rights { node });
        }
    }

    /// An office writes anything anywhere in a report of its unit.
    pub(crate) fn forge(&mut self, at: usize) -> Result<(), Broken> {
        if self.is_healed {
            return Ok(());
        }
        let next = self.now + FORGED_MS.draw(&mut self.rng);
        self.at(next, Happening::Forge { node: at });
        let has_forms = self.nodes[at]
            .core
            .as_ref()
            .is_some_and(|core| core.form_list().len() > 1);
        if !has_forms {
            return Ok(());
        }
        let round = [THIS_HALF, LAST_HALF, A_FLOOD][self.rng.random_range(0..3)];
        let edits = self.forged_edits(round);
        let context = SaveContext {
            actor: ActorId(self.rng.random()),
            at: Timestamp(self.now),
            office: None,
            message: String::new(),
        };
        let form = round.form();
        // Also where it may not read.
        let names: Vec<_> = form.compartments().into_iter().collect();
        let compartment = names.get(self.rng.random_range(0..2 * names.len() + 1));
        let node = &self.nodes[at];
        let key = DocKey::report(
            node.place.unit.clone(),
            form.id().clone(),
            form.version().major,
            round.period.parse().expect("a period"),
        );
        let key = compartment.map_or(key.clone(), |name| key.within(name));
        let Some((saved, genesis)) = save(&node.store, &key, form, &context, &edits) else {
            return Ok(());
        };
        let detail = json!({"forged": saved.hash.to_string(), "doc": key.id().to_string()});
        self.log.line(self.now, &node.seat.name, "forge", &detail);
        put(&node.store, node.signer(), &key, &saved, genesis);
        self.rights.forged += 1;
        Ok(())
    }

    fn forged_edits(&mut self, round: Round) -> Vec<Edit> {
        let mut edits = vec![];
        for _ in 0..self.rng.random_range(1..=3) {
            let codes = &CODES[&(round.form.to_owned(), true)];
            let (code, _) = &codes[self.rng.random_range(0..codes.len().min(12))];
            let key = FigureKey::whole(code.parse().expect("a code"));
            let texts: Vec<_> = round.form().texts().collect();
            let edit = match self.rng.random_range(0..8) {
                0..5 => Edit::SetFigure {
                    key,
                    value: (self.rng.random_range(900..999))
                        .to_string()
                        .parse()
                        .expect("a count"),
                },
                5 => Edit::SetNote {
                    key,
                    text: "không đúng".to_owned(),
                },
                6 => Edit::Event(LifecycleEvent::Withdrawn("phá".to_owned())),
                _ if texts.is_empty() => continue,
                _ => {
                    let (section, office) = texts[self.rng.random_range(0..texts.len())];
                    Edit::SetText {
                        section: section.id.clone(),
                        office: office.clone(),
                        text: ["xoá hết", "", "thay bằng lời khác"][self.rng.random_range(0..3)]
                            .to_owned(),
                    }
                }
            };
            edits.push(edit);
        }
        edits
    }

    /// A main node gives an office more, or takes something back.
    pub(crate) fn change_rights(&mut self, at: usize) -> Result<(), Broken> {
        if self.is_healed {
            return Ok(());
        }
        let next = self.now + RIGHTS_MS.draw(&mut self.rng);
        self.at(next, Happening::Rights { node: at });
        let below: Vec<usize> = offices(self)
            .filter(|(_, above)| *above == at)
            .map(|(node, _)| node)
            .collect();
        if self.nodes[at].core.is_none() || below.is_empty() {
            return Ok(());
        }
        let node = below[self.rng.random_range(0..below.len())];
        let office = self.nodes[node].place.office.clone().expect("an office");
        match self.rng.random_range(0..10) {
            0..5 => self.give(at, &office),
            5..8 => self.take_one(at, &office),
            _ if self.nodes[node].is_hostile => {
                let node = self.nodes[node].place.node;
                self.revoke(at, &office, node.to_string(), None, Some(node))
            }
            _ => Ok(()),
        }
    }

    fn give(&mut self, at: usize, office: &OfficeId) -> Result<(), Broken> {
        let code = &CODES[&(THIS_HALF.form.to_owned(), true)];
        let code = code[self.rng.random_range(0..code.len().min(12))].0.clone();
        let lines = match self.rng.random_range(0..3) {
            0 => ReachView::All,
            1 => ReachView::Only(vec![code]),
            _ => ReachView::Own,
        };
        let request = GrantRequest {
            unit: None,
            below: false,
            holder: None,
            office: office.to_string(),
            forms: Vec::new(),
            since: None,
            until: None,
            lines,
            texts: ReachView::All,
            attachments: true,
            steps: if self.chance(300) {
                vec![Step::Withdrawn]
            } else {
                vec![Step::Opened]
            },
            reads: if self.chance(200) {
                ReachView::All
            } else {
                ReachView::Nothing
            },
        };
        let name = self.nodes[at].seat.name.clone();
        self.log.line(self.now, &name, "give", &json!(request));
        let holder = (self.nodes[at].place.unit.clone(), office.clone());
        self.rights.given.insert(holder);
        self.turn(at, |core, turn| {
            core.grant_give(turn, &request, Box::new(|_| {}));
        })
    }

    fn take_one(&mut self, at: usize, office: &OfficeId) -> Result<(), Broken> {
        let unit = self.nodes[at].place.unit.clone();
        let core = self.nodes[at].core.as_ref().expect("it has power");
        let grants = core.grant_list(Timestamp(self.now)).into_iter();
        let grants: Vec<RecordHash> = grants
            .filter(|grant| grant.counts && grant.holder == unit && grant.office == *office)
            .map(|grant| grant.grant)
            .collect();
        if grants.is_empty() {
            return Ok(());
        }
        let grant = grants[self.rng.random_range(0..grants.len())];
        self.revoke(at, office, grant.to_string(), Some(grant), None)
    }

    fn revoke(
        &mut self,
        at: usize,
        office: &OfficeId,
        target: String,
        grant: Option<RecordHash>,
        node: Option<NodeId>,
    ) -> Result<(), Broken> {
        let unit = self.nodes[at].place.unit.clone();
        let authors: BTreeSet<NodeId> = match node {
            Some(node) => BTreeSet::from([node]),
            None => holders(self, &unit, office),
        };
        let stands = written(&self.nodes[at].store, &unit, &authors);
        let request = RevokeRequest {
            target,
            account: None,
            reason: "misused".to_owned(),
        };
        let name = self.nodes[at].seat.name.clone();
        self.log.line(self.now, &name, "revoke", &json!(request));
        let said = Inbox::default();
        let told = said.clone();
        let taken = Taken {
            grant,
            node,
            stands,
        };
        self.rights.taken.push((said, taken));
        self.turn(at, |core, turn| {
            let reply = move |view: Result<RevocationView, _>| {
                if let Ok(view) = view {
                    told.put(view.revocation);
                }
            };
            core.revoke(turn, &request, Box::new(reply));
        })
    }
}

/// The offices' nodes, each with the main node that let it in.
fn offices(world: &World) -> impl Iterator<Item = (usize, usize)> {
    let nodes = world.nodes.iter().enumerate();
    nodes.filter_map(|(at, node)| {
        let above = node
            .seat
            .above
            .filter(|_| node.seat.level == Level::Office)?;
        (!node.is_retired).then_some((at, above))
    })
}

fn holders(world: &World, unit: &UnitId, office: &OfficeId) -> BTreeSet<NodeId> {
    let nodes = world.nodes.iter().map(|node| &node.place);
    let held = nodes.filter(|place| place.unit == *unit && place.office.as_ref() == Some(office));
    held.map(|place| place.node).collect()
}

/// Who wrote each change of a document, and the changes.
fn authored(store: &Store, doc: DocId) -> Vec<(NodeId, ScannedChange)> {
    let read = store.read().expect("memory does not fail");
    let (mut authors, mut rows) = (BTreeMap::new(), Vec::new());
    read.for_each_change(doc, 0, |row| {
        if let Ok(seal) = Seal::from_wire(&row.seal, doc, row.hash) {
            authors.entry(row.actor).or_insert(seal.author);
        }
        rows.push(row);
        true
    })
    .expect("memory does not fail");
    let rows = rows.into_iter().filter_map(|row| {
        let author = *authors.get(&row.actor)?;
        Some((
            author,
            scan(&row.body, &SCAN_LIMITS).expect("it was admitted"),
        ))
    });
    rows.collect()
}

/// What these have written of a unit's reports, as far as a node has it.
fn written(store: &Store, unit: &UnitId, authors: &BTreeSet<NodeId>) -> BTreeSet<ChangeHash> {
    let docs = {
        let read = store.read().expect("memory does not fail");
        read.docs_of_unit(unit).expect("memory does not fail")
    };
    let changes = docs.into_iter().flat_map(|doc| authored(store, doc));
    let theirs = changes.filter(|(author, _)| authors.contains(author));
    theirs.map(|(_, change)| change.hash).collect()
}

/// A save upon what a store holds of a document.
fn save(
    store: &Store,
    key: &DocKey,
    form: &Arc<Form>,
    context: &SaveContext,
    edits: &[Edit],
) -> Option<(SavedChange, ChangeHash)> {
    let read = store.read().expect("memory does not fail");
    let changes = read
        .changes_after(key.id(), 0)
        .expect("memory does not fail");
    let bodies = changes.iter().map(|change| change.body.as_slice());
    let mut report = Report::load(key.clone(), form, None, bodies).expect("it was admitted");
    let genesis = report.genesis().hash;
    let saved = report.save(context, edits).ok()??;
    Some((saved, genesis))
}

/// Puts a sealed change among the others, as no engine would.
fn put(store: &Store, signer: &Signer, key: &DocKey, saved: &SavedChange, genesis: ChangeHash) {
    let doc = key.id();
    let actors = vec![saved.scanned.actor];
    let seal = Seal::sign(signer, doc, actors, saved.hash, String::new());
    let seal = seal.expect("a small seal").to_wire();
    let (key, saved) = (key.clone(), saved.clone());
    let done = store.write(move |tx| -> Result<(), AppendError> {
        tx.put_doc(&NewDoc {
            doc,
            key: key.encode(),
            unit: key.unit.clone(),
            form: key.form.clone(),
            major: key.major,
            period: key.period.clone(),
            implied: vec![genesis],
            heads: vec![genesis],
        })?;
        let derived = saved.derived.iter();
        let derived = derived.map(|one| scan(&one.bytes, &SCAN_LIMITS).expect("our own"));
        let changes = derived.map(|change| (change, Vec::new()));
        for (change, seal) in changes.chain([(saved.scanned.clone(), seal.clone())]) {
            tx.append_change(&NewChange {
                doc,
                hash: change.hash,
                actor: change.actor,
                actor_seq: change.seq,
                deps: &change.deps,
                body: &change.bytes,
                seal: &seal,
                origin: None,
                class: 0,
            })?;
        }
        if tx.facts(doc)?.is_none() {
            tx.put_facts(doc, &hopluu_doc::Facts::new().encode())?;
        }
        Ok(())
    });
    done.expect("memory does not fail");
}

/// What was given and taken back, as the province has heard.
struct Known {
    grants: Vec<GrantView>,
    taken: Vec<Taken>,
}

impl Known {
    fn of(world: &World) -> Self {
        let core = world.nodes[0].core.as_ref().expect("it has power");
        let listed = core.revocation_list().into_iter();
        let listed: BTreeSet<RecordHash> = listed.map(|one| one.revocation).collect();
        let taken = world.rights.taken.iter().filter_map(|(said, taken)| {
            let hash = said.peek()?;
            listed.contains(&hash).then(|| taken.clone())
        });
        Self {
            grants: core.grant_list(Timestamp(world.now)),
            taken: taken.collect(),
        }
    }

    /// The numbers of those writes of an office's change that count nowhere.
    fn void_of(&self, seat: &Place, form: &Form, change: &ScannedChange) -> BTreeSet<u64> {
        let Some(office) = &seat.office else {
            return BTreeSet::new();
        };
        let stands = |one: &Taken| one.stands.contains(&change.hash);
        let of_node = self.taken.iter().filter(|one| one.node == Some(seat.node));
        let is_cut = of_node.clone().next().is_some() && !of_node.clone().any(stands);
        let held = self.grants.iter().filter(|grant| {
            let mut cuts = self
                .taken
                .iter()
                .filter(|one| one.grant == Some(grant.grant));
            let is_there = grant.counts || cuts.any(stands);
            let is_its = grant.holder == seat.unit && grant.office == *office;
            !is_cut && is_there && is_its
        });
        let held: Vec<_> = held.collect();
        let may_write = |key: &str| {
            let Ok(key) = key.parse::<FigureKey>() else {
                return false;
            };
            let value = form.line(&key.code).and_then(Line::value);
            let is_own = value.is_some_and(|value| value.offices().any(|own| own == office));
            held.iter().any(|grant| match &grant.lines {
                ReachView::All => true,
                ReachView::Own => is_own,
                ReachView::Only(codes) => codes.contains(&key.code.to_string()),
                ReachView::Nothing => false,
            })
        };
        let may_take = |value: &str| {
            let word = value.split(['\n', ' ']).next().unwrap_or_default();
            let mut steps = held.iter().flat_map(|grant| &grant.steps);
            steps.any(|step| step.as_str() == word)
        };
        // Whoever types in a text may mend it: that mark is no note.
        let notes = change.notes.iter().filter(|op| !op.key.starts_with('~'));
        let lines = change.figures.iter().chain(notes);
        let lines = lines.filter(|op| !may_write(&op.key));
        let events = change.events.iter().filter(|op| !may_take(&op.value));
        lines.chain(events).map(|op| op.op.counter).collect()
    }
}

/// What counts of the reports of units with offices: by change the numbers of its writes that do not.
#[derive(Debug, Default)]
pub(crate) struct Verdicts(BTreeMap<ChangeHash, BTreeSet<u64>>);

impl Verdicts {
    /// Reckoned from what the province knows at the end.
    pub(crate) fn reckon(world: &World) -> Self {
        let province = &world.nodes[0];
        let known = Known::of(world);
        let seats: Vec<&Place> = world.nodes.iter().map(|node| &node.place).collect();
        let offices = seats.iter().filter(|place| place.office.is_some());
        let units: BTreeSet<&UnitId> = offices.map(|place| &place.unit).collect();
        let mut verdicts = BTreeMap::new();
        for unit in units {
            let docs = {
                let read = province.store.read().expect("memory does not fail");
                read.docs_of_unit(unit).expect("memory does not fail")
            };
            for doc in docs {
                let Some(form) = form_of(&province.store, doc) else {
                    continue;
                };
                for (author, change) in authored(&province.store, doc) {
                    let seat = seats.iter().find(|place| place.node == author);
                    let void = seat.map(|seat| known.void_of(seat, &form, &change));
                    verdicts.extend(
                        void.filter(|void| !void.is_empty())
                            .map(|void| (change.hash, void)),
                    );
                }
            }
        }
        Self(verdicts)
    }

    /// How many writes that is.
    pub(crate) fn count(&self) -> u64 {
        self.0.values().map(|void| void.len() as u64).sum()
    }

    /// Whether something of a change counts nowhere.
    pub(crate) fn has(&self, change: &ChangeHash) -> bool {
        self.0.contains_key(change)
    }

    /// Whether a write of a change counts nowhere.
    pub(crate) fn is_void(&self, change: &ChangeHash, counter: u64) -> bool {
        self.0
            .get(change)
            .is_some_and(|void| void.contains(&counter))
    }

    /// Whether a node finds the same writes void; else what it finds.
    pub(crate) fn differ(&self, node: &Node) -> Option<String> {
        let read = node.store.read().expect("memory does not fail");
        for doc in read.void_docs().expect("memory does not fail") {
            for (hash, body) in read.voids(doc).expect("memory does not fail") {
                let void = hopluu_doc::VoidOps::decode(&body).expect("it was written here");
                let said = self.0.get(&hash);
                let is_same = said.is_none_or(|said| said.iter().all(|at| void.holds(*at)));
                if !is_same {
                    return Some(format!("{hash} of {doc}: {said:?} against {void:?}"));
                }
            }
        }
        for hash in self.0.keys() {
            let mut docs = Vec::new();
            read.for_each_doc(|row| docs.push(row.doc))
                .expect("memory does not fail");
            for doc in docs {
                let has = read.has_change(doc, *hash).expect("memory does not fail");
                let voids = read.voids(doc).expect("memory does not fail");
                if has && !voids.iter().any(|(void, _)| void == hash) {
                    return Some(format!("{hash} of {doc} counts there"));
                }
            }
        }
        None
    }
}

fn form_of(store: &Store, doc: DocId) -> Option<Arc<Form>> {
    let read = store.read().expect("memory does not fail");
    let row = read.doc(doc).expect("memory does not fail")?;
    let rounds = [THIS_HALF, LAST_HALF, A_FLOOD].into_iter();
    let mut rounds = rounds.filter(|round| row.form.as_str() == round.form);
    rounds.next().map(|round| Arc::clone(round.form()))
}
