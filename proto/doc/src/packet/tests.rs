//! Packets there and back, and hostile ones.

use std::time::Duration;

use expect_test::expect_file;
use hopluu_model::{ActorId, ChangeHash};
use hopluu_trust::{Seal, Signer};
use proptest::prelude::*;

use super::columns::{Columns, write_signed};
use super::vouch::{Link, vouchers};
use super::*;
use crate::edit::{Edit, SavedChange};
use crate::leb128::write_unsigned;
use crate::lifecycle::LifecycleEvent;
use crate::limits::{PACKET_CHANGES_MAX, SCAN_LIMITS};
use crate::report::Report;
use crate::testing::{ctx, form, hex, key, report, set, text, timed};

fn sealed(saved: &SavedChange) -> (Vec<u8>, Vec<u8>) {
    let signer = Signer::from_seed(&[saved.scanned.actor.0[0]; 32]);
    let actors = vec![saved.scanned.actor];
    let seal = Seal::sign(&signer, key().id(), actors, saved.hash, String::new()).unwrap();
    (seal.to_wire(), saved.bytes.clone())
}

fn members(stored: &[(Vec<u8>, Vec<u8>)]) -> Vec<Member<'_>> {
    let member = |(seal, change)| Member { seal, change };
    stored
        .iter()
        .map(|(seal, change)| member((seal.as_slice(), change.as_slice())))
        .collect()
}

fn save(report: &mut Report, actor: u8, edits: &[Edit]) -> (Vec<u8>, Vec<u8>) {
    sealed(&report.save(&ctx(actor), edits).unwrap().unwrap())
}

/// Two offices that write everything a report can hold, apart and together.
fn history() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut police = report();
    let note = Edit::SetNote {
        key: "I.1".parse().unwrap(),
        text: "theo sổ".to_owned(),
    };
    let mut stored = vec![
        save(&mut police, 1, &[Edit::Event(LifecycleEvent::Opened)]),
        save(&mut police, 1, &[set("I.1", "5"), set("I.2", "70"), note]),
        save(
            &mut police,
            1,
            &[text("situation", "police", "Tình hình ổn định. Đã ký.")],
        ),
    ];
    let mut health = police.clone();
    let apart = save(
        &mut health,
        2,
        &[
            set("I.1", "6"),
            text("situation", "police", "Tình hình đã ổn định."),
        ],
    );
    stored.push(save(&mut police, 1, &[set("I.1", "7"), set("I.3", "1")]));
    let other = unpack(&members(std::slice::from_ref(&apart))[0].raw()).unwrap();
    police.apply([&other[0].change]).unwrap();
    stored.push(apart);
    stored.push(save(&mut police, 1, &[set("I.1", "8"), set("I.1", "9")]));
    stored
}

fn check_whole(stored: &[(Vec<u8>, Vec<u8>)]) -> Vec<Unpacked> {
    let packet = pack(&members(stored));
    assert_eq!(packet[0], COLUMNS);
    let unpacked = unpack(&packet).unwrap();
    assert_eq!(unpacked.len(), stored.len());
    for (one, (_, change)) in unpacked.iter().zip(stored) {
        assert_eq!(one.change.bytes, *change, "byte for byte");
    }
    unpacked
}

#[test]
fn every_kind_of_edit_comes_out_as_it_went_in_and_one_seal_an_actor_with_it() {
    let stored = history();
    let unpacked = check_whole(&stored);
    let seals: Vec<_> = unpacked.iter().map(|one| !one.seal.is_empty()).collect();
    assert_eq!(seals, [false, false, false, false, true, true]);
    let vouchers: Vec<_> = unpacked.iter().filter_map(|one| one.voucher).collect();
    assert_eq!(vouchers, [5, 5, 5, 5, 4, 5]);
    for at in [4, 5] {
        assert_eq!(unpacked[at].seal, stored[at].0);
        let head = unpacked[at].change.hash;
        let seal = Seal::from_wire(&unpacked[at].seal, key().id(), head).unwrap();
        seal.verify().unwrap();
    }
}

