//! Copies of the whole state, page by page: what a region that has fallen too far behind is brought up to date with, and what
//! a backup is made of.
//!
//! ```text
//! page    = entry*                                  in order of family, then of key
//! entry   = family:u8 ‖ key length:u32be ‖ key ‖ value length:u32be ‖ value
//! family  = 0 rows, version vector and heads ‖ 1 requests ‖ 2 logs
//! place   = family:u8 ‖ key                         of the last entry; empty before the first page
//! ```
//!
//! All pages are read from one snapshot. Identity, clock and derived rows stay where they are: whoever takes a copy keeps its
//! own, and computes the last. Logs stay, too, but for what some region may lack: a backup takes that along, or nobody could
//! ever give it to that region, nor deliver what comes after it.

mod fill;
mod replay;
mod salvage;

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::VersionVector;

use crate::backend::{Family, View};
use crate::error::ReadError;
use crate::layout;
use crate::reader::vv_of;

pub use fill::{Fill, FillError, count};
pub use replay::{RebuildError, replay};
pub use salvage::salvage;

/// The families that travel, in the order in which they do; an entry names its family by its place here.
const FAMILIES: [Family; 3] = [Family::State, Family::Requests, Family::Log];

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

/// Reads the entries of `view` behind `place`: as many as fit `bytes_max`, but one at least. With `above`, the records of
/// each log above it come last.
///
/// # Errors
/// [`ReadError`]; a place that no page has told is `Damaged`.
pub(crate) fn page(
    view: &impl View,
    place: &[u8],
    bytes_max: usize,
    above: Option<&VersionVector>,
) -> Result<Page, ReadError> {
    let (first, mut after) = match place.split_first() {
        None => (0, None),
        Some((family, key)) => (usize::from(*family), Some(key)),
    };
    let families = FAMILIES.get(first..).ok_or_else(|| ReadError::damaged("a place in a copy", "no such family"))?;
    let mut page =
        Filling { entries: Vec::with_capacity(bytes_max.min(1 << 20)), count: 0, bytes_max, last: Vec::new() };
    for (number, family) in (0_u8..).skip(first).zip(families) {
        let from = after.take().map_or_else(Vec::new, |key| [key, &[0]].concat());
        let full = match (family, above) {
            (Family::Log, None) => false,
            (Family::Log, Some(above)) => page.take_logs(view, number, &from, above)?,
            _ => page.take(view, (number, *family), &from, None)?,
        };
        if full {
            return Ok(Page { entries: page.entries.into(), count: page.count, next: Some(page.last.into()) });
        }
    }
    Ok(Page { entries: page.entries.into(), count: page.count, next: None })
}

/// A page that is being read.
struct Filling {
    entries: Vec<u8>,
    count: u64,
    bytes_max: usize,
    /// The place of the last entry.
    last: Vec<u8>,
}

impl Filling {
    /// Takes the entries of a range, and says whether the page was full before their end.
    fn take(
        &mut self,
        view: &impl View,
        (number, family): (u8, Family),
        from: &[u8],
        upto: Option<&[u8]>,
    ) -> Result<bool, ReadError> {
        let mut full = false;
        view.scan(family, from, upto, |key, value| {
            full = self.count > 0 && self.entries.len() + entry_len(key, value) > self.bytes_max;
            if full {
                return ControlFlow::Break(());
            }
            self.entries.push(number);
            for part in [key, value] {
                self.entries.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
                self.entries.extend_from_slice(part);
            }
            self.count += 1;
            self.last.clear();
            self.last.push(number);
            self.last.extend_from_slice(key);
            ControlFlow::Continue(())
        })?;
        Ok(full)
    }

    /// The same of every log above `above`.
    fn take_logs(
        &mut self,
        view: &impl View,
        number: u8,
        from: &[u8],
        above: &VersionVector,
    ) -> Result<bool, ReadError> {
        for (actor, last) in vv_of(view)?.iter() {
            let begin = layout::log_bound(actor, above.get(actor).next());
            let (begin, end) = (from.max(begin.as_slice()), layout::log_bound(actor, last.next()));
            if begin < end.as_slice() && self.take(view, (number, Family::Log), begin, Some(&end))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

const fn entry_len(key: &[u8], value: &[u8]) -> usize {
    1 + 4 + key.len() + 4 + value.len()
}
