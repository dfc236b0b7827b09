//! Connections between nodes: dialled, spoken over, lost.

use std::time::Duration;

use bytes::Bytes;
use halcyon_core::{LinkEvent, PeerError};
use halcyon_types::limits::HANDSHAKE_TIMEOUT;
use halcyon_types::{ActorId, RegionId, Seq};
use halcyon_wire::{PeerMessage, codec};

use super::World;
use super::event::{Event, Way};
use super::fault::When;
use super::link::Arrival;
use super::observation::{Between, Observation};

impl World {
    /// Gives a message to the link; `false` if there is none.
    pub(super) fn send(&mut self, from: RegionId, to: RegionId, message: &PeerMessage) -> bool {
        self.observe(&Observation::Spoke { from, to, message });
        let mut bytes = Vec::new();
        codec::encode(&mut bytes, message);
        let now = self.now;
        self.trace.tell(now, Some(from), "send", &bytes, || format!("to {to}: {message:?}"));
        let Some(link) = self.links.get_mut(&(from, to)) else { return false };
        let Some(open) = link.out else { return false };
        let arrivals = link.arrivals(now, message);
        if arrivals.is_empty() {
            let cut = link.is_cut(now);
            self.figures.count(if cut { "messages swallowed by a cut" } else { "messages lost on the way" });
            self.figures.add("pages lost", u64::from(matches!(message, PeerMessage::Page(_))));
        }
        let bytes = Bytes::from(bytes);
        for arrival in arrivals {
            self.schedule(arrival.at, Event::Arrive { way: (from, to), open, arrival, bytes: bytes.clone() });
        }
        true
    }

    /// The link takes a range, as fast as its cable is.
    pub(super) fn take(&mut self, from: RegionId, to: RegionId, actor: ActorId, last: Seq, bytes: usize) {
        let Some(link) = self.links.get_mut(&(from, to)) else { return };
        let Some(open) = link.out else { return };
        let takes = link.travel() / 4;
        self.schedule(self.now + takes, Event::Taken { way: (from, to), open, actor, last, bytes });
    }

    pub(super) fn taken(&mut self, way: Way, open: u64, (actor, last, bytes): (ActorId, Seq, usize)) {
        if self.links.get(&way).is_none_or(|link| link.out != Some(open)) {
            return;
        }
        let Some(now) = self.clocks(way.0) else { return };
        if let Some(node) = self.node_mut(way.0) {
            node.replica.handle_sent(now, way.1, actor, last, bytes);
        }
        self.pump(way.0);
    }

    pub(super) fn arrive(&mut self, way: Way, open: u64, arrival: Arrival, bytes: &[u8]) {
        let (from, to) = way;
        if self.links.get(&way).is_none_or(|link| link.inn != Some(open)) {
            return;
        }
        let Some(now) = self.clocks(to) else { return };
        self.trace.tell(self.now, Some(to), "arrive", bytes, || format!("from {from}"));
        let Some(message) = self.read_message(Between::Nodes(from, to), bytes) else { return };
        let records = matches!(message, PeerMessage::Range(_));
        self.count_arrival(arrival);
        self.observe(&Observation::Arrived { from, to, message: &message });
        let Some(node) = self.node_mut(to) else { return };
        if let Err(reason) = node.replica.handle_peer(now, from, message) {
            self.drop_in(to, from, &reason);
        }
        self.pump(to);
        if records {
            self.moment(to, When::Received);
        }
    }

    /// A node drops what a peer has dialled, for what the peer said.
    pub(super) fn drop_in(&mut self, region: RegionId, peer: RegionId, reason: &PeerError) {
        self.observe(&Observation::Dropped { region, reason });
        self.lose_in((peer, region));
    }

    pub(super) fn dial(&mut self, from: RegionId, to: RegionId) {
        let Some(life) = self.node(from).map(|node| node.life) else { return };
        let Some(link) = self.links.get_mut(&(from, to)) else { return };
        let travels = link.travel() * 2;
        let fails = link.dice.per_mille(link.cable.refuses);
        self.figures.add("dials that failed on the way", u64::from(fails));
        self.schedule(self.now + travels, Event::Dialled { way: (from, to), life, fails });
    }

    /// A dial ends. One that nobody answers is given up some time later.
    pub(super) fn dialled(&mut self, way: Way, life: u64, fails: bool) {
        let (from, to) = way;
        if !self.lives(from, life) {
            return;
        }
        let now = self.now;
        let answers = self.node(to).is_some_and(|node| node.paused <= now);
        let back = self.links.get(&(to, from)).is_some_and(|link| link.is_cut(now));
        let open = self.number();
        let Some(link) = self.links.get_mut(&way) else { return };
        let refused = link.is_severed(now);
        if fails {
            return self.tell(from, to, LinkEvent::OutDown);
        }
        if back || link.is_cut(now) || refused || !answers {
            self.figures.count("dials that nobody answered");
            let patience = if refused { Duration::from_millis(5) } else { HANDSHAKE_TIMEOUT };
            let waits = link.dice.span(Duration::from_millis(1), patience);
            return self.schedule(now + waits, Event::Dialled { way, life, fails: true });
        }
        (link.out, link.inn) = (Some(open), Some(open));
        self.figures.count("connections");
        self.tell(to, from, LinkEvent::InUp);
        self.tell(from, to, LinkEvent::OutUp);
    }

    pub(super) fn tell(&mut self, region: RegionId, peer: RegionId, event: LinkEvent) {
        let Some(now) = self.clocks(region) else { return };
        self.trace.tell(self.now, Some(region), "link", &[event as u8], || format!("{event:?} {peer}"));
        if let Some(node) = self.node_mut(region) {
            node.replica.handle_link(now, peer, event);
        }
        self.pump(region);
    }

    /// A connection is lost, with a word to both ends; if there is one, it counts as `what`.
    pub(super) fn lose(&mut self, way: Way, what: &'static str) {
        let Some(link) = self.links.get(&way) else { return };
        if let Some(open) = link.out {
            self.figures.count(what);
            self.schedule(self.now, Event::OutLost { way, open });
        }
        self.lose_in(way);
    }

    /// Who was dialled has closed the connection, and says so.
    fn lose_in(&mut self, way: Way) {
        let Some(link) = self.links.get_mut(&way) else { return };
        let travels = link.travel();
        let (out, inn) = (link.out, link.inn);
        if let Some(open) = inn {
            self.in_lost(way, open);
        }
        if let Some(open) = out {
            self.schedule(self.now + travels, Event::OutLost { way, open });
        }
    }

    pub(super) fn out_lost(&mut self, way: Way, open: u64) {
        let Some(link) = self.links.get_mut(&way) else { return };
        if link.out.take_if(|present| *present == open).is_some() {
            self.tell(way.0, way.1, LinkEvent::OutDown);
        }
    }

    pub(super) fn in_lost(&mut self, way: Way, open: u64) {
        let Some(link) = self.links.get_mut(&way) else { return };
        if link.inn.take_if(|present| *present == open).is_some() {
            self.tell(way.1, way.0, LinkEvent::InDown);
        }
    }

    /// A connection over a cable that is still cut, either way.
    pub(super) fn given_up(&mut self, way: Way, open: u64) {
        let now = self.now;
        let cut = |way: &Way| self.links.get(way).is_some_and(|link| link.is_cut(now));
        if cut(&way) || cut(&(way.1, way.0)) {
            self.figures.count("connections given up");
            self.out_lost(way, open);
            self.in_lost(way, open);
        }
    }
}
