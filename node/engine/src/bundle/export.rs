//! Making bundles: whom for, from where in the journal, and in how many parts.

use std::sync::Arc;

use hopluu_doc::DocKey;
use hopluu_model::{DocId, EntryKind, Epoch, NodeId, Place, Seq, Timestamp};
use hopluu_store::{DbError, Store};
use hopluu_sync::limits::{
    BUNDLE_BYTES_MAX, BUNDLE_ENTRIES_MAX, CHUNK_BYTES, DESCRIPTOR_BYTES_MAX, ENTRY_BYTES_MAX,
    PARCEL_BYTES_MAX,
};
use hopluu_sync::{
    Acked, Ahead, Bundle, Carried, Checkpoint, Entry, Incoming, Received, Scope, Span,
};
use hopluu_trust::limits::ENVELOPE_PARTS_MAX;
use hopluu_trust::{Address, SetId, Signer};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::anew::no_report;
use super::files::{Share, carried, shares};
use super::{BundleError, PACK_FILES_LEVEL, PACK_LEVEL, PART_BYTES_MIN, inspect, pack};
use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::links::EMPTY;
use crate::reads::{Stretch, checkpoint_of};
use crate::view::{BundleView, Selector};

/// Bytes of entries in one part before packing: half of what a part may hold, so that whoever reads it
/// on the smallest node has room beside it.
const PART_CONTENT_BYTES: usize = BUNDLE_BYTES_MAX / 2;

/// Room left for what may differ between the planning of parts and their making: positions that have
/// grown a digit.
const PLAN_SLACK_BYTES: usize = 64;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleRequest {
    /// For whom.
    pub to: Receivers,
    /// Most bytes of one part; as it comes if left out.
    #[serde(default)]
    pub size_max: Option<u64>,
    /// Most parts; any number if left out.
    #[serde(default)]
    pub parts_max: Option<u64>,
    /// Only this report, and without the certificate where the receiver is sure to have it: for paper.
    #[serde(default)]
    pub report: Option<Selector>,
    /// Whether this node first writes the report's figures and notes once more, in saves that need none
    /// before them, and only these are carried.
    #[serde(default)]
    pub anew: bool,
    /// Whether the files that the reports name go along, in parts of their own behind the others.
    #[serde(default)]
    pub attachments: bool,
}

/// Who is to open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Receivers {
    /// The nodes of a unit: its main node, or those of one of its offices.
    Unit {
        /// By code, or code and date.
        unit: String,
        /// The office.
        #[serde(default)]
        office: Option<String>,
    },
    /// Everybody who has let this node in, or whom this node has let in.
    Line,
}

/// One part, ready to be carried.
#[derive(Debug, Clone)]
pub struct BundleMade {
    /// What its address says.
    pub bundle: BundleView,
    /// How many entries it holds.
    pub entries: u64,
    /// How many pieces of attachments.
    pub pieces: u64,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

/// Bundles about to be made, apart from the loop.
pub(crate) struct Exporting {
    store: Store,
    signer: Arc<Signer>,
    me: Place,
    chain: Vec<Vec<u8>>,
    epoch: Epoch,
    now: Timestamp,
    rng: StdRng,
    /// Each with what it may be told, and whether it is sure to know this node's certificate.
    receivers: Vec<(Arc<Scope>, bool)>,
    /// Those of one report, the open one first; none where everything goes.
    docs: Vec<DocId>,
    /// Nothing before this position, whatever the receiver lacks.
    not_before: Seq,
    has_attachments: bool,
    size_max: usize,
    parts_max: u64,
}

/// Where one part begins and ends.
struct Cut {
    after: Seq,
    through: Seq,
}

/// What one part brings.
enum Part {
    Entries(Cut),
    Files(Vec<Share>),
}

/// What is the same of all parts for one receiver.
struct Job<'a> {
    scope: &'a Scope,
    address: Address,
    held: Option<Received>,
    last: Seq,
}

impl Core {
    /// All parts at once, for whoever has no other thread to make them in.
    ///
    /// # Errors
    /// As [`crate::Handle::bundle_export`].
    pub fn bundles(
        &mut self,
        request: &BundleRequest,
        now: Timestamp,
    ) -> Result<Vec<BundleMade>, CommandError> {
        let mut parts = Vec::new();
        self.bundle_export(request, Seq(0), now)?
            .each(&mut |part| {
                parts.push(part);
                true
            })?;
        Ok(parts)
    }

    /// Gets together what parcels for one node are made of: what a link would bring it next.
    pub(crate) fn parcels_to(&mut self, to: Place, now: Timestamp) -> Exporting {
        let scope = self.scope_of(to);
        Exporting {
            receivers: vec![(Arc::new(scope), false)],
            size_max: PARCEL_BYTES_MAX,
            ..self.exporting(now)
        }
    }

