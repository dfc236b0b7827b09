//! What a read has looked at, row for row: so that a transaction can ask at its commit whether any of it has changed. What
//! has expired is not looked at: each node drops it when it comes to it, which is no change.

use std::ops::ControlFlow;

use halcyon_types::UnixMs;

use crate::key::{RowKey, RowPrefix};
use crate::row::Row;
use crate::rows::{Rows, Summary};
use crate::sorted_set::Standing;

/// Rows that keep a copy of everything they lend.
#[derive(Debug)]
pub struct Watch<R> {
    rows: R,
    now: UnixMs,
    seen: Vec<Seen>,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Row(Vec<u8>, Option<Row>),
    Standing(Standing),
}

impl<R: Rows> Watch<R> {
    /// Nothing looked at yet. Both of two watches that are compared must be told the same time.
    pub const fn over(rows: R, now: UnixMs) -> Self {
        Self { rows, now, seen: Vec::new() }
    }

    /// Whether the two have been shown the same.
    pub fn agrees<S>(&self, other: &Watch<S>) -> bool {
        self.seen == other.seen
    }
}

impl<R: Rows> Rows for Watch<R> {
    type Error = R::Error;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, R::Error> {
        let (now, seen) = (self.now, &mut self.seen);
        self.rows.look(key, |row| {
            seen.push(Seen::Row(key.as_bytes().to_vec(), row.and_then(|row| live(row, now))));
            look(row)
        })
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let (now, seen) = (self.now, &mut self.seen);
        self.rows.scan(prefix, from, |key, row| {
            seen.extend(live(row, now).map(|row| Seen::Row(key.to_vec(), Some(row))));
            visit(key, row)
        })
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let (now, seen) = (self.now, &mut self.seen);
        self.rows.scan_back(prefix, upto, |key, row| {
            seen.extend(live(row, now).map(|row| Seen::Row(key.to_vec(), Some(row))));
            visit(key, row)
        })
    }

    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        mut visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let seen = &mut self.seen;
        self.rows.scan_standings(members, after, reverse, |standing| {
            seen.push(Seen::Standing(standing.clone()));
            visit(standing)
        })
    }

    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, R::Error> {
        self.rows.summary(collection)
    }
}

/// What of a row has not expired, if anything.
fn live(row: &Row, now: UnixMs) -> Option<Row> {
    match row {
        Row::Entries(entries) if !entries.iter().all(|entry| entry.is_live(now)) => {
            let live: Vec<_> = entries.iter().filter(|entry| entry.is_live(now)).cloned().collect();
            (!live.is_empty()).then(|| Row::Entries(live))
        }
        row => Some(row.clone()),
    }
}

#[cfg(test)]
mod tests;
