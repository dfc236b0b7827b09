//! The connections of clients: one each, to one region at a time, on which requests arrive in the order in which they were
//! sent and answers in the order in which they were given.

use std::time::Duration;

use bytes::Bytes;
use halcyon_core::SessionId;
use halcyon_types::{RegionId, UnixMs, VersionVector};
use halcyon_wire::{Outcome, Request, Response, codec};

use super::World;
use super::event::Event;
use super::observation::{Between, Observation};
use crate::dice::Dice;
use crate::workload::{Ask, ClientId};

/// A client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) region: RegionId,
    pub(super) session: SessionId,
    /// The process that it is to; none, if there was none.
    life: Option<u64>,
    /// When the last request and the last answer arrive.
    arrived: [Duration; 2],
    dice: Dice,
}

impl Connection {
    fn arrival(&mut self, now: Duration, back: bool) -> Duration {
        let travels = self.dice.span(Duration::from_micros(50), Duration::from_millis(2));
        let [there, here] = &mut self.arrived;
        let last = if back { here } else { there };
        *last = (now + travels).max(*last);
        *last
    }
}

impl World {
    /// Sends what the clients want to ask.
    pub(super) fn ask(&mut self) {
        while let Some(Ask { client, region, request, again }) = self.clients.poll_ask() {
            self.observe(&Observation::Asked { client, region, request: &request });
            let mut bytes = Vec::new();
            codec::encode(&mut bytes, &request);
            self.trace.tell(self.now, Some(region), "ask", &bytes, || format!("client {}: {request:?}", client.0));
            self.figures.count("requests");
            self.figures.add("requests asked again", u64::from(again));
            self.connect(client, region);
            let now = self.now;
            let Some(connection) = self.connections.get_mut(&client) else { continue };
            let (at, session) = (connection.arrival(now, false), connection.session);
            self.schedule(at, Event::Ask { client, session, bytes: Bytes::from(bytes) });
        }
    }

    fn connect(&mut self, client: ClientId, region: RegionId) {
        if self.connections.get(&client).is_some_and(|connection| connection.region == region) {
            return;
        }
        self.leave(client);
        let number = self.number();
        let connection = Connection {
            region,
            session: SessionId(number),
            life: self.node(region).map(|node| node.life),
            arrived: [self.now; 2],
            dice: Dice::stream(self.seed, "connection", number),
        };
        self.connections.insert(client, connection);
    }

    /// A client gives its connection up; its node learns of it behind its last request.
    fn leave(&mut self, client: ClientId) {
        let Some(mut connection) = self.connections.remove(&client) else { return };
        let at = connection.arrival(self.now, false);
        let Connection { region, session, life, .. } = connection;
        self.observe(&Observation::Parted { client, region });
        if let Some(life) = life {
            self.schedule(at, Event::Leave { region, life, session });
        }
    }

    pub(super) fn left(&mut self, region: RegionId, life: u64, session: SessionId) {
        if !self.lives(region, life) {
            return;
        }
        self.trace.tell(self.now, Some(region), "left", &session.0.to_le_bytes(), || format!("{session:?}"));
        if let Some(node) = self.node_mut(region) {
            node.replica.handle_session_closed(session);
        }
        self.pump(region);
    }

    pub(super) fn asked(&mut self, client: ClientId, session: SessionId, bytes: &[u8]) {
        let lives = |open: &Connection| open.life.is_some_and(|life| self.lives(open.region, life));
        let alive = self.connections.get(&client).is_some_and(lives);
        let Some(connection) = self.connections.get_mut(&client).filter(|open| open.session == session) else { return };
        let region = connection.region;
        if !alive {
            // Nobody is there to say so: it shows when no answer comes.
            let waits = connection.dice.span(Duration::from_millis(2), Duration::from_millis(500));
            return self.schedule(self.now + waits, Event::Lose { client, session });
        }
        self.trace.tell(self.now, Some(region), "asked", bytes, || format!("client {}", client.0));
        let between = Between::ClientAndNode(client, region);
        let Some(request) = self.read_message::<Request>(between, bytes) else { return };
        self.observe(&Observation::Heard { client, region, request: &request });
        let Some(now) = self.clocks(region) else { return };
        if let Some(node) = self.node_mut(region) {
            node.replica.handle_request(now, session, request);
        }
        self.pump(region);
    }

    /// A node answers, of a vector and a time, if there is still somebody to answer.
    pub(super) fn reply(
        &mut self,
        region: RegionId,
        session: SessionId,
        response: &Response,
        (seen, now): (&VersionVector, UnixMs),
    ) {
        let found = self.connections.iter().find(|(_, open)| open.session == session).map(|(client, _)| *client);
        let Some(client) = found else { return };
        self.observe(&Observation::Replied { client, region, response, seen, now });
        let mut bytes = Vec::new();
        codec::encode(&mut bytes, response);
        self.trace.tell(self.now, Some(region), "reply", &bytes, || format!("to client {}: {response:?}", client.0));
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&client) else { return };
        let at = connection.arrival(now, true);
        self.schedule(at, Event::Answer { client, session, bytes: Bytes::from(bytes) });
    }

    pub(super) fn answered(&mut self, client: ClientId, session: SessionId, bytes: &[u8]) {
        let Some(connection) = self.connections.get(&client).filter(|open| open.session == session) else { return };
        let region = connection.region;
        self.trace.tell(self.now, Some(region), "answer", bytes, || format!("client {}", client.0));
        let between = Between::NodeAndClient(region, client);
        let Some(response) = self.read_message::<Response>(between, bytes) else { return };
        self.figures.count(match &response.result {
            Ok(Outcome::Written(_)) => "writes acknowledged",
            Ok(_) => "reads answered",
            Err(refusal) => refusal.name(),
        });
        self.observe(&Observation::Answered { client, region, response: &response });
        self.clients.handle_response(self.now, client, response);
        self.ask();
    }

    /// A client's connection is lost: it learns of it, and its node too, if it lives.
    pub(super) fn disconnected(&mut self, client: ClientId, session: SessionId) {
        if self.connections.get(&client).is_none_or(|open| open.session != session) {
            return;
        }
        self.leave(client);
        self.trace.tell(self.now, None, "lose", &client.0.to_le_bytes(), || format!("client {}", client.0));
        let busy = self.clients.is_busy(client);
        self.figures.add("clients disconnected in the midst of something", u64::from(busy));
        self.clients.handle_disconnected(self.now, client);
        self.ask();
    }

    /// Ends the connection of a client or, if it has none, of the next that has.
    pub(super) fn disconnect(&mut self, client: ClientId) {
        let next = self.connections.range(client..).next().or_else(|| self.connections.first_key_value());
        if let Some((client, session)) = next.map(|(client, open)| (*client, open.session)) {
            self.disconnected(client, session);
        }
    }

    /// The clients of a dead process learn of it, each in its time.
    pub(super) fn lose_clients(&mut self, region: RegionId) {
        let now = self.now;
        let open = self.connections.iter_mut().filter(|(_, open)| open.region == region);
        let lost: Vec<_> = open
            .map(|(client, open)| {
                let learns = open.dice.span(Duration::from_millis(1), Duration::from_secs(1));
                (now + learns, *client, open.session)
            })
            .collect();
        for (at, client, session) in lost {
            self.schedule(at, Event::Lose { client, session });
        }
    }
}
