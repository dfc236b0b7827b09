//! One direction of a connection between two nodes.

use std::time::Duration;

use halcyon_types::{ActorId, Seq};
use halcyon_wire::PeerMessage;

/// A range sent and not yet taken by the link.
pub(crate) type Taking = (ActorId, Seq, usize);

/// What vanishes, without a word to anybody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loses {
    Nothing,
    Records,
    All,
}

pub(crate) struct Link {
    /// The connection's number while it is open.
    pub(crate) open: Option<u64>,
    pub(crate) loses: Loses,
    /// The connection is refused, and was lost with a word to both ends.
    pub(crate) severed: bool,
    /// It takes no records: its reader does not read.
    pub(crate) stalled: bool,
    pub(crate) held: Option<Taking>,
    pub(crate) delay: Duration,
    /// Up to so much more, each message for itself; control and records do not wait for each other.
    pub(crate) jitter_us: u64,
    pub(crate) loss_percent: u64,
    pub(crate) twice_percent: u64,
    arrived: [Duration; 2],
}

impl Link {
    pub(crate) fn new() -> Self {
        Self {
            open: None,
            loses: Loses::Nothing,
            severed: false,
            stalled: false,
            held: None,
            delay: Duration::from_millis(5),
            jitter_us: 0,
            loss_percent: 0,
            twice_percent: 0,
            arrived: [Duration::ZERO; 2],
        }
    }

    /// When a message sent now arrives: in order within its stream.
    pub(crate) fn arrival(&mut self, now: Duration, message: &PeerMessage, random: u64) -> Duration {
        let stream = usize::from(matches!(message, PeerMessage::Range(_)));
        let jitter = Duration::from_micros(random % (self.jitter_us + 1));
        let at = (now + self.delay + jitter).max(self.arrived[stream]);
        self.arrived[stream] = at;
        at
    }
}
