//! Connecting to regions as a tool does: to the region named and to no other, with the client certificate, or, for what
//! operators do, with the admin certificate.

use std::path::Path;
use std::time::Duration;

use halcyon_client::{Client, Config, ConnectError, Credentials};
use halcyon_net::{CredentialsError, Identity, Role};
use halcyon_types::topology::Topology;
use halcyon_types::{NameError, RegionName};

use crate::Remedy;

/// What operators ask for reads the disk, and may take longer than what applications ask for.
const ADMIN_PATIENCE: Duration = Duration::from_mins(1);

/// Why a region is not connected to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The certificates cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A name that no certificate can have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The region does not answer, or does not take this certificate.
    #[error("region {region} cannot be reached: {source}")]
    Unreachable {
        /// The region.
        region: RegionName,
        /// What was tried.
        source: ConnectError,
    },
}

impl Remedy for OpenError {
    fn remedy(&self) -> Option<String> {
        match self {
            // Their messages end with the remedy.
            Self::Credentials(_) | Self::Name(_) => None,
            Self::Unreachable { region, .. } => Some(format!(
                "start its node (halcyon node --region {region} …); if it runs, check that its certificates and these are of one `certs init`"
            )),
        }
    }
}

/// A client of `region` that never fails over to another.
pub(crate) async fn connect(topology: &Topology, certs: &Path, region: &RegionName) -> Result<Client, OpenError> {
    connect_as(Role::Client("client".parse()?), topology, certs, region).await
}

/// The same as somebody else.
pub(crate) async fn connect_as(
    role: Role,
    topology: &Topology,
    certs: &Path,
    region: &RegionName,
) -> Result<Client, OpenError> {
    let admin = matches!(role, Role::Admin(_));
    let credentials = Credentials::load(certs, &Identity { cluster: topology.cluster.clone(), role })?;
    let mut config = Config::new(topology.clone(), credentials).region(region.as_str()).failover(false);
    if admin {
        config = config.request_timeout(ADMIN_PATIENCE);
    }
    let unreachable = |source| OpenError::Unreachable { region: region.clone(), source };
    Client::connect(config).await.map_err(unreachable)
}
