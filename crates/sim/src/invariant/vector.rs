//! A region's vector says what it has applied: without a gap, after what it depends on, and never again less (P4, P1), but
//! for a disk that is put back or lost. What came as a copy it has applied, too, in an order in which it could have come.

use std::collections::BTreeMap;

use halcyon_types::{RegionId, VersionVector};
use halcyon_wire::{Record, StoredRecord};

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Vector {
    synced: BTreeMap<RegionId, VersionVector>,
    judged: u64,
}

impl Vector {
    fn applied(&mut self, at: RegionId, vv: &VersionVector, records: &[(Record, StoredRecord)]) -> Result<(), String> {
        let synced = self.synced.entry(at).or_default();
        for (record, _) in records {
            self.judged += 1;
            let dot = record.dot;
            if synced.get(dot.actor).next() != Some(dot.seq) {
                return Err(format!("region {at} applied {dot} behind {}", synced.get(dot.actor)));
            }
            if !record.deps.le(synced) {
                return Err(format!("region {at} applied {dot}, which follows {:?}, at {synced:?}", record.deps));
            }
            if record.deps.get(dot.actor) != dot.seq.previous() || !record.ctx().le(&record.deps) {
                return Err(format!("{dot} follows {:?} and has seen {:?}", record.deps, record.ctx()));
            }
            synced.observe(dot);
        }
        if synced == vv { Ok(()) } else { Err(format!("region {at} says {vv:?}, and has applied {synced:?}")) }
    }

    fn started(&mut self, at: RegionId, vv: &VersionVector) -> Result<(), String> {
        self.judged += 1;
        let synced = self.synced.entry(at).or_default();
        if synced.le(vv) {
            return Ok(());
        }
        Err(format!("region {at} had synced {synced:?}, and starts again from {vv:?}"))
    }
}

impl Invariant for Vector {
    fn name(&self) -> &'static str {
        "vectors_say_what_is_applied"
    }

    fn promise(&self) -> &'static str {
        "P4"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Applied { region, vv, records } => self.applied(*region, vv, records),
            Observation::SetBack { region, disk, .. } => {
                // What it holds beyond that, a crash has kept without a word: it is shown when the node starts.
                let synced = self.synced.entry(*region).or_default();
                *synced = synced.meet(disk);
                Ok(())
            }
            Observation::Started { region, recovered } => self.started(*region, &recovered.vv),
            _ => Ok(()),
        }
    }

    fn end(&mut self, world: &World) -> Result<(), String> {
        for (region, synced) in &self.synced {
            let Some(node) = world.node(*region) else { continue };
            let held = node.reader().snapshot().vv().map_err(|e| e.to_string())?;
            if held != *synced || *node.vv() != *synced {
                return Err(format!(
                    "region {region} has {held:?} on disk, tells of {:?}, and has applied {synced:?}",
                    node.vv()
                ));
            }
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::{record, region, vv};

    #[test]
    fn a_gap_an_early_record_and_a_vector_that_lies_are_noticed() {
        let (a, one) = (region(1), record(1, 1, &[]));
        let mut ok = Vector::default();
        assert_eq!(ok.applied(a, &vv(&[(1, 1)]), std::slice::from_ref(&one)), Ok(()));
        assert_eq!(ok.applied(a, &vv(&[(1, 1), (2, 1)]), &[record(2, 1, &[(1, 1)])]), Ok(()));
        let mut gap = Vector::default();
        assert!(gap.applied(a, &vv(&[(1, 2)]), &[record(1, 2, &[(1, 1)])]).is_err());
        let mut early = Vector::default();
        assert!(early.applied(a, &vv(&[(2, 1)]), &[record(2, 1, &[(1, 1)])]).is_err());
        let mut lies = Vector::default();
        assert!(lies.applied(a, &vv(&[(1, 2)]), &[one]).is_err());
    }

    #[test]
    fn what_was_synced_and_is_gone_after_a_restart_is_noticed() {
        let mut vector = Vector::default();
        vector.applied(region(1), &vv(&[(1, 1)]), &[record(1, 1, &[])]).unwrap();
        assert_eq!(vector.started(region(1), &vv(&[(1, 2)])), Ok(()));
        assert!(vector.started(region(1), &vv(&[])).is_err());
    }
}
