//! The program as people run it: real processes, real links over QUIC on this machine, real kills.
//!
//! ```text
//! audit      who set what, proved elsewhere; who read what is private; what was refused
//! promises   what the README and docs/cli.md promise, one test each
//! at_rest    a disk that somebody else has, files that others could read or lead astray
//! bad_input  what is refused: by which code, in which words, and that nothing changed
//! compartments  what an office must not read, and never gets
//! damage     a page of the database that is broken, a disk that is full
//! hand       what is carried on sticks and paper
//! hostile    a certified peer that breaks every rule
//! hostile_demo what `hopluu demo --hostile` shows
//! keys       joins cut off, tickets used twice, a root from paper
//! near       communes that find each other on a network of their own
//! outside    what leaves the reporting line, and what stays in it
//! people     who is let in at a node, and who is named for what
//! crash      kill -9 while a node writes and while it syncs
//! rights     what offices may write, and what becomes of the rest
//! rogue      that peer
//! ways       where UDP is blocked, and where the superior is off
//! world      homes, nodes and waits for all of these
//! ```
//! Every test has a world of its own and may run alone.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value that lacks a field reads as null there, and the test says so"
)]

mod at_rest;
mod audit;
mod bad_input;
mod compartments;
mod crash;
mod damage;
mod hand;
mod hostile;
mod hostile_demo;
mod keys;
mod near;
mod outside;
mod people;
mod promises;
mod replaced;
mod rights;
mod rogue;
mod ways;
mod world;
