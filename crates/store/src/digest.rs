//! One number for the whole state: equal vectors must have equal digests (promise P3).
//!
//! ```text
//! digest = BLAKE3( (key length:u32be ‖ key ‖ value length:u32be ‖ value)* )    every row, in key order
//! ```
//!
//! What has expired by the time of the digest is left out: nodes purge it when their own clocks say so. Rows only: heads follow from the logs, and request ids are forgotten by each node's own clock.

use std::borrow::Cow;
use std::ops::ControlFlow;

use halcyon_crdt::{Kind, Row};
use halcyon_types::{UnixMs, VersionVector};

use crate::backend::{Family, View};
use crate::error::ReadError;
use crate::layout::ROWS_FROM;
use crate::reader::vv_of;
use crate::view_rows::decode_row;

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

pub(crate) fn of(view: &impl View, at: UnixMs) -> Result<Digest, ReadError> {
    let vv = vv_of(view)?;
    let mut adding = Adding::new(at);
    let mut outcome = Ok(());
    view.scan(Family::State, &ROWS_FROM, None, |key, value| {
        outcome = adding.row(key, value);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome?;
    let rows = adding.rows;
    Ok(Digest { vv, digest: adding.finish(), rows })
}

/// A digest that rows are added to, in key order.
pub(crate) struct Adding {
    at: UnixMs,
    hasher: blake3::Hasher,
    /// The hasher is fastest with many bytes at once.
    buffer: Vec<u8>,
    /// How many have been added: what has expired counts for none.
    pub(crate) rows: u64,
}

impl Adding {
    /// Begins with none; what has expired by `at` is left out.
    pub(crate) fn new(at: UnixMs) -> Self {
        Self { at, hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(64 * 1024), rows: 0 }
    }

    pub(crate) fn row(&mut self, key: &[u8], value: &[u8]) -> Result<(), ReadError> {
        if let Some(value) = unexpired(key, value, self.at)? {
            self.add(key, &value);
        }
        Ok(())
    }

    /// Adds a row as it is.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows += 1;
        for part in [key, value] {
            self.buffer.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            self.buffer.extend_from_slice(part);
        }
        if self.buffer.len() >= 60 * 1024 {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        self.hasher.update(&self.buffer);
        *self.hasher.finalize().as_bytes()
    }
}

/// The row's bytes as they are once everything that has expired by `at` is purged; `None` if nothing is left.
fn unexpired<'a>(key: &[u8], value: &'a [u8], at: UnixMs) -> Result<Option<Cow<'a, [u8]>>, ReadError> {
    // Only registers have an expiry.
    if key.last() != Some(&Kind::Register.byte()) {
        return Ok(Some(Cow::Borrowed(value)));
    }
    let Row::Entries(mut entries) = decode_row(key, value)? else { return Ok(Some(Cow::Borrowed(value))) };
    let before = entries.len();
    entries.retain(|entry| entry.is_live(at));
    if entries.len() == before {
        return Ok(Some(Cow::Borrowed(value)));
    }
    let mut left = Vec::new();
    if !entries.is_empty() {
        Row::Entries(entries).encode(&mut left);
    }
    Ok((!left.is_empty()).then_some(Cow::Owned(left)))
}
