//! Preparing a transaction at its origin: updates in, effects in normal form out.
//!
//! Runs at the committer, so that counters' running sums and limits are those of the moment of commit, not of the
//! snapshot. Changes nothing: a refusal leaves no trace.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::limits::{CLEAR_LIST_MAX, SIBLINGS_MAX, UPDATES_MAX};
use halcyon_types::{Dot, VersionVector};

use crate::effect::{ClearedInterval, Effect};
use crate::key::{RowKey, RowPrefix};
use crate::kind::Kind;
use crate::op::{Op, OpError, Update};
use crate::row::{self, Row};
use crate::rows::Rows;

/// Why a transaction is refused. Nothing has changed; the same transaction may succeed later only where said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError<E> {
    /// An update that no node would take.
    #[error(transparent)]
    Op(#[from] OpError),
    /// No updates at all.
    #[error("a transaction needs at least one update")]
    Empty,
    /// More updates, or more counters below a delete, than one record may carry.
    #[error("{what}: {count} is past the limit of {max}; split the work")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many may be.
        max: usize,
    },
    /// The running sum of this region at a counter would leave 64 bits.
    #[error("this region's running sum {before} plus {amount} does not fit a signed 64-bit counter; reset it first")]
    CounterOverflow {
        /// The running sum.
        before: i64,
        /// What was to be added.
        amount: i64,
    },
    /// Too many concurrent writes stand in one row already. One write that has seen them collapses them.
    #[error("{count} concurrent writes stand in one row, the limit is {SIBLINGS_MAX}; write with a newer view")]
    TooManySiblings {
        /// How many.
        count: usize,
    },
    /// What went wrong underneath.
    #[error("reading rows: {0}")]
    Rows(E),
}

/// Turns `updates` into the effects of the record `dot`.
///
/// `ctx` is what the transaction observed and `seen` the rows at that vector; `live` are the rows right before the
/// record. For a transaction that saw the present, both are the same rows: pass `None` for `seen`.
///
/// # Errors
/// [`PrepareError`]; nothing has changed.
pub fn prepare<R: Rows, S: Rows<Error = R::Error>>(
    updates: &[Update],
    dot: Dot,
    ctx: &VersionVector,
    live: &mut R,
    seen: Option<&mut S>,
) -> Result<Vec<Effect>, PrepareError<R::Error>> {
    let buffer = Buffer::of(updates)?;
    let mut effects = Vec::with_capacity(buffer.clears.len() + buffer.writes.len());
    let listed = match seen {
        Some(seen) => buffer.list_intervals(seen)?,
        None => buffer.list_intervals(live)?,
    };
    for (key, write) in buffer.writes {
        effects.push(match write {
            Write::Assign { payload } => assign(live, ctx, RowKey::from_bytes(key), payload)?,
            Write::Add { counter, amount } => add(live, dot, counter, amount, &listed)?,
        });
    }
    let clears = listed.into_iter().map(|(prefix, intervals)| Effect::Clear { prefix, intervals });
    Ok(clears.chain(effects).collect())
}

type Listed = Vec<(RowPrefix, Vec<ClearedInterval>)>;

enum Write {
    Assign { payload: Bytes },
    Add { counter: RowPrefix, amount: i64 },
}

/// A transaction's updates, folded into normal form in the order they were made.
#[derive(Default)]
struct Buffer {
    clears: Vec<RowPrefix>,
    /// By row, or by counter: what later updates overwrite or add to.
    writes: BTreeMap<Bytes, Write>,
}

impl Buffer {
    fn of<E>(updates: &[Update]) -> Result<Self, PrepareError<E>> {
        if updates.is_empty() {
            return Err(PrepareError::Empty);
        }
        if updates.len() > UPDATES_MAX {
            return Err(PrepareError::TooLarge { what: "updates", count: updates.len(), max: UPDATES_MAX });
        }
        let mut buffer = Self::default();
        for update in updates {
            update.check()?;
            buffer.fold(update)?;
        }
        Ok(buffer)
    }

