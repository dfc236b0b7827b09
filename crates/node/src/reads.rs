//! Answering reads from a snapshot of the store. No other region is asked, and the committer is not waited for (P9).

use halcyon_crdt::{Object, Query};
use halcyon_store::{Backend, Reader};
use halcyon_types::UnixMs;
use halcyon_wire::{Outcome, Refusal};

/// One object, at one snapshot.
pub(crate) fn read<B: Backend>(
    reader: &Reader<B>,
    object: &Object,
    query: &Query,
    now: UnixMs,
) -> Result<Outcome, Refusal> {
    let mut snapshot = reader.snapshot();
    Ok(Outcome::Answer(halcyon_crdt::read(&mut snapshot, object, query, now)?))
}

/// Every row, at one snapshot.
pub(crate) fn digest<B: Backend>(reader: &Reader<B>) -> Result<Outcome, Refusal> {
    match reader.digest() {
        Ok(digest) => Ok(Outcome::Digest { vv: digest.vv, digest: digest.digest, rows: digest.rows }),
        Err(error) => Err(Refusal::Storage { reason: error.to_string() }),
    }
}
