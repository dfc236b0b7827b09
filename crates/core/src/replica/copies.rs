//! Serving copies of this node's state: whoever lacks records that are gone here takes its rows instead.

use halcyon_types::{Now, RegionId, VersionVector};
use halcyon_wire::{AskPage, PeerMessage};

use super::Replica;
use crate::copies::Asked;
use crate::event::Command;
use crate::timer::Timer;

impl Replica {
    /// Tells a peer from where on the logs are here.
    pub(super) fn tell_floors(&mut self, peer: RegionId) {
        let message = PeerMessage::Floors(self.truncation.floors().clone());
        self.commands.push_back(Command::Send { peer, message });
    }

    pub(super) fn asked_for_page(&mut self, now: Now, from: RegionId, ask: AskPage) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.inbound.heard = now.mono;
        }
        // A node that is about to be another, or has nothing itself, is no source.
        if self.stopping || !self.standing.reads() {
            return;
        }
        match self.copies.ask(now.mono, from, ask, &self.synced) {
            Asked::Begin => self.commands.push_back(Command::BeginCopy { peer: from }),
            Asked::Unknown => {
                let message = PeerMessage::NoCopy(ask.copy);
                self.commands.push_back(Command::Send { peer: from, message });
            }
            Asked::Queued | Asked::Full => {}
        }
        self.feed_copy(now, from);
    }

    pub(super) fn feed_copy(&mut self, now: Now, peer: RegionId) {
        match self.copies.due(now.mono, peer) {
            Ok((copy, number)) => self.commands.push_back(Command::SendPage { peer, copy, number }),
            Err(Some(at)) => self.timers.set(Timer::Page(peer), at),
            Err(None) => {}
        }
    }

    pub(super) fn page_sent(&mut self, now: Now, peer: RegionId, bytes: usize) {
        self.copies.sent(now.mono, peer, bytes);
        self.feed_copy(now, peer);
    }

    /// Lets go of copies that are of no use any more.
    pub(super) fn end_copies(&mut self, now: Now) {
        let peers = &self.peers;
        let has = |peer, vv: &VersionVector| peers.get(&peer).is_some_and(|peer| vv.le(&peer.inbound.acked));
        for peer in self.copies.end(now.mono, has) {
            self.timers.cancel(Timer::Page(peer));
            self.commands.push_back(Command::EndCopy { peer });
        }
    }
}
