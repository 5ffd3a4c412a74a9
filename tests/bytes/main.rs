//! What reports weigh on a link. The figures are exact, so a bound that is passed here is passed
//! everywhere; `scripts/bench` weighs the same at full size.

use hopluu_doc::unpack;
use hopluu_tests::lab::documents::Document;
use hopluu_tests::lab::weights::{
    Apart, bundles, packets, raw_changes, saved_alone, saves, streamed,
};

/// What the link compresses with, and the most that zstd can.
const LEVELS: [i32; 2] = [9, 19];

#[test]
fn a_first_sync_is_smaller_than_saved_documents() {
    let documents: Vec<_> = (0..20).map(Document::new).collect();
    assert_eq!(documents[0].changes.len(), 19);
    let alone = saved_alone(&documents);
    let packed = packets(documents.iter().map(|one| one.changes.as_slice()));
    for packet in &packed {
        assert!(unpack(packet).is_ok());
        assert_eq!(packet[0], 1, "nothing travels raw");
    }
    for level in LEVELS {
        let bytes = streamed(&packed, level);
        println!(
            "level {level}: {} packets, {bytes} of {alone}",
            packed.len()
        );
        assert!(
            bytes * 100 <= alone * 47,
            "{bytes} of {alone} at level {level}"
        );
    }
}

#[test]
fn what_two_sides_wrote_apart_is_a_fraction_of_raw_sync() {
    let apart: Vec<_> = (0..4)
        .map(|number| Apart::new(&Document::new(number), 200))
        .collect();
    let raw: usize = apart.iter().map(Apart::raw_sync).sum();
    for level in LEVELS {
        let ways = [0, 1].map(|side| {
            let packed = packets(apart.iter().map(|one| one.side(side)));
            streamed(&packed, level)
        });
        let bundles = [0, 1].map(|side| {
            let bundles: Vec<_> = apart.iter().map(|one| one.bundle(side)).collect();
            streamed(&bundles, level)
        });
        let bytes: usize = ways.iter().sum();
        println!(
            "level {level}: {bytes} of {raw}; bundles {}",
            bundles.iter().sum::<usize>()
        );
        assert!(bytes * 4 <= raw, "{bytes} of {raw} at level {level}");
    }
}

/// What docs/adr/0012 sets side by side.
#[test]
fn whatever_else_was_tried_is_larger() {
    let documents: Vec<_> = (0..20).map(Document::new).collect();
    let histories = documents.iter().map(|one| one.changes.as_slice());
    let packed = packets(histories);
    let others = [
        ("raw changes and seals", raw_changes(&documents)),
        ("uncompressed saves", saves(&documents)),
        ("bundles", bundles(&documents)),
    ];
    for level in LEVELS {
        let bytes = streamed(&packed, level);
        for (name, other) in &others {
            let other = streamed(other, level);
            println!("level {level}: packets {bytes}, {name} {other}");
            assert!(bytes < other, "{name}");
        }
    }
}
