//! Reads, and the snapshots of open transactions. The replica says which is open; here they are held.

use halcyon_core::{Job, SessionId};
use halcyon_net::Role;
use halcyon_store::reads::{self, Writer};
use halcyon_store::{Backend, RocksBackend, Snapshot};
use halcyon_types::UnixMs;
use halcyon_wire::{Body, Outcome, Refusal, Response, TransactionId, Within};

use super::Driver;
use super::commands::put;
use crate::committer::Work;

impl Driver {
    pub(super) fn begin(&mut self, session: SessionId, id: u64, transaction: TransactionId) {
        // Plain reads must not fall behind what the transaction sees.
        self.present = None;
        let snapshot = self.site.reader.snapshot();
        let result = match snapshot.vv() {
            Ok(token) => {
                self.snapshots.insert((session, transaction), snapshot);
                Ok(Outcome::Begun { transaction, token })
            }
            // Without a snapshot, whatever is asked of the transaction is refused as expired.
            Err(error) => Err(reads::unreadable(&error)),
        };
        self.reply(session, &Response { id, result });
    }

    pub(super) fn forget(&mut self, session: SessionId, transaction: TransactionId) {
        self.snapshots.remove(&(session, transaction));
    }

    /// Hands the snapshot that a job commits to the committer with it.
    pub(super) fn work(&mut self, job: Job) -> Work<RocksBackend> {
        let name = match &job {
            Job::Write { snapshot, .. } => *snapshot,
            Job::Record { .. } | Job::Grant { .. } | Job::Sweep { .. } | Job::Mint { .. } | Job::Truncate { .. } => {
                None
            }
        };
        Work { snapshot: name.and_then(|name| self.snapshots.remove(&name)), job }
    }

    pub(super) fn read(&mut self, session: SessionId, id: u64, body: &Body) {
        let now = self.now();
        let result = match body {
            Body::Read { within: None, object, query, .. } => reads::read(self.present(), object, query, now),
            Body::Read { within: Some(Within { transaction, updates }), object, query, .. } => {
                let writer = Writer { actor: self.replica.actor(), now, actors: self.replica.actors() };
                match self.snapshots.get_mut(&(session, *transaction)) {
                    Some(snapshot) => reads::read_within(snapshot, updates, &writer, object, query),
                    None => Err(Refusal::TransactionExpired { transaction: *transaction }),
                }
            }
            Body::Scan { keyspace, beginning, page, .. } => {
                reads::scan(self.present(), *keyspace, beginning, page, now)
            }
            Body::Digest { at } => return self.digest(session, id, *at),
            Body::Copy { place } => return self.copy(session, id, place),
            Body::Write(_) | Body::Begin { .. } | Body::Abort { .. } | Body::Token { .. } | Body::Members { .. } => {
                let reason = "defect: this is no read".to_owned();
                Err(Refusal::BadRequest { reason })
            }
        };
        self.reply(session, &Response { id, result });
    }

    /// What is committed: taken once after each commit that the replica has heard of, and not once per read.
    fn present(&mut self) -> &mut Snapshot<<RocksBackend as Backend>::Snapshot> {
        self.present.get_or_insert_with(|| self.site.reader.snapshot())
    }

    fn now(&mut self) -> UnixMs {
        self.replica.reading_time(self.site.clocks.now())
    }

    fn digest(&mut self, session: SessionId, id: u64, at: UnixMs) {
        let Some(answers) = self.sessions.get(&session).map(|seat| seat.answers.clone()) else { return };
        let Ok(alone) = self.site.digests.clone().try_acquire_owned() else {
            let queue = "the place for digests, one at a time,".to_owned();
            return self.reply(session, &Response { id, result: Err(Refusal::Overloaded { queue }) });
        };
        let reader = self.site.reader.clone();
        tokio::task::spawn_blocking(move || {
            let result = reads::digest(&reader, at);
            // Whoever has its answer may ask for the next.
            drop(alone);
            put(&answers, &Response { id, result });
            answers.flush();
        });
    }
}

/// What only an admin's certificate allows, to whom it is not.
impl Driver {
    pub(super) fn forbids(&self, session: SessionId, body: &Body) -> Option<Refusal> {
        let asks = matches!(body, Body::Copy { .. } | Body::Members { .. });
        let identity = self.sessions.get(&session).filter(|_| asks).map(|seat| &seat.identity);
        let other = identity.filter(|identity| !matches!(identity.role, Role::Admin(_)))?;
        Some(Refusal::Forbidden { identity: other.to_string() })
    }
}
