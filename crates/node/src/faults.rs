//! Faults on request: what the fault API has cut or delayed, as the driver asks before it passes a message on.
//!
//! A cut is as if the cable were out: messages vanish and nobody is told. A direction is the direction of data: with
//! `in` cut, nothing is learned from the peer (its records and heartbeats vanish, no pulls go to it); with `out` cut,
//! nothing is told to it (no records, no heartbeats, and its pulls go unanswered). On heal the driver drops both links, as
//! a transport that had timed out would have, so that they begin anew from what was acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_wire::PeerMessage;
use serde::{Deserialize, Serialize};

/// What is wrong with the link to one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct LinkFault {
    /// Nothing is learned from the peer.
    pub cut_in: bool,
    /// Nothing is told to the peer.
    pub cut_out: bool,
    /// Records of regions other than this one are withheld from the peer.
    pub relay_off: bool,
    /// Every message to the peer is held for so long.
    #[serde(rename = "delay_ms", serialize_with = "milliseconds")]
    pub delay: Duration,
}

/// The longest delay that can be asked for.
pub(crate) const DELAY_MS_MAX: u64 = 60_000;

fn milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// One change to a link, as `POST /fault/link/PEER` carries it. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkChange {
    /// `cut` or `up`.
    pub state: Option<LinkState>,
    /// Which direction `state` is for; both, if absent.
    #[serde(default)]
    pub direction: Direction,
    /// `off` withholds other regions' records from the peer; `on` passes them.
    pub relay: Option<Switch>,
    /// Milliseconds by which every message to the peer is held.
    pub delay_ms: Option<u64>,
}

/// Whether messages pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LinkState {
    /// They vanish.
    Cut,
    /// They pass.
    Up,
}

/// A direction of data, seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// From the peer to this node.
    In,
    /// From this node to the peer.
    Out,
    /// Both.
    #[default]
    Both,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// The faults of every link.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<RegionId, LinkFault>);

impl Faults {
    pub(crate) fn of(&self, peer: RegionId) -> LinkFault {
        self.0.get(&peer).copied().unwrap_or_default()
    }

    /// Changes a link; says whether something that was cut, or is held, passes again: then the link must begin anew.
    pub(crate) fn change(&mut self, peer: RegionId, change: &LinkChange) -> bool {
        let fault = self.0.entry(peer).or_default();
        let before = *fault;
        if let Some(state) = change.state {
            let cut = state == LinkState::Cut;
            if change.direction != Direction::Out {
                fault.cut_in = cut;
            }
            if change.direction != Direction::In {
                fault.cut_out = cut;
            }
        }
        if let Some(relay) = change.relay {
            fault.relay_off = relay == Switch::Off;
        }
        if let Some(ms) = change.delay_ms {
            fault.delay = Duration::from_millis(ms);
        }
        let passes = |was: bool, is: bool| was && !is;
        passes(before.cut_in, fault.cut_in)
            || passes(before.cut_out, fault.cut_out)
            || passes(before.relay_off, fault.relay_off)
            || fault.delay < before.delay
    }

    /// Whether a message from `peer` reaches this node.
    pub(crate) fn admits(&self, peer: RegionId, message: &PeerMessage) -> bool {
        let fault = self.of(peer);
        match message {
            PeerMessage::Pull(_) => !fault.cut_out,
            PeerMessage::Hello(_) | PeerMessage::Heartbeat(_) | PeerMessage::Range(_) => !fault.cut_in,
        }
    }

    /// Whether a message to `peer` leaves this node, whose region is `me`.
    pub(crate) fn releases(&self, me: RegionId, peer: RegionId, message: &PeerMessage) -> bool {
        let fault = self.of(peer);
        match message {
            PeerMessage::Pull(_) => !fault.cut_in,
            PeerMessage::Hello(_) | PeerMessage::Heartbeat(_) => !fault.cut_out,
            PeerMessage::Range(range) => !fault.cut_out && (!fault.relay_off || range.actor.region() == Some(me)),
        }
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::{ActorId, Seq, UnixMs};
    use halcyon_wire::{Pull, Range};

    use super::*;

    fn region(id: u64) -> RegionId {
        RegionId::try_from(id).unwrap()
    }

    fn range_of(owner: u64) -> PeerMessage {
        let actor = ActorId::mint(region(owner), UnixMs(1));
        PeerMessage::Range(Range { actor, first: Seq(1), records: Vec::new() })
    }

    fn pull() -> PeerMessage {
        PeerMessage::Pull(Pull { actor: ActorId::mint(region(1), UnixMs(1)), after: Seq::ZERO, upto: Seq(1) })
    }

    #[test]
    fn a_one_way_cut_stops_data_in_that_direction_only() {
        let (me, peer) = (region(1), region(2));
        let mut faults = Faults::default();
        let cut = LinkChange { state: Some(LinkState::Cut), direction: Direction::In, ..LinkChange::default() };
        assert!(!faults.change(peer, &cut));
        assert!(!faults.admits(peer, &range_of(2)) && !faults.releases(me, peer, &pull()));
        assert!(faults.releases(me, peer, &range_of(1)) && faults.admits(peer, &pull()));
        assert!(faults.admits(region(3), &range_of(3)), "other links are untouched");
        let up = LinkChange { state: Some(LinkState::Up), ..LinkChange::default() };
        assert!(faults.change(peer, &up), "something passes again");
        assert!(!faults.change(peer, &up), "nothing new passes");
    }

    #[test]
    fn without_relay_only_own_records_leave() {
        let (me, peer) = (region(1), region(2));
        let mut faults = Faults::default();
        faults.change(peer, &LinkChange { relay: Some(Switch::Off), ..LinkChange::default() });
        assert!(faults.releases(me, peer, &range_of(1)) && !faults.releases(me, peer, &range_of(3)));
    }
}
