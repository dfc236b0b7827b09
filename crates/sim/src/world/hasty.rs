//! What only the introduction of core and store can do wrong: telling before the disk has it. Here stand the bugs of that kind
//! that can be planted; the driver and the committer's threads of a real node have the same place for them.

use halcyon_core::{JobResult, Ticket};
use halcyon_store::{Backend as _, Durability, MemoryBackend, Sealed, WriteError};
use halcyon_types::RegionId;
use halcyon_types::mutant::{Mutant, planted};

use super::World;

/// Whether nodes tell before their disks have it.
pub(super) fn is_hasty() -> bool {
    planted(Mutant::AckBeforeSync) || planted(Mutant::ShipBeforeSync)
}

/// What was written early reaches the disk.
pub(super) fn sync(backend: &MemoryBackend) -> Result<(), WriteError> {
    backend.write(backend.batch(), Durability::Synced)
}

/// What of a group's results was not told early.
pub(super) fn untold(results: Vec<(Ticket, JobResult)>) -> Vec<(Ticket, JobResult)> {
    if planted(Mutant::AckBeforeSync) { Vec::new() } else { results }
}

impl World {
    /// Tells a core of a group that is only being synced: all that came of it, or only what peers are sent.
    pub(super) fn tell_early(&mut self, region: RegionId) {
        let Some(now) = self.clocks(region) else { return };
        let Some(node) = self.node_mut(region) else { return };
        let Some(group) = &mut node.group else { return };
        let Some(Ok(early)) = group.sealed.take().map(Sealed::write) else { return };
        let results = if planted(Mutant::AckBeforeSync) { group.results.clone() } else { Vec::new() };
        let heads = early.heads.iter().map(|(actor, head)| (*actor, head.hash)).collect();
        let committed = halcyon_core::Committed { results, vv: early.vv.clone(), hlc: early.hlc, heads, facts: None };
        group.early = Some(early);
        node.replica.handle_committed(now, committed);
        self.pump(region);
    }
}
