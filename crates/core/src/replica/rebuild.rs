//! Catching up where records are gone: a peer's state takes the place of this node's, which then replays what only it has.

use halcyon_types::limits::{COPY_GIVE_UP, COPY_PATIENCE, START_PATIENCE};
use halcyon_types::{ActorId, Now, RegionId, VersionVector};
use halcyon_wire::{AskPage, CopyId, PeerMessage, StatePage};

use super::Replica;
use crate::event::{Alarm, Command};
use crate::rebuild::{Fetching, Rebuild};
use crate::timer::Timer;

impl Replica {
    /// A peer's logs begin behind `floors`.
    pub(super) fn heard_floors(&mut self, now: Now, from: RegionId, floors: &VersionVector) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        peer.inbound.heard = now.mono;
        peer.inbound.floors.join(floors);
        self.seek_in(now, floors);
        if matches!(self.rebuild, Rebuild::Idle) && !self.timers.is_set(Timer::Rebuild) && self.is_starved(now) {
            // Somebody who still has the records may be heard in a moment.
            self.timers.set(Timer::Rebuild, now.mono + START_PATIENCE);
        }
    }

    /// Whether something is missing that nobody in reach can send.
    fn is_starved(&self, now: Now) -> bool {
        let gone = |actor: ActorId| {
            let received = self.delivery.received(actor);
            self.others().any(|(_, peer)| peer.inbound.floors.get(actor) > received && peer.inbound.is_alive(now.mono))
                && self.able(now, actor, received).next().is_none()
        };
        let floors = self.others().flat_map(|(_, peer)| peer.inbound.floors.iter());
        floors
            .map(|(actor, _)| actor)
            .any(|actor| actor != self.actor && !self.delivery.is_forked(actor) && gone(actor))
    }

    /// The moment to begin, or to look whether it goes on.
    pub(super) fn rebuild(&mut self, now: Now) {
        match &self.rebuild {
            Rebuild::Idle if !self.stopping && self.is_starved(now) => self.begin_rebuild(now, None),
            Rebuild::Fetching(fetching) => {
                let idle = now.mono.saturating_sub(fetching.progress);
                let (from, waiting) = (fetching.from, fetching.received == fetching.stored && !fetching.whole);
                if waiting && idle >= COPY_GIVE_UP {
                    self.abandon_rebuild();
                    return self.begin_rebuild(now, Some(from));
                }
                if waiting && idle >= COPY_PATIENCE {
                    self.ask_again(now);
                }
                self.timers.set(Timer::Rebuild, now.mono + COPY_PATIENCE);
            }
            Rebuild::Idle | Rebuild::Switching => {}
        }
    }

    fn begin_rebuild(&mut self, now: Now, failed: Option<RegionId>) {
        // Whatever of this node's logs the copy lacks is replayed, and so must be there.
        let floors = self.truncation.floors();
        let sources = self.others().filter(|(_, peer)| {
            peer.outbound.introduced && peer.inbound.is_alive(now.mono) && floors.le(&peer.inbound.acked)
        });
        let most = |vv: &VersionVector| vv.iter().map(|(_, seq)| seq.0).fold(0, u64::saturating_add);
        let best = sources.max_by_key(|(region, peer)| (failed != Some(**region), most(&peer.inbound.acked)));
        let Some(from) = best.map(|(region, _)| *region) else {
            self.timers.set(Timer::Rebuild, now.mono + START_PATIENCE);
            return;
        };
        let copy = CopyId(self.rng.next());
        self.rebuild = Rebuild::Fetching(Fetching::new(from, copy, now.mono));
        self.alarm(Alarm::Rebuilding { from });
        self.commands.push_back(Command::BeginFill);
        self.timers.set(Timer::Rebuild, now.mono + COPY_PATIENCE);
        self.ask_pages();
    }

    fn ask_pages(&mut self) {
        let Rebuild::Fetching(fetching) = &mut self.rebuild else { return };
        let (peer, copy) = (fetching.from, fetching.copy);
        for number in fetching.ask() {
            let message = PeerMessage::AskPage(AskPage { copy, number });
            self.commands.push_back(Command::Send { peer, message });
        }
    }

    fn ask_again(&mut self, now: Now) {
        if let Rebuild::Fetching(fetching) = &mut self.rebuild {
            fetching.lost();
            if self
                .peers
                .get(&fetching.from)
                .is_some_and(|peer| peer.outbound.is_up() && peer.inbound.is_alive(now.mono))
            {
                self.ask_pages();
            }
        }
    }

    pub(super) fn page(&mut self, now: Now, from: RegionId, page: StatePage) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.inbound.heard = now.mono;
        }
        let Rebuild::Fetching(fetching) = &mut self.rebuild else { return };
        if fetching.from != from || fetching.copy != page.copy || fetching.received != page.number || fetching.whole {
            return;
        }
        fetching.received += 1;
        (fetching.progress, fetching.whole) = (now.mono, page.last);
        self.commands.push_back(Command::Fill { entries: page.entries });
    }

    /// The source has no such copy any more: it was restarted, or has waited too long.
    pub(super) fn no_copy(&mut self, now: Now, from: RegionId, copy: CopyId) {
        if matches!(&self.rebuild, Rebuild::Fetching(fetching) if fetching.from == from && fetching.copy == copy) {
            self.abandon_rebuild();
            self.begin_rebuild(now, None);
        }
    }

    /// The driver has stored a page.
    pub(super) fn filled(&mut self, now: Now) {
        let Rebuild::Fetching(fetching) = &mut self.rebuild else { return };
        fetching.stored += 1;
        fetching.progress = now.mono;
        if fetching.whole && fetching.stored == fetching.received {
            self.rebuild = Rebuild::Switching;
            self.timers.cancel(Timer::Rebuild);
            return self.commands.push_back(Command::Switch);
        }
        self.ask_pages();
    }

    /// A page could not be stored: the copy is of no use. It is tried again later.
    pub(super) fn fill_failed(&mut self, now: Now) {
        if matches!(self.rebuild, Rebuild::Fetching(_)) {
            self.abandon_rebuild();
            self.timers.set(Timer::Rebuild, now.mono + COPY_GIVE_UP);
        }
    }

    pub(super) const fn rebuilding(&self) -> Option<(RegionId, u64)> {
        match &self.rebuild {
            Rebuild::Fetching(fetching) => Some((fetching.from, fetching.stored)),
            Rebuild::Idle | Rebuild::Switching => None,
        }
    }

    /// A copy that was being taken from `peer` is given up, for another's.
    pub(super) fn leave_source(&mut self, now: Now, peer: RegionId) {
        if matches!(&self.rebuild, Rebuild::Fetching(fetching) if fetching.from == peer) {
            self.abandon_rebuild();
            self.begin_rebuild(now, None);
        }
    }

    /// Whatever copy was being taken is given up.
    pub(super) fn end_rebuild(&mut self) {
        if matches!(self.rebuild, Rebuild::Fetching(_)) {
            self.abandon_rebuild();
        }
    }

    fn abandon_rebuild(&mut self) {
        self.rebuild = Rebuild::Idle;
        self.timers.cancel(Timer::Rebuild);
        self.commands.push_back(Command::AbandonFill);
    }
}
