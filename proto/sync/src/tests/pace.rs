//! Slow links: how much is on its way, and how much of what they carry is used.

use crate::limits::{CHUNK_BYTES, CHUNK_BYTES_LEAST, IN_FLIGHT_BYTES_MAX, YIELDING_BYTES};
use crate::testing::World;
use crate::{Event, LinkId};

/// Nothing that can be packed.
fn noise(number: u32, bytes: usize) -> Vec<u8> {
    let blocks = (0..).flat_map(|block: u32| {
        let seed = [number.to_le_bytes(), block.to_le_bytes()].concat();
        *blake3::hash(&seed).as_bytes()
    });
    blocks.take(bytes).collect()
}

/// A commune that has met its district and knows what their link carries.
fn linked(rate: Option<u64>, round_trip_ms: u64) -> (World, LinkId) {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    let link = world.connect(commune, district);
    world.settle();
    for at in [commune, district] {
        world.tell(
            at,
            Event::Measured {
                link,
                rate,
                round_trip_ms,
            },
        );
    }
    (world, link)
}

fn put(world: &mut World, bodies: impl Iterator<Item = Vec<u8>>) {
    for (number, body) in bodies.enumerate() {
        let name = format!("doc {number}");
        let kind = hopluu_model::EntryKind::Change;
        world.nodes[0].store.put(kind, &name, "10101", &body);
    }
    let last = world.nodes[0].store.last();
    world.tell(0, Event::Appended { last, news: None });
}

/// Milliseconds until the district has all, and the most that was on its way.
fn run(world: &mut World, rate: usize, delay_ms: u64) -> (u64, usize) {
    let (begun, carried) = (world.now, world.carried);
    let (mut most, mut arrived) = (0, begun);
    while world.crawl(rate, delay_ms) {
        let link = world.peer(0, 1).link.unwrap();
        most = most.max(link.in_flight_bytes);
        if world.nodes[1].store.last() < world.nodes[0].store.last() {
            arrived = world.now;
        }
    }
    assert_eq!(world.nodes[1].store.last(), world.nodes[0].store.last());
    assert!(world.carried > carried);
    (arrived.ms_since(begun), most)
}

#[test]
fn a_slow_link_is_used_and_little_is_on_its_way() {
    for (rate, round_trip_ms) in [(1_200, 1_200), (8_000, 600), (48_000, 600), (125_000, 80)] {
        let (mut world, _) = linked(Some(rate), round_trip_ms);
        let total = 40 * usize::try_from(rate).unwrap();
        put(&mut world, (0..).map(|n| noise(n, 500)).take(total / 500));
        let (ms, most) = run(&mut world, total / 40, round_trip_ms / 2);
        // Forty seconds of the link's rate, and half a round trip.
        let limit = 40_000 + round_trip_ms / 2;
        assert!(ms * 92 / 100 <= limit, "{rate}: {ms} ms for {limit}");
        let window = rate * (round_trip_ms + 400) / 1_000 * 5 / 4;
        let window = usize::try_from(window).unwrap().max(6 << 10) + CHUNK_BYTES_LEAST;
        let bound = (window + CHUNK_BYTES - CHUNK_BYTES_LEAST).min(IN_FLIGHT_BYTES_MAX);
        assert!(most <= bound, "{rate}: {most} of {bound} on their way");
    }
}

/// As in an office: nobody ever sees that link full.
#[test]
fn a_fast_link_that_nobody_has_measured_carries_large_pushes() {
    let mut pushes = [0, 0];
    for (pushes, rate) in pushes.iter_mut().zip([8_000, 10_000_000]) {
        let (mut world, _) = linked(None, 0);
        put(&mut world, (0..).map(|n| noise(n, 1_000)).take(400));
        run(&mut world, rate, 0);
        *pushes = world.asked(1, "apply");
    }
    let [slow, fast] = pushes;
    // Three bodies or so in a push, and fifteen.
    assert!(slow >= 100 && fast <= 40, "{slow}, {fast}");
}

