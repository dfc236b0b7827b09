//! What clients do: placeholder until the workload stands.

use std::fmt;
use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_wire::{Request, Response};

use crate::dice::Dice;

/// One client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// What a client is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Action;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}

/// What a client asks of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Who asks.
    pub client: ClientId,
    /// Whom.
    pub region: RegionId,
    /// What.
    pub request: Request,
}

/// So many operations, and when.
pub fn draw(_dice: &mut Dice, _ops: u64, _regions: u16) -> Vec<(Duration, Action)> {
    Vec::new()
}

/// Every client.
#[derive(Debug)]
pub struct Clients;

impl Clients {
    /// The clients of a world.
    #[must_use]
    pub const fn new(_seed: u64, _regions: u16) -> Self {
        Self
    }

    /// A client is to do something.
    pub fn handle_action(&mut self, _now: Duration, _action: &Action) {}

    /// A client is answered.
    pub fn handle_response(&mut self, _now: Duration, _client: ClientId, _response: Response) {}

    /// A client's connection is lost: what it asked last may have happened or not.
    pub fn handle_disconnected(&mut self, _now: Duration, _client: ClientId) {}

    /// The time that [`Self::poll_timeout`] told has come.
    pub fn handle_timeout(&mut self, _now: Duration) {}

    /// What to send next.
    #[must_use]
    pub fn poll_ask(&mut self) -> Option<Ask> {
        None
    }

    /// When a client wants to be woken.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        None
    }

    /// Whether every client has done what it was to do.
    pub fn is_idle(&self) -> bool {
        true
    }
}