    fn exporting(&mut self, now: Timestamp) -> Exporting {
        Exporting {
            store: self.store().clone(),
            signer: Arc::clone(self.signer()),
            me: self.me().clone(),
            chain: self.config().chain.clone(),
            epoch: self.epoch(),
            now,
            rng: StdRng::from_seed(self.seed()),
            receivers: Vec::new(),
            docs: Vec::new(),
            not_before: Seq(0),
            has_attachments: false,
            size_max: usize::MAX,
            parts_max: u64::from(ENVELOPE_PARTS_MAX),
        }
    }

    /// Gets everything together that bundles are made of.
    ///
    /// # Errors
    /// When nobody is there to open them, or the report is unknown.
    pub(crate) fn bundle_export(
        &mut self,
        request: &BundleRequest,
        not_before: Seq,
        now: Timestamp,
    ) -> Result<Exporting, CommandError> {
        let asked = request.size_max.unwrap_or(u64::MAX);
        if asked < PART_BYTES_MIN && request.report.is_none() {
            return Err(BundleError::PartTooSmall {
                given: asked,
                least: PART_BYTES_MIN,
            }
            .into());
        }
        let docs = match &request.report {
            None => Vec::new(),
            Some(selector) => {
                let meant = self.meant(selector)?;
                if !self.exists(meant.key.id())? {
                    return Err(no_report(meant, selector));
                }
                let closed = meant.closed_keys();
                let keys = std::iter::once(&meant.key).chain(&closed);
                keys.map(DocKey::id).collect()
            }
        };
        let receivers = self.receivers(&request.to, now)?.into_iter().map(|place| {
            let knows_us = self.knows_our_chain(&place.node);
            let scope = self.scope_of(place);
            (Arc::new(scope), knows_us && !docs.is_empty())
        });
        let receivers = receivers.collect();
        Ok(Exporting {
            receivers,
            docs,
            not_before,
            has_attachments: request.attachments,
            size_max: usize::try_from(asked).unwrap_or(usize::MAX),
            parts_max: request.parts_max.unwrap_or(u64::from(ENVELOPE_PARTS_MAX)),
            ..self.exporting(now)
        })
    }

    fn receivers(&self, to: &Receivers, now: Timestamp) -> Result<Vec<Place>, CommandError> {
        let registry = self.registry();
        let me = self.me().node;
        let others = registry.identities().map(|identity| &identity.place);
        let others = others.filter(|place| place.node != me && registry.is_welcome(&place.node));
        let found: Vec<Place> = match to {
            Receivers::Unit { unit, office } => {
                let unit = self.unit(Some(unit), clock::day(now))?;
                let office = match office.as_deref() {
                    None => None,
                    Some(text) => Some(text.parse().map_err(|_| CommandError::UnknownOffice {
                        office: text.to_owned(),
                        known: Vec::new(),
                    })?),
                };
                let there = others.filter(|place| place.unit == unit && place.office == office);
                let there: Vec<Place> = there.cloned().collect();
                if there.is_empty() {
                    return Err(BundleError::NobodyThere { unit, office }.into());
                }
                there
            }
            Receivers::Line => {
                let is_in_line = |place: &&Place| {
                    registry.is_right_above(&place.node, &me)
                        || registry.is_right_above(&me, &place.node)
                };
                others.filter(is_in_line).cloned().collect()
            }
        };
        if found.is_empty() {
            return Err(BundleError::NobodyInLine.into());
        }
        Ok(found)
    }

    /// Whoever stands above us in our chain, or was certified by us, has it.
    fn knows_our_chain(&self, node: &NodeId) -> bool {
        let me = self.me().node;
        let registry = self.registry();
        registry.issuer(node) == Some(me) || registry.issuer(&me) == Some(*node)
    }
}

impl Exporting {
    /// Makes one part after the other, and stops when nobody takes them any more.
    pub(crate) fn run(self, out: &mpsc::Sender<Result<BundleMade, CommandError>>) {
        let mut send = |made| out.blocking_send(Ok(made)).is_ok();
        if let Err(error) = self.each(&mut send) {
            // Whoever has left does not hear it.
            let _nobody_waits = out.blocking_send(Err(error));
        }
    }

    /// Hands each part over until it is told that no more is wanted.
    pub(crate) fn each(
        mut self,
        take: &mut dyn FnMut(BundleMade) -> bool,
    ) -> Result<(), CommandError> {
        for (scope, is_bare) in std::mem::take(&mut self.receivers) {
            if !self.make(&scope, is_bare, take)? {
                break;
            }
        }
        Ok(())
    }

