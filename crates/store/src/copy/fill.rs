//! An empty database that is filled from a copy.

use std::collections::BTreeMap;

use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Hlc, Seq, VersionVector};

use super::{FAMILIES, entry_len};
use crate::backend::{Backend, Batch, Durability, Family};
use crate::error::{OpenError, ReadError, WriteError};
use crate::identity::{Claim, Identity};
use crate::layout;
use crate::reader::{Reader, vv_of};

/// Bytes of one batch. Each is synced: whoever reads a log after a power loss relies on one unsynced record at most.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Why a copy cannot be taken in. What is there of it is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The page is not one, or another was to come first.
    #[error("the copy is damaged: {0}")]
    Page(&'static str),
    /// The disk.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The disk, or what the copy says.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory holds something already.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Takes in the pages of one copy, in order.
pub struct Fill<B: Backend> {
    backend: B,
    batch: B::Batch,
    held: usize,
    last: Option<(u8, Vec<u8>)>,
    rows: u64,
    /// The first and the last record of each log, which has no gap between.
    logs: BTreeMap<ActorId, (Seq, Seq)>,
}

impl<B: Backend> Fill<B> {
    /// Begins with an empty database.
    ///
    /// # Errors
    /// [`FillError`]: it is none.
    pub fn begin(backend: B) -> Result<Self, FillError> {
        Identity::check_empty(&backend)?;
        let batch = backend.batch();
        Ok(Self { backend, batch, held: 0, last: None, rows: 0, logs: BTreeMap::new() })
    }

    /// Entries taken in so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the next page.
    ///
    /// # Errors
    /// [`FillError`]: begin anew, with an empty database.
    pub fn page(&mut self, mut entries: &[u8]) -> Result<(), FillError> {
        while !entries.is_empty() {
            let (number, key, value) = entry(&mut entries).ok_or(FillError::Page("it ends within an entry"))?;
            let family =
                FAMILIES.get(usize::from(number)).ok_or(FillError::Page("it names a family that never travels"))?;
            let ascends = |(last, before): &(u8, Vec<u8>)| (*last, before.as_slice()) < (number, key);
            if !self.last.as_ref().is_none_or(ascends) {
                return Err(FillError::Page("its entries are out of order"));
            }
            if *family == Family::Log {
                self.record(key)?;
            }
            self.batch.put(*family, key, value);
            self.held += entry_len(key, value);
            self.rows += 1;
            let (last, before) = self.last.get_or_insert_default();
            *last = number;
            before.clear();
            before.extend_from_slice(key);
            if self.held >= BATCH_BYTES {
                self.write()?;
            }
        }
        Ok(())
    }

    /// A record of a log comes. What stands before a gap was dropped from the log while the copy was taken: every region has it.
    fn record(&mut self, key: &[u8]) -> Result<(), FillError> {
        let dot = layout::log_dot(key).ok_or(FillError::Page("a record has no name"))?;
        let before = self.logs.get(&dot.actor).copied();
        let (first, last) = before.unwrap_or((dot.seq, dot.seq.previous()));
        let follows = last.next() == Some(dot.seq);
        if !follows {
            let begin = layout::log_key(Dot { actor: dot.actor, seq: first });
            self.batch.delete_range(Family::Log, &begin, key);
        }
        self.logs.insert(dot.actor, (if follows { first } else { dot.seq }, dot.seq));
        Ok(())
    }

    /// The copy is whole: from here on the database is the directory of a node as `claim` says, which writes as a new actor and
    /// whose logs begin where the copy was made, or with what records of them came along. `hlc` is above every stamp of the copy. Returns what it holds.
    ///
    /// # Errors
    /// [`FillError`]: begin anew, with an empty database.
    pub fn restored(mut self, claim: &Claim, hlc: Hlc) -> Result<VersionVector, FillError> {
        self.write()?;
        let vv = vv_of(&self.backend)?;
        let mut floors = vv.clone();
        for (actor, (first, last)) in &self.logs {
            if vv.get(*actor) != *last {
                return Err(FillError::Page("a log does not end where the version vector says"));
            }
            floors.set(*actor, first.previous());
        }
        let mut identity = Identity::new(claim);
        identity.mint(claim.now, &vv);
        self.batch.put(Family::Local, &layout::IDENTITY_KEY, &identity.encode());
        let mut value = Vec::new();
        layout::put_vv(&mut value, &floors);
        self.batch.put(Family::Local, &layout::FLOORS_KEY, &value);
        value.clear();
        layout::put_ceiling(&mut value, hlc);
        self.batch.put(Family::Local, &layout::CEILING_KEY, &value);
        self.write()?;
        Ok(vv)
    }

    /// The copy is whole, and takes the place of `old`: identity and clock are that one's, and the logs begin where the copy was
    /// made. What the old logs have beyond it is to be [replayed](super::replay).
    ///
    /// # Errors
    /// [`FillError`]: begin anew, with an empty database.
    pub fn instead_of(mut self, old: &Reader<B>) -> Result<(), FillError> {
        self.write()?;
        let mut value = Vec::new();
        layout::put_vv(&mut value, &vv_of(&self.backend)?);
        if !planted(Mutant::FloorsOfCopyIgnored) {
            self.batch.put(Family::Local, &layout::FLOORS_KEY, &value);
        }
        for key in [&layout::IDENTITY_KEY, &layout::CEILING_KEY] {
            let kept = old.backend().with(Family::Local, key, |value| value.map(<[u8]>::to_vec))?;
            if let Some(kept) = kept {
                self.batch.put(Family::Local, key, &kept);
            }
        }
        Ok(self.write()?)
    }

    fn write(&mut self) -> Result<(), WriteError> {
        self.held = 0;
        let batch = std::mem::replace(&mut self.batch, self.backend.batch());
        self.backend.write(batch, Durability::Synced)
    }
}

impl<B: Backend> std::fmt::Debug for Fill<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fill").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// How many entries a page has; none if it ends within one.
pub fn count(mut entries: &[u8]) -> Option<u64> {
    let mut count = 0;
    while !entries.is_empty() {
        entry(&mut entries)?;
        count += 1;
    }
    Some(count)
}

/// Takes one entry off.
fn entry<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8], &'a [u8])> {
    let number = bytes.split_off_first()?;
    let mut part = || {
        let len = u32::from_be_bytes(*bytes.split_off(..4)?.first_chunk()?);
        bytes.split_off(..usize::try_from(len).ok()?)
    };
    Some((*number, part()?, part()?))
}
