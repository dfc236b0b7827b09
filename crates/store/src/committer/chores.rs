//! What a node does by itself: passes rights of bounded counters on, and sweeps what has expired.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use halcyon_crdt::{
    Answer, Effect, Object, Op, Origin, Query, Row, RowKey, Rows, RowsMut, Update, deadline, prepare, read, sweep,
    sweep_part,
};
use halcyon_types::limits::{PURGE_MAX, SWEEP_MAX, SWEEP_SCAN_MAX};
use halcyon_types::{ActorId, Dot, RegionId, UnixMs};
use halcyon_wire::{Record, Refusal};

use super::Committer;
use super::write::unread;
use crate::backend::{Backend, Family};
use crate::derived::Ending;
use crate::error::{Fatal, ReadError, StageError};
use crate::reader::Snapshot;

impl<B: Backend> Committer<B> {
    /// Passes rights of a bounded counter on to another region: as many as asked for, but no more than half, rounded up,
    /// of what this region has. None if it has nothing to spare, or cannot.
    ///
    /// # Errors
    /// [`Fatal`]: stop the process.
    pub fn stage_grant(
        &mut self,
        now: UnixMs,
        real: UnixMs,
        counter: &Object,
        to: RegionId,
        amount: u64,
        actors: &BTreeMap<RegionId, ActorId>,
    ) -> Result<Option<Dot>, Fatal> {
        self.alive()?;
        self.real = Some(real);
        none_if_refused("a grant", self.grant(now, counter, to, amount, actors))
    }

    fn grant(
        &mut self,
        now: UnixMs,
        counter: &Object,
        to: RegionId,
        amount: u64,
        actors: &BTreeMap<RegionId, ActorId>,
    ) -> Result<Option<Dot>, StageError> {
        let own = match read(&mut self.rows, counter, &Query::Rights, now).map_err(Refusal::from)? {
            Answer::Rights(holders) => holders.into_iter().find(|(actor, _)| *actor == self.actor),
            _ => None,
        };
        let own = own.map_or(0, |(_, rights)| u64::try_from(rights).unwrap_or_default());
        let amount = amount.min(own - own / 2);
        if amount == 0 {
            return Ok(None);
        }
        let dot = self.next_dot()?;
        let (hlc, now) = self.stamp(now)?;
        let deps = self.vv.clone();
        let update = Update { object: counter.clone(), op: Op::Transfer { to, amount } };
        let origin = Origin { dot, hlc, now, ctx: &deps, actors };
        let prepared = prepare(&[update], origin, &mut self.rows, None::<&mut Snapshot<B::Snapshot>>);
        let effects = prepared.map_err(Refusal::from)?.effects;
        self.take_own(now, &Record { dot, hlc, deps, ctx: None, request: None, effects })?;
        Ok(Some(dot))
    }

    /// Purges entries that have expired at or before `upto`, here and without a record, as every node does for itself;
    /// and, if `keys`, clears keys that have ended by then, by one record. A bounded number of both: call again, after the
    /// commit or before it, as long as there is a record.
    ///
    /// `upto` must be behind every time at which regions are still compared ([`crate::Reader::digest`]).
    ///
    /// # Errors
    /// [`Fatal`]: stop the process.
    pub fn stage_sweep(&mut self, now: UnixMs, real: UnixMs, upto: UnixMs, keys: bool) -> Result<Option<Dot>, Fatal> {
        self.alive()?;
        self.real = Some(real);
        let swept = self.purge_entries(upto).map_err(|error| unread(&error).into());
        let swept = swept.and_then(|()| if keys { self.clear_keys(now, upto) } else { Ok(None) });
        none_if_refused("a sweep", swept)
    }

    fn purge_entries(&mut self, upto: UnixMs) -> Result<(), ReadError> {
        let mut purged = 0;
        for (row, index_key) in self.ended(Ending::Entry, upto)? {
            let has =
                self.rows.look(&row, |row| row.is_some_and(|row| row.entries().iter().any(|e| !e.is_live(upto))))?;
            if !has {
                self.group.stale.push(index_key);
                continue;
            }
            self.rows.change(&row, |row| {
                if let Some(Row::Entries(entries)) = row {
                    entries.retain(|entry| entry.is_live(upto));
                    if entries.is_empty() {
                        *row = None;
                    }
                }
            })?;
            purged += 1;
            if purged == PURGE_MAX {
                break;
            }
        }
        Ok(())
    }

    fn clear_keys(&mut self, now: UnixMs, upto: UnixMs) -> Result<Option<Dot>, StageError> {
        let mut keys = Vec::new();
        for (row, index_key) in self.ended(Ending::Key, upto).map_err(|error| unread(&error))? {
            let past = |row: Option<&Row>| row.and_then(deadline::of_row).is_some_and(|deadline| deadline <= upto);
            match Object::root_of(row.as_bytes()) {
                Some(key) if self.rows.look(&row, past).map_err(|error| unread(&error))? => keys.push(key),
                _ => self.group.stale.push(index_key),
            }
            if keys.len() == SWEEP_MAX {
                break;
            }
        }
        // As many as make one record; of one that is too large by itself, a part.
        let mut count = keys.len();
        while let Some(some @ [first, others @ ..]) = keys.get(..count) {
            let effects = sweep(some, &self.vv, &mut self.rows).map_err(Refusal::from).map_err(StageError::from);
            match effects.and_then(|effects| self.clear(now, effects)) {
                Err(StageError::Refused(Refusal::TooLarge { .. })) if !others.is_empty() => count = count.div_ceil(2),
                Err(StageError::Refused(Refusal::TooLarge { .. })) => {
                    let part = sweep_part(first, &self.vv, &mut self.rows);
                    return self.clear(now, part.map_err(Refusal::from)?).map(Some);
                }
                staged => return staged.map(Some),
            }
        }
        Ok(None)
    }

    fn clear(&mut self, now: UnixMs, effects: Vec<Effect>) -> Result<Dot, StageError> {
        let dot = self.next_dot()?;
        let (hlc, now) = self.stamp(now)?;
        let deps = self.vv.clone();
        self.take_own(now, &Record { dot, hlc, deps, ctx: None, request: None, effects })?;
        Ok(dot)
    }

    /// The first rows of which something ends at or before `upto`, each with the key that says so.
    fn ended(&self, what: Ending, upto: UnixMs) -> Result<Vec<(RowKey, Vec<u8>)>, ReadError> {
        let (from, end) = what.until(upto);
        let mut ended = Vec::new();
        self.backend.scan(Family::Derived, &from, Some(&end), |key, _| {
            ended.extend(Ending::row_of(key).map(|row| (row, key.to_vec())));
            if ended.len() < SWEEP_SCAN_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(ended)
    }
}

/// Nobody waits for a chore: what is refused now is tried again some time later.
fn none_if_refused(what: &str, staged: Result<Option<Dot>, StageError>) -> Result<Option<Dot>, Fatal> {
    match staged {
        Ok(dot) => Ok(dot),
        Err(StageError::Fatal(fatal)) => Err(fatal),
        Err(StageError::Refused(refusal @ Refusal::Storage { .. })) => {
            tracing::warn!(%refusal, "{what} was not carried out");
            Ok(None)
        }
        Err(StageError::Refused(refusal)) => {
            tracing::debug!(%refusal, "{what} was not carried out");
            Ok(None)
        }
    }
}
