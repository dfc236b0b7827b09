//! Parts of what is ordered: ranges of indexes and of scores.

use std::ops::{Bound, RangeBounds};

/// Which way to go through what is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the lowest up.
    #[default]
    Ascending,
    /// From the highest down.
    Descending,
}

impl Direction {
    pub(crate) fn is_reverse(self) -> bool {
        self == Self::Descending
    }
}

/// The first and last index of a range, both included; `None` if it is empty whatever there is. Negative indexes count
/// from the end, -1 being the last, so a bound is never moved across zero.
pub(crate) fn indexes(range: &impl RangeBounds<i64>) -> Option<(i64, i64)> {
    let first = match range.start_bound().cloned() {
        Bound::Included(first) => first,
        Bound::Excluded(-1 | i64::MAX) => return None,
        Bound::Excluded(before) => before + 1,
        Bound::Unbounded => 0,
    };
    let last = match range.end_bound().cloned() {
        Bound::Included(last) => last,
        Bound::Excluded(0 | i64::MIN) => return None,
        Bound::Excluded(behind) => behind - 1,
        Bound::Unbounded => -1,
    };
    Some((first, last))
}

/// The lowest and highest score of a range, both included.
pub(crate) fn scores(range: &impl RangeBounds<f64>) -> (f64, f64) {
    let min = match range.start_bound() {
        Bound::Included(min) => *min,
        Bound::Excluded(below) => below.next_up(),
        Bound::Unbounded => f64::MIN,
    };
    let max = match range.end_bound() {
        Bound::Included(max) => *max,
        Bound::Excluded(above) => above.next_down(),
        Bound::Unbounded => f64::MAX,
    };
    (min, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_indexes_never_turns_around_at_the_end() {
        assert_eq!(indexes(&(..)), Some((0, -1)));
        assert_eq!(indexes(&(0..10)), Some((0, 9)));
        assert_eq!(indexes(&(2..=4)), Some((2, 4)));
        assert_eq!(indexes(&(-3..)), Some((-3, -1)));
        assert_eq!(indexes(&(..-1)), Some((0, -2)), "all but the last");
        assert_eq!(indexes(&(..0)), None, "not everything");
        assert_eq!(indexes(&(Bound::Excluded(-1), Bound::Unbounded)), None, "nothing is behind the last");
        assert_eq!(indexes(&(Bound::Excluded(0), Bound::Unbounded)), Some((1, -1)));
        assert_eq!(indexes(&(..i64::MIN)), None);
        assert_eq!(indexes(&(Bound::Excluded(i64::MAX), Bound::Unbounded)), None);
    }

    #[test]
    fn a_range_of_scores_leaves_out_its_open_end() {
        assert_eq!(scores(&(1.0..=2.0)), (1.0, 2.0));
        assert_eq!(scores(&(..)), (f64::MIN, f64::MAX));
        let (min, max) = scores(&(Bound::Excluded(1.0), Bound::Excluded(2.0)));
        assert!(min > 1.0 && max < 2.0);
        assert_eq!((min.next_down(), max.next_up()), (1.0, 2.0));
    }
}
