//! Files from node to node: piece by piece, behind everything else, and on from where they were cut.

use crate::limits::{DEAF_MS, FILE_BYTES_AHEAD_LEAST, PIECE_BYTES, PULLS_MAX};
use crate::testing::World;
use crate::{Account, Class, Event, FileId, Gone, LinkId, Purpose};

/// Nothing that shrinks.
fn content(number: u8, bytes: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new();
    reader.update(&[number]);
    let mut content = vec![0; bytes];
    reader.finalize_xof().fill(&mut content);
    content
}

/// A commune, its district and its province, all with a document that names a file; it is at the commune.
fn line(bytes: usize) -> (World, FileId, Vec<u8>) {
    let mut world = World::new();
    world.node("10101", None);
    world.node("101", None);
    world.node("01", None);
    let content = content(1, bytes);
    world.name(2, "10101", &content, false);
    world.name(1, "10101", &content, false);
    let file = world.name(0, "10101", &content, true);
    (world, file, content)
}

#[test]
fn a_file_goes_up_the_line_and_each_hears_where_it_is() {
    let (mut world, file, content) = line(150_000);
    // The province asks first, in vain, and is told.
    world.connect(1, 2);
    world.settle();
    assert!(!world.nodes[2].store.is_whole(&file));
    world.connect(0, 1);
    world.settle();
    for node in &world.nodes {
        assert_eq!(node.store.content(&file), content);
    }
    let (district, province) = (world.nodes[1].place.node, world.nodes[2].place.node);
    assert!(world.nodes[0].store.holders.contains(&(file, district)));
    assert!(world.nodes[1].store.holders.contains(&(file, province)));
    assert_eq!(world.asked(1, "keep piece"), 10);
    // Then nothing is owed: no node wakes for it.
    assert!(
        world
            .nodes
            .iter()
            .all(|node| node.hub.next_wake().is_none())
    );
}

#[test]
fn a_file_costs_little_more_than_its_bytes() {
    let (mut world, file, _) = line(1_000_000);
    world.connect(0, 1);
    world.settle();
    assert!(world.nodes[1].store.is_whole(&file));
    let over = world.carried - 1_000_000;
    assert!(over < 20_000, "{over} bytes beside the file's own");
}

/// Wherever the link is cut, what is durable is not sent again.
#[test]
fn a_cut_anywhere_costs_at_most_the_piece_that_was_on_its_way() {
    let (mut world, file, content) = line(100_000);
    let mut cuts = 0;
    let mut step = 1_000;
    while !world.nodes[1].store.is_whole(&file) {
        let link = world.connect(0, 1);
        // More than hello, proofs and one piece.
        world.cut_after(link, 0, 18_000 + step % 9_000);
        world.settle();
        step += 1_234;
        cuts += 1;
        assert!(cuts < 40, "it does not come to its end");
    }
    assert_eq!(world.nodes[1].store.content(&file), content);
    assert!(cuts > 3, "the link was cut");
    let pieces = content.len().div_ceil(PIECE_BYTES);
    assert_eq!(world.asked(1, "keep piece"), pieces, "each piece came once");
    let most = content.len() + cuts * (PIECE_BYTES + 1_500);
    assert!(world.carried < most, "{} of {most}", world.carried);
}

#[test]
fn a_restart_goes_on_over_another_link() {
    let (mut world, file, _) = line(300_000);
    let link = world.connect(0, 1);
    world.cut_after(link, 0, 150_000);
    world.settle();
    let before = world.asked(1, "keep piece");
    assert!(before > 5 && !world.nodes[1].store.is_whole(&file));
    world.restart(1);
    world.restart(0);
    // A fellow node has all of it by now, and gives the rest.
    let fellow = world.node("10101", Some("health"));
    let all = content(1, 300_000);
    world.name(fellow, "10101", &all, true);
    world.connect(1, fellow);
    world.settle();
    assert!(world.nodes[1].store.is_whole(&file));
    assert_eq!(world.asked(1, "keep piece"), 19);
}

