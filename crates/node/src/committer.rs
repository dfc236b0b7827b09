//! The committer thread: takes whatever jobs wait, stages them as one group, syncs once, reports once.
//!
//! Nothing waits for a group to fill: a lone write is a group of its own, and while a sync is under way the next group
//! gathers in the queue. Now and then the database is asked whether it still works: not every job writes something.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use halcyon_core::{Job, JobResult, Ticket};
use halcyon_store::{
    ApplyError, Backend, CommitError, Committed, Committer, Fatal, Snapshot, StageError, Staged, WriteJob,
};
use halcyon_types::UnixMs;
use halcyon_types::limits::{GROUP_BYTES_MAX, GROUP_MAX};
use tokio::sync::mpsc::UnboundedSender;

use crate::clocks::Clocks;

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

/// Runs the thread until the queue's other end is dropped or an error ends it.
pub(crate) fn spawn<B: Backend + 'static>(
    mut committer: Committer<B>,
    jobs: Receiver<Vec<Work<B>>>,
    clocks: Clocks,
    done: UnboundedSender<Done>,
) -> std::io::Result<thread::JoinHandle<()>>
where
    B::Snapshot: Send,
{
    thread::Builder::new().name("committer".to_owned()).spawn(move || {
        let mut queue = Queue { jobs, waiting: Vec::new().into_iter() };
        let mut asked = clocks.now().mono;
        loop {
            let next = queue.next();
            let now = clocks.now().mono;
            if now >= asked + ASKS_EVERY {
                asked = now;
                if let Err(error) = committer.probe() {
                    let _ = done.send(Err(error.into()));
                    return;
                }
            }
            let group = match next {
                Next::Work(first) => commit_group(&mut committer, first, &mut queue, &clocks),
                Next::Nothing => continue,
                Next::End => return,
            };
            let failed = group.is_err();
            if done.send(group).is_err() || failed {
                return;
            }
        }
    })
}

fn commit_group<B: Backend>(
    committer: &mut Committer<B>,
    first: Work<B>,
    queue: &mut Queue<B>,
    clocks: &Clocks,
) -> Done {
    let (began, real) = (clocks.now().mono, clocks.real());
    let mut results = Vec::new();
    let mut work = Some(first);
    while let Some(next) = work {
        results.push(stage(committer, next, real)?);
        let (count, bytes) = committer.staged();
        let room = count.max(results.len()) < GROUP_MAX && bytes < GROUP_BYTES_MAX;
        work = if room { queue.try_next() } else { None };
    }
    let synced = committer.commit()?;
    Ok(Group { results, synced, took: clocks.now().mono.saturating_sub(began) })
}

fn stage<B: Backend>(
    committer: &mut Committer<B>,
    work: Work<B>,
    real: UnixMs,
) -> Result<(Ticket, JobResult), CommitterError> {
    let Work { job, snapshot } = work;
    match job {
        Job::Write { ticket, wall, write, actors, .. } => {
            let job = WriteJob { now: wall, real, write: &write, snapshot, actors: &actors };
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
    }
}

/// The jobs that wait, across the batches they came in.
struct Queue<B: Backend> {
    jobs: Receiver<Vec<Work<B>>>,
    waiting: std::vec::IntoIter<Work<B>>,
}

/// What comes next.
enum Next<B: Backend> {
    Work(Work<B>),
    /// Nothing has come for a while.
    Nothing,
    /// Nothing will.
    End,
}

impl<B: Backend> Queue<B> {
    /// Waits for the next job.
    fn next(&mut self) -> Next<B> {
        loop {
            if let Some(work) = self.waiting.next() {
                return Next::Work(work);
            }
            match self.jobs.recv_timeout(ASKS_EVERY) {
                Ok(batch) => self.waiting = batch.into_iter(),
                Err(RecvTimeoutError::Timeout) => return Next::Nothing,
                Err(RecvTimeoutError::Disconnected) => return Next::End,
            }
        }
    }

    /// The next job, if one waits.
    fn try_next(&mut self) -> Option<Work<B>> {
        loop {
            if let Some(work) = self.waiting.next() {
                return Some(work);
            }
            match self.jobs.try_recv() {
                Ok(batch) => self.waiting = batch.into_iter(),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
    }
}
