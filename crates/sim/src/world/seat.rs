//! A region's machine: what stays when its process dies.

use std::time::Duration;

use halcyon_store::MemoryBackend;

use super::clock::WallClock;
use super::fault::When;
use super::known::Known;
use super::node::Node;
use crate::dice::Dice;

/// A crash that waits for its moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Armed {
    pub(super) when: When,
    pub(super) kept: bool,
    pub(super) alone: bool,
    pub(super) down: Duration,
}

/// One region's machine.
pub(super) struct Seat {
    pub(super) backend: MemoryBackend,
    pub(super) clock: WallClock,
    pub(super) node: Option<Node>,
    pub(super) lives: u64,
    /// For how long the node stays down once its next sync has failed.
    pub(super) failing: Option<Duration>,
    pub(super) armed: Option<Armed>,
    /// How long syncs take.
    pub(super) sync: (Duration, Duration),
    pub(super) group_max: usize,
    pub(super) background: bool,
    /// The records that invariants have been shown as applied here.
    pub(super) known: Known,
    pub(super) dice: Dice,
}
