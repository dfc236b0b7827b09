//! How the records of a range travel: as they are, or packed.
//!
//! Records of one actor resemble each other where their numbers, times and names stand, and nowhere else: keys, values and
//! the random part of request ids are their own. LZ4 alone pays three bytes for every stretch that two records share, six
//! times a record. So the first bytes of the records are first laid out as columns, in which what they share becomes a
//! run; what is behind them (most of a key, the value) stays in one piece, where LZ4 finds words that values share.
//!
//! The bytes of a record are those of its first encoding again once unpacked: the hash chain runs over them, and nothing
//! but the link knows how they came.

use bytes::Bytes;
use halcyon_types::limits::{PACKED_BYTES_MAX, RANGE_BYTES_MAX};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of each record that are laid out as columns: what stands before a key, and as much of a short key that the type
/// and the numbers behind it still fall in. Measured: 40 costs 3 bytes a record, 128 doubles a range of text values.
const HEAD: usize = 64;
/// Columns: of each record its length, and its head.
const COLUMNS: usize = 2 + HEAD;
/// Records that are turned at once, between lines and columns, so that both stay in the first cache.
const BLOCK: usize = 64;
/// Fewer records have nothing in common.
const RECORDS_MIN: usize = 2;
/// Bytes of a record's length in front of it, if it travels as it is.
const PLAIN_LENGTH: usize = 2;

/// Packed records that are not what they claim. Nothing of them was used; the sender is broken or malicious, and its link
/// is to be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// More than any sender packs. Nothing was allocated for it.
    #[error("packed records claim {declared} bytes, and {PACKED_BYTES_MAX} is the most")]
    TooLarge {
        /// How many it claims.
        declared: u64,
    },
    /// So many records have more columns than there are bytes, or there are too few to be packed.
    #[error("packed records claim to be {declared}")]
    Count {
        /// How many it claims.
        declared: u64,
    },
    /// Not an LZ4 block of the size it claims to have.
    #[error("packed records are not an LZ4 block of the {declared} bytes they claim")]
    Block {
        /// How many it claims.
        declared: u64,
    },
    /// The lengths of the records do not add up to the bytes there are, or exceed a range.
    #[error("packed records have other lengths than they claim")]
    Lengths,
}

/// Records, packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Packed {
    count: u64,
    /// Bytes that the block unpacks to.
    unpacked: u64,
    /// An LZ4 block.
    block: Bytes,
}

#[derive(Serialize, Deserialize)]
enum Carried<R> {
    #[serde(rename = "p")]
    Plain(R),
    #[serde(rename = "z")]
    Packed(Packed),
}

