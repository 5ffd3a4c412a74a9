//! How QUIC behaves on links of a few kilobytes a second.

use std::sync::Arc;
use std::time::Duration;

use quinn::{TransportConfig, VarInt};

use crate::congestion::Expected;
use crate::limits::{IDLE_TIMEOUT, INITIAL_RTT, KNOCK_INTERVAL, SEND_WINDOW_BYTES, WINDOW_BYTES};
use crate::proxy::Proxy;

/// How links behave; the defaults are for a weak mobile link.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Guess of the round trip for peers without a remembered one.
    pub initial_rtt: Duration,
    /// Silence after which a link is dead; the smaller of both sides' counts.
    pub idle_timeout: Duration,
    /// Bytes a second that no link of this node over QUIC may exceed; none leaves it to what links can carry.
    pub rate_max: Option<u64>,
    /// What TCP is used for.
    pub tcp: Tcp,
    /// Through whom calls by TCP go; none calls directly.
    pub proxy: Option<Proxy>,
}

/// What TCP is used for, beside QUIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tcp {
    /// Nothing.
    Off,
    /// Calling where QUIC is not answered.
    Calls,
    /// That, and being called at the port that QUIC has as well.
    Serves,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            initial_rtt: INITIAL_RTT,
            idle_timeout: IDLE_TIMEOUT,
            rate_max: None,
            tcp: Tcp::Serves,
            proxy: None,
        }
    }
}

/// The transport for links of a few kilobytes a second: no probing for larger packets (it was 11 of
/// 15.8 KB per connection), no segmentation offload (bursts overrun the short queue of a modem), no
/// datagrams, one stream that the caller opens and nothing else.
///
/// A link sleeps through an outage and wakes with its first packet. Whoever called knocks a few times an hour: what
/// the network has forgotten of the way back it learns again, and what the called node has for a sleeper comes
/// down. The called node knocks on none of its sleeping links.
pub(crate) fn transport(
    tuning: &Tuning,
    expected: Expected,
    streams_from_peer: u32,
) -> TransportConfig {
    let mut config = TransportConfig::default();
    let is_caller = streams_from_peer == 0;
    let idle = u32::try_from(tuning.idle_timeout.as_millis()).unwrap_or(u32::MAX);
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(streams_from_peer))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(VarInt::from_u32(idle).into()))
        .keep_alive_interval(is_caller.then_some(KNOCK_INTERVAL))
        .initial_rtt(tuning.initial_rtt)
        .stream_receive_window(VarInt::from_u32(WINDOW_BYTES))
        .receive_window(VarInt::from_u32(WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .congestion_controller_factory(Arc::new(expected))
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(None)
        .enable_segmentation_offload(false);
    config
}
