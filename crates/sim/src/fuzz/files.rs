//! The files of a data directory, from anywhere: RocksDB's logs and manifests, and the marks beside them.
//!
//! What is written is read as it was. A log that a crash has cut or torn ends with its last whole record; one in which
//! synced bytes are not what they were is damaged, and never taken for whole. Reading ends, and holds a block at most.

use std::io::{self, Read};

use halcyon_store::files::{End, Format, Log, Opened, Records, manifest_named, read_log, synced, synced_text};

use super::Source;
use super::log::{BLOCK, HEADER, Written};

/// Panics where a law is violated. The first byte says what the others are.
pub(super) fn body(data: &[u8]) {
    let Some((what, rest)) = data.split_first() else { return };
    match what % 4 {
        0 => any_log(Records::Numbered(None), rest),
        1 => any_log(Records::Edits, rest),
        2 => drawn_log(&mut Source::new(rest)),
        _ => marks(rest),
    }
}

/// Bytes as they are; the first say where a bit flips.
fn any_log(records: Records, data: &[u8]) {
    let mut source = Source::new(data);
    let (place, bit) = (place(&mut source), source.below(8));
    let log = holds(records, source.rest());
    let synced = source.rest().get(..length(log.whole)).unwrap_or_default();
    let whole = Log { bytes: log.whole, end: End::Whole, ..log };
    assert_eq!(holds(records, synced), whole, "cut where its last whole record ends");
    if records != Records::Edits {
        is_old(synced, u64::MAX);
    }
    let mut flipped = synced.to_vec();
    let Some(at) = place.checked_rem(flipped.len()) else { return };
    if let Some(byte) = flipped.get_mut(at) {
        *byte ^= 1 << bit;
    }
    let found = holds(records, &flipped);
    let filler = BLOCK - at % BLOCK < HEADER;
    let is_damaged = matches!(found.end, End::Damaged { at: told, .. } if length(told) <= at);
    assert!(is_damaged || filler && found == whole, "bit {bit} of byte {at} flipped unseen: {found:?}");
    let cut = holds(records, synced.get(..at).unwrap_or_default());
    assert!(length(cut.whole) <= at && cut.last <= whole.last, "cut at {at}: {cut:?}");
}

/// A log that comes behind later numbers: what the disk held before.
fn is_old(bytes: &[u8], last: u64) {
    let log = holds(Records::Numbered(Some(last)), bytes);
    assert!(log.whole == 0 && (log.end != End::Whole || bytes.is_empty()), "old records are taken: {log:?}");
}

/// A log that is known, and what may become of it.
fn drawn_log(source: &mut Source<'_>) {
    let log = Written::draw(source);
    let len = log.bytes.len();
    let (_, last) = log.until(len);
    assert_eq!(holds(log.records, &log.bytes), found(len, (len, last), End::Whole), "as it was written");
    if let (Records::Numbered(_), Some(last)) = (log.records, last) {
        is_old(&log.bytes, last);
    }
    let last_begins = log.until(len - 1).0;
    let mut bytes = log.bytes.clone();
    match source.below(5) {
        0 => {
            let (at, bit) = (place(source) % len, source.below(8));
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << bit);
            is_damaged(&log, &bytes);
        }
        1 => {
            // Damage of any size to what was synced before the last record.
            let from = place(source).checked_rem(last_begins).unwrap_or_default();
            let with = source.byte();
            let how = source.below(2);
            let damaged = bytes.iter_mut().take(last_begins).skip(from).take(source.pair().into());
            damaged.for_each(|byte| *byte = if how == 0 { with } else { *byte ^ with });
            is_damaged(&log, &bytes);
        }
        2 => {
            let (cut, at_a_block) = (place(source) % len, source.below(4) == 0);
            let cut = if at_a_block { cut / BLOCK * BLOCK } else { cut };
            bytes.truncate(cut);
            let whole = log.until(cut);
            let filled = cut % BLOCK == 0 && (whole.0..cut).all(|at| log.is_filler(at));
            let end = if whole.0 == cut || filled { End::Whole } else { End::Torn };
            assert_eq!(holds(log.records, &bytes), found(cut, whole, end), "cut at {cut}");
        }
        3 => {
            // The last record, torn: it begins as it was written.
            let from = last_begins + place(source) % (len - last_begins);
            let with = source.byte();
            bytes.iter_mut().skip(from).for_each(|byte| *byte = with);
            is_torn(&log, &bytes);
        }
        _ => {
            let with = source.byte();
            bytes.resize(len + usize::from(source.pair() % 2048), with);
            let filled = bytes.len().is_multiple_of(BLOCK) && bytes.len() - len < HEADER;
            let end = if bytes.len() == len || filled { End::Whole } else { End::Torn };
            assert_eq!(holds(log.records, &bytes), found(bytes.len(), (len, last), end), "with a tail of {with}");
        }
    }
}

