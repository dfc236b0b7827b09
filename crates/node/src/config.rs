//! What a node is told at start.

use std::path::PathBuf;

use halcyon_types::RegionName;
use halcyon_types::topology::Topology;

/// A node's configuration. Everything else is in the topology or in [`halcyon_types::limits`].
#[derive(Debug, Clone)]
pub struct Config {
    /// The cluster, from `regions.toml`.
    pub topology: Topology,
    /// The region this node serves.
    pub region: RegionName,
    /// Its data directory; created if it is not there.
    pub data: PathBuf,
    /// The directory with `ca.pem`, `region-NAME.pem` and `region-NAME.key`.
    pub certs: PathBuf,
    /// Whether the admin plane takes faults (cut links, delays, a test clock). For tests and demonstrations only, and
    /// only on a loopback admin address. Off unless asked for.
    pub fault_api: bool,
}
