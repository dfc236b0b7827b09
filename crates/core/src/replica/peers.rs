//! What peers say.

use std::sync::Arc;

use halcyon_types::limits::{ACTORS_MAX, MEMBER_FACTS_MAX};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Now, RegionId, Seq, VersionVector};
use halcyon_wire::{Echo, Heartbeat, Hello, PeerMessage, Pull, Range};

use super::Replica;
use crate::error::PeerError;
use crate::event::Alarm;
use crate::inbound::micros;
use crate::standing::Standing;
use crate::timer::Timer;

impl Replica {
    pub(super) fn message(&mut self, now: Now, from: RegionId, message: PeerMessage) -> Result<(), PeerError> {
        let Some(peer) = self.peers.get(&from) else {
            let gone = self.members.region(from).is_some();
            return Err(if gone { PeerError::Retired { from } } else { PeerError::Stranger { from } });
        };
        if peer.retired || self.retiring.contains(&from) {
            return self.retired_says(now, from, message);
        }
        let greeted = peer.inbound.is_greeted();
        match message {
            PeerMessage::Hello(hello) => self.hello(now, from, &hello),
            // Its Hello was lost; the next heartbeat brings another, and whatever this was is said or pulled again.
            _ if !greeted => Ok(()),
            PeerMessage::Heartbeat(beat) => self.heartbeat(now, from, &beat),
            PeerMessage::Pull(pull) => self.pulled(now, from, &pull),
            PeerMessage::Range(range) => self.range(now, from, range),
            PeerMessage::Floors(floors) => {
                check_width(from, &floors)?;
                self.heard_floors(now, from, &floors);
                Ok(())
            }
            PeerMessage::AskPage(ask) => {
                self.asked_for_page(now, from, ask);
                Ok(())
            }
            PeerMessage::Page(page) => {
                self.page(now, from, page);
                Ok(())
            }
            PeerMessage::NoCopy(copy) => {
                self.no_copy(now, from, copy);
                Ok(())
            }
            PeerMessage::AskRights(ask) => self.asked_for_rights(now, from, ask),
        }
    }

    pub(super) fn hello(&mut self, now: Now, from: RegionId, hello: &Hello) -> Result<(), PeerError> {
        let (actor, boot) = (hello.actor, hello.boot);
        if hello.region != from || actor.region() != Some(from) {
            let said = actor.region().filter(|_| hello.region == from).unwrap_or(hello.region);
            return Err(PeerError::WrongRegion { from, said });
        }
        if hello.agreement != self.agreement {
            return Err(PeerError::OtherCluster { from });
        }
        check_width(from, &hello.vv)?;
        if hello.seed.len().max(hello.facts.len()) > MEMBER_FACTS_MAX {
            let reason = "a hello with too many regions";
            return Err(PeerError::Protocol { from, reason });
        }
        if let Some(what) = self.members.differ(&hello.seed, &hello.facts) {
            return Err(PeerError::OtherRegions { from, what });
        }
        if self.delivery.is_forked(actor) {
            return Err(PeerError::Fork { actor });
        }
        let Some(peer) = self.peers.get_mut(&from) else {
            return Ok(());
        };
        if peer.inbound.is_former(boot) {
            self.alarm(Alarm::Clone { actor, boot });
            return Err(PeerError::Clone { actor, boot });
        }
        // It lives and can be reached: what is left of the pause before the next dial would be lost time.
        if !peer.inbound.is_greeted() && self.timers.is_set(Timer::Dial(from)) {
            self.timers.set(Timer::Dial(from), now.mono);
        }
        let acked = hello.vv.get(self.actor);
        if peer.inbound.greet(now.mono, hello) && peer.outbound.is_up() {
            // The start before it may have taken more than it had on disk.
            peer.outbound.push_from(self.actor, acked);
        }
        peer.outbound.acked(self.actor, &peer.inbound.acked);
        let member = !peer.retired;
        if member && self.actors.get(&from) != Some(&actor) {
            Arc::make_mut(&mut self.actors).insert(from, actor);
        }
        if member {
            self.let_in(now);
            self.join_target(&hello.vv);
        }
        self.check_own(now, from, &hello.vv);
        self.settle_standing(now);
        self.check_floors(from);
        self.seek_in(now, &hello.vv);
        self.feed(from);
        Ok(())
    }

