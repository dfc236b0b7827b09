//! One number for the whole state: equal vectors must have equal digests (promise P3).
//!
//! ```text
//! digest = BLAKE3( (key length:u32be ‖ key ‖ value length:u32be ‖ value)* )    every row, in key order
//! ```
//!
//! Rows only: heads follow from the logs, and request ids are forgotten by each node's own clock.

use std::ops::ControlFlow;

use halcyon_types::VersionVector;

use crate::backend::{Family, View};
use crate::error::ReadError;
use crate::layout::ROWS_FROM;
use crate::reader::vv_of;

/// The state at one vector, digested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The vector.
    pub vv: VersionVector,
    /// BLAKE3 over every row.
    pub digest: [u8; 32],
    /// How many rows.
    pub rows: u64,
}

pub(crate) fn of(view: &impl View) -> Result<Digest, ReadError> {
    let vv = vv_of(view)?;
    let (mut hasher, mut rows, mut buffer) = (blake3::Hasher::new(), 0, Vec::with_capacity(64 * 1024));
    view.scan(Family::State, &ROWS_FROM, None, |key, value| {
        rows += 1;
        for part in [key, value] {
            buffer.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            buffer.extend_from_slice(part);
        }
        // The hasher is fastest with many bytes at once.
        if buffer.len() >= 60 * 1024 {
            hasher.update(&buffer);
            buffer.clear();
        }
        ControlFlow::Continue(())
    })?;
    hasher.update(&buffer);
    Ok(Digest { vv, digest: *hasher.finalize().as_bytes(), rows })
}
