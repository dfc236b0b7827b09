//! Free ports on loopback.

use std::io;
use std::net::{TcpListener, UdpSocket};

/// A region's three ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) peer: u16,
    pub(super) client: u16,
    pub(super) admin: u16,
}

/// Finds free ports for so many regions. All are held until the last is found, so that they differ; they are free again
/// on return, and whoever is quicker may take one: the node that misses it says so.
pub(super) fn free(regions: usize) -> io::Result<Vec<Ports>> {
    let mut held = Vec::new();
    for _ in 0..regions {
        let loopback = ("127.0.0.1", 0);
        held.push((UdpSocket::bind(loopback)?, UdpSocket::bind(loopback)?, TcpListener::bind(loopback)?));
    }
    let ports = held.iter().map(|(peer, client, admin)| {
        Ok(Ports {
            peer: peer.local_addr()?.port(),
            client: client.local_addr()?.port(),
            admin: admin.local_addr()?.port(),
        })
    });
    ports.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports = free(3).unwrap();
        let udp: BTreeSet<_> = ports.iter().flat_map(|ports| [ports.peer, ports.client]).collect();
        let tcp: BTreeSet<_> = ports.iter().map(|ports| ports.admin).collect();
        assert_eq!((udp.len(), tcp.len()), (6, 3));
    }
}
