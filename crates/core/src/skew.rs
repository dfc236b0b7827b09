//! How far this node's clock is off the others', and what follows from it.
//!
//! What others' clocks say is measured with each heartbeat; here stands what all of them together say of the own one: its
//! distance from the median, itself among them. Where two clocks share the middle, a node refuses writes for the nearer and
//! alarms for the farther: so two clocks never refuse, as nobody can tell which is right, nor do two halves of four.
//!
//! A verdict stands until enough clocks are heard again, for isolation mends no clock; but the node sees its own clock
//! being set, against the monotonic one, and follows.

use halcyon_types::Now;
use halcyon_types::limits::SKEW_MAX;

/// Fewer than so many clocks, the own one among them, tell that one is wrong, but not which.
const JUDGES_MIN: usize = 3;

/// What an operator should hear of, and what clients will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Off {
    /// How far the own clock is ahead of the middle, in milliseconds; negative if behind.
    pub(crate) ms: i64,
    /// How many clocks say so, the own one included.
    pub(crate) clocks: usize,
}

/// The own clock, judged by all.
#[derive(Debug, Default)]
pub(crate) struct Skew {
    /// As last judged; nothing before another clock was heard.
    off: Option<Off>,
    refuses: bool,
    alarmed: bool,
    /// What the wall clock has run ahead of the monotonic one, at the last judgement.
    lead_ms: i64,
}

impl Skew {
    /// Judges the own clock by how far others are ahead of it, in milliseconds. Says how far it is off at the onset.
    pub(crate) fn judge(&mut self, now: Now, mut ahead_ms: Vec<i64>) -> Option<Off> {
        let clocks = ahead_ms.len() + 1;
        ahead_ms.push(0);
        ahead_ms.sort_unstable();
        let middle = |at: usize| ahead_ms.get(at).copied().unwrap_or_default().saturating_neg();
        let (one, other) = (middle(clocks / 2), middle((clocks - 1) / 2));
        let (near, far) = if one.unsigned_abs() < other.unsigned_abs() { (one, other) } else { (other, one) };
        let lead_ms = lead_ms(now);
        if clocks < JUDGES_MIN && self.refuses {
            let stepped = lead_ms.saturating_sub(self.lead_ms);
            let ms = self.off.map_or(0, |off| off.ms).saturating_add(stepped);
            (self.off, self.lead_ms) = (Some(Off { ms, clocks }), lead_ms);
            self.refuses = is_off(ms, true);
            return None;
        }
        self.lead_ms = lead_ms;
        self.refuses = is_off(near, self.refuses);
        if clocks == 1 {
            self.off = None;
            return None;
        }
        let off = Off { ms: far, clocks };
        self.off = Some(off);
        let before = self.alarmed;
        self.alarmed = is_off(far, before);
        (self.alarmed && !before).then_some(off)
    }

    /// Forgets all: the clock is another one from now on.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// As last judged.
    pub(crate) const fn off(&self) -> Option<Off> {
        self.off
    }

    /// Whether what is stamped by this clock would be stamped wrong.
    pub(crate) const fn refuses(&self) -> bool {
        self.refuses
    }
}

/// Whether a clock is too far off. One that was is so until it is well within the bound: it must not flap.
fn is_off(ms: i64, was: bool) -> bool {
    let bound = if was { SKEW_MAX / 2 } else { SKEW_MAX };
    u128::from(ms.unsigned_abs()) > bound.as_millis()
}

fn lead_ms(now: Now) -> i64 {
    let (wall, mono) = (i64::try_from(now.wall.0), i64::try_from(now.mono.as_millis()));
    wall.unwrap_or(i64::MAX).saturating_sub(mono.unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use halcyon_types::UnixMs;

    use super::*;

    const MAX: i64 = SKEW_MAX.subsec_millis().cast_signed() as i64;

    fn at(ms: u64) -> Now {
        Now { mono: Duration::from_millis(ms), wall: UnixMs(1_800_000_000_000 + ms) }
    }

    /// Whether it refuses and whether it raises an alarm, by what others are ahead.
    fn judged(skew: &mut Skew, ahead_ms: &[i64]) -> (bool, bool) {
        let alarm = skew.judge(at(0), ahead_ms.to_vec());
        (skew.refuses(), alarm.is_some())
    }

    fn first(ahead_ms: &[i64]) -> (bool, bool) {
        judged(&mut Skew::default(), ahead_ms)
    }

    #[test]
    fn a_clock_off_the_median_refuses_and_the_median_itself_does_not() {
        assert_eq!(first(&[MAX, MAX]), (false, false), "the bound itself is within it");
        assert_eq!(first(&[MAX + 1, MAX + 1]), (true, true));
        assert_eq!(first(&[-MAX - 1, -86_400_000]), (true, true), "ahead, and of which more matters not");
        assert_eq!(first(&[0, 86_400_000]), (false, false), "another's clock is wrong");
        assert_eq!(first(&[-86_400_000, 86_400_000]), (false, false), "both others' are");
        assert_eq!(first(&[i64::MIN, i64::MIN, i64::MIN, i64::MAX]), (true, true), "and nothing overflows");
    }

    #[test]
    fn where_no_majority_can_tell_which_clock_is_right_there_is_an_alarm_alone() {
        assert_eq!(first(&[]), (false, false));
        assert_eq!(first(&[3_600_000]), (false, true), "two clocks");
        assert_eq!(first(&[0, 3_600_000, 3_600_000]), (false, true), "two halves");
        assert_eq!(first(&[1, 3_600_000, 3_600_001, 3_600_002]), (true, true));
    }

    #[test]
    fn an_onset_is_told_once_and_a_clock_near_the_bound_does_not_flap() {
        let mut skew = Skew::default();
        assert_eq!(judged(&mut skew, &[MAX + 1, MAX + 1]), (true, true));
        for within in [MAX - 1, MAX + 1, MAX / 2 + 1] {
            assert_eq!(judged(&mut skew, &[within, within]), (true, false));
        }
        assert_eq!(judged(&mut skew, &[MAX / 2, MAX / 2]), (false, false));
        assert_eq!(judged(&mut skew, &[MAX, MAX]), (false, false));
        assert_eq!(judged(&mut skew, &[MAX + 1, MAX + 1]), (true, true), "a new onset");
    }

    #[test]
    fn a_verdict_outlives_its_judges_until_the_clock_is_set() {
        let mut skew = Skew::default();
        assert_eq!(judged(&mut skew, &[-60_000, -60_000]), (true, true));
        assert_eq!(judged(&mut skew, &[-60_000]), (true, false));
        assert_eq!(judged(&mut skew, &[]), (true, false), "alone");
        let set = Now { mono: Duration::from_secs(9), wall: UnixMs(at(9_000).wall.0 - 60_000) };
        assert_eq!((skew.judge(set, Vec::new()), skew.refuses()), (None, false));
        assert_eq!(skew.judge(set, Vec::new()), None);
        assert_eq!(skew.off(), None, "and nobody is there to say more");
    }
}
