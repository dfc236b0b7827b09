//! A copy takes the place of a node's own state: what only that node has is replayed behind it.

use std::collections::BTreeMap;

use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Seq, VersionVector};
use halcyon_wire::{Record, RecordError, StoredRecord};

use super::FillError;
use crate::backend::Backend;
use crate::committer::Committer;
use crate::error::{ApplyError, CommitError, OpenError, ReadError};
use crate::identity::Claim;
use crate::reader::Reader;

/// Bytes of records that are read of one log at a time.
const READ_BYTES: usize = 1 << 20;
/// Records of one commit.
const COMMIT_MAX: usize = 1024;

/// Why a copy could not take a state's place. The old state is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// The copy could not be taken in.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// What was copied is no directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The own logs could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record of the own logs could not be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The disk.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A record could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Records that the copy lacks have been dropped from the own logs: another source is needed.
    #[error(
        "the copy reaches {copy:?} only, and of {own:?} not every record behind that is here: take the copy of another region"
    )]
    TooOld {
        /// What the copy holds.
        copy: VersionVector,
        /// What the own state holds.
        own: VersionVector,
    },
}

/// Opens `new`, which a [`Fill`](super::Fill) has filled in the place of `old`, and applies to it every record of the old logs
/// that it lacks, in causal order: it holds at least what `old` holds then.
///
/// # Errors
/// [`RebuildError`]; the old state is as it was.
pub fn replay<B: Backend>(old: &Reader<B>, new: B, claim: &Claim) -> Result<VersionVector, RebuildError> {
    let own = old.snapshot().vv()?;
    let (copy, vv) = catch_up(old, new, claim, &own)?;
    if own.le(&vv) || planted(Mutant::CopyWithoutReplay) { Ok(vv) } else { Err(RebuildError::TooOld { copy, own }) }
}

/// Applies to `new` what the old logs have up to `own`, as far as it can be applied. What `new` held before, and what it holds now.
pub(super) fn catch_up<B: Backend>(
    old: &Reader<B>,
    new: B,
    claim: &Claim,
    own: &VersionVector,
) -> Result<(VersionVector, VersionVector), RebuildError> {
    let (mut committer, recovered) = Committer::open(new, claim)?;
    let (copy, mut heads) = (recovered.vv, recovered.heads);
    let mut vv = copy.clone();
    let mut lines: BTreeMap<ActorId, Line> = BTreeMap::new();
    if planted(Mutant::CopyWithoutReplay) {
        return Ok((copy, vv));
    }
    let missing = own.iter().filter(|(actor, last)| *last > copy.get(*actor));
    for (actor, last) in missing {
        let deps = heads.remove(&actor).map(|head| head.deps).unwrap_or_default();
        lines.insert(actor, Line { read: copy.get(actor), last, deps, next: None, ahead: Vec::new().into_iter() });
    }
    let mut staged = 0;
    loop {
        let mut moved = false;
        for (actor, line) in &mut lines {
            while let Some(record) = line.next(old, *actor)? {
                if !record.0.deps.le(&vv) {
                    line.next = Some(record);
                    break;
                }
                let (record, stored) = record;
                vv.observe(record.dot);
                committer.stage_replayed(claim.now, &record, &stored)?;
                (moved, staged) = (true, staged + 1);
                if staged % COMMIT_MAX == 0 {
                    committer.commit()?;
                }
            }
        }
        if !moved {
            break;
        }
    }
    committer.commit()?;
    Ok((copy, vv))
}

/// What is left of one log.
struct Line {
    read: Seq,
    last: Seq,
    deps: VersionVector,
    next: Option<(Record, StoredRecord)>,
    ahead: std::vec::IntoIter<StoredRecord>,
}

impl Line {
    fn next<B: Backend>(
        &mut self,
        old: &Reader<B>,
        actor: ActorId,
    ) -> Result<Option<(Record, StoredRecord)>, RebuildError> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        if self.ahead.as_slice().is_empty() && self.read < self.last {
            self.ahead = old.log(actor, self.read, self.last, READ_BYTES)?.into_iter();
        }
        let Some(stored) = self.ahead.next() else { return Ok(None) };
        let record = Record::decode(&stored.bytes, actor, &self.deps)?;
        self.read = stored.seq;
        self.deps.clone_from(&record.deps);
        Ok(Some((record, stored)))
    }
}