/// What came without seals is packed again for the next node, as long as what vouches comes along.
#[test]
fn a_packet_is_passed_on_and_is_cut_only_where_all_is_vouched_for() {
    let unpacked = check_whole(&history());
    let stored: Vec<_> = unpacked
        .iter()
        .map(|one| (one.seal.clone(), one.change.bytes.clone()))
        .collect();
    assert_eq!(pack(&members(&stored)), pack(&members(&history())));
    let actors = unpacked.iter().map(|one| one.change.actor);
    let actored = |stored| actors.clone().zip(members(stored)).collect::<Vec<_>>();
    assert_eq!(pack_within(&actored(&stored), 1).len(), 1);
    let whole = history();
    let places: Vec<_> = pack_within(&actored(&whole), 1)
        .into_iter()
        .map(|(at, _)| at)
        .collect();
    assert_eq!(places, [0, 1, 2, 3, 4, 5], "each has a seal of its own");
    assert_eq!(pack_within(&actored(&whole), 1 << 20).len(), 1);
}

#[test]
fn a_seal_vouches_for_its_own_actor_s_changes_that_it_builds_upon() {
    let hash = |n| ChangeHash([n; 32]);
    let (mine, other) = (ActorId([1; 8]), ActorId([2; 8]));
    let deps = [vec![hash(9)], vec![hash(9)], vec![hash(0)], vec![hash(2)]];
    let link = |n: u8, actor| Link {
        hash: hash(n),
        actor,
        deps: &deps[usize::from(n)],
    };
    // The last builds upon 0 and 2, not upon 1, and 2 is another's.
    let links = [link(0, mine), link(1, mine), link(2, other), link(3, mine)];
    assert_eq!(
        vouchers(&links, |at| at == 3),
        [Some(3), None, None, Some(3)]
    );
    assert_eq!(vouchers(&links, |_| false), [None; 4]);
}

#[test]
fn what_is_no_edit_of_a_report_travels_raw() {
    let mut later = Report::create(key(), &form(1)).unwrap();
    let saved = later
        .save(&ctx(1), &[text("later", "health", "thêm")])
        .unwrap()
        .unwrap();
    let declared = Member {
        seal: &[],
        change: &saved.derived[0].bytes,
    };
    let (seal, change) = sealed(&saved);
    let packet = pack(&[
        declared,
        Member {
            seal: &seal,
            change: &change,
        },
    ]);
    assert_eq!(packet[0], RAW);
    let unpacked = unpack(&packet).unwrap();
    assert_eq!(unpacked[1].change.hash, saved.hash);
    assert_eq!((unpacked[0].voucher, unpacked[1].voucher), (None, Some(1)));
}

#[test]
fn a_deflated_change_comes_alone_or_in_columns() {
    let mut report = report();
    let words = "Công tác phòng, chống trên địa bàn được triển khai đồng bộ. ".repeat(20);
    let long = save(&mut report, 1, &[text("situation", "police", &words)]);
    let short = save(&mut report, 1, &[set("I.1", "5")]);
    assert_eq!(long.1[8], 2, "Automerge has deflated it");
    check_whole(&[long.clone(), short.clone()]);
    let both = [long, short];
    let both = members(&both);
    assert!(unpack(&both[0].raw()).is_ok());
    assert_eq!(
        unpack(&raw(&both)),
        Err(PacketError::Damaged("a deflated change among others"))
    );
    assert_eq!(
        unpack(&raw(&[both[1], both[1]])),
        Err(PacketError::Damaged("a change twice"))
    );
}

