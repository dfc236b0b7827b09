//! Writers at work. Each write touches every kind of object there is a promise about, as one record: so whatever is found
//! of it later, all of it must be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use halcyon_client::{
    Batch, Buffer, BufferedKeyspace, Client, ReadError, Receipt, Transaction, Unanswered, WriteError, request_id,
};
use halcyon_tests::PATIENCE;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::ledger::{Account, Ledger, WRITERS, ballast, is_transaction, prefix, shared};

/// Before what could not be sent is sent again: a dead region answers nothing faster.
const PAUSE: Duration = Duration::from_millis(5);
/// Every so many writes, one whose outcome is unknown is left so.
const ABANDON_EVERY: u64 = 8;
/// So often is asked what came of a transaction that the region may have forgotten; it says for a minute that it cannot tell.
const TRANSACTION_ASKED_MAX: u32 = 3;

/// A cycle's writers.
#[derive(Debug)]
pub(crate) struct Writers {
    acked: Vec<watch::Receiver<u64>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Writers {
    /// Starts them: so many in each region, through these clients.
    pub(crate) fn start(ledger: &Ledger, clients: &[Client]) -> Self {
        let (stop, stopping) = watch::channel(false);
        let (mut acked, mut tasks) = (Vec::new(), Vec::new());
        for (region, client) in clients.iter().enumerate() {
            let (counting, count) = watch::channel(0);
            acked.push(count);
            let counting = Arc::new(counting);
            for writer in 0..WRITERS {
                let writer = Writer {
                    client: client.clone(),
                    prefix: prefix(ledger.cycle, region, writer),
                    shared: shared(ledger.cycle),
                    ballast: ledger.ballast,
                    account: ledger.account(region, writer),
                    counting: Arc::clone(&counting),
                };
                tasks.push(tokio::spawn(writer.run(stopping.clone())));
            }
        }
        Self { acked, stop, tasks }
    }

    /// Waits until one region has acked so many writes.
    pub(crate) async fn progress(&mut self, region: usize, goal: u64) {
        let count = self.acked.get_mut(region).expect("a region of this cycle");
        let reached = timeout(PATIENCE, count.wait_for(|count| *count >= goal)).await;
        drop(reached.expect("the load goes on").expect("writers that live"));
    }

    /// Lets every writer finish what it has begun. Whatever it retries, it retries until it knows.
    pub(crate) async fn settle(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            timeout(PATIENCE, task)
                .await
                .expect("a writer ends once its region serves")
                .expect("a writer that ends well");
        }
    }
}

/// How a write has ended so far.
enum Outcome {
    /// It is there, as this record.
    Acked(String),
    /// It may be there.
    Unknown(Unanswered),
    /// It is not there and never will be: nobody heard of it, or the transaction ended before it.
    Unsent,
    /// The same, because of this.
    Refused(String),
}

fn of(outcome: Result<Receipt, WriteError>) -> Outcome {
    match outcome {
        Ok(receipt) => Outcome::Acked(receipt.dot.to_string()),
        Err(WriteError::OutcomeUnknown(unanswered)) => Outcome::Unknown(unanswered),
        Err(WriteError::NotReachable { .. } | WriteError::TransactionLost { .. }) => Outcome::Unsent,
        Err(refused) => Outcome::Refused(refused.to_string()),
    }
}

struct Writer {
    client: Client,
    prefix: String,
    shared: String,
    ballast: usize,
    account: Arc<Mutex<Account>>,
    counting: Arc<watch::Sender<u64>>,
}

