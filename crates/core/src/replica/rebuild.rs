//! Catching up where records are gone: a peer's state takes the place of this node's, which then replays what only it has.

use halcyon_types::limits::{COPY_GIVE_UP, COPY_PATIENCE, START_PATIENCE};
use halcyon_types::{ActorId, Level, Now, RegionId, VersionVector};
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
            self.peers.values().any(|peer| peer.inbound.floors.get(actor) > received && peer.inbound.is_alive(now.mono))
                && self.able(now, actor, received).next().is_none()
        };
        let floors = self.peers.values().flat_map(|peer| peer.inbound.floors.iter());
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
                let wanted = fetching.wanted;
                if waiting && idle >= COPY_GIVE_UP {
                    if wanted {
                        self.abandon_rebuild();
                        return self.alarm(Alarm::Unrepaired { from });
                    }
                    return self.begin_rebuild_anew(now, Some(from));
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
        match self.best_source(now, failed) {
            Some(from) => self.fetch_copy(now, from, false),
            None => self.timers.set(Timer::Rebuild, now.mono + START_PATIENCE),
        }
    }

    /// Who can give a copy: whatever of this node's logs the copy lacks is replayed, and so must be there; and it is taken as it
    /// is, so nothing may be in it that this build cannot read.
    pub(super) fn sources(&self, now: Now) -> impl Iterator<Item = RegionId> {
        let floors = self.truncation.floors();
        let able = self.peers.iter().filter(move |(_, peer)| {
            let readable = peer.inbound.level.is_some_and(|level| level <= Level::PRESENT);
            readable && peer.outbound.introduced && peer.inbound.is_alive(now.mono) && floors.le(&peer.inbound.acked)
        });
        able.map(|(region, _)| *region)
    }

    /// Of those, whoever has seen most; not whoever has just failed, if there is another.
    pub(super) fn best_source(&self, now: Now, failed: Option<RegionId>) -> Option<RegionId> {
        let most = |vv: &VersionVector| vv.iter().map(|(_, seq)| seq.0).fold(0, u64::saturating_add);
        let seen = |region: &RegionId| self.peers.get(region).map_or(0, |peer| most(&peer.inbound.acked));
        self.sources(now).max_by_key(|region| (failed != Some(*region), seen(region)))
    }

    /// Begins to take a copy; `wanted` if an operator has said of whom.
    pub(super) fn fetch_copy(&mut self, now: Now, from: RegionId, wanted: bool) {
        let copy = CopyId(self.rng.next());
        self.rebuild = Rebuild::Fetching(Fetching::new(from, copy, now.mono, wanted));
        self.alarm(if wanted { Alarm::Repairing { from } } else { Alarm::Rebuilding { from } });
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

    /// The source has no such copy any more: it was restarted, or has waited too long. One of which nothing has come it may not have
    /// begun yet: what asks it to may be under way behind what asked for more.
    pub(super) fn no_copy(&mut self, now: Now, from: RegionId, copy: CopyId) {
        let Rebuild::Fetching(fetching) = &self.rebuild else { return };
        if (fetching.from, fetching.copy) != (from, copy) || fetching.received == 0 {
            return;
        }
        if fetching.wanted {
            self.abandon_rebuild();
            self.fetch_copy(now, from, true);
        } else {
            self.begin_rebuild_anew(now, None);
        }
    }

    /// Begins again, if what was missing has not come meanwhile.
    fn begin_rebuild_anew(&mut self, now: Now, failed: Option<RegionId>) {
        self.abandon_rebuild();
        if self.is_starved(now) {
            self.begin_rebuild(now, failed);
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
        let Rebuild::Fetching(Fetching { from, wanted, .. }) = self.rebuild else { return };
        self.abandon_rebuild();
        self.timers.set(Timer::Rebuild, now.mono + COPY_GIVE_UP);
        if wanted {
            self.alarm(Alarm::Unrepaired { from });
        }
    }

    pub(super) const fn is_rebuilding(&self) -> bool {
        !matches!(self.rebuild, Rebuild::Idle)
    }

    pub(super) const fn rebuilding(&self) -> Option<(RegionId, u64)> {
        match &self.rebuild {
            Rebuild::Fetching(fetching) => Some((fetching.from, fetching.stored)),
            Rebuild::Idle | Rebuild::Switching => None,
        }
    }

    fn abandon_rebuild(&mut self) {
        self.rebuild = Rebuild::Idle;
        self.timers.cancel(Timer::Rebuild);
        self.commands.push_back(Command::AbandonFill);
    }
}
