//! Links, and the faults that were asked for.
//!
//! A link that is cut both ways is *dark*: the replica takes it for down. What a peer dials meanwhile is parked, and what this
//! node would dial is put off, so that nothing but the replica's own pauses stands between the heal and the first word.

use halcyon_core::{LinkEvent, PeerError};
use halcyon_net::LinkHandle;
use halcyon_types::RegionId;
use halcyon_wire::PeerMessage;

use super::Driver;
use crate::faults::LinkChange;
use crate::peers::{self, OutLink};

impl Driver {
    pub(super) fn link_up(&mut self, peer: RegionId, link: OutLink) {
        if self.faults.of(peer).is_dark() {
            link.handle.close("cut by the fault API");
            return self.tell(peer, LinkEvent::OutDown);
        }
        if let Some(older) = self.out_links.insert(peer, link) {
            older.handle.close("replaced by a newer link");
        }
        self.refused_by.remove(&peer);
        self.tell(peer, LinkEvent::OutUp);
    }

    /// A dial ended: the peer does not want this region. The operator is told once.
    pub(super) fn link_refused(&mut self, peer: RegionId, reason: &str) {
        if self.refused_by.insert(peer) {
            let peer = self.name_of(peer);
            tracing::warn!(
                %peer, %reason,
                "a region does not admit this one, which goes on asking; if it is to join, see `halcyon region add`"
            );
        }
        self.out_links.remove(&peer);
        self.tell(peer, LinkEvent::OutRefused);
    }

    /// A dial failed, or a link is lost.
    pub(super) fn link_down(&mut self, peer: RegionId, link: Option<u64>) {
        if link.is_none() || self.out_links.get(&peer).map(|link| link.id) == link {
            self.out_links.remove(&peer);
            self.tell(peer, LinkEvent::OutDown);
        }
    }

    pub(super) fn peer_up(&mut self, peer: RegionId, link: u64, handle: LinkHandle) {
        if let Some((_, older)) = self.in_links.insert(peer, (link, handle)) {
            older.close("replaced by a newer link");
        }
        if !self.faults.of(peer).is_dark() {
            self.tell(peer, LinkEvent::InUp);
        }
    }

    pub(super) fn peer_down(&mut self, peer: RegionId, link: u64) {
        if self.is_present(peer, link) {
            self.in_links.remove(&peer);
            self.tell(peer, LinkEvent::InDown);
        }
    }

    pub(super) fn peer_said(&mut self, peer: RegionId, link: u64, message: PeerMessage) {
        if !self.is_present(peer, link) || !self.faults.admits(peer, &message) {
            return;
        }
        if let Err(reason) = self.replica.handle_peer(self.site.clocks.now(), peer, message) {
            self.drop_in_link(peer, &reason);
        }
    }

    pub(super) fn drop_in_link(&mut self, peer: RegionId, reason: &PeerError) {
        tracing::warn!(%peer, %reason, "a peer's link is dropped");
        self.drop_in(peer, &reason.to_string());
    }

    pub(super) fn dial(&mut self, peer: RegionId) {
        if self.faults.of(peer).is_dark() {
            self.held_dials.insert(peer);
            return;
        }
        if let Some(region) = self.replica.members().region(peer) {
            let own = self.site.credentials.clone();
            tokio::spawn(peers::dial(own, region.clone(), self.site.numbers.clone(), self.events.clone()));
        }
    }

    /// Carries out what the fault API asks for.
    pub(super) fn fault(&mut self, peer: RegionId, change: &LinkChange) {
        let before = self.faults.of(peer);
        self.faults.change(peer, change);
        let after = self.faults.of(peer);
        tracing::info!(%peer, fault = ?after, "fault API");
        if after.lets_pass_more_than(before) && !before.is_dark() {
            // What was withheld is lost, as in a transport that has timed out: the link begins anew at what was acknowledged.
            self.drop_in(peer, "healed: begin anew");
            self.drop_out(peer, "healed: begin anew");
        }
        // Gone dark from a cut one way, both go: a link that one end keeps and the other has begun anew is dead for both.
        let went_dark = after.is_dark() && !before.is_dark();
        if went_dark || after.cut_in && !before.cut_in {
            self.drop_in(peer, "cut by the fault API");
        }
        if went_dark || after.cut_out && !before.cut_out {
            self.drop_out(peer, "cut by the fault API");
        }
        if before.is_dark() && !after.is_dark() {
            if self.in_links.contains_key(&peer) {
                self.tell(peer, LinkEvent::InUp);
            }
            if self.held_dials.remove(&peer) {
                self.dial(peer);
            }
        }
    }

    /// One of the two is no member any more.
    pub(super) fn hang_up(&mut self, peer: RegionId) {
        self.held_dials.remove(&peer);
        let reason = PeerError::Retired { from: peer }.to_string();
        self.drop_in(peer, &reason);
        self.drop_out(peer, &reason);
    }

    fn is_present(&self, peer: RegionId, link: u64) -> bool {
        self.in_links.get(&peer).is_some_and(|(present, _)| *present == link)
    }

    fn drop_in(&mut self, peer: RegionId, reason: &str) {
        if let Some((_, handle)) = self.in_links.remove(&peer) {
            handle.close(reason);
            self.tell(peer, LinkEvent::InDown);
        }
    }

    fn drop_out(&mut self, peer: RegionId, reason: &str) {
        if let Some(link) = self.out_links.remove(&peer) {
            link.handle.close(reason);
            self.tell(peer, LinkEvent::OutDown);
        }
    }

    fn tell(&mut self, peer: RegionId, event: LinkEvent) {
        self.replica.handle_link(self.site.clocks.now(), peer, event);
    }
}
