//! The work that everyone gets: which documents there are, and what either side has written since they met.

use anyhow::Context as _;
use automerge::{Automerge, Change, ChangeHash};
use hopluu_tests::lab::documents::{Document, Sealed};
use hopluu_tests::lab::weights::whole;

pub(super) const DOCUMENTS: usize = 200;
const MANY: usize = 2_000;
const APART: usize = 50;
const SAVES: usize = 200;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Who connects.
    Client,
    /// Who is connected to.
    Hub,
}

/// When a piece of work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// The hub has everything.
    HubHas,
    /// The client has heard of every document that nothing is missing.
    ClientKnows,
    /// Both have everything.
    BothHave,
}

/// One piece of work.
pub(super) struct Work {
    pub(super) name: &'static str,
    pub(super) done: Done,
    /// Hundredths of raw Automerge's bytes that ours may take.
    pub(super) of_raw: u64,
    /// Whether the two have met, and agreed on the documents then. If not, the hub has none of them.
    pub(super) have_met: bool,
    /// As they were when the two met.
    pub(super) documents: Vec<Automerge>,
    /// What was written since in the first of the documents, by the client and by the hub.
    pub(super) news: Vec<[Vec<Sealed>; 2]>,
}

/// All pieces of work; the one that takes longest to prepare comes last.
pub(super) fn works() -> Vec<Work> {
    let archive: Vec<_> = (0..)
        .take(DOCUMENTS)
        .map(|number| whole(&Document::new(number)))
        .collect();
    let work = |name, done, count| Work {
        name,
        done,
        of_raw: 100,
        have_met: true,
        // Nobody here sees that one document is like another, so ten copies cost what ten others would.
        documents: archive.iter().cycle().take(count).cloned().collect(),
        news: Vec::new(),
    };
    vec![
        Work {
            news: vec![[edited(), Vec::new()]],
            ..work("W1 one figure of 200 documents", Done::HubHas, DOCUMENTS)
        },
        work("W2 nothing new in 200", Done::ClientKnows, DOCUMENTS),
        Work {
            have_met: false,
            ..work("W3 first sync of 200", Done::HubHas, DOCUMENTS)
        },
        Work {
            news: (0..).take(APART).map(apart).collect(),
            of_raw: 25,
            ..work("W5 50 with 200 edits a side", Done::BothHave, APART)
        },
        work("W2 nothing new in 2,000", Done::ClientKnows, MANY),
    ]
}

impl Work {
    /// What a side has written in a document since the two met.
    pub(super) fn news(&self, side: Side, number: usize) -> &[Sealed] {
        let Some([client, hub]) = self.news.get(number) else {
            return &[];
        };
        match side {
            Side::Client => client,
            Side::Hub => hub,
        }
    }

    /// The same, as Automerge takes it.
    pub(super) fn changes(&self, side: Side, number: usize) -> anyhow::Result<Vec<Change>> {
        let news = self.news(side, number).iter();
        let changes = news.map(|one| Change::try_from(one.saved.bytes.as_slice()));
        changes.collect::<Result<_, _>>().context("a change")
    }

    /// What a side has when the work begins.
    pub(super) fn start(&self, side: Side) -> anyhow::Result<Vec<Automerge>> {
        if side == Side::Hub && !self.have_met {
            return Ok(Vec::new());
        }
        let mut documents = self.documents.clone();
        for (number, document) in documents.iter_mut().enumerate().take(self.news.len()) {
            document.apply_changes(self.changes(side, number)?)?;
        }
        Ok(documents)
    }

    /// The heads of each document when all is done.
    pub(super) fn goal(&self) -> anyhow::Result<Vec<Vec<ChangeHash>>> {
        let mut documents = self.start(Side::Client)?;
        for (number, document) in documents.iter_mut().enumerate().take(self.news.len()) {
            document.apply_changes(self.changes(Side::Hub, number)?)?;
        }
        Ok(documents.iter().map(heads).collect())
    }
}

/// The heads of a document, in an order that does not depend on how they came.
pub(super) fn heads(document: &Automerge) -> Vec<ChangeHash> {
    let mut heads = document.get_heads();
    heads.sort_unstable();
    heads
}

/// One figure of the first document, by an office that has been started anew: what was written under its earlier actor
/// may be sealed by either side.
pub(super) fn edited() -> Vec<Sealed> {
    let mut copy = Document::new(0).apart(1);
    copy.edit(1, 1);
    copy.changes
}

/// Saves of two offices in a document that do not know of each other.
fn apart(number: u32) -> [Vec<Sealed>; 2] {
    let document = Document::new(number);
    let written = |office: usize, side| {
        let mut copy = document.apart(side);
        copy.edit(office, SAVES);
        copy.changes
    };
    [written(1, 1), written(2, 2)]
}
