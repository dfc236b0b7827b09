//! Audits: how far the present one is, what peers have asked for theirs, and what was found.
//!
//! A range is read at a snapshot, and its digest told to a peer, which compares once it has seen as much: then only its own
//! surplus can have changed the range, and that stands in its log. Where a range differs, it is read again in ever smaller
//! pieces, down to a row.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use halcyon_types::limits::{
    AUDIT_BYTES_PER_SECOND_MAX, AUDIT_FINDINGS_MAX, AUDIT_NARROWED_MAX, AUDIT_ROWS_MAX, AUDIT_TRIES_MAX,
};
use halcyon_types::{KeyspaceId, RegionId};
use halcyon_wire::Compare;

use crate::event::{Damage, PieceRead};
use crate::status::{AuditEnd, Difference};

/// By how much smaller pieces are read where a range differs: two steps lead from the largest to a single row.
const NARROWER: usize = 64;
/// And where it is being written.
const QUIETER: usize = 8;

const _: () = assert!(AUDIT_ROWS_MAX <= NARROWER * NARROWER);

#[derive(Debug, Default)]
pub(crate) struct Audit {
    pub(crate) period: Option<Duration>,
    pub(crate) scrub: Option<Scrub>,
    /// The last question to a peer: an answer to an earlier one is of no use.
    questions: u64,
    /// Peers that have not answered lately, and until when they are not asked.
    pub(crate) resting: BTreeMap<RegionId, Duration>,
    /// What peers want compared: that one of each that waits until this node has seen as much, and that which is being read.
    pub(crate) asked: BTreeMap<RegionId, Compare>,
    pub(crate) reading: BTreeMap<RegionId, Compare>,
    pub(crate) findings: Findings,
    pub(crate) last: Option<AuditEnd>,
    /// Since the start.
    pub(crate) audits: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// The audit under way.
#[derive(Debug)]
pub(crate) struct Scrub {
    pub(crate) began: Duration,
    /// The keyspaces behind the present one.
    left: VecDeque<KeyspaceId>,
    /// What is read next begins here.
    pub(crate) from: Bytes,
    /// Ranges within each other that are read in pieces of so many rows, the smallest last; the first is a keyspace.
    levels: Vec<Level>,
    /// Rows of the next piece: fewer than the level's while somebody writes there.
    pub(crate) rows_max: usize,
    /// How often the range was found to be moving.
    tries: u32,
    narrowed: u32,
    pub(crate) step: Step,
    /// Nothing is read before.
    pub(crate) next: Duration,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Ranges found to be the same as the peer's.
    pub(crate) compared: u64,
    /// Ranges of which nothing could be said.
    pub(crate) uncompared: u64,
    /// The peer last asked.
    pub(crate) peer: Option<RegionId>,
}

#[derive(Debug)]
struct Level {
    upto: Bytes,
    rows_max: usize,
}

/// What the audit is doing.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing until its timer rings.
    Pausing,
    /// A piece is being read.
    Reading,
    /// It was read, and holds what is not synced yet.
    Read(PieceRead),
    /// A peer compares it.
    Asked { number: u64, peer: RegionId, rows: u64, upto: Bytes, finest: bool },
}

/// What is to be done about a range that differs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Differs {
    /// It is read again in smaller pieces.
    Narrow,
    /// It is told.
    Tell,
}

impl Audit {
    pub(crate) fn new(period: Option<Duration>) -> Self {
        Self { period, ..Self::default() }
    }

    pub(crate) const fn question(&mut self) -> u64 {
        self.questions += 1;
        self.questions
    }

    /// The next peer behind `own` in the circle of all regions, of those that `may` be asked.
    pub(crate) fn next_peer(
        &mut self,
        now: Duration,
        own: RegionId,
        may: impl Iterator<Item = RegionId>,
    ) -> Option<RegionId> {
        self.resting.retain(|_, until| *until > now);
        may.filter(|peer| !self.resting.contains_key(peer)).min_by_key(|peer| (*peer < own, *peer))
    }
}

impl Scrub {
    /// Begins with the first keyspace; none if there is nothing to read.
    pub(crate) fn begin(now: Duration, keyspaces: &BTreeSet<KeyspaceId>) -> Option<Self> {
        let mut scrub = Self {
            began: now,
            left: keyspaces.iter().copied().collect(),
            from: Bytes::new(),
            levels: Vec::new(),
            rows_max: AUDIT_ROWS_MAX,
            tries: 0,
            narrowed: 0,
            step: Step::Pausing,
            next: now,
            rows: 0,
            bytes: 0,
            compared: 0,
            uncompared: 0,
            peer: None,
        };
        scrub.next_keyspace().then_some(scrub)
    }

