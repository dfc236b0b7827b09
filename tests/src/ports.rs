//! Ports that nobody else takes, for as long as a cluster lives: its nodes are killed and come back to the same ones.
//!
//! A block of ports below the range from which systems hand out ephemeral ones is held by listening on its first port,
//! which works across test processes and ends with them. The others are tried before they are given out.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process;

const FIRST: u16 = 20_000;
const BLOCKS: u16 = 350;
const BLOCK: u16 = 32;

/// Ports of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RegionPorts {
    pub(crate) peer: u16,
    pub(crate) client: u16,
    pub(crate) admin: u16,
}

/// A held block.
#[derive(Debug)]
pub(crate) struct PortBlock {
    first: u16,
    _held: TcpListener,
}

impl PortBlock {
    /// Any block whose ports are all free.
    pub(crate) fn hold() -> Self {
        let from = u16::try_from(process::id() % u32::from(BLOCKS)).unwrap_or(0);
        (0..BLOCKS)
            .map(|step| FIRST + BLOCK * ((from + step) % BLOCKS))
            .find_map(Self::try_hold)
            .expect("free ports on loopback")
    }

    fn try_hold(first: u16) -> Option<Self> {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).ok()?;
        let free = (first + 1..first + BLOCK).all(|port| {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
                && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        free.then_some(Self { first, _held: held })
    }

    /// The ports of the region at `index`.
    pub(crate) fn region(&self, index: usize) -> RegionPorts {
        let first = self.first + 1 + 3 * u16::try_from(index).expect("few regions");
        assert!(first + 2 < self.first + BLOCK, "a block has ports for ten regions");
        RegionPorts { peer: first, client: first + 1, admin: first + 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clusters_never_share_a_port() {
        let (one, other) = (PortBlock::hold(), PortBlock::hold());
        assert!(one.first.abs_diff(other.first) >= BLOCK);
        assert!(one.region(4).admin < one.first + BLOCK);
        assert_eq!(one.region(0).peer + 3, one.region(1).peer);
    }
}
