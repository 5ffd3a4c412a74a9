//! What a stranger's bytes are thrown at: one function for each kind of input.
//!
//! ```text
//! scripts/fuzz  -- libFuzzer --\
//!                               >-- TARGETS -- the crates of proto/, through their public doors
//! tests/corpus -- corpus/*/* --/
//! ```
//! A target reads the input as the program would, goes on with whatever was read as far as the program
//! goes, and asserts what must hold then. It panics on nothing else. The ordinary test `corpus` compiles
//! these same files and plays every input that was kept.

pub mod desk;
pub mod hubs;
pub mod papers;
pub mod parcels;
pub mod rights;
pub mod trusted;
pub mod words;

/// One kind of input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of the program in `targets/` and of the folder in `corpus/`.
    pub name: &'static str,
    /// Takes one input.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "frames",
        run: hubs::frames,
    },
    Target {
        name: "session",
        run: hubs::session,
    },
    Target {
        name: "packets",
        run: papers::packets,
    },
    Target {
        name: "changes",
        run: papers::changes,
    },
    Target {
        name: "records",
        run: trusted::records,
    },
    Target {
        name: "tickets",
        run: trusted::tickets,
    },
    Target {
        name: "chains",
        run: trusted::chains,
    },
    Target {
        name: "envelopes",
        run: trusted::envelopes,
    },
    Target {
        name: "dossiers",
        run: trusted::dossiers,
    },
    Target {
        name: "bundles",
        run: trusted::bundles,
    },
    Target {
        name: "parcels",
        run: parcels::parcels,
    },
    Target {
        name: "forms",
        run: words::forms,
    },
    Target {
        name: "units",
        run: words::units,
    },
    Target {
        name: "grants",
        run: rights::grants,
    },
    Target {
        name: "signatures",
        run: rights::signatures,
    },
];
