//! The worst 20 KB of every kind: each gets its answer, and takes no more memory than a small node has.

use hopluu_tests::crafted::{Host, INPUT_BYTES_MAX, MEMORY_MAX, all};

#[test]
fn the_worst_inputs_are_answered_within_memory() {
    let mut host = Host::new();
    let mut wrong = Vec::new();
    for crafted in all(&host) {
        let name = crafted.name;
        assert!(
            crafted.bytes() <= INPUT_BYTES_MAX + 512,
            "{name}: {}",
            crafted.bytes()
        );
        let outcome = host.take(&crafted);
        println!("{name}: {} bytes, {outcome:?}", crafted.bytes());
        if outcome.answer != crafted.answer || outcome.memory > MEMORY_MAX {
            wrong.push(format!("{name}: {outcome:?} and not {:?}", crafted.answer));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