    fn make(
        &mut self,
        scope: &Scope,
        is_bare: bool,
        take: &mut dyn FnMut(BundleMade) -> bool,
    ) -> Result<bool, CommandError> {
        let peer = scope.peer().clone();
        let (kept, last) = self.remembered(peer.node)?;
        let held = kept.received;
        let mut job = Job {
            scope,
            address: Address {
                from: self.me.clone(),
                chain: if is_bare {
                    Vec::new()
                } else {
                    self.chain.clone()
                },
                to: peer,
                made: self.now,
                set: SetId(self.rng.random()),
                part: 1,
                parts: ENVELOPE_PARTS_MAX,
            },
            held: (held.through > Seq(0)).then_some(held),
            last,
        };
        let basis = Acked::basis(self.epoch, job.scope.version());
        let begins = Bundle::begins_after(&kept, basis, last);
        let cuts = self.plan(&job, begins.max(self.not_before))?;
        let shares = self.shares(&job)?;
        let parts = u64::try_from(cuts.len() + shares.len()).unwrap_or(u64::MAX);
        let most = self.parts_max.min(ENVELOPE_PARTS_MAX.into());
        if parts > most {
            return Err(BundleError::TooManyParts { parts, most }.into());
        }
        job.address.parts = u16::try_from(parts).unwrap_or(ENVELOPE_PARTS_MAX);
        // Files behind the entries: who takes them in as they come knows the reports that name them by then.
        let cuts = cuts.into_iter().map(Part::Entries);
        for (number, part) in (1..).zip(cuts.chain(shares.into_iter().map(Part::Files))) {
            job.address.part = number;
            if !take(self.part(&job, &part)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn part(&mut self, job: &Job<'_>, part: &Part) -> Result<BundleMade, CommandError> {
        let (entries, pieces, content) = match part {
            Part::Entries(cut) => {
                let entries = self.entries(job, cut.after, cut.through)?;
                let entries: Vec<Entry> = entries.into_iter().map(|(entry, _)| entry).collect();
                let content = self.content(job, &entries, cut);
                (u64::try_from(entries.len()).unwrap_or(u64::MAX), 0, content)
            }
            Part::Files(shares) => {
                let read = self.store.read().map_err(CommandError::Store)?;
                let runs = read.consistent(|read| -> Result<_, DbError> {
                    shares.iter().map(|share| share.run(read)).collect()
                });
                let runs = Carried::Files(runs.map_err(CommandError::Store)?);
                let pieces = shares.iter().map(Share::count).sum();
                (0, pieces, pack(&runs.encode(), PACK_FILES_LEVEL))
            }
        };
        let refused = |error: String| CommandError::Refused {
            what: "the bundle",
            detail: error,
        };
        let closed = job.address.close(&self.signer, &content, &mut self.rng);
        let bytes = closed.map_err(|error| refused(error.to_string()))?;
        Ok(BundleMade {
            bundle: inspect(&bytes).map_err(|error| refused(error.to_string()))?,
            entries,
            pieces,
            bytes,
        })
    }

    /// The files that go along, part by part.
    fn shares(&self, job: &Job<'_>) -> Result<Vec<Vec<Share>>, CommandError> {
        if !self.has_attachments {
            return Ok(Vec::new());
        }
        let read = self.store.read().map_err(CommandError::Store)?;
        let files = read.consistent(|read| carried(read, job.scope, self.docs.first().copied()));
        let files = files.map_err(CommandError::Store)?;
        let around = job.address.overhead() + PLAN_SLACK_BYTES;
        let small = |error| match error {
            BundleError::PartTooSmall { least, .. } => BundleError::PartTooSmall {
                given: u64::try_from(self.size_max).unwrap_or(u64::MAX),
                least: least + u64::try_from(around).unwrap_or(u64::MAX),
            },
            other => other,
        };
        let shared = shares(&files, self.size_max.saturating_sub(around));
        Ok(shared.map_err(small)?)
    }

    fn remembered(&self, peer: NodeId) -> Result<(Checkpoint, Seq), CommandError> {
        let read = self.store.read().map_err(CommandError::Store)?;
        let found = read.consistent(|read| -> Result<_, DbError> {
            let kept = read.peer(peer)?.and_then(|row| row.checkpoint);
            Ok((checkpoint_of(&kept.unwrap_or(EMPTY)), read.last_seq()?))
        });
        found.map_err(CommandError::Store)
    }

    /// Cuts the journal into parts, the last one through its end. There is always one: it brings at
    /// least our word on what we hold.
    fn plan(&self, job: &Job<'_>, after: Seq) -> Result<Vec<Cut>, CommandError> {
        let mut cuts = Vec::new();
        let mut after = after;
        loop {
            let through = self.cut(job, after)?;
            cuts.push(Cut { after, through });
            if through >= job.last || cuts.len() >= usize::from(ENVELOPE_PARTS_MAX) {
                return Ok(cuts);
            }
            after = through;
        }
    }

    /// How far a part reaches that begins after a position: as far as it fits.
    fn cut(&self, job: &Job<'_>, after: Seq) -> Result<Seq, CommandError> {
        let read = self.entries(job, after, job.last)?;
        let Some((_, looked_at)) = read.last().map(|(entry, through)| (entry.seq, *through)) else {
            return Ok(job.last);
        };
        let entries: Vec<Entry> = read.into_iter().map(|(entry, _)| entry).collect();
        let bytes = |count: usize| {
            let some = entries.get(..count).unwrap_or_default();
            let through = some.last().map_or(after, |entry| entry.seq);
            let cut = Cut { after, through };
            let content = self.content(job, some, &cut);
            job.address.overhead() + content.len() + PLAN_SLACK_BYTES
        };
        if bytes(entries.len()) <= self.size_max {
            return Ok(looked_at);
        }
        let (mut fits, mut over) = (0, entries.len());
        while fits + 1 < over {
            let middle = usize::midpoint(fits, over);
            if bytes(middle) <= self.size_max {
                fits = middle;
            } else {
                over = middle;
            }
        }
        match fits.checked_sub(1).and_then(|last| entries.get(last)) {
            Some(last) => Ok(last.seq),
            None => Err(BundleError::PartTooSmall {
                given: u64::try_from(self.size_max).unwrap_or(u64::MAX),
                least: u64::try_from(bytes(1)).unwrap_or(u64::MAX),
            }
            .into()),
        }
    }

    /// What of the journal between two positions goes to a receiver, up to what one part may hold; each
    /// with how far was looked by then.
    fn entries(
        &self,
        job: &Job<'_>,
        after: Seq,
        through: Seq,
    ) -> Result<Vec<(Entry, Seq)>, CommandError> {
        let peer = job.scope.peer().node;
        // A packet that fills a part leaves no room for its address.
        let bytes_max = CHUNK_BYTES.min(self.size_max / 2);
        let mut found: Vec<(Entry, Seq)> = Vec::new();
        let (mut at, mut bytes) = (after, 0);
        while at < through {
            let read = self.store.read().map_err(CommandError::Store)?;
            let stretch = Stretch {
                after: at,
                through,
                ahead: Ahead::default(),
                scope: job.scope,
                outline: None,
            };
            let batch = read
                .consistent(|read| stretch.read_in_order(read, bytes_max))
                .map_err(CommandError::Store)?;
            if batch.through <= at {
                break;
            }
            for entry in batch.entries {
                let is_wanted = entry.origin != Some(peer)
                    && entry.body.len() <= ENTRY_BYTES_MAX
                    && entry.descriptor.len() <= DESCRIPTOR_BYTES_MAX
                    && (self.docs.is_empty() || self.docs.iter().any(|doc| is_of(&entry, *doc)));
                if !is_wanted {
                    continue;
                }
                bytes += entry.body.len() + entry.descriptor.len();
                let is_full = bytes > PART_CONTENT_BYTES || found.len() >= BUNDLE_ENTRIES_MAX;
                if is_full && !found.is_empty() {
                    return Ok(found);
                }
                let seq = entry.seq;
                found.push((entry, seq));
            }
            at = batch.through;
            // What was passed over belongs to the last one, so that nothing is looked at twice.
            if let Some((_, looked_at)) = found.last_mut() {
                *looked_at = at;
            }
        }
        Ok(found)
    }

    fn content(&self, job: &Job<'_>, entries: &[Entry], cut: &Cut) -> Vec<u8> {
        let mut entries: Vec<Incoming> = entries
            .iter()
            .map(|entry| Incoming {
                kind: entry.kind,
                object: entry.object,
                descriptor: entry.descriptor.clone(),
                body: entry.body.clone(),
            })
            .collect();
        // Who wrote a change and by which form it is read stands in records.
        entries.sort_by_key(|entry| entry.kind != EntryKind::Record);
        let span = Span {
            after: cut.after,
            through: cut.through,
        };
        let bundle = Bundle {
            epoch: self.epoch,
            span: self.docs.is_empty().then_some(span),
            held: job.held,
            entries,
        };
        pack(&bundle.encode(), PACK_LEVEL)
    }
}

fn is_of(entry: &Entry, doc: DocId) -> bool {
    matches!(entry.kind, EntryKind::Change | EntryKind::Attachment) && entry.object == doc.into()
}
