//! The suite that every medium passes.

use hopluu_store::{DbError, Medium, OpenOptions, Store};

use crate::sample::{EPOCH, encryption};

mod audit;
mod documents;
mod files;
mod journal;
mod peers;
mod people;
mod voids;
mod writes;

fn on_file(check: fn(&Store)) {
    on_disk(check, &OpenOptions::create(EPOCH));
}

fn encrypted(check: fn(&Store)) {
    on_disk(
        check,
        &OpenOptions::create(EPOCH).encrypted(Some(encryption(1))),
    );
}

fn on_disk(check: fn(&Store), options: &OpenOptions) {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join(hopluu_store::FILE_NAME);
    let store = Store::open(&path, options).expect("a new store");
    check(&store);
    holds_together(&store);
    store.close().expect("a clean close");
}

fn on_manual_file(check: fn(&Store)) {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join(hopluu_store::FILE_NAME);
    let options = OpenOptions::create(EPOCH);
    let store = Store::open_manual(&Medium::File(path), &options).expect("a new store");
    check(&store);
    holds_together(&store);
}

fn in_memory(check: fn(&Store)) {
    let options = OpenOptions::create(EPOCH);
    let store = Store::open_manual(&Medium::Memory, &options).expect("a new store");
    check(&store);
    holds_together(&store);
}

/// Whatever a test did through the front door, no rule between the tables is broken.
fn holds_together(store: &Store) {
    let read = match store.read() {
        Err(DbError::Closed) => return,
        read => read.expect("a reader"),
    };
    let findings = read.check().expect("a check");
    let expected_without_facts =
        |found: &hopluu_store::Finding| found.found != hopluu_store::Found::FactsMissing;
    let findings: Vec<_> = findings
        .into_iter()
        .filter(expected_without_facts)
        .collect();
    assert_eq!(findings, []);
}

macro_rules! conformance {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod file { $( #[test] fn $name() { super::on_file(super::$module::$name); } )* }
        mod manual_file { $( #[test] fn $name() { super::on_manual_file(super::$module::$name); } )* }
        mod encrypted_file { $( #[test] fn $name() { super::encrypted(super::$module::$name); } )* }
        mod memory { $( #[test] fn $name() { super::in_memory(super::$module::$name); } )* }
    };
}

conformance! {
    audit::who_brought_a_change_and_when_is_remembered,
    audit::reads_of_private_lines_are_one_row_a_day_and_bounded,
    audit::refusals_are_counted_by_whom_and_why_and_bounded,
    audit::what_was_published_is_noted_once_and_only_by_whoever_knows_all_of_it,
    documents::a_new_store_is_empty_and_has_its_epoch,
    documents::a_document_is_known_once,
    documents::heads_follow_the_changes,
    documents::a_known_change_is_not_written_again,
    documents::a_change_without_its_dependency_is_refused,
    documents::an_actor_neither_skips_nor_repeats,
    documents::changes_come_in_the_order_of_acceptance,
    documents::changes_are_listed_without_their_bodies,
    documents::a_snapshot_replaces_the_older,
    documents::a_large_snapshot_is_packed_and_comes_back,
    documents::facts_stream_by_form_and_period,
    documents::a_later_minor_version_renews_what_is_implied,
    documents::oversized_bodies_are_refused,
    files::pieces_are_the_map_of_what_is_here,
    files::nothing_is_kept_that_no_document_names,
    files::a_file_goes_only_when_nobody_names_it_and_room_is_wanted,
    journal::numbers_have_no_gaps,
    journal::entries_come_with_their_objects,
    journal::batches_keep_their_bounds,
    journal::a_superseded_receipt_reads_as_nothing,
    journal::receipts_before_their_document_come_anew_with_it,
    journal::an_earlier_receipt_is_stale,
    journal::items_list_every_object_once,
    people::an_account_is_written_over_and_keeps_its_sessions,
    people::sessions_end_one_by_one_and_together,
    peers::checkpoints_keep_both_sides,
    peers::parked_changes_are_bounded_per_peer,
    peers::a_ticket_is_used_once,
    peers::a_record_is_written_once,
    peers::attachments_belong_to_a_document,
    peers::settings_come_and_go,
    peers::lists_for_a_start_are_whole,
    voids::what_is_void_is_said_by_change_and_said_anew,
    voids::what_is_to_be_judged_is_asked_for_until_it_is,
    writes::a_refused_job_leaves_nothing,
    writes::a_panicking_job_leaves_nothing_and_stops_nobody,
    writes::a_job_sees_what_it_wrote,
    writes::a_unit_of_an_undone_job_is_forgotten,
    writes::a_closed_store_says_so,
}
