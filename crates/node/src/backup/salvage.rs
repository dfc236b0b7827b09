//! From a data directory that does not open to one that does, offline: as much of it as is whole.

use std::fs;
use std::path::Path;

use halcyon_store::copy::salvage as save;
use halcyon_store::{Claim, Committer, Lost, RocksBackend};
use halcyon_types::{ActorId, NodeId, VersionVector};

use super::error::RestoreError;
use super::restore::{Order, making, region, settle, sibling};
use crate::clocks::Clocks;
use crate::node::random_uuid;

/// What a salvaged directory is.
#[derive(Debug, Clone)]
pub struct Salvaged {
    /// As whom its node will write.
    pub actor: ActorId,
    /// What it has seen.
    pub vv: VersionVector,
    /// What was left out.
    pub lost: Lost,
}

/// Makes a data directory of what is whole of `order.from`, a data directory of the same region. It writes as a new actor: of the
/// old log the others may hold records that are lost here (promise P2). `seen` is told of
/// bytes. The damaged directory stays as
/// it is.
///
/// # Errors
/// [`RestoreError`]; no data directory was made.
pub fn salvage(order: &Order, mut seen: impl FnMut(u64)) -> Result<Salvaged, RestoreError> {
    let region = region(order)?;
    let making = making(&order.data)?;
    let scratch = sibling(&order.data, "salvaging")?;
    let claim = Claim {
        cluster: order.topology.cluster.clone(),
        region: region.id,
        region_name: region.name.clone(),
        now: Clocks::start().now().wall,
        node: NodeId(random_uuid()),
    };
    let made = make(&order.from, &scratch, &making, &claim, &mut seen);
    let made = made.and_then(|salvaged| settle(&making, &order.data).map(|()| salvaged));
    // Both are this call's own, and of no use to anybody.
    let _ = fs::remove_dir_all(&scratch);
    if made.is_err() {
        let _ = fs::remove_dir_all(&making);
    }
    made
}

fn make(
    from: &Path,
    scratch: &Path,
    making: &Path,
    claim: &Claim,
    seen: impl FnMut(u64),
) -> Result<Salvaged, RestoreError> {
    let (old, lost) = RocksBackend::open_what_is_whole(from, scratch)?;
    let vv = save(old, RocksBackend::open(making)?, claim, seen)?;
    // As its node will.
    let (_, recovered) = Committer::open(RocksBackend::open(making)?, claim)?;
    if recovered.vv != vv {
        return Err(RestoreError::Otherwise { what: "the version vector".to_owned() });
    }
    Ok(Salvaged { actor: recovered.actor, vv, lost })
}
