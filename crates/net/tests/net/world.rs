//! Two regions on loopback with certificates of one authority, and sockets whose ports are known beforehand.

use std::fmt::Write;
use std::net::UdpSocket;
use std::time::Duration;

use halcyon_net::{ClientListener, Credentials, Identity, PeerListener, Role, authority};
use halcyon_types::UnixMs;
use halcyon_types::topology::{Region, Topology};
use tempfile::TempDir;

/// 2024-01-01: the tests' certificates are good from then for 80 years, so that no test reads a clock.
pub(crate) const NOW: UnixMs = UnixMs(1_704_067_200_000);
pub(crate) const VALID: Duration = Duration::from_hours(80 * 365 * 24);

pub(crate) struct World {
    pub(crate) topology: Topology,
    pub(crate) certs: TempDir,
    peers: Vec<UdpSocket>,
    clients: Vec<UdpSocket>,
}

pub(crate) fn region(name: &str) -> Role {
    Role::Region(name.parse().unwrap())
}

pub(crate) fn client() -> Role {
    Role::Client("client".parse().unwrap())
}

pub(crate) fn admin() -> Role {
    Role::Admin("admin".parse().unwrap())
}

pub(crate) fn loopback() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

impl World {
    /// `us-east` listens (the tests' node), `eu-west` and `ap-south` are the others.
    pub(crate) fn new() -> Self {
        let mut text = "cluster = \"shop\"\n[[keyspace]]\nid = 1\nname = \"default\"\n".to_owned();
        let (mut peers, mut clients) = (Vec::new(), Vec::new());
        for (id, name) in ["us-east", "eu-west", "ap-south"].into_iter().enumerate() {
            let (peer, client) = (loopback(), loopback());
            writeln!(
                text,
                "[[region]]\nid = {}\nname = \"{name}\"\npeer = \"{}\"\nclient = \"{}\"\nadmin = \"127.0.0.1:{}\"",
                id + 1,
                peer.local_addr().unwrap(),
                client.local_addr().unwrap(),
                id + 1,
            )
            .unwrap();
            peers.push(peer);
            clients.push(client);
        }
        let topology = Topology::parse(&text).unwrap();
        let certs = TempDir::new().unwrap();
        authority::init(certs.path(), &topology, NOW, VALID).unwrap();
        Self { topology, certs, peers, clients }
    }

    pub(crate) fn identity(&self, role: Role) -> Identity {
        Identity { cluster: self.topology.cluster.clone(), role }
    }

    pub(crate) fn credentials(&self, role: Role) -> Credentials {
        Credentials::load(self.certs.path(), &self.identity(role)).unwrap()
    }

    pub(crate) fn region(&self, at: usize) -> &Region {
        &self.topology.regions[at]
    }

    /// The peer socket of a region, bound to the port that the topology names.
    pub(crate) fn peer_socket(&self, at: usize) -> UdpSocket {
        self.peers[at].try_clone().unwrap()
    }

    /// The client socket of a region, bound to the port that the topology names.
    pub(crate) fn client_socket(&self, at: usize) -> UdpSocket {
        self.clients[at].try_clone().unwrap()
    }

    pub(crate) fn peer_listener(&self) -> PeerListener {
        let own = self.credentials(region("us-east"));
        PeerListener::from_socket(self.peer_socket(0), &own, &self.topology).unwrap()
    }

    pub(crate) fn client_listener(&self, connections_max: usize) -> ClientListener {
        let own = self.credentials(region("us-east"));
        ClientListener::from_socket(self.client_socket(0), &own, connections_max).unwrap()
    }
}
