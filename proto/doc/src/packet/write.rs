//! A change in the very bytes that Automerge writes for it, straight from its runs.
//!
//! Operation by operation, which is how Automerge takes them, this was half of what a hub does with a first sync. A
//! run is one step in every column but those of lengths and values. That the bytes are Automerge's own is asserted
//! wherever debug assertions are: in every test and fuzz target that unpacks something.

use std::collections::BTreeMap;

use super::columns::DAMAGED;
use super::unpack::Told;
use super::{Name, PacketError, Run};
use crate::leb128::{write_length, write_signed, write_unsigned};
use crate::scan::{COLUMN_KINDS, DELETE, NULL, PUT, TEXT};

/// The body of the uncompressed chunk. The actors are the packet's.
pub(super) fn body(told: &Told, actors: &[&[u8]]) -> Result<Vec<u8>, PacketError> {
    let named = Named::by(told, actors)?;
    let mut out = Vec::new();
    write_unsigned(&mut out, told.deps.len() as u64);
    for dep in &told.deps {
        out.extend_from_slice(dep.as_bytes());
    }
    write_bytes(&mut out, named.author);
    write_unsigned(&mut out, told.seq);
    write_unsigned(&mut out, told.start_op.get());
    write_signed(&mut out, told.time);
    write_bytes(&mut out, told.message.as_deref().unwrap_or("").as_bytes());
    write_unsigned(&mut out, named.others.len() as u64);
    for other in &named.others {
        write_bytes(&mut out, other);
    }
    let mut columns = Columns::default();
    let mut counter = told.start_op.get();
    for (object, run) in &told.runs {
        columns.push(*object, run, counter, &named)?;
        counter += run.ops();
    }
    columns.write(&mut out);
    Ok(out)
}

/// The actors that a change names: its author, then the others in their order.
struct Named<'a> {
    author: &'a [u8],
    others: Vec<&'a [u8]>,
    /// By their places in the packet.
    places: BTreeMap<usize, u64>,
    actors: &'a [&'a [u8]],
}

impl<'a> Named<'a> {
    fn by(told: &Told, actors: &'a [&'a [u8]]) -> Result<Self, PacketError> {
        let mut others = BTreeMap::new();
        let mut name = |name: &Name| -> Result<(), PacketError> {
            let actor = *actors.get(name.actor).ok_or(DAMAGED)?;
            if name.actor != told.author {
                others.insert(actor, name.actor);
            }
            Ok(())
        };
        for (object, run) in told.runs.iter().filter(|(_, run)| run.ops() > 0) {
            name(object)?;
            match run {
                Run::Put { preds, .. } => preds.iter().try_for_each(&mut name)?,
                Run::Insert { after, .. } => after.iter().try_for_each(&mut name)?,
                Run::Delete { first, .. } => name(first)?,
            }
        }
        let places = [told.author].into_iter().chain(others.values().copied());
        Ok(Self {
            author: actors.get(told.author).ok_or(DAMAGED)?,
            places: places.zip(0..).collect(),
            others: others.into_keys().collect(),
            actors,
        })
    }

    fn place(&self, name: Name) -> Result<u64, PacketError> {
        self.places.get(&name.actor).copied().ok_or(DAMAGED)
    }

    /// Operations in Automerge's order.
    fn sorted(&self, names: &[Name]) -> Vec<Name> {
        let mut names = names.to_vec();
        names.sort_unstable_by_key(|name| (name.counter, self.actors.get(name.actor)));
        names
    }
}

/// The columns of a change's operations.
#[derive(Default)]
struct Columns<'t> {
    object_actor: Column<u64>,
    object_counter: Column<u64>,
    key_actor: Column<u64>,
    key_counter: Deltas,
    key_text: Column<&'t str>,
    insert: Booleans,
    action: Column<u64>,
    value_meta: Column<u64>,
    value: Vec<u8>,
    pred_count: Column<u64>,
    pred_actor: Column<u64>,
    pred_counter: Deltas,
}

