//! How old a peer's lag is: when own records were committed, remembered sparsely.

use std::collections::VecDeque;
use std::time::Duration;

use halcyon_types::Seq;

/// Samples kept. At the limit every other one is forgotten: old lag is told more coarsely, never too young by more than
/// the distance to the next sample.
const SAMPLES_MAX: usize = 512;

/// (last seq of a commit, when), ascending.
#[derive(Debug, Default)]
pub(crate) struct Lag(VecDeque<(Seq, Duration)>);

impl Lag {
    pub(crate) fn committed(&mut self, last: Seq, at: Duration) {
        if self.0.len() == SAMPLES_MAX {
            let mut keep = false;
            self.0.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.0.push_back((last, at));
    }

    /// Forgets what every peer has.
    pub(crate) fn acked_by_all(&mut self, seq: Seq) {
        while self.0.front().is_some_and(|(last, _)| *last <= seq) {
            self.0.pop_front();
        }
    }

    /// The age of the oldest own record behind `acked`.
    pub(crate) fn age(&self, acked: Seq, now: Duration) -> Duration {
        let at = self.0.partition_point(|(last, _)| *last <= acked);
        self.0.get(at).map_or(Duration::ZERO, |(_, at)| now.saturating_sub(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_the_age_of_the_oldest_record_not_acked() {
        let (mut lag, ms) = (Lag::default(), Duration::from_millis);
        for n in 1..=2000 {
            lag.committed(Seq(n), ms(n));
        }
        assert!(lag.0.len() <= SAMPLES_MAX);
        assert_eq!(lag.age(Seq(2000), ms(2000)), Duration::ZERO);
        assert_eq!(lag.age(Seq(0), ms(2000)), ms(1999), "the oldest sample survives thinning");
        lag.acked_by_all(Seq(1500));
        assert!(lag.age(Seq(0), ms(2000)) < ms(500));
    }
}
