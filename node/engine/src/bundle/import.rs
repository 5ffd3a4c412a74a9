//! Taking a bundle in: who made it, what is in it, and what it lets the checkpoint become.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use hopluu_model::{Digest, Epoch, NodeId, Seq, Timestamp};
use hopluu_store::{DbError, FilePiece, WriteError, WriteTx};
use hopluu_sync::limits::{CHUNK_BYTES, PUSH_ENTRIES_MAX};
use hopluu_sync::{
    Acked, Bundle, Carried, Checkpoint, Claims, FileId, Incoming, OldNews, RefusalCode, Steady,
};
use hopluu_trust::{Address, Envelope, Signer};

use super::files::{Keeping, proved};
use super::{BundleError, unpack, view};
use crate::admit::Admitted;
use crate::core::Core;
use crate::evidence::has_ended;
use crate::limits::BUNDLE_WAIT_MS_MAX;
use crate::links::{EMPTY, change_checkpoint};
use crate::reads::checkpoint_of;
use crate::registry::Registry;
use crate::status::why;
use crate::turn::{Reply, Turn};
use crate::view::{BundleRemark, BundleTaken};

/// Bytes admitted in one transaction, unless one entry is larger: sixteen chunks of a link, so that a
/// file of megabytes costs few syncs and still lets peers and clerks in between.
const BATCH_BYTES: usize = 16 * CHUNK_BYTES;

/// What judging a bundle takes, apart from the loop.
pub(crate) struct Reader {
    registry: Arc<Registry>,
    root: Digest,
    signer: Arc<Signer>,
    /// The latest time there is evidence of.
    at: Option<Timestamp>,
}

/// A bundle that is for us, by somebody enrolled.
pub(crate) struct Opened {
    from: NodeId,
    brought: Brought,
    taken: BundleTaken,
}

enum Brought {
    Entries(Bundle),
    /// Each piece proved to be of its file.
    Files(BTreeSet<FileId>, VecDeque<(FileId, FilePiece)>),
}

/// A bundle on its way into the store, batch by batch.
struct Taking {
    from: NodeId,
    /// Without the entries, which are in the batches.
    claims: Bundle,
    batches: VecDeque<Vec<Incoming>>,
    taken: BundleTaken,
    is_crowded: bool,
    waited_ms: u64,
    reply: Reply<BundleTaken>,
}

/// Bundles whose makers have had more decoded than they have paid for, until time has.
#[derive(Default)]
pub(crate) struct PutOff(Vec<(Steady, Taking)>);

impl PutOff {
    /// When the next goes on.
    pub(crate) fn next_wake(&self) -> Option<Steady> {
        self.0.iter().map(|(due, _)| *due).min()
    }
}

impl Reader {
    pub(crate) fn of(core: &Core) -> Self {
        Self {
            registry: core.shared_registry(),
            root: core.config().root,
            signer: Arc::clone(core.signer()),
            at: core.judged_at(),
        }
    }

    /// Checks and opens a bundle, in the order of what each step costs.
    pub(crate) fn open(&self, bytes: &[u8]) -> Result<Opened, BundleError> {
        let (address, envelope) = Envelope::read(bytes)?;
        // Of somebody else's bundle nothing is asked but whose it is.
        if address.to.node != self.signer.node_id() {
            envelope.open(&address, &self.signer)?;
        }
        self.judge(&address)?;
        let content = unpack(&envelope.open(&address, &self.signer)?)?;
        let carried = Carried::decode(&content);
        let brought = match carried.map_err(|error| BundleError::Content(error.to_string()))? {
            Carried::Entries(bundle) => Brought::Entries(bundle),
            Carried::Files(runs) => {
                let files = runs.iter().map(|run| run.file).collect();
                Brought::Files(files, proved(&runs)?)
            }
        };
        Ok(Opened {
            from: address.from.node,
            brought,
            taken: BundleTaken {
                bundle: view(&address, &envelope, bytes.len()),
                new: 0,
                known: 0,
                waiting: 0,
                refused: 0,
                refused_why: std::collections::BTreeMap::new(),
                remarks: Vec::new(),
                files: Vec::new(),
            },
        })
    }

