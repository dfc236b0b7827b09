//! Reading, from any thread: one moment of the rows, ranges of logs, digests. Never sees a group before it is on disk.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::{Row, RowKey, RowPrefix, Rows, Standing, Summary};
use halcyon_types::limits::PARTS_GOT_MAX;
use halcyon_types::{ActorId, Dot, Hlc, Seq, UnixMs, VersionVector};
use halcyon_wire::StoredRecord;

use crate::audit::{self, Bounds, Comparison, Piece, Theirs};
use crate::backend::{Backend, Family, View};
use crate::copy::{self, Page};
use crate::deadlines::{Deadlines, is_deadline};
use crate::digest::{self, Digest};
use crate::error::ReadError;
use crate::layout;
use crate::view_rows;

/// A handle for reading. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Reader<B> {
    backend: B,
    deadlines: Deadlines,
}

impl<B: Backend> Reader<B> {
    pub(crate) const fn new(backend: B, deadlines: Deadlines) -> Self {
        Self { backend, deadlines }
    }

    pub(crate) const fn backend(&self) -> &B {
        &self.backend
    }

    /// This moment, held: whatever is committed later does not show.
    pub fn snapshot(&self) -> Snapshot<B::Snapshot> {
        // In this order: see `deadlines.rs`.
        let view = self.backend.snapshot();
        Snapshot { view, deadlines: self.deadlines.any(), actors: None }
    }

    /// Records of `actor` behind `after` up to and with `upto`, contiguous, in order: as many as fit `bytes_max`, but one
    /// at least if there is one.
    ///
    /// # Errors
    /// [`ReadError`]; a missing record is damage. Nobody asks for what lies below a log's floor.
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

    /// The digest of every row, at one moment, but for entries that have expired by `at`. Reads everything: not for the
    /// driver's thread. Two nodes agree at equal vectors if neither has purged what expires behind `at`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn digest(&self, at: UnixMs) -> Result<Digest, ReadError> {
        digest::of(&self.backend.snapshot(), at)
    }
}

/// One moment of the rows.
#[derive(Debug)]
pub struct Snapshot<V> {
    view: V,
    /// Whether there may be a row that says when a key ends.
    deadlines: bool,
    /// Whose records it shows, once that has been asked.
    actors: Option<Vec<ActorId>>,
}

impl<V: View> Snapshot<V> {
    /// The version vector of this very moment: read through the same snapshot as the rows.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn vv(&self) -> Result<VersionVector, ReadError> {
        vv_of(&self.view)
    }

    /// The entries of a copy of this very moment behind `place`: as many as fit `bytes_max`, but one at least.
    ///
    /// # Errors
    /// [`ReadError`]; a place that no page has told is `Damaged`.
    pub fn page(&self, place: &[u8], bytes_max: usize) -> Result<Page, ReadError> {
        copy::page(&self.view, place, bytes_max, None)
    }

    /// The same with the records of all logs above `above`, which come last: for a backup, of which regions may lack something.
    ///
    /// # Errors
    /// As for [`Self::page`].
    pub fn page_with_logs(&self, place: &[u8], bytes_max: usize, above: &VersionVector) -> Result<Page, ReadError> {
        copy::page(&self.view, place, bytes_max, Some(above))
    }

    /// Reads and checks the rows of this very moment from `from` on and below `upto`: as many as fit, but one at least.
    ///
    /// # Errors
    /// [`ReadError`]: not even the version vector could be read. Damaged rows are told in the piece.
    pub fn piece(&self, from: &[u8], upto: &[u8], bounds: Bounds) -> Result<Piece, ReadError> {
        audit::piece(&self.view, from, upto, bounds)
    }

    /// Compares a range with what another node has read of it, once this one has seen as much.
    ///
    /// # Errors
    /// [`ReadError`]: the rows or the logs are damaged here.
    pub fn compare(&self, theirs: &Theirs<'_>) -> Result<Comparison, ReadError> {
        audit::compare(&self.view, theirs)
    }

    /// No stamp that this node has given up to this very moment is above it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn ceiling(&self) -> Result<Hlc, ReadError> {
        let ceiling = self.view.with(Family::Local, &layout::CEILING_KEY, |value| value.map(layout::ceiling))?;
        ceiling
            .transpose()
            .map(Option::unwrap_or_default)
            .map_err(|error| ReadError::damaged("the clock ceiling", &error))
    }

    /// Visits the rows of a counter, one for each actor that has added to it. Where there can be few they are got one by one: a
    /// walk has to begin in every file of the database, a filter tells which of them hold a part.
    fn parts(
        &mut self,
        counter: &RowPrefix,
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        if self.actors.is_none() {
            self.actors = Some(vv_of(&self.view)?.iter().map(|(actor, _)| actor).collect());
        }
        let actors = self.actors.as_deref().unwrap_or_default();
        if actors.len() > PARTS_GOT_MAX {
            return view_rows::scan(&self.view, None, counter, counter.as_bytes(), visit);
        }
        for actor in actors {
            let key = counter.actor(*actor);
            if let Some(row) = view_rows::load(&self.view, &key)?
                && visit(key.as_bytes(), &row).is_break()
            {
                break;
            }
        }
        Ok(())
    }
}

impl<V: View> Rows for Snapshot<V> {
    type Error = ReadError;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, ReadError> {
        if !self.deadlines && is_deadline(key) {
            return Ok(look(None));
        }
        view_rows::load(&self.view, key).map(|row| look(row.as_ref()))
    }

    fn take_row(&mut self, key: &RowKey) -> Result<Option<Row>, ReadError> {
        view_rows::load(&self.view, key)
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        if from <= prefix.as_bytes() && prefix.check_counter().is_ok() {
            return self.parts(prefix, visit);
        }
        let begins = view_rows::begins_collection(prefix, from);
        let summary = if begins { self.summary(prefix)? } else { None };
        view_rows::scan(&self.view, summary.as_ref(), prefix, from, visit)
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let begins = upto.is_none() && view_rows::is_collection(prefix);
        let summary = if begins { self.summary(prefix)? } else { None };
        view_rows::scan_back(&self.view, summary.as_ref(), prefix, upto, visit)
    }

    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        view_rows::scan_standings(&self.view, members, after, reverse, visit)
    }

    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, ReadError> {
        view_rows::summary(&self.view, collection).map(Some)
    }
}

/// The version vector that stands beside the rows of `view`.
///
/// # Errors
/// [`ReadError`]: it cannot be read, or there is none, as in a database that was never opened.
pub fn vv_of(view: &impl View) -> Result<VersionVector, ReadError> {
    view.with(Family::State, &layout::VV_KEY, |value| match value {
        Some(value) => layout::vv(value).map_err(|error| ReadError::damaged("the version vector", &error)),
        None => Err(ReadError::damaged("the version vector", "it is missing")),
    })?
}
