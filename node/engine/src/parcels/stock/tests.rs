use hopluu_model::Place;
use hopluu_net::key::write_root;
use hopluu_trust::{Address, SetId, Signer, fingerprint};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn node(n: u8) -> NodeId {
    NodeId([n; 32])
}

/// A root that gives parcels to one receiver, and the shelf of a carrier below it.
struct World {
    dir: tempfile::TempDir,
    maker: Signer,
    chain: Vec<Vec<u8>>,
    rng: StdRng,
}

impl World {
    fn new() -> Self {
        let maker = Signer::from_seed(&[1; 32]);
        let unit = "45@2020-01-01".parse().unwrap();
        let root = write_root(&maker, &unit, Timestamp(1_900_000_000_000)).unwrap();
        Self {
            dir: tempfile::tempdir().unwrap(),
            maker,
            chain: vec![root],
            rng: StdRng::from_seed([3; 32]),
        }
    }

    fn stock(&self, carries: bool) -> Stock {
        let root = fingerprint(&self.chain[0]);
        Stock::open(self.dir.path(), node(9), root, carries).unwrap()
    }

    fn parcel(&mut self, content: usize) -> (Offer, Vec<u8>) {
        let place = |node| Place {
            node,
            unit: "45@2020-01-01".parse().unwrap(),
            office: None,
        };
        let address = Address {
            from: place(self.maker.node_id()),
            chain: self.chain.clone(),
            to: place(Signer::from_seed(&[2; 32]).node_id()),
            made: NOW,
            set: SetId([0; 8]),
            part: 1,
            parts: 1,
        };
        let bytes = address
            .close(&self.maker, &vec![7; content], &mut self.rng)
            .unwrap();
        let (address, envelope) = Envelope::read(&bytes).unwrap();
        let offer = Offer {
            id: envelope.id().0,
            to: address.to.node,
            bytes: u32::try_from(bytes.len()).unwrap(),
            hops: 0,
        };
        (offer, bytes)
    }
}

