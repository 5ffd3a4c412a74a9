use proptest::prelude::*;

use super::*;

/// 23 November 2026.
const NOW: Timestamp = Timestamp(1_795_400_000_000);

/// 1 January 2099.
const LIE: Timestamp = Timestamp(4_070_908_800_000);

const DISTRICT: NodeId = NodeId([2; 32]);
const PROVINCE: NodeId = NodeId([1; 32]);

const DAY_MS: u64 = 24 * 3_600_000;

fn days(count: u64) -> Timestamp {
    NOW.plus_ms(count * DAY_MS)
}

fn all(_: &NodeId) -> bool {
    true
}

/// A node that joined now.
fn joined() -> Evidence {
    Evidence::since(NOW)
}

fn word(turn: u32, at: Timestamp, before: Option<Timestamp>) -> Word {
    let before = before.map(|at| Month::of(at).unwrap());
    Word { turn, at, before }
}

#[test]
fn one_that_claims_2099_moves_the_time_by_a_month_and_no_further_however_often_it_tries() {
    let mut evidence = joined();
    evidence.claim(DISTRICT, LIE);
    let at = evidence.at(None, all).unwrap();
    assert!(at > NOW && at <= days(30), "{at}");
    // Nor by small steps.
    for month in 1..800 {
        evidence.claim(DISTRICT, days(29 * month));
    }
    assert_eq!(evidence.at(None, all), Some(at));
    // The province's honest word moves it on by as much.
    evidence.claim(PROVINCE, days(400));
    let at = evidence.at(None, all).unwrap();
    assert!(at > days(400) && at <= days(430), "{at}");
}

#[test]
fn two_that_claim_2099_are_believed_until_the_root_says_otherwise() {
    let mut evidence = joined();
    evidence.claim(DISTRICT, LIE);
    evidence.claim(PROVINCE, LIE);
    assert_eq!(
        evidence.at(None, all),
        Some(Month::of(LIE).unwrap().begins())
    );
    let reset = word(1, days(3), Some(LIE));
    assert_eq!(evidence.at(Some(reset), all), Some(days(3)));
    // Life goes on after it.
    evidence.claim(DISTRICT, days(90));
    evidence.claim(PROVINCE, days(100));
    let at = evidence.at(Some(reset), all).unwrap();
    assert!(at > days(60) && at <= days(100), "{at}");
    // Who was revoked is not heard.
    let at = evidence.at(Some(reset), |node| *node == PROVINCE).unwrap();
    assert!(at <= days(33), "{at}");
}

#[test]
fn of_words_the_root_s_last_stands_and_what_an_administrator_says_after_it() {
    let mut evidence = joined();
    assert_eq!(evidence.at(None, all), Some(NOW));
    let first = word(1, days(10), None);
    assert_eq!(evidence.at(Some(first), all), Some(days(10)));
    evidence.say(word(1, days(5), None));
    assert_eq!(evidence.at(Some(first), all), Some(days(5)));
    let second = word(2, days(7), None);
    assert_eq!(evidence.at(Some(second), all), Some(days(7)));
}

#[test]
fn without_anything_to_measure_by_one_claim_is_none() {
    let mut evidence = Evidence::default();
    assert_eq!(evidence.at(None, all), None);
    evidence.claim(DISTRICT, NOW);
    assert_eq!(evidence.at(None, all), None);
    evidence.claim(PROVINCE, days(31));
    assert!(evidence.at(None, all).is_some_and(|at| at > days(0)));
    // A clock that says 2009 says nothing new.
    let at = evidence.at(None, all);
    evidence.claim(PROVINCE, Timestamp(1_240_000_000_000));
    evidence.claim(DISTRICT, Timestamp(-5));
    assert_eq!(evidence.at(None, all), at);
}

#[test]
fn claims_are_bounded_in_time_and_number() {
    let mut evidence = Evidence::default();
    let end = Month(EVIDENCE_MONTHS_MAX).begins();
    assert!(!evidence.claim(DISTRICT, end));
    assert!(!evidence.is_new(&DISTRICT, end));
    for node in 0..EVIDENCE_NODES_MAX {
        let node = NodeId([u8::try_from(node).unwrap(); 32]);
        for month in 0..EVIDENCE_MONTHS_MAX {
            assert!(evidence.claim(node, Month(month).begins()));
        }
    }
    assert!(!evidence.claim(NodeId([99; 32]), NOW));
    let bytes = evidence.encode();
    assert!(bytes.len() <= EVIDENCE_BYTES_MAX, "{}", bytes.len());
    assert_eq!(Evidence::decode(&bytes).unwrap(), evidence);
    assert_eq!(
        evidence.first_beyond(NOW),
        Some(Month(Month::of(NOW).unwrap().0 + 2))
    );
    evidence.keep(|node| *node == DISTRICT);
    assert_eq!(evidence.claims(None).count(), 1);
}

#[test]
fn word_travels_as_a_record_of_the_root() {
    let signer = Signer::from_seed(&[1; 32]);
    let said = word(3, NOW, Some(LIE));
    let record = said
        .sign(&signer, "45@2020-01-01".parse().unwrap())
        .unwrap();
    record.verify().unwrap();
    assert_eq!(record.kind, RecordKind::Time);
    assert_eq!(Word::decode(&record.body).unwrap(), said);
    assert!(Word::decode(&record.body[1..]).is_err());
}

/// Somebody's claims, some of them wrong.
fn claims() -> impl Strategy<Value = Vec<(u8, i64)>> {
    prop::collection::vec((0u8..4, 0i64..4_200_000_000_000), 0..40)
}

proptest! {
    #[test]
    fn the_order_of_arrival_never_shows(claims in claims(), shuffled in any::<prop::sample::Index>()) {
        let (mut evidence, mut other) = (joined(), joined());
        for (node, at) in &claims {
            evidence.claim(NodeId([*node; 32]), Timestamp(*at));
        }
        let turned = shuffled.index(claims.len().max(1));
        for (node, at) in claims.iter().skip(turned).rev().chain(claims.iter().take(turned)) {
            // What comes twice changes nothing either.
            other.claim(NodeId([*node; 32]), Timestamp(*at));
            other.claim(NodeId([*node; 32]), Timestamp(*at));
        }
        prop_assert_eq!(&evidence, &other);
        let reset = Some(word(1, NOW, Some(LIE)));
        prop_assert_eq!(evidence.at(reset, all), other.at(reset, all));
        prop_assert!(evidence.at(reset, all) < Some(LIE));
        prop_assert!(evidence.at(None, all) >= Some(NOW));
    }

    #[test]
    fn one_liar_among_honest_ones_moves_it_by_a_month_at_most(
        honest in prop::collection::vec((0u8..3, 0u64..3000), 0..40),
        lies in prop::collection::vec(0i64..7_000_000_000_000, 0..40),
    ) {
        let mut evidence = joined();
        for (node, day) in &honest {
            evidence.claim(NodeId([*node; 32]), days(*day));
        }
        let before = honest.iter().map(|(_, day)| days(*day)).max().unwrap_or(NOW);
        let least = evidence.at(None, all);
        for lie in lies {
            evidence.claim(NodeId([9; 32]), Timestamp(lie));
        }
        let at = evidence.at(None, all);
        prop_assert!(at >= least, "a lie takes nothing back");
        prop_assert!(at <= Some(before.plus_ms(30 * DAY_MS)));
    }
}
