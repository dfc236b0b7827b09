//! The format of RocksDB's write ahead logs and manifests, for reading: what one fragment is, and whether it is whole.
//!
//! ```text
//! file     = blocks of 32 KiB, the last one as long as it happens to be
//! block    = fragment*, then zeros where fewer than 7 bytes are left
//! fragment = crc32c:u32le, masked, over part and payload ‖ length:u16le ‖ part:u8 ‖ payload[length]
//! part     = 1 a whole record | 2 its first fragment | 3 one between | 4 its last
//! ```
//!
//! The checksum does not cover the length, and RocksDB acts on length and part before it looks at the checksum: there, one
//! flipped bit can end a log early without a word, or keep its reader busy for ever. Here every byte counts. The parts of
//! recycled files (5 and above) are not known here, as we recycle none.

use crc::{CRC_32_ISCSI, Crc, Table};

/// Fragments never cross a multiple of it.
pub(super) const BLOCK: usize = 32 * 1024;
/// Bytes of a fragment before its payload.
pub(super) const HEADER: usize = 7;

/// Where the checksummed bytes begin.
const COVERED: usize = 6;
const CASTAGNOLI: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
/// The polynomial of that checksum, lowest bit first.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// What RocksDB adds to a checksum, after turning it by 15 bits, so that logs within logs do not look like logs.
const MASK: u32 = 0xA282_EAD8;

/// Which part of a record a fragment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    First,
    Middle,
    Last,
}

impl Part {
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Whole),
            2 => Some(Self::First),
            3 => Some(Self::Middle),
            4 => Some(Self::Last),
            _ => None,
        }
    }

    /// Whether a record begins with it.
    pub(super) const fn begins(self) -> bool {
        matches!(self, Self::Whole | Self::First)
    }

    /// Whether a record ends with it.
    pub(super) const fn ends(self) -> bool {
        matches!(self, Self::Whole | Self::Last)
    }
}

/// A fragment as its header tells it.
#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) part: Part,
    pub(super) payload: &'a [u8],
    checksum: u32,
    covered: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// What the header at the beginning of `bytes` tells, if it can be true; `bytes` ends where its block or the file does.
    pub(super) fn told(bytes: &'a [u8]) -> Option<Self> {
        let header = Header::of(bytes)?;
        let part = Part::of(header.part)?;
        let covered = covered(bytes, header.length)?;
        Some(Self { part, payload: covered.get(1..)?, checksum: header.checksum, covered })
    }

    /// Whether its bytes are as they were written.
    pub(super) fn is_intact(&self) -> bool {
        CASTAGNOLI.checksum(self.covered) == unmasked(self.checksum)
    }

    /// Its bytes on disk.
    pub(super) const fn len(&self) -> usize {
        HEADER + self.payload.len()
    }
}

struct Header {
    checksum: u32,
    length: u16,
    part: u8,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, low, high, part] = *bytes.first_chunk::<HEADER>()?;
        Some(Self { checksum: u32::from_le_bytes([a, b, c, d]), length: u16::from_le_bytes([low, high]), part })
    }
}

/// What the checksum of a fragment of this length is over.
fn covered(bytes: &[u8], length: u16) -> Option<&[u8]> {
    bytes.get(COVERED..HEADER + usize::from(length))
}

/// Whether a single bit, turned back, would make the fragment at the beginning of `bytes` intact. A write that was torn is
/// never so close to whole (one chance in 16,000 for the largest fragment, far fewer for others), so this is damage.
pub(super) fn is_one_bit_off(bytes: &[u8]) -> bool {
    let Some(header) = Header::of(bytes) else { return false };
    let fits = |length| {
        let covered = covered(bytes, length);
        covered.is_some_and(|covered| CASTAGNOLI.checksum(covered) == unmasked(header.checksum))
    };
    if Part::of(header.part).is_some() && (0..u16::BITS).any(|bit| fits(header.length ^ (1 << bit))) {
        return true;
    }
    let Some(covered) = covered(bytes, header.length) else { return false };
    let found = CASTAGNOLI.checksum(covered);
    (0..u32::BITS).any(|bit| unmasked(header.checksum ^ (1 << bit)) == found)
        || is_of_one_bit(found ^ unmasked(header.checksum), covered.len())
}

/// Whether some single bit of so many bytes changes a checksum by just this `difference`: the changes that the bits make,
/// from the last bit to the first, are the states of one shift register.
fn is_of_one_bit(difference: u32, bytes: usize) -> bool {
    let mut change = POLYNOMIAL;
    for _ in 0..bytes * 8 {
        if change == difference {
            return true;
        }
        let carry = if change & 1 == 1 { POLYNOMIAL } else { 0 };
        change = (change >> 1) ^ carry;
    }
    false
}

const fn unmasked(checksum: u32) -> u32 {
    checksum.wrapping_sub(MASK).rotate_left(15)
}

/// The fragment's bytes, as RocksDB writes them.
#[cfg(test)]
pub(super) fn written(part: u8, payload: &[u8]) -> Vec<u8> {
    let covered = [&[part], payload].concat();
    let checksum = CASTAGNOLI.checksum(&covered).rotate_right(15).wrapping_add(MASK);
    let length = u16::try_from(payload.len()).unwrap();
    [&checksum.to_le_bytes()[..], &length.to_le_bytes(), &covered].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_flipped_bit_of_a_fragment_is_seen_and_told_from_a_torn_write(
            payload in prop::collection::vec(any::<u8>(), 0..600),
            part in 1..=4_u8,
            bit in any::<prop::sample::Index>(),
        ) {
            let mut bytes = written(part, &payload);
            prop_assert!(Fragment::told(&bytes).unwrap().is_intact());
            // More of the file follows: a length may become larger.
            bytes.resize(BLOCK, 0xA5);
            let bit = bit.index((HEADER + payload.len()) * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!Fragment::told(&bytes).is_some_and(|fragment| fragment.is_intact()));
            prop_assert!(is_one_bit_off(&bytes));
        }

        #[test]
        fn a_fragment_whose_end_is_missing_zeroed_or_old_is_no_flipped_bit(
            payload in prop::collection::vec(1..255_u8, 40..2000),
            whole in any::<prop::sample::Index>(),
            old in prop::collection::vec(any::<u8>(), 2007),
        ) {
            let bytes = written(1, &payload);
            let whole = whole.index(bytes.len() - 8);
            prop_assert!(!is_one_bit_off(&bytes[..whole]), "cut");
            let mut zeroed = bytes.clone();
            zeroed[whole..].fill(0);
            prop_assert!(!is_one_bit_off(&zeroed), "zeroed");
            let mut garbled = bytes;
            let len = garbled.len();
            garbled[whole..].copy_from_slice(&old[whole..len]);
            prop_assert!(!is_one_bit_off(&garbled), "old bytes");
        }
    }

    #[test]
    fn zeros_are_no_flipped_bit() {
        for len in (0..64).chain([1000, BLOCK - 1, BLOCK]) {
            assert!(!is_one_bit_off(&vec![0; len]), "{len}");
        }
    }
}
