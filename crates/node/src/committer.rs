//! The committer thread: takes whatever jobs wait, stages them as one group, syncs once, reports once.
//!
//! Nothing waits for a group to fill: a lone write is a group of its own, and while a sync is under way the next group
//! gathers in the queue.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use halcyon_core::{Job, JobResult, Ticket};
use halcyon_store::{ApplyError, Backend, CommitError, Committed, Committer, StageError, Staged};
use halcyon_types::limits::{GROUP_BYTES_MAX, GROUP_MAX};
use tokio::sync::mpsc::UnboundedSender;

use crate::clocks::Clocks;

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
    #[error("the data directory cannot be used any more: {0}; see to the disk, then start the node again")]
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

/// Runs the thread until the queue's other end is dropped or an error ends it.
pub(crate) fn spawn<B: Backend + 'static>(
    mut committer: Committer<B>,
    jobs: Receiver<Vec<Job>>,
    clocks: Clocks,
    done: UnboundedSender<Done>,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("committer".to_owned()).spawn(move || {
        let mut queue = Queue { jobs, waiting: Vec::new().into_iter() };
        while let Some(first) = queue.next() {
            let group = commit_group(&mut committer, first, &mut queue, &clocks);
            let failed = group.is_err();
            if done.send(group).is_err() || failed {
                return;
            }
        }
    })
}

fn commit_group<B: Backend>(committer: &mut Committer<B>, first: Job, queue: &mut Queue, clocks: &Clocks) -> Done {
    let began = clocks.now().mono;
    let mut results = Vec::new();
    let mut job = Some(first);
    while let Some(next) = job {
        results.push(stage(committer, next)?);
        let (count, bytes) = committer.staged();
        let room = count.max(results.len()) < GROUP_MAX && bytes < GROUP_BYTES_MAX;
        job = if room { queue.try_next() } else { None };
    }
    let synced = committer.commit()?;
    Ok(Group { results, synced, took: clocks.now().mono.saturating_sub(began) })
}

fn stage<B: Backend>(committer: &mut Committer<B>, job: Job) -> Result<(Ticket, JobResult), CommitterError> {
    match job {
        Job::Write { ticket, wall, write } => match committer.stage_write(wall, &write) {
            Ok(Staged::Fresh(dot)) => Ok((ticket, JobResult::Written(dot))),
            Ok(Staged::Duplicate(dot)) => Ok((ticket, JobResult::Duplicate(dot))),
            Err(StageError::Refused(refusal)) => Ok((ticket, JobResult::Refused(refusal))),
            Err(fatal) => Err(CommitterError::Store(fatal.to_string())),
        },
        Job::Record { ticket, wall, record, stored } => match committer.stage_record(wall, &record, &stored) {
            Ok(()) => Ok((ticket, JobResult::Applied)),
            Err(ApplyError::Fatal(error)) => Err(CommitterError::Store(error.to_string())),
            Err(ApplyError::Read(error)) => Err(CommitterError::Store(error.to_string())),
            Err(defect) => Err(CommitterError::Order(defect.to_string())),
        },
    }
}

/// The jobs that wait, across the batches they came in.
struct Queue {
    jobs: Receiver<Vec<Job>>,
    waiting: std::vec::IntoIter<Job>,
}

impl Queue {
    /// The next job, whenever it comes; `None` at the end.
    fn next(&mut self) -> Option<Job> {
        loop {
            if let Some(job) = self.waiting.next() {
                return Some(job);
            }
            self.waiting = self.jobs.recv().ok()?.into_iter();
        }
    }

    /// The next job, if one waits.
    fn try_next(&mut self) -> Option<Job> {
        loop {
            if let Some(job) = self.waiting.next() {
                return Some(job);
            }
            match self.jobs.try_recv() {
                Ok(batch) => self.waiting = batch.into_iter(),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
    }
}