/// One change of one actor, to be bent.
/// However many edits one author pushes: for each chunk of the link a seal, of a hundred bytes with all that names whose it
/// is, and where the number of its change takes two bytes one more.
#[test]
fn a_push_of_many_edits_of_one_author_has_one_small_seal_a_chunk() {
    let mut report = report();
    let stored: Vec<_> = (0..600)
        .map(|number: u32| {
            let line = format!("I.{}", 1 + number % 4);
            save(&mut report, 1, &[set(&line, &(1_000 + number).to_string())])
        })
        .collect();
    let actor = ActorId([1; 8]);
    let listed: Vec<_> = members(&stored)
        .into_iter()
        .map(|one| (actor, one))
        .collect();
    let packets = pack_within(&listed, 16 << 10);
    assert!(packets.len() < 3, "{} packets", packets.len());
    for (_, packet) in &packets {
        assert!(packet.len() <= 16 << 10);
        let sealed = unpack(packet).unwrap();
        assert_eq!(sealed.iter().filter(|one| !one.seal.is_empty()).count(), 1);
        let mut reader = crate::leb128::Reader::new(&packet[1..]);
        reader.count().unwrap();
        let columns = Columns::read(&mut reader).unwrap();
        let mut columns = [columns.seals, columns.sealers, columns.signatures];
        let bytes: usize = columns.iter_mut().map(|column| column.rest().len()).sum();
        assert!(bytes <= 101, "{bytes} bytes");
    }
}

fn crafted(bend: impl FnOnce(&mut Columns<Vec<u8>>)) -> Vec<u8> {
    let mut columns = Columns::<Vec<u8>> {
        first_seqs: vec![1],
        deps: vec![1, 0],
        authors: vec![1],
        start_ops: vec![20],
        times: vec![0],
        messages: vec![0],
        run_counts: vec![1],
        runs: vec![0],
        objects: vec![0, 1],
        keys: vec![0],
        preds: vec![0],
        lengths: vec![1],
        words: b"\x01\x03I.1".to_vec(),
        figures: b"5".to_vec(),
        actors: vec![7; 8],
        hashes: vec![8; 32],
        ..Columns::default()
    };
    bend(&mut columns);
    let mut bytes = vec![COLUMNS, 1];
    columns.write(&mut bytes);
    bytes
}

/// Number of deletions that one run claims.
fn deletes(count: u64) -> Vec<u8> {
    crafted(|columns| {
        columns.runs = vec![2];
        columns.objects = vec![0, 12];
        for column in [
            &mut columns.keys,
            &mut columns.preds,
            &mut columns.lengths,
            &mut columns.figures,
        ] {
            column.clear();
        }
        columns.words = vec![0];
        write_unsigned(&mut columns.counts, count);
        columns.place_actors = vec![2];
        write_signed(&mut columns.places, 1);
        columns.start_ops.clear();
        write_unsigned(&mut columns.start_ops, count + 2);
    })
}

#[test]
fn hostile_packets_are_refused_with_a_reason() {
    let plain = unpack(&crafted(|_| {})).unwrap();
    assert_eq!((plain.len(), plain[0].voucher), (1, None));
    let damaged = |bytes: &[u8]| matches!(unpack(bytes), Err(PacketError::Damaged(_)));
    assert_eq!(unpack(&[]), Err(PacketError::Damaged("nothing in it")));
    assert_eq!(unpack(&[9, 1]), Err(PacketError::UnknownKind(9)));
    // Upon itself, upon a later one, upon a hash that is not listed, upon nothing.
    for deps in [vec![0], vec![1, 1], vec![1, 3], vec![1, 2], vec![]] {
        assert!(damaged(&crafted(|columns| columns.deps = deps)));
    }
    assert!(damaged(&crafted(|columns| columns.authors = vec![2])));
    assert!(damaged(&crafted(|columns| columns.keys = vec![1])));
    assert!(damaged(&crafted(|columns| columns.lengths = vec![2])));
    assert!(damaged(&crafted(|columns| columns.runs = vec![3])));
    assert!(damaged(&crafted(|columns| columns.texts = vec![1])));
    assert!(damaged(&crafted(|columns| columns.figures = vec![0xff])));
    assert!(damaged(&crafted(|columns| columns.actors = vec![7; 16])));
    assert!(damaged(&crafted(|columns| columns.seals = vec![5])));
    assert!(damaged(&crafted(|columns| columns.start_ops = vec![0])));
    let genesis = crafted(|columns| columns.authors = vec![0]);
    assert!(unpack(&genesis).is_err(), "nobody writes as genesis");
    let twice = crafted(|columns| {
        columns.preds = vec![3];
        columns.pred_names = vec![1, 2, 1, 0];
    });
    assert!(damaged(&twice), "Automerge panics on these");
    let mut many = vec![COLUMNS];
    write_unsigned(&mut many, PACKET_CHANGES_MAX as u64 + 1);
    assert!(matches!(unpack(&many), Err(PacketError::TooMany { .. })));
}