pub(crate) fn serialize<S: Serializer>(records: &[Bytes], serializer: S) -> Result<S::Ok, S::Error> {
    pack(records).map_or(Carried::Plain(records), Carried::Packed).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Bytes>, D::Error> {
    match Carried::deserialize(deserializer)? {
        Carried::Plain(records) => Ok(records),
        Carried::Packed(packed) => unpack(&packed).map_err(serde::de::Error::custom),
    }
}

/// The records packed, if that makes them shorter.
fn pack(records: &[Bytes]) -> Option<Packed> {
    let bytes: usize = records.iter().map(Bytes::len).sum();
    if records.len() < RECORDS_MIN || bytes > RANGE_BYTES_MAX {
        return None;
    }
    let flat = lay_out(records)?;
    let block = lz4_flex::block::compress(&flat);
    let shorter = block.len() < bytes + PLAIN_LENGTH * records.len();
    shorter.then(|| Packed { count: records.len() as u64, unpacked: flat.len() as u64, block: block.into() })
}

/// Column after column of the heads (padded with zeros, so that all have one), then what is behind each head.
fn lay_out(records: &[Bytes]) -> Option<Vec<u8>> {
    let count = records.len();
    let rests: usize = records.iter().map(|record| record.len().saturating_sub(HEAD)).sum();
    let unpacked = count * COLUMNS + rests;
    if unpacked > PACKED_BYTES_MAX {
        return None;
    }
    let mut flat = Vec::with_capacity(unpacked);
    flat.resize(count * COLUMNS, 0);
    for (block, records) in records.chunks(BLOCK).enumerate() {
        let mut lines = [[0; COLUMNS]; BLOCK];
        for (line, record) in lines.iter_mut().zip(records) {
            let (length, head) = line.split_first_chunk_mut()?;
            *length = u16::try_from(record.len()).ok()?.to_be_bytes();
            let shown = record.len().min(HEAD);
            head.get_mut(..shown)?.copy_from_slice(record.get(..shown)?);
        }
        for (at, column) in flat.chunks_exact_mut(count).enumerate() {
            for (cell, line) in column.get_mut(block * BLOCK..)?.iter_mut().zip(&lines) {
                *cell = *line.get(at)?;
            }
        }
    }
    for record in records {
        flat.extend_from_slice(record.get(HEAD..).unwrap_or_default());
    }
    Some(flat)
}

/// The records of a block. They share one buffer of all their bytes, at most [`RANGE_BYTES_MAX`].
fn unpack(packed: &Packed) -> Result<Vec<Bytes>, UnpackError> {
    let declared = packed.unpacked;
    // Whatever is allocated below is bounded by this: the block's bytes, the records' bytes among them, and for each 66 of
    // the former one record's place.
    let unpacked = usize::try_from(declared).ok().filter(|unpacked| *unpacked <= PACKED_BYTES_MAX);
    let unpacked = unpacked.ok_or(UnpackError::TooLarge { declared })?;
    let count = usize::try_from(packed.count).ok().filter(|count| (RECORDS_MIN..=unpacked / COLUMNS).contains(count));
    let count = count.ok_or(UnpackError::Count { declared: packed.count })?;
    // Fresh zeros for every block: what a broken one leaves unwritten shows nothing of another.
    let mut flat = vec![0; unpacked];
    if lz4_flex::block::decompress_into(&packed.block, &mut flat).ok() != Some(unpacked) {
        return Err(UnpackError::Block { declared });
    }
    gather(&flat, count).ok_or(UnpackError::Lengths)
}

/// What [`lay_out`] has laid out; `None` if the lengths are others than the bytes there are.
fn gather(flat: &[u8], count: usize) -> Option<Vec<Bytes>> {
    let (columns, mut rests) = flat.split_at_checked(count.checked_mul(COLUMNS)?)?;
    let (high, rest) = columns.split_at_checked(count)?;
    let low = rest.get(..count)?;
    let lengths = || high.iter().zip(low).map(|(high, low)| usize::from(u16::from_be_bytes([*high, *low])));
    let bytes = lengths().sum();
    if bytes > RANGE_BYTES_MAX {
        return None;
    }
    let mut all = Vec::with_capacity(bytes);
    let mut lines = [[0; COLUMNS]; BLOCK];
    for from in (0..count).step_by(BLOCK) {
        for (at, column) in columns.chunks_exact(count).enumerate() {
            for (cell, line) in column.get(from..)?.iter().zip(&mut lines) {
                *line.get_mut(at)? = *cell;
            }
        }
        for (length, line) in lengths().skip(from).zip(&lines) {
            all.extend_from_slice(line.get(2..)?.get(..length.min(HEAD))?);
            let (mine, others) = rests.split_at_checked(length.saturating_sub(HEAD))?;
            all.extend_from_slice(mine);
            rests = others;
        }
    }
    let mut all = Bytes::from(all);
    rests.is_empty().then(|| lengths().map(|length| all.split_to(length)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three records of one shape and one that is shorter than a head.
    fn records() -> Vec<Bytes> {
        let alike = |n: u8| Bytes::from([vec![7; 40], vec![n; 30], b"a value".to_vec()].concat());
        vec![alike(1), alike(2), Bytes::from_static(b"short"), alike(3)]
    }

    #[test]
    fn records_that_resemble_each_other_are_packed_and_the_others_are_not() {
        let packed = pack(&records()).unwrap();
        assert_eq!(unpack(&packed), Ok(records()));
        assert!(packed.block.len() < records().iter().map(Bytes::len).sum());
        let other = |n: u8| Bytes::from(blake3::hash(&[n]).as_bytes().to_vec());
        assert_eq!(pack(&[other(1), other(2)]), None, "nothing to gain");
        assert_eq!(pack(&[]), None);
        assert_eq!(pack(&[Bytes::from(vec![0; 4096])]), None, "one record travels as it is");
        assert_eq!(pack(&[Bytes::from(vec![0; RANGE_BYTES_MAX]), Bytes::from_static(b"x")]), None, "more than a range");
        assert!(pack(&[Bytes::from(vec![0; RANGE_BYTES_MAX / 2]), Bytes::new(), records().remove(0)]).is_some());
        assert_eq!(
            pack(&vec![Bytes::from_static(b"x"); PACKED_BYTES_MAX / COLUMNS + 1]),
            None,
            "more padding than sense"
        );
    }

    fn block(flat: &[u8]) -> Bytes {
        lz4_flex::block::compress(flat).into()
    }

    #[test]
    fn p10_nothing_is_allocated_for_a_size_that_is_only_claimed() {
        let good = pack(&records()).unwrap();
        // More bytes than an address space has: whoever allocated them would not get as far as an error.
        for declared in [PACKED_BYTES_MAX as u64 + 1, u64::from(u32::MAX), 1 << 62, u64::MAX] {
            let bad = Packed { unpacked: declared, ..good.clone() };
            assert_eq!(unpack(&bad), Err(UnpackError::TooLarge { declared }));
            let bad = Packed { count: declared, ..good.clone() };
            assert_eq!(unpack(&bad), Err(UnpackError::Count { declared }));
        }
        // A bomb: a block of a few kilobytes that goes on for a megabyte fills the size that it claims, and no more.
        let bomb = block(&vec![0; 1024 * 1024]);
        assert!(bomb.len() < 8 * 1024);
        let declared = PACKED_BYTES_MAX as u64;
        let bomb = Packed { count: 2, unpacked: declared, block: bomb };
        assert_eq!(unpack(&bomb), Err(UnpackError::Block { declared }));
    }

    #[test]
    fn p10_packed_records_that_are_not_what_they_claim_are_refused() {
        let good = pack(&records()).unwrap();
        let flat = lay_out(&records()).unwrap();
        let declared = good.unpacked;
        let wrong = Err(UnpackError::Block { declared });
        let with = |block: Bytes| unpack(&Packed { block, ..good.clone() });
        assert_eq!(with(Bytes::new()), wrong, "nothing");
        assert_eq!(with(Bytes::from_static(&[0xff; 64])), wrong, "garbage");
        assert_eq!(with([&good.block[..], b"x"].concat().into()), wrong, "bytes behind it");
        assert_eq!(with(block(&flat[1..])), wrong, "too few");
        assert_eq!(with(block(&[&flat[..], &[0]].concat())), wrong, "too many");
        assert_eq!(with(block(&good.block)), wrong, "packed twice");
        for cut in 0..good.block.len() {
            assert_eq!(with(good.block.slice(..cut)), wrong, "cut at {cut}");
        }
        for (claimed, error) in [(declared - 1, declared - 1), (declared + 1, declared + 1)] {
            let bad = Packed { unpacked: claimed, ..good.clone() };
            assert_eq!(unpack(&bad), Err(UnpackError::Block { declared: error }));
        }
        for count in [0, 1, declared / COLUMNS as u64 + 1] {
            let bad = Packed { count, ..good.clone() };
            assert_eq!(unpack(&bad), Err(UnpackError::Count { declared: count }));
        }
        for count in [2, 3] {
            assert_eq!(unpack(&Packed { count, ..good.clone() }), Err(UnpackError::Lengths), "{count} of 4");
        }
        let lengths = |change: &dyn Fn(&mut [u8])| {
            let mut flat = flat.clone();
            change(&mut flat);
            with(block(&flat))
        };
        assert_eq!(lengths(&|flat| flat[4] -= 1), Err(UnpackError::Lengths), "a byte that is no record's");
        assert_eq!(lengths(&|flat| flat[4] += 1), Err(UnpackError::Lengths), "a byte that is not there");
        assert_eq!(lengths(&|flat| flat[..8].fill(0xff)), Err(UnpackError::Lengths), "more than a range");
        // What a short record is padded with is nobody's.
        assert_eq!(lengths(&|flat| flat[COLUMNS * 4 - 2] = 9), Ok(records()));
    }
}
