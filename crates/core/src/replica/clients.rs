//! Clients: every request waits for its session; then writes go to the committer, and reads to the driver.

use std::sync::Arc;
use std::time::Duration;

use halcyon_crdt::keys::check_scan;
use halcyon_crdt::{KeyError, Object, Query, Update};
use halcyon_types::limits::{CHECKS_MAX, COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_MAX, SESSION_WAIT_MAX};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Dot, KeyspaceId, Now};
use halcyon_wire::{Body, Outcome, Refusal, Request, Response, Seen, Write};

use super::{Outstanding, Replica};
use crate::event::{Command, Job, SessionId};
use crate::standing::Standing;
use crate::timer::Timer;
use crate::waiting::{PutOff, lacking, session_of, weight_of_write};

impl Replica {
    pub(super) fn request(&mut self, now: Now, session: SessionId, request: Request) {
        let Request { id, body } = request;
        if let Err(refusal) = self.admit(now, now.mono, session, id, body) {
            self.reply(session, id, Err(refusal));
        }
    }

    /// Takes a request that came at `since`.
    pub(super) fn admit(
        &mut self,
        now: Now,
        since: Duration,
        session: SessionId,
        id: u64,
        body: Body,
    ) -> Result<(), Refusal> {
        self.check_body(&body)?;
        if self.stopping && is_write(&body) {
            return Err(Refusal::Stopping);
        }
        if matches!(self.standing, Standing::Retired) && is_write(&body) {
            return Err(Refusal::Retired);
        }
        if planted(Mutant::IsolatedRefuses) && is_write(&body) && self.others().all(|(_, peer)| !peer.inbound.is_up()) {
            return Err(overloaded("the queue for the other regions"));
        }
        if !self.may_answer(&body) {
            return self.hold(now, session, id, body);
        }
        let Some(asked) = session_of(&body) else {
            return self.perform(now, session, id, body);
        };
        let waits = is_write(&body) || !planted(Mutant::TokenIgnored);
        let Some(lacks) = lacking(&asked.token, &self.synced).filter(|_| waits) else {
            return self.perform(now, session, id, body);
        };
        let wait = Duration::from_millis(asked.wait_ms.into()).min(SESSION_WAIT_MAX);
        self.put_off(now, lacks, PutOff { session, id, body, since, deadline: since + wait })
    }

    const fn may_answer(&self, body: &Body) -> bool {
        self.standing.writes() || self.standing.reads() && !matches!(body, Body::Write(_) | Body::Members { .. })
    }

    /// Keeps a request until this node knows where it stands.
    fn hold(&mut self, now: Now, session: SessionId, id: u64, body: Body) -> Result<(), Refusal> {
        if self.held.is_full() {
            return Err(overloaded("the queue of requests that wait for this node to begin"));
        }
        match &self.standing {
            Standing::Joining { until, .. } if *until <= now.mono || *until == Duration::MAX => {
                return Err(Refusal::CatchingUp);
            }
            Standing::Resuming { until } if *until <= now.mono => self.timers.set(Timer::Despair, now.mono),
            _ => {}
        }
        self.held.push(now.mono, session, id, body);
        Ok(())
    }

    fn put_off(&mut self, now: Now, lacks: Dot, request: PutOff) -> Result<(), Refusal> {
        if request.deadline <= now.mono {
            return Err(Refusal::NotYet { waited: now.mono.saturating_sub(request.since) });
        }
        if self.waiting.is_full() {
            return Err(overloaded("the queue of requests that wait for their session"));
        }
        self.waiting.put_off(lacks, request);
        self.time_waiting();
        Ok(())
    }

    /// Carries out a request whose session is covered.
    fn perform(&mut self, now: Now, session: SessionId, id: u64, body: Body) -> Result<(), Refusal> {
        match body {
            Body::Write(write) => self.write(now, session, id, write)?,
            Body::Members { request, change } => self.change_members(now, session, id, request, change)?,
            Body::Begin { .. } => self.begin(now, session, id)?,
            Body::Abort { transaction } => self.abort(session, id, transaction),
            Body::Token { .. } => self.reply(session, id, Ok(Outcome::Token(self.synced.clone()))),
            Body::Read { within: Some(within), .. } if !self.transactions.is_open(session, within.transaction) => {
                return Err(Refusal::TransactionExpired { transaction: within.transaction });
            }
            body @ (Body::Read { .. } | Body::Scan { .. } | Body::Digest { .. } | Body::Copy { .. }) => {
                self.commands.push_back(Command::Read { session, id, body });
            }
        }
        Ok(())
    }