    fn next_keyspace(&mut self) -> bool {
        let Some(keyspace) = self.left.pop_front() else { return false };
        let begin = keyspace.get();
        self.from = Bytes::copy_from_slice(&begin.to_be_bytes());
        let upto = match begin.checked_add(1) {
            Some(next) => Bytes::copy_from_slice(&next.to_be_bytes()),
            None => Bytes::from_static(&[0xFF; 5]),
        };
        self.levels = vec![Level { upto, rows_max: AUDIT_ROWS_MAX }];
        self.restore();
        true
    }

    /// Whether it goes on by itself: a piece is being read, or synced.
    pub(crate) const fn is_reading(&self) -> bool {
        matches!(self.step, Step::Reading | Step::Read(_))
    }

    /// Up to where the next piece may go.
    pub(crate) fn upto(&self) -> Bytes {
        self.levels.last().map(|level| level.upto.clone()).unwrap_or_default()
    }

    fn restore(&mut self) {
        self.rows_max = self.levels.last().map_or(AUDIT_ROWS_MAX, |level| level.rows_max);
        self.tries = 0;
    }

    /// A piece was read. Live records are to have room beside the next one.
    pub(crate) fn count(&mut self, now: Duration, rows: u64, bytes: u64) {
        self.rows += rows;
        self.bytes += bytes;
        let micros = bytes.saturating_mul(1_000_000) / AUDIT_BYTES_PER_SECOND_MAX;
        self.next = self.next.max(now) + Duration::from_micros(micros);
    }

    /// Whether a difference in a piece of so many rows is told as it is.
    pub(crate) const fn is_finest(&self, rows: u64) -> bool {
        rows <= 1 || self.levels.len() == 1 && self.narrowed >= AUDIT_NARROWED_MAX
    }

    /// The piece up to `upto` differs.
    pub(crate) fn differs(&mut self, upto: &Bytes, finest: bool) -> Differs {
        if finest {
            return Differs::Tell;
        }
        self.narrowed += u32::from(self.levels.len() == 1);
        let rows_max = (self.rows_max / NARROWER).max(1);
        self.levels.push(Level { upto: upto.clone(), rows_max });
        self.restore();
        Differs::Narrow
    }

    /// The piece of so many rows is being written. Whether to look again, in a smaller piece if it can be.
    pub(crate) const fn moves(&mut self, rows: u64) -> bool {
        self.tries += 1;
        if self.tries >= AUDIT_TRIES_MAX {
            return false;
        }
        if rows > 1 {
            self.rows_max = if self.rows_max > QUIETER { self.rows_max / QUIETER } else { 1 };
        }
        true
    }

    /// Goes on behind a piece; `false` if that was the last.
    pub(crate) fn advance(&mut self, upto: Bytes) -> bool {
        self.from = upto;
        let ended = |level: &mut Level| level.upto <= self.from;
        let mut left = false;
        while self.levels.pop_if(ended).is_some() {
            left = true;
        }
        if self.levels.is_empty() {
            return self.next_keyspace();
        }
        let level = self.levels.last().map_or(AUDIT_ROWS_MAX, |level| level.rows_max);
        let larger = self.rows_max.saturating_mul(QUIETER);
        self.rows_max = if left { level } else { larger.min(level) };
        self.tries = 0;
        true
    }
}

/// What audits have found, and not found to be mended since.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) differing: Vec<Difference>,
    /// With the time at which each was last seen.
    damaged: Vec<(Damage, Duration)>,
}

impl Findings {
    /// Whether it is news.
    pub(crate) fn differs(&mut self, difference: Difference) -> bool {
        if self.differing.contains(&difference) || self.differing.len() >= AUDIT_FINDINGS_MAX {
            return false;
        }
        self.differing.push(difference);
        true
    }

    /// A range is the same as the peer's: whatever was found there is mended.
    pub(crate) fn agrees(&mut self, peer: RegionId, from: &[u8], upto: &[u8]) {
        let within = |found: &Difference| found.peer == peer && found.from < upto && from < &found.upto[..];
        self.differing.retain(|found| !within(found));
    }

