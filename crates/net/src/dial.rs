//! The dialling half of both planes, and why a dial fails, sorted by what the dialler should do about it.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};

use halcyon_types::limits::HANDSHAKE_TIMEOUT;
use halcyon_types::{Address, RegionName};
use quinn::{Connection, ConnectionError, Endpoint, EndpointConfig, TokioRuntime, TransportErrorCode};

use crate::bind;
use crate::credentials::Credentials;
use crate::identity::Identity;
use crate::link::readable;
use crate::stream::GreetingError;
use crate::tls::{self, Plane};
use crate::transport::{self, End};
use crate::verify::Rejected;

/// Why a dial failed. No connection is left, and the other end has taken nothing from this one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Back off and try again; if it stays, correct the address.
    #[error("{region} at {address}: {problem}; correct its address in regions.toml, or the resolver")]
    Address {
        /// Who was dialled.
        region: RegionName,
        /// Where.
        address: Address,
        /// What is wrong with the address.
        problem: String,
    },
    /// Back off and try again: nobody answered.
    #[error("{region} at {address} does not answer; check that its node runs and that UDP gets through")]
    TimedOut {
        /// Who was dialled.
        region: RegionName,
        /// Where.
        address: Address,
    },
    /// Back off and try again: somebody answered, but takes no connection now.
    #[error("{region} at {address} cannot be reached: {problem}; it is tried again, see its node's log if this stays")]
    NotReachable {
        /// Who was dialled.
        region: RegionName,
        /// Where.
        address: Address,
        /// What happened.
        problem: String,
    },
    /// Tell the operator; trying again helps only after somebody has changed something. They did not want us.
    #[error("{region} at {address} refused this process: {reason}")]
    Refused {
        /// Who was dialled.
        region: RegionName,
        /// Where.
        address: Address,
        /// What its alert means, and the remedy.
        reason: String,
    },
    /// Tell the operator. We did not want them: the certificate that answered is no good.
    #[error(
        "{region} at {address} answered with a certificate that cannot be trusted: {reason}; use the certificates \
             of one `halcyon certs init` on all nodes, and check this machine's clock"
    )]
    Untrusted {
        /// Who was dialled.
        region: RegionName,
        /// Where.
        address: Address,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// Tell the operator. We did not want them: a good certificate of somebody else.
    #[error(
        "{expected} was dialled at {address}, but {found} answered; correct the address in regions.toml, or start \
             that node with its own certificate"
    )]
    WrongIdentity {
        /// Who was dialled.
        expected: RegionName,
        /// Where.
        address: Address,
        /// Who answered.
        found: Box<Identity>,
    },
}

/// One dial: who, where, on which plane, with what.
pub(crate) struct Dial<'a> {
    pub(crate) plane: Plane,
    pub(crate) own: &'a Credentials,
    pub(crate) region: &'a RegionName,
    pub(crate) address: &'a Address,
}

