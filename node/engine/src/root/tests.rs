use std::collections::BTreeSet;

use super::*;
use crate::setup::NewHome;
use crate::testing::{FORM, PROVINCE, tree};

const NOW: Timestamp = Timestamp(1_795_400_000_777);

fn setup() -> RootSetup {
    RootSetup {
        unit: PROVINCE.to_owned(),
        tree: tree(),
        forms: vec![(FORM.to_owned(), Vec::new())],
        home: NewHome::default(),
    }
}

struct World {
    folder: tempfile::TempDir,
    made: SetUp,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = crate::init_root(&folder.path().join("root"), &setup(), NOW).unwrap();
        Self { folder, made }
    }

    fn backup(&self, needed: u8, of: u8) -> Vec<String> {
        let pages = root_backup(&self.folder.path().join("root"), None, needed, of).unwrap();
        pages.iter().map(|page| page.text.to_string()).collect()
    }

    fn restore(&self, name: &str, shares: &[String]) -> Result<SetUp, RootError> {
        root_restore(
            &self.folder.path().join(name),
            shares,
            setup(),
            NOW.plus_ms(99_999),
        )
    }
}

#[test]
fn any_three_of_five_make_the_very_same_root_and_no_two_do() {
    let world = World::new();
    let shares = world.backup(3, 5);
    for first in 0..5 {
        for second in first + 1..5 {
            let two = [shares[first].clone(), shares[second].clone()];
            let refused = world.restore("none", &two).unwrap_err();
            assert!(
                matches!(refused, RootError::TooFew { have: 2, needed: 3 }),
                "{refused}"
            );
            for (number, third) in (0..).zip(&shares).skip(second + 1) {
                let three = [two.as_slice(), std::slice::from_ref(third)].concat();
                let name = format!("{first}{second}{number}");
                assert_eq!(world.restore(&name, &three).unwrap(), world.made);
            }
        }
    }
    assert!(
        !world.folder.path().join("none").exists(),
        "nothing is left of what failed"
    );
    // The same share twice is one share.
    let twice = [shares[0].clone(), shares[0].clone(), shares[1].clone()];
    assert!(matches!(
        world.restore("none", &twice),
        Err(RootError::TooFew { have: 2, .. })
    ));
    // The folder of a root that is there is left alone.
    assert!(matches!(
        world.restore("root", &shares),
        Err(RootError::Setup(_))
    ));
}

#[test]
fn a_wrong_share_is_named() {
    let (world, other) = (World::new(), World::new());
    let shares = world.backup(2, 3);
    let with = |wrong: &str| world.restore("none", &[shares[0].clone(), wrong.to_owned()]);
    let mut damaged = shares[1].clone();
    let last = damaged.pop();
    damaged.push(if last == Some('A') { 'Q' } else { 'A' });
    let refused = with(&damaged).unwrap_err();
    let source = ShareError::Damaged { number: 2 };
    assert!(
        matches!(&refused, RootError::Share { place: 2, source: of } if *of == source),
        "{refused}"
    );
    let refused = with(&other.backup(2, 3)[2]).unwrap_err();
    assert!(
        matches!(refused, RootError::OtherRoot { number: 3, .. }),
        "{refused}"
    );
    let again = with(&world.backup(2, 3)[1]).unwrap_err();
    assert!(
        matches!(again, RootError::OtherBackup { number: 2 }),
        "{again}"
    );
    let none = with("HOPLUU1-AAAA").unwrap_err();
    assert!(matches!(
        none,
        RootError::Share {
            place: 2,
            source: ShareError::NotAShare
        }
    ));
    assert!(matches!(
        world.restore("none", &[]),
        Err(RootError::TooFew { have: 0, .. })
    ));
}

/// Whoever has all shares but one knows no byte of the key better than before: each of its 256 values fits.
#[test]
fn fewer_than_needed_fit_every_key() {
    let secret = [7u8; 32];
    let dealt: Vec<Share> = Sharks(2)
        .dealer_rng(&secret, &mut rand::rng())
        .take(2)
        .collect();
    let known = Vec::from(&dealt[0]);
    let mut possible = BTreeSet::new();
    for guess in 0..=255 {
        // A second share that makes this key of the first.
        let forged: Vec<u8> = std::iter::once(2).chain([guess; 32]).collect();
        let points = [known.as_slice(), &forged].map(|bytes| Share::try_from(bytes).unwrap());
        possible.insert(Sharks(2).recover(&points).unwrap()[0]);
    }
    assert_eq!(possible.len(), 256);
}

#[test]
fn only_a_root_is_split_and_only_into_what_can_be_joined() {
    let world = World::new();
    let root = world.folder.path().join("root");
    for (needed, of) in [(1, 3), (4, 3), (0, 0), (2, SHARES_MAX + 1)] {
        let refused = root_backup(&root, None, needed, of).unwrap_err();
        assert!(matches!(refused, RootError::Counts { .. }), "{refused}");
    }
    assert_eq!(
        world.backup(SHARES_MAX, SHARES_MAX).len(),
        usize::from(SHARES_MAX)
    );
    let nobody = root_backup(&world.folder.path().join("none"), None, 2, 3).unwrap_err();
    assert!(
        matches!(nobody, RootError::Setup(SetupError::Home(_))),
        "{nobody}"
    );
}
