//! What a link has cost, by purpose: every byte of its datagrams is put down once.

use serde::{Deserialize, Serialize};

use crate::Class;

/// What bytes were for, in the order of [`Spent`]. The order is part of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Showing who one is, before the first word.
    Handshake,
    /// Saying what one has.
    Hello,
    /// Submissions, forms, trees, certificates.
    Urgent,
    /// Figures. What comes in as a report counts here: only its sender knows what of it is text.
    Figures,
    /// Receipts.
    Receipts,
    /// Texts and notes.
    Texts,
    /// Files.
    Attachments,
    /// Acknowledgements and comparisons.
    Talk,
    /// Headers of packets, and what keeps a link.
    Transport,
    /// What was lost, or brought no answer, and went again.
    Repeats,
    /// What is carried for others, sealed, and what came that way.
    Parcels,
    /// Calls that led nowhere.
    Calls,
}

/// How many purposes there are.
const PURPOSES: usize = 12;

impl Purpose {
    /// All of them.
    pub const ALL: [Self; PURPOSES] = [
        Self::Handshake,
        Self::Hello,
        Self::Urgent,
        Self::Figures,
        Self::Receipts,
        Self::Texts,
        Self::Attachments,
        Self::Talk,
        Self::Transport,
        Self::Repeats,
        Self::Parcels,
        Self::Calls,
    ];

    /// For what entries of a class are carried.
    #[must_use]
    pub fn of_class(class: Class) -> Self {
        match class {
            Class::Urgent => Self::Urgent,
            Class::Figures => Self::Figures,
            Class::Receipts => Self::Receipts,
            Class::Texts => Self::Texts,
            Class::Attachments => Self::Attachments,
        }
    }
}

/// Bytes by purpose, both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    up: [u64; PURPOSES],
    down: [u64; PURPOSES],
}

impl Spent {
    /// What a call that led nowhere took, up and down.
    #[must_use]
    pub fn of_call(up: u64, down: u64) -> Self {
        let mut spent = Self::default();
        Self::put(&mut spent.up, Purpose::Calls, up);
        Self::put(&mut spent.down, Purpose::Calls, down);
        spent
    }

    /// Bytes for a purpose: up, and down.
    #[must_use]
    pub fn of(&self, purpose: Purpose) -> (u64, u64) {
        let at = |side: &[u64; PURPOSES]| side.get(purpose as usize).copied().unwrap_or_default();
        (at(&self.up), at(&self.down))
    }

    /// All bytes: up, and down.
    #[must_use]
    pub fn total(&self) -> (u64, u64) {
        (self.up.iter().sum(), self.down.iter().sum())
    }

    /// Puts another account to this one.
    pub fn add(&mut self, other: &Self) {
        let pairs = self.up.iter_mut().zip(other.up);
        for (mine, theirs) in pairs.chain(self.down.iter_mut().zip(other.down)) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// For the store.
    ///
    /// # Panics
    /// Never: numbers can be written.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("numbers can be written")
    }

    /// What was written, by an older program with fewer purposes too; nothing where it cannot be read.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Self {
        let (mut numbers, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() && numbers.len() < 2 * PURPOSES {
            let Ok((number, after)) = postcard::take_from_bytes::<u64>(rest) else {
                return Self::default();
            };
            numbers.push(number);
            rest = after;
        }
        let (up, down) = numbers.split_at(numbers.len() / 2);
        let mut spent = Self::default();
        if rest.is_empty() && up.len() == down.len() {
            for (side, written) in [(&mut spent.up, up), (&mut spent.down, down)] {
                for (bytes, written) in side.iter_mut().zip(written) {
                    *bytes = *written;
                }
            }
        }
        spent
    }

    fn put(side: &mut [u64; PURPOSES], purpose: Purpose, bytes: u64) {
        if let Some(kept) = side.get_mut(purpose as usize) {
            *kept = kept.saturating_add(bytes);
        }
    }
}

/// Bytes of words before they were packed, by what they said: by these shares the bytes of the stream are put
/// down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said(Spent);

impl Said {
    /// On a connection for parcels, where nothing else is said: bytes of its stream so far, up and down.
    #[must_use]
    pub fn of_parcels(up: u64, down: u64) -> Self {
        let mut spent = Spent::default();
        Spent::put(&mut spent.up, Purpose::Parcels, up);
        Spent::put(&mut spent.down, Purpose::Parcels, down);
        Self(spent)
    }

    pub(crate) fn up(&mut self, purpose: Purpose, bytes: usize) {
        Spent::put(
            &mut self.0.up,
            purpose,
            u64::try_from(bytes).unwrap_or(u64::MAX),
        );
    }

    pub(crate) fn down(&mut self, purpose: Purpose, bytes: usize) {
        Spent::put(
            &mut self.0.down,
            purpose,
            u64::try_from(bytes).unwrap_or(u64::MAX),
        );
    }
}

/// One direction of a link's meter, from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gone {
    /// Bytes of datagrams, those that went again among them.
    pub datagrams: u64,
    /// Bytes of them that had gone before and were lost or brought no answer.
    pub repeated: u64,
    /// Bytes of the stream.
    pub stream: u64,
}

/// The account of one link: what its meter shows is put down bit by bit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Account {
    is_through: bool,
    /// What has been put down.
    said: Said,
    up: Gone,
    down: Gone,
}

