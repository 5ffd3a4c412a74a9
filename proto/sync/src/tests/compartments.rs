//! Documents that not every office of their unit may read.

use hopluu_model::EntryKind;

use crate::CloseCode;
use crate::testing::World;

const POLICE: [(&str, &str); 1] = [("police", "area")];
const BOTH: [(&str, &str); 2] = [("police", "area"), ("education", "area")];
const SECRET: &str = "II.1.3.a is 12";

/// A commune with its police and its education office, and the district above it.
struct Commune {
    world: World,
    main: usize,
    police: usize,
    education: usize,
    district: usize,
}

impl Commune {
    fn new() -> Self {
        let mut world = World::new();
        let main = world.node("10101", None);
        let police = world.node("10101", Some("police"));
        let education = world.node("10101", Some("education"));
        let district = world.node("101", None);
        let mut commune = Self {
            world,
            main,
            police,
            education,
            district,
        };
        commune.readers(&POLICE);
        commune
    }

    fn readers(&mut self, all: &[(&str, &str)]) {
        for at in 0..self.world.nodes.len() {
            self.world.list_readers(at, all);
        }
    }

    fn link_all(&mut self) {
        for at in [self.police, self.education] {
            self.world.connect(at, self.main);
        }
        self.world.connect(self.main, self.district);
        self.world.settle();
    }

    fn has(&self, at: usize, body: &str) -> bool {
        self.world.bodies(at).iter().any(|one| one == body)
    }
}

#[test]
fn an_office_without_the_right_never_gets_it_and_all_others_do() {
    let mut commune = Commune::new();
    commune.link_all();
    let police = commune.police;
    commune.world.change(police, "closed", "10101!area", SECRET);
    commune
        .world
        .change(police, "open", "10101", "II.1.2.a is 5");
    commune.world.write(
        commune.main,
        EntryKind::Receipt,
        "word",
        "10101!area",
        b"a receipt of it",
    );
    commune.world.settle();
    for at in [commune.main, commune.police, commune.district] {
        assert!(commune.has(at, SECRET), "{at}");
    }
    assert!(commune.has(commune.police, "a receipt of it"));
    assert_eq!(commune.world.bodies(commune.education), ["II.1.2.a is 5"]);
    let main = commune.world.nodes[commune.main].place.clone();
    let education = commune.world.nodes[commune.education].place.clone();
    assert!(commune.world.nodes[commune.main].owes_nothing(&education));
    assert!(commune.world.nodes[commune.education].owes_nothing(&main));
}

#[test]
fn a_right_that_comes_later_makes_all_of_it_owed() {
    let mut commune = Commune::new();
    commune.link_all();
    let police = commune.police;
    commune.world.change(police, "closed", "10101!area", SECRET);
    commune.world.settle();
    assert!(!commune.has(commune.education, SECRET));
    // On an open link ..
    commune.readers(&BOTH);
    commune.world.settle();
    assert!(commune.has(commune.education, SECRET));
    // .. and where there was none when it came.
    let mut commune = Commune::new();
    commune.link_all();
    commune
        .world
        .change(commune.police, "closed", "10101!area", SECRET);
    commune.world.settle();
    for link in commune.world.up() {
        commune.world.cut(link);
    }
    commune.readers(&BOTH);
    commune.link_all();
    assert!(commune.has(commune.education, SECRET));
}

#[test]
fn a_right_taken_away_ends_what_follows_and_nothing_else() {
    let mut commune = Commune::new();
    commune.readers(&BOTH);
    commune.link_all();
    let police = commune.police;
    commune.world.change(police, "closed", "10101!area", SECRET);
    commune.world.settle();
    assert!(commune.has(commune.education, SECRET));
    commune.readers(&POLICE);
    commune.world.settle();
    commune
        .world
        .change(police, "closed", "10101!area", "II.1.3.a is 13");
    commune
        .world
        .change(police, "open", "10101", "II.1.2.a is 5");
    commune.world.settle();
    assert!(!commune.has(commune.education, "II.1.3.a is 13"));
    assert!(commune.has(commune.education, "II.1.2.a is 5"));
    assert!(
        commune.has(commune.education, SECRET),
        "what was read stays read"
    );
    // A store that holds what it may no longer read and one that offers it no longer come to rest.
    for link in commune.world.up() {
        commune.world.cut(link);
    }
    commune.link_all();
    assert!(!commune.has(commune.education, "II.1.3.a is 13"));
    let closed = &commune.world.nodes[commune.main].closed;
    assert!(
        closed.iter().all(|(_, code)| *code == CloseCode::Duplicate),
        "{closed:?}"
    );
}

#[test]
fn a_reader_restored_from_a_backup_gets_it_back_and_nobody_else_does() {
    let mut commune = Commune::new();
    commune.link_all();
    commune
        .world
        .change(commune.police, "closed", "10101!area", SECRET);
    commune.world.settle();
    for at in [commune.police, commune.education] {
        commune.world.nodes[at].store = Default::default();
        commune.world.nodes[at].epoch.0[15] += 1;
        commune.world.restart(at);
    }
    commune.link_all();
    assert!(commune.has(commune.police, SECRET));
    assert!(!commune.has(commune.education, SECRET));
}
