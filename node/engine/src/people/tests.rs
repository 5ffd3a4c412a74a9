//! What a clock, a crash or a thousand guesses do to who is let in.

use hopluu_model::{DocId, OfficeId, Timestamp};
use hopluu_store::{AccountRow, DbError, Failures, SessionRow, Store};
use hopluu_sync::Steady;
use hopluu_trust::{Reason, Revocation, Role, Roles, Target};

use super::accounts::put_changed;
use super::login::{Counted, count_guess};
use super::{Acting, Asker, PeopleError, digest_of};
use crate::error::CommandError;
use crate::limits::{GUESS_WAIT_MAX_MS, GUESSES_FREE, SESSION_MS};
use crate::testing::alone::{Node, store};
use crate::view::AccountChange;

const NOW: Timestamp = Timestamp(1_718_427_600_000);

fn later(ms: i64) -> Timestamp {
    Timestamp(NOW.0 + ms)
}

fn lan() -> AccountRow {
    AccountRow {
        name: "lan".to_owned(),
        sealed: vec![1; 65],
        public: [9; 32],
        roles: Roles::from_iter([Role::Editor]).bits(),
        office: Some("police".to_owned()),
        is_closed: false,
        failures: Failures {
            count: 0,
            last_at: Timestamp(0),
        },
    }
}

fn guess(store: &Store, account: &'static str, now: Timestamp) -> Counted {
    let counted = store.write(move |tx| count_guess(tx, account, now));
    counted.expect("memory has room")
}

fn is_tried(store: &Store, now: Timestamp) -> bool {
    matches!(guess(store, "lan", now), Counted::At(Some(_)))
}

fn put(store: &Store, row: AccountRow) {
    store
        .write(move |tx| tx.put_account(&row))
        .expect("memory has room");
}

#[test]
fn of_a_thousand_guesses_a_handful_is_tried() {
    let store = store();
    put(&store, lan());
    // One each second: five at once, then after 30, 60, 120, 240 and 480 seconds.
    let seconds = 0..1_000;
    let tried = seconds.filter(|second| is_tried(&store, later(second * 1_000)));
    let tried: Vec<i64> = tried.collect();
    assert_eq!(tried, [0, 1, 2, 3, 4, 34, 94, 214, 454, 934]);
    let row = store.read().unwrap().account("lan").unwrap().unwrap();
    assert_eq!(row.failures.count, GUESSES_FREE + 5, "and each is on disk");
    // Nobody's name takes as long as anybody's and is never locked.
    for _ in 0..1_000 {
        assert!(matches!(guess(&store, "nobody", NOW), Counted::At(None)));
    }
}

#[test]
fn a_clock_that_was_wrong_makes_nobody_wait_for_ever() {
    let store = store();
    let mut row = lan();
    row.failures = Failures {
        count: GUESSES_FREE + 60,
        last_at: Timestamp(4_000_000_000_000),
    };
    put(&store, row);
    assert!(!is_tried(&store, NOW), "the wait begins now");
    assert!(!is_tried(&store, later(GUESS_WAIT_MAX_MS - 1)));
    assert!(is_tried(&store, later(GUESS_WAIT_MAX_MS)));
}

fn refusal(error: CommandError) -> PeopleError {
    match error {
        CommandError::People(error) => error,
        other => panic!("{other}"),
    }
}

/// A node at which somebody is logged in with a token.
fn logged_in() -> Node {
    let mut node = Node::new();
    node.turn(Steady(0), |core, _| {
        assert_eq!(
            core.who_asks(Asker::of(None), NOW).unwrap(),
            None,
            "nobody has to"
        );
        let session = SessionRow {
            digest: digest_of("token"),
            account: "lan".to_owned(),
            since: NOW,
            until: later(SESSION_MS),
        };
        let open = move |tx: &mut hopluu_store::WriteTx<'_>| -> Result<(), DbError> {
            tx.put_account(&lan())?;
            tx.put_session(&session, 8)
        };
        core.submit(open, |_, _, done| done.expect("memory has room"));
    });
    node
}

#[test]
fn a_session_is_good_from_its_beginning_to_its_end_and_for_its_token_alone() {
    let node = logged_in();
    let asks = |token, now| node.core.who_asks(Asker::of(token), now);
    let acting = asks(Some("token"), NOW).unwrap().expect("somebody");
    assert_eq!(acting.account.as_str(), "lan");
    assert!(asks(Some("token"), later(SESSION_MS - 1)).is_ok());
    let refused = |token, now| refusal(asks(token, now).unwrap_err());
    assert_eq!(refused(None, NOW), PeopleError::LoginNeeded);
    let ended = PeopleError::SessionEnded;
    assert_eq!(refused(Some("token"), later(SESSION_MS)), ended, "expired");
    assert_eq!(
        refused(Some("token"), later(-1)),
        ended,
        "of a clock to come"
    );
    assert_eq!(refused(Some("other"), NOW), ended);
    assert_eq!(refused(Some(""), NOW), ended);
}

