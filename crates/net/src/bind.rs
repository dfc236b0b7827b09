//! From `HOST:PORT` to a bound socket, and why not.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use halcyon_types::Address;

use crate::identity::Identity;
use crate::tls::TlsError;

/// Why a node cannot listen. Nothing is bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Most likely another node of this region is running.
    #[error("UDP address {address} is in use; stop whatever uses it, or give the region another port in regions.toml")]
    InUse {
        /// The address.
        address: String,
    },
    /// A name that the resolver does not know.
    #[error("{address} cannot be resolved: {problem}; correct the host in regions.toml, or the resolver")]
    NotResolvable {
        /// The address.
        address: String,
        /// What the resolver answered.
        problem: String,
    },
    /// The system said no: not an address of this machine, or a privileged port.
    #[error("UDP address {address} cannot be bound: {source}; use an address of this machine and a port above 1023")]
    Other {
        /// The address.
        address: String,
        /// What the system answered.
        source: io::Error,
    },
    /// Only a region's node listens.
    #[error("{identity} cannot listen; start with a region's certificate that regions.toml names")]
    NotARegion {
        /// Whose credentials were given.
        identity: Box<Identity>,
    },
    /// The TLS library refuses the credentials.
    #[error("{problem}; issue the certificates anew with `halcyon certs`")]
    Tls {
        /// What the library answered.
        problem: String,
    },
}

impl From<TlsError> for BindError {
    fn from(error: TlsError) -> Self {
        Self::Tls { problem: error.to_string() }
    }
}

impl BindError {
    pub(crate) fn of_io(address: &impl ToString, source: io::Error) -> Self {
        let address = address.to_string();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            _ => Self::Other { address, source },
        }
    }
}

/// Binds the first address that the name resolves to and that can be bound.
pub(crate) async fn socket(address: &Address) -> Result<UdpSocket, BindError> {
    let not_resolvable = |problem: String| BindError::NotResolvable { address: address.to_string(), problem };
    let candidates = resolve(address).await.map_err(|error| not_resolvable(error.to_string()))?;
    let mut refused = not_resolvable("the name has no address".to_owned());
    for candidate in candidates {
        match UdpSocket::bind(candidate) {
            Ok(socket) => return Ok(socket),
            Err(source) => refused = BindError::of_io(address, source),
        }
    }
    Err(refused)
}

pub(crate) async fn resolve(address: &Address) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host(address.as_str()).await?.collect())
}
