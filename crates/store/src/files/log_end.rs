//! Where a log really ends: read to the last whole record, and what stands behind it judged.
//!
//! Every group is one record and one sync, and the next record is written only after that sync. So a crash can leave, of
//! what was never synced, one record: cut, or with old bytes or zeros in place of some of its sectors. Whatever else is
//! wrong is damage to bytes that were safe on disk once. The two are told apart by what follows, and by how much is wrong:
//!
//! * A later record begins behind the place: the record there had been synced. Damage.
//! * One flipped bit is all that is wrong: no torn write looks like that. Damage.
//! * Otherwise it is the torn end of the log. A last record that was synced and of which more than a bit was lost later
//!   looks just the same; the mark of what was synced (`marks.rs`) tells then, or else the node's peers.

use std::io::{self, Read};

use super::log_format::{BLOCK, Fragment, HEADER, Part, is_one_bit_off};
use super::manifest;

/// Bytes with which a record of a write ahead log begins: the number of its first change, and how many it has.
const NUMBERS: usize = 12;

/// A log, read to its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Log {
    /// How much of it was read: all, unless it is damaged.
    pub bytes: u64,
    /// Where its last whole record ends.
    pub whole: u64,
    /// The number of the last change in it, if it has any; in a manifest, of the oldest log that it needs.
    pub last: Option<u64>,
    /// What stands behind the last whole record.
    pub end: End,
}

/// How a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With its last record.
    Whole,
    /// With one that a crash has cut off or garbled before its sync.
    Torn,
    /// It was damaged here, after it had been synced.
    Damaged {
        /// Where what cannot be begins.
        at: u64,
        /// What it was told by.
        how: &'static str,
    },
}

/// Whether records of a log are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// By their changes, upwards: a write ahead log. The last number of the logs before it, if they have any.
    Numbered(Option<u64>),
    /// Not: a manifest.
    Edits,
}

/// Reads a log to its end, a block at a time.
///
/// # Errors
/// It cannot be read further.
pub fn read(from: impl Read, records: Records) -> io::Result<Log> {
    let mut blocks = Blocks { from, next: 0, block: Vec::with_capacity(BLOCK) };
    let mut walk = Walk { records, whole: 0, last: None, open: None };
    let mut end = None;
    while let Some(base) = blocks.advance()? {
        if let Some(at) = walk.block(base, &blocks.block) {
            end = Some(walk.judge(base, at, &mut blocks)?);
            break;
        }
    }
    let end = end.unwrap_or(if walk.open.is_some() { End::Torn } else { End::Whole });
    Ok(Log { bytes: blocks.next, whole: walk.whole, last: walk.last, end })
}

/// A log, block by block.
struct Blocks<R> {
    from: R,
    next: u64,
    block: Vec<u8>,
}

impl<R: Read> Blocks<R> {
    /// Reads the next block; where it begins, unless the log has ended.
    fn advance(&mut self) -> io::Result<Option<u64>> {
        self.block.clear();
        let read = (&mut self.from).take(BLOCK as u64).read_to_end(&mut self.block)?;
        let base = self.next;
        self.next += read as u64;
        Ok((read > 0).then_some(base))
    }
}

/// How far whole records go.
struct Walk {
    records: Records,
    whole: u64,
    last: Option<u64>,
    /// Of a record that has begun: its first bytes, as many as are looked at.
    open: Option<Vec<u8>>,
}

impl Walk {
    /// Takes a block's fragments; where one stands that cannot be, if one does.
    fn block(&mut self, base: u64, block: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(bytes) = block.get(at..).filter(|bytes| bytes.len() >= HEADER) {
            let fragment = Fragment::told(bytes).filter(Fragment::is_intact);
            let Some(fragment) = fragment.filter(|fragment| self.take(base + at as u64, fragment)) else {
                return Some(at);
            };
            at += fragment.len();
        }
        // What is left of a full block is filled up and means nothing; at the end of the file it is half a header.
        (block.len() < BLOCK && at < block.len()).then_some(at)
    }

    /// Takes a fragment, unless it does not belong here.
    fn take(&mut self, at: u64, fragment: &Fragment<'_>) -> bool {
        if fragment.part.begins() != self.open.is_none() {
            return false;
        }
        let mut head = self.open.take().unwrap_or_default();
        let looked_at = if self.records == Records::Edits { manifest::HEAD } else { NUMBERS };
        let wanted = looked_at.saturating_sub(head.len());
        head.extend(fragment.payload.iter().take(wanted));
        if !fragment.part.ends() {
            self.open = Some(head);
            return true;
        }
        match self.records {
            Records::Numbered(before) => {
                // A whole record with an old number is what the disk held before.
                let newer = |first: u64| self.last.or(before).is_none_or(|last| first > last);
                let Some((first, count)) = numbers(&head).filter(|(first, _)| newer(*first)) else { return false };
                self.last = Some(first.saturating_add(count).saturating_sub(1));
            }
            Records::Edits => self.last = self.last.max(manifest::oldest_log(&head)),
        }
        self.whole = at + fragment.len() as u64;
        true
    }

    /// What it means that the fragment at `at` of this block cannot be.
    fn judge(&self, mut base: u64, at: usize, blocks: &mut Blocks<impl Read>) -> io::Result<End> {
        let place = base + at as u64;
        let damaged = |how| Ok(End::Damaged { at: place, how });
        if blocks.block.get(at..).is_some_and(is_one_bit_off) {
            return damaged("one bit has flipped");
        }
        let mut from = at;
        loop {
            let begins =
                |at: &usize| blocks.block.get(*at..).is_some_and(|bytes| self.follows(base + *at as u64, bytes));
            if (from..blocks.block.len()).any(|at| begins(&at)) {
                return damaged("records that were written later follow it");
            }
            let Some(next) = blocks.advance()? else { return Ok(End::Torn) };
            (base, from) = (next, 0);
        }
    }

    /// Whether a record begins here that was written after the last whole one.
    fn follows(&self, at: u64, bytes: &[u8]) -> bool {
        let Some(fragment) = Fragment::told(bytes).filter(|fragment| fragment.part.begins()) else { return false };
        if let Records::Numbered(before) = self.records {
            // Each change between takes a byte at least, so that hardly anything but a record has a number in this range.
            let most = |last: u64| last.saturating_add(1).saturating_add(at.saturating_sub(self.whole));
            let later = |first| self.last.or(before).is_none_or(|last| first > last && first <= most(last));
            // The first fragment may be too short for a number.
            if !numbers(fragment.payload).map_or(fragment.part == Part::First, |(first, _)| later(first)) {
                return false;
            }
        }
        fragment.is_intact()
    }
}

/// The number of a record's first change, and how many changes it has.
fn numbers(head: &[u8]) -> Option<(u64, u64)> {
    let (first, rest) = head.split_first_chunk::<8>()?;
    let count = rest.first_chunk::<4>()?;
    Some((u64::from_le_bytes(*first), u64::from(u32::from_le_bytes(*count))))
}
