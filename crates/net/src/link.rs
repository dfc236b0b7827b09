//! One connection, as its owner holds it: close it, learn that and why it ended, ask how far away the other end is.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::{Connection, ConnectionError, Endpoint, VarInt};

/// Why a connection ended. All that was not acknowledged by the other end's own messages must count as unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkEnd {
    /// This end closed it.
    #[error("closed by this end")]
    Here,
    /// The other end closed it on purpose.
    #[error("closed by the other end: {reason}")]
    There {
        /// What it said, escaped and cut to a readable length.
        reason: String,
    },
    /// Not a packet for too long: the network is cut, or the other end is gone. Dial again, with a pause.
    #[error("no packet arrived for too long")]
    Silent,
    /// It restarted, or somebody broke the protocol. Dial again, with a pause.
    #[error("broken: {problem}")]
    Broken {
        /// What happened, escaped and cut to a readable length.
        problem: String,
    },
}

impl From<ConnectionError> for LinkEnd {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::LocallyClosed => Self::Here,
            ConnectionError::ApplicationClosed(close) => Self::There { reason: readable(&close.reason) },
            ConnectionError::TimedOut => Self::Silent,
            other => Self::Broken { problem: readable(other.to_string().as_bytes()) },
        }
    }
}

/// Text from the other end, made safe for a terminal and a log.
pub(crate) fn readable(text: &[u8]) -> String {
    const CHARS_MAX: usize = 200;
    let text = String::from_utf8_lossy(text);
    let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(CHARS_MAX).map(safe).collect()
}

/// A handle on a connection; clones are the same connection. It stays open while any part of it, a handle, a reader or
/// a writer, is held.
#[derive(Debug, Clone)]
pub struct LinkHandle {
    connection: Connection,
    /// The socket of a connection that this end dialled.
    endpoint: Option<Endpoint>,
}

impl LinkHandle {
    pub(crate) fn accepted(connection: Connection) -> Self {
        Self { connection, endpoint: None }
    }

    pub(crate) fn dialled(connection: Connection, endpoint: Endpoint) -> Self {
        Self { connection, endpoint: Some(endpoint) }
    }

    /// Ends the connection at once, saying why; what has not been delivered is lost. To end in good order,
    /// [`FrameWriter::finish`](crate::FrameWriter::finish) first.
    pub fn close(&self, reason: &str) {
        self.connection.close(VarInt::from_u32(0), reason.as_bytes());
    }

    /// Closes a connection that this end dialled and returns when the other end has been told: for a process that is
    /// about to exit, and would otherwise leave the other end waiting for silence.
    pub async fn close_and_flush(&self, reason: &str) {
        self.close(reason);
        if let Some(endpoint) = &self.endpoint {
            endpoint.wait_idle().await;
        }
    }

    /// Waits for the connection's end. Cancel-safe.
    pub async fn closed(&self) -> LinkEnd {
        self.connection.closed().await.into()
    }

    /// The smoothed round trip, as QUIC measures it.
    pub fn rtt(&self) -> Duration {
        self.connection.rtt()
    }

    /// Bytes that this end has sent in datagrams, acknowledgements and all that QUIC adds included.
    pub fn sent_bytes(&self) -> u64 {
        self.connection.stats().udp_tx.bytes
    }

    /// Where the other end is.
    pub fn remote_address(&self) -> SocketAddr {
        self.connection.remote_address()
    }
}
