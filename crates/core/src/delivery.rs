//! Order: which received records may go to the committer, and which wait.
//!
//! The committer applies jobs in the order given, so a record that has been *queued* to it counts as applied for whatever
//! follows. What is told to others is a different vector, the synced one, and no business of this module.
//!
//! Per actor there is one line of received records without a gap. Only its head is ever decoded: a record's deps are a
//! change to those of the record before it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use halcyon_types::limits::PENDING_BYTES_MAX;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, RegionId, Seq, VersionVector};
use halcyon_wire::{Range, Record, RecordError, StoredRecord};

/// What became of the head of a line.
#[derive(Debug)]
pub(crate) enum Step {
    /// It is next, and all it depends on has been queued.
    Deliver { from: RegionId, record: Box<Record>, stored: StoredRecord },
    /// It waits for others. Told once: whoever sent it has all its deps.
    Blocked { from: RegionId, deps: VersionVector },
    /// It cannot be read. The line behind it is dropped.
    Bad { from: RegionId, dot: Dot, error: RecordError },
}

/// A pull in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pull {
    pub(crate) peer: RegionId,
    pub(crate) after: Seq,
    pub(crate) upto: Seq,
    /// When it was asked, or last brought something.
    pub(crate) progress: Duration,
}

/// One actor's records.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Deps of the last record queued.
    deps: VersionVector,
    waiting: VecDeque<(RegionId, StoredRecord)>,
    head: Option<Box<Record>>,
    told: bool,
    /// Nobody's records of this actor are taken: its history has forked.
    pub(crate) forked: bool,
    /// Since when more is known to exist than was received, without progress.
    pub(crate) missing_since: Option<Duration>,
    pub(crate) pull: Option<Pull>,
    /// Who was asked last and brought nothing.
    pub(crate) failed: Option<RegionId>,
}

#[derive(Debug)]
pub(crate) struct Delivery {
    /// What has gone to the committer; of the own actor, what is synced.
    pub(crate) queued: VersionVector,
    pub(crate) lines: BTreeMap<ActorId, Line>,
    /// Bytes that wait, by sender.
    waiting: BTreeMap<RegionId, usize>,
    /// Bytes that are with the committer, by sender.
    applying: BTreeMap<RegionId, usize>,
}

impl Delivery {
    pub(crate) fn new(vv: VersionVector, deps: impl Iterator<Item = (ActorId, VersionVector)>) -> Self {
        let line = |(actor, deps)| {
            let line = Line { deps, ..Line::default() };
            (actor, line)
        };
        Self { queued: vv, lines: deps.map(line).collect(), waiting: BTreeMap::new(), applying: BTreeMap::new() }
    }

    /// The last record received without a gap.
    pub(crate) fn received(&self, actor: ActorId) -> Seq {
        let last = self.lines.get(&actor).and_then(|line| line.waiting.back());
        last.map_or_else(|| self.queued.get(actor), |(_, stored)| stored.seq)
    }

    /// This node writes as another now: its former log is a line like any other, whose last record has `deps`.
    pub(crate) fn disown(&mut self, actor: ActorId, deps: VersionVector) {
        self.lines.entry(actor).or_default().deps = deps;
    }

    /// Whether the actor's line waits for other actors' records, so that more of its own would only pile up.
    pub(crate) fn is_blocked(&self, actor: ActorId) -> bool {
        self.lines.get(&actor).is_some_and(|line| !line.waiting.is_empty())
    }

    pub(crate) fn waiting_bytes(&self, from: RegionId) -> usize {
        self.waiting.get(&from).copied().unwrap_or(0)
    }

    /// Puts the new records of a range in line. What is there already is skipped; behind a gap everything is dropped. Says how
    /// many found no place.
    pub(crate) fn offer(&mut self, from: RegionId, range: Range) -> u64 {
        let mut next = self.received(range.actor).0.saturating_add(1);
        let first = range.first.0;
        if first > next && planted(Mutant::GapAccepted) || first < next && planted(Mutant::DuplicateApplied) {
            next = first;
        }
        let line = self.lines.entry(range.actor).or_default();
        if line.forked {
            return range.records.len() as u64;
        }
        // A range that came packed is one buffer, which each of its records holds whole. That is no loss while all of them
        // wait, nor while the line moves on through one; but a few new records behind many known ones must not keep those,
        // nor a few before many for which there is no room, or a peer would hold far more than what it is held to.
        let held = self.waiting.get(&from).copied().unwrap_or_default();
        let (part, before) = (first < next || held + range.bytes() > PENDING_BYTES_MAX / 2, line.waiting.len());
        let sent = range.records.len();
        for (bytes, seq) in range.records.into_iter().zip(first..) {
            if seq == next {
                let bytes = if part { Bytes::copy_from_slice(&bytes) } else { bytes };
                *self.waiting.entry(from).or_default() += weight(&bytes);
                line.waiting.push_back((from, StoredRecord { seq: Seq(seq), bytes }));
                next += 1;
            }
        }
        (sent + before - line.waiting.len()) as u64
    }

