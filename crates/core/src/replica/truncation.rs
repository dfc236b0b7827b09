//! Dropping the oldest records of the logs once they have outgrown their limit: those that every member has on disk, and, if
//! that is not enough, those past the retention that most have. Fewer than most would not do: two halves of a split could each
//! lack what the other has dropped.

use halcyon_types::limits::TRUNCATE_EVERY;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Dot, Now, RegionId, Seq, VersionVector};
use halcyon_wire::Refusal;

use super::{Outstanding, Replica};
use crate::event::{Alarm, Job, JobResult};
use crate::rebuild::Rebuild;
use crate::standing::Standing;
use crate::status::{LogStatus, Unstable};
use crate::timer::Timer;
use crate::truncation::Found;

impl Replica {
    pub(super) fn truncate(&mut self, now: Now) {
        self.look(now, false);
    }

    fn look(&mut self, now: Now, second: bool) {
        // Of a region that is retired, nobody else may have what its logs hold.
        if self.stopping || matches!(self.standing, Standing::Retired) {
            return self.timers.set(Timer::Truncate, now.mono + TRUNCATE_EVERY);
        }
        if !matches!(self.rebuild, Rebuild::Idle) {
            // What the copy lacks is to be replayed.
            return self.timers.set(Timer::Truncate, now.mono + TRUNCATE_EVERY);
        }
        let (upto, older_than) = match second {
            true => (self.held_by_most(), Some(now.wall.minus(self.truncation.retention))),
            false if planted(Mutant::TruncatesUnstable) => (self.synced.clone(), None),
            false => (self.stable(), None),
        };
        // Whoever takes a copy goes on from the records behind it.
        let upto = self.copies.vectors().fold(upto, |upto, vv| upto.meet(vv));
        let ticket = self.tickets.issue(Outstanding::Truncation);
        self.truncation.begin(upto.clone(), second);
        self.jobs.push_back(Job::Truncate { ticket, upto, older_than, bytes_max: self.truncation.goal() });
    }

    pub(super) fn settle_truncation(&mut self, now: Now, result: JobResult) {
        let JobResult::Truncated(logs) = result else {
            return debug_assert!(false, "a truncation is one: {result:?}");
        };
        let found = self.truncation.end(logs);
        let peers: Vec<_> = self.peers.keys().copied().collect();
        for peer in peers {
            self.check_floors(peer);
            self.feed(peer);
        }
        match found {
            Found::TooMuch => return self.look(now, true),
            Found::Full { onset: true } => {
                let (bytes, bytes_max) = (self.truncation.bytes, self.truncation.bytes_max);
                self.alarm(Alarm::LogFull { bytes, bytes_max, lacking: self.lacking() });
            }
            Found::Full { onset: false } | Found::Room => {}
        }
        self.timers.set(Timer::Truncate, now.mono + TRUNCATE_EVERY);
    }

    /// What most members have on disk, this one included, so far as it may conclude it.
    fn held_by_most(&self) -> VersionVector {
        let members = self.others().count() + 1;
        let held = |(actor, seq): (_, Seq)| {
            let mut held: Vec<_> = self.others().map(|(_, peer)| peer.inbound.stable.get(actor).min(seq)).collect();
            held.push(seq);
            held.sort_unstable();
            // As many again stand behind it, or one fewer: with it they are more than half.
            (actor, held.get((members - 1) / 2).copied().unwrap_or(Seq::ZERO))
        };
        self.synced.iter().map(held).collect()
    }

    /// Who lacks the oldest record that not every member has.
    fn lacking(&self) -> Vec<RegionId> {
        let Some((oldest, _)) = self.truncation.oldest else { return Vec::new() };
        let lacks = self.others().filter(|(_, peer)| !peer.inbound.stable.covers(oldest));
        lacks.map(|(region, _)| *region).collect()
    }

    /// What is said to whoever wants to write while the logs are full.
    pub(super) fn log_full(&self) -> Option<Refusal> {
        let full = self.truncation.is_full() && !planted(Mutant::LogFullIgnored);
        full.then(|| Refusal::LogFull {
            bytes: self.truncation.bytes,
            bytes_max: self.truncation.bytes_max,
            lacking: self.lacking(),
        })
    }

    pub(super) fn logs(&self, now: Now) -> LogStatus {
        let truncation = &self.truncation;
        let unstable = |(dot, since)| Unstable { dot, age: now.wall.since(since), lacking: self.lacking() };
        LogStatus {
            bytes: truncation.bytes,
            bytes_max: truncation.bytes_max,
            retention: truncation.retention,
            full: truncation.is_full(),
            oldest: truncation.oldest.map(unstable),
        }
    }

    /// Whoever lacks what has been dropped here is not helped by waiting. Says so once per start of the peer.
    pub(super) fn check_floors(&mut self, from: RegionId) {
        let Some(peer) = self.peers.get(&from).filter(|peer| peer.inbound.is_greeted()) else { return };
        let acked = &peer.inbound.acked;
        let Some((actor, floor)) = self.truncation.floors().iter().find(|(actor, floor)| acked.get(*actor) < *floor)
        else {
            return;
        };
        let have = Dot { actor, seq: acked.get(actor) };
        self.tell_floors(from);
        let starved = self.peers.get_mut(&from).map(|peer| std::mem::replace(&mut peer.inbound.starved, true));
        if starved == Some(false) {
            self.alarm(Alarm::Truncated { peer: from, have, floor });
        }
    }
}
