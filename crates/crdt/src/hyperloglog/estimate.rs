//! The count that registers stand for: Otmar Ertl, "New cardinality estimation algorithms for `HyperLogLog` sketches"
//! (2017), algorithm 6, the operations in the order in which Redis' `hllCount` does them.
//!
//! It needs neither bias tables nor a switch to linear counting at small counts. Only readers come here: an estimate is
//! a float's rounding away from another, so it must never flow into a row.

use super::hash::{RANK_BITS, RANK_MAX, REGISTERS};

/// 1 / (2 ln 2).
const ALPHA_INF: f64 = 0.721_347_520_444_481_7;

/// The estimate for registers whose non-zero ranks are `ranks`; zero for none.
pub(super) fn estimate(ranks: impl Iterator<Item = u8>) -> u64 {
    let mut zeros = REGISTERS;
    let mut at_rank = [0_u16; RANK_MAX as usize + 1];
    for rank in ranks {
        if let Some(count) = at_rank.get_mut(usize::from(rank)) {
            *count += 1;
            zeros = zeros.saturating_sub(1);
        }
    }
    let all = f64::from(REGISTERS);
    let [_, counts @ .., highest] = at_rank;
    debug_assert_eq!(counts.len(), usize::from(RANK_BITS), "ranks 1..=50");
    let mut z = all * tau((all - f64::from(highest)) / all);
    for count in counts.iter().rev() {
        z = (z + f64::from(*count)) * 0.5;
    }
    z += all * sigma(f64::from(zeros) / all);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative; past u64, where every register is full, the cast saturates"
    )]
    let count = (ALPHA_INF * all * all / z).round() as u64;
    count
}

/// What registers that are still zero add: x + Σ x^(2^k) 2^(k-1).
#[expect(clippy::float_cmp, reason = "a series has converged once adding to it changes nothing")]
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let mut y = 1.0;
    let mut z = x;
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// What registers at the highest rank add: (1 - x - Σ (1 - x^(2^-k))^2 2^-k) / 3.
#[expect(clippy::float_cmp, reason = "a series has converged once subtracting from it changes nothing")]
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let mut y = 1.0;
    let mut z = 1.0 - x;
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hyperloglog::{Registers, observe};

    #[test]
    fn estimates_are_those_of_redis() {
        let known = [(1, 1), (3, 3), (100, 100), (1_000, 1_005), (4_000, 3_964), (10_000, 9_922), (100_000, 99_904)];
        let (mut seen, mut done) = (Registers::default(), 0);
        assert_eq!(seen.estimate(), 0);
        for (elements, redis) in known {
            for n in done..elements {
                let (register, rank) = observe(format!("elem:{n}").as_bytes());
                seen.raise(register, rank);
            }
            done = elements;
            assert_eq!(seen.estimate(), redis, "{elements} elements");
        }
    }

    #[test]
    fn estimates_are_within_three_standard_errors() {
        for (salt, elements) in [("a", 20_000_u32), ("b", 50_000), ("c", 50_000), ("d", 100_000), ("e", 150_000)] {
            let seen: Registers = (0..elements).map(|n| observe(format!("{salt}/{n}").as_bytes())).collect();
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let error = seen.estimate() as f64 / f64::from(elements) - 1.0;
            assert!(error.abs() < 3.0 * 0.0081, "{elements} elements of {salt}: off by {error}");
        }
    }

    #[test]
    fn registers_that_no_elements_fill_still_have_an_estimate() {
        let full = |rank| estimate((0..REGISTERS).map(|_| rank));
        assert_eq!(full(RANK_MAX), u64::MAX);
        assert!(full(1) < full(2) && full(RANK_BITS - 1) < full(RANK_BITS));
    }
}
