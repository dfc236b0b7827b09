//! How large the logs are, up to where they have been dropped, and whether more of them is being dropped now. At most one look
//! at them is with the committer; until its result is here, nothing of what it may drop is promised to anybody.
//!
//! A look may drop what every member has. Where that is not enough a second one follows at once, which may drop what is past
//! the retention, too, if most members have it. Where that is not enough either, the logs are full: no new records are made
//! here until they are below their limit by a part of it.

use std::time::Duration;

use halcyon_types::limits::LOG_SLACK;
use halcyon_types::{ActorId, Dot, Seq, UnixMs, VersionVector};

use crate::event::Logs;

#[derive(Debug)]
pub(crate) struct Truncation {
    pub(crate) bytes_max: u64,
    pub(crate) retention: Duration,
    floors: VersionVector,
    /// What the committer may be dropping.
    under_way: Option<UnderWay>,
    /// As of the last look.
    pub(crate) bytes: u64,
    /// The oldest record that some member lacks, and its stamp; as of the last look.
    pub(crate) oldest: Option<(Dot, UnixMs)>,
    full: bool,
}

#[derive(Debug)]
struct UnderWay {
    upto: VersionVector,
    /// Whether it is the second look.
    second: bool,
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is room.
    Room,
    /// What every member has was not enough.
    TooMuch,
    /// Nothing is.
    Full {
        /// It was not so before.
        onset: bool,
    },
}

impl Truncation {
    pub(crate) const fn new(bytes_max: u64, retention: Duration, floors: VersionVector) -> Self {
        Self { bytes_max, retention, floors, under_way: None, bytes: 0, oldest: None, full: false }
    }

    pub(crate) const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether no new records may be made.
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    /// The last record of each log that is not there any more.
    pub(crate) const fn floors(&self) -> &VersionVector {
        &self.floors
    }

    /// The last record of a log that may not be there any more.
    pub(crate) fn floor(&self, actor: ActorId) -> Seq {
        let under_way = self.under_way.as_ref().map_or(Seq::ZERO, |under_way| under_way.upto.get(actor));
        self.floors.get(actor).max(under_way)
    }

    /// What the logs are to be cut down to. Full ones further than others: were it the same, a few records more or less would
    /// let writes in and out.
    pub(crate) const fn goal(&self) -> u64 {
        if self.full { self.bytes_max - self.bytes_max / LOG_SLACK } else { self.bytes_max }
    }

    pub(crate) fn begin(&mut self, upto: VersionVector, second: bool) {
        self.under_way = Some(UnderWay { upto, second });
    }

    pub(crate) fn end(&mut self, logs: Logs) -> Found {
        let Logs { floors, bytes, next } = logs;
        let second = self.under_way.take().is_some_and(|under_way| under_way.second);
        self.floors.join(&floors);
        self.bytes = bytes;
        if !second {
            self.oldest = next;
        }
        if bytes <= self.goal() {
            self.full = false;
            Found::Room
        } else if second {
            Found::Full { onset: !std::mem::replace(&mut self.full, true) }
        } else {
            Found::TooMuch
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_full_until_they_are_well_below_their_limit() {
        let mut truncation = Truncation::new(160, Duration::ZERO, VersionVector::new());
        let mut look = |second, bytes| {
            truncation.begin(VersionVector::new(), second);
            let found = truncation.end(Logs { floors: VersionVector::new(), bytes, next: None });
            (found, truncation.is_full())
        };
        assert_eq!(look(false, 160), (Found::Room, false));
        assert_eq!(look(false, 161), (Found::TooMuch, false));
        assert_eq!(look(true, 161), (Found::Full { onset: true }, true));
        assert_eq!(look(false, 155), (Found::TooMuch, true), "there would be room, but only just");
        assert_eq!(look(true, 151), (Found::Full { onset: false }, true));
        assert_eq!(look(false, 150), (Found::Room, false));
        assert_eq!(look(false, 160), (Found::Room, false));
    }
}
