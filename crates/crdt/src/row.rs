//! What a row holds, and its bytes on disk.
//!
//! ```text
//! row value = version:u8 (1) ‖ MessagePack
//!   register, set element: [[actor, seq, hlc, expiry?, payload], …] sorted by dot
//!   counter:               [lo_seq, lo, hi_seq, hi]
//! ```

use bytes::Bytes;
use halcyon_types::{ActorId, Dot, Hlc, Seq, UnixMs, VersionVector};
use serde::{Deserialize, Serialize};

use crate::kind::Kind;

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
    #[error("not a {kind}'s row: {reason}")]
    Malformed {
        /// The kind that the key names.
        kind: Kind,
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
    pub lo: i64,
    /// The last increment's seq.
    pub hi_seq: Seq,
    /// The running sum at `hi_seq`.
    pub hi: i64,
}

impl Interval {
    /// What this actor contributes.
    pub fn value(self) -> i128 {
        i128::from(self.hi) - i128::from(self.lo)
    }

    /// What is left once everything up to (`seq`, `cum`) has been cleared; `None` if nothing.
    #[must_use]
    pub fn cleared(self, seq: Seq, cum: i64) -> Option<Self> {
        match seq {
            seq if self.hi_seq <= seq => None,
            seq if seq > self.lo_seq => Some(Self { lo_seq: seq, lo: cum, ..self }),
            _ => Some(self),
        }
    }
}

/// A row's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A register's or a set element's writes, sorted by dot; never empty.
    Entries(Vec<Entry>),
    /// A counter's row.
    Interval(Interval),
}

impl Row {
    /// The entries, if this row has any.
    pub fn entries(&self) -> &[Entry] {
        match self {
            Self::Entries(entries) => entries,
            Self::Interval(_) => &[],
        }
    }

    /// Whether a reader at `now` sees something here.
    pub fn is_live(&self, now: UnixMs) -> bool {
        match self {
            Self::Entries(entries) => entries.iter().any(|entry| entry.is_live(now)),
            Self::Interval(_) => true,
        }
    }

    /// Bytes this row takes in memory, near enough for a budget.
    pub fn weight(&self) -> usize {
        match self {
            Self::Entries(entries) => entries.iter().map(|e| size_of::<Entry>() + e.payload.len()).sum(),
            Self::Interval(_) => size_of::<Interval>(),
        }
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
        };
        debug_assert!(written.is_ok(), "plain data into a vector cannot fail");
    }

    /// Reads the bytes of a row whose key names `kind`.
    ///
    /// # Errors
    /// [`RowError`]: damage, or another version.
    pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, RowError> {
        let malformed = |reason: String| RowError::Malformed { kind, reason };
        let (version, body) = bytes.split_first().ok_or_else(|| malformed("no bytes".to_owned()))?;
        if *version != ROW_VERSION {
            return Err(RowError::Version { found: *version });
        }
        if kind == Kind::Counter {
            return rmp_serde::from_slice(body).map(Self::Interval).map_err(|e| malformed(e.to_string()));
        }
        let stored: Vec<StoredEntry> = rmp_serde::from_slice(body).map_err(|e| malformed(e.to_string()))?;
        if stored.is_empty() || !stored.windows(2).all(|pair| matches!(pair, [a, b] if a.dot() < b.dot())) {
            return Err(malformed("entries are not sorted by dot".to_owned()));
        }
        Ok(Self::Entries(stored.into_iter().map(StoredEntry::into_entry).collect()))
    }
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

pub(crate) fn covered(ctx: &VersionVector) -> impl Fn(&Entry) -> bool + '_ {
    |entry| ctx.covers(entry.dot)
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
        let interval = Interval { lo_seq: Seq(1), lo: -4, hi_seq: Seq(9), hi: i64::MAX };
        for (kind, row) in [
            (Kind::Set, Row::Entries(vec![entry(1, 2), entry(2, 1)])),
            (Kind::Register, Row::Entries(vec![Entry { expiry: Some(UnixMs(7)), ..entry(1, 2) }])),
            (Kind::Counter, Row::Interval(interval)),
        ] {
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            assert_eq!(Row::decode(kind, &bytes), Ok(row));
        }
    }

    #[test]
    fn damage_is_an_error_never_a_row() {
        let mut unsorted = Vec::new();
        Row::Entries(vec![entry(2, 1), entry(1, 1)]).encode(&mut unsorted);
        assert!(matches!(Row::decode(Kind::Set, &unsorted), Err(RowError::Malformed { .. })));
        assert!(matches!(Row::decode(Kind::Set, &[]), Err(RowError::Malformed { .. })));
        assert!(matches!(Row::decode(Kind::Set, &[9, 0x90]), Err(RowError::Version { found: 9 })));
        assert!(matches!(Row::decode(Kind::Counter, &[1, 0x90]), Err(RowError::Malformed { .. })));
        assert!(
            matches!(Row::decode(Kind::Set, &[1, 0x90]), Err(RowError::Malformed { .. })),
            "an empty row is no row"
        );
    }
}
