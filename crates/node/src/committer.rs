//! The committer's two threads: one stages what waits as a group, the other writes groups to the disk, one synced write each.
//!
//! While a group is being synced the next is staged, as jobs come, and sets out once the disk is free.
//! Nothing waits for a group to fill: a lone write is a group of its own, and the staging thread writes it itself. Now and
//! then the database is asked whether it still works: not every job writes something.

mod writer;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;
use std::vec;

use halcyon_core::{Job, JobResult, Ticket};
use halcyon_store::{
    ApplyError, Backend, CommitError, Committed, Committer, Fatal, Logs, Sealed, Snapshot, StageError, Staged, WriteJob,
};
use halcyon_types::UnixMs;
use halcyon_types::limits::{GROUP_BYTES_MAX, GROUP_MAX};
use tokio::sync::mpsc::UnboundedSender;

use crate::clocks::Clocks;

/// So few jobs, with none behind them, are written by the thread that has staged them: waking the writer would take longer
/// than it saves.
const ALONE_MAX: usize = 4;

/// So often the database is asked whether it still works, whatever else happens.
const ASKS_EVERY: Duration = Duration::from_secs(1);

/// A job, and the snapshot of the transaction that it commits.
pub(crate) struct Work<B: Backend> {
    pub(crate) job: Job,
    pub(crate) snapshot: Option<Snapshot<B::Snapshot>>,
}

/// A group that has been synced, or the reason why nothing will be any more.
pub(crate) type Done = Result<Group, CommitterError>;

/// What one sync made durable.
pub(crate) struct Group {
    /// What came of each job, in order.
    pub(crate) results: Vec<(Ticket, JobResult)>,
    /// What is on disk now.
    pub(crate) synced: Committed,
    /// From the group's first job to the end of its sync.
    pub(crate) took: Duration,
}

/// Why the committer stopped. Writes of the group it was at were not acknowledged: their outcome is unknown until the
/// node is started again and their clients retry.
#[derive(Debug, thiserror::Error)]
pub enum CommitterError {
    /// Reading rows, or the sync itself, failed. A failed sync is final.
    #[error("the data directory cannot be used any more: {0}")]
    Store(String),
    /// A record arrived at the committer out of order: a defect of this program.
    #[error("defect: {0}; the node stopped before it could do harm, please report it")]
    Order(String),
}

