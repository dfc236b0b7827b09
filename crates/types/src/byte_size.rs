//! Sizes as people write them: `8GiB`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A number of bytes, written as a whole number with a unit: `B`, `KiB`, `MiB`, `GiB` or `TiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no size; write a whole number and a unit, B, KiB, MiB, GiB or TiB, such as \"8GiB\"")]
pub struct NoByteSize {
    text: String,
}

const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

impl FromStr for ByteSize {
    type Err = NoByteSize;

    fn from_str(text: &str) -> Result<Self, NoByteSize> {
        let parse = || {
            let (number, shift) = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)))?;
            let digits = number.trim_end();
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(1 << shift)
        };
        parse().map(Self).ok_or_else(|| NoByteSize { text: text.to_owned() })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |shift: &u32| self.0.trailing_zeros() >= *shift && self.0 > 0;
        let (unit, shift) = UNITS.iter().find(|(_, shift)| whole(shift)).unwrap_or(&("B", 0));
        write!(f, "{}{unit}", self.0 >> shift)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_what_it_says() {
        for (text, bytes) in [("8GiB", 8 << 30), ("512 MiB", 512 << 20), ("1TiB", 1 << 40), ("3KiB", 3072), ("7B", 7)] {
            let size = ByteSize(bytes);
            assert_eq!(text.parse(), Ok(size));
            assert_eq!(size.to_string().parse(), Ok(size));
        }
        for text in ["", "8", "GiB", "8GB", "-1GiB", "+1GiB", "1.5GiB", "99999999TiB", "8 Gib"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
