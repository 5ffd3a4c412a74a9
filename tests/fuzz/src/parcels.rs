//! What a carrier of parcels says, to one that offers, wants and gives.

use hopluu_model::NodeId;
use hopluu_sync::limits::{PARCEL_BYTES_MAX, PARCELS_OFFERED_MAX};
use hopluu_sync::parcel::{Answer, Exchange, Heard, Offer, Outcome};

/// The parcel that this side has.
pub const CONTENT: &[u8] = b"an envelope that nobody here can open";

/// It and another one, which it no longer has.
pub fn offers() -> Vec<Offer> {
    let bytes = u32::try_from(CONTENT.len()).expect("it is short");
    let offer = |id| Offer {
        id: [id; 16],
        to: NodeId([9; 32]),
        bytes,
        hops: 1,
    };
    vec![offer(1), offer(2)]
}

/// The first byte says how the rest is cut. What is said meanwhile goes nowhere.
pub fn parcels(input: &[u8]) {
    let Some((cut, said)) = input.split_first() else {
        return;
    };
    let (mut exchange, _) = Exchange::begin(offers());
    for bytes in said.chunks(usize::from(*cut).max(1)) {
        exchange.receive(bytes);
        loop {
            match exchange.heard() {
                Ok(Some(heard)) => drop(reply(&mut exchange, heard)),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// What one side says to what it heard.
pub fn reply(exchange: &mut Exchange, heard: Heard) -> Vec<u8> {
    let mut said = Vec::new();
    match heard {
        Heard::Offered(offers) => {
            assert!(offers.len() <= PARCELS_OFFERED_MAX);
            let wants = |offer: &Offer| match offer.hops {
                0..3 => Answer::Want,
                _ => Answer::No,
            };
            said.extend(exchange.answer(&offers.iter().map(wants).collect::<Vec<_>>()));
        }
        Heard::Parcel(offer, bytes) => {
            assert!(bytes.len() <= PARCEL_BYTES_MAX);
            assert_eq!(u32::try_from(bytes.len()), Ok(offer.bytes));
            said.extend(exchange.outcome(Outcome::Kept));
        }
        Heard::Answered(_) | Heard::Gone(_) | Heard::Outcome(..) => {}
    }
    while let Some(offer) = exchange.to_give() {
        let content = (offer.id == [1; 16]).then_some(CONTENT);
        said.extend(exchange.give(content).concat());
    }
    said
}
