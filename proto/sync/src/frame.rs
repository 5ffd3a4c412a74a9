//! The frames of version 1: what each carries, and its bytes.
//!
//! A frame is a length (LEB128), a kind and a postcard body. A frame that would be longer than
//! [`FRAME_BYTES_MAX`] travels in parts. `docs/protocol.md` is the normative text.

use std::fmt;
use std::marker::PhantomData;

use hopluu_model::{EntryKind, Epoch, ObjectId, Seq};
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::{
    FRAME_BYTES_MAX, HASHES_MAX, LEAF_ITEMS_MAX, NOTES_MAX, PARTS_MAX, PUSH_ENTRIES_MAX, SEQ_MAX,
    SPLIT,
};
use crate::range::Prefix;
use crate::{CloseCode, FileId, Item, ItemDigest, ObjectKey, Refusal, ShortHash};

/// The first bytes of every session, so that another protocol on this port is named as such.
pub(crate) const MARK: [u8; 4] = *b"HLuu";

/// The newest version this code speaks.
pub(crate) const VERSION_NEWEST: u8 = 1;

/// The oldest version this code speaks.
pub(crate) const VERSION_OLDEST: u8 = 1;

pub(crate) const KIND_HELLO: u8 = 1;
pub(crate) const KIND_PUSH: u8 = 2;
pub(crate) const KIND_ACK: u8 = 3;
pub(crate) const KIND_ASK: u8 = 4;
pub(crate) const KIND_ANSWER: u8 = 5;
pub(crate) const KIND_OBJECTS: u8 = 6;
pub(crate) const KIND_FIN: u8 = 7;
pub(crate) const KIND_PART: u8 = 8;
pub(crate) const KIND_STREAM: u8 = 9;
pub(crate) const KIND_FETCH: u8 = 10;
pub(crate) const KIND_BYTES: u8 = 11;
pub(crate) const KIND_ABSENT: u8 = 12;
pub(crate) const KIND_PRESENT: u8 = 13;

/// One frame, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Hello(Hello),
    Push(Push),
    Ack(Ack),
    Ask(Ask),
    Answer(Answer),
    Objects(Objects),
    Fin(Fin),
    Fetch(Fetch),
    /// The next bytes of what was fetched first: proofs and pieces, cut anywhere.
    Bytes(Vec<u8>),
    /// What was fetched first, or the rest of it, is not here for the listener.
    Absent,
    /// A file that the listener gave, or asked for in vain, is whole here.
    Present(FileId),
}

/// "Give me these pieces of this file, in order."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) file: FileId,
    pub(crate) first: u16,
    pub(crate) count: u16,
}

/// Who speaks and how far both have got. What a later version adds comes after these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) mark: [u8; 4],
    pub(crate) newest: u8,
    pub(crate) oldest: u8,
    /// The life of the speaker's store.
    pub(crate) epoch: Epoch,
    /// The last position of its journal.
    #[serde(with = "fixed_seq")]
    pub(crate) last: Seq,
    /// What it durably holds of the listener's journal.
    pub(crate) held: Option<Held>,
    pub(crate) nonce: [u8; 8],
    /// The newest dictionary it knows. It came later: a hello that ends before it knows none.
    pub(crate) dictionary: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) epoch: Epoch,
    #[serde(with = "fixed_seq")]
    pub(crate) through: Seq,
}

/// Entries, and what the receiver holds once they are durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Push {
    pub(crate) span: Option<Span>,
    #[serde(deserialize_with = "at_most::<_, _, PUSH_ENTRIES_MAX>")]
    pub(crate) groups: Vec<Group>,
}

/// "Whoever held all of my journal through `after` holds it through `through` now."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// What the receiver must hold already.
    pub after: Seq,
    /// What it holds then.
    pub through: Seq,
}

/// A run of entries of one kind about one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) object: Mention,
    #[serde(with = "kind_number")]
    pub(crate) kind: EntryKind,
    #[serde(deserialize_with = "at_most::<_, _, PUSH_ENTRIES_MAX>")]
    pub(crate) bodies: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mention {
    /// Takes the next short id.
    New {
        object: ObjectId,
        descriptor: Vec<u8>,
    },
    Known(u16),
}

/// All pushes up to the `pushes`th of this session are durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ack {
    pub(crate) pushes: u64,
    /// Of the last of them.
    #[serde(deserialize_with = "at_most::<_, _, PUSH_ENTRIES_MAX>")]
    pub(crate) refused: Vec<Refusal>,
}

/// "This is what I have in these ranges; where do you differ?"
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// Whether a comparison begins.
    pub(crate) is_start: bool,
    /// Whether ranges of records are still open after this question: documents wait for them.
    pub(crate) records_open: bool,
    #[serde(deserialize_with = "at_most::<_, _, PARTS_MAX>")]
    pub(crate) parts: Vec<Part>,
}

