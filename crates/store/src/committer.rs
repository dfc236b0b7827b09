//! The one room where state changes.

mod chores;
mod mint;
mod truncate;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_crdt::{Layer, Stamp, apply};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Hlc, RequestId, UnixMs, VersionVector};
use halcyon_wire::fact::is_system;
use halcyon_wire::{ChainHash, Record, StoredRecord};

use crate::backend::{Backend, Batch, Family};
use crate::clock::{Clock, is_followed};
use crate::deadlines::Deadlines;
use crate::dedupe::Dedupe;
use crate::derived::{self, Summaries};
use crate::error::{ApplyError, CommitError, Fatal, OpenError, ReadError};
use crate::group::Group;
use crate::identity::{Claim, Identity};
use crate::layout::{self, Head, IDENTITY_KEY};
use crate::outcome::{Committed, Settings};
use crate::reader::Reader;
use crate::recover::{Recovered, recover};
use crate::row_cache::RowCache;
use crate::sealed::{Sealed, Stopped};
use crate::stored::Stored;
use crate::under_way::UnderWay;

pub use self::write::WriteJob;

/// How far ahead of the last stamp the persisted ceiling is set, so that not every group has to write it. A restart within
/// this time goes on with stamps so far ahead of the wall clock.
const CEILING_LEASE: Duration = Duration::from_millis(100);

/// Takes writes and records one at a time, commits them in groups.
///
/// Its obligations:
///
/// 1. *One batch, one sync.* Rows, log entries, version vector, heads, request ids and the clock's ceiling of a group are
///    written together and synced, or the committer is dead (promises P1, P5).
/// 2. *Nothing is told before.* Whatever staging returns must not leave the node before its group's [`Sealed::write`] has
///    answered.
/// 3. *A refusal leaves no trace:* no row, no seq, no request id.
/// 4. *Seqs have no gap* and are never used twice, whatever crashes between (P2).
/// 5. *Own and foreign records take the same steps:* `crdt::apply`, log, head, vector, request id (P3).
/// 6. *Records are applied in causal order.* The core has seen to it; here it is checked once more (P4).
/// 7. *Derived rows are what the rows say:* computed from the whole group, written with it.
/// 8. *A failure is final:* after an error of the disk in mid-change nothing is staged or committed any more.
/// 9. *One group is under way at a time.* The next may be staged meanwhile: it reads what the one under way has changed, and
///    sets out when that one has settled. Groups reach the disk in the order in which they were sealed.
pub struct Committer<B: Backend> {
    backend: B,
    identity: Identity,
    actor: ActorId,
    rows: Layer<UnderWay<B>>,
    deadlines: Deadlines,
    vv: VersionVector,
    heads: BTreeMap<ActorId, Head>,
    dedupe: Dedupe,
    clock: Clock,
    /// Up to where records have been dropped from the logs, the staged group's included.
    floors: VersionVector,
    /// And the room they took given back.
    reclaimed: VersionVector,
    /// On disk: the next process's stamps will be above it.
    ceiling: Hlc,
    group: Group,
    /// The last real time told: request ids are forgotten by it.
    real: Option<UnixMs>,
    /// A sealed group has not settled yet.
    under_way: bool,
    stopped: Stopped,
    value: Vec<u8>,
}

impl<B: Backend> Committer<B> {
    /// Opens a node's data, or begins it if `backend` is empty.
    ///
    /// # Errors
    /// [`OpenError`]; nothing has changed.
    pub fn open(backend: B, claim: &Claim) -> Result<(Self, Recovered), OpenError> {
        Self::open_with(backend, claim, Settings::default())
    }

    /// As [`Self::open`], with settings.
    ///
    /// # Errors
    /// [`OpenError`]; nothing has changed.
    pub fn open_with(backend: B, claim: &Claim, settings: Settings) -> Result<(Self, Recovered), OpenError> {
        let (recovered, identity, clock) = recover(&backend, claim)?;
        let dedupe = Dedupe::recover(&backend)?;
        derived::rebuild::complete(&backend)?;
        let deadlines = Deadlines::new(derived::has_deadlines(&backend)?);
        let cache = RowCache::new(settings.row_cache_bytes_max);
        let stored = Stored::new(backend.clone(), cache, deadlines.clone());
        let committer = Self {
            identity,
            actor: recovered.actor,
            rows: Layer::over(UnderWay::over(stored)),
            deadlines,
            backend,
            vv: recovered.vv.clone(),
            heads: recovered.heads.clone(),
            dedupe,
            ceiling: Hlc::ZERO,
            clock,
            floors: recovered.floors.clone(),
            reclaimed: VersionVector::new(),
            group: Group::default(),
            real: None,
            under_way: false,
            stopped: Stopped::default(),
            value: Vec::new(),
        };
        Ok((committer, recovered))
    }

