//! Rows that follow from rows: kept in the same batch, so that no read has to go through a whole collection.
//!
//! ```text
//! derived   keyspace ‖ key ‖ L, S, Z or m                     01 ‖ rows:u64be ‖ intervals:u64be ‖ escrows:u64be
//!                                                                ‖ first ‖ last ‖ vector
//!                                                             what there is in a collection; absent if nothing
//!                                                             first, last = len:u32be ‖ row key
//!           rows of a sorted set, 'z' for 'Z' ‖ standing      empty: its members in the order of (score, member)
//!           00000000 ‖ 'd' ‖ ms:u64be ‖ row key               empty: a key ends then, or, at the end of time, never
//!           00000000 ‖ 'e' ‖ ms:u64be ‖ row key               empty: an entry of this row expires then, the first of them
//! ```
//!
//! They are a node's own: a summary's vector depends on the way its state came about, and entries are purged by each
//! node's own clock. So they never travel, no digest shows them, and where they are missing they are computed anew
//! ([`rebuild`]). The last of the four may name rows that are gone: whoever follows it looks.

pub(crate) mod group;
pub(crate) mod rebuild;

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::{Kind, Row, RowKey, RowPrefix, Summary, deadline};
use halcyon_types::UnixMs;

use crate::backend::{Batch, Family, View};
use crate::cells::{Cell, CellError};
use crate::error::ReadError;
use crate::layout::{self, VALUE_VERSION};

/// What there is in each collection that a group has changed.
pub(crate) type Summaries = Vec<(RowPrefix, Summary)>;

/// Where the order of the sorted set whose rows `members` names is kept.
pub(crate) fn scores_of(members: &RowPrefix) -> RowPrefix {
    let mut index = members.as_bytes().to_vec();
    if let Some(kind) = index.last_mut() {
        *kind = kind.to_ascii_lowercase();
    }
    RowPrefix::from_bytes(index)
}

pub(crate) fn put_summary(out: &mut Vec<u8>, summary: &Summary) {
    out.push(VALUE_VERSION);
    for count in [summary.rows, summary.intervals, summary.escrows] {
        out.extend_from_slice(&count.to_be_bytes());
    }
    for key in summary.span.iter().flat_map(|(first, last)| [first, last]) {
        out.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(key);
    }
    layout::put_entries(out, &summary.newest);
}

pub(crate) fn summary(value: &[u8]) -> Result<Summary, CellError> {
    let mut cell = Cell::open(value)?;
    let (rows, intervals, escrows) = (cell.u64()?, cell.u64()?, cell.u64()?);
    let span = Some((Bytes::copy_from_slice(cell.bytes()?), Bytes::copy_from_slice(cell.bytes()?)));
    Ok(Summary { rows, intervals, escrows, span, newest: layout::entries(&mut cell)? })
}

/// Takes the order of every score below a collection out.
pub(crate) fn drop_scores(collection: &RowPrefix, batch: &mut impl Batch) {
    let below = match collection.as_bytes().last().copied().and_then(Kind::from_byte) {
        Some(Kind::SortedSet) => scores_of(collection),
        // There may be sorted sets at every depth. The map's own summary goes too, and comes back with the group's.
        Some(Kind::Map) => collection.clone(),
        _ => return,
    };
    if let Some(end) = below.end() {
        batch.delete_range(Family::Derived, below.as_bytes(), &end);
    }
}

/// When a key ends that was told never to: it stands in the index all the same, so that where the index is empty no key has
/// a deadline at all.
pub(crate) const NEVER: UnixMs = UnixMs(u64::MAX);

/// Whether any key has a deadline, or was told to have none.
pub(crate) fn has_deadlines(view: &impl View) -> Result<bool, ReadError> {
    let (from, end) = Ending::Key.until(NEVER);
    let mut found = false;
    view.scan(Family::Derived, &from, Some(&end), |_, _| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// When something of a row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    what: Ending,
    at: UnixMs,
}

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A key: some region clears it, by a record.
    Key,
    /// An entry of a register: every node purges it for itself.
    Entry,
}

impl Due {
    /// When the first thing of the row at `key` ends, if it does.
    pub(crate) fn of(key: &[u8], row: &Row) -> Option<Self> {
        let first = row.entries().iter().filter_map(|entry| entry.expiry).min();
        if let Some(at) = first {
            return Some(Self { what: Ending::Entry, at });
        }
        if key.last() != Some(&Kind::Deadline.byte()) || row.entries().is_empty() {
            return None;
        }
        Some(Self { what: Ending::Key, at: deadline::of_row(row).unwrap_or(NEVER) })
    }

    /// Whether it is the key that ends, or was told never to.
    pub(crate) fn is_of_key(self) -> bool {
        self.what == Ending::Key
    }

    /// The key that says so.
    pub(crate) fn index_key(self, row: &RowKey) -> Vec<u8> {
        [&self.what.prefix()[..], &self.at.0.to_be_bytes(), row.as_bytes()].concat()
    }
}

impl Ending {
    const fn prefix(self) -> [u8; 5] {
        match self {
            Self::Key => *b"\0\0\0\0d",
            Self::Entry => *b"\0\0\0\0e",
        }
    }

    /// From where to where whatever ends at or before `upto` stands.
    pub(crate) fn until(self, upto: UnixMs) -> (Vec<u8>, Vec<u8>) {
        let prefix = self.prefix();
        let behind = upto.0.checked_add(1).map(u64::to_be_bytes);
        (prefix.to_vec(), [&prefix[..], behind.as_ref().map_or(&[0xFF; 9][..], |at| &at[..])].concat())
    }

    /// The row that a key of this index names.
    pub(crate) fn row_of(index_key: &[u8]) -> Option<RowKey> {
        Some(RowKey::from_bytes(Bytes::copy_from_slice(index_key.get(13..)?)))
    }
}
