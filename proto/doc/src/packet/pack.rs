//! Into a packet.

use std::collections::BTreeMap;

use hopluu_model::{ActorId, ChangeHash, DocId, NodeId};
use hopluu_trust::Seal;

use super::columns::{Columns, Said, write_signed};
use super::trail::Trail;
use super::unpack::{Unpacker, read_columns};
use super::vouch::{Link, spare};
use super::{COLUMNS, Member, Name, PacketError, Run, raw};
use crate::layout::GENESIS_ACTOR;
use crate::leb128::write_unsigned;
use crate::limits::{PACKET_CHANGES_MAX, SCAN_LIMITS};
use crate::scan::{Chunk, Head, Key, Parts, RawOp, Ref};

/// Packs changes of one document that stand in causal order, each behind all that it builds upon here.
/// Seals that another one makes superfluous stay behind.
///
/// What does not come out of its columns as it went in travels raw, so a packet is never wrong, only
/// larger. The changes are such as [`scan`](crate::scan()) has let through.
#[must_use]
pub fn pack(members: &[Member<'_>]) -> Vec<u8> {
    let opened: Option<Vec<_>> = members.iter().map(Opened::new).collect();
    let Some(mut opened) = opened.filter(|opened| opened.len() <= PACKET_CHANGES_MAX) else {
        return raw(members);
    };
    let is_spare = {
        let links: Vec<_> = opened.iter().map(Opened::link).collect();
        spare(&links, |at| {
            opened.get(at).is_some_and(|one| !one.seal.is_empty())
        })
    };
    for (one, is_spare) in opened.iter_mut().zip(is_spare) {
        if is_spare {
            one.seal = &[];
        }
    }
    Packer::pack(&opened).unwrap_or_else(|| {
        // One change alone travels as it is stored; several inflated, so that their size is what it seems.
        let chunks: Option<Vec<_>> = match opened.as_slice() {
            [one] => one
                .chunk
                .stored_bytes(&SCAN_LIMITS)
                .ok()
                .map(|bytes| vec![bytes]),
            all => Some(all.iter().map(|one| one.chunk.plain_bytes()).collect()),
        };
        let Some(chunks) = chunks else {
            return raw(members);
        };
        let members = opened.iter().zip(&chunks).map(|(one, chunk)| Member {
            seal: one.seal,
            change: chunk,
        });
        raw(&members.collect::<Vec<_>>())
    })
}

/// A change's head, and its operations put together.
type InRuns<'c> = (Head<'c>, Vec<(Name, Run)>);

/// Whether the same changes and seals can be read from the columns as were written. That Automerge would write those
/// changes as they are stored was shown before they were.
fn is_legible(bytes: &[u8], opened: &[Opened<'_>], changes: &[InRuns<'_>]) -> bool {
    let read = || -> Result<bool, PacketError> {
        let mut unpacker = Unpacker::open(bytes)?;
        for (at, (one, (head, runs))) in opened.iter().zip(changes).enumerate() {
            let told = unpacker.told()?;
            let ops: u64 = runs.iter().map(|(_, run)| run.ops()).sum();
            let last = head.start_op + ops - 1;
            let seal = unpacker.end_change(at, (one.hash, one.actor, last))?;
            let is_head = unpacker.actor(told.author)? == head.actor.as_bytes()
                && (told.seq, told.start_op.get(), told.time)
                    == (head.seq, head.start_op, head.time)
                && (&told.deps, &told.message) == (&head.deps, &head.message);
            if !is_head || told.runs != *runs || seal != one.seal {
                return Ok(false);
            }
        }
        unpacker.end()?;
        Ok(unpacker.count == opened.len())
    };
    read().unwrap_or(false)
}

/// Whether a packet gives the very bytes that it was made of.
fn is_whole(bytes: &[u8], opened: &[Opened<'_>]) -> bool {
    let Some((&COLUMNS, rest)) = bytes.split_first() else {
        return false;
    };
    let mut left = opened.iter();
    let read = read_columns(rest, |(chunk, _), seal| {
        let one = left.next();
        let is_same =
            one.is_some_and(|one| one.chunk.body == chunk.body && one.seal == seal.as_slice());
        if is_same {
            Ok(())
        } else {
            Err(super::columns::DAMAGED)
        }
    });
    read.is_ok() && left.next().is_none()
}

/// A change that was taken apart.
struct Opened<'a> {
    seal: &'a [u8],
    chunk: Chunk<'a>,
    hash: ChangeHash,
    actor: ActorId,
    deps: Vec<ChangeHash>,
}

