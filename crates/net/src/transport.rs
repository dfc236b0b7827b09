//! QUIC's own limits, one by one. The library's defaults are made for a public server that trusts its memory: no
//! receive limit, a hundred streams each way, no keep-alive. Each plane here has exactly the streams its protocol uses.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::limits::{
    CLIENT_WINDOW_BYTES_MAX, CONTROL_WINDOW_BYTES_MAX, HANDSHAKE_BUFFER_BYTES_MAX, HANDSHAKES_MAX, IDLE_TIMEOUT,
    KEEP_ALIVE_EVERY, LINK_WINDOW_BYTES_MAX,
};
use quinn::{IdleTimeout, TransportConfig, VarInt};

use crate::tls::Plane;

/// A guess until the first measurement; too high delays the first resend of a lost packet, too low resends in vain.
const INITIAL_RTT: Duration = Duration::from_millis(50);

/// Which end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Dialler,
    Acceptor,
}

pub(crate) fn transport(plane: Plane, end: End) -> Arc<TransportConfig> {
    // Streams that the other end may open: the dialler's two on the peer plane and the greeting back, the one on the
    // client plane.
    let (uni, bidi): (u32, u32) = match (plane, end) {
        (Plane::Peer, End::Acceptor) => (2, 0),
        (Plane::Peer, End::Dialler) => (1, 0),
        (Plane::Client, End::Acceptor) => (0, 1),
        (Plane::Client, End::Dialler) => (0, 0),
    };
    // The connection's window exceeds the records' by the control stream's, so that unread records never hold up a
    // heartbeat.
    let (stream, connection) = match plane {
        Plane::Peer => (LINK_WINDOW_BYTES_MAX, LINK_WINDOW_BYTES_MAX + CONTROL_WINDOW_BYTES_MAX),
        Plane::Client => (CLIENT_WINDOW_BYTES_MAX, CLIENT_WINDOW_BYTES_MAX),
    };
    let mut config = TransportConfig::default();
    config
        .max_concurrent_uni_streams(uni.into())
        .max_concurrent_bidi_streams(bidi.into())
        .stream_receive_window(var_int(stream))
        .receive_window(var_int(connection))
        .send_window(u64::from(var_int(connection)))
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0)
        .initial_rtt(INITIAL_RTT)
        .keep_alive_interval(Some(KEEP_ALIVE_EVERY))
        .max_idle_timeout(IdleTimeout::try_from(IDLE_TIMEOUT).ok());
    Arc::new(config)
}

/// Applies what holds for a listener on either plane.
pub(crate) fn bound_listener(config: &mut quinn::ServerConfig) {
    config
        .max_incoming(HANDSHAKES_MAX)
        .incoming_buffer_size(HANDSHAKE_BUFFER_BYTES_MAX / HANDSHAKES_MAX as u64)
        .incoming_buffer_size_total(HANDSHAKE_BUFFER_BYTES_MAX)
        .migration(false);
}

fn var_int(bytes: usize) -> VarInt {
    u32::try_from(bytes).map_or(VarInt::MAX, VarInt::from_u32)
}
