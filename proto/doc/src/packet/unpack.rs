//! Out of a packet, within bounds.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use hopluu_model::{ActorId, ChangeHash, DocId, NodeId};
use hopluu_trust::limits::{ACCOUNT_BYTES_MAX, SEAL_ACTORS_MAX};
use hopluu_trust::{Seal, Signature};

use super::bounds::{Budget, VALUE_BYTES_MAX, count_changes, count_listed, in_reach, within};
use super::columns::{Columns, DAMAGED, Said, number, place, signed, text};
use super::raw::read_raw;
use super::trail::Trail;
use super::vouch::{Link, vouchers};
use super::{COLUMNS, GENESIS, Member, Name, PacketError, RAW, Run, Unpacked, write};
use crate::layout::GENESIS_ACTOR;
use crate::leb128::Reader;
use crate::limits::{MAP_KEY_BYTES_MAX, MESSAGE_BYTES_MAX, SCAN_LIMITS};
use crate::scan::{Chunk, ScannedChange, count_work, scan, scan_made};

/// Reads a packet: every change within [`SCAN_LIMITS`], and all together within the operations of one.
/// Seals are not checked; who they speak for is.
///
/// # Errors
/// Whatever is damaged, exceeds a bound or is no edit of a report; then all of it stays outside.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Unpacked>, PacketError> {
    let mut taken = Taken {
        budget: Budget::of_a_change(),
        unpacked: Vec::new(),
    };
    match bytes.split_first() {
        Some((&RAW, rest)) => {
            for member in read_raw(rest)? {
                let change = scan(member.change, &taken.budget.limits())?;
                taken.add(change, member.seal.to_vec())?;
            }
        }
        Some((&COLUMNS, rest)) => read_columns(rest, |(chunk, hash), seal| {
            let change = scan_made(&chunk, hash, &taken.budget.limits())?;
            taken.add(change, seal)
        })?,
        Some((&kind, _)) => return Err(PacketError::UnknownKind(kind)),
        None => return Err(PacketError::Damaged("nothing in it")),
    }
    let mut unpacked = taken.unpacked;
    find_vouchers(&mut unpacked)?;
    Ok(unpacked)
}

/// What has come out of a packet, and what may still.
struct Taken {
    budget: Budget,
    unpacked: Vec<Unpacked>,
}

impl Taken {
    fn add(&mut self, change: ScannedChange, seal: Vec<u8>) -> Result<(), PacketError> {
        self.budget.spend(change.work())?;
        self.unpacked.push(Unpacked {
            change,
            seal,
            voucher: None,
        });
        Ok(())
    }
}

/// What reading a packet that cannot be read may have cost: the operations that its changes claim where they stand as
/// they are, and as many as there may be where a damaged disk is no excuse, because no program writes such columns or
/// such a list.
#[must_use]
pub fn claimed_ops(bytes: &[u8]) -> u64 {
    match bytes.split_first() {
        Some((&RAW, rest)) => read_raw(rest).map_or(SCAN_LIMITS.ops_max as u64, |members| {
            let ops = |member: &Member<'_>| count_work(member.change, &SCAN_LIMITS);
            members.iter().filter_map(ops).sum()
        }),
        Some((&COLUMNS, _)) => SCAN_LIMITS.ops_max as u64,
        _ => 0,
    }
}

fn find_vouchers(unpacked: &mut [Unpacked]) -> Result<(), PacketError> {
    let hashes: BTreeSet<_> = unpacked.iter().map(|one| one.change.hash).collect();
    if hashes.len() != unpacked.len() {
        return Err(PacketError::Damaged("a change twice"));
    }
    let link = |change: &ScannedChange| (change.hash, change.actor, change.deps.clone());
    let links: Vec<_> = unpacked.iter().map(|one| link(&one.change)).collect();
    let links: Vec<_> = links
        .iter()
        .map(|(hash, actor, deps)| Link {
            hash: *hash,
            actor: *actor,
            deps,
        })
        .collect();
    let found = vouchers(&links, |at| {
        unpacked.get(at).is_some_and(|one| !one.seal.is_empty())
    });
    for (one, voucher) in unpacked.iter_mut().zip(found) {
        one.voucher = voucher;
    }
    Ok(())
}

