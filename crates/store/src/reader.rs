//! Reading, from any thread: one moment of the rows, ranges of logs, digests. Never sees a group before it is on disk.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::{Row, RowKey, RowPrefix, Rows};
use halcyon_types::{ActorId, Dot, Seq, VersionVector};
use halcyon_wire::StoredRecord;

use crate::backend::{Backend, Family, View};
use crate::digest::{self, Digest};
use crate::error::ReadError;
use crate::layout;

/// A handle for reading. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Reader<B> {
    backend: B,
}

impl<B: Backend> Reader<B> {
    pub(crate) const fn new(backend: B) -> Self {
        Self { backend }
    }

    /// This moment, held: whatever is committed later does not show.
    pub fn snapshot(&self) -> Snapshot<B::Snapshot> {
        Snapshot { view: self.backend.snapshot() }
    }

    /// Records of `actor` behind `after` up to and with `upto`, contiguous, in order: as many as fit `bytes_max`, but one
    /// at least if there is one.
    ///
    /// # Errors
    /// [`ReadError`]; a missing record is damage, as logs are kept.
    pub fn log(&self, actor: ActorId, after: Seq, upto: Seq, bytes_max: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let (mut records, mut bytes) = (Vec::new(), 0_usize);
        let Some(first) = after.next().filter(|first| *first <= upto) else {
            return Ok(records);
        };
        let mut expected = Some(first);
        let mut gap = None;
        let from = layout::log_key(Dot { actor, seq: first });
        let end = upto.next().map(|seq| layout::log_key(Dot { actor, seq }));
        let end = end.as_ref().map(<[u8; 16]>::as_slice);
        self.backend.scan(Family::Log, &from, end, |key, value| {
            let seq = layout::log_seq(key);
            if seq != expected || !key.starts_with(&actor.as_u64().to_be_bytes()) {
                gap = expected.filter(|_| key.starts_with(&actor.as_u64().to_be_bytes()));
                return ControlFlow::Break(());
            }
            bytes = bytes.saturating_add(value.len());
            if bytes > bytes_max && !records.is_empty() {
                return ControlFlow::Break(());
            }
            let seq = seq.unwrap_or_default();
            expected = seq.next();
            records.push(StoredRecord { seq, bytes: Bytes::copy_from_slice(value) });
            ControlFlow::Continue(())
        })?;
        match gap {
            Some(seq) => Err(ReadError::damaged(format!("the log of {actor}"), &format!("record {seq} is missing"))),
            None => Ok(records),
        }
    }

    /// The digest of every row, at one moment. Reads everything: not for the driver's thread.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn digest(&self) -> Result<Digest, ReadError> {
        digest::of(&self.backend.snapshot())
    }
}

/// One moment of the rows.
#[derive(Debug)]
pub struct Snapshot<V> {
    view: V,
}

impl<V: View> Snapshot<V> {
    /// The version vector of this very moment: read through the same snapshot as the rows.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn vv(&self) -> Result<VersionVector, ReadError> {
        vv_of(&self.view)
    }
}

impl<V: View> Rows for Snapshot<V> {
    type Error = ReadError;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, ReadError> {
        let row = self.view.with(Family::State, key.as_bytes(), |value| {
            value.map(|value| decode_row(key.as_bytes(), value)).transpose()
        })??;
        Ok(look(row.as_ref()))
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let from = from.max(prefix.as_bytes());
        let mut outcome = Ok(());
        self.view.scan(Family::State, from, upper_bound(prefix).as_deref(), |key, value| {
            match decode_row(key, value) {
                Ok(row) => visit(key, &row),
                Err(error) => {
                    outcome = Err(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        outcome
    }
}

/// The version vector that stands beside the rows of `view`.
pub(crate) fn vv_of(view: &impl View) -> Result<VersionVector, ReadError> {
    view.with(Family::State, &layout::VV_KEY, |value| match value {
        Some(value) => layout::vv(value).map_err(|error| ReadError::damaged("the version vector", &error)),
        None => Err(ReadError::damaged("the version vector", "it is missing")),
    })?
}

/// Reads a row's bytes; its key says what they must be.
pub(crate) fn decode_row(key: &[u8], value: &[u8]) -> Result<Row, ReadError> {
    let damaged =
        |reason: &dyn std::fmt::Display| ReadError::damaged(format!("the row {}", key.escape_ascii()), reason);
    let kind = RowKey::kind_of(key).map_err(|error| damaged(&error))?;
    Row::decode(kind, value).map_err(|error| damaged(&error))
}

/// The first key behind everything below `prefix`; absent if there is none.
pub(crate) fn upper_bound(prefix: &RowPrefix) -> Option<Vec<u8>> {
    let mut bound = prefix.as_bytes().to_vec();
    while let Some(last) = bound.pop() {
        if let Some(raised) = last.checked_add(1) {
            bound.push(raised);
            return Some(bound);
        }
    }
    None
}