    /// A handle for reading what is committed.
    pub fn reader(&self) -> Reader<B> {
        Reader::new(self.backend.clone(), self.deadlines.clone())
    }

    /// Up to where records have been dropped from the logs, those that wait for the commit included.
    pub const fn floors(&self) -> &VersionVector {
        &self.floors
    }

    /// How many records, and how many bytes of them, wait for the commit.
    pub const fn staged(&self) -> (usize, usize) {
        (self.group.records.len(), self.group.bytes)
    }

    /// Takes a record of another actor's log. One that is applied already is left alone.
    ///
    /// # Errors
    /// [`ApplyError`]: the caller has a defect, or, if fatal, stop the process.
    pub fn stage_record(&mut self, now: UnixMs, record: &Record, stored: &StoredRecord) -> Result<(), ApplyError> {
        self.alive()?;
        if record.dot.actor == self.actor && !self.vv.covers(record.dot) {
            return Err(ApplyError::Own { dot: record.dot });
        }
        self.stage_replayed(now, record, stored)
    }

    /// As [`Self::stage_record`], for any actor: records of this node's own logs, which a copy in the place of its state lacks.
    ///
    /// # Errors
    /// [`ApplyError`]: the caller has a defect, or, if fatal, stop the process.
    pub fn stage_replayed(&mut self, now: UnixMs, record: &Record, stored: &StoredRecord) -> Result<(), ApplyError> {
        self.alive()?;
        let dot = record.dot;
        if self.vv.covers(dot) && !planted(Mutant::DuplicateApplied) {
            return Ok(());
        }
        if stored.seq != dot.seq {
            return Err(ApplyError::Mismatch { dot, stored: stored.seq });
        }
        let have = self.vv.get(dot.actor);
        let astray = planted(Mutant::GapAccepted) || planted(Mutant::DuplicateApplied);
        if have.next() != Some(dot.seq) && !astray {
            return Err(ApplyError::Gap { dot, have });
        }
        let early = !record.deps.le(&self.vv) && !planted(Mutant::DepsIgnored);
        if early || !record.ctx().le(&record.deps) {
            return Err(ApplyError::Early { dot });
        }
        let known = match record.request {
            // Executed in two regions before they heard of each other: the first answer stays the answer.
            Some(request) => self.dedupe.find(&self.backend, request)?.is_some(),
            None => false,
        };
        // One stamp from the far future must not hide the sane ones of its group.
        if is_followed(record.hlc, now) {
            self.group.heard = self.group.heard.max(Some(record.hlc));
        }
        let request = record.request.filter(|_| !known && !planted(Mutant::ForeignRequestsUnknown));
        self.append(now, record, request, stored.clone())?;
        Ok(())
    }

    /// Makes the group durable, with one synced write; none if nothing is staged, and nothing was purged.
    ///
    /// # Errors
    /// [`CommitError`]: final. Whether the group survives is unknown; the process must stop.
    pub fn commit(&mut self) -> Result<Committed, CommitError> {
        let committed = self.seal()?.write()?;
        self.settle();
        Ok(committed)
    }

    /// Makes one batch of the group that was staged and begins the next. The sealed group is to be written, by whatever
    /// thread, and then [settled](Self::settle) before another is sealed.
    ///
    /// # Errors
    /// [`CommitError`]: final. Nothing of the group is on disk; the process must stop.
    pub fn seal(&mut self) -> Result<Sealed<B>, CommitError> {
        self.alive()?;
        if self.under_way {
            return Err(Fatal::Unsettled.into());
        }
        let batch = if self.group.is_empty() && self.rows.changes().is_empty() { None } else { Some(self.pack()?) };
        self.under_way = true;
        let heads = self.heads_of_group();
        let own = self.group.records.drain(..).filter(|(actor, _)| *actor == self.actor);
        let own = own.map(|(_, record)| record).collect();
        let facts = self.group.facts;
        self.group.clear();
        let committed = Committed {
            vv: self.vv.clone(),
            hlc: self.clock.last(),
            own,
            head: self.heads.get(&self.actor).map_or_else(|| ChainHash::genesis(self.actor), |head| head.hash),
            heads,
            facts: None,
        };
        Ok(Sealed { backend: self.backend.clone(), batch, facts, committed, stopped: self.stopped.clone() })
    }

    /// The sealed group is on disk.
    pub fn settle(&mut self) {
        self.rows.under().settle();
        self.dedupe.settle();
        self.under_way = false;
    }

    /// Whether a sealed group has not settled.
    pub const fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// What the group has changed, as one batch; from here on the next group sees it as under way.
    fn pack(&mut self) -> Result<B::Batch, Fatal> {
        self.hear(self.group.now);
        let (batch, summaries) = self.batch().map_err(|error| self.fatal(Fatal::Underived(error)))?;
        let changed = self.rows.take();
        self.rows.under().set_out(changed, summaries);
        self.dedupe.seal();
        Ok(batch)
    }

