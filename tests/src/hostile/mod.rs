//! A hostile network: whoever reaches a node's ports, with and without certificates of its cluster, and means it no good.
//!
//! It speaks through the crate that the cluster speaks through, so what it can say is what that lets it say: certificates of
//! another authority, of another role and for another plane; connections that are begun and given up; captured first packets
//! from thousands of addresses; and, with certificates that are in order, frames that are not. A caller that shows no
//! certificate at all, or another's key, is in the table of the net's own tests, which bring their own TLS.
//!
//! Everything counts what it has done, for a test that could not reach the node would prove nothing.

mod admin;
mod calls;
mod frames;
mod pace;
mod vitals;

pub use admin::idle_admin_connections;
pub use calls::Calls;
pub use frames::Frames;
pub use pace::{Over, Pace};

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use halcyon_net::{Credentials, Identity, Role};
use halcyon_types::topology::{Region, Topology};
use tempfile::TempDir;

use crate::cluster::{Cluster, REGIONS};
use crate::command::halcyon;

/// Somebody with certificates, good ones and others, and the addresses of a cluster's first region.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// The region attacked.
    region: Region,
    /// The same, its two planes' addresses exchanged.
    swapped: Region,
    /// An application's credentials.
    client: Credentials,
    /// The cluster's second region's: a peer.
    peer: Credentials,
    /// An application's of the same names, signed by another authority.
    forged: Credentials,
}

impl Stranger {
    /// Learns all there is to know about a cluster of at least two regions.
    ///
    /// # Panics
    /// Its files cannot be read.
    pub async fn of(cluster: &Cluster) -> Self {
        let text = fs::read_to_string(cluster.config()).expect("the cluster's file");
        let topology = Topology::parse(&text).expect("a topology");
        let load = |dir: &Path, role| {
            let identity = Identity { cluster: topology.cluster.clone(), role };
            Credentials::load(dir, &identity).expect("certificates")
        };
        let app = || Role::Client("client".parse().expect("a name"));
        // The authority that the node will show itself by, and a certificate that is none of its.
        let other = TempDir::new().expect("a directory");
        let theirs = other.path().join("certs");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (config, out) = (text(&cluster.config()), text(&theirs));
        let _ = halcyon(["certs", "init", "--config", &config, "--out", &out]).await.succeeded();
        fs::copy(cluster.certs().join("ca.pem"), theirs.join("ca.pem")).expect("a certificate");
        let region = topology.regions.first().expect("a region").clone();
        let swapped = Region { peer: region.client.clone(), client: region.peer.clone(), ..region.clone() };
        let second = Role::Region(REGIONS[1].parse().expect("a name"));
        Self {
            swapped,
            region,
            client: load(&cluster.certs(), app()),
            peer: load(&cluster.certs(), second),
            forged: load(&theirs, app()),
        }
    }

    /// Where the attacked region hears applications, and where other regions.
    fn ports(&self) -> [SocketAddr; 2] {
        let address = |text: &str| text.parse().expect("an address of loopback");
        [address(self.region.client.as_str()), address(self.region.peer.as_str())]
    }
}
