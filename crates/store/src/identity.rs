//! Whose data this is. Written once, synced before anything else, read at every start and compared.
//!
//! A new directory mints a new actor, which is always safe: one more entry in version vectors. An old directory never
//! changes hands: its log is its actor's, and a second writer of that log would fork it (promise P2).

use halcyon_types::{ActorId, ClusterName, NodeId, RegionId, RegionName, UnixMs, VersionVector};
use uuid::Uuid;

use crate::backend::{Backend, Batch, Durability, Family};
use crate::cells::{Cell, CellError};
use crate::error::OpenError;
use crate::layout::{self, IDENTITY_KEY, VALUE_VERSION};

/// What a starting node says about itself.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its cluster.
    pub cluster: ClusterName,
    /// Its region.
    pub region: RegionId,
    /// Its region's name, kept for messages; the number is what counts.
    pub region_name: RegionName,
    /// Its wall clock. A new actor is minted at this time.
    pub now: UnixMs,
    /// A random name, used if the directory is new.
    pub node: NodeId,
}

/// What a directory says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) node: NodeId,
    pub(crate) actor: ActorId,
    region: RegionId,
    cluster: String,
    region_name: String,
}

impl Identity {
    /// The directory's identity, checked against the claim; or a new one, committed and synced, if it has none.
    pub(crate) fn establish<B: Backend>(backend: &B, claim: &Claim) -> Result<Self, OpenError> {
        let found = backend.with(Family::Local, &IDENTITY_KEY, |value| value.map(Self::decode))?;
        match found {
            Some(Ok(identity)) => {
                identity.check(claim)?;
                Ok(identity)
            }
            Some(Err(CellError::Version { found })) => {
                Err(OpenError::Format { found: found.into(), expected: VALUE_VERSION.into() })
            }
            Some(Err(error)) => Err(OpenError::Damaged { reason: format!("identity: {error}") }),
            None => Self::begin(backend, claim),
        }
    }

    /// That nothing is there yet.
    pub(crate) fn check_empty<B: Backend>(backend: &B) -> Result<(), OpenError> {
        let mut any = false;
        for family in Family::ALL {
            backend.scan(family, &[], None, |_, _| {
                any = true;
                std::ops::ControlFlow::Break(())
            })?;
        }
        if any {
            return Err(OpenError::Damaged { reason: "there is data, but no identity that owns it".to_owned() });
        }
        Ok(())
    }

    pub(crate) fn new(claim: &Claim) -> Self {
        Self {
            node: claim.node,
            actor: ActorId::mint(claim.region, claim.now),
            region: claim.region,
            cluster: claim.cluster.as_str().to_owned(),
            region_name: claim.region_name.as_str().to_owned(),
        }
    }

    fn begin<B: Backend>(backend: &B, claim: &Claim) -> Result<Self, OpenError> {
        Self::check_empty(backend)?;
        let identity = Self::new(claim);
        let mut batch = backend.batch();
        batch.put(Family::Local, &IDENTITY_KEY, &identity.encode());
        let mut vv = Vec::new();
        layout::put_vv(&mut vv, &halcyon_types::VersionVector::new());
        batch.put(Family::State, &layout::VV_KEY, &vv);
        backend.write(batch, Durability::Synced)?;
        Ok(identity)
    }

    /// The same directory, with a log of its own anew: above every log of its region that is known.
    pub(crate) fn mint(&mut self, now: UnixMs, known: &VersionVector) {
        let own = known.iter().map(|(actor, _)| actor).filter(|actor| actor.region() == Some(self.region));
        let last = own.chain([self.actor]).map(ActorId::minted_at).max();
        let next = last.map_or(UnixMs(0), |last| UnixMs(last.0 + 1));
        self.actor = ActorId::mint(self.region, now.max(next));
    }

    fn check(&self, claim: &Claim) -> Result<(), OpenError> {
        if self.cluster != claim.cluster.as_str() {
            return Err(OpenError::OtherCluster {
                found: self.cluster.clone(),
                expected: claim.cluster.as_str().to_owned(),
            });
        }
        if self.region != claim.region {
            return Err(OpenError::OtherRegion {
                found: self.region,
                found_name: self.region_name.clone(),
                expected: claim.region,
            });
        }
        if self.actor.region() != Some(self.region) {
            return Err(OpenError::Damaged {
                reason: format!("identity: actor {} is not of region {}", self.actor, self.region),
            });
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VALUE_VERSION];
        out.extend_from_slice(self.node.0.as_bytes());
        out.extend_from_slice(&self.actor.as_u64().to_be_bytes());
        out.extend_from_slice(&self.region.get().to_be_bytes());
        for name in [&self.cluster, &self.region_name] {
            // Names are at most 63 bytes (`NAME_BYTES_MAX`).
            out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(name.as_bytes());
        }
        out
    }

    fn decode(value: &[u8]) -> Result<Self, CellError> {
        let mut cell = Cell::open(value)?;
        let identity = Self {
            node: NodeId(Uuid::from_bytes(cell.array()?)),
            actor: ActorId::from_u64(cell.u64()?),
            region: RegionId::try_from(u64::from(u16::from_be_bytes(cell.array()?)))
                .map_err(|_| CellError::Range { what: "a region" })?,
            cluster: cell.text()?.to_owned(),
            region_name: cell.text()?.to_owned(),
        };
        cell.end()?;
        Ok(identity)
    }
}
