//! One direction between two regions: the cable, and the connection that the one has dialled to the other over it and back.

use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_types::limits::PULL_PATIENCE;
use halcyon_wire::PeerMessage;

use super::fault::Cable;
use crate::dice::Dice;

/// A message's way, and what it did to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) at: Duration,
    /// It arrives a second time.
    pub(super) repeated: bool,
    /// Before one of its stream that was sent earlier.
    pub(super) overtakes: bool,
    /// Under way for so long that a pull over a way like it, there and back, is given up.
    pub(super) late: bool,
}

/// From one region to another.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) cable: Cable,
    /// Nothing passes until then.
    pub(super) cut: Duration,
    /// Connections are refused until then.
    pub(super) severed: Duration,
    /// The connection, as who dialled it has it.
    pub(super) out: Option<u64>,
    /// The connection, as who was dialled has it.
    pub(super) inn: Option<u64>,
    /// When the last message of each stream arrives.
    arrived: [Duration; 2],
    pub(super) dice: Dice,
}

impl Link {
    pub(super) fn new(seed: u64, from: RegionId, to: RegionId) -> Self {
        let number = u64::from(from.get()) << 16 | u64::from(to.get());
        Self {
            cable: Cable::default(),
            cut: Duration::ZERO,
            severed: Duration::ZERO,
            out: None,
            inn: None,
            arrived: [Duration::ZERO; 2],
            dice: Dice::stream(seed, "link", number),
        }
    }

    pub(super) fn is_cut(&self, now: Duration) -> bool {
        now < self.cut
    }

    pub(super) fn is_severed(&self, now: Duration) -> bool {
        now < self.severed
    }

    /// The time under way.
    pub(super) fn travel(&mut self) -> Duration {
        self.cable.delay + self.dice.span(Duration::ZERO, self.cable.jitter)
    }

    /// When a message sent now arrives, each copy of it: none if it is lost. Streams do not wait for each other.
    pub(super) fn arrivals(&mut self, now: Duration, message: &PeerMessage) -> Vec<Arrival> {
        if self.is_cut(now) || self.dice.per_mille(self.cable.loses) {
            return Vec::new();
        }
        let copies = if self.dice.per_mille(self.cable.repeats) { 2 } else { 1 };
        let travels: Vec<_> = (0..copies).map(|nth| (nth > 0, self.travel())).collect();
        let [control, records] = &mut self.arrived;
        let last = if matches!(message, PeerMessage::Range(_) | PeerMessage::Page(_)) { records } else { control };
        let reorders = self.cable.reorders;
        let arrival = |(repeated, travel): (bool, Duration)| {
            let at = if reorders { now + travel } else { (now + travel).max(*last) };
            let overtakes = !repeated && at < *last;
            *last = (*last).max(at);
            Arrival { at, repeated, overtakes, late: at.saturating_sub(now) * 2 >= PULL_PATIENCE }
        };
        travels.into_iter().map(arrival).collect()
    }
}
