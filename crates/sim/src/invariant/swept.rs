//! What has ended is swept only once every region's clock has passed its end (P6): whatever a region commits that the sweep
//! has not seen was committed behind that end, so nobody took the key for a living one.
//!
//! A process that begins anew may have another clock than the one before it, of which others may not know yet: what it stamps
//! below that one's word is not judged.

use std::collections::BTreeMap;

use halcyon_types::{Dot, Hlc, RegionId, UnixMs, VersionVector};
use halcyon_wire::{PeerMessage, Record};

use super::Invariant;
use super::told::{Meaning, Shared};
use crate::world::{Observation, World};

/// See above.
#[derive(Debug)]
pub(super) struct Swept {
    told: Shared,
    words: BTreeMap<RegionId, Word>,
    made: BTreeMap<Dot, Hlc>,
    sweeps: Vec<Sweep>,
    judged: u64,
}

/// The highest stamp behind which a region has said that its records will lie.
#[derive(Debug, Default, Clone, Copy)]
struct Word {
    now: Hlc,
    /// In earlier lives.
    before: Hlc,
}

#[derive(Debug)]
struct Sweep {
    dot: Dot,
    saw: VersionVector,
    /// The latest end among those that it swept.
    end: UnixMs,
}

impl Sweep {
    /// Whether a record that it has not seen lies before the end.
    fn is_early(&self, dot: Dot, hlc: Hlc) -> bool {
        dot.actor != self.dot.actor && !self.saw.covers(dot) && hlc.wall() < self.end
    }

    fn complain(&self, dot: Dot, hlc: Hlc) -> String {
        format!("{} sweeps what ends at {} and has not seen {dot}, of {hlc:?}", self.dot, self.end.0)
    }
}

impl Swept {
    pub(super) fn new(told: Shared) -> Self {
        Self { told, words: BTreeMap::new(), made: BTreeMap::new(), sweeps: Vec::new(), judged: 0 }
    }

    fn makes(&mut self, at: RegionId, Record { dot, hlc, .. }: &Record) -> Result<(), String> {
        if *hlc < self.words.get(&at).copied().unwrap_or_default().before {
            return Ok(());
        }
        self.made.insert(*dot, *hlc);
        match self.sweeps.iter().find(|sweep| sweep.is_early(*dot, *hlc)) {
            Some(sweep) => Err(sweep.complain(*dot, *hlc)),
            None => Ok(()),
        }
    }

    fn sweeps(&mut self, sweep: Sweep) -> Result<(), String> {
        self.judged += 1;
        if let Some((dot, hlc)) = self.made.iter().find(|(dot, hlc)| sweep.is_early(**dot, **hlc)) {
            return Err(sweep.complain(*dot, *hlc));
        }
        self.sweeps.push(sweep);
        Ok(())
    }

    /// The record as a sweep, if it is one.
    fn sweep_of(&self, record: &Record) -> Option<Sweep> {
        if record.request.is_some() {
            return None;
        }
        let told = self.told.borrow();
        let Ok(Meaning::Sweep(commands)) = told.meaning(record) else { return None };
        let keys = commands.iter().map(|command| &command.object.key);
        let end = keys.filter_map(|key| told.oracle.truth_of(&record.deps, key).deadline(key)).max()?;
        Some(Sweep { dot: record.dot, saw: record.deps.clone(), end })
    }
}

impl Invariant for Swept {
    fn name(&self) -> &'static str {
        "what_has_ended_is_swept_late"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Spoke { from, message: PeerMessage::Heartbeat(beat), .. } => {
                let word = self.words.entry(*from).or_default();
                word.now = word.now.max(beat.hlc);
                Ok(())
            }
            Observation::SetBack { left, .. } => {
                self.made.retain(|dot, _| left.covers(*dot));
                Ok(())
            }
            Observation::Started { region, .. } => {
                let word = self.words.entry(*region).or_default();
                word.before = word.before.max(word.now);
                Ok(())
            }
            Observation::Applied { region, records, .. } => {
                for (record, _) in records.iter().filter(|(record, _)| record.dot.actor.region() == Some(*region)) {
                    self.makes(*region, record)?;
                    if let Some(sweep) = self.sweep_of(record) {
                        self.sweeps(sweep)?;
                    }
                }
                Ok(())
            }
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
    use crate::invariant::exchange::fixture::{hlc, record, region, vv};

    fn made(actor: u64, seq: u64, ms: u64) -> Record {
        let mut record = record(actor, seq, &[]).0;
        record.hlc = hlc(ms);
        record
    }

    fn sweep(saw: &[(u64, u64)], end: u64) -> Sweep {
        Sweep { dot: made(1, 1, 99).dot, saw: vv(saw), end: hlc(end).wall() }
    }

    #[test]
    fn a_record_from_before_the_end_that_a_sweep_has_not_seen_is_noticed_in_either_order() {
        let (early, late) = (made(2, 1, 49), made(2, 1, 50));
        for (unseen, fine) in [(&late, true), (&early, false)] {
            let mut swept = Swept::new(Shared::default());
            assert_eq!(swept.sweeps(sweep(&[], 50)), Ok(()));
            assert_eq!(swept.makes(region(2), unseen).is_ok(), fine);
            let mut swept = Swept::new(Shared::default());
            assert_eq!(swept.makes(region(2), unseen), Ok(()));
            assert_eq!(swept.sweeps(sweep(&[], 50)).is_ok(), fine);
            assert_eq!(swept.sweeps(sweep(&[(2, 1)], 50)), Ok(()), "it has seen it");
        }
    }

    #[test]
    fn a_new_life_is_not_held_to_the_word_of_the_one_before() {
        let mut swept = Swept::new(Shared::default());
        swept.words.insert(region(2), Word { now: hlc(60), before: hlc(60) });
        assert_eq!(swept.sweeps(sweep(&[], 50)), Ok(()));
        assert_eq!(swept.makes(region(2), &made(2, 1, 49)), Ok(()));
    }
}
