//! Dropping the oldest records of the logs.

use halcyon_types::limits::LOG_SLACK;
use halcyon_types::{ActorId, Dot, Seq, UnixMs, VersionVector};
use halcyon_wire::Record;

use super::Committer;
use crate::backend::{Backend, Family};
use crate::error::{Fatal, ReadError};
use crate::layout;
use crate::outcome::Logs;

/// The part of one log that is there.
struct Extent {
    actor: ActorId,
    floor: Seq,
    /// The last record.
    head: Seq,
    bytes: u64,
    /// Of its records, the oldest, that may be dropped.
    free: u64,
}

impl Extent {
    fn bytes_of(&self, records: u64) -> u64 {
        let bytes = u128::from(self.bytes) * u128::from(records) / u128::from((self.head.0 - self.floor.0).max(1));
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl<B: Backend> Committer<B> {
    /// If the logs take more than `bytes_max`, drops the oldest records of each, by its share of what may be dropped: up to
    /// `upto`, if a time is given only those with an older stamp, and never the last one. What counts is on disk but for what
    /// the database still keeps in memory. Returns how the logs stand once this is committed. One at a time: the one before
    /// must be on disk.
    ///
    /// # Errors
    /// [`Fatal`]: stop the process.
    pub fn stage_truncation(
        &mut self,
        upto: &VersionVector,
        older_than: Option<UnixMs>,
        bytes_max: u64,
    ) -> Result<Logs, Fatal> {
        self.alive()?;
        self.reclaim();
        let mut extents = self.extents();
        let mut bytes: u64 = extents.iter().map(|extent| extent.bytes).sum();
        if bytes > bytes_max {
            for extent in &mut extents {
                extent.free = self.free(extent, upto, older_than);
            }
            bytes -= self.drop_oldest(&extents, bytes - bytes_max + bytes_max / LOG_SLACK);
        }
        let behind = extents.iter().filter_map(|extent| self.first_behind(extent, upto.get(extent.actor)));
        let next = behind.min_by_key(|(_, stamp)| *stamp);
        Ok(Logs { floors: self.floors.clone(), bytes, next })
    }

    /// So many bytes of what may be dropped, or all of it. Returns how many.
    fn drop_oldest(&mut self, extents: &[Extent], excess: u64) -> u64 {
        let free: u64 = extents.iter().map(|extent| extent.bytes_of(extent.free)).sum();
        let mut dropped = 0;
        for extent in extents {
            let share = u128::from(extent.free) * u128::from(excess);
            // Rounded up: where too little is dropped, the next look finds the logs as full.
            let share = u64::try_from(share.div_ceil(u128::from(free.max(1)))).unwrap_or(u64::MAX).min(extent.free);
            let upto = Seq(extent.floor.0 + share);
            if let Some(first) = extent.floor.next().filter(|first| *first <= upto) {
                self.group.truncated.push((extent.actor, first, upto));
                self.floors.set(extent.actor, upto);
                dropped += extent.bytes_of(share);
            }
        }
        dropped
    }

    fn extents(&self) -> Vec<Extent> {
        let extent = |(actor, head): (&ActorId, &layout::Head)| {
            let floor = self.floors.get(*actor);
            let [from, upto] = [floor, head.seq].map(|seq| layout::log_bound(*actor, seq.next()));
            let bytes = self.backend.bytes(Family::Log, &from, &upto);
            Extent { actor: *actor, floor, head: head.seq, bytes, free: 0 }
        };
        self.heads.iter().map(extent).collect()
    }

    /// How many of a log's records may be dropped.
    fn free(&self, log: &Extent, upto: &VersionVector, older_than: Option<UnixMs>) -> u64 {
        let upto = upto.get(log.actor).min(log.head.previous());
        let upto = older_than.map_or(upto, |time| self.last_before(log, upto, time));
        upto.0.saturating_sub(log.floor.0)
    }

    /// The last record of a log up to `upto` with a stamp from before `time`: stamps rise along a log. If one cannot be read,
    /// nothing of the log is old.
    fn last_before(&self, log: &Extent, upto: Seq, time: UnixMs) -> Seq {
        let (mut old, mut young) = (log.floor.0, upto.0.saturating_add(1));
        while young.saturating_sub(old) > 1 {
            let middle = old + (young - old) / 2;
            match self.stamp_of(Dot { actor: log.actor, seq: Seq(middle) }) {
                Some(stamp) if stamp < time => old = middle,
                Some(_) => young = middle,
                None => return log.floor,
            }
        }
        Seq(old)
    }

    /// The first record of a log that is there and behind `upto`, if it is on disk, and its stamp.
    fn first_behind(&self, log: &Extent, upto: Seq) -> Option<(Dot, UnixMs)> {
        let first = upto.max(self.floors.get(log.actor)).next().filter(|first| *first <= log.head)?;
        let dot = Dot { actor: log.actor, seq: first };
        self.stamp_of(dot).map(|stamp| (dot, stamp))
    }

    fn stamp_of(&self, dot: Dot) -> Option<UnixMs> {
        let read = self.backend.with(Family::Log, &layout::log_key(dot), |record| record.map(Record::stamp_of));
        let stamp = match read {
            // Nothing is there yet of the groups that are not on disk.
            Ok(None) => return None,
            Ok(Some(Ok(stamp))) => Ok(stamp.wall()),
            Ok(Some(Err(error))) => Err(ReadError::damaged(format!("record {dot}"), &error)),
            Err(error) => Err(error),
        };
        stamp.inspect_err(|error| tracing::warn!(%error, "a record has no age")).ok()
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
