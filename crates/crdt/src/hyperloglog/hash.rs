//! From an element to its register and rank: `MurmurHash64A` (Austin Appleby, public domain), split as Redis' `hllPatLen`
//! does.
//!
//! The words are read as little-endian on every machine, so that equal elements hash equally in every region.

/// Bits of the hash that choose the register.
const REGISTER_BITS: u32 = 14;
/// Registers of a `HyperLogLog`.
pub(super) const REGISTERS: u16 = 1 << REGISTER_BITS;
/// Bits of the hash that give the rank.
pub(super) const RANK_BITS: u8 = 50;
/// The highest rank: every rank bit is zero.
pub(super) const RANK_MAX: u8 = RANK_BITS + 1;

const SEED: u64 = 0xadc8_3b19;
const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
const SHIFT: u32 = 47;

/// A register, 0..16384, and the rank it is shown, 1..=51.
pub type Observation = (u16, u8);

/// The register that `element` falls into and the rank it shows there.
pub fn observe(element: &[u8]) -> Observation {
    place(murmur_hash_64a(element, SEED))
}

fn place(hash: u64) -> Observation {
    let register = hash & u64::from(REGISTERS - 1);
    // The sentinel ends the run of zeros at the latest after all rank bits.
    let zeros = (hash >> REGISTER_BITS | 1 << RANK_BITS).trailing_zeros();
    #[expect(clippy::cast_possible_truncation, reason = "14 bits by the mask; at most 50 zeros by the sentinel")]
    (register as u16, zeros as u8 + 1)
}

fn murmur_hash_64a(bytes: &[u8], seed: u64) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !tail.is_empty() {
        let last = tail.iter().rev().fold(0, |last, byte| last << 8 | u64::from(*byte));
        hash = (hash ^ last).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_and_observations_are_those_of_redis() {
        let every_byte: Vec<u8> = (0..=255).collect();
        let known: [(&[u8], u64, Observation); 9] = [
            (b"", 0xd8df_ea65_85bc_9732, (5938, 2)),
            (b"a", 0x53d2_470a_9b43_b1a7, (12711, 2)),
            (b"abc", 0x77ec_90ae_b374_e502, (9474, 1)),
            (b"1234567", 0x8556_3db1_6363_2857, (10327, 3)),
            (b"12345678", 0x95eb_b863_8913_2953, (10579, 3)),
            (b"123456789", 0x2175_32cb_09f2_a44d, (9293, 2)),
            (b"elem:0", 0x32b6_d638_9784_93a5, (5029, 2)),
            (&every_byte, 0x5952_02c0_4f15_7049, (12361, 1)),
            (&[0xff; 15], 0xfcb9_4112_d306_3067, (12391, 4)),
        ];
        for (element, hash, observation) in known {
            assert_eq!(murmur_hash_64a(element, SEED), hash, "{element:?}");
            assert_eq!(observe(element), observation, "{element:?}");
        }
    }

    #[test]
    fn the_highest_rank_is_51() {
        assert_eq!(place(0), (0, RANK_MAX));
        assert_eq!(place(u64::from(REGISTERS) - 1), (REGISTERS - 1, RANK_MAX));
        assert_eq!(place(1 << 63), (0, RANK_BITS));
        assert_eq!(place(u64::MAX), (REGISTERS - 1, 1));
    }

    proptest! {
        #[test]
        fn every_observation_is_in_range(element in prop::collection::vec(any::<u8>(), 0..40)) {
            let (register, rank) = observe(&element);
            prop_assert!(register < REGISTERS && (1..=RANK_MAX).contains(&rank));
        }
    }
}