    fn write(&mut self, now: Now, session: SessionId, id: u64, write: Write) -> Result<(), Refusal> {
        if let Err(refusal) = self.check_clock(now) {
            if let Seen::Transaction { transaction, .. } = &write.seen {
                self.end_transaction(session, *transaction);
            }
            return Err(refusal);
        }
        let bytes = size_of::<Job>() + weight_of_write(&write);
        if self.writes >= COMMIT_QUEUE_MAX || self.write_bytes + bytes > COMMIT_QUEUE_BYTES_MAX {
            return Err(overloaded("the commit queue"));
        }
        let snapshot = match &write.seen {
            Seen::Transaction { transaction, .. } => self.take_transaction(session, *transaction),
            Seen::Present | Seen::Session => None,
        };
        self.writes += 1;
        self.write_bytes += bytes;
        let ticket = self.tickets.issue(Outstanding::Write { session, id, bytes });
        let (wall, actors) = (self.own_wall(now), Arc::clone(&self.actors));
        let refusal = self.log_full();
        self.jobs.push_back(Job::Write { ticket, wall, write, snapshot, actors, refusal });
        Ok(())
    }

    pub(super) fn release_waiting(&mut self, now: Now) {
        if self.waiting.len() == 0 {
            return;
        }
        let actors = self.synced.iter().map(|(actor, _)| actor);
        for PutOff { session, id, body, .. } in self.waiting.released(&self.synced, actors) {
            if let Err(refusal) = self.perform(now, session, id, body) {
                self.reply(session, id, Err(refusal));
            }
        }
        self.time_waiting();
    }

    pub(super) fn expire_waiting(&mut self, now: Now) {
        while let Some(request) = self.waiting.expired(now.mono) {
            let waited = now.mono.saturating_sub(request.since);
            self.reply(request.session, request.id, Err(Refusal::NotYet { waited }));
        }
        self.time_waiting();
    }

    pub(super) fn forget_waiting(&mut self, session: SessionId) {
        self.waiting.take(|request| request.session == session);
        self.time_waiting();
    }

    /// A node that stops takes no more writes: none may be left to wait for a commit that never comes.
    pub(super) fn refuse_waiting_writes(&mut self, refusal: &Refusal) {
        for request in self.waiting.take(|request| is_write(&request.body)) {
            self.reply(request.session, request.id, Err(refusal.clone()));
        }
        self.refuse_held(refusal);
        self.time_waiting();
    }

    fn time_waiting(&mut self) {
        match self.waiting.next_deadline() {
            Some(at) => self.timers.set(Timer::NotYet, at),
            None => self.timers.cancel(Timer::NotYet),
        }
    }

    pub(super) fn reply(&mut self, session: SessionId, id: u64, result: Result<Outcome, Refusal>) {
        let response = Response { id, result };
        self.commands.push_back(Command::Reply { session, response });
    }

    /// What can be said of a request without waiting or looking at rows. Updates are checked where they are prepared.
    fn check_body(&self, body: &Body) -> Result<(), Refusal> {
        match body {
            Body::Write(write) => {
                self.check_updates(&write.updates)?;
                let checks = match &write.seen {
                    Seen::Transaction { checks, .. } => checks.as_slice(),
                    Seen::Present | Seen::Session => &[],
                };
                if checks.len() > CHECKS_MAX {
                    let reason = format!("{} reads to be checked are past the limit of {CHECKS_MAX}", checks.len());
                    return Err(Refusal::TooLarge { reason });
                }
                checks.iter().try_for_each(|check| self.check_read(&check.object, &check.query))
            }
            Body::Read { within, object, query, .. } => {
                self.check_read(object, query)?;
                within.as_ref().map_or(Ok(()), |within| self.check_updates(&within.updates))
            }
            Body::Scan { keyspace, beginning, page, .. } => {
                self.check_keyspace(*keyspace)?;
                check_scan(beginning, page).map_err(|error| invalid(&error))
            }
            Body::Begin { .. }
            | Body::Abort { .. }
            | Body::Token { .. }
            | Body::Digest { .. }
            | Body::Copy { .. }
            | Body::Members { .. } => Ok(()),
        }
    }

    fn check_updates(&self, updates: &[Update]) -> Result<(), Refusal> {
        updates.iter().try_for_each(|update| self.check_keyspace(update.object.keyspace))
    }

    fn check_read(&self, object: &Object, query: &Query) -> Result<(), Refusal> {
        self.check_keyspace(object.keyspace)?;
        object.check().and_then(|()| query.check()).map_err(|error| invalid(&error))
    }

    fn check_keyspace(&self, keyspace: KeyspaceId) -> Result<(), Refusal> {
        if self.keyspaces.contains(&keyspace) { Ok(()) } else { Err(Refusal::UnknownKeyspace { id: keyspace }) }
    }
}

const fn is_write(body: &Body) -> bool {
    matches!(body, Body::Write(_) | Body::Begin { .. } | Body::Members { .. })
}

fn invalid(error: &KeyError) -> Refusal {
    Refusal::InvalidArgument { reason: error.to_string() }
}

pub(super) fn overloaded(queue: &str) -> Refusal {
    Refusal::Overloaded { queue: queue.to_owned() }
}
