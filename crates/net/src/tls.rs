//! TLS 1.3 as both planes use it: one provider, no tickets, no resumption, no early data, a name per plane.
//!
//! The provider is passed everywhere and never installed as the process's default, so that no other crate's choice can
//! become ours.

use std::sync::{Arc, OnceLock};

use halcyon_types::RegionName;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;

use crate::credentials::Credentials;
use crate::identity::{Identity, Role};
use crate::verify::{Admits, AnswerVerifier, CallerVerifier, Rejected};

/// Who talks to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plane {
    /// Region to region.
    Peer,
    /// Application or operator to region.
    Client,
}

impl Plane {
    /// The protocol and its version, as TLS negotiates it.
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Peer => b"halcyon-peer/1",
            Self::Client => b"halcyon-client/1",
        }
    }
}

/// These cannot fail for credentials that loaded; should a library think otherwise, nothing is served.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be configured: {0}")]
pub(crate) struct TlsError(String);

fn refused(error: &impl ToString) -> TlsError {
    TlsError(error.to_string())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(crate) fn server(plane: Plane, own: &Credentials, admits: Admits) -> Result<Arc<QuicServerConfig>, TlsError> {
    let provider = provider();
    let cluster = own.identity().cluster.clone();
    let verifier = CallerVerifier::new(own.roots(), &provider, cluster, admits).map_err(|e| refused(&e))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|e| refused(&e))?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(own.key()))));
    config.alpn_protocols = vec![plane.alpn().to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    QuicServerConfig::try_from(config).map(Arc::new).map_err(|e| refused(&e))
}

/// For one dial: `verdict` says afterwards why whoever answered was rejected.
pub(crate) fn dialler(
    plane: Plane,
    own: &Credentials,
    region: &RegionName,
    verdict: &Arc<OnceLock<Rejected>>,
) -> Result<Arc<QuicClientConfig>, TlsError> {
    let provider = provider();
    let expected = Identity { cluster: own.identity().cluster.clone(), role: Role::Region(region.clone()) };
    let verifier = AnswerVerifier::new(own.roots(), &provider, expected, verdict);
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|e| refused(&e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(own.key()))));
    config.alpn_protocols = vec![plane.alpn().to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    // The region is named by the verifier; what was dialled is nobody else's business.
    config.enable_sni = false;
    QuicClientConfig::try_from(config).map(Arc::new).map_err(|e| refused(&e))
}
