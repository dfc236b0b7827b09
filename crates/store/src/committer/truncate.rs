//! Dropping the oldest records of the logs.

use halcyon_types::{ActorId, Dot, Seq, VersionVector};

use super::Committer;
use crate::backend::{Backend, Family};
use crate::error::Fatal;
use crate::layout;

/// What is dropped goes below the limit by this part of it, so that not every look finds something to drop.
const SLACK: u64 = 16;

/// The part of one log that is there.
struct Extent {
    actor: ActorId,
    floor: Seq,
    records: u64,
    bytes: u64,
}

impl<B: Backend> Committer<B> {
    /// If the logs take more than `bytes_max`, drops the oldest records of each, by its share, up to `stable` and never the
    /// last one. Returns up to where they are dropped once this is committed. One at a time: the one before must be on disk.
    ///
    /// # Errors
    /// [`Fatal`]: stop the process.
    pub fn stage_truncation(&mut self, stable: &VersionVector, bytes_max: u64) -> Result<VersionVector, Fatal> {
        self.alive()?;
        self.reclaim();
        let extents = self.extents();
        let total: u64 = extents.iter().map(|extent| extent.bytes).sum();
        if total > bytes_max {
            let excess = total - bytes_max + bytes_max / SLACK;
            for Extent { actor, floor, records, .. } in extents {
                let share = u128::from(records) * u128::from(excess) / u128::from(total);
                let upto = floor.0.saturating_add(u64::try_from(share).unwrap_or(u64::MAX));
                let last = self.heads.get(&actor).map_or(Seq::ZERO, |head| head.seq.previous());
                let upto = Seq(upto).min(stable.get(actor)).min(last);
                if let Some(first) = floor.next().filter(|first| *first <= upto) {
                    self.group.truncated.push((actor, first, upto));
                    self.floors.set(actor, upto);
                }
            }
        }
        Ok(self.floors.clone())
    }

    fn extents(&self) -> Vec<Extent> {
        let extent = |(actor, head): (&ActorId, &layout::Head)| {
            let floor = self.floors.get(*actor);
            let [from, upto] = [floor, head.seq].map(|seq| layout::log_bound(*actor, seq.next()));
            let bytes = self.backend.bytes(Family::Log, &from, &upto);
            Extent { actor: *actor, floor, records: head.seq.0 - floor.0, bytes }
        };
        self.heads.iter().map(extent).collect()
    }

    /// Gives back the room of what earlier truncations have dropped.
    fn reclaim(&mut self) {
        for (actor, floor) in self.floors.iter() {
            if self.reclaimed.get(actor) >= floor {
                continue;
            }
            let [first, last] = [Seq::ZERO, floor].map(|seq| layout::log_key(Dot { actor, seq }));
            match self.backend.reclaim(Family::Log, &first, &last) {
                Ok(()) => self.reclaimed.set(actor, floor),
                Err(error) => tracing::warn!(%actor, %error, "room of truncated records was not given back"),
            }
        }
    }
}
