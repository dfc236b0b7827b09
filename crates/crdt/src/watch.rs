//! What a read has looked at, row for row: so that a transaction can ask at its commit whether any of it has changed.

use std::ops::ControlFlow;

use crate::key::{RowKey, RowPrefix};
use crate::row::Row;
use crate::rows::{Rows, Summary};
use crate::sorted_set::Standing;

/// Rows that keep a copy of everything they lend.
#[derive(Debug)]
pub struct Watch<R> {
    rows: R,
    seen: Vec<Seen>,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Row(Vec<u8>, Option<Row>),
    Standing(Standing),
}

impl<R: Rows> Watch<R> {
    /// Nothing looked at yet.
    pub const fn over(rows: R) -> Self {
        Self { rows, seen: Vec::new() }
    }

    /// Whether the two have been shown the same.
    pub fn agrees<S>(&self, other: &Watch<S>) -> bool {
        self.seen == other.seen
    }
}

impl<R: Rows> Rows for Watch<R> {
    type Error = R::Error;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, R::Error> {
        let seen = &mut self.seen;
        self.rows.look(key, |row| {
            seen.push(Seen::Row(key.as_bytes().to_vec(), row.cloned()));
            look(row)
        })
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let seen = &mut self.seen;
        self.rows.scan(prefix, from, |key, row| {
            seen.push(Seen::Row(key.to_vec(), Some(row.clone())));
            visit(key, row)
        })
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let seen = &mut self.seen;
        self.rows.scan_back(prefix, upto, |key, row| {
            seen.push(Seen::Row(key.to_vec(), Some(row.clone())));
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

#[cfg(test)]
mod tests;
