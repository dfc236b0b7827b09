//! What this node tells one peer: the link it dials, the push cursor, the pulls it serves, and their windows.
//!
//! Pushed records and each served actor have windows of their own: were they one, records that wait at the peer for others
//! could fill it, and the others would never be sent.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use halcyon_types::limits::{LINK_WINDOW_BYTES_MAX, RANGE_BYTES_MAX, RECONNECT_FIRST, RECONNECT_LAST};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Seq, VersionVector};

use crate::rng::Rng;

/// Unacknowledged bytes of one actor's records that a pull may have under way.
const PULL_WINDOW_BYTES_MAX: usize = LINK_WINDOW_BYTES_MAX / 8;
const _: () = assert!(PULL_WINDOW_BYTES_MAX >= RANGE_BYTES_MAX);

/// A range for the driver to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) actor: ActorId,
    pub(crate) after: Seq,
    pub(crate) upto: Seq,
    pub(crate) bytes_max: usize,
}

#[derive(Debug, Default)]
struct Window {
    sent: VecDeque<(Seq, usize)>,
    bytes: usize,
}

impl Window {
    fn push(&mut self, last: Seq, bytes: usize) {
        self.sent.push_back((last, bytes));
        self.bytes += bytes;
    }

    fn acked(&mut self, seq: Seq) {
        while self.sent.front().is_some_and(|(last, _)| *last <= seq) {
            self.bytes -= self.sent.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    /// What was sent behind `seq` is lost.
    fn lost(&mut self, seq: Seq) {
        while self.sent.back().is_some_and(|(last, _)| *last > seq) {
            self.bytes -= self.sent.pop_back().map_or(0, |(_, bytes)| bytes);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Outbound {
    up_since: Option<Duration>,
    /// The peer has echoed a ping of this link: it has taken our Hello.
    pub(crate) introduced: bool,
    backoff: Duration,
    /// Up to here the own log has been pushed.
    pub(crate) pushed: Seq,
    /// Up to where each pulled actor is served: (cursor, end).
    serving: BTreeMap<ActorId, (Seq, Seq)>,
    served_last: Option<ActorId>,
    /// The range that the driver is sending, and whether its cursor has been moved meanwhile.
    sending: Option<(Range, bool)>,
    windows: BTreeMap<ActorId, Window>,
}

impl Outbound {
    pub(crate) const fn new() -> Self {
        Self {
            up_since: None,
            introduced: false,
            backoff: RECONNECT_FIRST,
            pushed: Seq::ZERO,
            serving: BTreeMap::new(),
            served_last: None,
            sending: None,
            windows: BTreeMap::new(),
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        self.up_since.is_some()
    }

    pub(crate) fn opened(&mut self, now: Duration, acked: Seq) {
        self.closed();
        self.up_since = Some(now);
        self.pushed = if planted(Mutant::PushNotResumed) { self.pushed.max(acked) } else { acked };
    }

    pub(crate) fn closed(&mut self) {
        *self = Self { backoff: self.backoff, pushed: self.pushed, ..Self::new() };
    }

    /// This node speaks as another actor from now on, of which the peer has `acked`.
    pub(crate) fn introduce_anew(&mut self, now: Duration, acked: Seq) {
        // Echoes of what was said before do not count.
        self.up_since = self.up_since.map(|_| now);
        (self.introduced, self.pushed) = (false, acked);
    }

    /// How long to wait before dialling again: half to all of a span that doubles each time.
    pub(crate) fn pause(&mut self, rng: &mut Rng) -> Duration {
        let span = self.backoff;
        self.backoff = (span * 2).min(RECONNECT_LAST);
        let half = span / 2;
        half + Duration::from_micros(rng.upto(u64::try_from(half.as_micros()).unwrap_or(u64::MAX)))
    }

    /// The peer echoed `ping_us`: does it belong to this link? Then the link has proved itself.
    pub(crate) fn echoed(&mut self, ping_us: u64) {
        if self.up_since.is_some_and(|since| u128::from(ping_us) >= since.as_micros()) {
            self.introduced = true;
            self.backoff = RECONNECT_FIRST;
        }
    }

    /// The peer has all of `vv` on disk.
    pub(crate) fn acked(&mut self, own: ActorId, vv: &VersionVector) {
        for (actor, window) in &mut self.windows {
            window.acked(vv.get(*actor));
        }
        self.windows.retain(|_, window| !window.sent.is_empty());
        // What it has got elsewhere meanwhile is not sent, and may be gone here.
        self.serving.retain(|actor, (after, upto)| {
            *after = (*after).max(vv.get(*actor));
            after < upto
        });
        // A relay may have told the peer more than the push has; a range under way goes on from where it was.
        self.pushed = self.pushed.max(vv.get(own));
    }

    /// Moves the push cursor: the peer has everything up to `after` and lost what followed.
    pub(crate) fn push_from(&mut self, own: ActorId, after: Seq) {
        self.moved(own, after);
        self.pushed = after;
    }

    /// Serves `after < seq <= upto` of another actor's log, instead of what was asked of that actor before.
    pub(crate) fn serve(&mut self, actor: ActorId, after: Seq, upto: Seq) {
        self.moved(actor, after);
        self.serving.insert(actor, (after, upto));
    }

    fn moved(&mut self, actor: ActorId, after: Seq) {
        if let Some(window) = self.windows.get_mut(&actor) {
            window.lost(after);
        }
        if let Some((range, moved)) = &mut self.sending {
            *moved |= range.actor == actor;
        }
    }

    /// What to send next, own log up to `synced`, and of no log what lies at or below its floor. The driver sends one range
    /// at a time.
    pub(crate) fn next_range(&mut self, own: ActorId, synced: Seq, floor: impl Fn(ActorId) -> Seq) -> Option<Range> {
        if !self.introduced || self.sending.is_some() {
            return None;
        }
        // Pulls first: somebody waits for them.
        let range = self.next_served(&floor).or_else(|| {
            let room = self.room(own, LINK_WINDOW_BYTES_MAX);
            (self.pushed < synced && self.pushed >= floor(own) && room > 0).then(|| Range {
                actor: own,
                after: self.pushed,
                upto: synced,
                bytes_max: room.min(RANGE_BYTES_MAX),
            })
        })?;
        self.sending = Some((range, false));
        Some(range)
    }

    fn next_served(&mut self, floor: impl Fn(ActorId) -> Seq) -> Option<Range> {
        let behind = (self.served_last.map_or(Unbounded, Excluded), Unbounded);
        let turn = self.serving.range(behind).chain(&self.serving);
        let range = turn
            .map(|(actor, (after, upto))| Range {
                actor: *actor,
                after: *after,
                upto: *upto,
                bytes_max: self.room(*actor, PULL_WINDOW_BYTES_MAX).min(RANGE_BYTES_MAX),
            })
            .find(|range| range.bytes_max > 0 && range.after >= floor(range.actor))?;
        self.served_last = Some(range.actor);
        Some(range)
    }

    fn room(&self, actor: ActorId, max: usize) -> usize {
        max.saturating_sub(self.windows.get(&actor).map_or(0, |window| window.bytes))
    }

    /// The driver has sent records up to `last`. Returns whether that was progress.
    pub(crate) fn sent(&mut self, own: ActorId, actor: ActorId, last: Seq, bytes: usize) -> bool {
        let Some((range, moved)) = self.sending.take_if(|(range, _)| range.actor == actor) else {
            return false;
        };
        if moved {
            return true;
        }
        if last <= range.after || last > range.upto {
            return false;
        }
        self.windows.entry(actor).or_default().push(last, bytes);
        if actor == own {
            self.pushed = self.pushed.max(last);
        } else if last == range.upto {
            self.serving.remove(&actor);
        } else if let Some((cursor, _)) = self.serving.get_mut(&actor) {
            *cursor = last;
        }
        true
    }

    pub(crate) fn unacked_bytes(&self) -> usize {
        self.windows.values().map(|window| window.bytes).sum()
    }

    pub(crate) fn agrees(&self, own: ActorId) -> bool {
        let sums = self
            .windows
            .values()
            .all(|window| window.bytes == window.sent.iter().map(|(_, bytes)| bytes).sum::<usize>());
        sums && !self.serving.contains_key(&own)
            && self.serving.values().all(|(after, upto)| after < upto)
            && (self.is_up() || (!self.introduced && self.sending.is_none() && self.windows.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_moved_under_way_stays_moved() {
        let (own, ms) = (ActorId::from_u64(1), Duration::from_millis);
        let mut outbound = Outbound::new();
        outbound.opened(ms(1), Seq(0));
        outbound.echoed(1000);
        let next = |outbound: &mut Outbound| outbound.next_range(own, Seq(9), |_| Seq::ZERO);
        assert_eq!(next(&mut outbound).map(|range| range.upto), Some(Seq(9)));
        outbound.push_from(own, Seq(3));
        assert!(outbound.sent(own, own, Seq(9), 90));
        assert_eq!(next(&mut outbound).map(|range| range.after), Some(Seq(3)));
        assert!(outbound.agrees(own));
    }

    #[test]
    fn pulled_actors_take_turns_before_the_push() {
        let (own, actor) = (ActorId::from_u64(1), ActorId::from_u64);
        let mut outbound = Outbound::new();
        outbound.opened(Duration::ZERO, Seq(0));
        outbound.echoed(0);
        outbound.serve(actor(2), Seq(0), Seq(2));
        outbound.serve(actor(3), Seq(0), Seq(2));
        let mut order = Vec::new();
        while let Some(range) = outbound.next_range(own, Seq(1), |_| Seq::ZERO) {
            order.push(range.actor.as_u64());
            outbound.sent(own, range.actor, range.after.next().unwrap(), 1);
        }
        assert_eq!(order, [2, 3, 2, 3, 1]);
        assert_eq!(outbound.unacked_bytes(), 5);
    }

    #[test]
    fn nothing_is_read_below_a_floor() {
        let (own, other) = (ActorId::from_u64(1), ActorId::from_u64(2));
        let mut outbound = Outbound::new();
        outbound.opened(Duration::ZERO, Seq(4));
        outbound.echoed(0);
        outbound.serve(other, Seq(4), Seq(9));
        assert_eq!(outbound.next_range(own, Seq(9), |_| Seq(5)), None);
        outbound.acked(own, &[(other, Seq(6))].into_iter().collect());
        let served = outbound.next_range(own, Seq(9), |_| Seq(6)).unwrap();
        assert_eq!((served.actor, served.after), (other, Seq(6)), "what it has got elsewhere is passed over");
        outbound.sent(own, other, Seq(7), 1);
        outbound.acked(own, &[(other, Seq(9))].into_iter().collect());
        assert!(outbound.serving.is_empty());
    }
}
