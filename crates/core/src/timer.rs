//! The one timer table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_types::{ActorId, RegionId};

/// Each variant is a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// When to dial a lost peer again.
    Dial(RegionId),
    /// When to tell a peer how far this node is, although nothing happened.
    Heartbeat(RegionId),
    /// When to look again for missing records of an actor: they are overdue, or a pull has gone unanswered.
    Missing(ActorId),
    /// When to answer the most urgent waiting request with "not yet".
    NotYet,
    /// When to forget the oldest open transaction.
    Forget,
    /// When to clear away what has expired.
    Sweep,
    /// When to stop waiting for the others to be heard after a start.
    Despair,
    /// When the next page of a copy may leave for a peer.
    Page(RegionId),
    /// When to look how far the copy has come that is to take the place of this node's state.
    Rebuild,
    /// When to look whether the logs have outgrown their limit.
    Truncate,
    /// When to begin the next audit, to read the next piece, or to wait no longer for a peer.
    Audit,
}

/// Which timer rings when. One time per timer; setting it again moves it.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    at: BTreeMap<Timer, Duration>,
    order: BTreeSet<(Duration, Timer)>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Duration) {
        if let Some(before) = self.at.insert(timer, at) {
            self.order.remove(&(before, timer));
        }
        self.order.insert((at, timer));
    }

    pub(crate) fn cancel(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.order.remove(&(at, timer));
        }
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes a timer that has rung by `now`.
    pub(crate) fn rung(&mut self, now: Duration) -> Option<Timer> {
        let (at, timer) = *self.order.first()?;
        (at <= now).then(|| {
            self.cancel(timer);
            timer
        })
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.at.contains_key(&timer)
    }

    pub(crate) fn agrees(&self) -> bool {
        self.at.len() == self.order.len() && self.at.iter().all(|(timer, at)| self.order.contains(&(*at, *timer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_moved_rings_once_at_its_last_time() {
        let (mut timers, ms) = (Timers::default(), Duration::from_millis);
        timers.set(Timer::NotYet, ms(5));
        timers.set(Timer::NotYet, ms(9));
        assert_eq!((timers.next(), timers.rung(ms(8))), (Some(ms(9)), None));
        assert_eq!((timers.rung(ms(9)), timers.rung(ms(99))), (Some(Timer::NotYet), None));
        assert!(timers.agrees());
    }
}
