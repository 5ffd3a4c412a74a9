use hopluu_model::{Place, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{Reach, Reason};

/// Who is enrolled, by the one node's name or another's.
struct World {
    lines: BTreeMap<NodeId, Vec<Identity>>,
}

fn node(byte: u8) -> NodeId {
    NodeId([byte; 32])
}

/// The units of the tests: a province, two districts, communes 1 and 2 of the first and 3 of the other.
fn unit(code: u16) -> UnitId {
    format!("{code}@2020-01-01").parse().unwrap()
}

const PARENTS: [(u16, u16); 5] = [(10, 1), (20, 1), (101, 10), (102, 10), (201, 20)];

const PROVINCE: u8 = 1;
const DISTRICT: u8 = 2;
const OTHER_DISTRICT: u8 = 3;
const COMMUNE: u8 = 4;
const NEIGHBOUR: u8 = 5;
const POLICE: u8 = 6;
const HEALTH: u8 = 7;
const DISTRICT_POLICE: u8 = 8;

impl World {
    fn new() -> Self {
        let mut world = Self {
            lines: BTreeMap::new(),
        };
        world.enrol(PROVINCE, 1, None, None);
        world.enrol(DISTRICT, 10, None, Some(PROVINCE));
        world.enrol(OTHER_DISTRICT, 20, None, Some(PROVINCE));
        world.enrol(COMMUNE, 101, None, Some(DISTRICT));
        world.enrol(NEIGHBOUR, 102, None, Some(DISTRICT));
        world.enrol(POLICE, 101, Some("police"), Some(COMMUNE));
        world.enrol(HEALTH, 101, Some("health"), Some(COMMUNE));
        world.enrol(DISTRICT_POLICE, 10, Some("police"), Some(DISTRICT));
        world
    }

    fn enrol(&mut self, name: u8, code: u16, office: Option<&str>, by: Option<u8>) {
        let mut line = vec![Identity {
            place: Place {
                node: node(name),
                unit: unit(code),
                office: office.map(|office| office.parse().unwrap()),
            },
            may_issue: office.is_none(),
            not_before: Timestamp(0),
            not_after: Timestamp(1),
        }];
        line.extend(
            by.map(|by| self.lines[&node(by)].clone())
                .unwrap_or_default(),
        );
        self.lines.insert(node(name), line);
    }
}

impl Enrolment for World {
    fn line(&self, node: &NodeId) -> Option<&[Identity]> {
        self.lines.get(node).map(Vec::as_slice)
    }

    fn is_at_or_below(&self, below: &UnitId, above: &UnitId) -> bool {
        let parent = |of: &UnitId| {
            let mut known = PARENTS.iter();
            let found = known.find(|(code, _)| unit(*code) == *of);
            found.map(|(_, parent)| unit(*parent))
        };
        let mut at = Some(below.clone());
        while let Some(now) = at {
            if now == *above {
                return true;
            }
            at = parent(&now);
        }
        false
    }
}

const DOC: DocId = DocId([1; 16]);
const BEFORE: ChangeHash = ChangeHash([1; 32]);
const AFTER: ChangeHash = ChangeHash([2; 32]);

fn given<T>(by: u8, of: u16, name: u8, body: T) -> Given<T> {
    Given {
        hash: RecordHash([name; 32]),
        author: node(by),
        unit: unit(of),
        body,
    }
}

fn of_police(code: u16) -> Grant {
    Grant::of_office(unit(code), "police".parse().unwrap())
}

fn revocation(target: Target) -> Revocation {
    Revocation {
        target,
        reason: Reason::Stolen,
        stands: BTreeMap::from([(DOC, vec![BEFORE])]),
        certified: Vec::new(),
        said: Vec::new(),
    }
}

/// What somebody may do with a line of its own office, in a report of commune 101, in each change.
fn judged(authority: &Authority, by: u8, change: ChangeHash) -> Result<Option<RecordHash>, Void> {
    judged_in(authority, by, 101, change)
}

fn judged_in(
    authority: &Authority,
    by: u8,
    code: u16,
    change: ChangeHash,
) -> Result<Option<RecordHash>, Void> {
    let (unit, form, period) = (
        unit(code),
        "quick".parse().unwrap(),
        "2026-H1".parse().unwrap(),
    );
    let subject = Subject {
        doc: DOC,
        unit: &unit,
        form: &form,
        period: &period,
    };
    let author = Author {
        node: node(by),
        account: "lan",
    };
    let rights = authority.rights(&World::new(), author, &subject);
    let allowed = rights.of_change(|heads| heads.contains(&change));
    let code = "II.1".parse().unwrap();
    let act = Act::Line {
        code: &code,
        is_own: true,
    };
    Ok(allowed.judge(&act)?.map(|given| given.hash))
}

fn with(grants: Vec<Given<Grant>>, revocations: Vec<Given<Revocation>>) -> Authority {
    let mut authority = Authority::default();
    for grant in grants {
        authority.grant(grant);
    }
    for revocation in revocations {
        authority.revoke(revocation);
    }
    authority
}

#[test]
fn main_nodes_write_at_and_below_their_unit_and_offices_by_grant_only() {
    let none = Authority::default();
    for by in [PROVINCE, DISTRICT, COMMUNE] {
        assert_eq!(judged(&none, by, AFTER), Ok(None));
    }
    for by in [OTHER_DISTRICT, NEIGHBOUR] {
        assert_eq!(judged(&none, by, AFTER), Err(Void::OtherUnit));
    }
    assert_eq!(judged(&none, POLICE, AFTER), Err(Void::NoGrant));
    assert_eq!(judged(&none, 99, AFTER), Err(Void::NotEnrolled));
    let authority = with(vec![given(COMMUNE, 101, 7, of_police(101))], vec![]);
    assert_eq!(
        judged(&authority, POLICE, AFTER),
        Ok(Some(RecordHash([7; 32])))
    );
    assert_eq!(judged(&authority, HEALTH, AFTER), Err(Void::NoGrant));
}

#[test]
fn only_those_above_take_a_report_or_send_it_back() {
    let steps = [Step::Signed, Step::Accepted, Step::Returned];
    let mut own = of_police(101);
    own.steps = steps.into_iter().collect();
    let mut above = of_police(10);
    (above.steps, above.below) = (own.steps, true);
    let authority = with(
        vec![given(COMMUNE, 101, 7, own), given(DISTRICT, 10, 8, above)],
        vec![],
    );
    let (unit, form) = (unit(101), "quick".parse().unwrap());
    let period = "2026-H1".parse().unwrap();
    let subject = Subject {
        doc: DOC,
        unit: &unit,
        form: &form,
        period: &period,
    };
    for (by, is_above) in [
        (PROVINCE, true),
        (DISTRICT, true),
        (DISTRICT_POLICE, true),
        (COMMUNE, false),
        (POLICE, false),
    ] {
        let author = Author {
            node: node(by),
            account: "",
        };
        let rights = authority.rights(&World::new(), author, &subject);
        let allowed = rights.of_change(|_| true);
        for step in steps {
            let judged = allowed.judge(&Act::Step(step, None)).map(|_| ());
            let is_theirs = step == Step::Signed || is_above;
            let expected = if is_theirs {
                Ok(())
            } else {
                Err(Void::NotSuperior)
            };
            assert_eq!(judged, expected, "{by} {step}");
        }
    }
}

#[test]
fn a_grant_goes_down_the_line_of_who_gives_it_and_never_sideways() {
    // Who gives, whose reports, whose office; and whether it gives anything to that office.
    let below = |grant: Grant| Grant {
        below: true,
        ..grant
    };
    for (by, of, grant, holder, counts) in [
        (COMMUNE, 101, of_police(101), POLICE, true),
        (DISTRICT, 101, of_police(101), POLICE, true),
        (PROVINCE, 101, of_police(101), POLICE, true),
        // A neighbour, another district, an office, and nobody.
        (NEIGHBOUR, 101, of_police(101), POLICE, false),
        (OTHER_DISTRICT, 101, of_police(101), POLICE, false),
        (HEALTH, 101, of_police(101), POLICE, false),
        (POLICE, 101, of_police(101), POLICE, false),
        (99, 101, of_police(101), POLICE, false),
        // Of the district's office in the communes' reports: the district's to give, not the commune's.
        (DISTRICT, 101, of_police(10), DISTRICT_POLICE, true),
        (DISTRICT, 10, below(of_police(10)), DISTRICT_POLICE, true),
        (DISTRICT, 10, of_police(10), DISTRICT_POLICE, false),
        (COMMUNE, 101, of_police(10), DISTRICT_POLICE, false),
        // Wider than the giver's own: the district's reports by a commune.
        (COMMUNE, 10, below(of_police(101)), POLICE, false),
        (DISTRICT, 10, below(of_police(101)), POLICE, false),
    ] {
        let authority = with(vec![given(by, of, 7, grant)], vec![]);
        let judged = judged(&authority, holder, AFTER);
        assert_eq!(judged.is_ok(), counts, "by {by}, of {of}, to {holder}");
    }
}

#[test]
fn each_right_is_given_by_itself() {
    let named = |lines, texts, steps: &[Step]| Grant {
        lines,
        texts,
        attachments: false,
        steps: steps.iter().copied().collect(),
        ..of_police(101)
    };
    let (one, other) = ("II.1".parse().unwrap(), "II.2".parse().unwrap());
    let (funds, police, health) = (
        "funds".parse().unwrap(),
        "police".parse().unwrap(),
        "health".parse().unwrap(),
    );
    let asked = |grant: &Grant, act: Act<'_>| gives(grant, Some(&police), &act);
    let line = |code, is_own| Act::Line { code, is_own };
    let text = |office| Act::Text {
        section: &funds,
        office,
    };
    let only = named(
        Reach::Only(vec![one]),
        Reach::Own,
        &[Step::Contributed, Step::Signed],
    );
    let Reach::Only(names) = &only.lines else {
        unreachable!()
    };
    assert!(asked(&only, line(&names[0], false)) && !asked(&only, line(&other, true)));
    assert!(asked(&only, text(&police)) && !asked(&only, text(&health)));
    assert!(asked(&only, Act::Step(Step::Signed, None)));
    assert!(asked(&only, Act::Step(Step::Contributed, Some(&police))));
    assert!(!asked(&only, Act::Step(Step::Contributed, Some(&health))));
    assert!(!asked(&only, Act::Step(Step::Withdrawn, None)));
    assert!(!asked(&only, Act::Attachment) && !asked(&only, Act::Other));
    let all = named(Reach::All, Reach::All, &[]);
    assert!(asked(&all, line(&other, false)) && asked(&all, text(&health)));
    let none = named(Reach::Nothing, Reach::Nothing, &[]);
    assert!(!asked(&none, line(&other, true)) && !asked(&none, text(&police)));
}

#[test]
fn of_what_is_revoked_only_what_was_named_stands() {
    let grant = || given(COMMUNE, 101, 7, of_police(101));
    let lan = Target::Account(node(POLICE), "lan".to_owned());
    let minh = Target::Account(node(POLICE), "minh".to_owned());
    for (by, target, is_revoked) in [
        (COMMUNE, Target::Node(node(POLICE)), true),
        (PROVINCE, Target::Node(node(POLICE)), true),
        (COMMUNE, Target::Grant(RecordHash([7; 32])), true),
        (DISTRICT, Target::Grant(RecordHash([7; 32])), true),
        (POLICE, lan.clone(), true),
        (COMMUNE, lan, true),
        (COMMUNE, minh, false),
        // Nobody beside or below decides, nor the node itself.
        (POLICE, Target::Node(node(POLICE)), false),
        (HEALTH, Target::Node(node(POLICE)), false),
        (NEIGHBOUR, Target::Node(node(POLICE)), false),
        (NEIGHBOUR, Target::Grant(RecordHash([7; 32])), false),
        (POLICE, Target::Grant(RecordHash([7; 32])), false),
    ] {
        let revoked = given(by, 101, 9, revocation(target.clone()));
        let authority = with(vec![grant()], vec![revoked]);
        assert!(judged(&authority, POLICE, BEFORE).is_ok());
        let after = judged(&authority, POLICE, AFTER);
        let expected = if is_revoked {
            Err(Void::Revoked)
        } else {
            Ok(Some(RecordHash([7; 32])))
        };
        assert_eq!(after, expected, "{target:?} by {by}");
    }
}

#[test]
fn what_stands_by_one_revocation_of_several_stands() {
    let target = || Target::Node(node(POLICE));
    let narrow = Revocation {
        stands: BTreeMap::new(),
        ..revocation(target())
    };
    let grants = vec![given(COMMUNE, 101, 7, of_police(101))];
    let both = vec![
        given(PROVINCE, 1, 8, narrow),
        given(COMMUNE, 101, 9, revocation(target())),
    ];
    let authority = with(grants, both);
    assert!(judged(&authority, POLICE, BEFORE).is_ok());
    assert_eq!(judged(&authority, POLICE, AFTER), Err(Void::Revoked));
}

#[test]
fn whom_a_revoked_node_certified_goes_with_it_unless_named() {
    let stays = Revocation {
        certified: vec![node(COMMUNE)],
        said: vec![RecordHash([7; 32])],
        ..revocation(Target::Node(node(DISTRICT)))
    };
    let grants = || vec![given(DISTRICT, 101, 7, of_police(101))];
    let gone = Revocation {
        certified: Vec::new(),
        ..stays.clone()
    };
    let unsaid = Revocation {
        said: Vec::new(),
        ..stays.clone()
    };
    let judge =
        |cut: Revocation, by| judged(&with(grants(), vec![given(PROVINCE, 1, 9, cut)]), by, AFTER);
    for by in [COMMUNE, POLICE] {
        assert!(judge(stays.clone(), by).is_ok());
        assert_eq!(judge(gone.clone(), by), Err(Void::Revoked));
    }
    // What it granted is gone with it, unless it was named.
    assert!(judge(unsaid.clone(), COMMUNE).is_ok());
    assert_eq!(judge(unsaid, POLICE), Err(Void::NoGrant));
    assert_eq!(judge(stays.clone(), DISTRICT), Err(Void::Revoked));
    let world = World::new();
    let authority = with(grants(), vec![given(PROVINCE, 1, 9, stays)]);
    let bar = |by| authority.bar(&world, &world.lines[&node(by)]).is_some();
    assert!(bar(DISTRICT) && bar(NEIGHBOUR) && bar(DISTRICT_POLICE));
    assert!(!bar(COMMUNE) && !bar(POLICE) && !bar(PROVINCE));
}

#[test]
fn a_revoked_node_revokes_nobody_any_more() {
    let by_district = given(DISTRICT, 10, 8, revocation(Target::Node(node(COMMUNE))));
    let by_province = |said| {
        let cut = Revocation {
            certified: vec![node(COMMUNE)],
            said,
            ..revocation(Target::Node(node(DISTRICT)))
        };
        given(PROVINCE, 1, 9, cut)
    };
    let judge = |revocations| judged(&with(vec![], revocations), COMMUNE, AFTER);
    assert_eq!(judge(vec![by_district.clone()]), Err(Void::Revoked));
    assert_eq!(
        judge(vec![by_district.clone(), by_province(vec![])]),
        Ok(None)
    );
    let named = by_province(vec![RecordHash([8; 32])]);
    assert_eq!(judge(vec![by_district, named]), Err(Void::Revoked));
}

/// A record of a few that anybody may have signed.
fn any_record() -> impl Strategy<Value = (bool, Given<Grant>, Given<Revocation>)> {
    let author = 1u8..=8;
    let target = prop_oneof![
        (1u8..=8).prop_map(|name| Target::Node(node(name))),
        (0u8..40).prop_map(|name| Target::Grant(RecordHash([name; 32]))),
        (2u8..=8).prop_map(|name| Target::Account(node(name), "lan".to_owned())),
    ];
    let code = prop::sample::select(vec![1u16, 10, 20, 101, 102, 201]);
    let lists = (
        prop::collection::btree_set(1u8..=8, 0..3),
        prop::collection::btree_set(0u8..40, 0..3),
    );
    (
        any::<bool>(),
        author,
        0u8..40,
        code.clone(),
        code,
        target,
        lists,
    )
        .prop_map(
            |(is_grant, by, name, of, holder, target, (certified, said))| {
                let cut = Revocation {
                    certified: certified.into_iter().map(node).collect(),
                    said: said
                        .into_iter()
                        .map(|name| RecordHash([name; 32]))
                        .collect(),
                    ..revocation(target)
                };
                (
                    is_grant,
                    given(by, of, name, of_police(holder)),
                    given(by, of, name, cut),
                )
            },
        )
}

proptest! {
    /// Whatever is signed by whomever, the order in which it comes never shows, and asking ends.
    #[test]
    fn the_order_of_arrival_never_shows(
        records in prop::collection::vec(any_record(), 0..12),
        order in any::<prop::sample::Index>(),
    ) {
        let learn = |records: &[(bool, Given<Grant>, Given<Revocation>)]| {
            let mut authority = Authority::default();
            for (is_grant, grant, cut) in records {
                if *is_grant {
                    authority.grant(grant.clone());
                } else {
                    authority.revoke(cut.clone());
                }
            }
            authority
        };
        // One name is one record.
        let mut names = BTreeSet::new();
        let mut records = records;
        records.retain(|(_, grant, _)| names.insert(grant.hash));
        let one = learn(&records);
        let turn = if records.is_empty() { 0 } else { order.index(records.len()) };
        records.rotate_left(turn);
        records.reverse();
        let other = learn(&records);
        for by in 1..=8 {
            for code in [1, 10, 101, 102, 201] {
                for change in [BEFORE, AFTER] {
                    let judged = judged_in(&one, by, code, change);
                    prop_assert_eq!(judged, judged_in(&other, by, code, change));
                    // A main node's place is not for others to take but those above it.
                    prop_assert!(by != PROVINCE || judged == Ok(None));
                }
            }
        }
    }
}

/// Whether an office may read the lines II.1 (its own by the form) and II.2 (another's), which stand together in a
/// report of a unit.
fn reads(authority: &Authority, (home, office): (u16, &str), code: u16, own: bool) -> bool {
    let (home, office) = (unit(home), office.parse().unwrap());
    let (of, form, period) = (
        unit(code),
        "quick".parse().unwrap(),
        "2026-H1".parse().unwrap(),
    );
    let subject = Subject {
        doc: DOC,
        unit: &of,
        form: &form,
        period: &period,
    };
    let (one, other) = ("II.1".parse().unwrap(), "II.2".parse().unwrap());
    let lines = [(&one, own), (&other, false)];
    authority.may_read(&World::new(), (&home, &office), &subject, &lines)
}

#[test]
fn who_may_write_a_private_line_reads_it_and_with_it_those_beside_it() {
    let mut authority = Authority::default();
    assert!(
        !reads(&authority, (101, "police"), 101, true),
        "no grant yet"
    );
    authority.grant(given(COMMUNE, 101, 1, of_police(101)));
    assert!(reads(&authority, (101, "police"), 101, true));
    assert!(
        !reads(&authority, (101, "police"), 101, false),
        "none of them is its own"
    );
    assert!(
        !reads(&authority, (101, "health"), 101, true),
        "nor another office"
    );
    assert!(
        !reads(&authority, (101, "police"), 102, true),
        "nor another unit's"
    );
    // A grant for the reports below is one to write there: nothing of them comes to an office above.
    let below = Grant {
        below: true,
        ..of_police(10)
    };
    authority.grant(given(DISTRICT, 10, 2, below));
    assert!(!reads(&authority, (10, "police"), 101, true));
}

#[test]
fn a_right_to_read_is_no_right_to_write_and_ends_when_it_is_taken_back() {
    let reading = |reads| Grant {
        lines: Reach::Nothing,
        reads,
        ..of_police(101)
    };
    let only = |code: &str| Reach::Only(vec![code.parse().unwrap()]);
    for (reach, may) in [
        (Reach::Nothing, false),
        (only("II.2"), true),
        (only("II.3"), false),
        (Reach::All, true),
    ] {
        let mut authority = Authority::default();
        authority.grant(given(COMMUNE, 101, 1, reading(reach)));
        assert_eq!(reads(&authority, (101, "police"), 101, true), may);
        assert_eq!(judged(&authority, POLICE, BEFORE), Err(Void::NoGrant));
    }
    let mut authority = Authority::default();
    authority.grant(given(COMMUNE, 101, 1, reading(Reach::All)));
    let holder = (unit(101), "police".parse().unwrap());
    let standing = |authority: &Authority| authority.standing(&World::new(), &holder).count();
    assert_eq!(standing(&authority), 1);
    // What stands of a revoked grant are changes, and reading is none.
    authority.revoke(given(
        COMMUNE,
        101,
        2,
        revocation(Target::Grant(RecordHash([1; 32]))),
    ));
    assert!(!reads(&authority, (101, "police"), 101, true));
    assert_eq!(standing(&authority), 0);
    // Nor does one count that was not its giver's to give.
    let mut authority = Authority::default();
    authority.grant(given(NEIGHBOUR, 101, 1, reading(Reach::All)));
    assert!(!reads(&authority, (101, "police"), 101, true));
}
