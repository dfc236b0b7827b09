//! Dropping the oldest records of the logs: those that every member has on disk, once the logs have outgrown their limit.

use halcyon_types::limits::TRUNCATE_EVERY;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Dot, Now, RegionId};

use super::{Outstanding, Replica};
use crate::event::{Alarm, Job, JobResult};
use crate::rebuild::Rebuild;
use crate::timer::Timer;

impl Replica {
    pub(super) fn truncate(&mut self, now: Now) {
        let Some(bytes_max) = self.truncation.bytes_max() else { return };
        let stable = if planted(Mutant::TruncatesUnstable) { self.synced.clone() } else { self.stable() };
        if stable.le(self.truncation.floors()) || self.stopping {
            return self.timers.set(Timer::Truncate, now.mono + TRUNCATE_EVERY);
        }
        if !matches!(self.rebuild, Rebuild::Idle) {
            // What the copy lacks is to be replayed.
            return self.timers.set(Timer::Truncate, now.mono + TRUNCATE_EVERY);
        }
        // Whoever takes a copy goes on from the records behind it.
        let stable = self.copies.vectors().fold(stable, |stable, vv| stable.meet(vv));
        let ticket = self.tickets.issue(Outstanding::Truncation);
        self.truncation.begin(stable.clone());
        self.jobs.push_back(Job::Truncate { ticket, stable, bytes_max });
    }

    pub(super) fn settle_truncation(&mut self, now: Now, result: JobResult) {
        let JobResult::Truncated(floors) = result else {
            return debug_assert!(false, "a truncation is one: {result:?}");
        };
        self.truncation.end(&floors);
        self.timers.set(Timer::Truncate, now.mono + TRUNCATE_EVERY);
        let peers: Vec<_> = self.peers.keys().copied().collect();
        for peer in peers {
            self.check_floors(peer);
            self.feed(peer);
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