    /// Nothing goes on after it.
    fn fatal(&self, error: Fatal) -> Fatal {
        self.stopped.stop();
        error
    }

    /// Whether the disk is still good for a commit, as far as it knows by itself. To be asked now and then.
    ///
    /// # Errors
    /// [`CommitError`]: final. Everything committed is durable; the process must stop.
    pub fn probe(&mut self) -> Result<(), CommitError> {
        self.alive()?;
        let probed = self.backend.probe();
        if probed.is_err() {
            self.stopped.stop();
        }
        Ok(probed?)
    }

    /// The steps that every record takes, wherever it comes from.
    fn append(
        &mut self,
        now: UnixMs,
        record: &Record,
        request: Option<RequestId>,
        stored: StoredRecord,
    ) -> Result<(), Fatal> {
        let dot = record.dot;
        self.group.facts |= record.effects.iter().any(is_system);
        let stamp = Stamp { dot, hlc: record.hlc, ctx: record.ctx() };
        if let Err(error) = apply(&mut self.rows, stamp, &record.effects) {
            return Err(self.fatal(Fatal::HalfApplied(error)));
        }
        let head = self.heads.entry(dot.actor).or_insert_with(|| Head::genesis(dot.actor));
        head.seq = dot.seq;
        head.deps.clone_from(&record.deps);
        head.hash = head.hash.extend(&stored.bytes);
        self.vv.observe(dot);
        if let Some(request) = request {
            self.dedupe.stage(request, dot);
        }
        self.group.push(now, dot.actor, stored);
        Ok(())
    }

    /// The whole group as one batch, and the summaries in it.
    fn batch(&mut self) -> Result<(B::Batch, Summaries), ReadError> {
        let (mut batch, value) = (self.backend.batch(), &mut self.value);
        for collection in self.rows.dropped() {
            if let Some(end) = collection.end() {
                batch.delete_range(Family::State, collection.as_bytes(), &end);
            }
        }
        for (key, change) in self.rows.changes() {
            match &change.row {
                Some(row) => {
                    value.clear();
                    row.encode(value);
                    batch.put(Family::State, key.as_bytes(), value);
                }
                None if change.was => batch.delete(Family::State, key.as_bytes()),
                None => {}
            }
        }
        for key in &self.group.stale {
            batch.delete(Family::Derived, key);
        }
        let summaries = derived::group::write(&mut self.rows, &mut batch, value)?;
        let logged = |actor| actor == self.actor || !planted(Mutant::ForeignUnlogged);
        for (actor, record) in self.group.records.iter().filter(|(actor, _)| logged(*actor)) {
            let key = layout::log_key(Dot { actor: *actor, seq: record.seq });
            batch.put(Family::Log, &key, &record.bytes);
        }
        for (actor, first, last) in &self.group.truncated {
            let [from, upto] = [Some(*first), last.next()].map(|seq| layout::log_bound(*actor, seq));
            batch.delete_range(Family::Log, &from, &upto);
        }
        if let Some(identity) = &self.group.identity {
            batch.put(Family::Local, &IDENTITY_KEY, &identity.encode());
        }
        if !self.group.truncated.is_empty() {
            value.clear();
            layout::put_vv(value, &self.floors);
            batch.put(Family::Local, &layout::FLOORS_KEY, value);
        }
        for actor in &self.group.actors {
            if let Some(head) = self.heads.get(actor) {
                value.clear();
                layout::put_head(value, head);
                batch.put(Family::State, &layout::head_key(*actor), value);
            }
        }
        if self.group.records.len() > 1 || !planted(Mutant::VectorOutsideBatch) {
            value.clear();
            layout::put_vv(value, &self.vv);
            batch.put(Family::State, &layout::VV_KEY, value);
        }
        self.dedupe.write(self.real.unwrap_or(self.group.now), &self.backend, &mut batch, value);
        if self.clock.last() > self.ceiling {
            self.ceiling = self.clock.lease(CEILING_LEASE);
            value.clear();
            layout::put_ceiling(value, self.ceiling);
            batch.put(Family::Local, &layout::CEILING_KEY, value);
        }
        Ok((batch, summaries))
    }

    fn heads_of_group(&self) -> BTreeMap<ActorId, Head> {
        let actors = self.group.actors.iter();
        actors.filter_map(|actor| Some((*actor, self.heads.get(actor)?.clone()))).collect()
    }

    /// Lets the clock hear the records staged since it last did, so that what is written after them is stamped above them.
    fn hear(&mut self, now: UnixMs) {
        if let Some(heard) = self.group.heard.take() {
            self.clock.observe(heard, now);
        }
    }

    fn alive(&self) -> Result<(), Fatal> {
        if self.stopped.is_stopped() { Err(Fatal::Stopped) } else { Ok(()) }
    }
}