    /// Whether whoever made it may be heard: asked as of who calls over a link.
    fn judge(&self, address: &Address) -> Result<(), BundleError> {
        let from = &address.from;
        let line = if address.chain.is_empty() {
            let line = self.registry.line(&from.node).map(<[_]>::to_vec);
            line.filter(|line| line.first().is_some_and(|leaf| leaf.place == *from))
        } else {
            let line = address.line(&self.root).ok();
            line.filter(|line| self.registry.stands(line))
        };
        match line {
            Some(line) if from.node != self.signer.node_id() => {
                if has_ended(&line, self.at) {
                    return Err(BundleError::Expired(Box::new(from.clone())));
                }
                Ok(())
            }
            _ => Err(BundleError::Stranger(Box::new(from.clone()))),
        }
    }
}

impl Core {
    /// Opens a bundle and takes it in, all in this turn's thread.
    pub fn bundle_import(&mut self, turn: &mut Turn, bytes: &[u8], reply: Reply<BundleTaken>) {
        match Reader::of(self).open(bytes) {
            Ok(opened) => self.bundle_take(turn, opened, reply),
            Err(error) => reply(Err(error.into())),
        }
    }

    /// Takes in what a bundle holds; the answer comes when all of it is on disk.
    pub(crate) fn bundle_take(
        &mut self,
        turn: &mut Turn,
        opened: Opened,
        reply: Reply<BundleTaken>,
    ) {
        let Opened {
            from,
            brought,
            taken,
        } = opened;
        let mut bundle = match brought {
            Brought::Entries(bundle) => bundle,
            Brought::Files(files, pieces) => {
                let keeping = Keeping {
                    from,
                    pieces,
                    files,
                    taken,
                    reply,
                };
                return self.keep_carried(keeping);
            }
        };
        let batches = batches(std::mem::take(&mut bundle.entries));
        let taking = Taking {
            from,
            claims: bundle,
            batches,
            taken,
            is_crowded: false,
            waited_ms: 0,
            reply,
        };
        self.take_next(turn, taking);
    }

    /// Goes on with those for which time has paid.
    pub(crate) fn bundles_due(&mut self, turn: &mut Turn) {
        let waiting = std::mem::take(&mut self.put_off.0).into_iter();
        let (due, waiting): (Vec<_>, _) = waiting.partition(|(due, _)| *due <= turn.steady);
        self.put_off.0 = waiting;
        for (_, taking) in due {
            self.take_next(turn, taking);
        }
    }

    /// Whoever carries a bundle here has the same share of this node as its maker has over a link: what is beyond it
    /// waits, and what would wait too long is turned away. The checkpoint stays, so all of it may come again.
    fn put_off(&mut self, turn: &Turn, mut taking: Taking, wait_ms: u64) {
        taking.waited_ms = taking.waited_ms.saturating_add(wait_ms);
        if taking.waited_ms <= BUNDLE_WAIT_MS_MAX {
            let due = turn.steady.plus_ms(wait_ms);
            return self.put_off.0.push((due, taking));
        }
        taking.is_crowded = true;
        taking.remark_crowded();
        (taking.reply)(Ok(taking.taken));
    }

    /// One batch a transaction; the last one moves the checkpoint, so that a cut leaves it behind.
    fn take_next(&mut self, turn: &mut Turn, mut taking: Taking) {
        let wait_ms = self.bills.due_in_ms(&taking.from, turn.steady);
        if wait_ms > 0 {
            return self.put_off(turn, taking, wait_ms);
        }
        let mut entries = taking.batches.pop_front().unwrap_or_default();
        let is_last = taking.batches.is_empty();
        let from = taking.from;
        let mut admission = self.admission(Some(from), turn.now);
        let here = Here {
            epoch: self.epoch(),
            scope: self.scope_version(&from),
        };
        let (claims, was_crowded) = (taking.claims.clone(), taking.is_crowded);
        self.submit(
            move |tx| -> Result<_, DbError> {
                if claims.is_of_other_life(&kept_of(tx, from)?) {
                    // Who has lost it since must get it back.
                    admission.origin = None;
                }
                let admitted = admission.push(tx, &entries)?;
                let rest = entries.split_off(admitted.judged);
                let is_crowded = was_crowded || is_crowded(&admitted);
                let claims = match is_last && rest.is_empty() {
                    true => here.move_checkpoint(tx, from, &claims, is_crowded)?,
                    false => Claims::default(),
                };
                Ok((admitted, rest, claims))
            },
            move |core, turn, result: Result<(Admitted, Vec<Incoming>, Claims), WriteError<DbError>>| {
                let (admitted, rest, claims) = match result {
                    Ok(done) => done,
                    Err(error) => return (taking.reply)(Err(core.write_failed(turn, error))),
                };
                taking.count(&admitted, admitted.judged, &claims);
                let (ops, paying) = (admitted.ops(), admitted.paying_bytes());
                core.bills.spend(from, ops, paying, turn.steady);
                let is_last = is_last && rest.is_empty();
                if !rest.is_empty() {
                    taking.batches.push_front(rest);
                }
                core.let_in(turn, admitted, Some(from));
                if is_last {
                    (taking.reply)(Ok(taking.taken));
                } else {
                    core.take_next(turn, taking);
                }
            },
        );
    }
}