/// Reports of others come in all the time, and each of them is news to this link as well.
#[test]
fn a_file_goes_on_while_there_is_news_for_others() {
    let mut world = World::new();
    let (commune, district) = (world.node("10101", None), world.node("101", None));
    let neighbour = world.node("10102", None);
    let content = content(1, 2_000_000);
    world.name(commune, "10101", &content, false);
    let file = world.name(district, "10101", &content, true);
    world.connect(neighbour, district);
    world.connect(commune, district);
    let mut saves = 0;
    while !world.nodes[commune].store.is_whole(&file) {
        saves += 1;
        assert!(saves < 10_000, "it does not come to its end");
        world.change(neighbour, "report", "10102", &format!("save {saves}"));
        world.flight();
        let wake = world.nodes[district].hub.next_wake();
        if let Some(wake) = wake {
            world.now = world.now.max(wake);
            world.tell(district, Event::Woken);
        }
    }
    assert!(saves > 10);
    assert_eq!(world.nodes[commune].store.content(&file), content);
    world.settle();
    assert_eq!(world.bodies(district).len(), saves);
    assert!(world.nodes[district].hub.next_wake().is_none());
}

/// What is urgent waits behind one small piece at most.
#[test]
fn a_figure_overtakes_a_file() {
    let (mut world, file, _) = line(500_000);
    world.nodes[0].choked = Some(Vec::new());
    world.connect(0, 1);
    for _ in 0..10_000 {
        world.take_pieces(0);
        world.flight();
        if world.asked(1, "keep piece") > 3 {
            break;
        }
    }
    assert!(!world.nodes[1].store.is_whole(&file));
    // The link holds a piece and takes nothing when the figure is saved.
    world.change(0, "report", "10101", "a figure");
    let before = world.carried;
    let mut pieces = 0;
    while !world.bodies(1).contains(&"a figure".to_owned()) {
        world.take_pieces(0);
        world.flight();
        pieces += 1;
        assert!(pieces < 10, "it waits behind the file");
    }
    let ahead = world.carried - before;
    assert!(
        ahead < 3 * FILE_BYTES_AHEAD_LEAST + 500,
        "{ahead} bytes were ahead of it"
    );
}

/// A link of 64 kbit/s and 600 ms.
const RATE: usize = 8_000;
const DELAY_MS: u64 = 300;

/// Lets the link carry for a hundredth of a second, and wakes whoever wanted to be.
fn crawl(world: &mut World) {
    world.crawl(RATE, DELAY_MS);
    for at in 0..world.nodes.len() {
        let wake = world.nodes[at].hub.next_wake();
        if wake.is_some_and(|wake| wake <= world.now) {
            world.tell(at, Event::Woken);
        }
    }
}

/// Milliseconds that some figures take on the mean, saved at various times.
fn figures(world: &mut World, link: LinkId) -> u64 {
    for at in [0, 1] {
        let measured = Event::Measured {
            link,
            rate: Some(RATE as u64),
            round_trip_ms: 2 * DELAY_MS,
        };
        world.tell(at, measured);
    }
    let mut sum = 0;
    for number in 0..20 {
        for _ in 0..100 + number * 7 {
            crawl(world);
        }
        let figure = format!("figure {number}");
        world.change(0, "report", "10101", &figure);
        let begun = world.now;
        while !world.bodies(1).contains(&figure) {
            crawl(world);
        }
        sum += world.now.ms_since(begun);
    }
    sum / 20
}

#[test]
fn figures_hardly_wait_for_a_file_on_a_slow_link() {
    let time = |bytes| {
        let (mut world, file, _) = line(bytes);
        let link = world.connect(0, 1);
        let begun = world.now;
        let time = figures(&mut world, link);
        let carried = world.asked(1, "keep piece") * PIECE_BYTES;
        let rate = carried * 1_000 / usize::try_from(world.now.ms_since(begun)).unwrap();
        (time, world.nodes[1].store.is_whole(&file), rate)
    };
    let (alone, is_whole, _) = time(1_000);
    assert!(is_whole);
    let (beside, is_whole, rate) = time(500_000);
    assert!(!is_whole, "it was under way all the time");
    assert!(
        beside <= alone * 11 / 10,
        "{beside} ms beside it, {alone} alone"
    );
    assert!(rate > RATE / 2, "{rate} bytes of the file a second");
}

#[test]
fn one_file_is_fetched_over_one_link_at_a_time() {
    let (mut world, file, _) = line(400_000);
    let fellow = world.node("10101", Some("health"));
    let all = content(1, 400_000);
    world.name(fellow, "10101", &all, true);
    world.connect(0, 1);
    world.connect(fellow, 1);
    world.settle();
    assert!(world.nodes[1].store.is_whole(&file));
    assert_eq!(world.asked(1, "keep piece"), 25);
    let given = |at: usize| world.asked(at, "read piece");
    assert!(given(0) == 0 || given(fellow) == 0, "both gave it");
}

