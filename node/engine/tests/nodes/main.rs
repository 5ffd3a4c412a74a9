//! Whole nodes in one process: alone, and linked over loopback.

mod attached;
mod carrier;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod common;
mod large;
mod linked;
mod local;
mod packets;
mod parcels;
mod plans;
mod publish;