impl<'t> Columns<'t> {
    /// A run whose first operation has this number.
    fn push(
        &mut self,
        object: Name,
        run: &'t Run,
        counter: u64,
        named: &Named<'_>,
    ) -> Result<(), PacketError> {
        let ops = run.ops();
        if ops == 0 {
            return Ok(());
        }
        self.object_actor.push(Some(named.place(object)?), ops);
        self.object_counter.push(Some(object.counter), ops);
        self.insert.push(matches!(run, Run::Insert { .. }), ops);
        let is_deletion = matches!(run, Run::Delete { .. });
        self.action
            .push(Some(if is_deletion { DELETE } else { PUT }), ops);
        match run {
            Run::Put { key, value, preds } => {
                self.key_actor.push(None, 1);
                self.key_counter.push_null();
                self.key_text.push(Some(key), 1);
                self.value_meta.push(Some(text_meta(value.len())), 1);
                self.value.extend_from_slice(value.as_bytes());
                self.pred_count.push(Some(preds.len() as u64), 1);
                for pred in named.sorted(preds) {
                    self.pred_actor.push(Some(named.place(pred)?), 1);
                    self.pred_counter.push(pred.counter, 1);
                }
            }
            Run::Insert { after, text } => {
                let before = after.map(|after| named.place(after)).transpose()?;
                self.key_actor.push(before, 1);
                // The author's own place is the first.
                self.key_actor.push(Some(0), ops - 1);
                self.key_counter
                    .push(after.map_or(0, |after| after.counter), 1);
                self.key_counter.push(counter, ops - 1);
                self.key_text.push(None, ops);
                for letter in text.chars() {
                    self.value_meta.push(Some(text_meta(letter.len_utf8())), 1);
                }
                self.value.extend_from_slice(text.as_bytes());
                self.pred_count.push(Some(0), ops);
            }
            Run::Delete { first, .. } => {
                let place = Some(named.place(*first)?);
                for (actor, number) in [
                    (&mut self.key_actor, &mut self.key_counter),
                    (&mut self.pred_actor, &mut self.pred_counter),
                ] {
                    actor.push(place, ops);
                    number.push(first.counter, ops);
                }
                self.key_text.push(None, ops);
                self.value_meta.push(Some(NULL), ops);
                self.pred_count.push(Some(1), ops);
            }
        }
        Ok(())
    }

    /// The table of columns, and the columns. One without bytes is left out.
    fn write(self, out: &mut Vec<u8>) {
        let columns = [
            self.object_actor.finish(),
            self.object_counter.finish(),
            self.key_actor.finish(),
            self.key_counter.column.finish(),
            self.key_text.finish(),
            self.insert.finish(),
            self.action.finish(),
            self.value_meta.finish(),
            self.value,
            self.pred_count.finish(),
            self.pred_actor.finish(),
            self.pred_counter.column.finish(),
        ];
        let filled = || {
            let columns = COLUMN_KINDS.iter().zip(&columns);
            columns.filter(|(_, bytes)| !bytes.is_empty())
        };
        write_unsigned(out, filled().count() as u64);
        for (kind, bytes) in filled() {
            write_unsigned(out, *kind);
            write_length(out, bytes);
        }
        for (_, bytes) in filled() {
            out.extend_from_slice(bytes);
        }
    }
}

/// What says of a value that it is a text of so many bytes.
fn text_meta(length: usize) -> u64 {
    (length as u64) << 4 | TEXT
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes);
    out.extend_from_slice(bytes);
}

/// A value in a column of runs.
trait Cell: PartialEq {
    fn write(&self, out: &mut Vec<u8>);
}

impl Cell for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        write_unsigned(out, *self);
    }
}

impl Cell for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        write_signed(out, *self);
    }
}

impl Cell for &str {
    fn write(&self, out: &mut Vec<u8>) {
        write_bytes(out, self.as_bytes());
    }
}

/// A column of runs: so many times one value, so many nulls, or so many values one by one.
struct Column<V> {
    out: Vec<u8>,
    /// What came last, and how often by now.
    last: Option<(Option<V>, u64)>,
    /// Values that came once each before that, and how many.
    singles: (Vec<u8>, u64),
}

impl<V> Default for Column<V> {
    fn default() -> Self {
        Self {
            out: Vec::new(),
            last: None,
            singles: (Vec::new(), 0),
        }
    }
}

impl<V: Cell> Column<V> {
    fn push(&mut self, value: Option<V>, times: u64) {
        if times == 0 {
            return;
        }
        if let Some((last, count)) = &mut self.last
            && *last == value
        {
            *count += times;
            return;
        }
        self.end_run();
        self.last = Some((value, times));
    }