impl From<CommitError> for CommitterError {
    fn from(error: CommitError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<Fatal> for CommitterError {
    fn from(error: Fatal) -> Self {
        Self::Store(error.to_string())
    }
}

/// The way to the committer. Dropped, it lets the threads end once everything handed in before is on disk.
pub(crate) struct Jobs<B: Backend>(Sender<Inbox<B>>);

impl<B: Backend> Jobs<B> {
    /// Hands in what is to be done, in order. A committer that has ended says so itself.
    pub(crate) fn send(&self, jobs: Vec<Work<B>>) {
        let _ = self.0.send(Inbox::Jobs(jobs));
    }
}

impl<B: Backend> Drop for Jobs<B> {
    fn drop(&mut self) {
        let _ = self.0.send(Inbox::End);
    }
}

/// What the staging thread hears.
enum Inbox<B: Backend> {
    Jobs(Vec<Work<B>>),
    /// The group that was under way is on disk; or the writer has ended, and if a write has failed it has said so.
    Written {
        settled: bool,
    },
    End,
}

/// A group, staged or on its way.
struct Gathered<S> {
    /// What came of each job, in order; nobody knows yet.
    results: Vec<(Ticket, JobResult)>,
    /// When its first job was staged.
    began: Duration,
    sealed: S,
}

impl<B: Backend> Gathered<Sealed<B>> {
    /// Waits for the disk, and tells what has become of the group. Whether all is well.
    fn write(self, clocks: &Clocks, done: &UnboundedSender<Done>) -> bool {
        let Self { results, began, sealed } = self;
        let written = sealed.write();
        let well = written.is_ok();
        let took = clocks.now().mono.saturating_sub(began);
        let told = done.send(written.map(|synced| Group { results, synced, took }).map_err(Into::into));
        // A node that has ended does not want to know.
        well && told.is_ok()
    }
}

/// Starts the threads. They run until the jobs' sender is dropped, or an error ends them.
pub(crate) fn spawn<B: Backend + 'static>(
    committer: Committer<B>,
    clocks: Clocks,
    done: UnboundedSender<Done>,
) -> std::io::Result<Jobs<B>> {
    let (jobs, inbox) = channel();
    let disk = writer::spawn(jobs.clone(), clocks.clone(), done.clone())?;
    let mut stager = Stager {
        committer,
        clocks,
        inbox,
        disk,
        done: done.clone(),
        waiting: VecDeque::new(),
        gathered: None,
        ended: false,
    };
    thread::Builder::new().name("committer".to_owned()).spawn(move || {
        if let Err(error) = stager.run()
            && stager.settles()
        {
            // A node that has ended does not want to know.
            let _ = done.send(Err(error));
        }
    })?;
    Ok(Jobs(jobs))
}

/// The staging thread.
struct Stager<B: Backend> {
    committer: Committer<B>,
    clocks: Clocks,
    inbox: Receiver<Inbox<B>>,
    disk: Sender<Gathered<Sealed<B>>>,
    done: UnboundedSender<Done>,
    /// What has been handed in, batch by batch.
    waiting: VecDeque<vec::IntoIter<Work<B>>>,
    gathered: Option<Gathered<()>>,
    ended: bool,
}

impl<B: Backend> Stager<B> {
    fn run(&mut self) -> Result<(), CommitterError> {
        let mut asked = self.clocks.now().mono;
        loop {
            let now = self.clocks.now().mono;
            if now >= asked + ASKS_EVERY {
                asked = now;
                self.committer.probe()?;
            }
            match self.inbox.recv_timeout(ASKS_EVERY) {
                Ok(heard) => {
                    if !self.hear(heard) {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            // Whatever else waits goes into the same group.
            while let Ok(heard) = self.inbox.try_recv() {
                if !self.hear(heard) {
                    return Ok(());
                }
            }
            // What was staged while the disk was busy does not wait for the rest.
            if !self.set_out()? {
                return Ok(());
            }
            self.stage()?;
            if !self.set_out()? {
                return Ok(());
            }
            if self.ended && self.gathered.is_none() && !self.committer.is_under_way() {
                return Ok(());
            }
        }
    }

    /// After an error: waits for the group under way, which has its own end. Whether that is a good one; else the writer has
    /// said why, and nothing else matters.
    fn settles(&mut self) -> bool {
        while self.committer.is_under_way() {
            match self.inbox.recv() {
                Ok(Inbox::Written { settled: true }) => self.committer.settle(),
                Ok(Inbox::Written { settled: false }) => return false,
                Ok(Inbox::Jobs(_) | Inbox::End) => {}
                Err(_) => return true,
            }
        }
        true
    }

    /// Whether to go on.
    fn hear(&mut self, heard: Inbox<B>) -> bool {
        match heard {
            Inbox::Jobs(jobs) => self.waiting.push_back(jobs.into_iter()),
            Inbox::Written { settled: true } => self.committer.settle(),
            Inbox::Written { settled: false } => return false,
            Inbox::End => self.ended = true,
        }
        true
    }

    /// Stages those that wait, as long as the group has room.
    fn stage(&mut self) -> Result<(), CommitterError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (began, real) = (self.clocks.now().mono, self.clocks.real());
        let new = || Gathered { results: Vec::new(), began, sealed: () };
        let group = self.gathered.get_or_insert_with(new);
        loop {
            let (count, bytes) = self.committer.staged();
            if count.max(group.results.len()) >= GROUP_MAX || bytes >= GROUP_BYTES_MAX {
                break;
            }
            let Some(batch) = self.waiting.front_mut() else { break };
            let work = batch.next();
            if batch.as_slice().is_empty() {
                self.waiting.pop_front();
            }
            let Some(work) = work else { continue };
            group.results.push(stage(&mut self.committer, work, real)?);
        }
        Ok(())
    }

    /// Lets the group set out, if the disk is free. Whether to go on.
    fn set_out(&mut self) -> Result<bool, CommitterError> {
        if self.committer.is_under_way() {
            return Ok(true);
        }
        let Some(Gathered { results, began, sealed: () }) = self.gathered.take() else { return Ok(true) };
        let group = Gathered { results, began, sealed: self.committer.seal()? };
        if group.results.len() > ALONE_MAX || !self.waiting.is_empty() {
            // A writer that has ended says so.
            let _ = self.disk.send(group);
            return Ok(true);
        }
        let well = group.write(&self.clocks, &self.done);
        if well {
            self.committer.settle();
        }
        Ok(well)
    }
}

fn stage<B: Backend>(
    committer: &mut Committer<B>,
    work: Work<B>,
    real: UnixMs,
) -> Result<(Ticket, JobResult), CommitterError> {
    let Work { job, snapshot } = work;
    match job {
        Job::Write { ticket, wall, write, actors, refusal, .. } => {
            let job = WriteJob { now: wall, real, write: &write, snapshot, actors: &actors, refusal };
            match committer.stage_write(job) {
                Ok(Staged::Fresh { dot, shortages }) => Ok((ticket, JobResult::Written { dot, shortages })),
                Ok(Staged::Duplicate(dot)) => Ok((ticket, JobResult::Duplicate(dot))),
                Err(StageError::Refused(refusal)) => Ok((ticket, JobResult::Refused(refusal))),
                Err(StageError::Fatal(fatal)) => Err(fatal.into()),
            }
        }
        Job::Record { ticket, wall, record, stored } => match committer.stage_record(wall, &record, &stored) {
            Ok(()) => Ok((ticket, JobResult::Applied)),
            Err(ApplyError::Fatal(error)) => Err(error.into()),
            Err(ApplyError::Read(error)) => Err(CommitterError::Store(error.to_string())),
            Err(defect) => Err(CommitterError::Order(defect.to_string())),
        },
        Job::Grant { ticket, wall, counter, to, amount, actors } => {
            Ok((ticket, JobResult::Done(committer.stage_grant(wall, real, &counter, to, amount, &actors)?)))
        }
        Job::Sweep { ticket, wall, upto, keys } => {
            Ok((ticket, JobResult::Done(committer.stage_sweep(wall, real, upto, keys)?)))
        }
        Job::Mint { ticket, wall } => Ok((ticket, JobResult::Minted(committer.stage_mint(wall)?))),
        Job::Truncate { ticket, upto, older_than, bytes_max } => {
            let Logs { floors, bytes, next } = committer.stage_truncation(&upto, older_than, bytes_max)?;
            Ok((ticket, JobResult::Truncated(halcyon_core::Logs { floors, bytes, next })))
        }
    }
}
