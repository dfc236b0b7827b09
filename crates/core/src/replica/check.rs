//! What holds after every step. Debug builds check all of it each time; a release build nothing.

use halcyon_types::limits::{COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_MAX, PENDING_BYTES_MAX, RIGHTS_GRANTS_MAX};
use halcyon_types::mutant::any_planted;

use super::Replica;
use crate::audit::Scrub;
use crate::timer::Timer;

impl Replica {
    pub(super) fn check(&self) {
        if !cfg!(debug_assertions) || any_planted() {
            return;
        }
        assert!(self.synced.le(&self.delivery.queued), "synced before it was queued");
        assert_eq!(self.synced.get(self.actor), self.delivery.queued.get(self.actor));
        assert!(self.delivery.agrees(), "a line of records has a gap");
        assert!(!self.delivery.is_blocked(self.actor), "own records come from nobody");
        assert!(self.waiting.agrees(), "the indexes of waiting requests differ");
        assert_eq!(self.waiting.next_deadline().is_some(), self.timers.is_set(Timer::NotYet));
        assert!(self.transactions.agrees(), "the tables of open transactions differ");
        assert_eq!(self.transactions.next_deadline().is_some(), self.timers.is_set(Timer::Forget));
        assert!(self.asks.agrees() && self.grants <= RIGHTS_GRANTS_MAX, "asks for rights are off");
        let sweeps = self.background && !self.sweeper.is_under_way();
        assert_eq!(sweeps, self.timers.is_set(Timer::Sweep), "one sweep at a time");
        let looks = !self.truncation.is_under_way();
        assert_eq!(looks, self.timers.is_set(Timer::Truncate), "one truncation at a time");
        let reads = self.audit.scrub.as_ref().is_some_and(Scrub::is_reading);
        assert_eq!(self.audit.period.is_some() && !reads, self.timers.is_set(Timer::Audit), "one audit at a time");
        assert!(self.truncation.floors().le(&self.synced), "dropped before it was here");
        assert_eq!(self.actors.get(&self.region), Some(&self.actor));
        assert!(self.timers.agrees(), "the timer table differs from its order");
        assert!(self.writes <= COMMIT_QUEUE_MAX && self.write_bytes <= COMMIT_QUEUE_BYTES_MAX);
        for (region, peer) in &self.peers {
            assert!(peer.outbound.agrees(self.actor), "the windows to region {region} are off");
            assert!(self.delivery.waiting_bytes(*region) <= PENDING_BYTES_MAX);
            let beats = self.timers.is_set(Timer::Heartbeat(*region));
            assert_eq!(beats, peer.outbound.is_up(), "an open link has a heartbeat");
            assert!(peer.inbound.acked.le(&peer.inbound.known), "acked but not known");
        }
    }
}
