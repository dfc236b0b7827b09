//! Preparing a transaction at its origin: updates in, effects in normal form out.
//!
//! Runs at the committer. What the transaction *saw* (neighbours in a list, counters to reset, whether a key had ended) comes
//! from its view; what must be true *now* (running sums, rights, generations, limits) from the live rows. Changes nothing: a
//! refusal leaves no trace.

mod buffer;
mod clears;
mod error;
mod lists;
mod vault;

use std::collections::BTreeMap;

use halcyon_types::limits::{EFFECTS_MAX, SIBLINGS_BYTES_MAX, SIBLINGS_MAX, WALK_MAX};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Hlc, RegionId, UnixMs, VersionVector};

use self::buffer::{Buffer, Write};
use self::clears::Listed;
use self::vault::Vaults;
use crate::effect::Effect;
use crate::key::{RowKey, RowPrefix};
use crate::meter::Meter;
use crate::number::Number;
use crate::object::Object;
use crate::op::Update;
use crate::row::Row;
use crate::rows::Rows;

pub use self::error::PrepareError;
pub use self::vault::Shortage;

/// Who commits, when, and having seen what.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The record to be.
    pub dot: Dot,
    /// Its stamp.
    pub hlc: Hlc,
    /// The time of the commit, for deadlines.
    pub now: UnixMs,
    /// What the transaction observed.
    pub ctx: &'a VersionVector,
    /// The present actor of each region, to pass rights to.
    pub actors: &'a BTreeMap<RegionId, ActorId>,
}

/// What a transaction becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What its record does.
    pub effects: Vec<Effect>,
    /// Bounded counters of which this region's rights run low by it.
    pub shortages: Vec<Shortage>,
}

/// Turns `updates` into the effects of the record `origin.dot`.
///
/// `seen` are the rows at `origin.ctx`; `live` are the rows right before the record. A transaction that saw the present, or
/// whose client brought its own `ctx`, has no rows of its own: pass `None`, and it sees the live ones as far as `ctx` goes.
///
/// # Errors
/// [`PrepareError`]; nothing has changed.
pub fn prepare<R: Rows, S: Rows<Error = R::Error>>(
    updates: &[Update],
    origin: Origin<'_>,
    live: &mut R,
    seen: Option<&mut S>,
) -> Result<Prepared, PrepareError<R::Error>> {
    let mut live = Meter::over(live, WALK_MAX);
    let mut seen = seen.map(|seen| Meter::over(seen, WALK_MAX));
    let prepared = prepare_metered(updates, origin, &mut live, seen.as_mut());
    if live.is_spent() || seen.is_some_and(|seen| seen.is_spent()) {
        return Err(PrepareError::TooLarge { what: "rows to look at", count: WALK_MAX + 1, max: WALK_MAX });
    }
    prepared
}

fn prepare_metered<R: Rows, S: Rows<Error = R::Error>>(
    updates: &[Update],
    origin: Origin<'_>,
    live: &mut R,
    mut seen: Option<&mut S>,
) -> Result<Prepared, PrepareError<R::Error>> {
    let (buffer, listed) = match &mut seen {
        Some(seen) => fold(updates, origin, *seen)?,
        None => fold(updates, origin, live)?,
    };
    for prefix in &buffer.deleted {
        vault::check_deletable(live, prefix, origin.dot.actor)?;
    }
    let mut vaults = Vaults::new(origin, &buffer.clears);
    for (counter, op) in &buffer.escrow {
        match &mut seen {
            Some(seen) if planted(Mutant::RightsAtSnapshot) => vaults.carry_out(*seen, counter, *op)?,
            _ => vaults.carry_out(live, counter, *op)?,
        }
    }
    let mut effects = clear_effects(&listed);
    for (key, write) in buffer.writes {
        effects.push(match write {
            Write::Assign { payload, expiry } => {
                let row = RowKey::from_bytes(key);
                check_siblings(live, origin.ctx, &row, payload.len())?;
                Effect::Assign { row, expiry, payload }
            }
            Write::Add { amount } => match &mut seen {
                Some(seen) if planted(Mutant::IncFromSnapshot) => {
                    add(*seen, origin.dot, RowPrefix::from_bytes(key), amount, &listed)?
                }
                _ => add(live, origin.dot, RowPrefix::from_bytes(key), amount, &listed)?,
            },
            Write::Observe { registers } => {
                let generations = RowPrefix::from_bytes(key);
                let generation = vault::newest_generation(live, &generations, origin.ctx, &buffer.clears)?;
                Effect::Observe { generations, generation, registers }
            }
        });
    }
    let shortages = vaults.shortages();
    effects.extend(vaults.into_effects());
    if effects.len() > EFFECTS_MAX {
        return Err(PrepareError::TooLarge { what: "effects", count: effects.len(), max: EFFECTS_MAX });
    }
    Ok(Prepared { effects, shortages })
}

