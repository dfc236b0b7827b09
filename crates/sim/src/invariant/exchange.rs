//! Which answer belongs to which request.

use std::collections::BTreeMap;

use halcyon_types::RegionId;
use halcyon_wire::Body;

use crate::workload::ClientId;
use crate::world::Observation;

/// A request that a node has heard.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) region: RegionId,
    pub(super) body: Body,
}

/// Requests that nodes have heard and not answered, of clients that still wait.
#[derive(Debug, Default)]
pub(super) struct Exchange(BTreeMap<(ClientId, u64), Open>);

impl Exchange {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes note. Gives the request back with its answer.
    pub(super) fn see(&mut self, seen: &Observation<'_>) -> Option<Open> {
        match seen {
            Observation::Heard { client, region, request } => {
                self.0.insert((*client, request.id), Open { region: *region, body: request.body.clone() });
                None
            }
            Observation::Replied { client, response, .. } => self.0.remove(&(*client, response.id)),
            Observation::Parted { client, region } => {
                self.0.retain(|(of, _), open| of != client || open.region != *region);
                None
            }
            Observation::Crashed { region } => {
                self.0.retain(|_, open| open.region != *region);
                None
            }
            _ => None,
        }
    }

    /// Those of a region.
    pub(super) fn of(&self, region: RegionId) -> impl Iterator<Item = (ClientId, u64, &Open)> {
        self.0.iter().filter(move |(_, open)| open.region == region).map(|((client, id), open)| (*client, *id, open))
    }
}

#[cfg(test)]
pub(super) mod fixture {
    //! Records and vectors for the invariants' own tests.

    use halcyon_types::{ActorId, Dot, Hlc, RegionId, RequestId, Seq, UnixMs, VersionVector};
    use halcyon_wire::{Record, StoredRecord};

    pub(crate) fn region(nth: u64) -> RegionId {
        RegionId::try_from(nth).unwrap()
    }

    /// The actor of a region.
    pub(crate) fn actor(nth: u64) -> ActorId {
        ActorId::mint(region(nth), UnixMs(7))
    }

    pub(crate) fn dot(nth: u64, seq: u64) -> Dot {
        Dot { actor: actor(nth), seq: Seq(seq) }
    }

    pub(crate) fn vv(of: &[(u64, u64)]) -> VersionVector {
        of.iter().map(|(nth, seq)| (actor(*nth), Seq(*seq))).collect()
    }

    pub(crate) fn request(n: u8) -> RequestId {
        RequestId::mint(UnixMs(1_800_000_000_000), &[n; 10])
    }

    pub(crate) fn hlc(ms: u64) -> Hlc {
        Hlc::from_parts(UnixMs(1_800_000_000_000 + ms), 0).unwrap()
    }

    /// A record that follows all records of its own log, and these.
    pub(crate) fn record(nth: u64, seq: u64, others: &[(u64, u64)]) -> (Record, StoredRecord) {
        let mut deps = vv(others);
        deps.set(actor(nth), Seq(seq - 1));
        let record = Record { dot: dot(nth, seq), hlc: hlc(seq), deps, ctx: None, request: None, effects: Vec::new() };
        let stored = record.encode(&VersionVector::new());
        (record, stored)
    }
}
