//! The other side of every test of certificates: shows whatever it likes, accepts whatever it is shown, and knows how
//! both protocols begin. Nothing in here is Halcyon's own code, so that no check of its own can hide a missing one.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{Connection, Endpoint, EndpointConfig, TokioRuntime};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

pub(crate) const PEER: &[u8] = b"halcyon-peer/1";
pub(crate) const CLIENT: &[u8] = b"halcyon-client/1";

/// A certificate and a key, which need not belong together.
pub(crate) type Shown = Arc<CertifiedKey>;

/// What a forged certificate says.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) uris: Vec<String>,
    pub(crate) years: (i32, i32),
    pub(crate) usages: Vec<ExtendedKeyUsagePurpose>,
}

/// What a good certificate would say, both usages, until somebody changes it.
pub(crate) fn claim(uri: &str) -> Claim {
    let usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Claim { uris: vec![uri.to_owned()], years: (2024, 2100), usages }
}

impl Claim {
    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.subject_alt_names = self.uris.iter().map(|uri| SanType::URI(uri.as_str().try_into().unwrap())).collect();
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        params.extended_key_usages.clone_from(&self.usages);
        params
    }

    /// Signed by the authority of a directory of certificates.
    pub(crate) fn signed_by(&self, certs: &Path) -> Shown {
        let read = |name: &str| std::fs::read_to_string(certs.join(name)).unwrap();
        let ca_key = KeyPair::from_pem(&read("ca.key")).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        shown(self.params().signed_by(&key, &issuer).unwrap().der(), &key)
    }

    pub(crate) fn self_signed(&self) -> Shown {
        let key = KeyPair::generate().unwrap();
        shown(self.params().self_signed(&key).unwrap().der(), &key)
    }
}

fn shown(certificate: &CertificateDer<'static>, key: &KeyPair) -> Shown {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = default_provider().key_provider.load_private_key(key).unwrap();
    Arc::new(CertifiedKey::new(vec![certificate.clone()], key))
}

/// The certificate of one, the key of another: what a thief of certificates has.
pub(crate) fn without_its_key(shown: &Shown) -> Shown {
    let other = claim("halcyon://shop/client/thief").self_signed();
    Arc::new(CertifiedKey::new(shown.cert.clone(), Arc::clone(&other.key)))
}

/// Connects, whatever the other end shows.
pub(crate) async fn connect(to: SocketAddr, alpn: &[u8], shown: Option<Shown>) -> Result<Connection, String> {
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous));
    let mut config = match shown {
        Some(shown) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown))),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = if alpn.is_empty() { Vec::new() } else { vec![alpn.to_vec()] };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime)).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).unwrap()));
    endpoint.connect_with(config, to, "halcyon").unwrap().await.map_err(|error| error.to_string())
}

/// Dials as `peer::dial` or `client::dial` would, as far as the greeting.
pub(crate) async fn dial(to: SocketAddr, alpn: &[u8], shown: Option<Shown>) -> Result<Connection, String> {
    let connection = connect(to, alpn, shown).await?;
    let greeted: Result<[u8; 1], String> = async {
        let mut greeting = [0];
        if alpn == CLIENT {
            let (mut send, mut receive) = connection.open_bi().await.map_err(|e| e.to_string())?;
            send.write_all(b"H").await.map_err(|e| e.to_string())?;
            receive.read_exact(&mut greeting).await.map_err(|e| e.to_string())?;
        } else {
            let mut receive = {
                for tag in [b"C", b"R"] {
                    let mut send = connection.open_uni().await.map_err(|e| e.to_string())?;
                    send.write_all(tag).await.map_err(|e| e.to_string())?;
                }
                connection.accept_uni().await.map_err(|e| e.to_string())?
            };
            receive.read_exact(&mut greeting).await.map_err(|e| e.to_string())?;
        }
        Ok(greeting)
    }
    .await;
    assert_eq!(greeted?, *b"H");
    Ok(connection)
}

/// Answers on both planes, whoever calls and whatever it shows, until dropped.
pub(crate) fn answer(socket: UdpSocket, shown: Shown) -> Endpoint {
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Credulous))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    config.alpn_protocols = vec![PEER.to_vec(), CLIENT.to_vec()];
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(config).unwrap()));
    let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime)).unwrap();
    let listener = endpoint.clone();
    tokio::spawn(async move {
        while let Some(incoming) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(connection) = incoming.await else { return };
                tokio::select! {
                    Ok((mut send, _receive)) = connection.accept_bi() => {
                        let _ = send.write_all(b"H").await;
                        connection.closed().await;
                    }
                    Ok(_control) = connection.accept_uni() => {
                        let mut send = connection.open_uni().await.unwrap();
                        let _ = send.write_all(b"H").await;
                        connection.closed().await;
                    }
                    else => {}
                }
            });
        }
    });
    endpoint
}

/// Believes everything.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Credulous {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, certificate, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, certificate, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
