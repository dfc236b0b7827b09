//! Pulls: what is missing, since when, and whom to ask. The whole relay and the whole repair.

use std::time::Duration;

use halcyon_types::limits::{OVERDUE_MARGIN, PULL_PATIENCE, SILENT_AFTER};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Now, RegionId, Seq, VersionVector};
use halcyon_wire::PeerMessage;

use super::{Peer, Replica};
use crate::delivery::Pull;
use crate::event::Command;
use crate::timer::Timer;

impl Replica {
    /// Records of `actor` arrived from `from` that were not here.
    pub(super) fn progressed(&mut self, now: Now, from: RegionId, actor: ActorId) {
        let Some(line) = self.delivery.lines.get_mut(&actor) else {
            return;
        };
        line.missing_since = line.missing_since.map(|_| now.mono);
        if line.failed == Some(from) {
            line.failed = None;
        }
        if let Some(pull) = &mut line.pull {
            pull.progress = now.mono;
        }
    }

    /// Looks for what a peer has just shown.
    pub(super) fn seek_in(&mut self, now: Now, shown: &VersionVector) {
        for (actor, seq) in shown.iter() {
            if seq > self.delivery.received(actor) {
                self.seek(now, actor);
            }
        }
    }

    pub(super) fn seek_all(&mut self, now: Now) {
        let actors: Vec<_> = self.delivery.lines.keys().copied().collect();
        for actor in actors {
            self.seek(now, actor);
        }
    }

    /// Decides what to do now about the actor's missing records, and when to look again.
    pub(super) fn seek(&mut self, now: Now, actor: ActorId) {
        if actor == self.actor || !self.is_known(actor) || self.delivery.is_forked(actor) {
            return;
        }
        let received = self.delivery.received(actor);
        let wanted = self.wanted(actor);
        let blocked = self.delivery.is_blocked(actor);
        let line = self.delivery.lines.entry(actor).or_default();
        line.pull = line.pull.filter(|pull| pull.upto > received);
        if wanted <= received {
            (line.missing_since, line.pull) = (None, None);
            self.timers.cancel(Timer::Missing(actor));
            return;
        }
        let since = *line.missing_since.get_or_insert(now.mono);
        if blocked {
            // It moves when what its head waits for has come; then this is asked again.
            self.timers.cancel(Timer::Missing(actor));
            return;
        }
        let at = self.waits_until(now, actor, since);
        if at > now.mono {
            self.timers.set(Timer::Missing(actor), at);
            return;
        }
        self.give_up(actor);
        let asked = self.ask(now, actor, received);
        self.timers.set(Timer::Missing(actor), now.mono + asked);
    }

    /// Until when nothing needs to be done: a pull in flight has its patience, a record its time to arrive by itself.
    fn waits_until(&self, now: Now, actor: ActorId, since: Duration) -> Duration {
        let Some(line) = self.delivery.lines.get(&actor) else {
            return now.mono;
        };
        if line.pull.is_some() && planted(Mutant::PullNeverRetried) {
            return now.mono + PULL_PATIENCE;
        }
        if let Some(pull) = line.pull {
            let Some(peer) = self.peers.get(&pull.peer).filter(|peer| !peer.retired) else {
                return now.mono;
            };
            let usable = peer.outbound.is_up() && peer.inbound.is_alive(now.mono);
            // Whoever failed before was asked for want of a better one: it is left as soon as there is.
            let received = self.delivery.received(actor);
            let other = |(region, _): (&RegionId, _)| *region != pull.peer;
            let left = line.failed == Some(pull.peer) && self.able(now, actor, received).any(other);
            let patience = PULL_PATIENCE + peer.inbound.rtt.unwrap_or_default();
            return if usable && !left { pull.progress + patience } else { now.mono };
        }
        let Some(origin) = self.direct(now, actor).and_then(|region| self.peers.get(&region)) else {
            return now.mono;
        };
        // While the committer is at it, no ack has opened the window for more.
        if self.delivery.queued.get(actor) > self.synced.get(actor) {
            return now.mono + OVERDUE_MARGIN;
        }
        let round = origin.inbound.rtt.unwrap_or(SILENT_AFTER);
        (since + round + OVERDUE_MARGIN).min(origin.inbound.silent_at())
    }

    /// The region that can be expected to push the actor's records by itself: its own, while it writes as that actor, is
    /// heard, and has not left a pull unanswered.
    fn direct(&self, now: Now, actor: ActorId) -> Option<RegionId> {
        let region = actor.region()?;
        let origin = &self.peers.get(&region).filter(|peer| !peer.retired)?.inbound;
        let failed = self.delivery.lines.get(&actor)?.failed == Some(region);
        let present = origin.actor.is_none_or(|present| present == actor);
        (present && !failed && origin.is_alive(now.mono)).then_some(region)
    }

    fn give_up(&mut self, actor: ActorId) {
        if let Some(line) = self.delivery.lines.get_mut(&actor)
            && let Some(pull) = line.pull.take()
        {
            line.failed = Some(pull.peer);
        }
    }

    /// Asks the best peer. Returns when to look again.
    fn ask(&mut self, now: Now, actor: ActorId, received: Seq) -> Duration {
        let direct = self.direct(now, actor);
        let failed = self.delivery.lines.get(&actor).and_then(|line| line.failed);
        // Its own region resumes the push from there; else the nearest; whoever has just failed comes last.
        let best = self.able(now, actor, received).min_by_key(|(region, peer)| {
            (failed == Some(**region), direct != Some(**region), peer.inbound.rtt, **region)
        });
        let Some((region, peer)) = best else {
            return PULL_PATIENCE;
        };
        let (peer, upto) = (*region, peer.inbound.known.get(actor));
        let patience = PULL_PATIENCE + self.peers.get(&peer).and_then(|peer| peer.inbound.rtt).unwrap_or_default();
        if let Some(line) = self.delivery.lines.get_mut(&actor) {
            line.pull = Some(Pull { peer, after: received, upto, progress: now.mono });
        }
        let message = PeerMessage::Pull(halcyon_wire::Pull { actor, after: received, upto });
        self.commands.push_back(Command::Send { peer, message });
        patience
    }

    /// The peers that can be asked for what follows `received`.
    pub(super) fn able(&self, now: Now, actor: ActorId, received: Seq) -> impl Iterator<Item = (&RegionId, &Peer)> {
        self.others().filter(move |(_, peer)| {
            let inbound = &peer.inbound;
            let has = inbound.floors.get(actor) <= received && inbound.known.get(actor) > received;
            let knows = has && !inbound.refused.contains(&actor);
            knows && peer.outbound.is_up() && inbound.is_alive(now.mono)
        })
    }

    /// How far the actor's log is known to go, by those who may be asked for it.
    fn wanted(&self, actor: ActorId) -> Seq {
        let inbounds = self.others().map(|(_, peer)| &peer.inbound);
        inbounds
            .filter(|inbound| !inbound.refused.contains(&actor))
            .map(|inbound| inbound.known.get(actor))
            .max()
            .unwrap_or_default()
    }
}
