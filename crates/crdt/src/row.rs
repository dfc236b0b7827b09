//! What a row holds, and its bytes on disk.
//!
//! ```text
//! row value = version:u8 (1) ‖ MessagePack
//!   entries:   [[actor, seq, hlc, expiry?, payload], …] sorted by dot
//!   counter:   [lo_seq, lo, hi_seq, hi]         lo, hi: integers, or floats below a sorted set
//!   registers: one byte string, see `hyperloglog/registers.rs`
//!   escrow:    [{to: amount, …}, used]
//! ```

use bytes::Bytes;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Hlc, Seq, UnixMs};
use serde::{Deserialize, Serialize};

use crate::escrow::Escrow;
use crate::hyperloglog::Registers;
use crate::key::{RowKey, RowPrefix};
use crate::kind::Shape;
use crate::number::Number;

/// The version byte of a row's value.
pub const ROW_VERSION: u8 = 1;

/// A stored row that cannot be read: damage on disk, or a newer version's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Written by another version.
    #[error("row version {found}; this node reads version {ROW_VERSION}")]
    Version {
        /// The version byte found.
        found: u8,
    },
    /// Not the bytes of such a row.
    #[error("not a row of {shape:?}: {reason}")]
    Malformed {
        /// What the key wants there.
        shape: Shape,
        /// What the decoder said.
        reason: String,
    },
}

/// One write that nothing has covered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record that wrote it.
    pub dot: Dot,
    /// That record's stamp.
    pub hlc: Hlc,
    /// From when on it takes no part.
    pub expiry: Option<UnixMs>,
    /// What was written; empty for a set's element.
    pub payload: Bytes,
}

impl Entry {
    /// Whether it takes part at `now`.
    pub fn is_live(&self, now: UnixMs) -> bool {
        self.expiry.is_none_or(|expiry| now < expiry)
    }
}

/// The increments of one actor's present life at a counter: their sum is `hi - lo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The seq up to which increments no longer count.
    pub lo_seq: Seq,
    /// The running sum at `lo_seq`.
    pub lo: Number,
    /// The last increment's seq.
    pub hi_seq: Seq,
    /// The running sum at `hi_seq`.
    pub hi: Number,
}

impl Interval {
    /// What this actor contributes, in whole numbers.
    pub fn whole(self) -> i128 {
        match (self.hi, self.lo) {
            (Number::Whole(hi), Number::Whole(lo)) => i128::from(hi) - i128::from(lo),
            _ => 0,
        }
    }

    /// What this actor contributes, in floating point.
    pub fn float(self) -> f64 {
        match (self.hi, self.lo) {
            (Number::Float(hi), Number::Float(lo)) => hi - lo,
            _ => 0.0,
        }
    }

    /// What is left once everything up to (`seq`, `cum`) has been cleared; `None` if nothing.
    #[must_use]
    pub fn cleared(self, seq: Seq, cum: Number) -> Option<Self> {
        match seq {
            seq if self.hi_seq <= seq || planted(Mutant::ResetDropsUnseen) => None,
            seq if seq > self.lo_seq => Some(Self { lo_seq: seq, lo: cum, ..self }),
            _ => Some(self),
        }
    }
}

/// A row's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Writes, sorted by dot; never empty.
    Entries(Vec<Entry>),
    /// One actor's part of a counter.
    Interval(Interval),
    /// One generation of a `HyperLogLog`.
    Registers(Registers),
    /// One owner's part of one generation of a bounded counter.
    Escrow(Escrow),
}

impl Row {
    /// The entries, if this row has any.
    pub fn entries(&self) -> &[Entry] {
        match self {
            Self::Entries(entries) => entries,
            _ => &[],
        }
    }

    /// Whether a reader at `now` sees something here.
    pub fn is_live(&self, now: UnixMs) -> bool {
        match self {
            Self::Entries(entries) => entries.iter().any(|entry| entry.is_live(now)),
            _ => true,
        }
    }

