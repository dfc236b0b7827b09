//! Where rows can be read again behind some that cannot.

use std::ops::ControlFlow;

use crate::backend::{Family, View};

/// Halvings, at most: so many bits behind what all keys of the range have in common.
const HALVINGS_MAX: usize = 256;
/// Bytes of a key in the middle.
const PRECISION: usize = HALVINGS_MAX / 8 + 1;

/// The first row above `from`, or `upto`, from which on rows can be read; what is below it cannot. A database reads blocks of rows, and
/// says of a damaged one neither where it begins nor where it ends: so it is asked, halving what lies between.
pub(super) fn first_readable(view: &impl View, from: &[u8], upto: &[u8]) -> Vec<u8> {
    let readable = |at: &[u8]| view.scan(Family::State, at, Some(upto), |_, _| ControlFlow::Break(())).is_ok();
    let (mut low, mut high) = (from.to_vec(), upto.to_vec());
    for _ in 0..HALVINGS_MAX {
        let middle = middle(&low, &high);
        if middle <= low || middle >= high {
            break;
        }
        if readable(&middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    // Nothing is between there and the first row, whose key says more to an operator.
    let mut first = None;
    let walked = view.scan(Family::State, &high, Some(upto), |key, _| {
        first = Some(key.to_vec());
        ControlFlow::Break(())
    });
    if walked.is_err() {
        return high;
    }
    first.unwrap_or_else(|| upto.to_vec())
}

/// The key halfway between two, both read as binary fractions.
fn middle(low: &[u8], high: &[u8]) -> Vec<u8> {
    let shared = low.iter().zip(high).take_while(|(low, high)| low == high).count();
    let digit = |key: &[u8], place: usize| u16::from(key.get(place).copied().unwrap_or(0));
    let places = shared + PRECISION;
    // Their sum, least digit first, and the carry in front.
    let (mut sum, mut carry) = (vec![0; places], 0);
    for (place, digit_of_sum) in sum.iter_mut().enumerate().rev() {
        let total = digit(low, place) + digit(high, place) + carry;
        (*digit_of_sum, carry) = (total & 0xFF, total >> 8);
    }
    let mut rest = carry;
    let half = sum.into_iter().map(|digit| {
        let total = (rest << 8) | digit;
        rest = total & 1;
        u8::try_from(total >> 1).unwrap_or(u8::MAX)
    });
    let mut middle: Vec<u8> = half.collect();
    while middle.last() == Some(&0) {
        middle.pop();
    }
    middle
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halfway_is_between() {
        assert_eq!(middle(b"a", b"c"), b"b");
        assert_eq!(middle(b"a", b"b"), [b'a', 0x80]);
        assert_eq!(middle(&[0xFF], &[0xFF, 0x02]), [0xFF, 0x01]);
        assert_eq!(middle(b"a", b"a\x00"), b"a", "nothing is between");
    }

    proptest! {
        #[test]
        fn halfway_is_never_outside(low in prop::collection::vec(any::<u8>(), 0..40), high in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assume!(low < high);
            let middle = middle(&low, &high);
            prop_assert!(middle < high);
            // Zeros at the end are the same fraction, and so may be missing.
            let trimmed = low.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            prop_assert!(middle.as_slice() >= &low[..trimmed.min(low.len())] || low.len() > PRECISION);
        }
    }
}