#[test]
fn nobody_works_on_with_an_account_that_was_closed_or_revoked() {
    let mut node = logged_in();
    node.turn(Steady(0), |core, turn| {
        let revocation = Revocation {
            target: Target::Account(core.me().node, "lan".to_owned()),
            reason: Reason::Left,
            stands: std::collections::BTreeMap::new(),
            certified: Vec::new(),
            said: Vec::new(),
        };
        let record = revocation.sign(core.signer(), core.me().unit.clone());
        let record = record.expect("a small record");
        core.put_own(turn.now, vec![record], Box::new(|done| done.unwrap()));
    });
    let why = refusal(
        node.core
            .who_asks(Asker::of(Some("token")), NOW)
            .unwrap_err(),
    );
    assert!(
        matches!(&why, PeopleError::Revoked { reason, .. } if reason == "left"),
        "{why}"
    );
    let mut node = logged_in();
    node.turn(Steady(0), |core, _| {
        let mut closed = lan();
        closed.is_closed = true;
        core.submit(
            move |tx| tx.put_account(&closed),
            |_, _, done| done.expect("memory has room"),
        );
    });
    let why = refusal(
        node.core
            .who_asks(Asker::of(Some("token")), NOW)
            .unwrap_err(),
    );
    assert_eq!(why, PeopleError::SessionEnded);
}

#[test]
fn whoever_asks_is_forgotten_with_the_request_and_bound_to_an_office() {
    let mut node = logged_in();
    let acting = node.core.who_asks(Asker::of(Some("token")), NOW).unwrap();
    node.turn(Steady(0), |core, _| {
        assert_eq!(core.author().account, "");
        let first = core.actor(DocId([1; 16]));
        core.acting = acting.map(std::sync::Arc::new);
        assert_eq!(core.author().account, "lan");
        assert_eq!(core.own_office().map(OfficeId::as_str), Some("police"));
        let own = core.actor(DocId([1; 16]));
        assert_ne!(own, first, "each person has actors of their own");
        assert_eq!(core.actor(DocId([1; 16])), own);
        core.acting = Some(std::sync::Arc::new(Acting {
            roles: Roles::from_iter([Role::Consolidator]),
            ..core.acting.as_deref().cloned().expect("somebody")
        }));
        assert_eq!(core.own_office(), None, "who puts parts together has all");
        core.acting = None;
        assert_eq!(core.actor(DocId([1; 16])), first);
    });
}

#[test]
fn an_administrator_who_was_revoked_is_not_the_one_who_stays() {
    let store = store();
    let admin = |name: &str| AccountRow {
        name: name.to_owned(),
        roles: Roles::from_iter([Role::Administrator]).bits(),
        ..lan()
    };
    for row in [admin("lan"), admin("minh")] {
        put(&store, row);
    }
    let close = |revoked: &[&str]| {
        let change = AccountChange {
            account: "lan".to_owned(),
            roles: None,
            office: None,
            closed: Some(true),
        };
        let revoked = revoked.iter().map(|name| (*name).to_owned()).collect();
        let put = store.write(move |tx| put_changed(tx, &change, None, &revoked));
        put.expect("memory has room").map(|row| row.is_closed)
    };
    assert_eq!(close(&["minh"]), Err(PeopleError::NoAdministrator));
    assert_eq!(close(&[]), Ok(true));
}

/// A table of accounts in which Lan's was proved, and what became of it while that was going on.
fn proved_and_then(change: impl FnOnce(&mut AccountRow)) -> (Node, AccountRow) {
    let mut node = logged_in();
    let proved = lan();
    let mut now = lan();
    change(&mut now);
    node.turn(Steady(0), move |core, _| {
        core.submit(
            move |tx| tx.put_account(&now),
            |_, _, done| done.expect("memory has room"),
        );
    });
    (node, proved)
}

fn account(node: &Node) -> AccountRow {
    let read = node.core.read().expect("memory can be read");
    read.account("lan").unwrap().expect("it is there")
}

/// What comes of a login, or of a new passphrase, that took its time.
fn finish(node: &mut Node, proved: &AccountRow, is_renewal: bool) -> Result<(), CommandError> {
    let (tx, rx) = std::sync::mpsc::channel();
    let proved = proved.clone();
    node.turn(Steady(0), move |core, turn| {
        if is_renewal {
            let renewed = AccountRow {
                sealed: vec![2; 65],
                roles: 0,
                ..proved.clone()
            };
            let reply = Box::new(move |done: Result<_, _>| tx.send(done.map(|_| ())).unwrap());
            core.renew_key(turn, renewed, Some(proved), reply);
        } else {
            let reply = Box::new(move |done: Result<_, _>| tx.send(done.map(|_| ())).unwrap());
            core.begin_session(turn, proved, reply);
        }
    });
    rx.recv().expect("an answer")
}

#[test]
fn what_was_proved_of_an_account_is_asked_again_where_it_is_used() {
    for is_renewal in [false, true] {
        let changes: [fn(&mut AccountRow); 2] =
            [|row| row.is_closed = true, |row| row.sealed = vec![3; 65]];
        for change in changes {
            let (mut node, proved) = proved_and_then(change);
            let before = account(&node);
            let refused = refusal(finish(&mut node, &proved, is_renewal).unwrap_err());
            assert_eq!(refused, PeopleError::LoginRefused);
            assert_eq!(account(&node), before, "nothing is undone");
        }
        // A role that was taken meanwhile stays taken, and keeps nobody from their own passphrase.
        let reader = Roles::from_iter([Role::Reader]).bits();
        let (mut node, proved) = proved_and_then(|row| row.roles = reader);
        finish(&mut node, &proved, is_renewal).expect("the passphrase is right");
        assert_eq!(account(&node).roles, reader);
        assert_eq!(account(&node).sealed == proved.sealed, !is_renewal);
    }
}
