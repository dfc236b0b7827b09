//! The hybrid logical clock of a node: `hlc-gen`, fed only by the wall time that callers pass in.
//!
//! What `hlc-gen` lacks is made up for here: it cannot be seeded, so [`Clock::restore`] feeds it a stamp as if a peer had
//! sent it; it stops at a full count, so [`Clock::stamp`] carries into the next millisecond; it has no node id, so the
//! order of writes is (hlc, actor, seq); it goes past a stamp that it hears, so it hears the one below.
//!
//! *Accept the data, never the clock*: a record from the far future is applied, but this clock does not follow it. It must
//! never read the time itself, and never give a stamp twice.

use std::time::Duration;

use halcyon_types::limits::DRIFT_MAX;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Hlc, UnixMs};
use hlc_gen::source::ManualClock;
use hlc_gen::{HlcGenerator, HlcTimestamp};

/// The last wall time that `hlc-gen` can stamp: 42 bits of milliseconds since 1970, in May 2109.
const WALL_MAX: UnixMs = UnixMs((1 << 42) - 1);

/// No stamp can be given: the clock is at the end of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clock stands at {last:?}, the last stamp there is; this node's wall clock must have been far off")]
pub struct ClockError {
    /// The last stamp.
    pub last: Hlc,
}

/// A node's clock. Stamps strictly increase, across restarts too if it is restored from a persisted ceiling.
pub struct Clock {
    generator: HlcGenerator<ManualClock>,
    /// The highest stamp followed. The generator learns of it when it next gives one: hearing uses no stamp up.
    heard: Hlc,
}

impl Clock {
    /// A clock whose every stamp will be above `ceiling`.
    ///
    /// # Errors
    /// [`ClockError`] if there is none above it.
    pub fn restore(ceiling: Hlc) -> Result<Self, ClockError> {
        let generator = HlcGenerator::manual(0);
        let clock = Self { generator, heard: Hlc::ZERO };
        if ceiling > clock.given() {
            let seed = HlcTimestamp::try_from(ceiling.as_u64()).map_err(|_| ClockError { last: ceiling })?;
            // `update` answers with a stamp above the one it hears; a full count it cannot raise, so it hears the next
            // millisecond instead.
            clock
                .generator
                .update(&seed)
                .or_else(|_| clock.generator.update(&next_ms(ceiling)?))
                .map_err(|_| ClockError { last: ceiling })?;
        }
        Ok(clock)
    }

    /// Whether `wall` is a time at which a node may start: 2024 to 2109.
    pub fn is_sane(wall: UnixMs) -> bool {
        (Hlc::EPOCH..=WALL_MAX).contains(&wall)
    }

    /// The last stamp given or followed.
    pub fn last(&self) -> Hlc {
        self.given().max(self.heard)
    }

    fn given(&self) -> Hlc {
        Hlc::from_u64(self.generator.timestamp().as_u64())
    }

    /// A ceiling for stamps to come: so far ahead of the last.
    pub fn lease(&self, ahead: Duration) -> Hlc {
        Hlc::from_parts(self.last().wall().plus(ahead).min(WALL_MAX), 0).unwrap_or_default().max(self.last())
    }

    /// A new stamp, above every earlier one, whatever the wall clock does.
    ///
    /// # Errors
    /// [`ClockError`]: only at the end of numbers, in 2109.
    pub fn stamp(&mut self, wall: UnixMs) -> Result<Hlc, ClockError> {
        if wall <= self.heard.wall() {
            self.catch_up();
        }
        self.feed(wall);
        let stamp = self.generator.next_timestamp().or_else(|| {
            // The count is full: the clock goes on in the next millisecond, ahead of the wall.
            self.feed(UnixMs(self.last().wall().0 + 1));
            self.generator.next_timestamp()
        });
        stamp.map(|stamp| Hlc::from_u64(stamp.as_u64())).ok_or(ClockError { last: self.last() })
    }

    /// Hears a peer's stamp, so that later stamps are above it; unless it is further ahead of `wall` than [`DRIFT_MAX`]. Such
    /// a stamp is ignored: its record is good, its clock is not.
    pub fn observe(&mut self, heard: Hlc, wall: UnixMs) {
        if is_followed(heard, wall) {
            self.heard = self.heard.max(heard);
        }
    }

    /// Raises the generator to the highest stamp heard, exactly.
    fn catch_up(&self) {
        if self.heard <= self.given() {
            return;
        }
        if self.heard.count() == 0 {
            self.feed(self.heard.wall());
            // The stamp that was heard, of which the generator now knows.
            let _ = self.generator.next_timestamp();
        } else if let Ok(below) = HlcTimestamp::try_from(self.heard.as_u64() - 1) {
            // What hears a stamp goes to the next one.
            self.feed(UnixMs(0));
            let _ = self.generator.update(&below);
        }
    }

    fn feed(&self, wall: UnixMs) {
        let wall = wall.min(WALL_MAX).0;
        self.generator.set_current_timestamp(i64::try_from(wall).unwrap_or(i64::MAX));
    }
}

/// Whether the clock follows a stamp heard at `wall`: data is always accepted, a clock from the future never.
pub(crate) fn is_followed(heard: Hlc, wall: UnixMs) -> bool {
    heard.wall() <= wall.plus(DRIFT_MAX) || planted(Mutant::ClockFollowsFuture)
}

