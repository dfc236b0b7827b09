//! Applying effects: one rule each, the same code at the origin and everywhere else.
//!
//! Total: effects that passed [`crate::Effect::check`] apply to any rows. Order within a record is the record's.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::limits::RANGE_DELETE_MIN;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Dot, Hlc, VersionVector};

use crate::effect::{ClearedInterval, Effect};
use crate::hyperloglog::Registers;
use crate::key::{RowKey, RowPrefix};
use crate::kind::Kind;
use crate::row::{self, Entry, Interval, Row};
use crate::rows::{RowsMut, Summary};

/// Rows that one step of a clear looks at.
const CLEAR_STEP: usize = 1024;

/// What a record says about itself and what it saw.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// Its name.
    pub dot: Dot,
    /// Its time.
    pub hlc: Hlc,
    /// What it observed: a dot is covered iff this vector covers it.
    pub ctx: &'a VersionVector,
}

/// Applies the effects of one record.
///
/// # Errors
/// What can go wrong underneath; the rows are then half changed and must be thrown away.
pub fn apply<R: RowsMut>(rows: &mut R, stamp: Stamp<'_>, effects: &[Effect]) -> Result<(), R::Error> {
    for effect in effects {
        match effect {
            Effect::Assign { row, expiry, payload } => {
                let entry = Entry { dot: stamp.dot, hlc: stamp.hlc, expiry: *expiry, payload: payload.clone() };
                assign(rows, stamp.ctx, row, entry)?;
            }
            Effect::Clear { prefix, intervals } => {
                clear(rows, stamp.ctx, prefix, intervals)?;
                for interval in intervals {
                    clear_interval(rows, interval)?;
                }
            }
            Effect::Inc { counter, prev_seq, before, after } => {
                let fresh = Interval { lo_seq: *prev_seq, lo: *before, hi_seq: stamp.dot.seq, hi: *after };
                rows.change(&counter.actor(stamp.dot.actor), |row| {
                    *row = Some(Row::Interval(match row {
                        Some(Row::Interval(old)) => Interval { hi_seq: fresh.hi_seq, hi: fresh.hi, ..*old },
                        _ => fresh,
                    }));
                })?;
            }
            Effect::Observe { generations, generation, registers } => {
                let row = generations.generation(generation.unwrap_or(stamp.dot));
                observe(rows, row, generation.is_none(), registers)?;
            }
            Effect::Hold { generations, generation, escrow } => {
                let of = generation.unwrap_or(stamp.dot);
                let below = generations.generation(of);
                // Whoever began a generation holds a row of it: without that row it was deleted.
                if generation.is_none() || rows.look(&below.actor(of.actor), |row| row.is_some())? {
                    rows.change(&below.actor(stamp.dot.actor), |row| *row = Some(Row::Escrow(escrow.clone())))?;
                }
            }
        }
    }
    Ok(())
}

fn assign<R: RowsMut>(rows: &mut R, ctx: &VersionVector, key: &RowKey, entry: Entry) -> Result<(), R::Error> {
    // A register's writer replaces its own earlier write even when it did not look (a client's older ctx): its later
    // stamp wins anyway, and the row stays at one entry per actor.
    let own = (key.kind() == Ok(Kind::Register)).then_some(entry.dot.actor);
    rows.change(key, |row| {
        row::retain(row, |e| !ctx.covers(e.dot) && Some(e.dot.actor) != own && !planted(Mutant::AssignDropsSiblings));
        row::insert(row, entry);
    })
}

fn observe<R: RowsMut>(rows: &mut R, row: RowPrefix, begins: bool, raised: &Registers) -> Result<(), R::Error> {
    rows.change(&RowKey::from_bytes(row.0), |row| match row {
        Some(Row::Registers(registers)) => registers.union(raised),
        None if begins || planted(Mutant::GenerationResurrected) => *row = Some(Row::Registers(raised.clone())),
        // The generation was deleted, and the update dies with it.
        _ => {}
    })
}

/// Drops what `ctx` covers below `prefix`: row by row, but for whole collections that are known to be covered.
fn clear<R: RowsMut>(
    rows: &mut R,
    ctx: &VersionVector,
    prefix: &RowPrefix,
    listed: &[ClearedInterval],
) -> Result<(), R::Error> {
    if let Some(key) = prefix.as_row() {
        return clear_row(rows, ctx, &key);
    }
    // A collection that has been looked at in vain is not looked at again.
    let mut asked: Option<RowPrefix> = None;
    let mut from = prefix.as_bytes().to_vec();
    loop {
        let (mut keys, mut seen) = (Vec::new(), 0);
        let mut next = None;
        let mut collection = None;
        rows.scan(prefix, &from, |key, row| {
            if seen == CLEAR_STEP {
                next = Some(key.to_vec());
                return ControlFlow::Break(());
            }
            seen += 1;
            if let Some(found) = RowPrefix::collection_of(key)
                && found.starts_with(prefix.as_bytes())
                && asked.as_ref().is_none_or(|asked| asked.as_bytes() != found)
            {
                collection = Some(RowPrefix::from_bytes(Bytes::copy_from_slice(found)));
                return ControlFlow::Break(());
            }
            let covered = match row {
                Row::Entries(entries) => entries.iter().any(|entry| ctx.covers(entry.dot)),
                Row::Interval(_) => false,
                Row::Registers(_) | Row::Escrow(_) => row.generation(key).is_some_and(|dot| ctx.covers(dot)),
            };
            if covered {
                keys.push(RowKey::from_bytes(Bytes::copy_from_slice(key)));
            }
            ControlFlow::Continue(())
        })?;
        for key in &keys {
            clear_row(rows, ctx, key)?;
        }
        match (collection, next) {
            (Some(collection), _) => {
                let summary = rows.summary(&collection)?;
                from = collection.as_bytes().to_vec();
                let below = listed.iter().filter(|seen| collection.contains(seen.counter.as_bytes())).count() as u64;
                // A counter's part goes only if it is listed, seen or not.
                let dots_seen = |all: &Summary| all.newest.le(ctx) || planted(Mutant::RangeDropsUnseen);
                let all_seen = |all: Summary| dots_seen(&all) && all.intervals <= below;
                if summary.is_some_and(|all| all.rows >= RANGE_DELETE_MIN && all_seen(all)) {
                    rows.drop_below(&collection)?;
                }
                asked = Some(collection);
            }
            (None, Some(key)) => from = key,
            (None, None) => return Ok(()),
        }
    }
}

fn clear_row<R: RowsMut>(rows: &mut R, ctx: &VersionVector, key: &RowKey) -> Result<(), R::Error> {
    rows.change(key, |row| match row {
        Some(Row::Registers(_) | Row::Escrow(_)) => *row = None,
        _ => row::retain(row, |entry| !ctx.covers(entry.dot) && !planted(Mutant::ClearDropsUnseen)),
    })
}

fn clear_interval<R: RowsMut>(rows: &mut R, seen: &ClearedInterval) -> Result<(), R::Error> {
    rows.change(&seen.counter.actor(seen.actor), |row| {
        if let Some(Row::Interval(interval)) = row {
            *row = interval.cleared(seen.seq, seen.cum).map(Row::Interval);
        }
    })
}
