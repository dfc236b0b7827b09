//! Links: introduction, heartbeats, and what goes out over them.

use halcyon_types::limits::HEARTBEAT_EVERY;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Now, RegionId, Seq};
use halcyon_wire::{ChainHash, Heartbeat, Hello, PeerMessage};

use super::Replica;
use crate::event::{Command, LinkEvent};
use crate::inbound::micros;
use crate::timer::Timer;

impl Replica {
    pub(super) fn link(&mut self, now: Now, region: RegionId, event: LinkEvent) {
        let Some(peer) = self.peers.get_mut(&region) else {
            return;
        };
        match event {
            LinkEvent::OutUp => {
                peer.outbound.opened(now.mono, peer.inbound.acked.get(self.actor));
                self.timers.cancel(Timer::Dial(region));
                self.beat(now, region);
            }
            LinkEvent::OutDown | LinkEvent::OutRefused if peer.retired => {
                // Should it live, it dials, and is told then; or has dialled, before this link was known to be lost.
                peer.outbound.closed();
                self.copies.lose(region);
                self.timers.cancel(Timer::Heartbeat(region));
                if peer.inbound.is_greeted() {
                    let pause = peer.outbound.pause(&mut self.rng);
                    self.timers.set(Timer::Dial(region), now.mono + pause);
                }
            }
            LinkEvent::OutDown | LinkEvent::OutRefused => {
                if !self.timers.is_set(Timer::Dial(region)) {
                    peer.outbound.closed();
                    self.copies.lose(region);
                    let pause = peer.outbound.pause(&mut self.rng);
                    self.timers.set(Timer::Dial(region), now.mono + pause);
                    self.timers.cancel(Timer::Heartbeat(region));
                }
            }
            LinkEvent::InUp => peer.inbound.opened(now.mono),
            LinkEvent::InDown => {
                peer.inbound.closed(now.mono);
                self.delivery.lose(region);
            }
        }
        if event == LinkEvent::OutRefused {
            self.refused();
        }
        self.seek_all(now);
    }

    /// Tells a peer how far this node is, introducing itself first on a link that has not proved itself.
    pub(super) fn beat(&mut self, now: Now, region: RegionId) {
        let Some(peer) = self.peers.get(&region).filter(|peer| peer.outbound.is_up()) else {
            return;
        };
        let (seed, facts) = if peer.outbound.introduced { Default::default() } else { self.members.vouched() };
        let hello = (!peer.outbound.introduced).then(|| {
            PeerMessage::Hello(Hello {
                agreement: self.agreement,
                seed: seed.clone(),
                facts: facts.clone(),
                region: self.region,
                actor: self.actor,
                boot: self.boot,
                vv: self.synced.clone(),
            })
        });
        let head = self.hashes.get(&self.actor).copied();
        let echo = peer.inbound.echo(now.mono);
        let hlc = self.stamp(now);
        let vv = if planted(Mutant::HeartbeatUnsynced) { &self.delivery.queued } else { &self.synced };
        let beat = PeerMessage::Heartbeat(Heartbeat {
            seq: self.synced.get(self.actor),
            head: head.unwrap_or_else(|| ChainHash::genesis(self.actor)),
            vv: vv.clone(),
            hlc,
            wall: (!self.test_clock).then_some(now.wall),
            ping_us: micros(now.mono).wrapping_add(self.pings_from),
            echo,
            joining: !self.standing.reads(),
        });
        let messages = hello.into_iter().chain([beat]);
        self.commands.extend(messages.map(|message| Command::Send { peer: region, message }));
        self.timers.set(Timer::Heartbeat(region), now.mono + HEARTBEAT_EVERY);
        self.feed(region);
    }

    /// Sends a peer its next range, if there is one and room for it.
    pub(super) fn feed(&mut self, region: RegionId) {
        let synced = self.synced.get(self.actor);
        let (peer, truncation) = (self.peers.get_mut(&region), &self.truncation);
        let range = peer.and_then(|peer| peer.outbound.next_range(self.actor, synced, |actor| truncation.floor(actor)));
        if let Some(range) = range {
            self.commands.push_back(Command::SendRange {
                peer: region,
                actor: range.actor,
                after: range.after,
                upto: range.upto,
                bytes_max: range.bytes_max,
            });
        }
    }

    pub(super) fn feed_all(&mut self) {
        let regions: Vec<_> = self.peers.keys().copied().collect();
        for region in regions {
            self.feed(region);
        }
    }

    pub(super) fn sent(&mut self, _now: Now, region: RegionId, actor: ActorId, last: Seq, bytes: usize) {
        let Some(peer) = self.peers.get_mut(&region) else {
            return;
        };
        // A range that could not be sent is not asked for again at once: the disk or the link is in trouble.
        if peer.outbound.sent(self.actor, actor, last, bytes) {
            self.feed(region);
        }
    }
}
