//! What the store promises, shown from outside: one suite over every medium, then the disk's
//! faults one by one.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "the suite's checks are tests, but not functions that clippy knows as such"
)]

mod backup;
mod conformance;
mod crash;
mod damage;
mod encrypted;
mod full_disk;
mod homes;
mod sample;
mod scale;
mod schema;
mod writer;
