//! From a backup to a data directory, offline.
//!
//! The directory writes as a new actor, whatever the backup's wrote as: of the old log others may hold records that the backup
//! lacks (promise P2). It is made under another name, `DATA.restoring`, and given its own once it is whole and has been opened
//! as a node opens it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use halcyon_store::copy::Fill;
use halcyon_store::{Claim, Committer, RocksBackend};
use halcyon_types::topology::{Region, Topology};
use halcyon_types::{ActorId, NodeId, RegionName, UnixMs, VersionVector};

use super::error::RestoreError;
use super::manifest::Manifest;
use super::write::sync_above;
use super::{part, verify};
use crate::clocks::Clocks;
use crate::node::random_uuid;

/// How far the clocks of two machines may be apart.
const CLOCKS_APART_MS: u64 = 60_000;

/// What is to be restored.
#[derive(Debug, Clone)]
pub struct Order {
    /// The cluster, from `regions.toml`.
    pub topology: Topology,
    /// The region whose directory it becomes: any of the cluster, whichever the backup was taken in.
    pub region: RegionName,
    /// What it is made of: a backup; for [`salvage`](super::salvage()), a data directory.
    pub from: PathBuf,
    /// The data directory: new or empty.
    pub data: PathBuf,
}

/// What a restored directory is.
#[derive(Debug, Clone)]
pub struct Restored {
    /// As whom its node will write.
    pub actor: ActorId,
    /// What it has seen.
    pub vv: VersionVector,
    /// What it was made of.
    pub manifest: Manifest,
}

/// Makes a data directory of a backup. `seen` is told of rows, each twice: verified, then taken in.
///
/// # Errors
/// [`RestoreError`]; no data directory was made.
pub fn restore(order: &Order, mut seen: impl FnMut(u64)) -> Result<Restored, RestoreError> {
    let region = region(order)?;
    let making = making(&order.data)?;
    let manifest = verify(&order.from, &mut seen)?;
    if manifest.cluster != order.topology.cluster {
        let (found, expected) = (manifest.cluster, order.topology.cluster.clone());
        return Err(RestoreError::OtherCluster { found, expected });
    }
    let now = now(&manifest)?;
    let claim = Claim {
        cluster: manifest.cluster.clone(),
        region: region.id,
        region_name: region.name.clone(),
        now,
        node: NodeId(random_uuid()),
    };
    let made = make(&making, &order.from, &manifest, &claim, &mut seen);
    let made = made.and_then(|restored| settle(&making, &order.data).map(|()| restored));
    if made.is_err() {
        // Of no use to anybody, and this call's own.
        let _ = fs::remove_dir_all(&making);
    }
    let (actor, vv) = made?;
    Ok(Restored { actor, vv, manifest })
}

pub(super) fn region(order: &Order) -> Result<&Region, RestoreError> {
    order.topology.region(&order.region).ok_or_else(|| {
        let known: Vec<_> = order.topology.regions.iter().map(|region| region.name.as_str()).collect();
        RestoreError::UnknownRegion { region: order.region.clone(), known: known.join(", ") }
    })
}

/// Where the directory is made, if it may be made at all.
pub(super) fn making(data: &Path) -> Result<PathBuf, RestoreError> {
    let empty = fs::read_dir(data).map(|mut found| found.next().is_none());
    match empty {
        Ok(true) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) if error.kind() != ErrorKind::NotADirectory => return Err(RestoreError::io(data)(error)),
        Ok(false) | Err(_) => return Err(RestoreError::NotEmpty { data: data.to_owned() }),
    }
    sibling(data, "restoring")
}

/// A directory beside `data` that is not there yet.
pub(super) fn sibling(data: &Path, what: &str) -> Result<PathBuf, RestoreError> {
    let Some(name) = data.file_name() else {
        return Err(RestoreError::io(data)(io::Error::other("give the directory by its name")));
    };
    let mut name = name.to_owned();
    name.push(format!(".{what}"));
    let sibling = data.with_file_name(name);
    if sibling.symlink_metadata().is_ok() { Err(RestoreError::Leftover { dir: sibling }) } else { Ok(sibling) }
}

/// The time at which the new log begins.
fn now(manifest: &Manifest) -> Result<UnixMs, RestoreError> {
    let (now, then) = (Clocks::start().now().wall, manifest.taken.max(manifest.hlc.wall()));
    match then.0.saturating_sub(now.0) {
        behind if behind > CLOCKS_APART_MS => Err(RestoreError::ClockBehind { behind_s: behind / 1000 }),
        _ => Ok(now.max(manifest.taken)),
    }
}

fn make(
    dir: &Path,
    backup: &Path,
    manifest: &Manifest,
    claim: &Claim,
    mut seen: impl FnMut(u64),
) -> Result<(ActorId, VersionVector), RestoreError> {
    let mut fill = Fill::begin(RocksBackend::open(dir)?)?;
    for part in &manifest.parts {
        part::read(backup, part, |entries, rows| {
            fill.page(entries)?;
            seen(rows);
            Ok::<_, RestoreError>(())
        })?;
    }
    let otherwise = |what: &str| RestoreError::Otherwise { what: what.to_owned() };
    if fill.rows() != manifest.rows() {
        return Err(otherwise("the number of rows"));
    }
    if fill.restored(claim, manifest.hlc)? != manifest.vv {
        return Err(otherwise("the version vector"));
    }
    // As its node will, so that what is wrong with it shows now.
    let (_, recovered) = Committer::open(RocksBackend::open(dir)?, claim)?;
    if recovered.vv != manifest.vv {
        return Err(otherwise("the version vector"));
    }
    Ok((recovered.actor, recovered.vv))
}

/// Gives the directory its name.
pub(super) fn settle(making: &Path, data: &Path) -> Result<(), RestoreError> {
    // An empty directory makes way.
    let renamed = fs::rename(making, data).and_then(|()| sync_above(data));
    renamed.map_err(RestoreError::io(data))
}