    pub(super) fn heartbeat(&mut self, now: Now, from: RegionId, beat: &Heartbeat) -> Result<(), PeerError> {
        check_width(from, &beat.vv)?;
        // The echo of what an earlier start of this node has said proves nothing.
        let echo = beat.echo.and_then(|echo| own_echo(self.pings_from, now, echo));
        let Some(peer) = self.peers.get_mut(&from) else {
            return Ok(());
        };
        let Some(actor) = peer.inbound.actor else { return Ok(()) };
        peer.inbound.beat(now, actor, beat, echo);
        if let Some(echo) = echo {
            peer.outbound.echoed(echo.ping_us);
        }
        self.judge_clock(now);
        let Some(peer) = self.peers.get_mut(&from) else {
            return Ok(());
        };
        if peer.inbound.differs(self.synced.get(actor), self.hashes.get(&actor)) {
            return self.fork(actor).map_or(Ok(()), Err);
        }
        peer.inbound.open_gates(&self.synced);
        peer.outbound.acked(self.actor, &peer.inbound.acked);
        // The first heartbeat of a link is answered at once: its sender waits for the echo to begin pushing.
        let first = peer.inbound.answer_first();
        self.check_own(now, from, &beat.vv);
        self.close_logs();
        self.forget_acked();
        self.end_copies(now);
        let mut shown = beat.vv.clone();
        shown.observe(Dot { actor, seq: beat.seq });
        self.seek_in(now, &shown);
        if first {
            self.beat(now, from);
        }
        self.feed(from);
        Ok(())
    }

    pub(super) fn pulled(&mut self, now: Now, from: RegionId, pull: &Pull) -> Result<(), PeerError> {
        self.check_origin(from, pull.actor)?;
        let Some(peer) = self.peers.get_mut(&from) else {
            return Ok(());
        };
        peer.inbound.heard = now.mono;
        let after = pull.after.max(peer.inbound.acked.get(pull.actor));
        let upto = pull.upto.min(self.synced.get(pull.actor));
        if after < self.truncation.floors().get(pull.actor) {
            self.tell_floors(from);
        } else if after < upto {
            if pull.actor != self.actor {
                peer.outbound.serve(pull.actor, after, upto);
            } else if !planted(Mutant::PushNotResumed) {
                peer.outbound.push_from(self.actor, after);
            }
        }
        self.feed(from);
        Ok(())
    }

    fn range(&mut self, now: Now, from: RegionId, range: Range) -> Result<(), PeerError> {
        let (actor, last) = (range.actor, range.last());
        self.check_origin(from, actor)?;
        if range.first.0 == 0 || last == Seq(u64::MAX) {
            let reason = "a range outside the numbers of a log";
            return Err(PeerError::Protocol { from, reason });
        }
        self.check_closed(from, actor, last)?;
        let Some(peer) = self.peers.get_mut(&from) else {
            return Ok(());
        };
        peer.inbound.heard = now.mono;
        if range.records.is_empty() || peer.inbound.refused.contains(&actor) {
            return Ok(());
        }
        peer.inbound.known.observe(Dot { actor, seq: last });
        if actor == self.actor {
            self.check_own(now, from, &[(actor, last)].into_iter().collect());
            return Ok(());
        }
        let before = self.delivery.received(actor);
        self.delivery.offer(from, range);
        if self.delivery.received(actor) > before {
            self.progressed(now, from, actor);
        }
        self.deliver(now);
        self.delivery.trim(from, actor);
        self.seek(now, actor);
        Ok(())
    }

    /// A peer's log differs from this node's copy: no more of it is taken. Says so once.
    pub(super) fn fork(&mut self, actor: ActorId) -> Option<PeerError> {
        if self.delivery.is_forked(actor) {
            return None;
        }
        self.delivery.fork(actor);
        let seq = self.synced.get(actor);
        self.alarm(Alarm::Fork { actor, seq });
        Some(PeerError::Fork { actor })
    }

    /// Nobody can have more of this node's present actor than its own disk. Says so once per start of the peer.
    pub(super) fn check_own(&mut self, now: Now, from: RegionId, shown: &VersionVector) {
        let (theirs, ours) = (shown.get(self.actor), self.synced.get(self.actor));
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if theirs > ours && matches!(self.standing, Standing::Resuming { .. } | Standing::Joining { .. }) {
            return self.mint_behind(now, from, theirs, ours);
        }
        let known = matches!(self.standing, Standing::Minting);
        if theirs > ours && !known && !std::mem::replace(&mut peer.inbound.ahead, true) {
            self.alarm(Alarm::ForkedHistory { peer: from, theirs, ours });
        }
    }

    fn check_origin(&self, from: RegionId, actor: ActorId) -> Result<(), PeerError> {
        if self.is_known(actor) { Ok(()) } else { Err(PeerError::ForeignActor { from, actor }) }
    }
}

/// An echo of a ping of this very start, by its own clock; pings are counted from `pings_from`.
fn own_echo(pings_from: u64, now: Now, echo: Echo) -> Option<Echo> {
    let ping_us = echo.ping_us.wrapping_sub(pings_from);
    (ping_us <= micros(now.mono)).then_some(Echo { ping_us, ..echo })
}

fn check_width(from: RegionId, vv: &VersionVector) -> Result<(), PeerError> {
    if vv.len() <= ACTORS_MAX {
        return Ok(());
    }
    let reason = "a version vector of too many actors";
    Err(PeerError::Protocol { from, reason })
}