impl Dial<'_> {
    /// Connects to the first resolved address that answers, and greets it; each has `HANDSHAKE_TIMEOUT`.
    pub(crate) async fn connect<T, F>(&self, greet: impl Fn(Connection, Endpoint) -> F) -> Result<T, DialError>
    where
        F: Future<Output = Result<T, GreetingError>>,
    {
        let candidates = bind::resolve(self.address).await.map_err(|error| self.bad_address(&error))?;
        let mut failed = self.bad_address(&"the name has no address");
        for candidate in candidates {
            failed = match self.connect_to(candidate, &greet).await {
                Ok(connected) => return Ok(connected),
                Err(error) => error,
            };
            // Where somebody answered, another address of the same name is no second opinion.
            if !matches!(failed, DialError::TimedOut { .. } | DialError::NotReachable { .. }) {
                break;
            }
        }
        Err(failed)
    }

    async fn connect_to<T, F>(&self, at: SocketAddr, greet: impl Fn(Connection, Endpoint) -> F) -> Result<T, DialError>
    where
        F: Future<Output = Result<T, GreetingError>>,
    {
        let verdict = Arc::new(OnceLock::new());
        let crypto = tls::dialler(self.plane, self.own, self.region, &verdict);
        let crypto = crypto.map_err(|error| self.refused(&error.to_string()))?;
        let mut config = quinn::ClientConfig::new(crypto);
        config.transport_config(transport::transport(self.plane, End::Dialler));
        let endpoint = ephemeral(at).map_err(|error| self.not_reachable(&error.to_string()))?;
        // The name is not sent, and the verifier does not look at it.
        let connecting = endpoint.connect_with(config, at, "halcyon");
        let connecting = connecting.map_err(|error| self.bad_address(&error))?;
        let talk = async { greet(connecting.await?, endpoint).await };
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, talk).await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(GreetingError::Ended(error))) => Err(self.sort(error, verdict.get())),
            Ok(Err(GreetingError::Unexpected)) => Err(self.refused("it does not keep to the protocol")),
            Err(_) => Err(self.timed_out()),
        }
    }

    fn sort(&self, error: ConnectionError, verdict: Option<&Rejected>) -> DialError {
        let (region, address) = (self.region.clone(), self.address.clone());
        match (verdict, error) {
            (Some(Rejected::Untrusted(reason)), _) => DialError::Untrusted { region, address, reason: reason.clone() },
            (Some(Rejected::Other(found)), _) => {
                DialError::WrongIdentity { expected: region, address, found: Box::new(found.clone()) }
            }
            (None, ConnectionError::TimedOut) => self.timed_out(),
            (None, ConnectionError::ConnectionClosed(close)) => match alert(close.error_code) {
                Some(alert) => self.refused(&meaning(alert)),
                None if close.error_code == TransportErrorCode::CONNECTION_REFUSED => {
                    self.not_reachable("it takes no more connections at present")
                }
                None => self.not_reachable(&readable(close.to_string().as_bytes())),
            },
            (None, ConnectionError::ApplicationClosed(close)) => self.not_reachable(&readable(&close.reason)),
            (None, other) => self.not_reachable(&readable(other.to_string().as_bytes())),
        }
    }

    fn bad_address(&self, problem: &impl ToString) -> DialError {
        let (region, address) = (self.region.clone(), self.address.clone());
        DialError::Address { region, address, problem: problem.to_string() }
    }

    fn timed_out(&self) -> DialError {
        DialError::TimedOut { region: self.region.clone(), address: self.address.clone() }
    }

    fn not_reachable(&self, problem: &str) -> DialError {
        let (region, address) = (self.region.clone(), self.address.clone());
        DialError::NotReachable { region, address, problem: problem.to_owned() }
    }

    fn refused(&self, reason: &str) -> DialError {
        DialError::Refused { region: self.region.clone(), address: self.address.clone(), reason: reason.to_owned() }
    }
}

/// A socket of its own for each dial: connections share no buffer, and the system picks the address that leads there.
/// The endpoint lives as long as its connection.
fn ephemeral(to: SocketAddr) -> io::Result<Endpoint> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    Endpoint::new(EndpointConfig::default(), None, UdpSocket::bind(any)?, Arc::new(TokioRuntime))
}

/// The TLS alert in a QUIC error code (RFC 9001, section 4.8).
fn alert(code: TransportErrorCode) -> Option<u8> {
    u64::from(code).checked_sub(0x100).and_then(|alert| u8::try_from(alert).ok())
}

/// What an alert (RFC 8446, section 6.2) of a Halcyon node means, and what to do.
fn meaning(alert: u8) -> String {
    match alert {
        45 => "our certificate has expired or is not valid yet; issue a new one with `halcyon certs issue`, and check \
               both machines' clocks"
            .to_owned(),
        42 | 43 | 46 => "our certificate is not of the kind it wants; issue it with `halcyon certs`".to_owned(),
        // An authority of the same name but with another key shows as a bad signature.
        48 | 51 => {
            "another authority signed our certificate; use the certificates of one `halcyon certs init` everywhere"
                .to_owned()
        }
        49 => "our certificate's cluster, role or region is not admitted there; check --certs, and that both \
               regions.toml name the same cluster and regions"
            .to_owned(),
        116 => "it wants a certificate; start with --certs".to_owned(),
        120 => "it does not speak our protocol there; check that the port is not that of the other plane, and both \
                versions"
            .to_owned(),
        other => format!("TLS alert {other}; see the log of its node"),
    }
}
