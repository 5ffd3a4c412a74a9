//! A link on which anything can be said.

use std::time::Duration;

use hopluu_doc::{Unpacked, unpack};
use hopluu_net::{CloseReason, Link, LinkEvent};
use hopluu_sync::RefusalCode;
use serde::Deserialize;
use tokio::time::timeout;
use zstd::stream::raw::{Decoder, Operation as _};

use crate::RogueError;
use crate::frames::{ACK, CHANGE, Group, Object, PUSH, STREAM, push};

/// Longest wait for a word: on a busy machine everything takes its time, but not this long.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(20);

/// The flag of a stream's first piece.
const BEGINS: u8 = 1;

/// docs/protocol.md, stream: a piece by itself, and what it is sent without.
const ALONE: u8 = 3;
const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// docs/protocol.md, stream: what a piece holds at most.
const PIECE_BYTES_MAX: usize = 16 << 10;

/// docs/protocol.md, ack.
#[derive(Deserialize)]
struct Ack {
    pushes: u64,
    refused: Vec<(u32, u8)>,
}

/// How a node has closed a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// With which number.
    pub code: u32,
    /// In which words.
    pub text: String,
}

/// A packet of changes that a node has pushed.
#[derive(Debug, Clone)]
pub struct Packet {
    /// As it came.
    pub body: Vec<u8>,
    /// What is in it.
    pub changes: Vec<Unpacked>,
}

/// A link to another node.
pub struct Talk {
    link: Link,
    heard: Vec<u8>,
    /// What the node's packed stream held.
    unpacked: Vec<u8>,
    unpacker: Option<Decoder<'static>>,
    pushes: u64,
}

impl std::fmt::Debug for Talk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Talk").finish_non_exhaustive()
    }
}

impl Talk {
    pub(crate) fn over(link: Link) -> Self {
        Self {
            link,
            heard: Vec::new(),
            unpacked: Vec::new(),
            unpacker: None,
            pushes: 0,
        }
    }

    /// Says something. The node may have closed already; what it closed with is looked at afterwards.
    pub async fn say(&self, bytes: Vec<u8>) {
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            if self.link.handle().send(piece.to_vec()).await.is_err() {
                break;
            }
        }
    }

    async fn event(&mut self) -> Result<LinkEvent, RogueError> {
        let event = timeout(WAIT_MAX, self.link.next()).await;
        let event = event.map_err(|_| RogueError::Silent)?;
        event.ok_or(RogueError::Foreign("a link ends with its reason"))
    }

    /// How the node closes it.
    ///
    /// # Errors
    /// When it does not, or not with a number.
    pub async fn closed(mut self) -> Result<Ended, RogueError> {
        loop {
            match self.event().await? {
                LinkEvent::Received(_) => {}
                LinkEvent::Closed(CloseReason::Peer { code, text }) => {
                    return Ok(Ended { code: code.0, text });
                }
                LinkEvent::Closed(other) => return Err(RogueError::Closed(other)),
            }
        }
    }

    /// The next whole frame, packed or not.
    ///
    /// # Errors
    /// When none comes, or it is not understood.
    pub async fn frame(&mut self) -> Result<(u8, Vec<u8>), RogueError> {
        loop {
            if let Some(frame) = whole(&mut self.unpacked) {
                return Ok(frame);
            }
            match whole(&mut self.heard) {
                Some((STREAM, body)) => self.unpack(&body)?,
                Some(frame) => return Ok(frame),
                None => match self.event().await? {
                    LinkEvent::Received(bytes) => self.heard.extend(bytes),
                    LinkEvent::Closed(reason) => return Err(RogueError::Closed(reason)),
                },
            }
        }
    }

    fn unpack(&mut self, body: &[u8]) -> Result<(), RogueError> {
        let (flag, mut packed) = body
            .split_first()
            .ok_or(RogueError::Foreign("a piece has a flag"))?;
        if *flag == BEGINS || *flag == ALONE {
            // A rogue knows no dictionary, and is sent none.
            packed = packed
                .strip_prefix(&[0])
                .ok_or(RogueError::Foreign("dictionary 0"))?;
        }
        if *flag == ALONE {
            let whole = [ZSTD_MAGIC.as_slice(), packed].concat();
            self.unpacked
                .extend(zstd::bulk::decompress(&whole, PIECE_BYTES_MAX)?);
            return Ok(());
        }
        if *flag == BEGINS {
            self.unpacker = Some(Decoder::new()?);
        }
        let Some(unpacker) = &mut self.unpacker else {
            return Ok(());
        };
        let mut room = vec![0; PIECE_BYTES_MAX];
        let written = unpacker.run_on_buffers(packed, &mut room)?.bytes_written;
        self.unpacked.extend(room.into_iter().take(written));
        Ok(())
    }

    /// Pushes one entry and says what became of it: none when it was merged.
    ///
    /// # Errors
    /// When the node does not answer it.
    pub async fn offer(
        &mut self,
        object: Object,
        kind: u8,
        body: Vec<u8>,
    ) -> Result<Option<RefusalCode>, RogueError> {
        self.say(push(vec![Group::of(object, kind, body)])).await;
        self.pushes += 1;
        loop {
            let (kind, body) = self.frame().await?;
            if kind != ACK {
                continue;
            }
            let ack: Ack =
                postcard::from_bytes(&body).map_err(|_| RogueError::Foreign("an ack"))?;
            if ack.pushes == self.pushes {
                return Ok(ack.refused.first().map(|(_, code)| RefusalCode(*code)));
            }
        }
    }

    /// The packets of the next push with changes that the node makes of its own accord.
    ///
    /// # Errors
    /// When it pushes none.
    pub async fn pushed(&mut self) -> Result<Vec<Packet>, RogueError> {
        loop {
            let (kind, body) = self.frame().await?;
            if kind != PUSH {
                continue;
            }
            let (_, groups): (Option<(u64, u64)>, Vec<Group>) =
                postcard::from_bytes(&body).map_err(|_| RogueError::Foreign("a push"))?;
            let bodies = groups.into_iter().filter(|group| group.kind == CHANGE);
            let mut packets = Vec::new();
            for body in bodies.flat_map(|group| group.bodies) {
                let changes = unpack(&body).map_err(|_| RogueError::Foreign("a packet"))?;
                packets.push(Packet { body, changes });
            }
            if !packets.is_empty() {
                return Ok(packets);
            }
        }
    }
}

/// Takes the first whole frame from the front.
fn whole(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (length, rest) = postcard::take_from_bytes::<u32>(bytes).ok()?;
    let (whole, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let (kind, body) = whole.split_first()?;
    let frame = (*kind, body.to_vec());
    *bytes = after.to_vec();
    Some(frame)
}