impl Taking {
    fn count(&mut self, admitted: &Admitted, entries: usize, claims: &Claims) {
        let taken = &mut self.taken;
        let as_count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        taken.new += as_count(admitted.taken);
        let outside = admitted.refused.len();
        taken.known += as_count(entries.saturating_sub(admitted.taken + outside));
        for refusal in &admitted.refused {
            match refusal.code {
                RefusalCode::PARKED => taken.waiting += 1,
                RefusalCode::CROWDED => self.is_crowded = true,
                code => {
                    taken.refused += 1;
                    *taken.refused_why.entry(why(code)).or_default() += 1;
                }
            }
        }
        let remarks = claims.ignored.iter().map(|news| match news {
            OldNews::Gap => BundleRemark::PartMissing,
            OldNews::TheirOtherLife => BundleRemark::PeerRestored,
            OldNews::OurOtherLife => BundleRemark::WeRestored,
            OldNews::BeyondOurs => BundleRemark::WeRolledBack,
        });
        taken.remarks.extend(remarks);
        self.remark_crowded();
    }

    fn remark_crowded(&mut self) {
        let taken = &mut self.taken;
        if self.is_crowded && !taken.remarks.contains(&BundleRemark::NoRoom) {
            taken.remarks.push(BundleRemark::NoRoom);
        }
    }
}

/// This node at the moment of the transaction.
#[derive(Clone, Copy)]
struct Here {
    epoch: Epoch,
    /// What the maker may see.
    scope: Digest,
}

impl Here {
    /// Moves the checkpoint as far as the claims go, and says what they say beside that. What was turned
    /// away for want of room must come again, so its stretch does not count.
    fn move_checkpoint(
        self,
        tx: &mut WriteTx<'_>,
        from: NodeId,
        bundle: &Bundle,
        is_crowded: bool,
    ) -> Result<Claims, DbError> {
        let kept = kept_of(tx, from)?;
        let last: Seq = tx.last_seq()?;
        let basis = Acked::basis(self.epoch, self.scope);
        let mut claims = bundle.claims(&kept, self.epoch, basis, last);
        if is_crowded {
            claims.received = None;
        }
        if claims.received.is_some() || claims.acked.is_some() {
            let (received, acked) = (claims.received, claims.acked);
            change_checkpoint(tx, from, |kept| {
                if let Some(received) = received {
                    kept.their_epoch = received.epoch;
                    kept.received = received.through;
                }
                kept.acked = acked.unwrap_or(kept.acked);
            })?;
        }
        Ok(claims)
    }
}

/// What is remembered of a bundle's maker.
fn kept_of(tx: &WriteTx<'_>, from: NodeId) -> Result<Checkpoint, DbError> {
    let kept = tx.peer(from)?.and_then(|row| row.checkpoint);
    Ok(checkpoint_of(&kept.unwrap_or(EMPTY)))
}

fn is_crowded(admitted: &Admitted) -> bool {
    let mut refused = admitted.refused.iter();
    refused.any(|refusal| refusal.code == RefusalCode::CROWDED)
}

fn batches(entries: Vec<Incoming>) -> VecDeque<Vec<Incoming>> {
    let mut batches: VecDeque<Vec<Incoming>> = VecDeque::new();
    let mut bytes = 0;
    for entry in entries {
        let weight = entry.body.len() + entry.descriptor.len();
        match batches.back_mut() {
            Some(batch) if bytes + weight <= BATCH_BYTES && batch.len() < PUSH_ENTRIES_MAX => {
                bytes += weight;
                batch.push(entry);
            }
            _ => {
                bytes = weight;
                batches.push_back(vec![entry]);
            }
        }
    }
    batches
}
