//! Stamps and times (P2, P3): each record of a log is stamped above the one before it, across restarts and whatever its clock does; none
//! lies below what a heartbeat of its process has promised; no node's clock follows a peer's into the future; and
//! the time for which a process reads does not go back, or what had ended would live again.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_types::limits::DRIFT_MAX;
use halcyon_types::{ActorId, Dot, Hlc, RegionId, Seq, UnixMs};
use halcyon_wire::{Outcome, PeerMessage, Record, StoredRecord};

use super::Invariant;
use crate::world::{Observation, World};

/// A restart goes on above the persisted ceiling, which is so far ahead of the last stamp; and a stamp may be carried into
/// the next millisecond.
const LEASE: Duration = Duration::from_millis(101);

/// See above.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    stamps: BTreeMap<Dot, Hlc>,
    /// Records behind this one were promised not to lie below that stamp.
    promised: BTreeMap<ActorId, (Seq, Hlc)>,
    walls: BTreeMap<RegionId, Wall>,
    /// The latest time for which each process has read.
    read: BTreeMap<RegionId, UnixMs>,
    judged: u64,
}

/// The latest that a region's own clock has shown.
#[derive(Debug, Default, Clone, Copy)]
struct Wall {
    latest: UnixMs,
    starts: u32,
}

impl Clocks {
    fn stamped(&mut self, records: &[(Record, StoredRecord)]) -> Result<(), String> {
        for (Record { dot, hlc, .. }, _) in records {
            if self.stamps.insert(*dot, *hlc).is_some() {
                continue;
            }
            self.judged += 1;
            let before = self.stamps.get(&Dot { seq: dot.seq.previous(), ..*dot });
            if before.is_some_and(|before| before >= hlc) {
                return Err(format!("{dot} is stamped {hlc:?}, and the one before it {before:?}"));
            }
            if let Some((behind, least)) = self.promised.get(&dot.actor)
                && dot.seq > *behind
                && hlc < least
            {
                return Err(format!("{dot} is stamped {hlc:?}; no stamp below {least:?} was to come behind {behind}"));
            }
        }
        Ok(())
    }

    fn promised(&mut self, actor: ActorId, seq: Seq, hlc: Hlc) {
        let promised = self.promised.entry(actor).or_default();
        if hlc > promised.1 {
            *promised = (seq, hlc);
        }
    }

    fn see_wall(&mut self, at: RegionId, wall: UnixMs) {
        let latest = &mut self.walls.entry(at).or_default().latest;
        *latest = wall.max(*latest);
    }

    fn stands(&mut self, at: RegionId, hlc: Hlc) -> Result<(), String> {
        self.judged += 1;
        let Wall { latest, starts } = self.walls.get(&at).copied().unwrap_or_default();
        let bound = latest.plus(DRIFT_MAX + LEASE * (starts + 1));
        if hlc.wall() <= bound {
            return Ok(());
        }
        Err(format!("the clock of region {at} stands at {hlc:?}; its own never showed more than {}", latest.0))
    }
}

impl Clocks {
    /// What has ended for one reader has not come back for the next.
    fn read_for(&mut self, at: RegionId, now: UnixMs) -> Result<(), String> {
        self.judged += 1;
        let latest = self.read.entry(at).or_insert(now);
        if now < *latest {
            return Err(format!("region {at} reads for {}, and has read for {}", now.0, latest.0));
        }
        *latest = now;
        Ok(())
    }
}

impl Invariant for Clocks {
    fn name(&self) -> &'static str {
        "stamps_rise_and_clocks_stay"
    }

    fn promise(&self) -> &'static str {
        "P3"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let at = match seen {
            Observation::Replied { region, response, now, .. } => {
                let reads = matches!(response.result, Ok(Outcome::Answer(_) | Outcome::Keys(_)));
                return if reads { self.read_for(*region, *now) } else { Ok(()) };
            }
            Observation::Applied { region, .. }
            | Observation::Heard { region, .. }
            | Observation::Started { region, .. }
            | Observation::Stepped { region } => *region,
            Observation::Spoke { from, .. } => *from,
            _ => return Ok(()),
        };
        if let Some(now) = world.clocks(at) {
            self.see_wall(at, now.wall);
        }
        match seen {
            Observation::Started { recovered, .. } => {
                self.walls.entry(at).or_default().starts += 1;
                // What an idle process has promised is not on its disk; its peers count nothing of it from then on.
                self.promised.remove(&recovered.actor);
                self.read.remove(&at);
                self.stands(at, recovered.hlc)
            }
            Observation::Spoke { message: PeerMessage::Heartbeat(beat), .. } => {
                if let Some(node) = world.node(at) {
                    self.promised(node.actor(), beat.seq, beat.hlc);
                }
                self.stands(at, beat.hlc)
            }
            Observation::Applied { records, .. } => self.stamped(records),
            Observation::Stepped { .. } => world.node(at).map_or(Ok(()), |node| self.stands(at, node.replica().hlc())),
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::{actor, hlc, record, region};

    fn stamped(seq: u64, ms: u64) -> (Record, StoredRecord) {
        let (mut record, stored) = record(1, seq, &[]);
        record.hlc = hlc(ms);
        (record, stored)
    }

    #[test]
    fn stamps_that_do_not_rise_are_noticed() {
        let mut clocks = Clocks::default();
        assert_eq!(clocks.stamped(&[stamped(1, 5), stamped(2, 6)]), Ok(()));
        assert!(clocks.stamped(&[stamped(3, 6)]).is_err());
    }

    #[test]
    fn a_stamp_below_a_promise_is_noticed() {
        let mut clocks = Clocks::default();
        clocks.promised(actor(1), Seq(1), hlc(9));
        assert_eq!(clocks.stamped(&[stamped(1, 5)]), Ok(()), "it was under way");
        assert!(clocks.stamped(&[stamped(2, 8)]).is_err());
    }

    #[test]
    fn a_reading_time_that_goes_back_is_noticed() {
        let mut clocks = Clocks::default();
        assert_eq!(clocks.read_for(region(1), UnixMs(5)), Ok(()));
        assert_eq!(clocks.read_for(region(2), UnixMs(4)), Ok(()));
        assert_eq!(clocks.read_for(region(1), UnixMs(5)), Ok(()));
        assert!(clocks.read_for(region(1), UnixMs(4)).is_err());
    }

    #[test]
    fn a_clock_that_follows_too_far_is_noticed() {
        let mut clocks = Clocks::default();
        clocks.see_wall(region(1), hlc(1000).wall());
        assert_eq!(clocks.stands(region(1), hlc(1500)), Ok(()));
        assert!(clocks.stands(region(1), hlc(1700)).is_err());
    }
}
