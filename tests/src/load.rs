//! Writers that never give up a write: each one is written until its outcome is certain, however often its region dies.
//!
//! Writer `w` of a load called `NAME` writes `NAME.w.0`, `NAME.w.1`, …, one after the other. Each write is one batch: its
//! name into the set `NAME.w`, and one onto the counter `NAME`. So the sets tell a lost write, and the counter one that
//! was counted twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use halcyon_client::{Client, WriteError, request_id};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::until::PATIENCE;

/// Writers at work.
#[derive(Debug)]
pub struct Load {
    name: String,
    acked: Arc<Mutex<BTreeSet<String>>>,
    count: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    writers: Vec<JoinHandle<()>>,
}

/// A load whose every write has been answered.
#[derive(Debug)]
pub struct Settled {
    /// Its name.
    pub name: String,
    /// The names of its writes.
    pub acked: BTreeSet<String>,
    /// How many writers it had.
    pub writers: usize,
}

impl Load {
    /// Starts `writers` writers on `client`'s region.
    pub fn start(name: &str, client: &Client, writers: usize) -> Self {
        let (stop, stopping) = watch::channel(false);
        let (counting, count) = watch::channel(0);
        let acked = Arc::new(Mutex::new(BTreeSet::new()));
        let counting = Arc::new(counting);
        let writers = (0..writers)
            .map(|number| {
                let writer = Writer {
                    client: client.clone(),
                    name: name.to_owned(),
                    number,
                    acked: Arc::clone(&acked),
                    counting: Arc::clone(&counting),
                };
                tokio::spawn(writer.run(stopping.clone()))
            })
            .collect();
        Self { name: name.to_owned(), acked, count, stop, writers }
    }

    /// Waits until so many more writes have been acked.
    pub async fn progress(&mut self, more: u64) {
        let goal = *self.count.borrow_and_update() + more;
        let reached = self.count.wait_for(|count| *count >= goal);
        let reached = timeout(PATIENCE, reached).await.expect("the load goes on");
        drop(reached.expect("writers that live"));
    }

    /// The names of the writes that have been acked by now.
    pub fn acked(&self) -> BTreeSet<String> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets every writer finish what it has begun.
    pub async fn settle(self) -> Settled {
        self.stop.send_replace(true);
        let number = self.writers.len();
        for writer in self.writers {
            let writer = timeout(PATIENCE, writer).await.expect("a writer ends once its region serves");
            writer.expect("a writer that did not fail");
        }
        let acked = self.acked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Settled { name: self.name, acked, writers: number }
    }
}

struct Writer {
    client: Client,
    name: String,
    number: usize,
    acked: Arc<Mutex<BTreeSet<String>>>,
    counting: Arc<watch::Sender<u64>>,
}

impl Writer {
    async fn run(self, stopping: watch::Receiver<bool>) {
        for n in 0_u64.. {
            if *stopping.borrow() {
                break;
            }
            let write = format!("{}.{}.{n}", self.name, self.number);
            self.write(&write).await;
            self.acked.lock().unwrap_or_else(PoisonError::into_inner).insert(write);
            self.counting.send_modify(|count| *count += 1);
        }
    }

    /// Writes until it is acked, under one request id.
    async fn write(&self, write: &str) {
        let mut batch = self.client.keyspace("default").batch();
        batch.counter(&self.name).add(1);
        batch.set(format!("{}.{}", self.name, self.number)).add(write);
        let batch = batch.request(request_id());
        let mut outcome = batch.clone().commit().await;
        loop {
            outcome = match outcome {
                Ok(_) => return,
                Err(WriteError::NotReachable { .. }) => batch.clone().commit().await,
                Err(WriteError::OutcomeUnknown(unanswered)) => self.client.retry(unanswered).await,
                Err(refused) => panic!("{write}: {refused}"),
            };
        }
    }
}

impl Settled {
    /// Every acked write is there, and each was counted once, as `client`'s region tells it (promises P1 and P6).
    ///
    /// # Panics
    /// One is missing, one is too many, or one was counted twice.
    pub async fn is_whole_at(&self, client: &Client) {
        let there = members(client, &self.name, self.writers).await;
        let region = client.region();
        let lost: Vec<_> = self.acked.difference(&there).collect();
        assert!(lost.is_empty(), "p1: {region} has lost acked writes: {lost:?}");
        assert_eq!(there.len(), self.acked.len(), "{region} has writes that nobody made");
        let count = client.keyspace("default").counter(&self.name).get().await.expect("a region that serves");
        let acked = i128::try_from(self.acked.len()).expect("not that many");
        assert_eq!(count, acked, "p6: {region} has counted a write twice, or not at all");
    }
}

/// The writes of a load that `client`'s region has.
async fn members(client: &Client, name: &str, writers: usize) -> BTreeSet<String> {
    let mut there = BTreeSet::new();
    for writer in 0..writers {
        let set = client.keyspace("default").set(format!("{name}.{writer}"));
        let members = set.members().await.expect("a region that serves");
        there.extend(members.iter().map(|member| String::from_utf8_lossy(member).into_owned()));
    }
    there
}

impl Load {
    /// The writes of this load that `client`'s region has.
    pub async fn seen_by(&self, client: &Client) -> BTreeSet<String> {
        members(client, &self.name, self.writers.len()).await
    }
}
