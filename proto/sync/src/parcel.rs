//! What two nodes say to each other that carry parcels: envelopes that neither of them may be able to open.
//!
//! ```text
//! offer --->            what is carried: name, addressee, length, hops
//!       <--- answer     which of it is wanted, and what is here already
//! piece --->            of those, one after the other
//!       <--- outcome    kept, taken in by its addressee, or refused
//! ```
//! Both sides do all of it at once, each word of theirs at its time and once, so that whatever a peer says it
//! makes this side hold one list and one parcel. Nothing here knows of journals: whoever is out of scope is told
//! nothing but what it carries itself.

use std::collections::VecDeque;

use hopluu_model::{Fault, NodeId};
use serde::{Deserialize, Serialize};

use crate::frame::at_most;
use crate::limits::{PARCEL_BYTES_MAX, PARCEL_PIECE_BYTES, PARCELS_OFFERED_MAX};

/// Of a word, little-endian, before it.
const LENGTH_BYTES: usize = 2;

/// A parcel as it is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The envelope's id.
    pub id: [u8; 16],
    /// Who alone can open it.
    pub to: NodeId,
    /// Its length.
    pub bytes: u32,
    /// Nodes that have carried it so far.
    pub hops: u8,
}

/// What is said to an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Not wanted: no room, or too many have carried it.
    No,
    /// To be given in this exchange.
    Want,
    /// It is carried here already.
    Kept,
    /// It was for this node, which has taken it in.
    Delivered,
}

/// What became of a parcel that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was none, or not what was offered, or there is no room after all.
    Refused,
    /// It is on the disk of one more carrier.
    Kept,
    /// Its addressee has taken it in, durably.
    Delivered,
}

/// What the other side has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It carries these: to be answered by [`Exchange::answer`].
    Offered(Vec<Offer>),
    /// This is what it said to each of ours. What it wants is to be given, in this order, by [`Exchange::give`].
    Answered(Vec<(Offer, Answer)>),
    /// One of those we wanted is here whole: to be answered by [`Exchange::outcome`].
    Parcel(Offer, Vec<u8>),
    /// It no longer has the next one we wanted.
    Gone(Offer),
    /// This is what became of one that we gave.
    Outcome(Offer, Outcome),
}

/// Something that no peer of ours says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParcelError {
    /// It does not decode, or is over a bound.
    #[error("words on parcels that cannot be read")]
    Malformed,
    /// It is not its turn.
    #[error("words on parcels that answer nothing")]
    OutOfTurn,
}

