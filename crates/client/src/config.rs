//! What a client is told before it connects.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use halcyon_net::{Credentials, CredentialsError, Identity, Role};
use halcyon_types::NameError;
use halcyon_types::limits::CONNECTION_REQUESTS_MAX;
use halcyon_types::topology::{Topology, TopologyError};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const IN_FLIGHT: usize = 1024;

const _: () = assert!(IN_FLIGHT <= CONNECTION_REQUESTS_MAX);
const _: () = assert!(
    2 * CONNECT_TIMEOUT.as_millis() < REQUEST_TIMEOUT.as_millis(),
    "a request outlives a failed dial and another"
);

/// Why a configuration cannot be used. Nothing has been dialled.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file system said no.
    #[error("{} cannot be read: {source}; check the path given as --config", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Not a cluster's description.
    #[error("{}: {source}", file.display())]
    Topology {
        /// The file.
        file: PathBuf,
        /// Line, field, problem and remedy.
        source: TopologyError,
    },
    /// Not a name that a certificate can carry.
    #[error(transparent)]
    Name {
        /// What a name is.
        source: NameError,
    },
    /// Nothing to prove oneself with.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

/// Which cluster, as whom, and how patient. Every setting has a default.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) topology: Topology,
    pub(crate) credentials: Credentials,
    pub(crate) settings: Settings,
}

/// What [`Config`]'s setters set, and document.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) region: Option<String>,
    pub(crate) failover: bool,
    pub(crate) request_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) in_flight: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: None,
            failover: true,
            request_timeout: REQUEST_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            in_flight: IN_FLIGHT,
        }
    }
}

impl Config {
    /// From a `regions.toml` and a directory of certificates, as the client that `halcyon certs init` made.
    ///
    /// # Errors
    /// A file is missing or cannot be used; the error names file, line or remedy.
    pub fn from_files(regions_toml: impl AsRef<Path>, certs_dir: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let topology = topology(regions_toml.as_ref())?;
        // As `certs init` names it. A name this short and plain always parses.
        let name = "client".parse().map_err(|source| ConfigError::Name { source })?;
        Self::with_role(topology, certs_dir.as_ref(), Role::Client(name))
    }

    /// The same as somebody else: another client, or an admin.
    ///
    /// # Errors
    /// A file is missing or cannot be used; the error names file, line or remedy.
    pub fn from_files_as(
        regions_toml: impl AsRef<Path>,
        certs_dir: impl AsRef<Path>,
        role: Role,
    ) -> Result<Self, ConfigError> {
        Self::with_role(topology(regions_toml.as_ref())?, certs_dir.as_ref(), role)
    }

    fn with_role(topology: Topology, certs_dir: &Path, role: Role) -> Result<Self, ConfigError> {
        let cluster = topology.cluster.clone();
        let credentials = Credentials::load(certs_dir, &Identity { cluster, role })?;
        Ok(Self::new(topology, credentials))
    }

    /// From parts already at hand.
    pub fn new(topology: Topology, credentials: Credentials) -> Self {
        Self { topology, credentials, settings: Settings::default() }
    }

    /// The region to use. Default: all are dialled at once, and the one with the lowest round trip is used. Naming a far
    /// one makes every request pay its round trip.
    #[must_use]
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.settings.region = Some(name.into());
        self
    }

    /// Whether other regions may be used while the first cannot be reached. Default: true. Without it, an outage of one
    /// region is an outage of the application; with it, a read after a failover may be behind what was seen before it,
    /// unless it goes through a session.
    #[must_use]
    pub const fn failover(mut self, failover: bool) -> Self {
        self.settings.failover = failover;
        self
    }

    /// How long a request may take, reconnecting and resending included; a session's wait comes on top. Default: 5 s. Too
    /// low: writes end as `OutcomeUnknown` that a moment later would have had their answer. Too high: callers hang as
    /// long on a region that is cut off.
    #[must_use]
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// How long one dial may take. Default: 2 s; a dial takes two round trips. Too low: a far or busy region is never
    /// reached. Too high: failover from a region that is cut off takes as long, and no write outlives the request
    /// timeout.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Requests on their way to one region at a time; further ones wait. Default: 1024; at least 1 and at most
    /// `CONNECTION_REQUESTS_MAX` (4096), where a region stops reading. A request above 16 KiB counts as several. Too low:
    /// throughput is bounded by requests per round trip. Too high: more memory, and everybody waits longer.
    #[must_use]
    pub fn in_flight(mut self, requests: usize) -> Self {
        self.settings.in_flight = requests.clamp(1, CONNECTION_REQUESTS_MAX);
        self
    }

    /// The cluster.
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }
}

fn topology(file: &Path) -> Result<Topology, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Io { file: file.to_owned(), source })?;
    Topology::parse(&text).map_err(|source| ConfigError::Topology { file: file.to_owned(), source })
}
