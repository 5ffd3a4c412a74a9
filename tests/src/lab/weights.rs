//! What documents weigh on a link, packed our way and others' ways. Every figure is exact: the same bytes
//! on every machine.

#![expect(clippy::indexing_slicing, reason = "there are two sides")]

use std::io::Write as _;

use automerge::sync::{State, SyncDoc as _};
use automerge::{Automerge, Change, ChangeHash, TextEncoding};
use hopluu_doc::{Member, pack_within};
use hopluu_sync::limits::CHUNK_BYTES;

use super::documents::{Document, Sealed};

/// The window of a link's compression, as a power of two.
pub const WINDOW_LOG: u32 = 17;

/// Bytes of the packets of some documents' changes as they are sent.
#[must_use]
pub fn packets<'d>(histories: impl IntoIterator<Item = &'d [Sealed]>) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for history in histories {
        let seals: Vec<_> = history.iter().map(|one| one.seal.to_wire()).collect();
        let members = history.iter().zip(&seals).map(|(one, seal)| {
            let change = one.saved.bytes.as_slice();
            (one.saved.scanned.actor, Member { seal, change })
        });
        let members: Vec<_> = members.collect();
        let packed = pack_within(&members, CHUNK_BYTES).into_iter();
        packets.extend(packed.map(|(_, packet)| packet));
    }
    packets
}

/// Bytes of one zstd stream with the window of a link, flushed after each part.
///
/// # Panics
/// When zstd has no memory.
#[must_use]
pub fn streamed(parts: &[Vec<u8>], level: i32) -> usize {
    let mut stream = zstd::Encoder::new(Vec::new(), level).expect("memory for zstd");
    stream.window_log(WINDOW_LOG).expect("a window of zstd");
    for part in parts {
        stream.write_all(part).expect("a vector takes all");
        stream.flush().expect("a vector takes all");
    }
    stream.finish().expect("a vector takes all").len()
}

/// The changes of some documents as they are stored, each with its seal.
#[must_use]
pub fn raw_changes(documents: &[Document]) -> Vec<Vec<u8>> {
    let changes = documents.iter().flat_map(|document| &document.changes);
    changes
        .map(|one| [one.seal.to_wire(), one.saved.bytes.clone()].concat())
        .collect()
}

/// Each document as Automerge saves it without compressing it.
#[must_use]
pub fn saves(documents: &[Document]) -> Vec<Vec<u8>> {
    let saves = documents
        .iter()
        .map(|document| whole(document).save_nocompress());
    saves.collect()
}

/// The changes of each document as one Automerge bundle, without their seals.
///
/// # Panics
/// When Automerge does not make one.
#[must_use]
pub fn bundles(documents: &[Document]) -> Vec<Vec<u8>> {
    let bundles = documents.iter().map(|document| {
        let changes = document.changes.iter();
        let hashes = changes.map(|one| ChangeHash(one.saved.hash.0));
        let bundle = whole(document).bundle(hashes).expect("a bundle");
        bundle.bytes().to_vec()
    });
    bundles.collect()
}

/// Bytes of each document's uncompressed save, packed by itself as small as zstd can.
///
/// # Panics
/// When a document of the generator does not open.
#[must_use]
pub fn saved_alone(documents: &[Document]) -> usize {
    let alone = documents.iter().map(|document| {
        let saved = whole(document).save_nocompress();
        zstd::encode_all(saved.as_slice(), 19)
            .expect("a vector takes all")
            .len()
    });
    alone.sum()
}

/// The document as Automerge holds it.
///
/// # Panics
/// When a document of the generator does not open.
#[must_use]
pub fn whole(document: &Document) -> Automerge {
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    let genesis = document.report.genesis().bytes.as_slice();
    let changes = document
        .changes
        .iter()
        .map(|one| one.saved.bytes.as_slice());
    let changes = [genesis].into_iter().chain(changes);
    let changes = changes.map(|bytes| Change::try_from(bytes).expect("a change"));
    doc.apply_changes(changes).expect("changes apply");
    doc
}

/// What two sides have written apart since they last met.
#[derive(Debug)]
pub struct Apart {
    common: Automerge,
    sides: [Vec<Sealed>; 2],
}

impl Apart {
    /// So many saves on each side of a document.
    #[must_use]
    pub fn new(document: &Document, saves: usize) -> Self {
        let side = |office: usize| {
            let mut copy = document.apart(office as u64 + 1);
            copy.edit(office, saves);
            copy.changes
        };
        Self {
            common: whole(document),
            sides: [side(1), side(2)],
        }
    }

    /// What a side has to send.
    #[must_use]
    pub fn side(&self, side: usize) -> &[Sealed] {
        &self.sides[side]
    }

    /// The changes of a side as one Automerge bundle.
    ///
    /// # Panics
    /// When Automerge does not make one.
    #[must_use]
    pub fn bundle(&self, side: usize) -> Vec<u8> {
        let doc = self.copy(side);
        let hashes = self.sides[side]
            .iter()
            .map(|one| ChangeHash(one.saved.hash.0));
        doc.bundle(hashes).expect("a bundle").bytes().to_vec()
    }

    /// Bytes of all messages until both sides of Automerge's own protocol agree, beginning where they met
    /// last, both ways.
    ///
    /// # Panics
    /// When they do not agree.
    #[must_use]
    pub fn raw_sync(&self) -> usize {
        let mut docs = [self.copy(0), self.copy(1)];
        let common = self.common.get_heads();
        let mut states = [State::new(), State::new()];
        for state in &mut states {
            state.shared_heads.clone_from(&common);
        }
        let mut bytes = 0;
        loop {
            let mut is_quiet = true;
            for (from, to) in [(0, 1), (1, 0)] {
                let Some(message) = docs[from].generate_sync_message(&mut states[from]) else {
                    continue;
                };
                is_quiet = false;
                let message = message.encode();
                bytes += message.len();
                let message = automerge::sync::Message::decode(&message).expect("a message");
                docs[to]
                    .receive_sync_message(&mut states[to], message)
                    .expect("a message is taken");
            }
            if is_quiet {
                break;
            }
        }
        assert_eq!(docs[0].get_heads(), docs[1].get_heads(), "both have all");
        bytes
    }

    fn copy(&self, side: usize) -> Automerge {
        let mut doc = self.common.clone();
        let changes = self.sides[side]
            .iter()
            .map(|one| one.saved.bytes.as_slice());
        let changes = changes.map(|bytes| Change::try_from(bytes).expect("a change"));
        doc.apply_changes(changes).expect("changes apply");
        doc
    }
}