#[test]
fn sizes_are_claimed_in_vain() {
    for column in 0..24_u8 {
        let mut bytes = vec![COLUMNS, 1];
        bytes.extend(std::iter::repeat_n(0, usize::from(column)));
        write_unsigned(&mut bytes, u64::MAX >> 1);
        bytes.extend(std::iter::repeat_n(0, 23 - usize::from(column)));
        assert!(
            matches!(unpack(&bytes), Err(PacketError::Damaged(_))),
            "column {column}"
        );
    }
    // The parent is counted with them, as two.
    let most = SCAN_LIMITS.ops_max as u64 - 2;
    let (read, took) = timed(|| unpack(&deletes(most)));
    assert!(read.is_ok());
    // A tenth of this is usual, with optimisation.
    assert!(took < Duration::from_secs(2), "{took:?}");
    for count in [most + 1, 1 << 29, u64::MAX >> 1] {
        assert!(unpack(&deletes(count)).is_err(), "{count}");
    }
}

/// Some KB of a packed stream, for which there must be no room made.
#[test]
fn what_a_few_bytes_say_many_times_is_counted_first() {
    let many = 1_000_000;
    let said = |times: usize, column: &mut Vec<u8>| {
        column.clear();
        write_unsigned(column, times as u64);
    };
    let too_many = |bytes: &[u8], of: &str| {
        let (read, took) = timed(|| unpack(bytes));
        let is_counted = matches!(read, Err(PacketError::TooMany { what, .. }) if what == of);
        assert!(
            is_counted && took < Duration::from_millis(500),
            "{of}: {read:?}"
        );
    };
    let parents = crafted(|columns| {
        said(many, &mut columns.deps);
        columns.deps.extend(vec![0; many]);
    });
    too_many(&parents, "parents");
    let superseded = crafted(|columns| {
        said(many + 1, &mut columns.preds);
        columns.pred_names = [1, 2].repeat(many);
    });
    too_many(&superseded, "operations");
    let keys = crafted(|columns| {
        said(many, &mut columns.words);
        columns.words.extend(vec![0; many]);
    });
    too_many(&keys, "keys");
    too_many(&crafted(|columns| columns.actors = vec![7; many]), "actors");
    let hashes = crafted(|columns| columns.hashes = vec![7; many]);
    too_many(&hashes, "parents elsewhere");
    let value = crafted(|columns| said(many, &mut columns.lengths));
    too_many(&value, "bytes in a value");
    let letters = crafted(|columns| {
        columns.runs = vec![1];
        said(many, &mut columns.counts);
        columns.texts = vec![b'a'; many];
    });
    too_many(&letters, "operations");
    let writes = |count: usize, bytes: usize| {
        crafted(|columns| {
            said(count, &mut columns.run_counts);
            columns.runs = vec![0; count];
            columns.keys = vec![0; count];
            columns.preds = vec![0; count];
            let mut length = Vec::new();
            said(bytes, &mut length);
            columns.lengths = length.repeat(count);
            columns.figures = vec![b'5'; count * bytes];
        })
    };
    too_many(&writes(SCAN_LIMITS.map_writes_max + 1, 1), "writes");
    too_many(&writes(300, 4_096), "bytes in a change");
    let mut raw = vec![RAW];
    write_unsigned(&mut raw, many as u64);
    raw.extend(vec![0; 2 * many]);
    too_many(&raw, "changes");
    for run in [1, 2] {
        let nothing = crafted(|columns| {
            said(many, &mut columns.run_counts);
            columns.runs = vec![run; many];
            columns.counts = vec![0; many];
            columns.place_actors = vec![0; many];
        });
        let refused = Err(PacketError::Damaged("a run of nothing"));
        assert_eq!(unpack(&nothing), refused);
    }
}