/// The effects of clearing keys that have ended, and nothing else.
///
/// # Errors
/// [`PrepareError`]; nothing has changed.
pub fn sweep<R: Rows>(
    keys: &[Object],
    ctx: &VersionVector,
    live: &mut R,
) -> Result<Vec<Effect>, PrepareError<R::Error>> {
    let clears: Vec<RowPrefix> = keys.iter().map(|key| key.root().below()).collect();
    Ok(clear_effects(&clears::list(live, &clears, ctx)?))
}

/// The effects of clearing part of a key that has ended: as many of the counters below it as one record may list. For keys
/// that [`sweep`] refuses as too large; once enough are gone, it does not any more.
///
/// # Errors
/// [`PrepareError`]; nothing has changed.
pub fn sweep_part<R: Rows>(
    key: &Object,
    ctx: &VersionVector,
    live: &mut R,
) -> Result<Vec<Effect>, PrepareError<R::Error>> {
    let intervals = clears::first(live, &key.root().below(), ctx)?;
    let mut effects: Vec<Effect> = Vec::new();
    for interval in intervals {
        match effects.last_mut() {
            Some(Effect::Clear { prefix, intervals }) if *prefix == interval.counter => intervals.push(interval),
            _ => effects.push(Effect::Clear { prefix: interval.counter.clone(), intervals: vec![interval] }),
        }
    }
    Ok(effects)
}

fn clear_effects(listed: &Listed) -> Vec<Effect> {
    // Nothing but listed intervals is below a counter.
    let telling = listed.iter().filter(|(prefix, intervals)| !intervals.is_empty() || prefix.check_counter().is_err());
    telling.map(|(prefix, intervals)| Effect::Clear { prefix: prefix.clone(), intervals: intervals.clone() }).collect()
}

fn fold<V: Rows>(
    updates: &[Update],
    origin: Origin<'_>,
    view: &mut V,
) -> Result<(Buffer, Listed), PrepareError<V::Error>> {
    let buffer = Buffer::of(updates, origin, view)?;
    let listed = clears::list(view, &buffer.clears, origin.ctx)?;
    Ok((buffer, listed))
}

fn check_siblings<R: Rows>(
    live: &mut R,
    ctx: &VersionVector,
    row: &RowKey,
    more: usize,
) -> Result<(), PrepareError<R::Error>> {
    let (count, bytes) = live
        .look(row, |row| {
            let left = row.map_or(&[][..], Row::entries).iter().filter(|entry| !ctx.covers(entry.dot));
            left.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.payload.len()))
        })
        .map_err(PrepareError::Rows)?;
    if count >= SIBLINGS_MAX || count > 0 && bytes + more > SIBLINGS_BYTES_MAX {
        return Err(PrepareError::TooManySiblings { count });
    }
    Ok(())
}

fn add<R: Rows>(
    live: &mut R,
    dot: Dot,
    counter: RowPrefix,
    amount: Number,
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
    let (prev_seq, before) = own.map_or((dot.seq.previous(), amount.zero()), |interval| (interval.hi_seq, interval.hi));
    let after = before.checked_add(amount).ok_or(PrepareError::CounterOverflow { before, amount })?;
    Ok(Effect::Inc { counter, prev_seq, before, after })
}

#[cfg(test)]
mod tests;
