use proptest::prelude::*;

use super::*;

fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

fn file(content: &[u8]) -> FileId {
    FileId {
        hash: Digest(*blake3::hash(content).as_bytes()),
        length: content.len() as u64,
    }
}

fn marks(content: &[u8]) -> Vec<Mark> {
    let chunks = content.chunks(PIECE_BYTES).zip(0..);
    chunks.map(|(body, number)| mark(number, body)).collect()
}

/// A piece as it travels.
fn wire(content: &[u8], number: u16, begins: bool) -> Vec<u8> {
    let length = content.len() as u64;
    let proof = proof(length, &marks(content), number, begins).unwrap();
    let body = content
        .chunks(PIECE_BYTES)
        .nth(usize::from(number))
        .unwrap();
    [proof.concat().as_slice(), body].concat()
}

#[test]
fn lengths_are_cut_into_pieces() {
    let piece = PIECE_BYTES as u64;
    for (length, count, last) in [
        (1, 1, 1),
        (piece, 1, PIECE_BYTES),
        (piece + 1, 2, 1),
        (piece * 5 - 3, 5, PIECE_BYTES - 3),
    ] {
        assert_eq!(pieces(length), count);
        assert_eq!(piece_bytes(length, count - 1), last);
        assert_eq!(piece_bytes(length, count), 0);
    }
    assert_eq!(pieces(0), 0);
    assert_eq!(pieces(u64::from(PIECES_MAX) * piece), PIECES_MAX);
    assert_eq!(
        (pieces(u64::from(PIECES_MAX) * piece + 1), pieces(u64::MAX)),
        (0, 0)
    );
}

#[test]
fn the_marks_lead_to_the_hash() {
    for length in [1, 1_000, 16_384, 16_385, 50_000, 81_920, 300_001] {
        let content = content(length);
        let hash = hash_of(length as u64, &marks(&content), &content);
        assert_eq!(hash, Some(file(&content).hash), "{length}");
    }
    assert_eq!(hash_of(50_000, &[[0; 32]], b""), None);
    assert_eq!(hash_of(0, &[], b""), None);
}

/// A whole file costs about one value a piece, not one for each level.
#[test]
fn a_run_says_each_value_once() {
    let length = 5_000_000;
    let count = pieces(length);
    let values: usize = (0..count)
        .map(|number| proof_len(length, number, number == 0))
        .sum();
    assert_eq!(values, usize::from(count) - 1);
}

proptest! {
    #[test]
    fn any_run_of_any_file_is_proved(length in 1..400_000usize, first in any::<u16>(), most in 1..9u16) {
        let content = content(length);
        let count = pieces(length as u64);
        let first = first % count;
        let mut verifier = Verifier::new(file(&content), first);
        for number in first..count.min(first + most) {
            let wire = wire(&content, number, number == first);
            prop_assert_eq!(verifier.awaits(), wire.len());
            let (found, body) = verifier.check(&wire).unwrap();
            prop_assert_eq!(found, mark(number, body));
            prop_assert_eq!(Some(body), content.chunks(PIECE_BYTES).nth(usize::from(number)));
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed(
        length in 1..200_000usize, first in any::<u16>(), goes_on in any::<bool>(), at in any::<usize>(), bit in 0..8u8,
    ) {
        let content = content(length);
        let count = pieces(length as u64);
        let first = first % count;
        let mut verifier = Verifier::new(file(&content), first);
        let mut number = first;
        if goes_on && first + 1 < count {
            verifier.check(&wire(&content, first, true)).unwrap();
            number += 1;
        }
        let mut wire = wire(&content, number, number == first);
        let at = at % wire.len();
        wire[at] ^= 1 << bit;
        prop_assert_eq!(verifier.check(&wire), Err(WrongPiece(number)));
    }
}

#[test]
fn another_piece_length_or_run_is_noticed() {
    let content = content(100_000);
    let mut verifier = Verifier::new(file(&content), 2);
    assert!(verifier.clone().check(&wire(&content, 3, true)).is_err());
    assert!(verifier.clone().check(&[]).is_err());
    assert!(verifier.clone().check(&wire(&content, 2, false)).is_err());
    verifier.check(&wire(&content, 2, true)).unwrap();
    assert!(verifier.clone().check(&wire(&content, 3, true)).is_err());
    let longer = FileId {
        length: 100_001,
        ..file(&content)
    };
    // Another length is the same tree but for its end, so the end is what is refused.
    let mut end = Verifier::new(longer, 6);
    let mut last = wire(&content, 6, true);
    last.push(0);
    assert!(end.check(&last).is_err());
    // Behind the end nothing is awaited and nothing is taken.
    let mut end = Verifier::new(file(&content), 6);
    end.check(&wire(&content, 6, true)).unwrap();
    assert_eq!((end.awaits(), end.next()), (0, 7));
    assert!(end.check(&[]).is_err());
}