    /// The entry that wins among those live at `now`: highest (hlc, actor, seq).
    pub fn winner(&self, now: UnixMs) -> Option<&Entry> {
        let stamp = |entry: &Entry| if planted(Mutant::WinnerIgnoresStamp) { Hlc::ZERO } else { entry.hlc };
        self.entries().iter().filter(|entry| entry.is_live(now)).max_by_key(|entry| (stamp(entry), entry.dot))
    }

    /// Bytes this row takes in memory, near enough for a budget.
    pub fn weight(&self) -> usize {
        match self {
            Self::Entries(entries) => entries.iter().map(|e| size_of::<Entry>() + e.payload.len()).sum(),
            Self::Interval(_) => size_of::<Interval>(),
            Self::Registers(registers) => registers.weight(),
            Self::Escrow(escrow) => size_of::<Escrow>() + escrow.granted.len() * 2 * size_of::<u64>(),
        }
    }

    /// Tells `tell` every dot that a clear must have seen to drop all of the row at `key`.
    pub fn dots(&self, key: &[u8], mut tell: impl FnMut(Dot)) {
        match self {
            Self::Entries(entries) => entries.iter().for_each(|entry| tell(entry.dot)),
            Self::Interval(interval) => {
                if let Some((_, actor)) = RowPrefix::of_counter_row(key) {
                    tell(Dot { actor, seq: interval.hi_seq });
                }
            }
            Self::Registers(_) | Self::Escrow(_) => self.generation(key).into_iter().for_each(tell),
        }
    }

    /// The generation of the row at `key`, if it is part of one.
    pub(crate) fn generation(&self, key: &[u8]) -> Option<Dot> {
        let shape = match self {
            Self::Registers(_) => Shape::Registers,
            Self::Escrow(_) => Shape::Escrow,
            Self::Entries(_) | Self::Interval(_) => return None,
        };
        RowKey::generation_of(key, shape)
    }

    /// Appends the row's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(ROW_VERSION);
        let written = match self {
            Self::Entries(entries) => {
                let entries: Vec<StoredEntry> = entries.iter().map(StoredEntry::from).collect();
                rmp_serde::encode::write(out, &entries)
            }
            Self::Interval(interval) => rmp_serde::encode::write(out, interval),
            Self::Registers(registers) => rmp_serde::encode::write(out, registers),
            Self::Escrow(escrow) => rmp_serde::encode::write(out, escrow),
        };
        debug_assert!(written.is_ok(), "plain data into a vector cannot fail");
    }

    /// Reads the bytes of a row whose key names `shape`.
    ///
    /// # Errors
    /// [`RowError`]: damage, or another version.
    pub fn decode(shape: Shape, bytes: &[u8]) -> Result<Self, RowError> {
        let malformed = |reason: String| RowError::Malformed { shape, reason };
        let (version, body) = bytes.split_first().ok_or_else(|| malformed("no bytes".to_owned()))?;
        if *version != ROW_VERSION {
            return Err(RowError::Version { found: *version });
        }
        let row = match shape {
            Shape::Entries => decode_entries(body),
            Shape::Whole | Shape::Float => rmp_serde::from_slice(body).map(Self::Interval).map_err(|e| e.to_string()),
            Shape::Registers => rmp_serde::from_slice(body).map(Self::Registers).map_err(|e| e.to_string()),
            Shape::Escrow => rmp_serde::from_slice(body).map(Self::Escrow).map_err(|e| e.to_string()),
        };
        let row = row.map_err(malformed)?;
        match &row {
            Self::Interval(Interval { lo, hi, .. }) if ![lo, hi].iter().all(|n| n.is(shape == Shape::Float)) => {
                Err(malformed("sums of the wrong kind of number".to_owned()))
            }
            _ => Ok(row),
        }
    }
}