/// On a link that is slow both ways, answers to what comes must not wait behind receipts.
#[test]
fn receipts_go_one_push_after_the_other_while_much_comes() {
    let (mut world, _) = linked(Some(8_000), 600);
    for number in 0..150 {
        let kind = hopluu_model::EntryKind::Receipt;
        let name = format!("receipt {number}");
        world.nodes[1]
            .store
            .put(kind, &name, "10101", &noise(number, 150));
    }
    put(&mut world, (0..80).map(|n| noise(1_000 + n, 500)));
    for _ in 0..100 {
        world.crawl(8_000, 300);
    }
    let last = world.nodes[1].store.last();
    world.tell(1, Event::Appended { last, news: None });
    let (mut most, mut most_after) = (0, 0);
    while world.crawl(8_000, 300) {
        let is_coming = world.nodes[1].store.last().0 < 230;
        let in_flight = world.peer(1, 0).link.unwrap().in_flight_bytes;
        let most = if is_coming {
            &mut most
        } else {
            &mut most_after
        };
        *most = in_flight.max(*most);
    }
    assert_eq!(world.nodes[0].store.last().0, 230, "all receipts came");
    assert!(most <= YIELDING_BYTES, "{most} bytes of receipts at once");
    assert!(most_after > 0, "the rest follows");
}

/// As a first sync does it: every report brings a receipt.
#[test]
fn reports_and_their_receipts_cross_until_both_are_through() {
    for rate in [None, Some(8_000), Some(14_000)] {
        let (mut world, _) = linked(rate, 600);
        put(&mut world, (0..600).map(|n| noise(1_000 + n, 180)));
        let mut signed = 0;
        while world.crawl(8_000, 300) || signed < 600 {
            let bodies = world.nodes[1].store.last().0 - signed;
            let news = bodies - signed;
            for number in signed..signed + news {
                let kind = hopluu_model::EntryKind::Receipt;
                let (name, body) = (
                    format!("receipt {number}"),
                    noise(u32::try_from(number).unwrap(), 45),
                );
                world.nodes[1].store.put(kind, &name, "10101", &body);
            }
            if news > 0 {
                signed += news;
                let last = world.nodes[1].store.last();
                world.tell(1, Event::Appended { last, news: None });
            }
            assert!(
                world.now.0 < 1_200_000,
                "{rate:?}: {signed}, {:?} {:?}",
                world.peer(0, 1),
                world.peer(1, 0)
            );
        }
        assert_eq!(world.nodes[0].store.last().0, 1_200);
    }
}

#[test]
fn what_packs_well_keeps_a_slow_link_busy_too() {
    let (mut world, _) = linked(Some(8_000), 600);
    let report = |number: u32| {
        let line = |line: u32| {
            format!(
                "{number}.{line}: hội nghị {}, ",
                blake3::hash(&noise(number * 40 + line, 4))
                    .to_hex()
                    .split_at(9)
                    .0
            )
        };
        (0..40).map(line).collect::<String>().into_bytes()
    };
    put(&mut world, (0..400).map(report));
    let before = world.carried;
    let (ms, _) = run(&mut world, 8_000, 300);
    let sent = u64::try_from(world.carried - before).unwrap();
    let limit = sent * 1_000 / 8_000 + 300;
    assert!(ms * 90 / 100 <= limit, "{ms} ms for {limit}");
}

#[test]
fn a_cut_costs_what_was_on_its_way() {
    let (mut world, link) = linked(Some(8_000), 600);
    put(&mut world, (0..).map(|n| noise(n, 500)).take(600));
    for _ in 0..1_000 {
        world.crawl(8_000, 300);
    }
    let has = world.nodes[1].store.last().0;
    assert!(has > 100, "{has}");
    let in_flight = world.peer(0, 1).link.unwrap().in_flight_bytes;
    assert!(
        (1..=10_000 + CHUNK_BYTES_LEAST).contains(&in_flight),
        "{in_flight}"
    );
    world.cut(link);
    let before = world.carried;
    world.connect(0, 1);
    world.settle();
    assert_eq!(world.nodes[1].store.last().0, 600);
    // Each entry names its document and is acknowledged.
    let new = (600 - usize::try_from(has).unwrap()) * 540;
    let again = (world.carried - before).saturating_sub(new);
    assert!(again < 10_000 + CHUNK_BYTES_LEAST, "{again}");
}

#[test]
fn a_packed_report_is_one_push_on_the_slowest_link() {
    let (mut world, _) = linked(Some(1_200), 1_200);
    put(&mut world, [noise(0, 3_000), noise(1, 3_000)].into_iter());
    let link = world.peer(0, 1).link.unwrap();
    assert_eq!(link.in_flight_bytes, 2 * 3_005);
    world.settle();
    assert_eq!(world.asked(1, "apply"), 2);
}
