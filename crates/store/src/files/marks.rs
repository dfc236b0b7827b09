//! The small files of a data directory, each a line of text: what is written to them, and what is read of it again.
//!
//! ```text
//! HALCYON     "halcyon data, begun" or "halcyon data, format " ‖ number
//! SYNCED      "halcyon synced " ‖ number of the database's last change, 20 digits ‖ " " ‖ 8 hex digits of the text so far
//! OPENED      number of a log ‖ " " ‖ name of a manifest ‖ " " ‖ its bytes
//! db/CURRENT  "MANIFEST-" ‖ digits, as RocksDB writes it
//! ```
//!
//! A line is read as it would be written, or not at all.

use std::fmt;

const FINISHED: &str = "halcyon data, format ";
const BEGUN: &str = "halcyon data, begun";
const SYNCED: &str = "halcyon synced ";
const MANIFEST: &str = "MANIFEST-";

/// How far a directory has come: what `HALCYON` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// There may be a database, but nobody has ever relied on it.
    Begun,
    /// There is a database, of this format.
    Finished(u64),
}

/// What a start began with: what `OPENED` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The number of the log that it began.
    pub log: u64,
    /// The manifest's name.
    pub manifest: String,
    /// How much of the manifest was on disk.
    pub whole: u64,
}

impl Format {
    /// Reads the line.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let line = line(bytes)?;
        if line == BEGUN {
            return Some(Self::Begun);
        }
        let found = Self::Finished(line.strip_prefix(FINISHED)?.parse().ok()?);
        (found.to_string() == line).then_some(found)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun => f.write_str(BEGUN),
            Self::Finished(format) => write!(f, "{FINISHED}{format}"),
        }
    }
}

impl Opened {
    /// Reads the line.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let line = line(bytes)?;
        let mut words = line.split(' ');
        let (log, manifest, whole) = (words.next()?, words.next()?, words.next()?);
        let found = Self { log: log.parse().ok()?, manifest: manifest.to_owned(), whole: whole.parse().ok()? };
        (found.to_string() == line).then_some(found)
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.log, self.manifest, self.whole)
    }
}

/// What `SYNCED` is to say: that every change up to this one is on disk. Always as long, as it is overwritten in place.
pub fn synced_text(last: u64) -> String {
    let said = format!("{SYNCED}{last:020}");
    let hash = blake3::hash(said.as_bytes()).to_hex();
    let check: String = hash.chars().take(8).collect();
    format!("{said} {check}\n")
}

/// The change that `SYNCED` tells of.
pub fn synced(bytes: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(bytes).ok()?.strip_prefix(SYNCED)?.get(..20)?;
    let last = digits.parse().ok()?;
    (synced_text(last).as_bytes() == bytes).then_some(last)
}

/// The name of the manifest that `CURRENT` names.
pub fn manifest_named(bytes: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let number = name.strip_prefix(MANIFEST)?;
    (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then_some(name)
}

/// A line, whether or not it is ended.
fn line(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_what_is_synced_is_read_as_it_was_written_or_not_at_all() {
        for last in [0, 7, u64::MAX] {
            let written = synced_text(last);
            assert_eq!(synced(written.as_bytes()), Some(last));
            assert_eq!(written.len(), synced_text(1).len(), "overwritten in place");
            for bit in 0..written.len() * 8 {
                let mut bytes = written.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(synced(&bytes), None, "bit {bit}");
            }
            for len in 0..written.len() {
                assert_eq!(synced(&written.as_bytes()[..len]), None, "cut at {len}");
            }
        }
    }

    #[test]
    fn a_number_in_another_spelling_is_none() {
        for text in ["halcyon data, format +1", "halcyon data, format 01", "halcyon data, format 1 ?", "halcyon data"] {
            assert_eq!(Format::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Format::parse(b"halcyon data, format 2\n"), Some(Format::Finished(2)));
        for text in ["+4 MANIFEST-000005 90", "4 MANIFEST-000005", "4  MANIFEST-000005 90", "4 MANIFEST-000005 90 1"] {
            assert_eq!(Opened::parse(text.as_bytes()), None, "{text}");
        }
    }
}