impl<'a> Opened<'a> {
    fn new(member: &Member<'a>) -> Option<Self> {
        let chunk = Chunk::read(member.change, &SCAN_LIMITS).ok()?;
        let head = Parts::read(&chunk, &SCAN_LIMITS).ok()?.head;
        Some(Self {
            seal: member.seal,
            hash: chunk.hash(),
            actor: head.actor,
            deps: head.deps,
            chunk,
        })
    }

    fn link(&self) -> Link<'_> {
        Link {
            hash: self.hash,
            actor: self.actor,
            deps: &self.deps,
        }
    }
}

struct Packer {
    columns: Columns<Vec<u8>>,
    actors: Said<Vec<u8>>,
    hashes: Said<ChangeHash>,
    objects: Said<Name>,
    messages: Said<String>,
    sealers: Said<NodeId>,
    keys: BTreeMap<String, usize>,
    trail: Trail,
}

impl Packer {
    /// Nothing where a change is not one of a report's edits.
    fn pack(opened: &[Opened<'_>]) -> Option<Vec<u8>> {
        let mut packer = Self {
            columns: Columns::default(),
            actors: Said(vec![GENESIS_ACTOR.to_vec()]),
            hashes: Said(Vec::new()),
            objects: Said(Vec::new()),
            messages: Said(Vec::new()),
            sealers: Said(Vec::new()),
            keys: BTreeMap::new(),
            trail: Trail::default(),
        };
        let mut changes = Vec::new();
        for one in opened {
            let mut parts = Parts::read(&one.chunk, &SCAN_LIMITS).ok()?;
            let runs = packer.runs(&mut parts)?;
            changes.push((parts.head, runs));
        }
        packer.write_keys(&changes);
        let mut first_seqs: BTreeMap<usize, u64> = BTreeMap::new();
        for (one, (head, runs)) in opened.iter().zip(&changes) {
            let actor = packer.actor(head.actor.as_bytes());
            first_seqs.entry(actor).or_insert(head.seq);
            packer.write_head(head, actor)?;
            write_unsigned(&mut packer.columns.run_counts, runs.len() as u64);
            let mut counter = head.start_op;
            for (object, run) in runs {
                packer.write_run(*object, run, Name { counter, actor });
                counter += run.ops();
            }
            packer.trail.end(one.hash, counter - 1);
        }
        packer.write_seals(opened)?;
        for (place, actor) in packer.actors.0.iter().enumerate().skip(1) {
            let first = first_seqs.get(&place).copied().unwrap_or(0);
            write_unsigned(&mut packer.columns.first_seqs, first);
            let actor = <[u8; ActorId::LEN]>::try_from(actor.as_slice()).ok()?;
            packer.columns.actors.extend_from_slice(&actor);
        }
        let mut bytes = vec![COLUMNS];
        write_unsigned(&mut bytes, opened.len() as u64);
        packer.columns.write(&mut bytes);
        let columns = bytes.get(1..).unwrap_or_default();
        let is_legible = is_legible(columns, opened, &changes);
        debug_assert_eq!(is_legible, is_whole(&bytes, opened), "runs are operations");
        is_legible.then_some(bytes)
    }

    fn actor(&mut self, actor: &[u8]) -> usize {
        self.actors.place_of(actor.to_vec()).0
    }

    /// Puts together what was written one operation at a time.
    fn runs(&mut self, parts: &mut Parts<'_>) -> Option<Vec<(Name, Run)>> {
        let mut actors = Actors::of(&parts.head);
        let author = actors.place(0, self)?;
        let mut runs: Vec<(Name, Run)> = Vec::new();
        while let Some(op) = parts.next().ok()? {
            let object = actors.name(op.object?, self)?;
            let run = self.run(&op, &mut actors)?;
            let before = runs.last_mut().filter(|(other, _)| *other == object);
            let is_joined = before.is_some_and(|(_, before)| {
                let last = Name {
                    counter: op.counter.saturating_sub(1),
                    actor: author,
                };
                join(before, &run, last)
            });
            if !is_joined {
                runs.push((object, run));
            }
        }
        Some(runs)
    }

    fn run(&mut self, op: &RawOp<'_>, actors: &mut Actors<'_>) -> Option<Run> {
        let preds = op.preds.iter().map(|pred| actors.name(*pred, self));
        let preds = preds.collect::<Option<Vec<_>>>()?;
        let after = match op.key {
            Key::Text(key) if !op.insert => {
                return Some(Run::Put {
                    key: key.to_owned(),
                    value: op.text()?.to_owned(),
                    preds,
                });
            }
            Key::Text(_) => return None,
            Key::Head => None,
            Key::Element(element) => Some(actors.name(element, self)?),
        };
        if op.insert {
            let text = op.text()?;
            let is_letter = text.chars().count() == 1 && preds.is_empty();
            let text = text.to_owned();
            return is_letter.then_some(Run::Insert { after, text });
        }
        let first = after.filter(|_| op.is_deletion())?;
        (preds == [first]).then_some(Run::Delete { first, count: 1 })
    }

    fn write_keys(&mut self, changes: &[InRuns<'_>]) {
        let runs = changes.iter().flat_map(|(_, runs)| runs);
        for (_, run) in runs {
            if let Run::Put { key, .. } = run {
                self.keys.insert(key.clone(), 0);
            }
        }
        let words = &mut self.columns.words;
        write_unsigned(words, self.keys.len() as u64);
        for (place, (key, slot)) in self.keys.iter_mut().enumerate() {
            *slot = place;
            write_word(words, key);
        }
    }

    fn write_head(&mut self, head: &Head<'_>, actor: usize) -> Option<()> {
        write_unsigned(&mut self.columns.authors, actor as u64);
        if self.trail.next_seq(actor, head.seq) != head.seq {
            return None;
        }
        let deps = head.deps.iter();
        let places: Vec<_> = deps.map(|dep| self.trail.place_of(dep)).collect();
        let at = self.trail.changes();
        let deps = &mut self.columns.deps;
        if let ([Some(before)], Some(last)) = (places.as_slice(), at.checked_sub(1))
            && *before == last
        {
            write_unsigned(deps, 0);
        } else {
            write_unsigned(deps, places.len() as u64);
            for (dep, place) in head.deps.iter().zip(&places) {
                let code = match place {
                    Some(place) => 2 * (at - place) - 1,
                    None => {
                        let (place, is_new) = self.hashes.place_of(*dep);
                        if is_new {
                            self.columns.hashes.extend_from_slice(dep.as_bytes());
                        }
                        2 * place
                    }
                };
                write_unsigned(deps, code as u64);
            }
        }
        let start_op = head.start_op;
        match places.into_iter().collect::<Option<Vec<_>>>() {
            Some(places) if self.trail.start_op(&places) == Some(start_op) => {}
            Some(_) => return None,
            None => write_unsigned(&mut self.columns.start_ops, start_op),
        }
        write_signed(
            &mut self.columns.times,
            head.time.checked_sub(self.trail.time)?,
        );
        self.trail.time = head.time;
        let message = head.message.clone().map_or(0, |message| {
            let (place, is_new) = self.messages.place_of(message);
            if is_new && let Some(message) = self.messages.0.last() {
                write_word(&mut self.columns.words, message);
            }
            place + 1
        });
        write_unsigned(&mut self.columns.messages, message as u64);
        Some(())
    }

    fn write_run(&mut self, object: Name, run: &Run, op: Name) {
        let columns = &mut self.columns;
        let (place, is_new) = self.objects.place_of(object);
        write_unsigned(&mut columns.runs, run.kind() + Run::KINDS * place as u64);
        if is_new {
            write_unsigned(&mut columns.objects, object.actor as u64);
            write_unsigned(&mut columns.objects, object.counter);
        }
        match run {
            Run::Put { key, value, preds } => {
                let key = self.keys.get(key).copied().unwrap_or(0);
                write_unsigned(&mut columns.keys, key as u64);
                let foreseen = self.trail.write(place, key, op);
                if preds.iter().eq(&foreseen) {
                    write_unsigned(&mut columns.preds, 0);
                } else {
                    write_unsigned(&mut columns.preds, preds.len() as u64 + 1);
                    for pred in preds {
                        write_unsigned(&mut columns.pred_names, pred.actor as u64);
                        let since = self.trail.pred.step_to(pred.counter);
                        write_signed(&mut columns.pred_names, since);
                    }
                }
                write_unsigned(&mut columns.lengths, value.len() as u64);
                columns.values(object).extend_from_slice(value.as_bytes());
            }
            Run::Insert { after, text } => {
                write_unsigned(&mut columns.counts, run.ops());
                columns.texts.extend_from_slice(text.as_bytes());
                let actor = after.map_or(0, |after| after.actor + 1);
                write_unsigned(&mut columns.place_actors, actor as u64);
                if let Some(after) = after {
                    let since = self.trail.place.step_to(after.counter);
                    write_signed(&mut columns.places, since);
                }
            }
            Run::Delete { first, count } => {
                write_unsigned(&mut columns.counts, *count);
                write_unsigned(&mut columns.place_actors, first.actor as u64 + 1);
                let since = self.trail.place.step_to(first.counter);
                write_signed(&mut columns.places, since);
            }
        }
    }

    fn write_seals(&mut self, opened: &[Opened<'_>]) -> Option<()> {
        let mut last = 0;
        for (at, one) in opened.iter().enumerate() {
            if one.seal.is_empty() {
                continue;
            }
            let seal = Seal::from_wire(one.seal, DocId([0; 16]), one.hash).ok()?;
            if !seal.covers(&one.actor) {
                return None;
            }
            let (place, is_new) = self.sealers.place_of(seal.author);
            let seals = &mut self.columns.seals;
            write_unsigned(seals, (at - last) as u64);
            write_unsigned(seals, place as u64);
            last = at;
            if is_new {
                self.columns
                    .sealers
                    .extend_from_slice(seal.author.as_bytes());
            }
            write_unsigned(seals, seal.actors.len() as u64 - 1);
            for actor in seal.actors.iter().filter(|actor| **actor != one.actor) {
                let place = self.actors.place_of(actor.0.to_vec()).0;
                write_unsigned(seals, place as u64);
            }
            write_word(seals, &seal.account);
            self.columns.signatures.extend_from_slice(&seal.signature.0);
        }
        Some(())
    }
}

/// The actors that a change names, and their places in the packet as far as they are known.
struct Actors<'c> {
    names: Vec<&'c [u8]>,
    places: Vec<Option<usize>>,
}

impl<'c> Actors<'c> {
    fn of(head: &Head<'c>) -> Self {
        Self {
            names: head.actors.clone(),
            places: vec![None; head.actors.len()],
        }
    }

    fn place(&mut self, at: usize, packer: &mut Packer) -> Option<usize> {
        let (name, place) = (self.names.get(at)?, self.places.get_mut(at)?);
        Some(*place.get_or_insert_with(|| packer.actor(name)))
    }

    fn name(&mut self, op: Ref, packer: &mut Packer) -> Option<Name> {
        let actor = self.place(usize::try_from(op.actor).ok()?, packer)?;
        let counter = op.counter;
        Some(Name { counter, actor })
    }
}

fn write_word(out: &mut Vec<u8>, word: &str) {
    write_unsigned(out, word.len() as u64);
    out.extend_from_slice(word.as_bytes());
}

/// Takes a run of one operation into the one before it, whose last operation was `last`.
fn join(before: &mut Run, run: &Run, last: Name) -> bool {
    match (before, run) {
        (
            Run::Insert { text, .. },
            Run::Insert {
                after: Some(after),
                text: next,
            },
        ) if *after == last => {
            text.push_str(next);
            true
        }
        (Run::Delete { first, count }, Run::Delete { first: next, .. })
            if next.actor == first.actor && next.counter == first.counter + *count =>
        {
            *count += 1;
            true
        }
        _ => false,
    }
}