impl ParcelError {
    /// Whoever said it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Word {
    Offer(#[serde(deserialize_with = "at_most::<_, _, PARCELS_OFFERED_MAX>")] Vec<Offer>),
    Answer(#[serde(deserialize_with = "at_most::<_, _, PARCELS_OFFERED_MAX>")] Vec<Answer>),
    Piece(Vec<u8>),
    Gone,
    Outcome(Outcome),
}

/// One side of an exchange of parcels.
#[derive(Debug)]
pub struct Exchange {
    inbox: Vec<u8>,
    /// What we offered, until it is answered.
    offered: Option<Vec<Offer>>,
    /// What the peer wants, the next one first.
    to_give: VecDeque<Offer>,
    /// What it was given and has said nothing of.
    given: VecDeque<Offer>,
    /// What it offered, until we answer; none before it has, and after.
    theirs: Option<Vec<Offer>>,
    has_heard_offer: bool,
    /// What we want, the next one first, and what is there of it.
    awaited: VecDeque<Offer>,
    coming: Vec<u8>,
    /// What came whole and was not answered.
    unanswered: usize,
}

impl Exchange {
    /// Begins with what we carry, at most [`PARCELS_OFFERED_MAX`] of it, and gives the first bytes.
    #[must_use]
    pub fn begin(mut offers: Vec<Offer>) -> (Self, Vec<u8>) {
        offers.truncate(PARCELS_OFFERED_MAX);
        let word = Word::Offer(offers.clone()).bytes();
        let exchange = Self {
            inbox: Vec::new(),
            offered: Some(offers),
            to_give: VecDeque::new(),
            given: VecDeque::new(),
            theirs: None,
            has_heard_offer: false,
            awaited: VecDeque::new(),
            coming: Vec::new(),
            unanswered: 0,
        };
        (exchange, word)
    }

    /// The next bytes of the peer, cut anywhere; [`Exchange::heard`] then until it says none.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
    }

    /// What the peer has said next, once it is there whole.
    ///
    /// # Errors
    /// [`ParcelError`] when it broke a rule; the exchange is over then.
    pub fn heard(&mut self) -> Result<Option<Heard>, ParcelError> {
        while let Some(word) = self.word()? {
            if let Some(heard) = self.take(word)? {
                return Ok(Some(heard));
            }
        }
        Ok(None)
    }

    fn word(&mut self) -> Result<Option<Word>, ParcelError> {
        let Some((length, rest)) = self.inbox.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_le_bytes(*length));
        if length > PARCEL_PIECE_BYTES + 8 {
            return Err(ParcelError::Malformed);
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let word: Word = postcard::from_bytes(body).map_err(|_| ParcelError::Malformed)?;
        let whole = LENGTH_BYTES + length;
        if self.inbox.get(..whole) != Some(&word.bytes()) {
            return Err(ParcelError::Malformed);
        }
        self.inbox.drain(..whole);
        Ok(Some(word))
    }

    fn take(&mut self, word: Word) -> Result<Option<Heard>, ParcelError> {
        let heard = match word {
            Word::Offer(offers) if !self.has_heard_offer => {
                self.has_heard_offer = true;
                let is_over = |offer: &Offer| {
                    let bytes = usize::try_from(offer.bytes).unwrap_or(usize::MAX);
                    bytes == 0 || bytes > PARCEL_BYTES_MAX
                };
                if offers.iter().any(is_over) {
                    return Err(ParcelError::Malformed);
                }
                self.theirs = Some(offers.clone());
                Heard::Offered(offers)
            }
            Word::Answer(answers) => {
                let offered = self.offered.take().ok_or(ParcelError::OutOfTurn)?;
                if answers.len() != offered.len() {
                    return Err(ParcelError::Malformed);
                }
                let answered: Vec<_> = offered.into_iter().zip(answers).collect();
                let wanted = answered
                    .iter()
                    .filter(|(_, answer)| *answer == Answer::Want);
                self.to_give = wanted.map(|(offer, _)| *offer).collect();
                Heard::Answered(answered)
            }
            Word::Piece(piece) => return self.take_piece(&piece),
            Word::Gone if self.coming.is_empty() => {
                Heard::Gone(self.awaited.pop_front().ok_or(ParcelError::OutOfTurn)?)
            }
            Word::Outcome(outcome) => {
                let given = self.given.pop_front().ok_or(ParcelError::OutOfTurn)?;
                Heard::Outcome(given, outcome)
            }
            Word::Offer(_) | Word::Gone => return Err(ParcelError::OutOfTurn),
        };
        Ok(Some(heard))
    }

    fn take_piece(&mut self, piece: &[u8]) -> Result<Option<Heard>, ParcelError> {
        let offer = *self.awaited.front().ok_or(ParcelError::OutOfTurn)?;
        let whole = usize::try_from(offer.bytes).unwrap_or(usize::MAX);
        self.coming.extend_from_slice(piece);
        if piece.is_empty() || self.coming.len() > whole {
            return Err(ParcelError::Malformed);
        }
        if self.coming.len() < whole {
            return Ok(None);
        }
        self.awaited.pop_front();
        self.unanswered += 1;
        let bytes = std::mem::take(&mut self.coming);
        Ok(Some(Heard::Parcel(offer, bytes)))
    }

    /// Answers what was offered, one word for each; what is missing is not wanted.
    #[must_use]
    pub fn answer(&mut self, answers: &[Answer]) -> Vec<u8> {
        let Some(theirs) = self.theirs.take() else {
            return Vec::new();
        };
        let answers = answers.iter().copied().chain(std::iter::repeat(Answer::No));
        let (wanted, said): (Vec<_>, Vec<_>) = theirs.into_iter().zip(answers).unzip();
        let pairs = wanted.iter().zip(&said);
        self.awaited = pairs
            .filter(|(_, answer)| **answer == Answer::Want)
            .map(|(offer, _)| *offer)
            .collect();
        Word::Answer(said).bytes()
    }

    /// The parcel that is to be given next.
    #[must_use]
    pub fn to_give(&self) -> Option<Offer> {
        self.to_give.front().copied()
    }

    /// Gives the next one, in pieces; none, or other bytes than were offered, says that it is gone.
    #[must_use]
    pub fn give(&mut self, bytes: Option<&[u8]>) -> Vec<Vec<u8>> {
        let Some(offer) = self.to_give.pop_front() else {
            return Vec::new();
        };
        let whole = usize::try_from(offer.bytes).ok();
        match bytes.filter(|bytes| Some(bytes.len()) == whole) {
            Some(bytes) => {
                self.given.push_back(offer);
                let pieces = bytes.chunks(PARCEL_PIECE_BYTES);
                pieces
                    .map(|piece| Word::Piece(piece.to_vec()).bytes())
                    .collect()
            }
            None => vec![Word::Gone.bytes()],
        }
    }

    /// Says what became of the oldest parcel that came.
    #[must_use]
    pub fn outcome(&mut self, outcome: Outcome) -> Vec<u8> {
        self.unanswered = self.unanswered.saturating_sub(1);
        Word::Outcome(outcome).bytes()
    }

    /// Whether neither side has anything left to say.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let has_given = self.offered.is_none() && self.to_give.is_empty() && self.given.is_empty();
        let has_taken = self.has_heard_offer && self.theirs.is_none() && self.awaited.is_empty();
        has_given && has_taken && self.unanswered == 0
    }
}

impl Word {
    fn bytes(&self) -> Vec<u8> {
        let body = postcard::to_stdvec(self).expect("lists and byte strings always encode");
        let length = u16::try_from(body.len()).expect("a list or a piece is shorter than that");
        [&length.to_le_bytes()[..], &body].concat()
    }
}

#[cfg(test)]
mod tests;
