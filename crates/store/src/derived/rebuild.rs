//! Derived rows from nothing but rows: when a directory is new, or was written before there were any, or by a version that
//! derived others. A mark among the node's own values says that they are complete; it is written last, so that a crash in
//! mid-way begins anew.

use std::ops::ControlFlow;

use halcyon_crdt::sorted_set::{member_of, standing};
use halcyon_crdt::{MemoryRows, Row, RowKey, RowPrefix, RowsMut, Summary};

use super::{Due, put_summary, scores_of};
use crate::backend::{Backend, Batch, Durability, Family, View};
use crate::error::{OpenError, ReadError, WriteError};
use crate::layout::{DERIVED_KEY, DERIVED_VERSION, ROWS_FROM};
use crate::view_rows::decode_row;

/// Changes of one batch.
const BATCH_MAX: usize = 4096;
/// Rows between two words about how far it has come.
const WORD_EVERY: u64 = 1 << 18;

/// Makes sure that the derived rows are there.
pub(crate) fn complete<B: Backend>(backend: &B) -> Result<(), OpenError> {
    let mark: &[u8] = &[DERIVED_VERSION];
    if backend.with(Family::Local, &DERIVED_KEY, |value| value == Some(mark))? {
        return Ok(());
    }
    let mut build = Build::new(backend);
    build.wipe()?;
    let mut outcome = Ok(());
    backend.snapshot().scan(Family::State, &ROWS_FROM, None, |key, value| {
        outcome = decode_row(key, value).map_err(OpenError::from).and_then(|row| build.row(key, &row));
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome?;
    build.end_collection();
    build.end_member();
    build.batch.put(Family::Local, &DERIVED_KEY, mark);
    build.write()?;
    if build.rows > 0 {
        tracing::info!(rows = build.rows, "derived rows are complete");
    }
    Ok(())
}

struct Build<'a, B: Backend> {
    backend: &'a B,
    batch: B::Batch,
    changes: usize,
    rows: u64,
    collection: Option<(RowPrefix, Summary)>,
    /// The sorted set's member whose rows go by, and those met so far.
    member: Option<(RowPrefix, Vec<u8>, MemoryRows)>,
    failed: Option<WriteError>,
}

impl<'a, B: Backend> Build<'a, B> {
    fn new(backend: &'a B) -> Self {
        Self { backend, batch: backend.batch(), changes: 0, rows: 0, collection: None, member: None, failed: None }
    }

    /// Whatever was derived before is gone.
    fn wipe(&mut self) -> Result<(), ReadError> {
        let mut last = None;
        self.backend.scan_back(Family::Derived, &[], None, |key, _| {
            last = Some(key.to_vec());
            ControlFlow::Break(())
        })?;
        if let Some(last) = last {
            self.batch.delete_range(Family::Derived, &[], &last);
            self.batch.delete(Family::Derived, &last);
        }
        Ok(())
    }

    /// The next row, in key order.
    fn row(&mut self, key: &[u8], row: &Row) -> Result<(), OpenError> {
        self.rows += 1;
        if self.rows.is_multiple_of(WORD_EVERY) {
            tracing::info!(rows = self.rows, "computing derived rows");
        }
        let collection = RowPrefix::collection_of(key);
        if self.collection.as_ref().map(|(prefix, _)| prefix.as_bytes()) != collection {
            self.end_collection();
            let begun = collection.map(|prefix| RowPrefix::from_bytes(prefix.to_vec()));
            self.collection = begun.map(|prefix| (prefix, Summary::default()));
        }
        if let Some((_, summary)) = &mut self.collection {
            summary.note(key, false, Some(row));
        }
        if let Some(due) = Due::of(key, row) {
            self.put(&due.index_key(&RowKey::from_bytes(key.to_vec().into())), &[]);
        }
        self.rank(key, row);
        self.failed.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// A member's rows stand side by side: behind the last one its standing is known.
    fn rank(&mut self, key: &[u8], row: &Row) {
        let place = RowPrefix::sorted_set_of(key).and_then(|members| Some((member_of(&members, key)?, members)));
        let same = match (&self.member, &place) {
            (Some((members, member, _)), Some((other, set))) => members == set && member == other,
            _ => false,
        };
        if !same {
            self.end_member();
            self.member = place.map(|(member, members)| (members, member, MemoryRows::default()));
        }
        if let Some((_, _, rows)) = &mut self.member {
            let Ok(()) = rows.change(&RowKey::from_bytes(key.to_vec().into()), |place| *place = Some(row.clone()));
        }
    }

    fn end_member(&mut self) {
        let Some((members, member, mut rows)) = self.member.take() else { return };
        let Ok(standing) = standing(&mut rows, &members, &member);
        if let Some(standing) = standing {
            self.put(&[scores_of(&members).as_bytes(), &standing.to_key()].concat(), &[]);
        }
    }

    fn end_collection(&mut self) {
        if let Some((prefix, summary)) = self.collection.take() {
            let mut value = Vec::new();
            put_summary(&mut value, &summary);
            self.put(prefix.as_bytes(), &value);
        }
    }

    /// An error shows at the next row.
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.batch.put(Family::Derived, key, value);
        self.changes += 1;
        if self.changes >= BATCH_MAX
            && let Err(error) = self.write()
        {
            self.failed.get_or_insert(error);
        }
    }

    /// Synced each time: whoever reads the log after a power loss relies on one unsynced record at most.
    fn write(&mut self) -> Result<(), WriteError> {
        self.changes = 0;
        self.backend.write(std::mem::replace(&mut self.batch, self.backend.batch()), Durability::Synced)
    }
}
