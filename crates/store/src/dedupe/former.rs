//! Requests once stood among the rows. Those of a directory of that time are moved to their own family when it is opened, in
//! batches: a crash in mid-way leaves each in one of the two.

use std::ops::ControlFlow;

use crate::backend::{Backend, Batch, Durability, Family};
use crate::error::OpenError;
use crate::layout::FORMER_REQUESTS;

/// Requests of one batch.
const BATCH_MAX: usize = 16_384;

/// Moves all that are left.
pub(super) fn move_all<B: Backend>(backend: &B) -> Result<(), OpenError> {
    let (from, upto) = FORMER_REQUESTS;
    loop {
        let (mut batch, mut moved) = (backend.batch(), 0);
        backend.scan(Family::State, &from, Some(&upto), |key, value| {
            batch.put(Family::Requests, key.get(from.len()..).unwrap_or_default(), value);
            batch.delete(Family::State, key);
            moved += 1;
            if moved < BATCH_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if moved == 0 {
            return Ok(());
        }
        backend.write(batch, Durability::Synced)?;
        tracing::info!(requests = moved, "moved out of the rows");
    }
}
