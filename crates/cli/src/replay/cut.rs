//! Cutting one region off from all others for a part of the replay, through the fault API.

use halcyon_types::RegionName;
use halcyon_types::topology::Topology;
use serde::Serialize;

use super::error::ReplayError;
use crate::admin::{Admin, AdminError, LinkState};

/// Which region is cut off, and for which order lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The region.
    pub(crate) region: RegionName,
    /// Before this order line, counted from 1, its links are cut.
    pub(crate) at: usize,
    /// Before this one they are healed.
    pub(crate) heal: usize,
}

/// What the cut did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CutReport {
    /// The region that was cut off.
    pub region: RegionName,
    /// The first order line played without it.
    pub from_line: usize,
    /// The first order line played with it again.
    pub to_line: usize,
    /// How long it was cut off, in seconds.
    pub seconds: f64,
    /// Records that each region lacked when the links were healed.
    pub behind: Vec<(RegionName, u64)>,
}

/// The links of the region to be cut off.
pub(super) struct Links {
    admin: Admin,
    peers: Vec<RegionName>,
}

impl Links {
    /// Makes sure that the fault API is there, by healing links that are whole.
    pub(super) async fn open(topology: &Topology, region: &RegionName) -> Result<Option<Self>, ReplayError> {
        let Some(cut_off) = topology.region(region) else {
            return Ok(None);
        };
        let peers = topology.regions.iter().map(|other| other.name.clone()).filter(|name| name != region).collect();
        let links = Self { admin: Admin::of(cut_off), peers };
        links.set(LinkState::Up).await?;
        Ok(Some(links))
    }

    /// Cuts or heals them all.
    pub(super) async fn set(&self, state: LinkState) -> Result<(), AdminError> {
        for peer in &self.peers {
            self.admin.link(peer, state).await?;
        }
        Ok(())
    }
}
