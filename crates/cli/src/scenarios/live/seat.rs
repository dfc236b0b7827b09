//! One of the three regions: its node, as an application and as an operator reaches it.

use std::collections::BTreeMap;
use std::path::Path;

use halcyon_client::{Client, ReadError, SessionToken};
use halcyon_types::topology::{Region, Topology};
use halcyon_types::{ActorId, Dot, RegionName, Seq, UnixMs, VersionVector};
use serde::Deserialize;

use super::error::LiveError;
use crate::admin::{Admin, AdminError};
use crate::connect::connect;

/// A region.
pub(super) struct Seat {
    pub(super) name: RegionName,
    pub(super) client: Client,
    pub(super) admin: Admin,
    /// The present incarnation of its log.
    pub(super) actor: ActorId,
    /// Every other region of the cluster, those without a seat too.
    pub(super) peers: Vec<RegionName>,
}

/// What `/status` says, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Status {
    actor: String,
    received: BTreeMap<String, u64>,
    hlc_ms: u64,
    wall_ms: u64,
    queues: Queues,
    fault_api: bool,
}

#[derive(Debug, Deserialize)]
struct Queues {
    jobs: u64,
}

/// How far a region is.
pub(super) struct Standing {
    /// What has arrived without a gap, applied or not.
    pub(super) received: VersionVector,
    /// Whether the committer has nothing to do: whatever has arrived is applied, or waits for what it depends on.
    pub(super) idle: bool,
    /// Its time: its wall clock, or what it has stamped or heard since.
    pub(super) now: UnixMs,
}

impl Seat {
    /// Connects, and makes sure that faults can be asked for. Nothing is changed yet.
    pub(super) async fn take(topology: &Topology, region: &Region, certs: &Path) -> Result<Self, LiveError> {
        let name = region.name.clone();
        let admin = Admin::of(region);
        let status = status(&name, &admin).await?;
        if !status.fault_api {
            return Err(AdminError::NoFaultApi { region: name }.into());
        }
        let of_seq_one = vector(&name, &BTreeMap::from([(status.actor, 1)]))?;
        let actor = of_seq_one.iter().next().map(|(actor, _)| actor);
        let problem = || "it names no actor".to_owned();
        let actor = actor.ok_or_else(|| LiveError::Status { region: name.clone(), problem: problem() })?;
        let peers = topology.regions.iter().map(|region| region.name.clone()).filter(|peer| *peer != name).collect();
        Ok(Self { client: connect(topology, certs, &name).await?, name, admin, actor, peers })
    }

    /// What it has applied and synced.
    pub(super) async fn vector(&self) -> Result<VersionVector, LiveError> {
        Ok(self.client.token().await.map_err(|error| self.unread(error))?.into())
    }

    /// A read that it did not answer.
    pub(super) fn unread(&self, error: ReadError) -> LiveError {
        LiveError::Read { region: self.name.clone(), source: Box::new(error) }
    }

    /// How far it is.
    pub(super) async fn standing(&self) -> Result<Standing, LiveError> {
        let status = status(&self.name, &self.admin).await?;
        Ok(Standing {
            received: vector(&self.name, &status.received)?,
            idle: status.queues.jobs == 0,
            now: UnixMs(status.wall_ms.max(status.hlc_ms)),
        })
    }

    /// Its own last record.
    pub(super) fn last_of(&self, vv: &VersionVector) -> Option<Dot> {
        let seq = vv.get(self.actor);
        (seq > Seq::ZERO).then_some(Dot { actor: self.actor, seq })
    }
}

async fn status(region: &RegionName, admin: &Admin) -> Result<Status, LiveError> {
    let document = admin.status().await?;
    let read = Status::deserialize(document);
    read.map_err(|error| LiveError::Status { region: region.clone(), problem: error.to_string() })
}

/// Actors are printed as session tokens print them.
fn vector(region: &RegionName, printed: &BTreeMap<String, u64>) -> Result<VersionVector, LiveError> {
    let entries: Vec<_> =
        printed.iter().filter(|(_, seq)| **seq > 0).map(|(actor, seq)| format!("{actor}:{seq}")).collect();
    if entries.is_empty() {
        return Ok(VersionVector::new());
    }
    let token = entries.join(",").parse::<SessionToken>();
    let unusable =
        |error: halcyon_client::TokenError| LiveError::Status { region: region.clone(), problem: error.to_string() };
    Ok(token.map_err(unusable)?.into())
}
