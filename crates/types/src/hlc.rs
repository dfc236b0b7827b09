//! A stamp of the hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014), as `hlc-gen` packs it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::UnixMs;

/// 42 bits of milliseconds since 2024-01-01 UTC, then a 22-bit count. Integer order is stamp order.
///
/// Two records may carry equal stamps; the total order of writes is (hlc, actor, seq).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hlc(u64);

impl Hlc {
    /// Bits of the logical count.
    pub const COUNT_BITS: u32 = 22;
    /// The largest count within one millisecond.
    pub const COUNT_MAX: u64 = (1 << Self::COUNT_BITS) - 1;
    /// The first millisecond a stamp can carry: 2024-01-01 UTC. A clock before it is a dead clock.
    pub const EPOCH: UnixMs = UnixMs(1_704_067_200_000);
    /// The least stamp.
    pub const ZERO: Self = Self(0);

    /// From the packed form.
    pub const fn from_u64(packed: u64) -> Self {
        Self(packed)
    }

    /// The packed form.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The stamp of (`wall`, `count`), or `None` before 2024, past the 42 bits, or past [`Self::COUNT_MAX`].
    pub fn from_parts(wall: UnixMs, count: u64) -> Option<Self> {
        let ms = wall.0.checked_sub(Self::EPOCH.0)?;
        (ms < 1 << (64 - Self::COUNT_BITS) && count <= Self::COUNT_MAX).then_some(Self(ms << Self::COUNT_BITS | count))
    }

    /// The physical part.
    pub const fn wall(self) -> UnixMs {
        UnixMs((self.0 >> Self::COUNT_BITS) + Self::EPOCH.0)
    }

    /// The logical part.
    pub const fn count(self) -> u64 {
        self.0 & Self::COUNT_MAX
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.wall().0, self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_orders_by_milliseconds_then_count() {
        let at = |ms, count| Hlc::from_parts(UnixMs(Hlc::EPOCH.0 + ms), count).unwrap();
        assert!(at(1, Hlc::COUNT_MAX) < at(2, 0) && at(2, 0) < at(2, 1));
        assert_eq!((at(7, 3).wall().0, at(7, 3).count()), (Hlc::EPOCH.0 + 7, 3));
    }

    #[test]
    fn a_stamp_outside_its_bits_is_refused() {
        assert_eq!(Hlc::from_parts(UnixMs(0), 0), None, "1970");
        assert_eq!(Hlc::from_parts(Hlc::EPOCH, Hlc::COUNT_MAX + 1), None);
        assert_eq!(Hlc::from_parts(UnixMs(u64::MAX), 0), None);
    }
}
