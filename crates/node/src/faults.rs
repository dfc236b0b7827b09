//! Faults on request: what the fault API has cut or delayed, as the driver asks before it passes a message on.
//!
//! A direction is the direction of data. Cut *both* ways, a link is dark, as if the cable were out: messages vanish, the peer
//! is not told, and the replica takes the link for down. Cut one way only, no records pass that way, nor the requests that
//! would bring them; who speaks and how far it is passes still, for without that the other way would not work either: so one
//! region can catch up from another that learns nothing from it. When a direction is cut, its link is dropped, and with it
//! what it brought that was not applied; on heal both begin anew, from what was acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_wire::PeerMessage;
use serde::{Deserialize, Serialize};

/// What is wrong with the link to one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct LinkFault {
    /// No records come from the peer.
    pub cut_in: bool,
    /// No records go to the peer.
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

    pub(crate) fn change(&mut self, peer: RegionId, change: &LinkChange) {
        let fault = self.0.entry(peer).or_default();
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
    }

    /// Whether a message from `peer` reaches this node.
    pub(crate) fn admits(&self, peer: RegionId, message: &PeerMessage) -> bool {
        let fault = self.of(peer);
        match message {
            PeerMessage::Pull(_) | PeerMessage::AskPage(_) | PeerMessage::AskRights(_) => !fault.cut_out,
            PeerMessage::Range(_) | PeerMessage::Page(_) => !fault.cut_in,
            PeerMessage::Hello(_) | PeerMessage::Heartbeat(_) | PeerMessage::Floors(_) | PeerMessage::NoCopy(_) => {
                !fault.is_dark()
            }
        }
    }

    /// Whether a message to `peer` leaves this node, whose region is `me`.
    pub(crate) fn releases(&self, me: RegionId, peer: RegionId, message: &PeerMessage) -> bool {
        let fault = self.of(peer);
        match message {
            PeerMessage::Pull(_) | PeerMessage::AskPage(_) | PeerMessage::AskRights(_) => !fault.cut_in,
            PeerMessage::Range(range) => !fault.cut_out && (!fault.relay_off || range.actor.region() == Some(me)),
            PeerMessage::Page(_) => !fault.cut_out && !fault.relay_off,
            PeerMessage::Hello(_) | PeerMessage::Heartbeat(_) | PeerMessage::Floors(_) | PeerMessage::NoCopy(_) => {
                !fault.is_dark()
            }
        }
    }
}

impl LinkFault {
    /// Nothing passes, either way.
    pub(crate) const fn is_dark(self) -> bool {
        self.cut_in && self.cut_out
    }

    /// Whether something passes that did not, or waited, `before`.
    pub(crate) fn lets_pass_more_than(self, before: Self) -> bool {
        let passes = |was: bool, is: bool| was && !is;
        passes(before.cut_in, self.cut_in)
            || passes(before.cut_out, self.cut_out)
            || passes(before.relay_off, self.relay_off)
            || self.delay < before.delay
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::{ActorId, Hlc, Seq, UnixMs, VersionVector};
    use halcyon_wire::{AskRights, ChainHash, Heartbeat, Pull, Range};

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

    fn rights() -> PeerMessage {
        let counter = halcyon_crdt::Object::new(halcyon_types::KeyspaceId::FIRST, "k");
        PeerMessage::AskRights(AskRights { counter, amount: 1 })
    }

    fn heartbeat() -> PeerMessage {
        let actor = ActorId::mint(region(2), UnixMs(1));
        PeerMessage::Heartbeat(Heartbeat {
            seq: Seq::ZERO,
            head: ChainHash::genesis(actor),
            vv: VersionVector::new(),
            hlc: Hlc::ZERO,
            wall: Some(UnixMs(1)),
            ping_us: 1,
            echo: None,
            joining: false,
        })
    }

    /// What passes of (heartbeats, the peer's records, the peer's requests, own records, own requests).
    fn passes(faults: &Faults) -> (bool, bool, bool, bool, bool) {
        let (me, peer) = (region(1), region(2));
        let both = |message: &PeerMessage| {
            let (admits, releases) = (faults.admits(peer, message), faults.releases(me, peer, message));
            (admits, releases)
        };
        let (heard, told) = both(&heartbeat());
        assert_eq!(heard, told, "who speaks is heard both ways or not at all");
        assert_eq!(both(&pull()), both(&rights()), "both bring records the other way");
        let requests = both(&pull());
        (heard, faults.admits(peer, &range_of(2)), requests.0, faults.releases(me, peer, &range_of(1)), requests.1)
    }

    fn cut(faults: &mut Faults, state: LinkState, direction: Direction) -> bool {
        let before = faults.of(region(2));
        faults.change(region(2), &LinkChange { state: Some(state), direction, ..LinkChange::default() });
        faults.of(region(2)).lets_pass_more_than(before)
    }

    #[test]
    fn a_one_way_cut_stops_records_in_that_direction_and_what_would_bring_them() {
        let mut faults = Faults::default();
        assert!(!cut(&mut faults, LinkState::Cut, Direction::In));
        assert_eq!(passes(&faults), (true, false, true, true, false));
        assert!(faults.admits(region(3), &range_of(3)), "other links are untouched");
        assert!(!cut(&mut faults, LinkState::Cut, Direction::Out));
        assert_eq!(passes(&faults), (false, false, false, false, false), "dark");
        assert!(cut(&mut faults, LinkState::Up, Direction::In), "something passes again");
        assert_eq!(passes(&faults), (true, true, false, false, true));
        assert!(cut(&mut faults, LinkState::Up, Direction::Both));
        assert!(!cut(&mut faults, LinkState::Up, Direction::Both), "nothing new passes");
    }

    #[test]
    fn without_relay_only_own_records_leave() {
        let (me, peer) = (region(1), region(2));
        let mut faults = Faults::default();
        faults.change(peer, &LinkChange { relay: Some(Switch::Off), ..LinkChange::default() });
        assert!(faults.releases(me, peer, &range_of(1)) && !faults.releases(me, peer, &range_of(3)));
    }
}
