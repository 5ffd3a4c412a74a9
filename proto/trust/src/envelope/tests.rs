use proptest::prelude::*;

use super::testing::{Counting, address, place};
use super::*;
use crate::fingerprint;
use crate::testing::{good_chain, key};

fn closed(content: &[u8]) -> Vec<u8> {
    let address = address();
    address
        .close(&key(3).signer, content, &mut Counting(0))
        .unwrap()
}

#[test]
fn only_its_receiver_opens_it_and_anybody_reads_its_address() {
    let bytes = closed(b"figures");
    assert_eq!(bytes.len(), address().overhead() + b"figures".len());
    let (read, envelope) = Envelope::read(&bytes).unwrap();
    assert_eq!(read, address());
    assert_eq!(envelope.open(&read, &key(2).signer).unwrap(), b"figures");
    for other in [1, 3, 4] {
        let refused = envelope.open(&read, &key(other).signer).unwrap_err();
        assert!(matches!(refused, EnvelopeError::ForAnother(_)));
    }
    // Whoever only says that it is for them has not the key.
    let mut claimed = read.clone();
    claimed.to = place(4, "19429@2020-02-01");
    let refused = envelope.open(&claimed, &key(4).signer);
    assert_eq!(refused.unwrap_err(), EnvelopeError::Closed);
    let plain: Vec<_> = bytes.windows(7).filter(|w| *w == b"figures").collect();
    assert!(plain.is_empty(), "a carrier reads nothing");
}

#[test]
fn the_chain_in_it_says_who_made_it() {
    let root = fingerprint(good_chain().last().unwrap());
    let line = address().line(&root).unwrap();
    assert_eq!(line.first().unwrap().place, address().from);
    let foreign = address().line(&Digest([0; 32]));
    assert!(matches!(foreign, Err(ChainError::ForeignRoot { .. })));
    let mut borrowed = address();
    borrowed.from = place(5, "19429@2020-02-01");
    assert_eq!(borrowed.line(&root), Err(ChainError::Empty));
}

#[test]
fn what_is_over_a_bound_is_neither_closed_nor_read() {
    let refused = |address: &Address, content: &[u8]| {
        let closed = address.close(&key(3).signer, content, &mut Counting(0));
        closed.unwrap_err()
    };
    let content = vec![0; ENVELOPE_CONTENT_BYTES_MAX + 1];
    assert!(matches!(
        refused(&address(), &content),
        SignError::TooLarge { .. }
    ));
    let mut many = address();
    many.parts = ENVELOPE_PARTS_MAX + 1;
    assert!(matches!(refused(&many, b""), SignError::OverBound { .. }));
    let mut nobody = address();
    nobody.to.node.0 = [0; 32];
    nobody.to.node.0[0] = 1;
    assert_eq!(refused(&nobody, b""), SignError::NoReceiver);
    let long = vec![0; ENVELOPE_BYTES_MAX + 1];
    let read = Envelope::read(&long);
    assert!(matches!(read, Err(EnvelopeError::TooLarge { .. })));
    for part in [0, 3] {
        let wrong = Address { part, ..address() };
        let bytes = wrong.close(&key(3).signer, b"", &mut Counting(0)).unwrap();
        assert!(matches!(
            Envelope::read(&bytes),
            Err(EnvelopeError::Address(_))
        ));
    }
}

proptest! {
    #[test]
    fn any_prefix_or_flipped_bit_is_refused(
        cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let bytes = closed(b"figures");
        prop_assert!(Envelope::read(&bytes[..cut.index(bytes.len())]).is_err());
        let mut flipped = bytes.clone();
        let at = at.index(bytes.len());
        flipped[at] ^= 1 << bit;
        prop_assert!(Envelope::read(&flipped).is_err());
    }

    #[test]
    fn garbage_behind_the_mark_never_panics(rest in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [&MARK[..], &rest].concat();
        prop_assert!(Envelope::read(&bytes).is_err());
    }
}