    /// Whether it is news.
    pub(crate) fn damaged(&mut self, now: Duration, damage: Damage) -> bool {
        if let Some((_, seen)) = self.damaged.iter_mut().find(|(known, _)| *known == damage) {
            *seen = now;
            return false;
        }
        if self.damaged.len() >= AUDIT_FINDINGS_MAX {
            return false;
        }
        self.damaged.push((damage, now));
        true
    }

    /// An audit that began then has ended: damage that it has not seen again is no more.
    pub(crate) fn audited_since(&mut self, began: Duration) {
        self.damaged.retain(|(_, seen)| *seen >= began);
    }

    pub(crate) fn damage(&self) -> impl Iterator<Item = &Damage> {
        self.damaged.iter().map(|(damage, _)| damage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub() -> Scrub {
        Scrub::begin(Duration::ZERO, &BTreeSet::from([KeyspaceId::FIRST])).unwrap()
    }

    #[test]
    fn a_difference_is_narrowed_down_to_a_row_and_then_the_audit_goes_on_as_before() {
        let mut scrub = scrub();
        let key = |key: &[u8]| Bytes::from([&[0, 0, 0, 1], key].concat());
        let end = scrub.upto();
        assert!(!scrub.is_finest(4096));
        assert_eq!(scrub.differs(&key(b"m"), false), Differs::Narrow);
        assert_eq!((scrub.rows_max, scrub.upto()), (64, key(b"m")));
        assert_eq!(scrub.differs(&key(b"c"), false), Differs::Narrow);
        assert!(scrub.rows_max == 1 && scrub.is_finest(1));
        assert_eq!(scrub.differs(&key(b"b"), true), Differs::Tell);
        assert!(scrub.advance(key(b"b")) && scrub.rows_max == 1);
        assert!(scrub.advance(key(b"c")) && scrub.rows_max == 64);
        assert!(scrub.advance(key(b"m")) && scrub.rows_max == AUDIT_ROWS_MAX);
        assert_eq!(scrub.upto(), end);
        assert!(!scrub.advance(end), "there is no other keyspace");
    }

    #[test]
    fn a_range_that_is_written_all_the_time_is_looked_at_in_smaller_pieces_and_given_up() {
        let mut scrub = scrub();
        let mut sizes = Vec::new();
        while scrub.moves(scrub.rows_max as u64) {
            sizes.push(scrub.rows_max);
        }
        assert_eq!(sizes, [512, 64, 8, 1, 1, 1, 1]);
        assert!(scrub.advance(Bytes::from_static(&[0, 0, 0, 1, 1])));
        assert_eq!(scrub.rows_max, QUIETER, "what comes behind is quiet, perhaps");
    }

    #[test]
    fn p10_so_many_differences_are_narrowed_down_and_no_more() {
        let mut scrub = scrub();
        for _ in 0..AUDIT_NARROWED_MAX {
            let upto = Bytes::from([&scrub.from[..], &[1]].concat());
            assert_eq!(scrub.differs(&upto, scrub.is_finest(4096)), Differs::Narrow);
            assert!(scrub.advance(upto));
        }
        assert!(scrub.is_finest(4096));
    }

    #[test]
    fn a_finding_is_news_once_until_it_is_mended() {
        let (mut findings, peer) = (Findings::default(), RegionId::try_from(2).unwrap());
        let difference = |from: &'static [u8], upto: &'static [u8]| Difference {
            peer,
            from: Bytes::from_static(from),
            upto: Bytes::from_static(upto),
        };
        assert!(findings.differs(difference(b"b", b"c")) && !findings.differs(difference(b"b", b"c")));
        findings.agrees(peer, b"c", b"z");
        findings.agrees(RegionId::try_from(3).unwrap(), b"a", b"z");
        assert_eq!(findings.differing.len(), 1);
        findings.agrees(peer, b"a", b"z");
        assert!(findings.differs(difference(b"b", b"c")));
        let damage = Damage { from: Bytes::new(), upto: Bytes::new(), what: String::new() };
        assert!(findings.damaged(Duration::from_secs(1), damage.clone()));
        assert!(!findings.damaged(Duration::from_secs(3), damage));
        findings.audited_since(Duration::from_secs(2));
        assert_eq!(findings.damage().count(), 1);
        findings.audited_since(Duration::from_secs(4));
        assert_eq!(findings.damage().count(), 0);
    }
}