#[test]
fn what_is_kept_survives_a_restart_and_ends_with_its_time() {
    let mut world = World::new();
    let (offer, bytes) = world.parcel(10);
    let stock = world.stock(true);
    assert_eq!(stock.answer(&offer, node(1)), Answer::Want);
    assert_eq!(stock.keep(&offer, &bytes, node(1), NOW), Outcome::Kept);
    assert_eq!(no_parcels(world.dir.path()).unwrap(), 0);
    fs::write(world.dir.path().join("half.new"), b"x").unwrap();
    assert_eq!(no_parcels(world.dir.path()).unwrap(), 1);
    let stock = world.stock(true);
    assert_eq!(stock.answer(&offer, node(1)), Answer::Kept);
    assert_eq!(stock.read(offer.id), Some(bytes));
    assert_eq!(stock.view().carried, 1);
    assert_eq!(fs::read_dir(world.dir.path()).unwrap().count(), 1);
    stock.expire(Timestamp(NOW.0 + PARCEL_LIFE_MS - 1));
    assert!(!stock.is_empty());
    stock.expire(Timestamp(NOW.0 + PARCEL_LIFE_MS));
    assert!(stock.is_empty());
    assert_eq!(fs::read_dir(world.dir.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_kept_that_is_not_what_was_offered_or_of_our_root() {
    let mut world = World::new();
    let (offer, bytes) = world.parcel(10);
    let stock = world.stock(true);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert_eq!(stock.keep(&offer, &altered, node(1), NOW), Outcome::Refused);
    }
    let other = Offer {
        to: node(5),
        ..offer
    };
    assert_eq!(stock.keep(&other, &bytes, node(1), NOW), Outcome::Refused);
    let far = Offer {
        hops: PARCEL_HOPS_MAX,
        ..offer
    };
    assert_eq!(stock.keep(&far, &bytes, node(1), NOW), Outcome::Refused);
    let foreign = Stock::open(world.dir.path(), node(9), Digest([0; 32]), true).unwrap();
    assert_eq!(foreign.keep(&offer, &bytes, node(1), NOW), Outcome::Refused);
    let unwilling = world.stock(false);
    assert_eq!(unwilling.answer(&offer, node(1)), Answer::No);
    assert!(stock.is_empty() && unwilling.is_empty());
}

/// On the shelf only: hundreds of files would wait for the disk.
fn put(stock: &Stock, n: u16, giver: NodeId, bytes: u32) {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    let kept = Kept {
        giver,
        to: node(77),
        hops: 1,
        bytes,
        since: Timestamp(NOW.0 - 1_000 + i64::from(n)),
        handed: BTreeSet::new(),
        declined: BTreeSet::new(),
    };
    stock.shelf().kept.insert(id, kept);
}

#[test]
fn a_giver_has_its_quota() {
    let mut world = World::new();
    let stock = world.stock(true);
    let (offer, bytes) = world.parcel(10);
    for n in 1..=u16::try_from(PARCELS_PER_GIVER_MAX).unwrap() {
        assert_eq!(stock.answer(&offer, node(1)), Answer::Want);
        put(&stock, n, node(1), 1);
    }
    assert_eq!(stock.answer(&offer, node(1)), Answer::No);
    assert_eq!(stock.keep(&offer, &bytes, node(1), NOW), Outcome::Refused);
    put(
        &stock,
        1_000,
        node(2),
        u32::try_from(PARCEL_BYTES_PER_GIVER_MAX).unwrap(),
    );
    assert_eq!(stock.answer(&offer, node(2)), Answer::No);
    assert_eq!(stock.answer(&offer, node(3)), Answer::Want);
}

#[test]
fn no_flood_takes_the_room_of_who_gave_little() {
    let mut world = World::new();
    let stock = world.stock(true);
    put(&stock, 0, node(200), 1);
    for n in 1..u16::try_from(PARCELS_KEPT_MAX).unwrap() {
        put(&stock, n, node(u8::try_from(n % 8).unwrap()), 1_000);
    }
    let (offer, bytes) = world.parcel(10);
    assert_eq!(stock.keep(&offer, &bytes, node(201), NOW), Outcome::Kept);
    let shelf = stock.shelf();
    assert_eq!(shelf.kept.len(), PARCELS_KEPT_MAX);
    assert!(
        shelf.kept.contains_key(&[0; 16]),
        "the oldest of all, by who gave little"
    );
    assert!(shelf.kept.contains_key(&offer.id));
}

#[test]
fn only_its_addressee_s_word_ends_a_parcel_and_what_arrived_is_not_carried_again() {
    let mut world = World::new();
    let stock = world.stock(true);
    let (offer, bytes) = world.parcel(10);
    stock.keep(&offer, &bytes, node(1), NOW);
    assert!(stock.offers(node(1)).is_empty(), "not back to who gave it");
    assert_eq!(stock.offers(node(2)).len(), 1);
    stock.handed(offer.id, node(2), true);
    assert!(
        !stock.is_empty(),
        "somebody else may say so without it being so"
    );
    assert!(stock.offers(node(2)).is_empty());
    stock.handed(offer.id, offer.to, true);
    assert!(stock.is_empty());
    assert_eq!(stock.answer(&offer, node(1)), Answer::Delivered);
}

#[test]
fn who_gave_many_keeps_nobody_waiting_and_what_is_declined_is_not_offered_again() {
    let world = World::new();
    let stock = world.stock(true);
    for n in 0..100 {
        put(&stock, n, node(1), 1);
    }
    put(&stock, 500, node(2), 1);
    let offers = stock.offers(node(3));
    assert_eq!(offers.len(), 101);
    let of_two = offers.get(1).unwrap();
    assert_eq!(of_two.id[..2], 500_u16.to_be_bytes());
    stock.declined(of_two.id, node(3));
    assert_eq!(stock.offers(node(3)).len(), 100);
    assert_eq!(stock.offers(node(4)).len(), 101);
}
