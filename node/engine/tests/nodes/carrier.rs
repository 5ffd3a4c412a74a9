//! Real nodes and a carrier between them that does what it likes: nothing is lost, nothing forged, and who owes
//! something owes it until somebody else has it.

use std::path::Path;
use std::time::Duration;

use hopluu_engine::{CoreConfig, Home, Running, identity_of, now};
use hopluu_model::{ChangeHash, Place};
use hopluu_net::{DialOptions, Endpoint, Incoming, Link, LinkEvent, NetConfig, Tuning};
use hopluu_store::{OpenOptions, Store};
use hopluu_sync::limits::PARCELS_OFFERED_MAX;
use hopluu_sync::parcel::{Answer, Exchange, Heard, Offer, Outcome};
use hopluu_trust::{Address, Envelope, SetId};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::timeout;

use crate::common::{join_below, root_of, save, selector, set, until};
use crate::parcels::{address, has_form, neighbour, parcels};

/// A parcel as it went by.
type Parcel = (Offer, Vec<u8>);

/// How long a node may take for its next call, or its next word.
const LIMIT: Duration = Duration::from_secs(20);

/// A commune whose program is the test's own.
struct Carrier {
    config: CoreConfig,
    endpoint: Endpoint,
}

impl Carrier {
    /// Takes the place of a node that has stopped.
    fn of(dir: &Path) -> Self {
        let home = Home::open(dir).expect("a home");
        let store = Store::open(&home.database(), &OpenOptions::existing()).expect("its store");
        let config = identity_of(&store, home.signer().expect("its key")).expect("its chain");
        store.close().expect("it closes");
        let endpoint = Endpoint::bind(NetConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            signer: (*config.signer).clone(),
            chain: config.chain.clone(),
            root: config.root,
            tuning: Tuning::default(),
        });
        let endpoint = endpoint.expect("a free port");
        Self { config, endpoint }
    }

    fn address(&self) -> String {
        let addr = self.endpoint.local_addr().expect("an address");
        addr.to_string()
    }

    /// Takes all that the next caller has, saying this of each.
    async fn take(&self, outcome: Outcome) -> Vec<Parcel> {
        let next = async {
            while let Some(incoming) = self.endpoint.accept().await {
                if let Incoming::Parcels(link) = incoming {
                    return Some(link);
                }
            }
            None
        };
        let link = timeout(LIMIT, next).await.expect("somebody calls");
        let link = link.expect("the endpoint is open");
        let mut talk = Talk::begin(link, Vec::new()).await;
        let mut taken = Vec::new();
        while let Some(heard) = talk.next().await {
            match heard {
                Heard::Offered(offers) => {
                    let said = talk.exchange.answer(&vec![Answer::Want; offers.len()]);
                    talk.say(said).await;
                }
                Heard::Parcel(offer, bytes) => {
                    let said = talk.exchange.outcome(outcome);
                    talk.say(said).await;
                    taken.push((offer, bytes));
                }
                _ => {}
            }
        }
        taken
    }

    async fn call(&self, to: &Running) -> Link {
        let options = DialOptions {
            parcels: true,
            ..DialOptions::default()
        };
        let called = self.endpoint.call(&address(to), &options).await;
        called.expect("it answers")
    }

    /// Gives these, in this order: what is said of each that is wanted.
    async fn give(&self, to: &Running, parcels: &[Parcel]) -> Vec<(Answer, Option<Outcome>)> {
        let offers = parcels.iter().map(|(offer, _)| *offer).collect();
        let mut talk = Talk::begin(self.call(to).await, offers).await;
        let (mut answers, mut outcomes) = (Vec::new(), Vec::new());
        let mut contents = Vec::new();
        while let Some(heard) = talk.next().await {
            match heard {
                Heard::Offered(_) => {
                    let said = talk.exchange.answer(&[]);
                    talk.say(said).await;
                }
                Heard::Answered(answered) => {
                    answers = answered.into_iter().map(|(_, answer)| answer).collect();
                    let pairs = parcels.iter().zip(&answers);
                    let wanted = pairs.filter(|(_, answer)| **answer == Answer::Want);
                    contents = wanted.map(|((_, bytes), _)| bytes.clone()).collect();
                    contents.reverse();
                }
                Heard::Outcome(_, outcome) => outcomes.push(outcome),
                _ => {}
            }
            while talk.exchange.to_give().is_some() {
                let bytes = contents.pop();
                for piece in talk.exchange.give(bytes.as_deref()) {
                    talk.say(piece).await;
                }
            }
            if talk.exchange.is_over() {
                break;
            }
        }
        let mut outcomes = outcomes.into_iter();
        let said = answers.into_iter();
        said.map(|answer| match answer {
            Answer::Want => (answer, outcomes.next()),
            _ => (answer, None),
        })
        .collect()
    }

    /// An envelope to somebody that holds nothing, as anybody under the root can make many.
    fn junk(&self, to: &Place, rng: &mut StdRng) -> Parcel {
        let address = Address {
            from: self.config.me.clone(),
            chain: self.config.chain.clone(),
            to: to.clone(),
            made: now(),
            set: SetId([0; 8]),
            part: 1,
            parts: 1,
        };
        let closed = address.close(&self.config.signer, b"junk", rng);
        let bytes = closed.expect("it is short");
        let (_, envelope) = Envelope::read(&bytes).expect("an envelope");
        let offer = Offer {
            id: envelope.id().0,
            to: to.node,
            bytes: u32::try_from(bytes.len()).expect("it is short"),
            hops: 0,
        };
        (offer, bytes)
    }
}

