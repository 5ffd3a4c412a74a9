//! What a report costs on the links of the mountains, through the relays of the laboratory.
//!
//! ```text
//! bulk    much at once: what is sent for it, and how much of the link is used
//! ends    a district and a commune in processes of their own, with a shaped link between them
//! edit    one figure edited among 200 documents: cold, over links that slept, with losses
//! first   the first sync of 200 documents, and links on which nothing is new
//! peers   what others take for such work; a bench of its own
//! ```
//! Bytes are all UDP payload both ways, handshake included; times run from the commune's first packet
//! until the district has it on disk and says so.

pub(crate) mod attach;
pub(crate) mod bulk;
pub(crate) mod edit;
pub(crate) mod first;
pub(crate) mod hub;
pub(crate) mod peers;