fn decode_entries(body: &[u8]) -> Result<Row, String> {
    let stored: Vec<StoredEntry> = rmp_serde::from_slice(body).map_err(|e| e.to_string())?;
    if stored.is_empty() || !stored.windows(2).all(|pair| matches!(pair, [a, b] if a.dot() < b.dot())) {
        return Err("entries are not sorted by dot".to_owned());
    }
    Ok(Row::Entries(stored.into_iter().map(StoredEntry::into_entry).collect()))
}

/// Adds, covers and drops on a row that may not be there yet; an empty row is no row.
pub(crate) fn retain(row: &mut Option<Row>, keep: impl FnMut(&Entry) -> bool) {
    if let Some(Row::Entries(entries)) = row {
        entries.retain(keep);
        if entries.is_empty() {
            *row = None;
        }
    }
}

pub(crate) fn insert(row: &mut Option<Row>, entry: Entry) {
    match row {
        Some(Row::Entries(entries)) => {
            if let Err(at) = entries.binary_search_by_key(&entry.dot, |e| e.dot) {
                entries.insert(at, entry);
            }
        }
        _ => *row = Some(Row::Entries(vec![entry])),
    }
}

#[derive(Serialize, Deserialize)]
struct StoredEntry(ActorId, Seq, Hlc, Option<UnixMs>, Bytes);

impl From<&Entry> for StoredEntry {
    fn from(e: &Entry) -> Self {
        Self(e.dot.actor, e.dot.seq, e.hlc, e.expiry, e.payload.clone())
    }
}

impl StoredEntry {
    const fn dot(&self) -> Dot {
        Dot { actor: self.0, seq: self.1 }
    }

    fn into_entry(self) -> Entry {
        Entry { dot: self.dot(), hlc: self.2, expiry: self.3, payload: self.4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(actor: u64, seq: u64) -> Entry {
        let dot = Dot { actor: ActorId::from_u64(actor), seq: Seq(seq) };
        Entry { dot, hlc: Hlc::from_u64(9), expiry: None, payload: Bytes::from_static(b"v") }
    }

    #[test]
    fn a_row_survives_its_bytes() {
        let whole = Interval { lo_seq: Seq(1), lo: Number::Whole(-4), hi_seq: Seq(9), hi: Number::Whole(i64::MAX) };
        let float = Interval { lo: Number::Float(-0.5), hi: Number::Float(1e300), ..whole };
        let escrow = Escrow::default().grant(ActorId::from_u64(7), 3).unwrap().spend(2).unwrap();
        for (shape, row) in [
            (Shape::Entries, Row::Entries(vec![entry(1, 2), entry(2, 1)])),
            (Shape::Entries, Row::Entries(vec![Entry { expiry: Some(UnixMs(7)), ..entry(1, 2) }])),
            (Shape::Whole, Row::Interval(whole)),
            (Shape::Float, Row::Interval(float)),
            (Shape::Registers, Row::Registers(Registers::default())),
            (Shape::Escrow, Row::Escrow(escrow)),
        ] {
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            assert_eq!(Row::decode(shape, &bytes), Ok(row));
        }
    }

    #[test]
    fn damage_is_an_error_never_a_row() {
        let mut unsorted = Vec::new();
        Row::Entries(vec![entry(2, 1), entry(1, 1)]).encode(&mut unsorted);
        assert!(matches!(Row::decode(Shape::Entries, &unsorted), Err(RowError::Malformed { .. })));
        assert!(matches!(Row::decode(Shape::Entries, &[]), Err(RowError::Malformed { .. })));
        assert!(matches!(Row::decode(Shape::Entries, &[9, 0x90]), Err(RowError::Version { found: 9 })));
        for shape in [Shape::Whole, Shape::Float, Shape::Registers, Shape::Escrow] {
            assert!(matches!(Row::decode(shape, &[1, 0x90]), Err(RowError::Malformed { .. })), "{shape:?}");
        }
        assert!(matches!(Row::decode(Shape::Entries, &[1, 0x90]), Err(RowError::Malformed { .. })), "no row is empty");
    }
}