#[test]
fn whoever_cannot_fetch_now_does_so_when_others_are_done() {
    let mut world = World::new();
    let district = world.node("101", None);
    let mut files = Vec::new();
    for number in 0..=PULLS_MAX + 3 {
        let commune = world.node("10101", Some(&format!("office{number}")));
        let all = content(u8::try_from(number).unwrap(), 40_000);
        files.push(world.name(commune, "10101", &all, true));
        world.name(district, "10101", &all, false);
        world.connect(commune, district);
    }
    world.settle();
    assert!(
        files
            .iter()
            .all(|file| world.nodes[district].store.is_whole(file))
    );
}

#[test]
fn what_a_peer_may_not_see_is_not_there_for_it() {
    let (mut world, file, all) = line(40_000);
    world.connect(0, 1);
    world.settle();
    let neighbour = world.node("10102", None);
    world.name(neighbour, "10102", &all, false);
    let link = world.connect(neighbour, 1);
    world.settle();
    assert!(!world.nodes[neighbour].store.is_whole(&file));
    assert!(world.is_up(link));
}

#[test]
fn where_there_is_no_room_it_is_not_asked_for_again() {
    let (mut world, file, _) = line(400_000);
    world.nodes[1]
        .store
        .files
        .get_mut(&file)
        .unwrap()
        .is_refused = true;
    let link = world.connect(0, 1);
    world.settle();
    assert!(world.is_up(link));
    assert!(world.carried < 300_000, "two questions' worth at most");
    assert!(
        world
            .nodes
            .iter()
            .all(|node| node.hub.next_wake().is_none())
    );
}

#[test]
fn a_disk_that_fails_closes_the_link_and_the_next_goes_on() {
    let (mut world, file, _) = line(100_000);
    world.nodes[1].is_slow = true;
    let link: LinkId = world.connect(0, 1);
    world.settle();
    assert!(world.is_up(link));
    assert!(
        world.carried < 400_000,
        "no more is asked for than may wait"
    );
    world.unstick(1);
    world.settle();
    assert!(world.nodes[1].store.is_whole(&file));
}

/// Whoever has used up the bytes of a month neither gives nor asks, and the other waits for nothing.
#[test]
fn files_wait_until_they_may_go() {
    for limited in [0, 1] {
        let (mut world, file, _) = line(1_000_000);
        let link = world.connect(0, 1);
        while world.asked(1, "keep piece") == 0 {
            assert!(world.flight());
        }
        let peer = world.nodes[1 - limited].place.node;
        let limit = |least| Event::Limited { peer, least };
        world.tell(limited, limit(Class::Urgent));
        world.settle();
        assert!(!world.nodes[1].store.is_whole(&file));
        let went = world.carried;
        assert!(went < 600_000, "{went}: what was asked for at most");
        world.change(0, "report", "10101", "waits as well");
        world.settle();
        assert!(world.is_up(link) && !world.nodes[1].awaited[&link]);
        world.tell(limited, limit(Class::Attachments));
        world.settle();
        assert!(world.nodes[1].store.is_whole(&file));
    }
}

/// The first question comes to its reader after an outage.
#[test]
fn an_answer_that_comes_late_is_one() {
    let (mut world, file, _) = line(400_000);
    let link = world.connect(0, 1);
    while world.asked(1, "read wants") == 0 {
        assert!(world.flight());
    }
    world.now = world.now.plus_ms(DEAF_MS);
    world.tell(1, Event::Woken);
    // Others may fetch it meanwhile.
    let other = world.node("10101", Some("health"));
    world.name(other, "10101", &content(1, 400_000), true);
    world.connect(other, 1);
    assert_eq!(world.asked(0, "read piece"), 0);
    world.settle();
    assert!(world.is_up(link) && world.nodes[1].store.is_whole(&file));
}

#[test]
fn files_are_put_down_as_files() {
    let (mut world, file, _) = line(400_000);
    let link = world.connect(0, 1);
    world.settle();
    assert!(world.nodes[1].store.is_whole(&file));
    let all = Gone {
        datagrams: 500_000,
        stream: 450_000,
        ..Gone::default()
    };
    let of = |at: usize| {
        let said = world.nodes[at].hub.said(link).unwrap();
        let spent = Account::default().put_down(all, all, &said);
        spent.of(Purpose::Attachments)
    };
    assert!(of(0).0 > 400_000 && of(1).1 > 400_000);
}
