//! Own records: a client's write becomes the next record of this node's log.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_crdt::read::look;
use halcyon_crdt::{Meter, Origin, Prepared, Watch, prepare};
use halcyon_types::limits::{CHECK_WALK_MAX, RECORD_BYTES_MAX};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Hlc, RegionId, UnixMs, VersionVector};
use halcyon_wire::{Check, Record, Refusal, Seen, Write};

use super::Committer;
use crate::backend::Backend;
use crate::error::{ReadError, StageError};
use crate::outcome::Staged;
use crate::reader::Snapshot;

/// A client's write, and what the committer cannot know by itself.
#[derive(Debug)]
pub struct WriteJob<'a, B: Backend> {
    /// The time for stamps and deadlines. A test may shift it.
    pub now: UnixMs,
    /// The time by which request ids are admitted and forgotten.
    pub real: UnixMs,
    /// What is asked.
    pub write: &'a Write,
    /// What the write's transaction began with; none if it is not open any more, or there is none. It ends here.
    pub snapshot: Option<Snapshot<B::Snapshot>>,
    /// The present actor of each region.
    pub actors: &'a BTreeMap<RegionId, ActorId>,
    /// What to answer unless it was committed before: nothing new is taken.
    pub refusal: Option<Refusal>,
}

impl<B: Backend> Committer<B> {
    /// Turns a client's write into the next record of this node's log.
    ///
    /// # Errors
    /// [`StageError::Refused`]: it left no trace. [`StageError::Fatal`]: stop the process.
    pub fn stage_write(&mut self, job: WriteJob<'_, B>) -> Result<Staged, StageError> {
        self.alive()?;
        let WriteJob { now, real, write, snapshot, actors, refusal } = job;
        self.real = Some(real);
        if let Some(dot) = self.dedupe.find(&self.backend, write.request).map_err(|error| unread(&error))? {
            return Ok(Staged::Duplicate(dot));
        }
        if let Some(refusal) = refusal {
            return Err(refusal.into());
        }
        self.dedupe.admit(real, write.request)?;
        if planted(Mutant::RefusalRemembered) {
            self.dedupe.stage(write.request, self.next_dot()?);
        }
        if write.updates.is_empty() && !matches!(write.seen, Seen::Transaction { .. }) {
            let reason = "a write needs at least one update".to_owned();
            return Err(Refusal::InvalidArgument { reason }.into());
        }
        if !write.session.token.le(&self.vv) {
            return Err(Refusal::NotYet { waited: Duration::ZERO }.into());
        }
        let deps = self.vv.clone();
        // What it has seen, where that is not all there is.
        let (ctx, mut seen, checks) = match &write.seen {
            Seen::Present => (None, None, &[][..]),
            Seen::Session => (Some(write.session.token.clone()), None, &[][..]),
            Seen::Transaction { transaction, checks } => {
                let expired = Refusal::TransactionExpired { transaction: *transaction };
                let snapshot = snapshot.ok_or(expired)?;
                (Some(snapshot.vv().map_err(|error| unread(&error))?), Some(snapshot), &checks[..])
            }
        };
        let dot = self.next_dot()?;
        let (hlc, now) = self.stamp(now)?;
        if let Some(snapshot) = seen.as_mut().filter(|_| !planted(Mutant::ChecksSkipped)) {
            self.check(checks, snapshot, now)?;
        }
        let origin = Origin { dot, hlc, now, ctx: ctx.as_ref().unwrap_or(&deps), actors };
        let Prepared { effects, shortages } =
            prepare(&write.updates, origin, &mut self.rows, seen.as_mut()).map_err(Refusal::from)?;
        let ctx = ctx.filter(|ctx| *ctx != deps && !planted(Mutant::ContextLost));
        let mut record = Record { dot, hlc, deps, ctx, request: Some(write.request), effects };
        if record.effects.len() > 1 && planted(Mutant::TransactionSplit) {
            let effects = record.effects.split_off(1);
            self.take_own(now, &record)?;
            let (dot, hlc, deps) = (self.next_dot()?, self.stamp(now)?.0, self.vv.clone());
            record = Record { dot, hlc, deps, effects, ..record };
        }
        self.take_own(now, &record)?;
        Ok(Staged::Fresh { dot: record.dot, shortages })
    }

    /// The name of the next record.
    pub(super) fn next_dot(&self) -> Result<Dot, Refusal> {
        let seq = self.vv.get(self.actor).next().ok_or_else(|| exhausted("seqs"))?;
        Ok(Dot { actor: self.actor, seq })
    }

    /// A new stamp, and the time that it stands for: never behind any that was told before.
    pub(super) fn stamp(&mut self, now: UnixMs) -> Result<(Hlc, UnixMs), Refusal> {
        self.hear(now);
        let hlc = self.clock.stamp(now).map_err(|_| exhausted("stamps"))?;
        Ok((hlc, now.max(hlc.wall())))
    }

    /// Appends a record of this node's own log.
    pub(super) fn take_own(&mut self, now: UnixMs, record: &Record) -> Result<(), StageError> {
        let none = VersionVector::new();
        let previous = self.heads.get(&self.actor).map_or(&none, |head| &head.deps);
        let stored = record.encode(previous);
        if stored.bytes.len() > RECORD_BYTES_MAX {
            let reason = format!(
                "the transaction makes a record of {} bytes; the limit is {RECORD_BYTES_MAX}; split the work",
                stored.bytes.len()
            );
            return Err(Refusal::TooLarge { reason }.into());
        }
        self.append(now, record, record.request, stored)?;
        Ok(())
    }

    /// Whether what a transaction read at its snapshot is still the same, row for row.
    fn check(&mut self, checks: &[Check], snapshot: &mut Snapshot<B::Snapshot>, now: UnixMs) -> Result<(), Refusal> {
        let mut left = CHECK_WALK_MAX;
        for (index, check) in (0..).zip(checks) {
            let (mut then, mut live) = (Meter::over(&mut *snapshot, left), Meter::over(&mut self.rows, left));
            let same = {
                let (mut then, mut live) = (Watch::over(&mut then, now), Watch::over(&mut live, now));
                look(&mut then, &check.object, &check.query, now).map_err(Refusal::from)?;
                look(&mut live, &check.object, &check.query, now).map_err(Refusal::from)?;
                then.agrees(&live)
            };
            if then.is_spent() || live.is_spent() {
                let reason = format!("the checks look at more than {CHECK_WALK_MAX} rows; check fewer or nearer reads");
                return Err(Refusal::TooLarge { reason });
            }
            if !same {
                return Err(Refusal::Changed { index });
            }
            left = then.left().min(live.left());
        }
        Ok(())
    }
}

pub(super) fn unread(error: &ReadError) -> Refusal {
    Refusal::Storage { reason: error.to_string() }
}

fn exhausted(what: &str) -> Refusal {
    Refusal::Storage { reason: format!("this log has no {what} left; start the node on a new data directory") }
}