/// Reads what stands in columns and gives each change with its seal, one at a time.
pub(super) fn read_columns(
    bytes: &[u8],
    mut each: impl FnMut((Chunk<'_>, ChangeHash), Vec<u8>) -> Result<(), PacketError>,
) -> Result<(), PacketError> {
    let mut unpacker = Unpacker::open(bytes)?;
    for at in 0..unpacker.count {
        let told = unpacker.told()?;
        let actor = ActorId::try_from(unpacker.actor(told.author)?).map_err(|_| DAMAGED)?;
        let ops: u64 = told.runs.iter().map(|(_, run)| run.ops()).sum();
        let last = told.start_op.get() + ops - 1;
        let (chunk, hash) = Chunk::around(write::body(&told, &unpacker.actors)?);
        let seal = unpacker.end_change(at, (hash, actor, last))?;
        each((chunk, hash), seal)?;
    }
    unpacker.end()
}

/// What stands in columns of a change, its operations put together in runs.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) author: usize,
    pub(super) seq: u64,
    pub(super) start_op: NonZeroU64,
    pub(super) time: i64,
    pub(super) message: Option<String>,
    pub(super) deps: Vec<ChangeHash>,
    pub(super) runs: Vec<(Name, Run)>,
}

/// A packet of columns on its way back into changes.
pub(super) struct Unpacker<'a> {
    /// How many changes there are.
    pub(super) count: usize,
    columns: Columns<Reader<'a>>,
    actors: Vec<&'a [u8]>,
    first_seqs: Vec<u64>,
    hashes: Vec<ChangeHash>,
    objects: Said<Name>,
    messages: Said<String>,
    sealers: Said<NodeId>,
    keys: Vec<String>,
    trail: Trail,
    budget: Budget,
    /// Which change the next seal is on.
    next_seal: Option<usize>,
}

