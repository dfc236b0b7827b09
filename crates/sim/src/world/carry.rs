//! What a replica wants, and how it is done: as the driver of a real node does it.

use halcyon_core::{Command, Job, SessionId};
use halcyon_store::reads::{self, Writer};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, RegionId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Body, Outcome, PeerMessage, Range, Refusal, Response, TransactionId, Within};

use super::World;
use super::fault::When;
use super::node::{Node, Work};
use super::observation::Observation;

impl World {
    /// Carries out everything that a replica wants: commands first, for one may take the snapshot that a job names.
    pub(super) fn pump(&mut self, region: RegionId) {
        loop {
            while let Some(command) = self.node_mut(region).and_then(|node| node.replica.poll_command()) {
                self.command(region, command);
                if self.failure.is_some() {
                    return;
                }
            }
            let Some(node) = self.node_mut(region) else { return };
            let mut some = false;
            while let Some(job) = node.replica.poll_job() {
                let work = node.work(job);
                node.queue.push_back(work);
                some = true;
            }
            if !some {
                break;
            }
        }
        self.begin_group(region);
        self.observe(&Observation::Stepped { region });
        self.end_if_drained(region);
    }

    fn command(&mut self, region: RegionId, command: Command) {
        match command {
            Command::Send { peer, message } => {
                self.send(region, peer, &message);
                if matches!(message, PeerMessage::Heartbeat(_)) {
                    self.moment(region, When::Beat);
                }
            }
            Command::SendRange { peer, actor, after, upto, bytes_max } => {
                self.send_range(region, peer, (actor, after, upto), bytes_max);
            }
            Command::Reply { session, response } => {
                let Some(seen) = self.node(region).map(|node| node.vv().clone()) else { return };
                let acks = matches!(response.result, Ok(Outcome::Written(_)));
                self.reply(region, session, &response, (&seen, self.time(region)));
                if acks {
                    self.moment(region, When::Acked);
                }
            }
            Command::Begin { session, id, transaction } => self.begin(region, session, id, transaction),
            Command::Forget { session, transaction } => {
                if let Some(node) = self.node_mut(region) {
                    node.snapshots.remove(&(session, transaction));
                }
            }
            Command::Read { session, id, body } => self.read(region, session, id, &body),
            Command::Dial { peer } => self.dial(region, peer),
            Command::Drop { peer, reason } => self.drop_in(region, peer, &reason),
            // In this world nothing is dropped that some region lacks, so no region takes a copy: whoever begins one has raised an
            // alarm before, which is a violation. Nor is anybody retired.
            Command::HangUp { .. }
            | Command::BeginCopy { .. }
            | Command::SendPage { .. }
            | Command::EndCopy { .. }
            | Command::BeginFill
            | Command::Fill { .. }
            | Command::AbandonFill
            | Command::Switch => {}
            Command::Alarm(alarm) => self.observe(&Observation::Alarmed { region, alarm: &alarm }),
        }
    }

    fn send_range(
        &mut self,
        region: RegionId,
        peer: RegionId,
        (actor, after, upto): (ActorId, Seq, Seq),
        bytes: usize,
    ) {
        let Some(node) = self.node(region) else { return };
        let own = node.actor() == actor;
        let read = node.reader.log(actor, after, upto, bytes);
        let Some(stored) = self.log_read(region, read) else { return };
        let Some(first) = after.next() else { return };
        let range = Range { actor, first, records: stored.into_iter().map(|record| record.bytes).collect() };
        let (last, bytes) = (range.last(), range.bytes());
        let empty = range.records.is_empty();
        self.figures.add("records sent", range.records.len() as u64);
        self.figures.add("records relayed", if own { 0 } else { range.records.len() as u64 });
        if self.send(region, peer, &PeerMessage::Range(range)) {
            self.take(region, peer, actor, last, bytes);
        } else if let Some(now) = self.clocks(region)
            && let Some(node) = self.node_mut(region)
        {
            node.replica.handle_sent(now, peer, actor, last, bytes);
        }
        if !empty {
            self.moment(region, if own { When::Shipped } else { When::Relayed });
        }
    }