impl Account {
    /// Puts down what has gone since the last time. Up to the first time that the peer was heard everything that
    /// is not of the stream is the handshake's.
    pub fn put_down(&mut self, up: Gone, down: Gone, said: &Said) -> Spent {
        let mut spent = Spent::default();
        let rest = if self.is_through {
            Purpose::Transport
        } else {
            Purpose::Handshake
        };
        self.is_through |= down.stream > 0;
        let (now, before) = (&said.0, self.said.0);
        share(&mut spent.up, &mut self.up, up, rest, (&now.up, &before.up));
        share(
            &mut spent.down,
            &mut self.down,
            down,
            rest,
            (&now.down, &before.down),
        );
        self.said = *said;
        spent
    }
}

/// Puts down one direction. What the stream has taken and no datagram has carried yet waits for the next time.
fn share(
    spent: &mut [u64; PURPOSES],
    kept: &mut Gone,
    now: Gone,
    rest: Purpose,
    (said, said_before): (&[u64; PURPOSES], &[u64; PURPOSES]),
) {
    let datagrams = now.datagrams.saturating_sub(kept.datagrams);
    let repeated = now.repeated.saturating_sub(kept.repeated).min(datagrams);
    let stream = now
        .stream
        .saturating_sub(kept.stream)
        .min(datagrams - repeated);
    kept.datagrams += datagrams;
    kept.repeated += repeated;
    kept.stream += stream;
    Spent::put(spent, Purpose::Repeats, repeated);
    Spent::put(spent, rest, datagrams - repeated - stream);
    let shares = said.iter().zip(said_before);
    let shares: Vec<u64> = shares
        .map(|(now, before)| now.saturating_sub(*before))
        .collect();
    let whole = u128::from(shares.iter().sum::<u64>());
    let mut left = stream;
    for (purpose, weight) in Purpose::ALL.into_iter().zip(shares) {
        let part = (u128::from(stream) * u128::from(weight)).checked_div(whole);
        let part = u64::try_from(part.unwrap_or_default())
            .unwrap_or(left)
            .min(left);
        Spent::put(spent, purpose, part);
        left -= part;
    }
    // What division leaves over, and what was said before the last time and went only now.
    Spent::put(spent, Purpose::Talk, left);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gone(datagrams: u64, repeated: u64, stream: u64) -> Gone {
        Gone {
            datagrams,
            repeated,
            stream,
        }
    }

    #[test]
    fn what_an_older_program_put_down_is_read() {
        let mut spent = Spent::default();
        Spent::put(&mut spent.up, Purpose::Figures, 900);
        Spent::put(&mut spent.down, Purpose::Repeats, 70);
        assert_eq!(Spent::decode(&spent.encode()), spent);
        let older = [&spent.up[..PURPOSES - 1], &spent.down[..PURPOSES - 1]].concat();
        let older: Vec<u8> = older
            .iter()
            .flat_map(|number| postcard::to_allocvec(number).unwrap())
            .collect();
        assert_eq!(Spent::decode(&older), spent);
        for garbled in [&older[1..], &[0xff][..], &[0; 100]] {
            assert_eq!(Spent::decode(garbled), Spent::default());
        }
    }

    #[test]
    fn each_byte_is_put_down_for_what_it_was() {
        let (mut account, mut said) = (Account::default(), Said::default());
        said.up(Purpose::Hello, 65);
        said.up(Purpose::Figures, 300);
        said.up(Purpose::Texts, 100);
        let first = account.put_down(gone(3_000, 0, 0), gone(1_500, 0, 0), &said);
        assert_eq!(first.of(Purpose::Handshake), (3_000, 1_500));
        said.up(Purpose::Figures, 600);
        said.up(Purpose::Texts, 200);
        said.down(Purpose::Talk, 4);
        // Packed to half; 100 bytes went twice.
        let next = account.put_down(gone(3_600, 100, 400), gone(1_600, 0, 4), &said);
        assert_eq!(next.of(Purpose::Figures), (300, 0));
        assert_eq!(next.of(Purpose::Texts), (100, 0));
        assert_eq!(next.of(Purpose::Talk), (0, 4));
        assert_eq!(next.of(Purpose::Repeats), (100, 0));
        assert_eq!(next.of(Purpose::Handshake), (100, 96));
        let last = account.put_down(gone(3_650, 100, 400), gone(1_700, 0, 4), &said);
        assert_eq!(last.of(Purpose::Transport), (50, 100));
    }

    #[test]
    fn what_is_said_of_parcels_is_put_down_for_them() {
        let mut account = Account::default();
        let mut put = |gone: Gone| {
            let said = Said::of_parcels(gone.stream, gone.stream);
            account.put_down(gone, gone, &said)
        };
        let first = put(gone(3_000, 0, 10));
        assert_eq!(first.of(Purpose::Parcels), (10, 10));
        assert_eq!(first.of(Purpose::Handshake), (2_990, 2_990));
        let next = put(gone(5_000, 100, 1_810));
        assert_eq!(next.of(Purpose::Parcels), (1_800, 1_800));
        assert_eq!(next.of(Purpose::Transport), (100, 100));
    }

    proptest! {
        #[test]
        fn the_sum_is_what_the_meter_shows(
            steps in proptest::collection::vec((0..5_000u64, 0..500u64, 0..6_000u64, 0..9_000usize, 0..PURPOSES), 1..30),
        ) {
            let (mut account, mut said) = (Account::default(), Said::default());
            let (mut ledger, mut meter) = (Spent::default(), Gone::default());
            for (datagrams, repeated, stream, bytes, purpose) in steps {
                meter.datagrams += datagrams;
                meter.repeated += repeated;
                meter.stream += stream;
                said.up(Purpose::ALL[purpose], bytes);
                ledger.add(&account.put_down(meter, meter, &said));
                prop_assert_eq!(ledger.total(), (meter.datagrams, meter.datagrams));
            }
            prop_assert_eq!(Spent::decode(&ledger.encode()), ledger);
        }
    }
}
