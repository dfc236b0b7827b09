//! A log as RocksDB writes it, written here a second time, from the format alone: what its reader must find is known.

use std::ops::Range;

use halcyon_store::files::Records;

use super::Source;

/// Fragments never cross a multiple of it.
pub(super) const BLOCK: usize = 32 * 1024;
/// Bytes of a fragment before its payload.
pub(super) const HEADER: usize = 7;
/// Records of one log.
const RECORDS_MAX: u8 = 12;
/// Begin no further record behind it: every bit is summed up here one by one.
const BYTES_MAX: usize = 3 * BLOCK / 2;

/// A log, and what there is to be found in it.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) records: Records,
    pub(super) bytes: Vec<u8>,
    /// Where each record ends, and what is the last number then.
    pub(super) ends: Vec<(usize, Option<u64>)>,
    /// What fills blocks up, and means nothing.
    pub(super) filler: Vec<Range<usize>>,
}

impl Written {
    /// One with a record at least.
    pub(super) fn draw(source: &mut Source<'_>) -> Self {
        let first = source.number() % (1 << 56);
        let records = match source.below(3) {
            0 => Records::Edits,
            1 => Records::Numbered(None),
            _ => Records::Numbered(first.checked_sub(1)),
        };
        let mut log = Self { records, bytes: Vec::new(), ends: Vec::new(), filler: Vec::new() };
        let (mut next, mut oldest) = (first, None);
        for _ in 0..=source.below(RECORDS_MAX) {
            let len = log.length(source);
            let content = content(source, len);
            if records == Records::Edits {
                let (head, named) = edit(source);
                log.append(&[head, content].concat());
                oldest = oldest.max(named);
                log.ends.push((log.bytes.len(), oldest));
            } else {
                // Each change takes a byte at least.
                let count = 1 + u32::try_from(source.index(len + 1)).unwrap_or_default();
                log.append(&[&next.to_le_bytes()[..], &count.to_le_bytes(), &content].concat());
                next += u64::from(count);
                log.ends.push((log.bytes.len(), Some(next - 1)));
            }
            if log.bytes.len() > BYTES_MAX {
                break;
            }
        }
        log
    }

    /// The record that ends last of those that end at `at` or before it: where, and what is the last number then.
    pub(super) fn until(&self, at: usize) -> (usize, Option<u64>) {
        let last = self.ends.iter().rev().find(|(end, _)| *end <= at);
        last.copied().unwrap_or_default()
    }

    /// Whether a byte of it means nothing.
    pub(super) fn is_filler(&self, at: usize) -> bool {
        self.filler.iter().any(|filler| filler.contains(&at))
    }

    /// Mostly short; sometimes such that the record ends near the end of a block, this one or the next.
    fn length(&self, source: &mut Source<'_>) -> usize {
        match source.below(16) {
            0..=11 => source.byte().into(),
            12..=14 => usize::from(source.pair()) % 4096,
            _ => {
                let left = BLOCK - self.bytes.len() % BLOCK;
                let more = usize::from(source.below(2)) * BLOCK;
                (left + more + usize::from(source.below(48))).saturating_sub(64)
            }
        }
    }

    fn append(&mut self, mut record: &[u8]) {
        let mut begins = true;
        loop {
            let mut left = BLOCK - self.bytes.len() % BLOCK;
            if left < HEADER {
                self.filler.push(self.bytes.len()..self.bytes.len() + left);
                self.bytes.resize(self.bytes.len() + left, 0);
                left = BLOCK;
            }
            let (payload, rest) = record.split_at(record.len().min(left - HEADER));
            let part = match (begins, rest.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let covered = [&[part], payload].concat();
            let checksum = crc32c(&covered).rotate_right(15).wrapping_add(0xA282_EAD8);
            self.bytes.extend(checksum.to_le_bytes());
            self.bytes.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_le_bytes());
            self.bytes.extend(covered);
            if rest.is_empty() {
                return;
            }
            (begins, record) = (false, rest);
        }
    }
}

/// What a record holds is of no interest to the reader of a log.
fn content(source: &mut Source<'_>, len: usize) -> Vec<u8> {
    let (first, step) = (source.byte(), source.byte());
    std::iter::successors(Some(first), |byte| Some(byte.wrapping_add(step))).take(len).collect()
}

/// The beginning of an edit of a manifest, and which log it says is the oldest needed, if it does.
fn edit(source: &mut Source<'_>) -> (Vec<u8>, Option<u64>) {
    let mut head = Vec::new();
    if source.below(4) == 0 {
        // Not any bytes: a record within a record is taken for a later one, and the log refused rather than cut.
        let comparator = [source.byte(); 26];
        varint(&mut head, 1);
        varint(&mut head, comparator.len() as u64);
        head.extend_from_slice(&comparator);
    }
    if source.below(2) == 0 {
        varint(&mut head, 2);
        varint(&mut head, source.number());
    }
    if source.below(3) == 0 {
        // A tag that ends what is read.
        varint(&mut head, 7);
        return (head, None);
    }
    let oldest = source.number();
    varint(&mut head, 10);
    varint(&mut head, oldest);
    (head, Some(oldest))
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7F {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Bit by bit: another way than the reader's.
fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
}
