//! Keys drawn as Zipf's law has it: the k-th in rank in proportion to k⁻ˢ.
//!
//! Rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone discrete
//! distributions", 1996): exact for any number of keys, no table, and one draw in some ten is drawn again at most.

use crate::splitmix::SplitMix;

/// As in YCSB. The formulas below need it to differ from 1.
const S: f64 = 0.99;
/// A prime. Ranks are multiplied by it, modulo the number of keys, so that what is drawn often does not stand side by side.
const SCATTER: u64 = 2_654_435_761;

/// The law over so many keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zipf {
    keys: u64,
    /// Below it a rank is taken without a second look.
    near: f64,
    first: f64,
    last: f64,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are positive and far below 2^52"
)]
impl Zipf {
    pub(super) fn over(keys: u64) -> Self {
        let keys = keys.max(1);
        let near = 2.0 - inverse(integral(2.5) - weight(2.0));
        Self { keys, near, first: integral(1.5) - 1.0, last: integral(keys as f64 + 0.5) }
    }

    /// The next rank; the first, 1, is the most frequent.
    pub(super) fn rank(&self, random: &mut SplitMix) -> u64 {
        loop {
            let unit = (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
            let area = self.last + unit * (self.first - self.last);
            let x = inverse(area);
            let rank = (x.round() as u64).clamp(1, self.keys);
            let k = rank as f64;
            if k - x <= self.near || area >= integral(k + 0.5) - weight(k) {
                return rank;
            }
        }
    }

    /// The key of the next rank.
    pub(super) fn key(&self, random: &mut SplitMix) -> u64 {
        let scattered = u128::from(self.rank(random)) * u128::from(SCATTER) % u128::from(self.keys);
        u64::try_from(scattered).unwrap_or_default()
    }
}

fn weight(x: f64) -> f64 {
    x.powf(-S)
}

/// The weight's integral, up to a constant.
fn integral(x: f64) -> f64 {
    x.powf(1.0 - S) / (1.0 - S)
}

fn inverse(area: f64) -> f64 {
    (area * (1.0 - S)).powf(1.0 / (1.0 - S))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DRAWS: u32 = 400_000;

    #[test]
    fn ranks_come_as_often_as_the_law_says() {
        for keys in [1_u32, 2, 10, 1000] {
            let (zipf, mut random) = (Zipf::over(keys.into()), SplitMix::new(7));
            let mut seen = vec![0_u32; keys as usize + 1];
            for _ in 0..DRAWS {
                seen[usize::try_from(zipf.rank(&mut random)).unwrap()] += 1;
            }
            let total: f64 = (1..=keys).map(|k| weight(f64::from(k))).sum();
            for k in 1..=keys {
                let wanted = f64::from(DRAWS) * weight(f64::from(k)) / total;
                // Five standard deviations: with this seed it holds, and a wrong law is far outside.
                let found = f64::from(seen[k as usize]);
                assert!((found - wanted).abs() <= 5.0 * wanted.sqrt(), "{k} of {keys}: {found}, not {wanted}");
            }
        }
    }

    #[test]
    fn a_million_keys_are_all_within_reach_and_each_rank_has_its_own() {
        let (zipf, mut random) = (Zipf::over(1_000_000), SplitMix::new(1));
        let mut top = 0;
        for _ in 0..DRAWS {
            let rank = zipf.rank(&mut random);
            assert!((1..=1_000_000).contains(&rank));
            top += u32::from(rank <= 100_000);
        }
        let share = f64::from(top) / f64::from(DRAWS);
        assert!((0.80..0.88).contains(&share), "a tenth of the keys takes {share} of the draws");
        let keys: BTreeSet<_> = (1..=1000_u64).map(|rank| rank * SCATTER % 1000).collect();
        assert_eq!(keys.len(), 1000);
    }
}
