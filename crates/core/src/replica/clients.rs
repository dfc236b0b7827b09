//! Clients: writes go to the committer, reads wait for their session.

use std::time::Duration;

use halcyon_crdt::Op;
use halcyon_types::limits::{COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_MAX, SESSION_WAIT_MAX};
use halcyon_types::{KeyspaceId, Now};
use halcyon_wire::{Body, Outcome, Refusal, Request, Response, Write};

use super::{Outstanding, Replica};
use crate::event::{Command, Job, SessionId};
use crate::reads::{Waiting, bytes_of_object, lacking, session_of};
use crate::timer::Timer;

impl Replica {
    pub(super) fn request(&mut self, now: Now, session: SessionId, request: Request) {
        let Request { id, body } = request;
        let asked = match body {
            Body::Write(write) => self.write(now, session, id, write),
            body => self.read(now, session, id, body),
        };
        if let Err(refusal) = asked {
            self.reply(session, id, Err(refusal));
        }
    }

    fn write(&mut self, now: Now, session: SessionId, id: u64, write: Write) -> Result<(), Refusal> {
        if self.stopping {
            return Err(Refusal::Stopping);
        }
        let keyspaces = write.updates.iter().map(|update| update.object.keyspace);
        keyspaces.into_iter().try_for_each(|keyspace| self.known(keyspace))?;
        let bytes = bytes_of(&write);
        if self.writes >= COMMIT_QUEUE_MAX || self.write_bytes + bytes > COMMIT_QUEUE_BYTES_MAX {
            let queue = "the commit queue".to_owned();
            return Err(Refusal::Overloaded { queue });
        }
        self.writes += 1;
        self.write_bytes += bytes;
        let ticket = self.tickets.issue(Outstanding::Write { session, id, bytes });
        let wall = now.wall;
        self.jobs.push_back(Job::Write { ticket, wall, write });
        Ok(())
    }

    fn read(&mut self, now: Now, session: SessionId, id: u64, body: Body) -> Result<(), Refusal> {
        let wait_ms = match &body {
            Body::Read { object, query, wait_ms, .. } => {
                self.known(object.keyspace)?;
                let checked = object.check().and_then(|()| query.check());
                checked.map_err(|error| Refusal::InvalidArgument { reason: error.to_string() })?;
                *wait_ms
            }
            Body::Token { wait_ms, .. } => *wait_ms,
            Body::Write(_) | Body::Digest => 0,
        };
        let Some(lacks) = session_of(&body).and_then(|token| lacking(token, &self.synced)) else {
            self.answer(session, id, body);
            return Ok(());
        };
        let wait = Duration::from_millis(wait_ms.into()).min(SESSION_WAIT_MAX);
        if wait.is_zero() {
            return Err(Refusal::NotYet { waited: wait });
        }
        if self.reads.is_full() {
            let queue = "the queue of waiting reads".to_owned();
            return Err(Refusal::Overloaded { queue });
        }
        let read = Waiting { session, id, body, since: now.mono, deadline: now.mono + wait };
        self.reads.put_off(lacks, read);
        self.time_reads();
        Ok(())
    }

    /// Answers a read whose session is covered.
    fn answer(&mut self, session: SessionId, id: u64, body: Body) {
        match body {
            Body::Token { .. } => self.reply(session, id, Ok(Outcome::Token(self.synced.clone()))),
            body => self.commands.push_back(Command::Read { session, id, body }),
        }
    }

    pub(super) fn release_reads(&mut self) {
        if self.reads.len() == 0 {
            return;
        }
        let actors = self.synced.iter().map(|(actor, _)| actor);
        for read in self.reads.released(&self.synced, actors) {
            self.answer(read.session, read.id, read.body);
        }
        self.time_reads();
    }

    pub(super) fn expire_reads(&mut self, now: Now) {
        while let Some(read) = self.reads.expired(now.mono) {
            let waited = now.mono.saturating_sub(read.since);
            self.reply(read.session, read.id, Err(Refusal::NotYet { waited }));
        }
        self.time_reads();
    }

    pub(super) fn forget_reads(&mut self, session: SessionId) {
        self.reads.forget(session);
        self.time_reads();
    }

    fn time_reads(&mut self) {
        match self.reads.next_deadline() {
            Some(at) => self.timers.set(Timer::NotYet, at),
            None => self.timers.cancel(Timer::NotYet),
        }
    }

    pub(super) fn reply(&mut self, session: SessionId, id: u64, result: Result<Outcome, Refusal>) {
        let response = Response { id, result };
        self.commands.push_back(Command::Reply { session, response });
    }

    fn known(&self, keyspace: KeyspaceId) -> Result<(), Refusal> {
        if self.keyspaces.contains(&keyspace) { Ok(()) } else { Err(Refusal::UnknownKeyspace { id: keyspace }) }
    }
}

/// What a write holds in memory, roughly.
fn bytes_of(write: &Write) -> usize {
    let update = |update: &halcyon_crdt::Update| {
        let op = match &update.op {
            Op::Set { value } => value.len(),
            Op::Insert { element } | Op::Remove { element } => element.len(),
            Op::Unset | Op::Add { .. } | Op::Reset | Op::Delete => 0,
        };
        size_of::<halcyon_crdt::Update>() + bytes_of_object(&update.object) + op
    };
    write.updates.iter().map(update).sum()
}
