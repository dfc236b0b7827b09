//! Sweeping what has expired, and the clock that it goes by.

use halcyon_types::limits::SWEEP_EVERY;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Hlc, Now, UnixMs};

use super::{Outstanding, Peer, Replica};
use crate::event::{Job, JobResult};
use crate::timer::Timer;

impl Replica {
    /// The stamp that no later record of this node will lie below. While nothing of it is under way, that is the wall clock:
    /// a cluster that only reads sweeps too.
    pub(super) fn stamp(&mut self, now: Now) -> Hlc {
        let idle = self.writes == 0 && self.grants == 0 && !self.sweeper.is_under_way();
        if idle && self.background {
            self.promised = self.promised.max(now.wall);
        }
        self.hlc.max(Hlc::from_parts(self.promised, 0).unwrap_or(Hlc::ZERO))
    }

    /// The wall clock for an own record: should the clock be set back, never behind what others were told, nor behind what
    /// readers were shown as ended. A write that took it for living would be swept away with it.
    pub(super) fn own_wall(&self, now: Now) -> UnixMs {
        now.wall.max(self.promised).max(self.read_for)
    }

    /// The time for a read: the wall clock, but never behind what has been written here, what others were told, or an earlier
    /// read. What has ended for one reader has ended for the next, and for who writes, whatever the clock does.
    pub fn reading_time(&mut self, now: Now) -> UnixMs {
        self.read_for = self.own_wall(now).max(self.hlc.wall());
        self.read_for
    }

    /// Sweeps what every member's clock has passed. Until every one has been heard, nothing.
    pub(super) fn sweep(&mut self, now: Now) {
        let own = self.stamp(now);
        let least = self.others().try_fold(own, |least, (_, peer)| Some(least.min(peer.inbound.stamp?)));
        let least = if planted(Mutant::SweptByOwnClock) { Some(own) } else { least };
        let (Some(least), false) = (least, self.stopping) else {
            return self.timers.set(Timer::Sweep, now.mono + SWEEP_EVERY);
        };
        // The lowest region that lives. While two take themselves for it, both clear the same, which does no harm.
        let lives = |peer: &Peer| peer.inbound.is_up() && peer.inbound.is_alive(now.mono);
        let may = self.standing.writes() && !self.truncation.is_full();
        let keys = may && self.others().all(|(region, peer)| *region > self.region || !lives(peer));
        self.sweeper.begin();
        let ticket = self.tickets.issue(Outstanding::Sweep);
        let wall = self.own_wall(now);
        self.jobs.push_back(Job::Sweep { ticket, wall, upto: least.wall(), keys });
    }

    pub(super) fn settle_sweep(&mut self, now: Now, result: &JobResult) {
        debug_assert!(matches!(result, JobResult::Done(_)), "a sweep is done: {result:?}");
        let pause = self.sweeper.end(matches!(result, JobResult::Done(Some(_))));
        if self.background {
            self.timers.set(Timer::Sweep, now.mono + pause);
        }
    }
}