impl Writer {
    async fn run(self, stopping: watch::Receiver<bool>) {
        for n in 0_u64.. {
            if *stopping.borrow() {
                break;
            }
            self.account().begun = n + 1;
            let outcome = if is_transaction(n) { self.transaction(n).await } else { self.batch(n).await };
            self.settle(n, outcome).await;
        }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One record, written blindly; again and again until it has been sent.
    async fn batch(&self, n: u64) -> Outcome {
        let mut batch = self.client.keyspace("default").batch();
        self.note(&mut batch.keyspace("default"), n);
        let batch: Batch = batch.request(request_id());
        loop {
            match of(batch.clone().commit().await) {
                Outcome::Unsent => sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    /// The same with a look at what this writer has been told is there; begun again until it has been sent.
    async fn transaction(&self, n: u64) -> Outcome {
        loop {
            if let Some(mut transaction) = self.looked(n).await {
                self.note(&mut transaction.keyspace("default"), n);
                match of(transaction.commit().await) {
                    Outcome::Unsent => {}
                    outcome => return outcome,
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// A transaction that sees at least what was acked to this writer before; none if its region cannot be reached.
    async fn looked(&self, n: u64) -> Option<Transaction> {
        let floor = self.account().acked.len();
        let mut transaction = self.client.keyspace("default").begin().await.ok()?;
        let count = transaction.counter(format!("{}counter", self.prefix)).get().await;
        match count {
            Ok(count) if usize::try_from(count).is_ok_and(|count| count >= floor) => {}
            Ok(count) => self.complain(&format!("before write {n}: {floor} were acked, {count} counted")),
            Err(ReadError::Refused(refusal)) => self.complain(&format!("before write {n}: {refusal}")),
            Err(_) => return None,
        }
        Some(transaction)
    }

    /// The updates of one write.
    fn note<B: Buffer>(&self, at: &mut BufferedKeyspace<'_, B>, n: u64) {
        let (own, name) = (|what: &str| format!("{}{what}", self.prefix), n.to_string());
        at.counter(own("counter")).add(1);
        at.register(own("register")).set(&n);
        if self.ballast > 0 {
            at.register(own("ballast")).set_bytes(ballast(n, self.ballast));
        }
        at.set(own("set")).add(&name);
        at.set(own("latest")).add(&name);
        for before in self.account().latest_before(n) {
            at.set(own("latest")).remove(before.to_string());
        }
        at.map(own("map")).field(&name).register().set(&n);
        at.map(own("map")).field("sum").counter().add(i64::try_from(n).unwrap_or(0));
        at.list(own("list")).push_back(&n);
        #[expect(clippy::cast_precision_loss, reason = "few writes")]
        at.sorted_set(own("ranks")).add(&name, n as f64);
        at.sorted_set(own("ranks")).increment("hot", 1.0);
        at.counter(format!("{}counter", self.shared)).add(1);
        at.bounded_counter(format!("{}stock", self.shared)).increase(2);
        at.bounded_counter(format!("{}stock", self.shared)).decrease(1);
    }

    /// Follows a write to its certain end, but for some that are given up, as applications do.
    async fn settle(&self, n: u64, mut outcome: Outcome) {
        for asked in 0.. {
            outcome = match outcome {
                Outcome::Acked(dot) => return self.acked(n, &dot),
                Outcome::Unknown(unanswered) => {
                    self.account().unknown += 1;
                    let is_lost = is_transaction(n) && asked == TRANSACTION_ASKED_MAX;
                    if is_lost || n % ABANDON_EVERY == ABANDON_EVERY - 1 && !is_transaction(n) {
                        self.account().abandoned.insert(n);
                        return;
                    }
                    of(self.client.retry(unanswered).await)
                }
                Outcome::Unsent => {
                    self.account().void.insert(n);
                    return;
                }
                Outcome::Refused(why) => {
                    self.account().void.insert(n);
                    return self.complain(&format!("write {n}: {why}"));
                }
            }
        }
    }

    fn acked(&self, n: u64, dot: &str) {
        let mut account = self.account();
        account.acked.insert(n);
        if !account.dots.insert(dot.to_owned()) {
            account.complaints.push(format!("p2: write {n} was acked as {dot}, as which another was"));
        }
        drop(account);
        self.counting.send_modify(|count| *count += 1);
    }

    fn complain(&self, what: &str) {
        let mut account = self.account();
        if account.complaints.len() < 8 {
            account.complaints.push(format!("{}: {what}", self.prefix));
        }
    }
}
