//! samod, the other system in Rust over the same documents, over TCP as it ships it. It begins every
//! connection with new states, so nothing is kept between sessions.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use automerge::{Automerge, ChangeHash};
use hopluu_tests::lab::{Profile, TcpRelay};
use samod::storage::{InMemoryStorage, Storage as _, StorageKey};
use samod::{
    BackoffConfig, ConnectionId, DialError, Dialer, DocHandle, DocumentId, PeerId, Repo, Transport,
    Url,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::time::sleep;

use super::Took;
use super::work::{Done, Side, Work, heads};

/// How often a document is looked at that is still awaited.
const LOOK: Duration = Duration::from_millis(2);

pub(super) async fn run(work: &Work, profile: Profile, ready: &Barrier) -> anyhow::Result<Took> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let relay = TcpRelay::start(profile, 0, listener.local_addr()?).await?;
    let (client, hub) = pair(work).await?;
    ready.wait().await;
    let acceptor = hub.repo.make_acceptor(url(listener.local_addr()?)?)?;
    let dialer = Arc::new(Dial(relay.addr(), url(relay.addr())?));
    let dialled = client.repo.dial(BackoffConfig::default(), dialer)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let accepted = acceptor.accept_tokio_io(stream)?;
    dialled.established().await?;
    let to_hub = dialled.connection_id().context("it is connected")?;
    match work.done {
        Done::HubHas => hub.has_all().await?,
        Done::ClientKnows => client.knows_all(to_hub).await?,
        Done::BothHave => {
            tokio::try_join!(client.has_all(), hub.has_all())?;
        }
    }
    let took = Took::counted(&relay, Instant::now()).await?;
    hub.has_all().await?;
    client.has_all().await?;
    drop(accepted);
    client.repo.stop().await;
    hub.repo.stop().await;
    Ok(took)
}

/// One side.
struct Replica {
    repo: Repo,
    storage: InMemoryStorage,
    /// What it has opened: a document that is open stays in memory.
    open: Vec<DocHandle>,
    goal: Vec<(DocumentId, Vec<ChangeHash>)>,
}

/// Both sides, with what each has when the work begins, open and in memory.
async fn pair(work: &Work) -> anyhow::Result<(Replica, Replica)> {
    let (client, hub) = (InMemoryStorage::new(), InMemoryStorage::new());
    let ids = stored(&client, &work.documents).await?;
    if work.have_met {
        for id in &ids {
            let stored: Vec<_> = client.load_range(place(id)?).await.into_iter().collect();
            for (key, value) in stored {
                hub.put(key, value).await;
            }
        }
    }
    let goal: Vec<_> = ids.into_iter().zip(work.goal()?).collect();
    let client = Replica::open(work, Side::Client, client, goal.clone()).await?;
    let hub = Replica::open(work, Side::Hub, hub, goal).await?;
    Ok((client, hub))
}

/// Puts documents into a store, as a session long ago did.
async fn stored(
    storage: &InMemoryStorage,
    documents: &[Automerge],
) -> anyhow::Result<Vec<DocumentId>> {
    let repo = Repo::build_tokio()
        .with_storage(storage.clone())
        .load()
        .await;
    let mut ids = Vec::new();
    for document in documents {
        let handle = repo.create(document.clone()).await?;
        ids.push(handle.document_id().clone());
    }
    repo.stop().await;
    Ok(ids)
}

fn place(id: &DocumentId) -> anyhow::Result<StorageKey> {
    StorageKey::from_parts([id.to_string()])
        .ok()
        .context("a key")
}

impl Replica {
    async fn open(
        work: &Work,
        side: Side,
        storage: InMemoryStorage,
        goal: Vec<(DocumentId, Vec<ChangeHash>)>,
    ) -> anyhow::Result<Self> {
        let name = match side {
            Side::Client => "client",
            Side::Hub => "hub",
        };
        let repo = Repo::build_tokio()
            .with_storage(storage.clone())
            .with_peer_id(PeerId::from(name))
            .load()
            .await;
        let mut open = Vec::new();
        for (number, (id, _)) in goal.iter().enumerate() {
            if side == Side::Hub && !work.have_met {
                break;
            }
            let document = repo.find(id.clone()).await?.context("it is stored")?;
            let news = work.changes(side, number)?;
            if !news.is_empty() {
                document.with_document(|document| document.apply_changes(news))?;
            }
            open.push(document);
        }
        Ok(Self {
            repo,
            storage,
            open,
            goal,
        })
    }

    /// Waits until every document is as it shall be.
    async fn has_all(&self) -> anyhow::Result<()> {
        for (id, goal) in &self.goal {
            // To ask for a document that is not there yet would be one more message.
            while self.storage.load_range(place(id)?).await.is_empty() {
                sleep(LOOK).await;
            }
            let document = self.repo.find(id.clone()).await?.context("it is stored")?;
            while document.with_document(|document| heads(document)) != *goal {
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Waits until the other side has said of every document what it has, and it is all here.
    async fn knows_all(&self, other: ConnectionId) -> anyhow::Result<()> {
        ensure!(self.open.len() == self.goal.len(), "all are open");
        for document in &self.open {
            document.we_have_their_changes(other).await;
        }
        Ok(())
    }
}

fn url(addr: SocketAddr) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("tcp://{addr}"))?)
}

/// Connects without Nagle's delay, which its own dialer leaves on.
struct Dial(SocketAddr, Url);

impl Dialer for Dial {
    type Error = Infallible;

    fn url(&self) -> Url {
        self.1.clone()
    }

    fn connect(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Transport, DialError<Infallible>>> + Send>> {
        let addr = self.0;
        Box::pin(async move {
            let stream = TcpStream::connect(addr)
                .await
                .map_err(DialError::transient)?;
            stream.set_nodelay(true).map_err(DialError::transient)?;
            Ok(Transport::from_tokio_io(stream))
        })
    }
}
