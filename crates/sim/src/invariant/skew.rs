//! A clock that is off stamps no writes (P3), and none is said to be off that is not: a region that hears three clocks or
//! more, and whose own is far from each other's and on the same side of them, be it known to it or not, acknowledges no write
//! that it hears then; and whoever refuses one for its clock, or alarms, has lately been apart from another.
//!
//! What is judged is far beyond any doubt: no heartbeat is so long under way, and no step of a clock so recent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_core::Alarm;
use halcyon_types::limits::SKEW_MAX;
use halcyon_types::{RegionId, UnixMs};
use halcyon_wire::{Body, Outcome, Refusal};

use super::Invariant;
use crate::workload::ClientId;
use crate::world::{EPOCH, Observation, World};

/// Further off than this a clock is for sure, however long its judges' words were under way.
const FAR: Duration = Duration::from_secs(20);
/// Round trips of so long, in the mean, may have had any length lately.
const LONG_ROUND: Duration = Duration::from_millis(500);
/// What rounding to milliseconds may make of a difference.
const ROUNDING: Duration = Duration::from_millis(5);
/// Less is no step of a clock, as it drifts.
const STEP: Duration = Duration::from_millis(200);
/// For less than so long a word about a clock counts.
const COUNTS_FOR: Duration = Duration::from_millis(1100);
/// For so long at most it is under way, or waits for a node that stands still.
const UNDER_WAY: Duration = Duration::from_secs(8);

/// A region's wall clock.
#[derive(Debug, Clone, Copy)]
struct Wall {
    ahead_ms: i64,
    /// What it was ahead since it was last set, or little else.
    stood_ms: i64,
    /// When that was. At the beginning of the world all are right.
    set: Option<Duration>,
    /// When it was last apart from another.
    apart: Option<Duration>,
}

/// See above.
#[derive(Debug, Default)]
pub(super) struct Skew {
    walls: BTreeMap<RegionId, Wall>,
    /// Writes that must be refused.
    doomed: BTreeSet<(ClientId, u64)>,
    judged: u64,
}

impl Skew {
    fn look(&mut self, now: Duration, walls: impl Iterator<Item = (RegionId, UnixMs)>) {
        let right = EPOCH.plus(now).0;
        for (region, wall) in walls {
            let ahead_ms = i64::try_from(wall.0).unwrap_or(i64::MAX) - i64::try_from(right).unwrap_or(i64::MAX);
            let new = Wall { ahead_ms, stood_ms: ahead_ms, set: None, apart: None };
            let wall = self.walls.entry(region).or_insert(new);
            wall.ahead_ms = ahead_ms;
            if Duration::from_millis(wall.stood_ms.abs_diff(ahead_ms)) >= STEP {
                (wall.stood_ms, wall.set) = (ahead_ms, Some(now));
            }
        }
        let ahead: Vec<_> = self.walls.values().map(|wall| wall.ahead_ms).collect();
        for wall in self.walls.values_mut() {
            let between = |other: &i64| Duration::from_millis(other.abs_diff(wall.ahead_ms));
            // No clock is said to be off for less, nor still to be off.
            if ahead.iter().any(|other| between(other) + ROUNDING > SKEW_MAX / 2) {
                wall.apart = Some(now);
            }
        }
    }

    /// Whether a region's clock must be known there to be off, being so far apart from all others, if it hears enough of them.
    fn is_surely_off(&self, now: Duration, at: RegionId, far: Duration) -> bool {
        let Some(own) = self.walls.get(&at) else { return false };
        let others: Vec<_> = self.walls.iter().filter(|(region, _)| **region != at).map(|(_, wall)| wall).collect();
        let for_long = |wall: &Wall, long| wall.set.is_none_or(|set| set + long <= now);
        let long = for_long(own, COUNTS_FOR) && others.iter().all(|wall| for_long(wall, UNDER_WAY));
        let off = |ahead: bool| {
            let far = |wall: &&Wall| Duration::from_millis(wall.ahead_ms.abs_diff(own.ahead_ms)) > far;
            others.iter().all(|wall| far(wall) && (own.ahead_ms > wall.ahead_ms) == ahead)
        };
        long && (off(true) || off(false))
    }

    fn said_to_be_off(&mut self, now: Duration, at: RegionId) -> Result<(), String> {
        self.judged += 1;
        let apart = self.walls.get(&at).and_then(|wall| wall.apart);
        if apart.is_some_and(|apart| now <= apart + UNDER_WAY) {
            return Ok(());
        }
        Err(format!("region {at} takes its clock for wrong, which was last apart from another's at {apart:?}"))
    }
}