    /// Drops the newest of what `from` has just added to the actor's line, past its bound. To be called once whatever can be
    /// delivered has been, so that a record that others wait for is never dropped for want of room.
    pub(crate) fn trim(&mut self, from: RegionId, actor: ActorId) {
        let Some(line) = self.lines.get_mut(&actor) else { return };
        let held = self.waiting.entry(from).or_default();
        while *held > PENDING_BYTES_MAX {
            let Some((_, stored)) = line.waiting.pop_back_if(|(sender, _)| *sender == from) else {
                return;
            };
            *held -= weight(&stored.bytes);
        }
        if line.waiting.is_empty() {
            (line.head, line.told) = (None, false);
        }
    }

    /// The link from `from` is gone: what it brought and still waits is dropped, and whatever stands in line behind that.
    pub(crate) fn lose(&mut self, from: RegionId) {
        for line in self.lines.values_mut() {
            let Some(at) = line.waiting.iter().position(|(sender, _)| *sender == from) else { continue };
            for (sender, stored) in line.waiting.drain(at..) {
                *self.waiting.entry(sender).or_default() -= weight(&stored.bytes);
            }
            if line.waiting.is_empty() {
                (line.head, line.told) = (None, false);
            }
        }
    }

    /// Records from `from` that wait for what they depend on.
    pub(crate) fn waiting_records(&self, from: RegionId) -> usize {
        let senders = self.lines.values().flat_map(|line| &line.waiting);
        senders.filter(|(sender, _)| *sender == from).count()
    }

    /// How far each actor's records have come without a gap, those that wait included.
    pub(crate) fn received_all(&self) -> VersionVector {
        let mut vv = self.queued.clone();
        for actor in self.lines.keys() {
            vv.set(*actor, self.received(*actor));
        }
        vv
    }

    /// Takes the next step of any line, until none can move.
    pub(crate) fn step(&mut self) -> Option<Step> {
        let Self { queued, lines, waiting, applying } = self;
        lines
            .iter_mut()
            .filter(|(_, line)| !line.waiting.is_empty())
            .find_map(|(actor, line)| line.step(*actor, queued, waiting, applying))
    }

    /// The committer has synced a record of so many bytes.
    pub(crate) fn applied(&mut self, from: RegionId, bytes: usize) {
        if let Some(held) = self.applying.get_mut(&from) {
            *held = held.saturating_sub(bytes);
        }
    }

    /// Takes no more of the actor's records, from anybody.
    pub(crate) fn fork(&mut self, actor: ActorId) {
        let line = self.lines.entry(actor).or_default();
        (line.forked, line.pull, line.missing_since) = (true, None, None);
        line.clear(&mut self.waiting);
    }

    pub(crate) fn is_forked(&self, actor: ActorId) -> bool {
        self.lines.get(&actor).is_some_and(|line| line.forked)
    }

    pub(crate) fn agrees(&self) -> bool {
        self.lines.iter().all(|(actor, line)| {
            let (first, last) = (line.waiting.front(), line.waiting.back());
            let span = first.zip(last).map(|((_, first), (_, last))| (first.seq, last.seq));
            span.is_none_or(|(first, last)| {
                Some(first) == self.queued.get(*actor).next() && last.0 - first.0 + 1 == line.waiting.len() as u64
            })
        })
    }
}

impl Line {
    fn step(
        &mut self,
        actor: ActorId,
        queued: &mut VersionVector,
        waiting: &mut BTreeMap<RegionId, usize>,
        applying: &mut BTreeMap<RegionId, usize>,
    ) -> Option<Step> {
        let (from, stored) = self.waiting.front()?;
        let (from, dot) = (*from, Dot { actor, seq: stored.seq });
        let under_way = applying.entry(from).or_default();
        if *under_way >= PENDING_BYTES_MAX {
            return None;
        }
        let record = match self.head.take().map_or_else(|| decode(dot, stored, &self.deps), Ok) {
            Ok(record) => record,
            Err(error) => {
                self.clear(waiting);
                return Some(Step::Bad { from, dot, error });
            }
        };
        if !record.deps.le(queued) && !planted(Mutant::DepsIgnored) {
            let deps = (!self.told).then(|| record.deps.clone());
            (self.head, self.told) = (Some(record), true);
            return deps.map(|deps| Step::Blocked { from, deps });
        }
        let (_, stored) = self.waiting.pop_front()?;
        self.told = false;
        self.deps.clone_from(&record.deps);
        queued.observe(dot);
        *under_way += weight(&stored.bytes);
        *waiting.entry(from).or_default() -= weight(&stored.bytes);
        Some(Step::Deliver { from, record, stored })
    }

    fn clear(&mut self, waiting: &mut BTreeMap<RegionId, usize>) {
        for (from, stored) in self.waiting.drain(..) {
            *waiting.entry(from).or_default() -= weight(&stored.bytes);
        }
        (self.head, self.told) = (None, false);
    }
}

/// What a received record holds in memory: its bytes, and its place in line, so that empty records are not free.
pub(crate) fn weight(record: &Bytes) -> usize {
    record.len() + size_of::<(RegionId, StoredRecord)>()
}

fn decode(dot: Dot, stored: &StoredRecord, previous_deps: &VersionVector) -> Result<Box<Record>, RecordError> {
    let record = Record::decode(&stored.bytes, dot.actor, previous_deps)?;
    if record.dot == dot {
        return Ok(Box::new(record));
    }
    let reason = "stands at another place in its log";
    Err(RecordError::Shape { dot, reason })
}
