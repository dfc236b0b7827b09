//! Every client, as one state machine: actions, answers and time go in, requests come out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use halcyon_types::{RegionId, VersionVector};
use halcyon_wire::{Request, Response};

use super::action::{Action, ClientId};
use super::client::Client;

/// What a client asks of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Who asks.
    pub client: ClientId,
    /// Whom.
    pub region: RegionId,
    /// What.
    pub request: Request,
    /// Whether it has asked the same before, and knows of no answer.
    pub again: bool,
}

/// Every client. One begins with its first action; a client does one thing after the other.
#[derive(Debug)]
pub struct Clients {
    seed: u64,
    regions: u16,
    begun: BTreeMap<ClientId, Client>,
    alarms: BTreeSet<(Duration, ClientId)>,
    asks: VecDeque<Ask>,
}

impl Clients {
    /// The clients of a world.
    #[must_use]
    pub const fn new(seed: u64, regions: u16) -> Self {
        Self { seed, regions, begun: BTreeMap::new(), alarms: BTreeSet::new(), asks: VecDeque::new() }
    }

    /// A client is to do something.
    pub fn handle_action(&mut self, now: Duration, action: &Action) {
        let (seed, regions) = (self.seed, self.regions);
        self.begun.entry(action.client).or_insert_with(|| Client::new(action.client, seed, regions));
        self.step(action.client, |client, asks| client.act(now, action.clone(), asks));
    }

    /// A client is answered.
    pub fn handle_response(&mut self, now: Duration, client: ClientId, response: Response) {
        self.step(client, |client, asks| client.hear(now, response, asks));
    }

    /// A client's connection is lost, or was refused: what it asked last may have happened or not.
    pub fn handle_disconnected(&mut self, now: Duration, client: ClientId) {
        self.step(client, |client, asks| client.lose(now, asks));
    }

    /// The time that [`Self::poll_timeout`] told has come. Harmless when it has not.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((at, client)) = self.alarms.first().copied()
            && at <= now
        {
            self.step(client, |client, asks| client.wake(now, asks));
        }
    }

    /// Whatever lies above `left` is lost: no client goes on asking for it.
    pub fn forget(&mut self, left: &VersionVector) {
        self.begun.values_mut().for_each(|client| client.forget(left));
    }

    /// What to send next. Poll after any `handle_*` until empty.
    #[must_use]
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// When a client wants to be woken. Poll after any `handle_*`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Whether every client has done what it was to do.
    pub fn is_idle(&self) -> bool {
        self.begun.values().all(Client::is_idle)
    }

    /// Whether a client is in the midst of something.
    pub fn is_busy(&self, client: ClientId) -> bool {
        self.begun.get(&client).is_some_and(|client| !client.is_idle())
    }

    fn step(&mut self, id: ClientId, step: impl FnOnce(&mut Client, &mut VecDeque<Ask>)) {
        let Some(client) = self.begun.get_mut(&id) else { return };
        let before = client.alarm();
        step(client, &mut self.asks);
        let after = client.alarm();
        if before != after {
            before.map(|at| self.alarms.remove(&(at, id)));
            after.map(|at| self.alarms.insert((at, id)));
        }
    }
}
