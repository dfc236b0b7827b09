//! What holds after every step. Debug builds check all of it each time; a release build nothing.

use halcyon_types::limits::{COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_MAX, PENDING_BYTES_MAX};

use super::Replica;
use crate::timer::Timer;

impl Replica {
    pub(super) fn check(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        assert!(self.synced.le(&self.delivery.queued), "synced before it was queued");
        assert_eq!(self.synced.get(self.actor), self.delivery.queued.get(self.actor));
        assert!(self.delivery.agrees(), "a line of records has a gap");
        assert!(!self.delivery.is_blocked(self.actor), "own records come from nobody");
        assert!(self.reads.agrees(), "the indexes of waiting reads differ");
        assert_eq!(self.reads.next_deadline().is_some(), self.timers.is_set(Timer::NotYet));
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