/// How far off a clock must be to be known as off, if enough others are heard for a verdict.
fn known_beyond(world: &World, at: RegionId) -> Option<Duration> {
    let status = world.node(at)?.replica().status(world.clocks(at)?);
    let longest = status.peers.iter().filter_map(|peer| peer.rtt).max().unwrap_or_default();
    // A mean in which each counts an eighth tells what the last one was at most; and what is no step has no time.
    let far = if longest < LONG_ROUND { SKEW_MAX + longest * 8 + STEP * 2 + ROUNDING } else { FAR };
    (status.clock.clocks >= 3).then_some(far)
}

impl Invariant for Skew {
    fn name(&self) -> &'static str {
        "a_clock_that_is_off_stamps_no_writes"
    }

    fn promise(&self) -> &'static str {
        "P3"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let now = world.now();
        let matters = matches!(
            seen,
            Observation::Stepped { .. }
                | Observation::Heard { .. }
                | Observation::Replied { .. }
                | Observation::Alarmed { .. }
        );
        if matters {
            self.look(now, world.regions().filter_map(|region| Some((region, world.wall(region)?))));
        }
        match seen {
            Observation::Heard { client, region, request } => {
                let Body::Write(write) = &request.body else { return Ok(()) };
                let waits = world.node(*region).is_none_or(|node| !write.session.token.le(node.vv()));
                let far = known_beyond(world, *region).filter(|_| !waits);
                if far.is_some_and(|far| self.is_surely_off(now, *region, far)) {
                    self.judged += 1;
                    self.doomed.insert((*client, request.id));
                }
                Ok(())
            }
            Observation::Replied { client, region, response, .. } => {
                let doomed = self.doomed.remove(&(*client, response.id));
                match &response.result {
                    Ok(Outcome::Written(receipt)) if doomed => Err(format!(
                        "region {region} has written {} by a clock that is far from all others' and heard them",
                        receipt.dot
                    )),
                    Err(Refusal::ClockSkew { .. }) if known_beyond(world, *region).is_some() => {
                        self.said_to_be_off(now, *region)
                    }
                    _ => Ok(()),
                }
            }
            Observation::Alarmed { region, alarm: Alarm::ClockSkew { .. } } => self.said_to_be_off(now, *region),
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
    use crate::invariant::exchange::fixture::region;

    const FIRST: Duration = Duration::from_secs(1);

    /// A world whose clocks were set so far ahead at once.
    fn ahead(ahead_ms: &[u64]) -> Skew {
        let mut skew = Skew::default();
        for ahead_ms in [&vec![0; ahead_ms.len()][..], ahead_ms] {
            skew.look(FIRST, (1..).zip(ahead_ms).map(|(n, ms)| (region(n), UnixMs(EPOCH.plus(FIRST).0 + ms))));
        }
        skew
    }

    #[test]
    fn a_clock_far_from_all_others_is_off_and_one_between_them_is_not() {
        let off = |ahead_ms: &[u64], n| ahead(ahead_ms).is_surely_off(Duration::from_mins(1), region(n), FAR);
        assert!(off(&[60_000, 0, 10], 1) && !off(&[60_000, 0, 10], 2), "the others are near each other");
        assert!(off(&[0, 60_000, 90_000], 1) && !off(&[0, 60_000, 90_000], 2));
        assert!(!off(&[10_000, 0, 10], 1), "so little may be hidden");
        let at = |ahead_ms: &[u64], late| ahead(ahead_ms).is_surely_off(FIRST + late, region(1), FAR);
        assert!(at(&[60_000, 0, 10], COUNTS_FOR) && !at(&[60_000, 0, 10], COUNTS_FOR / 2));
        assert!(!at(&[0, 60_000, 60_000], COUNTS_FOR), "others' clocks are told of late");
    }

    #[test]
    fn an_accusation_without_a_cause_is_noticed() {
        let said = |ahead_ms: &[u64], at| ahead(ahead_ms).said_to_be_off(at, region(1));
        assert_eq!(said(&[300, 0, 0], FIRST), Ok(()));
        assert!(said(&[100, 0, 0], FIRST).is_err());
        assert!(said(&[300, 0, 0], FIRST + UNDER_WAY * 2).is_err(), "that was long ago");
    }
}