/// Where the first `answered` ranges of the question differ. The others are asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) answered: u32,
    #[serde(deserialize_with = "at_most::<_, _, PARTS_MAX>")]
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) prefix: Prefix,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// One bit for each child that holds anything, lowest first, and a print of each of those.
    Split {
        present: u32,
        #[serde(deserialize_with = "at_most::<_, _, SPLIT>")]
        prints: Vec<[u8; 8]>,
    },
    /// Everything in the range.
    Leaf(#[serde(with = "wire_items")] Vec<Item>),
}

/// What the speaker has of some objects, or wants of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Objects {
    #[serde(deserialize_with = "at_most::<_, _, NOTES_MAX>")]
    pub(crate) notes: Vec<Note>,
}

/// What the speaker has of one object, or wants of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) object: ObjectId,
    #[serde(with = "kind_number")]
    pub(crate) kind: EntryKind,
    pub(crate) says: Says,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Says {
    /// "I have these and no others; send me the rest, and say which of them you lack."
    Have(#[serde(deserialize_with = "at_most::<_, _, HASHES_MAX>")] Vec<ShortHash>),
    /// "Send me these."
    Want(#[serde(deserialize_with = "at_most::<_, _, HASHES_MAX>")] Vec<ShortHash>),
}

impl Note {
    pub(crate) fn key(&self) -> ObjectKey {
        ObjectKey {
            object: self.object,
            kind: self.kind,
        }
    }

    /// Bytes it takes in memory and, nearly, on the wire.
    pub(crate) fn weight(&self) -> usize {
        let (Says::Have(hashes) | Says::Want(hashes)) = &self.says;
        20 + 8 * hashes.len()
    }
}

/// A step of the end of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fin {
    /// The leader has no more questions; records no longer turn up.
    Asked,
    /// The leader has sent all that the questions brought up.
    Sent,
    /// So has the other side.
    Answered,
    /// The leader has also sent what was wanted last.
    Done,
}

/// Appends a frame, in parts where it is too long for one.
///
/// # Panics
/// Never: postcard fails only on types without a fixed form or on a full buffer.
pub(crate) fn encode(frame: &Frame, out: &mut Vec<u8>) {
    let (kind, body) = match frame {
        Frame::Hello(hello) => (KIND_HELLO, bytes(hello)),
        Frame::Push(push) => (KIND_PUSH, bytes(push)),
        Frame::Ack(ack) => (KIND_ACK, bytes(ack)),
        Frame::Ask(ask) => (KIND_ASK, bytes(ask)),
        Frame::Answer(answer) => (KIND_ANSWER, bytes(answer)),
        Frame::Objects(objects) => (KIND_OBJECTS, bytes(objects)),
        Frame::Fin(fin) => (KIND_FIN, bytes(fin)),
        Frame::Fetch(fetch) => (KIND_FETCH, bytes(fetch)),
        Frame::Bytes(piece) => (KIND_BYTES, piece.clone()),
        Frame::Absent => (KIND_ABSENT, Vec::new()),
        Frame::Present(file) => (KIND_PRESENT, bytes(file)),
    };
    if body.len() < FRAME_BYTES_MAX {
        raw(kind, &[&body], out);
        return;
    }
    let message: Vec<u8> = std::iter::once(kind).chain(body).collect();
    let mut pieces = message.chunks(FRAME_BYTES_MAX - 2).peekable();
    while let Some(piece) = pieces.next() {
        let is_last = u8::from(pieces.peek().is_none());
        raw(KIND_PART, &[&[is_last], piece], out);
    }
}

/// What a piece is to its packed stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum StreamFlag {
    GoesOn = 0,
    /// Whatever was open is no more.
    Begins = 1,
    /// Holds nothing; the reader may forget the stream.
    Ends = 2,
    /// A stream of one piece, beside the one that is open or not.
    Alone = 3,
}

/// Appends a piece of a packed stream of frames, cut anywhere. What begins says with which dictionary.
pub(crate) fn stream_frame(flag: StreamFlag, dictionary: u8, packed: &[u8], out: &mut Vec<u8>) {
    let head = [flag as u8, dictionary];
    let begins = matches!(flag, StreamFlag::Begins | StreamFlag::Alone);
    let head = if begins { &head[..] } else { &head[..1] };
    raw(KIND_STREAM, &[head, packed], out);
}

fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("all lengths are known and a vector grows")
}

