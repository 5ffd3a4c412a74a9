//! The columns of a packet: each holds one kind of number or text of all changes, one after the other.

use super::{GENESIS, Name, PacketError};
use crate::layout::FIGURES;
use crate::leb128::{Reader, write_unsigned};

/// Defines the columns once, in the order in which they travel.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One of everything: what is being written, or what is left to be read.
        #[derive(Debug, Default)]
        pub(super) struct Columns<T> {
            $($(#[$doc])* pub(super) $name: T,)*
        }

        impl Columns<Vec<u8>> {
            /// Appends the columns, each behind its length.
            pub(super) fn write(&self, out: &mut Vec<u8>) {
                $(write_unsigned(out, self.$name.len() as u64);)*
                $(out.extend_from_slice(&self.$name);)*
            }
        }

        impl<'a> Columns<Reader<'a>> {
            /// Cuts the columns out of what a reader has left. Nothing is copied.
            pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, PacketError> {
                $(let $name = reader.count().map_err(|_| DAMAGED)?;)*
                $(let $name = Reader::new(reader.take($name).map_err(|_| DAMAGED)?);)*
                Ok(Self { $($name,)* })
            }

            /// Each column with its name.
            #[cfg(test)]
            pub(super) fn named(&mut self) -> Vec<(&'static str, &'a [u8])> {
                let rest = |reader: &mut Reader<'a>| reader.rest();
                vec![$((stringify!($name), rest(&mut self.$name))),*]
            }

            pub(super) fn is_empty(&self) -> bool {
                true $(&& self.$name.is_empty())*
            }
        }
    };
}

columns! {
    /// For each actor but genesis, in the order of the list: the number of its first change here, 0
    /// for one that is only referred to.
    first_seqs,
    /// For each change: 0 for "upon the one before", else how many it builds upon, and each: odd for a
    /// change so many halves before, even for a hash of the list.
    deps,
    /// For each change: its actor's place in the list.
    authors,
    /// For each change that builds upon a hash of the list: the number of its first operation.
    start_ops,
    /// For each change: milliseconds since the one before, by their authors' clocks.
    times,
    /// For each change: its message's place in the list of those said so far, 0 for none; the place
    /// behind the last is a new one.
    messages,
    /// For each change: how many runs of operations.
    run_counts,
    /// For each run: its kind, and three times its object's place in the list; the place behind the
    /// last is a new one.
    runs,
    /// For each new object: its actor's place and its number.
    objects,
    /// For each write of a map: its key's place in the list.
    keys,
    /// For each write: 0 for "over the last one of this key here, or over none", else one more than the
    /// number of operations that it supersedes.
    preds,
    /// For each operation superseded that is so listed: its actor, and its number since the last one
    /// listed.
    pred_names,
    /// For each write: bytes of its value.
    lengths,
    /// For each run in a text: how many characters.
    counts,
    /// For each run in a text: its element's actor and one, 0 for the beginning.
    place_actors,
    /// For each run in a text that is not at its beginning: its element's number since the last one.
    places,
    /// The keys in order, and then the messages as they come, each behind its length.
    words,
    /// Values of figures.
    figures,
    /// Other values and inserted characters.
    texts,
    /// For each seal: changes since the last one, its author's place in the list (the place behind the
    /// last is a new one), how many actors besides the change's own and their places, the account.
    seals,
    /// The actors but genesis, 8 bytes each.
    actors,
    /// The hashes that changes build upon and that are not here, 32 bytes each.
    hashes,
    /// The authors of seals, 32 bytes each.
    sealers,
    /// The signatures, 64 bytes each.
    signatures,
}

impl<T> Columns<T> {
    /// Where the values of a map stand.
    pub(super) fn values(&mut self, object: Name) -> &mut T {
        let figures = Name {
            counter: FIGURES,
            actor: GENESIS,
        };
        if object == figures {
            &mut self.figures
        } else {
            &mut self.texts
        }
    }
}

pub(super) const DAMAGED: PacketError = PacketError::Damaged("a column");

/// Appends a difference so that small ones are short, whatever their sign.
pub(super) fn write_signed(out: &mut Vec<u8>, value: i64) {
    let zigzag = (value << 1) ^ (value >> 63);
    write_unsigned(out, u64::from_le_bytes(zigzag.to_le_bytes()));
}

pub(super) fn number(reader: &mut Reader<'_>) -> Result<u64, PacketError> {
    reader.unsigned().map_err(|_| DAMAGED)
}

pub(super) fn place(reader: &mut Reader<'_>) -> Result<usize, PacketError> {
    reader.count().map_err(|_| DAMAGED)
}

pub(super) fn signed(reader: &mut Reader<'_>) -> Result<i64, PacketError> {
    let zigzag = number(reader)?;
    let half = i64::from_le_bytes((zigzag >> 1).to_le_bytes());
    Ok(if zigzag & 1 == 0 { half } else { !half })
}

pub(super) fn text(reader: &mut Reader<'_>, bytes: usize) -> Result<String, PacketError> {
    let bytes = reader.take(bytes).map_err(|_| DAMAGED)?;
    let text = std::str::from_utf8(bytes).map_err(|_| DAMAGED)?;
    Ok(text.to_owned())
}

/// A list that grows as its members are first named: the place behind the last stands for the next.
#[derive(Debug)]
pub(super) struct Said<T>(pub(super) Vec<T>);

impl<T: PartialEq> Said<T> {
    /// The place of a member, and whether it is new.
    pub(super) fn place_of(&mut self, member: T) -> (usize, bool) {
        if let Some(place) = self.0.iter().position(|known| *known == member) {
            return (place, false);
        }
        self.0.push(member);
        (self.0.len() - 1, true)
    }
}

impl<T: Clone> Said<T> {
    /// The member at a place, read anew by `next` if it is the one behind the last.
    pub(super) fn at(
        &mut self,
        place: usize,
        next: impl FnOnce() -> Result<T, PacketError>,
    ) -> Result<T, PacketError> {
        if place == self.0.len() {
            self.0.push(next()?);
        }
        self.0.get(place).cloned().ok_or(DAMAGED)
    }
}
