//! What faults come to. That one struck says little: a slow disk that nobody wrote to, a wrong clock that stamped nothing,
//! prove nothing. So it is counted where a fault has borne on something.

use std::time::Duration;

use halcyon_core::JobResult;
use halcyon_types::limits::DRIFT_MAX;
use halcyon_types::{Hlc, RegionId};
use halcyon_wire::{Record, StoredRecord};

use super::World;
use super::clock::EPOCH;
use super::fault::When;
use super::link::Arrival;
use super::node::Group;
use super::seat::Seat;

/// A sync that takes so long is slow: many groups' worth of writes wait behind it.
const SLOW_SYNC: Duration = Duration::from_millis(100);

/// A clock that its drift alone has carried so far stamps another millisecond than it should.
const DRIFTED: Duration = Duration::from_millis(1);

impl World {
    /// A message has reached a node that lives.
    pub(super) fn count_arrival(&mut self, Arrival { repeated, overtakes, late, .. }: Arrival) {
        self.figures.add("messages that arrived twice", repeated.into());
        self.figures.add("messages that overtook another", overtakes.into());
        self.figures.add("messages too slow for a pull", late.into());
    }

    /// A group is staged, and its sync will take so long.
    pub(super) fn count_staged(&mut self, region: RegionId, takes: Duration) {
        self.figures.count("groups");
        let Some(node) = self.node(region) else { return };
        let waiting = node.queue.len();
        let writes = node.group.iter().flat_map(|group| &group.results);
        let writes = writes.filter(|(_, result)| matches!(result, JobResult::Written { .. })).count();
        self.figures.add("writes in a slow sync", if takes >= SLOW_SYNC { writes as u64 } else { 0 });
        self.figures.add("groups too full for what waited", u64::from(waiting > 0));
    }

    /// A group is on disk.
    pub(super) fn count_synced(
        &mut self,
        region: RegionId,
        group: &Group,
        records: &[(Record, StoredRecord)],
        stands: Hlc,
    ) {
        let Some(Seat { node: Some(node), clock, background, .. }) = self.seats.get(&region) else { return };
        let (wall, right) = (clock.at(self.now), EPOCH.plus(self.now));
        let drifts = clock.drifted(self.now) >= DRIFTED;
        let figures = &mut self.figures;
        figures.add("rights passed on", group.grants);
        figures.add("sweeps of keys", group.sweeps);
        figures.add("truncations of logs", group.truncations);
        for (_, result) in &group.results {
            match result {
                JobResult::Duplicate(dot) if dot.actor == node.actor() => figures.count("writes answered from storage"),
                JobResult::Duplicate(_) => figures.count("writes answered by another region's record"),
                JobResult::Written { shortages, .. } if !background && !shortages.is_empty() => {
                    figures.count("rights run low and the rebalancer off");
                }
                _ => {}
            }
        }
        for (Record { dot, hlc, .. }, _) in records {
            if dot.actor == node.actor() {
                let (ahead, behind) = (hlc.wall() > right.plus(DRIFT_MAX), hlc.wall() > wall.plus(DRIFT_MAX));
                figures.add("records stamped with the future", ahead.into());
                figures.add("records stamped by a clock that was set back", behind.into());
                figures.add("records stamped by a clock that drifts", drifts.into());
            } else if hlc.wall() > wall.plus(DRIFT_MAX) && *hlc > stands {
                figures.count("stamps of the future that a clock did not follow");
            }
        }
    }
}

impl When {
    /// What a crash at such a moment counts as.
    pub(super) const fn crashes(self) -> &'static str {
        match self {
            Self::Now => "crashes at any moment",
            Self::Syncing => "crashes in mid-sync",
            Self::Synced => "crashes right after a sync",
            Self::Acked => "crashes right after an ack",
            Self::Shipped => "crashes right after own records were sent",
            Self::Relayed => "crashes right after others' records were sent",
            Self::Beat => "crashes right after a heartbeat",
            Self::Received => "crashes right after records came",
            Self::Paged => "crashes right after a page was sent",
            Self::Filled => "crashes right after a page was stored",
            Self::Replacing => "crashes while a copy took its place",
        }
    }
}