/// One exchange, word by word.
struct Talk {
    link: Link,
    exchange: Exchange,
}

impl Talk {
    async fn begin(link: Link, offers: Vec<Offer>) -> Self {
        let (exchange, first) = Exchange::begin(offers);
        let talk = Self { link, exchange };
        talk.say(first).await;
        talk
    }

    async fn say(&self, bytes: Vec<u8>) {
        // Whoever has hung up is done with, and that is heard.
        let _gone = self.link.handle().send(bytes).await;
    }

    /// What the node says next; nothing once it has ended the exchange.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.exchange.heard().expect("a node keeps the rules") {
                return Some(heard);
            }
            let event = timeout(LIMIT, self.link.next()).await;
            match event.expect("it says something") {
                Some(LinkEvent::Received(bytes)) => self.exchange.receive(&bytes),
                Some(LinkEvent::Closed(_)) | None => return None,
            }
        }
    }
}

async fn reached(node: &Running) -> bool {
    let listed = node.handle().report_list(Default::default()).await;
    let listed = listed.expect("a list");
    let mut receipts = listed.iter().flat_map(|report| &report.reached);
    receipts.any(|receipt| receipt.is_current)
}

/// Whether all that the author has is with its superior, as far as it knows.
async fn is_even(node: &Running, superior: &Place) -> bool {
    let status = node.handle().status().await.expect("a status");
    let own = status.parcels.expect("it serves links").own;
    let mut peers = status.peers.iter();
    let peer = peers.find(|peer| peer.node == superior.node);
    own == 0 && peer.is_some_and(|peer| peer.owed == 0) && reached(node).await
}

async fn place(node: &Running) -> Place {
    let status = node.handle().status().await.expect("a status");
    Place {
        node: status.node,
        unit: status.unit,
        office: status.office,
    }
}

/// The author's report, as it is at the district.
async fn held(district: &Running) -> Option<(String, Vec<ChangeHash>)> {
    let asked = selector(Some("19429@2024-05-01"));
    let shown = district.handle().report_show(asked).await.ok()?;
    let value = shown.figures.first()?.value.clone()?;
    Some((value, shown.heads))
}

/// Joins below a district and waits for the form; then it is off.
async fn joined(district: &Running, dir: &Path, unit: &str) {
    let node = join_below(district, dir, unit, None).await;
    until("the form came down", async || has_form(&node).await).await;
    node.stop().await;
}

fn flipped((offer, bytes): &Parcel, at: usize) -> Parcel {
    let mut bytes = bytes.clone();
    *bytes.get_mut(at).expect("it is as long") ^= 1;
    (*offer, bytes)
}