    fn fold<E>(&mut self, Update { object, op }: &Update) -> Result<(), PrepareError<E>> {
        match op {
            Op::Set { value } => self.assign(&object.register(), value.clone()),
            Op::Insert { element } => self.assign(&object.element(element), Bytes::new()),
            Op::Add { amount } => return self.add(object.counter(), *amount),
            Op::Remove { element } => self.clear(object.of_kind(Kind::Set).component(element)),
            Op::Unset => self.clear(object.of_kind(Kind::Register)),
            Op::Reset => self.clear(object.counter()),
            Op::Delete => self.clear(object.below()),
        }
        Ok(())
    }

    fn assign(&mut self, row: &RowKey, payload: Bytes) {
        self.writes.insert(row.as_bytes().clone(), Write::Assign { payload });
    }

    fn add<E>(&mut self, counter: RowPrefix, amount: i64) -> Result<(), PrepareError<E>> {
        let key = Bytes::copy_from_slice(counter.as_bytes());
        let amount = match self.writes.get(&key) {
            Some(Write::Add { amount: before, .. }) => {
                before.checked_add(amount).ok_or(PrepareError::CounterOverflow { before: *before, amount })?
            }
            _ => amount,
        };
        self.writes.insert(key, Write::Add { counter, amount });
        Ok(())
    }

    /// A clear cancels what its own transaction wrote earlier below the prefix.
    fn clear(&mut self, prefix: RowPrefix) {
        self.writes.retain(|key, _| !prefix.contains(key));
        if !self.clears.contains(&prefix) {
            self.clears.push(prefix);
        }
    }

    /// What the transaction has seen of the counters below each of its clears.
    fn list_intervals<R: Rows>(&self, rows: &mut R) -> Result<Listed, PrepareError<R::Error>> {
        let mut count = 0;
        let mut listed = Vec::with_capacity(self.clears.len());
        for prefix in &self.clears {
            let mut intervals = Vec::new();
            if prefix.as_row().is_none() {
                rows.scan(prefix, prefix.as_bytes(), |key, row| {
                    if let Row::Interval(interval) = row
                        && let Some((counter, actor)) = RowPrefix::of_counter_row(key)
                    {
                        intervals.push(ClearedInterval { counter, actor, seq: interval.hi_seq, cum: interval.hi });
                        count += 1;
                    }
                    if count > CLEAR_LIST_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
                .map_err(PrepareError::Rows)?;
            }
            listed.push((prefix.clone(), intervals));
        }
        if count > CLEAR_LIST_MAX {
            return Err(PrepareError::TooLarge { what: "counters below a delete", count, max: CLEAR_LIST_MAX });
        }
        Ok(listed)
    }
}

fn assign<R: Rows>(
    live: &mut R,
    ctx: &VersionVector,
    row: RowKey,
    payload: Bytes,
) -> Result<Effect, PrepareError<R::Error>> {
    let count = live
        .look(&row, |row| row.map_or(0, |row| row.entries().iter().filter(|e| !row::covered(ctx)(e)).count()))
        .map_err(PrepareError::Rows)?;
    if count >= SIBLINGS_MAX {
        return Err(PrepareError::TooManySiblings { count });
    }
    Ok(Effect::Assign { row, expiry: None, payload })
}

fn add<R: Rows>(
    live: &mut R,
    dot: Dot,
    counter: RowPrefix,
    amount: i64,
    listed: &Listed,
) -> Result<Effect, PrepareError<R::Error>> {
    let own = live
        .look(&counter.actor(dot.actor), |row| match row {
            Some(Row::Interval(interval)) => Some(*interval),
            _ => None,
        })
        .map_err(PrepareError::Rows)?;
    // The record's clears come first: an interval that they drop begins a new life.
    let clears = listed.iter().flat_map(|(_, intervals)| intervals);
    let own = clears
        .filter(|seen| seen.counter == counter && seen.actor == dot.actor)
        .fold(own, |own, seen| own.and_then(|interval| interval.cleared(seen.seq, seen.cum)));
    let (prev_seq, before) = own.map_or((dot.seq.previous(), 0), |interval| (interval.hi_seq, interval.hi));
    let after = before.checked_add(amount).ok_or(PrepareError::CounterOverflow { before, amount })?;
    Ok(Effect::Inc { counter, prev_seq, before, after })
}
