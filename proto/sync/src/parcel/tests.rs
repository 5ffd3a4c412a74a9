use expect_test::{ExpectFile, expect_file};
use proptest::prelude::*;

use super::*;
use crate::golden::check_bytes;

fn offer(n: u8, bytes: usize) -> Offer {
    Offer {
        id: [n; 16],
        to: NodeId([9; 32]),
        bytes: u32::try_from(bytes).unwrap(),
        hops: 1,
    }
}

fn hear(exchange: &mut Exchange, bytes: &[u8]) -> Result<Vec<Heard>, ParcelError> {
    exchange.receive(bytes);
    let mut all = Vec::new();
    while let Some(heard) = exchange.heard()? {
        all.push(heard);
    }
    Ok(all)
}

#[test]
fn a_parcel_is_offered_wanted_given_and_answered_for() {
    let parcel = vec![7; 2 * PARCEL_PIECE_BYTES + 1];
    let (mut giver, first) = Exchange::begin(vec![offer(1, parcel.len()), offer(2, 5)]);
    let (mut taker, nothing) = Exchange::begin(Vec::new());
    assert_eq!(
        hear(&mut giver, &nothing).unwrap(),
        [Heard::Offered(vec![])]
    );
    let none = giver.answer(&[]);
    assert_eq!(hear(&mut taker, &none).unwrap(), [Heard::Answered(vec![])]);
    let mut offered = Vec::new();
    for byte in first.chunks(1) {
        offered.extend(hear(&mut taker, byte).unwrap());
    }
    assert_eq!(
        offered,
        [Heard::Offered(vec![offer(1, parcel.len()), offer(2, 5)])]
    );
    let answer = taker.answer(&[Answer::Want, Answer::Delivered]);
    hear(&mut giver, &answer).unwrap();
    assert_eq!(giver.to_give(), Some(offer(1, parcel.len())));
    let mut came = Vec::new();
    for piece in giver.give(Some(&parcel)) {
        came.extend(hear(&mut taker, &piece).unwrap());
    }
    assert_eq!(came, [Heard::Parcel(offer(1, parcel.len()), parcel)]);
    assert!(!giver.is_over() && !taker.is_over());
    let kept = taker.outcome(Outcome::Kept);
    hear(&mut giver, &kept).unwrap();
    assert!(giver.is_over() && taker.is_over());
}

#[test]
fn what_answers_nothing_ends_the_exchange() {
    let (_, offers) = Exchange::begin(vec![offer(1, 5)]);
    let words = [
        Word::Piece(vec![1]).bytes(),
        Word::Gone.bytes(),
        Word::Outcome(Outcome::Kept).bytes(),
        [offers.clone(), offers].concat(),
        [Word::Answer(vec![]).bytes(), Word::Answer(vec![]).bytes()].concat(),
    ];
    for said in words {
        let (mut exchange, _) = Exchange::begin(Vec::new());
        assert_eq!(hear(&mut exchange, &said), Err(ParcelError::OutOfTurn));
    }
}

#[test]
fn more_than_was_offered_or_may_be_is_refused() {
    let too_long = Word::Offer(vec![offer(1, PARCEL_BYTES_MAX + 1)]).bytes();
    let too_many = Word::Offer(vec![offer(1, 1); PARCELS_OFFERED_MAX + 1]).bytes();
    for said in [too_long, too_many, vec![0xff, 0xff]] {
        let (mut exchange, _) = Exchange::begin(Vec::new());
        assert_eq!(hear(&mut exchange, &said), Err(ParcelError::Malformed));
    }
    let (mut taker, _) = Exchange::begin(Vec::new());
    hear(&mut taker, &Word::Offer(vec![offer(1, 5)]).bytes()).unwrap();
    let _wanted = taker.answer(&[Answer::Want]);
    let longer = Word::Piece(vec![1; 6]).bytes();
    assert_eq!(hear(&mut taker, &longer), Err(ParcelError::Malformed));
}

/// The bytes of version 1, field by field. A difference is another protocol, never an edit of those files.
#[expect(clippy::needless_pass_by_value, reason = "one call writes one file")]
fn golden(word: &Word, parts: &[(usize, &str)], file: ExpectFile) {
    let parts = [&[(2, "length"), (1, "choice of word")], parts].concat();
    check_bytes(&word.bytes(), &parts, &file);
}

#[test]
fn an_offer_and_its_answer() {
    let fields = [
        (1, "number of parcels"),
        (16, "envelope"),
        (32, "addressee"),
        (2, "its length"),
        (1, "carriers so far"),
    ];
    golden(
        &Word::Offer(vec![offer(1, 300)]),
        &fields,
        expect_file!["../../../../tests/wire/parcel-offer-1.hex"],
    );
    let answers = [Answer::No, Answer::Want, Answer::Kept, Answer::Delivered];
    let fields = [
        (1, "number of answers"),
        (1, "not wanted"),
        (1, "wanted"),
        (1, "carried here already"),
        (1, "taken in here"),
    ];
    golden(
        &Word::Answer(answers.to_vec()),
        &fields,
        expect_file!["../../../../tests/wire/parcel-answer-1.hex"],
    );
}

#[test]
fn a_piece_and_what_became_of_it() {
    golden(
        &Word::Piece(b"piece".to_vec()),
        &[(1, "number of bytes"), (5, "bytes")],
        expect_file!["../../../../tests/wire/parcel-piece-1.hex"],
    );
    golden(
        &Word::Gone,
        &[],
        expect_file!["../../../../tests/wire/parcel-gone-1.hex"],
    );
    golden(
        &Word::Outcome(Outcome::Kept),
        &[(1, "carried")],
        expect_file!["../../../../tests/wire/parcel-outcome-1.hex"],
    );
    let numbers = [Outcome::Refused, Outcome::Kept, Outcome::Delivered];
    for (number, outcome) in (0..).zip(numbers) {
        assert_eq!(Word::Outcome(outcome).bytes(), [2, 0, 4, number]);
    }
}

proptest! {
    #[test]
    fn any_bytes_leave_an_exchange_within_its_bounds(said: Vec<u8>, cuts in 1_usize..40) {
        let (mut exchange, _) = Exchange::begin(vec![offer(1, 5)]);
        for bytes in said.chunks(cuts) {
            if hear(&mut exchange, bytes).is_err() {
                return Ok(());
            }
            prop_assert!(exchange.inbox.len() <= PARCEL_PIECE_BYTES + 64);
        }
    }
}