fn raw(kind: u8, body: &[&[u8]], out: &mut Vec<u8>) {
    let mut len = 1 + body.iter().map(|piece| piece.len()).sum::<usize>();
    while len >= 0x80 {
        out.push(u8::try_from(len & 0x7f).expect("seven bits") | 0x80);
        len >>= 7;
    }
    out.push(u8::try_from(len).expect("what is left is below 128"));
    out.push(kind);
    for piece in body {
        out.extend_from_slice(piece);
    }
}

/// Reads a body. None for a kind that this version does not know.
pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Option<Frame>, CloseCode> {
    Ok(Some(match kind {
        KIND_HELLO => Frame::Hello(hello(body)?),
        KIND_PUSH => Frame::Push(whole(body)?),
        KIND_ACK => Frame::Ack(whole(body)?),
        KIND_ASK => Frame::Ask(whole(body)?),
        KIND_ANSWER => Frame::Answer(whole(body)?),
        KIND_OBJECTS => Frame::Objects(whole(body)?),
        KIND_FIN => Frame::Fin(whole(body)?),
        KIND_FETCH => Frame::Fetch(whole(body)?),
        KIND_BYTES if !body.is_empty() => Frame::Bytes(body.to_vec()),
        KIND_ABSENT if body.is_empty() => Frame::Absent,
        KIND_BYTES | KIND_ABSENT => return Err(CloseCode::Malformed),
        KIND_PRESENT => Frame::Present(whole(body)?),
        _ => return Ok(None),
    }))
}

fn hello(body: &[u8]) -> Result<Hello, CloseCode> {
    let mark: ([u8; 4], &[u8]) =
        postcard::take_from_bytes(body).map_err(|_| CloseCode::NotHello)?;
    if mark.0 != MARK {
        return Err(CloseCode::NotHello);
    }
    // The zero is for those who do not know of dictionaries, and end before that.
    let body = [body, &[0]].concat();
    let (hello, _later): (Hello, _) =
        postcard::take_from_bytes(&body).map_err(|_| CloseCode::Malformed)?;
    let held = hello.held.map_or(Seq(0), |held| held.through);
    if hello.last.max(held) > SEQ_MAX {
        return Err(CloseCode::SpanInvalid);
    }
    Ok(hello)
}

/// A body that says one thing, spelled the one way it can be.
fn whole<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<T, CloseCode> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) if bytes(&value) == body => Ok(value),
        _ => Err(CloseCode::Malformed),
    }
}

/// A list that stops at its bound, so that few bytes cannot claim much memory.
pub(crate) fn at_most<'de, D, T, const MAX: usize>(input: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct List<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(out, "at most {MAX} elements")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                if list.len() == MAX {
                    return Err(serde::de::Error::invalid_length(MAX + 1, &self));
                }
                list.push(element);
            }
            Ok(list)
        }
    }

    input.deserialize_seq(List::<T, MAX>(PhantomData))
}

/// A position in eight bytes, so that a hello is as long after the millionth entry as after the first.
mod fixed_seq {
    use super::{Deserialize, Deserializer, Seq, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(seq: &Seq, out: S) -> Result<S::Ok, S::Error> {
        seq.0.to_le_bytes().serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Seq, D::Error> {
        <[u8; 8]>::deserialize(input).map(|bytes| Seq(u64::from_le_bytes(bytes)))
    }
}

/// Kinds travel as their number, not as their place in the enum.
pub(crate) mod kind_number {
    use super::{Deserialize, Deserializer, EntryKind, Serializer};

    pub(crate) fn serialize<S: Serializer>(kind: &EntryKind, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u8(kind.number())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<EntryKind, D::Error> {
        let number = u8::deserialize(input)?;
        EntryKind::from_number(number).ok_or_else(|| serde::de::Error::custom("unknown kind"))
    }
}

/// An item as it travels: object, kind as its number, digest.
mod wire_items {
    use super::{
        Deserialize, Deserializer, EntryKind, Item, ItemDigest, LEAF_ITEMS_MAX, ObjectId,
        ObjectKey, Serialize, Serializer, at_most, kind_number,
    };

    #[derive(Serialize, Deserialize)]
    struct Wire {
        object: ObjectId,
        #[serde(with = "kind_number")]
        kind: EntryKind,
        digest: ItemDigest,
    }

    pub(super) fn serialize<S: Serializer>(items: &[Item], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(items.iter().map(|item| Wire {
            object: item.key.object,
            kind: item.key.kind,
            digest: item.digest,
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Item>, D::Error> {
        let wire: Vec<Wire> = at_most::<_, _, LEAF_ITEMS_MAX>(input)?;
        Ok(wire
            .into_iter()
            .map(|item| Item {
                key: ObjectKey {
                    object: item.object,
                    kind: item.kind,
                },
                digest: item.digest,
            })
            .collect())
    }
}
