//! What both ends check beyond the chain: the name in the other's certificate.
//!
//! The chain alone proves that the cluster's authority knows the other; without the rules here any client's
//! certificate would be a region's. The verdict is reached inside the TLS handshake, so nobody who fails it ever
//! reaches a stream.

use std::sync::{Arc, OnceLock};

use halcyon_types::ClusterName;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use tracing::warn;

use crate::identity::{Identity, Role};
use crate::roster::Roster;

/// Whom a listener admits.
#[derive(Debug, Clone)]
pub(crate) enum Admits {
    /// The peer plane: these regions' nodes, and no client or admin.
    Regions(Roster),
    /// The client plane: clients and admins, and no region.
    Clients,
}

impl Admits {
    fn admits(&self, role: &Role) -> bool {
        match (self, role) {
            (Self::Regions(others), Role::Region(name)) => others.admits(name),
            (Self::Clients, Role::Client(_) | Role::Admin(_)) => true,
            (Self::Regions(_), Role::Client(_) | Role::Admin(_)) | (Self::Clients, Role::Region(_)) => false,
        }
    }
}

/// A listener's judgement of whoever dials it.
#[derive(Debug)]
pub(crate) struct CallerVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    cluster: ClusterName,
    admits: Admits,
}

impl CallerVerifier {
    pub(crate) fn new(
        roots: &Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
        cluster: ClusterName,
        admits: Admits,
    ) -> Result<Self, rustls::server::VerifierBuilderError> {
        // The hints would tell every caller the authority's name before it has shown any certificate.
        let chain = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
            .clear_root_hint_subjects()
            .build()?;
        Ok(Self { chain, cluster, admits })
    }

    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), String> {
        let identity = Identity::of_certificate(certificate).map_err(|error| error.to_string())?;
        if identity.cluster == self.cluster && self.admits.admits(&identity.role) {
            return Ok(());
        }
        Err(format!("{identity} is not admitted here"))
    }
}

impl ClientCertVerifier for CallerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        match self.judge(end_entity) {
            Ok(()) => Ok(verified),
            Err(reason) => {
                // The authority itself vouched for this caller, so it is a mistake or a theft: worth a line.
                warn!(%reason, "a certificate of this cluster's authority was refused");
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, certificate, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Why whoever answered is not whom was dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// The chain or the name is no good.
    Untrusted(String),
    /// A good certificate of somebody else.
    Other(Identity),
}

/// A dialler's judgement of whoever answers. One per dial, because the verdict must reach the dial's error.
#[derive(Debug)]
pub(crate) struct AnswerVerifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    expected: Identity,
    verdict: Arc<OnceLock<Rejected>>,
}

impl AnswerVerifier {
    pub(crate) fn new(
        roots: &Arc<RootCertStore>,
        provider: &CryptoProvider,
        expected: Identity,
        verdict: &Arc<OnceLock<Rejected>>,
    ) -> Self {
        let algorithms = provider.signature_verification_algorithms;
        Self { roots: Arc::clone(roots), algorithms, expected, verdict: Arc::clone(verdict) }
    }

    /// A certificate without its key is as bad as none, and the dial should say so.
    fn noted<T>(&self, checked: Result<T, rustls::Error>) -> Result<T, rustls::Error> {
        checked.inspect_err(|_| {
            self.verdict.get_or_init(|| Rejected::Untrusted("it did not prove that it holds the key".to_owned()));
        })
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), (rustls::Error, Rejected)> {
        let untrusted = |error: rustls::Error| {
            let reason = error.to_string();
            (error, Rejected::Untrusted(reason))
        };
        let parsed = ParsedCertificate::try_from(end_entity).map_err(untrusted)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)
            .map_err(untrusted)?;
        let not_it = rustls::Error::from(CertificateError::ApplicationVerificationFailure);
        match Identity::of_certificate(end_entity) {
            Ok(found) if found == self.expected => Ok(()),
            Ok(found) => Err((not_it, Rejected::Other(found))),
            Err(error) => Err((not_it, Rejected::Untrusted(error.to_string()))),
        }
    }
}

impl ServerCertVerifier for AnswerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(end_entity, intermediates, now).map(|()| ServerCertVerified::assertion()).map_err(
            |(error, rejected)| {
                self.verdict.get_or_init(|| rejected);
                error
            },
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.noted(verify_tls12_signature(message, certificate, dss, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.noted(verify_tls13_signature(message, certificate, dss, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
