//! The clients: processes that ask one thing after the other, each for itself, all over every type.
//!
//! A *resident* stays with its region, and has no session: what it learns, it learns from its region alone. A *traveller*
//! carries its session's token from region to region. What a process does not know the outcome of, it asks again under
//! the same request id, now or later, in the same region or in another; or it never finds out.

pub(crate) mod ask;
pub(crate) mod draw;

use std::sync::Arc;
use std::time::Duration;

use halcyon_client::{Client, RequestId, request_id};
use halcyon_tests::Cluster;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use self::ask::perform;
use self::draw::{Drawer, Plan};
use crate::history::{Answered, Asked, End};
use crate::op::{Read, Value, What};
use crate::recorder::Recorder;
use crate::vector::Vector;

/// How long a client waits for an answer: less than faults last, so that outcomes get lost.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(1_500);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(700);
/// Between two calls of one process, at most. Histories must stay small enough to be judged.
const PACE_MS: u64 = 90;
/// Residents and travellers, per region.
const RESIDENTS: usize = 2;
const TRAVELLERS: usize = 2;
/// How often a process asks at the end what has come of a write.
const SETTLE_ROUNDS: usize = 20;

/// All processes of a run.
#[derive(Debug)]
pub(crate) struct Workload {
    stop: watch::Sender<bool>,
    processes: Vec<JoinHandle<()>>,
}

impl Workload {
    /// Starts them.
    pub(crate) async fn start(cluster: &Cluster, recorder: &Arc<Recorder>, seed: u64) -> Self {
        let (stop, stopping) = watch::channel(false);
        let mut processes = Vec::new();
        for home in 0..cluster.regions() {
            for number in 0..RESIDENTS + TRAVELLERS {
                let travels = number >= RESIDENTS;
                let name = format!("{}{home}{number}", if travels { "t" } else { "r" });
                let drawer = Drawer::new(seed.wrapping_mul(31).wrapping_add(processes.len() as u64 + 1), &name);
                let mut clients = Vec::new();
                for region in 0..cluster.regions() {
                    let config = cluster.client_config(region);
                    let config = config.request_timeout(REQUEST_TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
                    clients.push(Client::connect(config).await.expect("a region that serves"));
                }
                let process = Process {
                    name,
                    region: home,
                    session: travels.then(Vector::default),
                    clients,
                    recorder: Arc::clone(recorder),
                    drawer,
                    pending: Vec::new(),
                };
                processes.push(tokio::spawn(process.run(stopping.clone())));
            }
        }
        Self { stop, processes }
    }

    /// Lets every process find out what has become of some of its writes, once everything is healed, and end.
    pub(crate) async fn settle(self) {
        self.stop.send_replace(true);
        for process in self.processes {
            process.await.expect("a process that did not fail");
        }
    }
}

struct Process {
    name: String,
    region: usize,
    session: Option<Vector>,
    clients: Vec<Client>,
    recorder: Arc<Recorder>,
    drawer: Drawer,
    /// Writes of unknown outcome that may be asked about again.
    pending: Vec<(Asked, RequestId)>,
}

impl Process {
    async fn run(mut self, stopping: watch::Receiver<bool>) {
        while !*stopping.borrow() {
            let pause = self.drawer.dice().below(PACE_MS);
            sleep(Duration::from_millis(pause)).await;
            if !self.pending.is_empty() && self.drawer.dice().below(6) == 0 {
                self.ask_about_one().await;
            } else {
                self.step().await;
            }
            if self.session.is_some() && self.drawer.dice().below(12) == 0 {
                self.region = self.another_region();
            }
        }
        for _ in 0..SETTLE_ROUNDS {
            let Some((asked, request)) = self.pending.pop() else { return };
            self.ask(asked, Some(request)).await;
        }
    }

    async fn step(&mut self) {
        let Plan { how, reads, updates } = self.drawer.next(self.recorder.ms(), self.region, self.session.is_some());
        let plain_write = reads.is_empty() && !updates.is_empty() && how < crate::history::How::Transaction;
        let request = plain_write.then(request_id);
        let asked = Asked {
            n: 0,
            ms: 0,
            call: 0,
            process: self.name.clone(),
            region: self.region,
            how,
            session: self.session.clone(),
            request: request.map(|request| request.to_string()),
            reads,
            updates,
        };
        if request.is_some() && self.drawer.dice().below(24) == 0 {
            self.ask_twice_at_once(&asked, request).await;
        }
        self.ask(asked, request).await;
    }

    /// Two copies of one request under way together, and then, from whoever calls this, a third.
    async fn ask_twice_at_once(&self, asked: &Asked, request: Option<RequestId>) {
        let client = self.clients.get(asked.region).expect("a region");
        let copy = async || {
            let call = self.recorder.ask(asked.clone());
            let answered = perform(client, asked, request).await;
            self.recorder.answer(call, answered);
        };
        tokio::join!(copy(), copy());
    }

    /// One of the writes whose outcome is unknown: in its region, or in another one.
    async fn ask_about_one(&mut self) {
        let one = usize::try_from(self.drawer.dice().below(self.pending.len() as u64)).unwrap_or(0);
        let (mut asked, request) = self.pending.swap_remove(one);
        if self.drawer.dice().below(3) == 0 {
            asked.region = self.another_region();
        }
        self.ask(asked, Some(request)).await;
    }

    async fn ask(&mut self, asked: Asked, request: Option<RequestId>) {
        let client = self.clients.get(asked.region).expect("a region").clone();
        let call = self.recorder.ask(asked.clone());
        let answered = perform(&client, &asked, request).await;
        self.recorder.answer(call, answered.clone());
        self.learn(&asked, &answered);
        let retried = self.pending.iter().any(|(other, _)| other.request == asked.request);
        if let (End::Written { .. }, Some(request)) = (&answered.end, request)
            && self.drawer.dice().below(12) == 0
        {
            // As if this process had been restarted, and had not noted the answer.
            self.pending.push((asked, request));
        } else if let (End::Unknown(_), Some(request), false) = (&answered.end, request, retried) {
            // A quarter of them are left alone for good.
            if self.drawer.dice().below(4) > 0 {
                self.pending.push((asked, request));
            }
        } else if let (End::Refused(why), Some(request)) = (&answered.end, request)
            && why == "NotReachable"
            && self.drawer.dice().below(2) == 0
        {
            self.pending.push((asked, request));
        }
    }

    fn learn(&mut self, asked: &Asked, answered: &Answered) {
        if let Some(session) = &mut self.session {
            answered.seen.iter().chain(&answered.after).for_each(|token| session.join(token));
            if let End::Written { token, .. } = &answered.end {
                session.join(token);
            }
        }
        for (Read { key, .. }, value) in asked.reads.iter().zip(&answered.values) {
            match value {
                Value::Texts(elements) | Value::Row(elements) => self.drawer.learn(key, elements.iter().cloned()),
                _ => {}
            }
        }
        if matches!(answered.end, End::Written { .. }) {
            for update in &asked.updates {
                match &update.what {
                    What::Insert(element)
                    | What::PushBack(element)
                    | What::PushFront(element)
                    | What::Replace(_, element)
                    | What::InsertAfter(_, element) => self.drawer.learn(&update.key, [element.clone()]),
                    _ => {}
                }
            }
        }
    }

    fn another_region(&mut self) -> usize {
        let others = self.clients.len() as u64 - 1;
        let step = 1 + usize::try_from(self.drawer.dice().below(others)).unwrap_or(0);
        (self.region + step) % self.clients.len()
    }
}