/// A run of operations superseded is as short in a change as a single one.
#[test]
fn what_raw_changes_supersede_is_counted_as_what_they_do() {
    let superseding = |count: usize, value: u8| {
        let packet = crafted(|columns| {
            columns.preds.clear();
            write_unsigned(&mut columns.preds, count as u64 + 1);
            columns.pred_names = [1, 2].repeat(count);
            columns.start_ops = vec![0xa0, 0x8d, 0x06];
            columns.figures = vec![value];
        });
        unpack(&packet).unwrap().remove(0).change
    };
    let one = superseding(60_000, b'5');
    assert_eq!(one.work(), 60_000);
    assert!(one.bytes.len() < 200, "{}", one.bytes.len());
    let other = superseding(60_000, b'6');
    let member = |change| Member { seal: &[], change };
    let both = raw(&[member(&one.bytes), member(&other.bytes)]);
    let refused = unpack(&both);
    assert!(matches!(
        refused,
        Err(PacketError::Change(_) | PacketError::TooMany { .. })
    ));
    assert_eq!(claimed_ops(&both), 120_000);
}

#[test]
fn what_cannot_be_read_is_charged_by_what_it_claims() {
    let stored = history();
    let some = raw(&members(&stored[..2]));
    let unpacked = unpack(&some).unwrap();
    let ops = unpacked.iter().map(|one| {
        let change = &one.change;
        change.max_op - change.start_op + 1
    });
    assert_eq!(claimed_ops(&some), ops.sum::<u64>());
    let damaged = crafted(|columns| columns.deps = vec![0]);
    assert_eq!(claimed_ops(&damaged), SCAN_LIMITS.ops_max as u64);
    let no_list = [RAW, 0xff];
    assert_eq!(claimed_ops(&no_list), SCAN_LIMITS.ops_max as u64);
    // A damaged disk, and a later version.
    let rotten = Member {
        seal: &[],
        change: &[7; 90],
    };
    for honest in [&rotten.raw()[..], &[], &[9, 1]] {
        assert_eq!(claimed_ops(honest), 0);
    }
}

#[test]
fn golden_bytes() {
    let stored = history();
    let packet = pack(&members(&stored));
    let mut lines = format!("{}  # columns\n", hex(&packet[..1]));
    lines.push_str(&format!("{}  # changes\n", hex(&packet[1..2])));
    let mut reader = crate::leb128::Reader::new(&packet[2..]);
    for (name, bytes) in Columns::read(&mut reader).unwrap().named() {
        lines.push_str(&format!("{}  # {name}\n", hex(bytes)));
    }
    expect_file!["../../../../tests/wire/packet-1.hex"].assert_eq(&lines);
}

fn saves() -> impl Strategy<Value = Vec<(u8, Vec<Edit>)>> {
    let edit = prop_oneof![
        3 => (1u8..5, 0u16..300).prop_map(|(line, value)| set(&format!("I.{line}"), &value.to_string())),
        1 => "[a-zđệ \n]{0,30}".prop_map(|words| text("situation", "police", &words)),
        1 => Just(Edit::Event(LifecycleEvent::Checked)),
    ];
    prop::collection::vec((1u8..4, prop::collection::vec(edit, 1..4)), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_saved_comes_out_byte_for_byte(saves in saves()) {
        let mut report = report();
        let mut stored = Vec::new();
        for (actor, edits) in saves {
            stored.extend(report.save(&ctx(actor), &edits).unwrap().map(|saved| sealed(&saved)));
        }
        prop_assume!(!stored.is_empty());
        check_whole(&stored);
    }

    #[test]
    fn damage_never_panics(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.2, any::<usize>()),
    ) {
        let mut bytes = PACKET.with(Clone::clone);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % bytes.len());
        }
        let _ = unpack(&bytes);
    }
}

thread_local! {
    static PACKET: Vec<u8> = pack(&members(&history()));
}