/// Bytes that were synced are others now, the last record's but for one bit at most.
fn is_damaged(log: &Written, bytes: &[u8]) {
    let read = holds(log.records, bytes);
    let Some(changed) = changed(log, &read, bytes) else { return };
    let (whole, last) = log.until(changed);
    assert_eq!((length(read.whole), read.last), (whole, last), "damaged at {changed}: {read:?}");
    assert!(matches!(read.end, End::Damaged { .. }), "damage at {changed} is taken for {read:?}");
}

/// The last record is not what was written.
fn is_torn(log: &Written, bytes: &[u8]) {
    let read = holds(log.records, bytes);
    let Some(changed) = changed(log, &read, bytes) else { return };
    let (whole, last) = log.until(bytes.len() - 1);
    assert_eq!((length(read.whole), read.last), (whole, last), "torn at {changed}: {read:?}");
    // A tear that has changed one bit of a fragment, and no more, looks like damage.
    let block = bytes.iter().zip(&log.bytes).skip(changed).take(BLOCK - changed % BLOCK);
    let bits: u32 = block.map(|(now, before)| (now ^ before).count_ones()).sum();
    assert!(read.end == End::Torn || bits == 1 && read.end != End::Whole, "{bits} bits torn at {changed}: {read:?}");
}

/// Where the first byte is that means something and is not what was written.
fn changed(log: &Written, read: &Log, bytes: &[u8]) -> Option<usize> {
    let len = bytes.len();
    let changed = (0..len).find(|at| bytes.get(*at) != log.bytes.get(*at) && !log.is_filler(*at));
    if changed.is_none() {
        assert_eq!(read, &found(len, log.until(len), End::Whole), "nothing that means anything has changed");
    }
    changed
}

fn found(bytes: usize, (whole, last): (usize, Option<u64>), end: End) -> Log {
    Log { bytes: bytes as u64, whole: whole as u64, last, end }
}

/// Reads a log; what is true of any is true of it.
fn holds(records: Records, data: &[u8]) -> Log {
    let step = if data.len() < 64 { 1 } else { BLOCK };
    let log = read_log(Steps { left: data, step, ended: 0 }, records);
    let log = log.unwrap_or_else(|error| panic!("bytes in memory cannot be read: {error}"));
    assert!(log.whole <= log.bytes && length(log.bytes) <= data.len(), "{log:?} of {}", data.len());
    match log.end {
        End::Damaged { at, how } => assert!(log.whole <= at && at < log.bytes && !how.is_empty(), "{log:?}"),
        End::Torn => assert!(log.whole < log.bytes && length(log.bytes) == data.len(), "{log:?}"),
        End::Whole => {
            let behind = data.len() - length(log.whole);
            let filler = behind < HEADER && data.len().is_multiple_of(BLOCK);
            assert!(length(log.bytes) == data.len() && (behind == 0 || filler), "{log:?}");
        }
    }
    if let Records::Numbered(Some(before)) = records {
        assert!(log.last.is_none_or(|last| last >= before), "{log:?} behind {before}");
    }
    log
}

/// Hands out so many bytes at a time; asked for no more than a block, and seldom behind the end.
struct Steps<'a> {
    left: &'a [u8],
    step: usize,
    ended: u32,
}

impl Read for Steps<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ended += u32::from(self.left.is_empty());
        assert!(buffer.len() <= BLOCK && self.ended < 8, "{} bytes at once, {} ends", buffer.len(), self.ended);
        let (now, rest) = self.left.split_at(buffer.len().min(self.step).min(self.left.len()));
        buffer.iter_mut().zip(now).for_each(|(slot, byte)| *slot = *byte);
        self.left = rest;
        Ok(now.len())
    }
}

/// The marks: a line is read as it would be written, or not at all.
fn marks(data: &[u8]) {
    if let Some(last) = synced(data) {
        assert_eq!(synced_text(last).as_bytes(), data, "another spelling");
    }
    let line = String::from_utf8_lossy(data);
    if let Some(format) = Format::parse(data) {
        assert_eq!(format.to_string(), line.trim_end(), "another spelling");
    }
    if let Some(opened) = Opened::parse(data) {
        assert_eq!(opened.to_string(), line.trim_end(), "another spelling");
    }
    if let Some(name) = manifest_named(data) {
        assert!(name.starts_with("MANIFEST-") && !name.contains(['/', '\n', '\0']), "no file of a database: {name:?}");
    }
    let mut source = Source::new(data);
    let (last, log, whole) = (source.number(), source.number(), source.number());
    let mut written = synced_text(last).into_bytes();
    assert_eq!(synced(&written), Some(last));
    let at = source.index(written.len());
    written.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << source.below(8));
    assert_eq!(synced(&written), None, "a flipped bit in byte {at}");
    let opened = Opened { log, manifest: format!("MANIFEST-{whole:06}"), whole };
    assert_eq!(Opened::parse(format!("{opened}\n").as_bytes()), Some(opened));
    let format = Format::Finished(log);
    assert_eq!(Format::parse(format!("{format}\n").as_bytes()), Some(format));
}

/// A place in a log.
fn place(source: &mut Source<'_>) -> usize {
    usize::from(source.pair()) << 8 | usize::from(source.byte())
}

fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