    fn begin(&mut self, region: RegionId, session: SessionId, id: u64, transaction: TransactionId) {
        let Some(node) = self.node_mut(region) else { return };
        let snapshot = node.reader.snapshot();
        let (result, seen) = match snapshot.vv() {
            Ok(token) => {
                node.snapshots.insert((session, transaction), snapshot);
                (Ok(Outcome::Begun { transaction, token: token.clone() }), token)
            }
            Err(error) => (Err(reads::unreadable(&error)), VersionVector::new()),
        };
        self.figures.count("transactions begun");
        self.reply(region, session, &Response { id, result }, (&seen, self.time(region)));
    }

    fn read(&mut self, region: RegionId, session: SessionId, id: u64, body: &Body) {
        let Some(clocks) = self.clocks(region) else { return };
        let Some(node) = self.node_mut(region) else { return };
        let now = node.replica.reading_time(clocks);
        let (result, seen) = node.read(session, body, now);
        self.figures.count("reads");
        self.reply(region, session, &Response { id, result }, (&seen, now));
    }

    /// A region's time, for answers that are no reads.
    fn time(&self, region: RegionId) -> UnixMs {
        let wall = self.clocks(region).map_or(UnixMs(0), |now| now.wall);
        self.node(region).map_or(wall, |node| wall.max(node.replica.hlc().wall()))
    }

    pub(super) fn set_background(&mut self, region: RegionId, on: bool) {
        let Some(now) = self.clocks(region) else { return };
        if let Some(node) = self.node_mut(region) {
            node.replica.set_background(now, on);
        }
        self.pump(region);
    }
}

impl Node {
    fn work(&mut self, job: Job) -> Work {
        let name = match &job {
            Job::Write { snapshot, .. } => *snapshot,
            Job::Record { .. } | Job::Grant { .. } | Job::Sweep { .. } | Job::Mint { .. } | Job::Truncate { .. } => {
                None
            }
        };
        let held = name.and_then(|name| self.snapshots.remove(&name));
        let late = || self.reader.snapshot();
        Work { snapshot: held.map(|held| if planted(Mutant::SnapshotLate) { late() } else { held }), job }
    }

    /// The answer, and the vector of what it was read from.
    fn read(&mut self, session: SessionId, body: &Body, now: UnixMs) -> (Result<Outcome, Refusal>, VersionVector) {
        let mut present = self.reader.snapshot();
        let seen = present.vv();
        let result = match body {
            Body::Read { within: None, object, query, .. } => reads::read(&mut present, object, query, now),
            Body::Read { within: Some(Within { transaction, updates }), object, query, .. } => {
                let writer = Writer { actor: self.actor(), now, actors: self.replica.actors() };
                match self.snapshots.get_mut(&(session, *transaction)) {
                    Some(_) if planted(Mutant::SnapshotIgnored) => {
                        reads::read_within(&mut present, updates, &writer, object, query)
                    }
                    Some(snapshot) => {
                        let seen = snapshot.vv().unwrap_or_default();
                        return (reads::read_within(snapshot, updates, &writer, object, query), seen);
                    }
                    None => Err(Refusal::TransactionExpired { transaction: *transaction }),
                }
            }
            Body::Scan { keyspace, beginning, page, .. } => reads::scan(&mut present, *keyspace, beginning, page, now),
            Body::Digest { at } => reads::digest(&self.reader, *at),
            Body::Write(_)
            | Body::Begin { .. }
            | Body::Abort { .. }
            | Body::Token { .. }
            | Body::Copy { .. }
            | Body::Members { .. } => Err(Refusal::BadRequest { reason: "defect: this is no read".to_owned() }),
        };
        (result, seen.unwrap_or_default())
    }
}
