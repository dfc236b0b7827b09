//! How a restarted node makes itself known at once.
//!
//! QUIC's stateless reset (RFC 9000, section 10.3): a node that gets a packet of a connection it knows nothing of
//! answers with a token that only the connection's former owner can have made. The library draws a fresh secret at
//! every start, so after kill -9 its dialler would wait for the whole idle timeout; here the secret follows from the
//! region's key, so the next packet, a heartbeat at the latest, ends the connection and the dialler dials again.
//!
//! Connection ids are purely random: a check that they are this listener's own would need a secret of its own, and
//! would only save answers that are rate-limited anyway.

use std::fmt;
use std::sync::Arc;

use quinn::crypto::{CryptoError, HmacKey};
use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};
use rustls::pki_types::PrivateKeyDer;

use crate::tls::Plane;

/// Follows from a region's private key, and does not lead back to it.
#[derive(Clone, Copy)]
pub(crate) struct ResetSecret([u8; 32]);

impl fmt::Debug for ResetSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResetSecret").finish_non_exhaustive()
    }
}

impl ResetSecret {
    pub(crate) fn of(key: &PrivateKeyDer<'_>) -> Self {
        Self(blake3::derive_key("halcyon 2026 QUIC stateless reset", key.secret_der()))
    }

    /// The configuration of a listener. Each plane has its own secret: a packet of one, sent to the other, must not
    /// draw a token that is good on the first.
    pub(crate) fn endpoint(self, plane: Plane) -> EndpointConfig {
        let key = TokenKey(*blake3::keyed_hash(&self.0, plane.alpn()).as_bytes());
        let mut config = EndpointConfig::new(Arc::new(key));
        config.cid_generator(|| Box::new(RandomIds));
        config
    }
}

struct TokenKey([u8; 32]);

impl HmacKey for TokenKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        blake3::Hasher::new_keyed(&self.0).update(data).finalize_xof().fill(signature_out);
    }

    fn signature_len(&self) -> usize {
        blake3::OUT_LEN
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let signature: [u8; blake3::OUT_LEN] = signature.try_into().map_err(|_| CryptoError)?;
        // The comparison of hashes takes the same time wherever they differ.
        if blake3::keyed_hash(&self.0, data) == signature { Ok(()) } else { Err(CryptoError) }
    }
}

struct RandomIds;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        ConnectionId::new(&rand::random::<[u8; 8]>())
    }

    fn cid_len(&self) -> usize {
        8
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}
