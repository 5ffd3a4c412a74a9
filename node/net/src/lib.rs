//! Links between nodes: QUIC or TCP with mutual TLS, certificates and their keys, bytes counted.
//!
//! ```text
//! engine -- dial / accept --> Endpoint == UDP socket == .. ==> the other node
//!                                      `= TCP where UDP is blocked
//!        <-- LinkEvent ------ Link ---- one stream of bytes each way
//! ```
//! What the bytes mean is the affair of the sync layer; what a certificate means is that of
//! `hopluu-trust`, which every handshake asks. A node without a certificate can reach one thing only:
//! a single join exchange of 4 KiB.
//!
//! Start at [`Endpoint`], [`Link`] and [`call_join`]. Everything that grows has a bound in [`limits`].

pub mod key;
pub mod limits;

mod answers;
mod call;
mod close;
mod congestion;
mod delivered;
mod dial;
mod endpoint;
mod evidence;
mod flight;
mod greet;
mod header;
mod join;
mod line;
mod link;
mod near;
mod network;
mod proxy;
mod race;
mod record;
mod repeat;
mod shorten;
mod socket;
mod tls;
mod transport;
mod unanswered;
mod web;

pub use close::{CloseCode, CloseReason, reason};
pub use dial::{DialError, DialOptions, FailedCall};
pub use endpoint::{BindError, Endpoint, Incoming, NetConfig};
pub use join::{JoinCall, JoinCallError, call_join};
pub use link::{Link, LinkEvent, LinkGone, LinkHandle, Meter, Via};
pub use near::Near;
pub use network::NetworkWatch;
pub use proxy::{BadProxy, Proxy};
pub use transport::{Tcp, Tuning};

#[cfg(test)]
mod tests;