fn next_ms(stamp: Hlc) -> Result<HlcTimestamp, hlc_gen::error::HlcError> {
    let ms = i64::try_from(stamp.wall().0.saturating_add(1)).unwrap_or(i64::MAX);
    HlcTimestamp::new(ms)
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.last()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UnixMs = UnixMs(1_800_000_000_000);

    fn at(ms: u64, count: u64) -> Hlc {
        Hlc::from_parts(UnixMs(T.0 + ms), count).unwrap()
    }

    fn clock() -> Clock {
        Clock::restore(Hlc::ZERO).unwrap()
    }

    /// Raises the clock to `stamp` exactly.
    fn clock_at(stamp: Hlc) -> Clock {
        let mut clock = clock();
        clock.observe(stamp, stamp.wall());
        assert_eq!(clock.last(), stamp);
        clock
    }

    #[test]
    fn a_fresh_clock_follows_the_wall() {
        let mut clock = clock();
        assert_eq!(clock.stamp(T), Ok(at(0, 0)));
        assert_eq!(clock.stamp(T), Ok(at(0, 1)));
        assert_eq!(clock.stamp(UnixMs(T.0 + 5)), Ok(at(5, 0)));
    }

    #[test]
    fn stamps_go_on_rising_when_the_wall_goes_back() {
        let mut clock = clock();
        let before = clock.stamp(T).unwrap();
        let after = clock.stamp(UnixMs(T.0 - 3_600_000)).unwrap();
        assert!(after > before);
        assert!(clock.stamp(UnixMs(0)).unwrap() > after, "1970 as well");
    }

    #[test]
    fn the_generator_cannot_be_seeded_so_a_restored_clock_hears_its_ceiling() {
        for ceiling in [at(7_000, 0), at(7_000, 12), at(7_000, Hlc::COUNT_MAX - 1), at(7_000, Hlc::COUNT_MAX)] {
            let mut clock = Clock::restore(ceiling).unwrap();
            assert!(clock.stamp(T).unwrap() > ceiling, "above {ceiling:?}, the wall being behind it");
        }
        assert_eq!(Clock::restore(Hlc::ZERO).unwrap().stamp(T), Ok(at(0, 0)));
    }

    #[test]
    fn a_full_count_carries_into_the_next_millisecond() {
        let mut clock = clock_at(at(0, Hlc::COUNT_MAX));
        assert_eq!(clock.stamp(T), Ok(at(1, 0)));
        assert_eq!(clock.stamp(T), Ok(at(1, 1)));
        assert_eq!(clock.stamp(UnixMs(T.0 + 1)), Ok(at(1, 2)), "the wall catches up");
        assert_eq!(clock.stamp(UnixMs(T.0 + 2)), Ok(at(2, 0)));
    }

    #[test]
    fn a_peers_stamp_is_followed() {
        let mut clock = clock();
        clock.stamp(T).unwrap();
        clock.observe(at(300, 5), T);
        assert!(clock.stamp(T).unwrap() > at(300, 5));
    }

    #[test]
    fn an_old_stamp_changes_nothing() {
        let mut clock = clock();
        let last = clock.stamp(T).unwrap();
        clock.observe(at(0, 0), T);
        assert_eq!(clock.last(), last);
    }

    #[test]
    fn a_stamp_from_the_far_future_is_not_followed() {
        let drift = u64::try_from(DRIFT_MAX.as_millis()).unwrap();
        let mut clock = clock();
        clock.stamp(T).unwrap();
        for far in [at(drift + 1, 0), at(1_600_000_000_000, 0), Hlc::from_u64(u64::MAX)] {
            clock.observe(far, T);
            assert_eq!(clock.last(), at(0, 0), "{far:?}");
        }
        clock.observe(at(drift, 0), T);
        assert_eq!(clock.last(), at(drift, 0), "the edge itself is followed");
    }

    #[test]
    fn a_poisoned_count_stops_nothing() {
        let drift = u64::try_from(DRIFT_MAX.as_millis()).unwrap();
        let mut clock = clock();
        clock.observe(at(drift, Hlc::COUNT_MAX), T);
        assert_eq!(clock.last(), at(drift, Hlc::COUNT_MAX));
        let next = clock.stamp(T).unwrap();
        assert_eq!(next, at(drift + 1, 0));
    }

    #[test]
    fn a_full_count_that_was_heard_carries_too() {
        let mut clock = clock();
        clock.stamp(T).unwrap();
        clock.observe(at(1, Hlc::COUNT_MAX), T);
        assert_eq!(clock.stamp(T), Ok(at(2, 0)));
    }

    #[test]
    fn hearing_uses_no_stamp_up_whatever_the_wall_does_next() {
        for count in [0, 1, 7] {
            for (wall, next) in [(0, at(300, count + 1)), (300, at(300, count + 1)), (301, at(301, 0))] {
                let mut clock = clock();
                clock.stamp(T).unwrap();
                clock.observe(at(300, count), T);
                assert_eq!(clock.last(), at(300, count));
                assert_eq!(clock.stamp(UnixMs(T.0 + wall)), Ok(next), "heard {count}, then at {wall}");
                assert!(clock.stamp(T).unwrap() > next, "the wall goes back");
            }
        }
    }

    #[test]
    fn a_clock_before_2024_or_after_2109_is_not_sane() {
        assert!(!Clock::is_sane(UnixMs(0)) && !Clock::is_sane(UnixMs(Hlc::EPOCH.0 - 1)));
        assert!(Clock::is_sane(Hlc::EPOCH) && Clock::is_sane(T));
        assert!(Clock::is_sane(WALL_MAX) && !Clock::is_sane(UnixMs(WALL_MAX.0 + 1)));
    }

    #[test]
    fn the_end_of_numbers_is_an_error_never_a_repeated_stamp() {
        let end = Hlc::from_parts(WALL_MAX, Hlc::COUNT_MAX - 1).unwrap();
        let mut clock = Clock::restore(end).unwrap();
        let mut last = clock.last();
        assert_eq!(clock.stamp(T), Err(ClockError { last }));
        last = clock.last();
        assert_eq!(clock.stamp(UnixMs(u64::MAX)), Err(ClockError { last }));
    }
}
