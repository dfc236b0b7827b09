//! Audits: rows are read again, checked, and digested a range at a time, so that two nodes can compare what they hold.
//!
//! What a range holds follows from the records that touch it. So ranges that two nodes have read at different moments must be
//! the same if no record that only one of them had seen by then touches it; whoever has seen more looks its surplus through.
//!
//! A digest is that of the whole state (`digest.rs`) over the rows of the range.

mod beyond;
mod moved;

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::limits::AUDIT_COMPARED_BYTES_MAX;
use halcyon_types::{UnixMs, VersionVector};

use crate::backend::{Family, View};
use crate::digest::Adding;
use crate::error::ReadError;
use crate::reader::vv_of;
use crate::view_rows::decode_row;

/// What to read of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What has expired by then is left out of the digest.
    pub at: UnixMs,
    /// Rows, at most.
    pub rows_max: usize,
    /// Bytes of keys and values, past which it ends early.
    pub bytes_max: usize,
}

/// A range that was read, from where it was asked for on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it shows.
    pub vv: VersionVector,
    /// The first key behind it.
    pub upto: Bytes,
    /// Rows read.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Rows that have not expired.
    pub live: u64,
    /// The digest of those.
    pub digest: [u8; 32],
    /// What of it is damaged. If it has no rows, it could not be read at all.
    pub damage: Vec<Damage>,
}

/// Rows that cannot be read, or are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first key that may be damaged.
    pub from: Bytes,
    /// The first behind them.
    pub upto: Bytes,
    /// What is wrong.
    pub what: String,
}

/// A range as another node has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theirs<'a> {
    /// The first key.
    pub from: &'a [u8],
    /// The first behind it.
    pub upto: &'a [u8],
    /// What has expired by then is left out.
    pub at: UnixMs,
    /// What it had seen.
    pub vv: &'a VersionVector,
    /// Rows that have not expired.
    pub live: u64,
    /// The digest of those.
    pub digest: &'a [u8; 32],
}

/// What came of comparing a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Both hold the same.
    Same,
    /// One of the two is wrong.
    Differs,
    /// Nothing can be said: a record that only this node has seen touches the range, or so many are new that they were not
    /// looked through.
    Moved,
}

/// Reads the rows from `from` on and below `upto`: as many as fit, but one at least. It ends before damage, and where it
/// begins with it, behind that.
pub(crate) fn piece(view: &impl View, from: &[u8], upto: &[u8], bounds: Bounds) -> Result<Piece, ReadError> {
    let vv = vv_of(view)?;
    let mut reading =
        Reading { bounds, adding: Adding::new(bounds.at), last: None, rows: 0, bytes: 0, damage: Vec::new() };
    let mut full = false;
    let walked = view.scan(Family::State, from, Some(upto), |key, value| {
        full = reading.is_full(key, value);
        if full {
            return ControlFlow::Break(());
        }
        reading.take(key, value);
        ControlFlow::Continue(())
    });
    let behind = reading.last.as_deref().map(next_key);
    let end = match (walked, behind) {
        (Ok(()), Some(behind)) if full => behind,
        (Ok(()), _) => upto.to_vec(),
        (Err(_), Some(behind)) => behind,
        (Err(error), None) => {
            let end = beyond::first_readable(view, from, upto);
            reading.damage.push(damage(from, &end, &error));
            end
        }
    };
    let Reading { adding, rows, bytes, damage, .. } = reading;
    Ok(Piece { vv, upto: end.into(), rows, bytes, live: adding.rows, digest: adding.finish(), damage })
}

/// Compares a range with what another node has read of it, which had seen no more than this one has.
pub(crate) fn compare(view: &impl View, theirs: &Theirs<'_>) -> Result<Comparison, ReadError> {
    let vv = vv_of(view)?;
    if !theirs.vv.le(&vv) || moved::touched(view, theirs.vv, &vv, theirs.from, theirs.upto)? {
        return Ok(Comparison::Moved);
    }
    let (mut adding, mut bytes, mut outcome) = (Adding::new(theirs.at), 0_usize, Ok(()));
    view.scan(Family::State, theirs.from, Some(theirs.upto), |key, value| {
        bytes = bytes.saturating_add(key.len() + value.len());
        outcome = adding.row(key, value);
        // Past what the other has, nothing more is needed to tell.
        let goes_on = outcome.is_ok() && adding.rows <= theirs.live && bytes <= AUDIT_COMPARED_BYTES_MAX;
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome?;
    Ok(if adding.rows > theirs.live {
        Comparison::Differs
    } else if bytes > AUDIT_COMPARED_BYTES_MAX {
        Comparison::Moved
    } else if adding.rows == theirs.live && adding.finish() == *theirs.digest {
        Comparison::Same
    } else {
        Comparison::Differs
    })
}

struct Reading {
    bounds: Bounds,
    adding: Adding,
    last: Option<Vec<u8>>,
    rows: u64,
    bytes: u64,
    damage: Vec<Damage>,
}

impl Reading {
    fn is_full(&self, key: &[u8], value: &[u8]) -> bool {
        let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX).saturating_add(key.len() + value.len());
        self.rows > 0 && (self.rows >= self.bounds.rows_max as u64 || bytes > self.bounds.bytes_max)
    }

    /// A row that cannot be decoded counts as it is: if the other node has the same, both are of one mind.
    fn take(&mut self, key: &[u8], value: &[u8]) {
        let read = decode_row(key, value).and_then(|_| self.adding.row(key, value));
        if let Err(error) = read {
            self.damage.push(damage(key, &next_key(key), &error));
            self.adding.add(key, value);
        }
        self.rows += 1;
        self.bytes += (key.len() + value.len()) as u64;
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
    }
}

fn damage(from: &[u8], upto: &[u8], error: &ReadError) -> Damage {
    let (from, upto) = (Bytes::copy_from_slice(from), Bytes::copy_from_slice(upto));
    Damage { from, upto, what: error.to_string() }
}

/// The first key behind `key`.
fn next_key(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}
