//! Whole nodes in one process: alone, and linked over loopback.

mod common;
mod linked;
mod local;