#[tokio::test]
async fn a_carrier_that_lies_alters_repeats_and_holds_back_loses_and_forges_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let district = root_of(&path("465"), "465@2024-05-01", &[]);
    for unit in ["19429", "19432"] {
        joined(&district, &path(unit), unit).await;
    }
    let carrier = Carrier::of(&path("19432"));
    let author = neighbour(&path("19429"), vec![carrier.address()], false);
    let superior = place(&district).await;

    // It says that all has arrived, and nothing has.
    let edit = |value| vec![set("II.1.1.a", value)];
    save(&author, None, edit("42")).await.unwrap();
    let old = carrier.take(Outcome::Delivered).await;
    assert!(!old.is_empty());
    until("the author is told", async || {
        parcels(&author).await.handed_to.len() == 1
    })
    .await;
    assert!(parcels(&author).await.own > 0 && !reached(&author).await);

    // Altered anywhere, it is refused.
    let altered = old.iter().flat_map(|parcel| {
        let last = parcel.1.len() - 1;
        [0, last / 3, last / 2, last].map(|at| flipped(parcel, at))
    });
    let altered: Vec<Parcel> = altered.collect();
    let said = carrier.give(&district, &altered).await;
    assert_eq!(
        said,
        vec![(Answer::Want, Some(Outcome::Refused)); altered.len()]
    );
    assert_eq!(held(&district).await, None);

    // The newer before the older, and again.
    save(&author, None, edit("43")).await.unwrap();
    let new = carrier.take(Outcome::Kept).await;
    let mixed = [new.clone(), old.clone(), new.clone()].concat();
    let said = carrier.give(&district, &mixed).await;
    assert_eq!(
        said,
        vec![(Answer::Want, Some(Outcome::Delivered)); mixed.len()]
    );
    let first = held(&district).await;
    assert_eq!(first.as_ref().map(|(value, _)| value.as_str()), Some("43"));
    let again = [old, new].concat();
    let said = carrier.give(&district, &again).await;
    assert_eq!(said, vec![(Answer::Delivered, None); again.len()]);
    assert_eq!(held(&district).await, first);

    // It brings no answer: the author owes all until a link says otherwise.
    assert!(parcels(&author).await.own > 0 && !reached(&author).await);
    author.stop().await;
    let author = neighbour(&path("19429"), Vec::new(), true);
    until("nothing is owed", async || {
        is_even(&author, &superior).await
    })
    .await;
    assert_eq!(held(&district).await, first);
    for node in [author, district] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_flood_fills_its_giver_s_quota_and_leaves_room_for_others() {
    const QUOTA: usize = PARCELS_OFFERED_MAX;
    // How many a node has at once.
    const EXCHANGES: usize = 8;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let district = root_of(&path("465"), "465@2024-05-01", &[]);
    for unit in ["19429", "19432", "19435"] {
        joined(&district, &path(unit), unit).await;
    }
    let rogue = Carrier::of(&path("19435"));
    let honest = neighbour(&path("19432"), Vec::new(), false);
    let (superior, mut rng) = (place(&district).await, StdRng::from_seed([5; 32]));
    let mut junk = || -> Vec<Parcel> {
        let parcels = (0..QUOTA).map(|_| rogue.junk(&superior, &mut rng));
        parcels.collect()
    };
    let first = rogue.give(&honest, &junk()).await;
    assert_eq!(first, vec![(Answer::Want, Some(Outcome::Kept)); QUOTA]);
    let more = rogue.give(&honest, &junk()).await;
    assert_eq!(more, vec![(Answer::No, None); QUOTA]);

    // It calls as often as it can, and says no more than a beginning.
    let mut begun = Vec::new();
    for _ in 0..2 * EXCHANGES {
        begun.push(Talk::begin(rogue.call(&honest).await, Vec::new()).await);
    }
    let author = neighbour(&path("19429"), vec![address(&honest)], false);
    save(&author, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    until("there is room for the author's", async || {
        parcels(&honest).await.carried > u64::try_from(QUOTA).unwrap()
    })
    .await;
    drop(begun);
    // With its link the carrier brings what is good among the rest, which is refused.
    honest.stop().await;
    let honest = neighbour(&path("19432"), Vec::new(), true);
    until("the district has the figure", async || {
        held(&district)
            .await
            .is_some_and(|(value, _)| value == "42")
    })
    .await;
    for node in [author, honest, district] {
        node.stop().await;
    }
}
