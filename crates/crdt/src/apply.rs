//! Applying effects: one rule each, the same code at the origin and everywhere else.
//!
//! Total: effects that passed [`crate::Effect::check`] apply to any rows. Order within a record is the record's.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::{Dot, Hlc, VersionVector};

use crate::effect::{ClearedInterval, Effect};
use crate::key::{RowKey, RowPrefix};
use crate::kind::Kind;
use crate::row::{self, Entry, Interval, Row};
use crate::rows::RowsMut;

/// Rows that one step of a clear looks at. What a clear drops stands in its group all the same: whole collections by range
/// are the store's business, and not built yet.
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
                clear(rows, stamp.ctx, prefix)?;
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
        }
    }
    Ok(())
}

fn assign<R: RowsMut>(rows: &mut R, ctx: &VersionVector, key: &RowKey, entry: Entry) -> Result<(), R::Error> {
    // A register's writer replaces its own earlier write even when it did not look (a client's older ctx): its later
    // stamp wins anyway, and the row stays at one entry per actor.
    let own = (key.kind() == Ok(Kind::Register)).then_some(entry.dot.actor);
    rows.change(key, |row| {
        row::retain(row, |e| !ctx.covers(e.dot) && Some(e.dot.actor) != own);
        row::insert(row, entry);
    })
}

fn clear<R: RowsMut>(rows: &mut R, ctx: &VersionVector, prefix: &RowPrefix) -> Result<(), R::Error> {
    if let Some(key) = prefix.as_row() {
        return clear_row(rows, ctx, &key);
    }
    let mut from = prefix.as_bytes().to_vec();
    loop {
        let (mut keys, mut seen) = (Vec::new(), 0);
        let mut next = None;
        rows.scan(prefix, &from, |key, row| {
            if seen == CLEAR_STEP {
                next = Some(key.to_vec());
                return ControlFlow::Break(());
            }
            seen += 1;
            if row.entries().iter().any(row::covered(ctx)) {
                keys.push(RowKey::from_bytes(Bytes::copy_from_slice(key)));
            }
            ControlFlow::Continue(())
        })?;
        for key in &keys {
            clear_row(rows, ctx, key)?;
        }
        match next {
            Some(key) => from = key,
            None => return Ok(()),
        }
    }
}

fn clear_row<R: RowsMut>(rows: &mut R, ctx: &VersionVector, key: &RowKey) -> Result<(), R::Error> {
    rows.change(key, |row| row::retain(row, |entry| !ctx.covers(entry.dot)))
}

fn clear_interval<R: RowsMut>(rows: &mut R, seen: &ClearedInterval) -> Result<(), R::Error> {
    rows.change(&seen.counter.actor(seen.actor), |row| {
        if let Some(Row::Interval(interval)) = row {
            *row = interval.cleared(seen.seq, seen.cum).map(Row::Interval);
        }
    })
}
