//! The committer's threads in virtual time: what waits is staged as a group, a group sets out for the disk once the one before
//! it is there, the sync takes its time, and only then is anybody told.

use halcyon_core::{Job, JobResult, Ticket};
use halcyon_store::{ApplyError, CommitError, Fatal, Logs, Sealed, StageError, Staged, WriteFailure, WriteJob};
use halcyon_types::limits::GROUP_BYTES_MAX;
use halcyon_types::{RegionId, UnixMs, VersionVector};
use halcyon_wire::{Record, StoredRecord};

use super::World;
use super::event::Event;
use super::fault::When;
use super::hasty;
use super::judging::went;
use super::known::{Known, Unreadable};
use super::node::{Group, Node, Work};
use super::observation::Observation;
use super::seat::Seat;

/// Why a committer does not take what it is given.
#[derive(Debug, thiserror::Error)]
enum Untaken {
    #[error(transparent)]
    Record(#[from] ApplyError),
    #[error(transparent)]
    Any(#[from] Fatal),
}

impl World {
    /// Stages what waits, whether or not a group is being synced, and lets it set out if none is.
    pub(super) fn begin_group(&mut self, region: RegionId) {
        let now = self.now;
        let Some(seat) = self.seats.get_mut(&region) else { return };
        let Seat { clock, node: Some(node), group_max, .. } = seat else { return };
        if !node.queue.is_empty() {
            let meanwhile = node.group.is_some();
            let staged = node.stage_group(clock.at(now), *group_max);
            self.observe(&Observation::Staged { region, result: went(&staged) });
            let Ok(jobs) = staged else { return };
            self.figures.add("jobs staged while a group was being synced", if meanwhile { jobs as u64 } else { 0 });
            self.trace.tell(now, Some(region), "stage", &(jobs as u64).to_le_bytes(), || format!("{jobs} jobs"));
        }
        self.set_out(region);
    }

    /// The staged group sets out for the disk.
    fn set_out(&mut self, region: RegionId) {
        let now = self.now;
        let Some(seat) = self.seats.get_mut(&region) else { return };
        let Seat { node: Some(node), sync, dice, armed, .. } = seat else { return };
        let Some(mut group) = node.staged.take_if(|_| node.group.is_none()) else { return };
        let sealed = match node.committer.seal() {
            Ok(sealed) => sealed,
            Err(error) => return self.observe(&Observation::Staged { region, result: Err(&error) }),
        };
        group.sealed = Some(sealed);
        node.group = Some(group);
        let (life, takes) = (node.life, dice.span(sync.0, sync.1));
        if armed.is_some_and(|armed| armed.when == When::Syncing) {
            self.schedule(now + takes / 2, Event::Crash { region, life });
        }
        self.count_staged(region, takes);
        self.schedule(now + takes, Event::Synced { region, life });
        if hasty::is_hasty() {
            self.tell_early(region);
        }
    }

    /// The sync ends.
    pub(super) fn synced(&mut self, region: RegionId, life: u64) {
        if !self.lives(region, life) {
            return;
        }
        let Some(Seat { backend, node: Some(node), failing, known, .. }) = self.seats.get_mut(&region) else { return };
        let Some(mut group) = node.group.take() else { return };
        // Where there is nothing to write, the failure waits for what comes.
        let fails = failing.take_if(|_| group.sealed.as_ref().is_some_and(Sealed::writes));
        if let Some((failure, _)) = fails {
            backend.fail_next_write(failure);
        }
        let written = match (group.early.take(), group.sealed.take()) {
            (Some(early), _) => hasty::sync(backend).map(|()| early).map_err(CommitError::from),
            (None, Some(sealed)) => sealed.write(),
            (None, None) => return,
        };
        if let Some((failure, down)) = fails {
            self.observe(&Observation::SyncEnded { region, fails: true, result: went(&written) });
            // A failed sync is final: the process stops, and nobody is told.
            self.figures.count(match failure {
                WriteFailure::Lost => "groups lost by a failed sync",
                WriteFailure::Kept => "groups kept through a failed sync",
            });
            return self.crash(region, false, false, down);
        }
        node.committer.settle();
        let synced = written.map(|committed| (known.records_of(node, &group, &committed.own), committed));
        self.observe(&Observation::SyncEnded { region, fails: false, result: went(&synced) });
        let Ok((records, committed)) = synced else { return };
        let Some(records) = self.log_read(region, records) else { return };
        for (_, result) in &group.results {
            if let JobResult::Minted(actor) = *result {
                self.observe(&Observation::Minted { region, actor });
            }
        }
        self.tell_synced(region, &committed.vv, &records);
        self.count_synced(region, &group, &records, committed.hlc);
        if self.failure.is_some() || self.moment(region, When::Synced) {
            return;
        }
        let Some(now) = self.clocks(region) else { return };
        let Some(node) = self.node_mut(region) else { return };
        let heads = committed.heads.into_iter().map(|(actor, head)| (actor, head.hash)).collect();
        let results = hasty::untold(group.results);
        let halcyon_store::Committed { vv, hlc, facts, .. } = committed;
        let committed = halcyon_core::Committed { results, vv, hlc, heads, facts };
        node.replica.handle_committed(now, committed);
        self.pump(region);
    }

    fn tell_synced(&mut self, region: RegionId, vv: &VersionVector, records: &[(Record, StoredRecord)]) {
        self.trace.tell(self.now, Some(region), "synced", &(records.len() as u64).to_le_bytes(), || format!("{vv:?}"));
        self.figures.add("records applied", records.len() as u64);
        self.observe(&Observation::Applied { region, vv, records });
    }
}

impl Node {
    /// Takes what waits into the group that is being staged, as long as that has room; how many jobs.
    fn stage_group(&mut self, real: UnixMs, group_max: usize) -> Result<usize, Untaken> {
        let mut group = self.staged.take().unwrap_or_default();
        let before = group.results.len();
        loop {
            let (count, bytes) = self.committer.staged();
            if count.max(group.results.len()) >= group_max || bytes >= GROUP_BYTES_MAX {
                break;
            }
            let Some(work) = self.queue.pop_front() else { break };
            self.stage(work, real, &mut group)?;
        }
        let jobs = group.results.len() - before;
        self.staged = (!group.results.is_empty()).then_some(group);
        Ok(jobs)
    }

    fn stage(&mut self, Work { job, snapshot }: Work, real: UnixMs, group: &mut Group) -> Result<(), Untaken> {
        let settled: (Ticket, JobResult) = match job {
            Job::Write { ticket, wall, write, actors, refusal, .. } => {
                let job = WriteJob { now: wall, real, write: &write, snapshot, actors: &actors, refusal };
                match self.committer.stage_write(job) {
                    Ok(Staged::Fresh { dot, shortages }) => (ticket, JobResult::Written { dot, shortages }),
                    Ok(Staged::Duplicate(dot)) => (ticket, JobResult::Duplicate(dot)),
                    Err(StageError::Refused(refusal)) => (ticket, JobResult::Refused(refusal)),
                    Err(StageError::Fatal(fatal)) => return Err(fatal.into()),
                }
            }
            Job::Record { ticket, wall, record, stored } => {
                self.committer.stage_record(wall, &record, &stored)?;
                group.foreign.insert(ticket, (record, stored));
                (ticket, JobResult::Applied)
            }
            Job::Grant { ticket, wall, counter, to, amount, actors } => {
                let granted = self.committer.stage_grant(wall, real, &counter, to, amount, &actors)?;
                group.grants += u64::from(granted.is_some());
                (ticket, JobResult::Done(granted))
            }
            Job::Sweep { ticket, wall, upto, keys } => {
                let swept = self.committer.stage_sweep(wall, real, upto, keys)?;
                group.sweeps += u64::from(swept.is_some());
                (ticket, JobResult::Done(swept))
            }
            Job::Mint { ticket, wall } => (ticket, JobResult::Minted(self.committer.stage_mint(wall)?)),
            Job::Truncate { ticket, upto, older_than, bytes_max } => {
                let before = self.committer.floors().clone();
                let Logs { floors, bytes, next } = self.committer.stage_truncation(&upto, older_than, bytes_max)?;
                group.truncations += u64::from(floors != before);
                (ticket, JobResult::Truncated(halcyon_core::Logs { floors, bytes, next }))
            }
        };
        group.results.push(settled);
        Ok(())
    }
}

impl Known {
    /// The records of a group, in the order in which they were applied: own ones are read from what the log has of them.
    fn records_of(
        &mut self,
        node: &Node,
        group: &Group,
        own: &[StoredRecord],
    ) -> Result<Vec<(Record, StoredRecord)>, Unreadable> {
        let mut own = own.iter().peekable();
        let mut records = Vec::new();
        for (ticket, result) in &group.results {
            match result {
                JobResult::Written { dot, .. } | JobResult::Done(Some(dot)) => {
                    while let Some(stored) = own.next_if(|stored| stored.seq <= dot.seq) {
                        let record = self.read(node.actor(), stored)?;
                        self.take(&record);
                        records.push((record, stored.clone()));
                    }
                }
                JobResult::Applied => {
                    if let Some((record, stored)) = group.foreign.get(ticket).cloned() {
                        self.take(&record);
                        records.push((record, stored));
                    }
                }
                JobResult::Duplicate(_)
                | JobResult::Refused(_)
                | JobResult::Done(None)
                | JobResult::Minted(_)
                | JobResult::Truncated(_) => {}
            }
        }
        Ok(records)
    }
}