impl<'a> Unpacker<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let mut reader = Reader::new(bytes);
        let count = place(&mut reader)?;
        count_changes(count)?;
        let mut columns = Columns::read(&mut reader)?;
        if !reader.is_empty() {
            return Err(PacketError::Damaged("bytes after the columns"));
        }
        let mut actors = vec![GENESIS_ACTOR.as_slice()];
        let mut first_seqs = vec![0];
        count_listed("actors", columns.actors.len() / ActorId::LEN)?;
        while !columns.actors.is_empty() {
            let actor = columns.actors.take(ActorId::LEN).map_err(|_| DAMAGED)?;
            actors.push(actor);
            first_seqs.push(number(&mut columns.first_seqs)?);
        }
        let unique: BTreeSet<_> = actors.iter().collect();
        if unique.len() != actors.len() {
            return Err(PacketError::Damaged("an actor twice"));
        }
        count_listed("parents elsewhere", columns.hashes.len() / ChangeHash::LEN)?;
        let mut hashes = Vec::new();
        while !columns.hashes.is_empty() {
            let hash = columns.hashes.take(ChangeHash::LEN).map_err(|_| DAMAGED)?;
            hashes.push(ChangeHash::try_from(hash).map_err(|_| DAMAGED)?);
        }
        let words = place(&mut columns.words)?;
        count_listed("keys", words)?;
        let mut keys = Vec::new();
        for _ in 0..words {
            keys.push(word(&mut columns.words, MAP_KEY_BYTES_MAX)?);
        }
        let mut unpacker = Self {
            count,
            columns,
            actors,
            first_seqs,
            hashes,
            objects: Said(Vec::new()),
            messages: Said(Vec::new()),
            sealers: Said(Vec::new()),
            keys,
            trail: Trail::default(),
            budget: Budget::of_a_change(),
            next_seal: None,
        };
        unpacker.find_seal(0)?;
        Ok(unpacker)
    }

    /// The next change. It is at its [end](Self::end_change) when it is known what it is called by.
    pub(super) fn told(&mut self) -> Result<Told, PacketError> {
        let author = place(&mut self.columns.authors)?;
        let first = self.first_seqs.get(author).copied().ok_or(DAMAGED)?;
        let seq = self.trail.next_seq(author, first);
        let (deps, start_op) = self.deps()?;
        self.trail.time = self
            .trail
            .time
            .wrapping_add(signed(&mut self.columns.times)?);
        let message = match place(&mut self.columns.messages)?.checked_sub(1) {
            None => None,
            Some(place) => Some(
                self.messages
                    .at(place, || word(&mut self.columns.words, MESSAGE_BYTES_MAX))?,
            ),
        };
        let mut runs = Vec::new();
        let (mut writes, mut weight) = (0, 0);
        let mut counter = start_op.get();
        for _ in 0..number(&mut self.columns.run_counts)? {
            let op = Name {
                counter,
                actor: author,
            };
            let (object, run) = self.run(op)?;
            writes += usize::from(run.kind() == Run::PUT);
            within("writes", writes, SCAN_LIMITS.map_writes_max)?;
            weight += run.weight();
            within("bytes in a change", weight, SCAN_LIMITS.inflated_bytes_max)?;
            counter += run.ops();
            runs.push((object, run));
        }
        Ok(Told {
            author,
            seq,
            start_op,
            time: self.trail.time,
            message,
            deps,
            runs,
        })
    }

    /// Takes what the last change is called by, its author and the number of its last operation; gives its seal.
    pub(super) fn end_change(
        &mut self,
        at: usize,
        (hash, actor, max_op): (ChangeHash, ActorId, u64),
    ) -> Result<Vec<u8>, PacketError> {
        self.trail.end(hash, max_op);
        self.seal(at, hash, actor)
    }

    /// Behind the last change.
    pub(super) fn end(&self) -> Result<(), PacketError> {
        if self.columns.is_empty() && self.next_seal.is_none() {
            Ok(())
        } else {
            Err(PacketError::Damaged("bytes left in a column"))
        }
    }

    /// What a change builds upon, and the number of its first operation.
    fn deps(&mut self) -> Result<(Vec<ChangeHash>, NonZeroU64), PacketError> {
        let at = self.trail.changes();
        let (mut hashes, mut places) = (Vec::new(), Vec::new());
        let mut is_apart = false;
        let count = place(&mut self.columns.deps)?;
        within("parents", count, SCAN_LIMITS.deps_max)?;
        self.budget.spend_parents(count)?;
        if count == 0 {
            places.push(at.checked_sub(1).ok_or(DAMAGED)?);
        }
        for _ in 0..count {
            let code = place(&mut self.columns.deps)?;
            if code % 2 == 1 {
                let back = code / 2 + 1;
                places.push(at.checked_sub(back).ok_or(DAMAGED)?);
            } else {
                is_apart = true;
                hashes.push(*self.hashes.get(code / 2).ok_or(DAMAGED)?);
            }
        }
        for place in &places {
            hashes.push(self.trail.hash(*place).ok_or(DAMAGED)?);
        }
        let start_op = if is_apart {
            number(&mut self.columns.start_ops)?
        } else {
            self.trail.start_op(&places).ok_or(DAMAGED)?
        };
        hashes.sort_unstable();
        let start_op = NonZeroU64::new(in_reach(start_op)?).ok_or(DAMAGED)?;
        Ok((hashes, start_op))
    }

    fn run(&mut self, op: Name) -> Result<(Name, Run), PacketError> {
        let code = number(&mut self.columns.runs)?;
        let at = usize::try_from(code / Run::KINDS).map_err(|_| DAMAGED)?;
        let objects = &mut self.columns.objects;
        let object = self.objects.at(at, || {
            let actor = place(objects)?;
            let counter = in_reach(number(objects)?)?;
            Ok(Name { counter, actor })
        })?;
        let run = match code % Run::KINDS {
            Run::PUT => self.put(object, at, op)?,
            Run::INSERT => {
                let text = self.inserted()?;
                let after = self.element()?;
                Run::Insert { after, text }
            }
            _ => {
                let count = self.letters()?;
                let first = self.element()?.ok_or(DAMAGED)?;
                in_reach(first.counter.saturating_add(count))?;
                Run::Delete { first, count }
            }
        };
        Ok((object, run))
    }

    fn put(&mut self, object: Name, at: usize, op: Name) -> Result<Run, PacketError> {
        self.budget.spend(1)?;
        let key = place(&mut self.columns.keys)?;
        let foreseen = self.trail.write(at, key, op);
        let preds = match number(&mut self.columns.preds)?.checked_sub(1) {
            None => foreseen.into_iter().collect(),
            Some(count) => {
                self.budget.spend(count)?;
                let mut preds = Vec::new();
                for _ in 0..count {
                    let actor = place(&mut self.columns.pred_names)?;
                    let step = signed(&mut self.columns.pred_names)?;
                    let counter = in_reach(self.trail.pred.step(step))?;
                    preds.push(Name { counter, actor });
                }
                preds
            }
        };
        let unique: BTreeSet<_> = preds.iter().collect();
        if unique.len() != preds.len() {
            return Err(PacketError::Damaged("an operation superseded twice"));
        }
        let length = place(&mut self.columns.lengths)?;
        within("bytes in a value", length, VALUE_BYTES_MAX)?;
        Ok(Run::Put {
            key: self.keys.get(key).cloned().ok_or(DAMAGED)?,
            value: text(self.columns.values(object), length)?,
            preds,
        })
    }

    /// How many characters a run in a text is about. One of none would be free, and is written by nobody.
    fn letters(&mut self) -> Result<u64, PacketError> {
        let count = number(&mut self.columns.counts)?;
        if count == 0 {
            return Err(PacketError::Damaged("a run of nothing"));
        }
        self.budget.spend(count)?;
        Ok(count)
    }

    /// The characters that a run inserts.
    fn inserted(&mut self) -> Result<String, PacketError> {
        let mut text = String::new();
        for _ in 0..self.letters()? {
            let first = self.columns.texts.byte().map_err(|_| DAMAGED)?;
            let more = first.leading_ones().saturating_sub(1) as usize;
            let rest = self.columns.texts.take(more).map_err(|_| DAMAGED)?;
            let mut bytes = vec![first];
            bytes.extend_from_slice(rest);
            text.push_str(std::str::from_utf8(&bytes).map_err(|_| DAMAGED)?);
        }
        Ok(text)
    }

    /// The element that a run in a text stands at.
    fn element(&mut self) -> Result<Option<Name>, PacketError> {
        let Some(actor) = place(&mut self.columns.place_actors)?.checked_sub(1) else {
            return Ok(None);
        };
        let step = signed(&mut self.columns.places)?;
        let counter = in_reach(self.trail.place.step(step))?;
        Ok(Some(Name { counter, actor }))
    }

    pub(super) fn actor(&self, place: usize) -> Result<&'a [u8], PacketError> {
        self.actors.get(place).copied().ok_or(DAMAGED)
    }

    /// Notes which change the next seal is on, counted from the last sealed one.
    fn find_seal(&mut self, from: usize) -> Result<(), PacketError> {
        self.next_seal = if self.columns.seals.is_empty() {
            None
        } else {
            let since = place(&mut self.columns.seals)?;
            Some(from.checked_add(since).ok_or(DAMAGED)?)
        };
        Ok(())
    }

    /// The seal on a change, in its wire form; empty where it has none.
    fn seal(
        &mut self,
        at: usize,
        head: ChangeHash,
        actor: ActorId,
    ) -> Result<Vec<u8>, PacketError> {
        if self.next_seal != Some(at) {
            return Ok(Vec::new());
        }
        let columns = &mut self.columns;
        let sealer = place(&mut columns.seals)?;
        let author = self.sealers.at(sealer, || {
            let bytes = columns.sealers.take(NodeId::LEN).map_err(|_| DAMAGED)?;
            NodeId::try_from(bytes).map_err(|_| DAMAGED)
        })?;
        let mut actors = vec![actor];
        let others = place(&mut columns.seals)?;
        if others >= SEAL_ACTORS_MAX {
            return Err(PacketError::Damaged("a seal of too many actors"));
        }
        for _ in 0..others {
            let other = place(&mut columns.seals)?;
            let other = self.actors.get(other).filter(|_| other != GENESIS);
            let other = *other.ok_or(DAMAGED)?;
            actors.push(ActorId::try_from(other).map_err(|_| DAMAGED)?);
        }
        actors.sort_unstable();
        let account = word(&mut columns.seals, ACCOUNT_BYTES_MAX)?;
        let signature = columns.signatures.take(64).map_err(|_| DAMAGED)?;
        let signature = Signature(signature.try_into().map_err(|_| DAMAGED)?);
        self.find_seal(at)?;
        let seal = Seal {
            author,
            // Not part of the bytes: it is that of the packet.
            doc: DocId([0; 16]),
            actors,
            head,
            account,
            signature,
        };
        Ok(seal.to_wire())
    }
}

/// A text behind its length.
fn word(reader: &mut Reader<'_>, max: usize) -> Result<String, PacketError> {
    let length = place(reader)?;
    if length > max {
        return Err(PacketError::Damaged("length of a word"));
    }
    text(reader, length)
}
