//! Copies of the whole state, page by page: what a region that has fallen too far behind is brought up to date with, and what
//! a backup is made of.
//!
//! ```text
//! page    = entry*                                  in order of family, then of key
//! entry   = family:u8 ‖ key length:u32be ‖ key ‖ value length:u32be ‖ value
//! family  = 0 rows, version vector and heads ‖ 1 requests
//! place   = family:u8 ‖ key                         of the last entry; empty before the first page
//! ```
//!
//! All pages are read from one snapshot. Logs, identity, clock and derived rows stay where they are: whoever takes a copy keeps
//! its own, and computes the last.

mod fill;
mod replay;

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::backend::{Family, View};
use crate::error::ReadError;

pub use fill::{Fill, FillError};
pub use replay::{RebuildError, replay};

/// The families that travel, in the order in which they do; an entry names its family by its place here.
const FAMILIES: [Family; 2] = [Family::State, Family::Requests];

/// A part of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// See above.
    pub entries: Bytes,
    /// How many.
    pub count: u64,
    /// Where the next one begins; none if this is the last.
    pub next: Option<Bytes>,
}

/// Reads the entries of `view` behind `place`: as many as fit `bytes_max`, but one at least.
///
/// # Errors
/// [`ReadError`]; a place that no page has told is `Damaged`.
pub(crate) fn page(view: &impl View, place: &[u8], bytes_max: usize) -> Result<Page, ReadError> {
    let (first, mut after) = match place.split_first() {
        None => (0, None),
        Some((family, key)) => (usize::from(*family), Some(key)),
    };
    let families = FAMILIES.get(first..).ok_or_else(|| ReadError::damaged("a place in a copy", "no such family"))?;
    let (mut entries, mut count) = (Vec::with_capacity(bytes_max.min(1 << 20)), 0);
    let mut last = Vec::new();
    for (number, family) in (first..).zip(families) {
        let from = after.take().map_or_else(Vec::new, |key| [key, &[0]].concat());
        let mut full = false;
        view.scan(*family, &from, None, |key, value| {
            if count > 0 && entries.len() + entry_len(key, value) > bytes_max {
                full = true;
                return ControlFlow::Break(());
            }
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            entries.push(number);
            for part in [key, value] {
                entries.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
                entries.extend_from_slice(part);
            }
            count += 1;
            last.clear();
            last.push(number);
            last.extend_from_slice(key);
            ControlFlow::Continue(())
        })?;
        if full {
            return Ok(Page { entries: entries.into(), count, next: Some(last.into()) });
        }
    }
    Ok(Page { entries: entries.into(), count, next: None })
}

const fn entry_len(key: &[u8], value: &[u8]) -> usize {
    1 + 4 + key.len() + 4 + value.len()
}
