//! Automerge's own protocol over one connection: all documents talk at once, and each side has kept its
//! states from the last session, as the library recommends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use automerge::sync::{Message, State, SyncDoc as _};
use automerge::{Automerge, ChangeHash, TextEncoding};
use hopluu_tests::lab::{Profile, TcpRelay};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, mpsc, watch};
use tokio::task::JoinSet;

use super::Took;
use super::work::{Done, Side, Work, heads};

/// Frames that wait for the link: a few of each document, so that nobody stops reading because of them.
const FRAMES_MAX: usize = 8_192;

pub(super) async fn run(work: &Work, profile: Profile, ready: &Barrier) -> anyhow::Result<Took> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let relay = TcpRelay::start(profile, 0, listener.local_addr()?).await?;
    let (client, mut at_client) = Replica::new(work, Side::Client)?;
    let (hub, mut at_hub) = Replica::new(work, Side::Hub)?;
    ready.wait().await;
    let to = relay.addr();
    let mut sides = JoinSet::new();
    sides.spawn(async move { hub.talk(listener.accept().await?.0).await });
    sides.spawn(async move { client.talk(TcpStream::connect(to).await?).await });
    let counted = async {
        let done = match work.done {
            Done::HubHas => at_hub.wait_for(|at| at.has.is_some()).await?.has,
            Done::ClientKnows => at_client.wait_for(|at| at.knows.is_some()).await?.knows,
            Done::BothHave => {
                let hub = at_hub.wait_for(|at| at.has.is_some()).await?.has;
                at_client
                    .wait_for(|at| at.has.is_some())
                    .await?
                    .has
                    .max(hub)
            }
        };
        for side in [&mut at_client, &mut at_hub] {
            side.wait_for(|at| at.has.is_some() && at.knows.is_some())
                .await?;
        }
        Took::counted(&relay, done.context("it is done")?).await
    };
    tokio::select! {
        ended = sides.join_next() => match ended {
            Some(Ok(Err(error))) => Err(error),
            _ => Err(anyhow!("one of the two has left")),
        },
        took = counted => took,
    }
}

/// How far a side is.
#[derive(Debug, Clone, Copy, Default)]
struct Reached {
    /// When it had everything.
    has: Option<Instant>,
    /// When it had heard that the other side has what there is to have, of every document.
    knows: Option<Instant>,
}

/// One side.
struct Replica {
    documents: BTreeMap<u16, Spoken>,
    goal: Vec<Vec<ChangeHash>>,
    lacking: BTreeSet<u16>,
    unsure: BTreeSet<u16>,
    reached: watch::Sender<Reached>,
}

/// A document, and what its side knows of the other's.
struct Spoken {
    document: Automerge,
    state: State,
}

impl Spoken {
    /// A document of which the other side has said nothing yet.
    fn unknown() -> Self {
        Self {
            document: Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint),
            state: State::new(),
        }
    }
}

type Frame = (u16, Vec<u8>);

impl Replica {
    fn new(work: &Work, side: Side) -> anyhow::Result<(Self, watch::Receiver<Reached>)> {
        let mut documents = BTreeMap::new();
        for ((number, document), met) in (0..).zip(work.start(side)?).zip(&work.documents) {
            let state = match work.have_met {
                true => kept(met)?,
                false => State::new(),
            };
            documents.insert(number, Spoken { document, state });
        }
        let goal = work.goal()?;
        let all: BTreeSet<_> = (0..).take(goal.len()).collect();
        let (reached, receiver) = watch::channel(Reached::default());
        let mut replica = Self {
            documents,
            goal,
            lacking: all.clone(),
            unsure: all.clone(),
            reached,
        };
        for number in all {
            replica.look(number);
        }
        Ok((replica, receiver))
    }

    /// Talks until the other side leaves.
    async fn talk(mut self, stream: TcpStream) -> anyhow::Result<()> {
        stream.set_nodelay(true)?;
        let (mut input, output) = stream.into_split();
        let (frames, queue) = mpsc::channel(FRAMES_MAX);
        let reads = async move {
            let numbers: Vec<_> = self.documents.keys().copied().collect();
            for number in numbers {
                self.say(number, &frames)?;
            }
            loop {
                let length = input.read_u32().await?;
                let number = input.read_u16().await?;
                let mut message = vec![0; usize::try_from(length)?];
                input.read_exact(&mut message).await?;
                self.hear(number, &message)?;
                self.say(number, &frames)?;
            }
        };
        tokio::select! {
            ended = reads => ended,
            ended = write(queue, output) => ended,
        }
    }

    /// Says what there is to say of a document, if anything.
    fn say(&mut self, number: u16, frames: &mpsc::Sender<Frame>) -> anyhow::Result<()> {
        let spoken = self.documents.get_mut(&number).context("a document")?;
        if let Some(message) = spoken.document.generate_sync_message(&mut spoken.state) {
            frames.try_send((number, message.encode()))?;
        }
        Ok(())
    }

    fn hear(&mut self, number: u16, message: &[u8]) -> anyhow::Result<()> {
        let message = Message::decode(message)?;
        let spoken = self.documents.entry(number).or_insert_with(Spoken::unknown);
        spoken
            .document
            .receive_sync_message(&mut spoken.state, message)?;
        self.look(number);
        Ok(())
    }

    /// Looks how far a document is, and tells when it was the last.
    fn look(&mut self, number: u16) {
        let spoken = self.documents.get(&number);
        let (Some(spoken), Some(goal)) = (spoken, self.goal.get(usize::from(number))) else {
            return;
        };
        if heads(&spoken.document) == *goal {
            self.lacking.remove(&number);
        }
        let mut theirs = spoken.state.their_heads.clone().unwrap_or_default();
        theirs.sort_unstable();
        if theirs == *goal {
            self.unsure.remove(&number);
        }
        let (has, knows) = (self.lacking.is_empty(), self.unsure.is_empty());
        self.reached.send_modify(|at| {
            let now = Instant::now();
            at.has = at.has.or(has.then_some(now));
            at.knows = at.knows.or(knows.then_some(now));
        });
    }
}

/// The state of a document on which both agreed at the end of a session, as it is read back from a disk.
fn kept(met: &Automerge) -> anyhow::Result<State> {
    let mut state = State::new();
    state.shared_heads = met.get_heads();
    Ok(State::decode(&state.encode())?)
}

/// Writes frames as they come: the length of the message, the number of the document, the message.
async fn write(mut queue: mpsc::Receiver<Frame>, output: OwnedWriteHalf) -> anyhow::Result<()> {
    let mut output = BufWriter::new(output);
    while let Some((number, message)) = queue.recv().await {
        output.write_u32(u32::try_from(message.len())?).await?;
        output.write_u16(number).await?;
        output.write_all(&message).await?;
        if queue.is_empty() {
            output.flush().await?;
        }
    }
    Ok(())
}
