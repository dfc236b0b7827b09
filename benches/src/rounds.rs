//! Several rounds of one measurement: the median, and the least and the most.

/// What the rounds gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The newest; not a number if there was none.
    pub fn last(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().copied()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The one in the middle; of an even number, the lower one of the two.
    pub fn median(&self) -> f64 {
        self.sorted().get(self.0.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least and the most.
    pub fn spread(&self) -> (f64, f64) {
        let (sorted, at) = (self.sorted(), |value: Option<&f64>| value.copied().unwrap_or(f64::NAN));
        (at(sorted.first()), at(sorted.last()))
    }
}

impl FromIterator<f64> for Rounds {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut rounds = Self::default();
        values.into_iter().for_each(|value| rounds.push(value));
        rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_depend_on_the_order_of_the_rounds() {
        let rounds: Rounds = [9.0, 1.0, 5.0].into_iter().collect();
        assert!((rounds.median() - 5.0).abs() < f64::EPSILON);
        assert_eq!((rounds.spread(), rounds.last()), ((1.0, 9.0), 5.0));
        let even: Rounds = [4.0, 3.0, 2.0, 1.0].into_iter().collect();
        assert!((even.median() - 2.0).abs() < f64::EPSILON);
        assert!(Rounds::default().median().is_nan());
    }
}