    fn end_run(&mut self) {
        match self.last.take() {
            None => {}
            Some((Some(value), 1)) => {
                value.write(&mut self.singles.0);
                self.singles.1 += 1;
            }
            Some((value, times)) => {
                self.end_singles();
                match value {
                    Some(value) => {
                        write_signed(&mut self.out, times.cast_signed());
                        value.write(&mut self.out);
                    }
                    None => {
                        write_signed(&mut self.out, 0);
                        write_unsigned(&mut self.out, times);
                    }
                }
            }
        }
    }

    fn end_singles(&mut self) {
        let (values, count) = std::mem::take(&mut self.singles);
        if count > 0 {
            write_signed(&mut self.out, -count.cast_signed());
            self.out.extend(values);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        // A column of nothing but nulls has no bytes.
        let is_blank = self.out.is_empty() && self.singles.1 == 0;
        if is_blank && !matches!(self.last, Some((Some(_), _))) {
            return Vec::new();
        }
        self.end_run();
        self.end_singles();
        self.out
    }
}

/// A column of numbers as the differences between them.
#[derive(Default)]
struct Deltas {
    column: Column<i64>,
    last: u64,
}

impl Deltas {
    /// So many numbers that ascend by one.
    fn push(&mut self, first: u64, count: u64) {
        let Some(more) = count.checked_sub(1) else {
            return;
        };
        let step = first.wrapping_sub(self.last).cast_signed();
        self.column.push(Some(step), 1);
        self.column.push(Some(1), more);
        self.last = first + more;
    }

    fn push_null(&mut self) {
        self.column.push(None, 1);
    }
}

/// A column of alternating runs, beginning with "no".
#[derive(Default)]
struct Booleans {
    out: Vec<u8>,
    last: bool,
    count: u64,
}

impl Booleans {
    fn push(&mut self, value: bool, times: u64) {
        if value != self.last {
            write_unsigned(&mut self.out, self.count);
            (self.last, self.count) = (value, 0);
        }
        self.count += times;
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            write_unsigned(&mut self.out, self.count);
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::num::NonZeroU64;

    use automerge::Change;
    use hopluu_model::ChangeHash;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::GENESIS_ACTOR;
    use crate::scan::Chunk;

    const ACTORS: [&[u8]; 4] = [&GENESIS_ACTOR, &[9; 8], &[0, 0, 0, 0, 0, 0, 0, 1], &[5; 8]];

    fn name() -> impl Strategy<Value = Name> {
        (1..9_u64, 0..ACTORS.len()).prop_map(|(counter, actor)| Name { counter, actor })
    }

    /// Often the same ones one after the other, as in what people write.
    fn run() -> impl Strategy<Value = Run> {
        let preds = vec(name(), 0..4).prop_map(BTreeSet::from_iter);
        prop_oneof![
            ("[ab]", "[1ế]{0,2}", preds).prop_map(|(key, value, preds)| Run::Put {
                key,
                value,
                preds: preds.into_iter().rev().collect(),
            }),
            (option::of(name()), "[aăế🌊]{0,6}")
                .prop_map(|(after, text)| Run::Insert { after, text }),
            (name(), 0..4_u64).prop_map(|(first, count)| Run::Delete { first, count }),
        ]
    }

    prop_compose! {
        fn told()(
            author in 1..ACTORS.len(),
            numbers in (1..300_u64, 1..300_u64, -9_000_000_000..9_000_000_000_i64),
            message in option::of("[a-zế]{1,9}"),
            deps in proptest::collection::btree_set(any::<[u8; 32]>(), 0..3),
            objects in vec(name(), 2),
            runs in vec((0..2_usize, run()), 1..12),
        ) -> Told {
            let (seq, start_op, time) = numbers;
            let runs = runs.into_iter().map(|(object, run)| (objects[object], run));
            Told {
                author,
                seq,
                start_op: NonZeroU64::new(start_op).unwrap(),
                time,
                message,
                deps: deps.into_iter().map(ChangeHash).collect(),
                runs: runs.collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_automerge_writes(told in told()) {
            prop_assume!(told.runs.iter().any(|(_, run)| run.ops() > 0));
            let (chunk, hash) = Chunk::around(body(&told, &ACTORS).unwrap());
            let plain = chunk.plain_bytes();
            let read = Change::try_from(plain.as_slice()).unwrap();
            prop_assert_eq!(read.hash().0, hash.0);
            let again = Change::from(read.decode());
            prop_assert_eq!(again.raw_bytes(), plain.as_slice());
        }
    }
}
