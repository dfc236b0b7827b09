//! One client: what it has seen, what it is at, and what it will do if nobody answers.
//!
//! It is as careful as the SDK where it wants to know what came of a write, and more careless where the SDK would not dare:
//! it may take its request to another region while the first has not answered. What must hold then is weaker (one record
//! per region at most), and is judged so.

mod bodies;
mod transaction;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use halcyon_crdt::{Answer, PageRequest, Update};
use halcyon_types::{KeyspaceId, RegionId, UnixMs, VersionVector};
use halcyon_wire::{Body, Check, Outcome, Refusal, Request, Response, Seen, Session, TransactionId};

use super::action::{Action, ClientId, Does, End, Tie, Turn};
use super::clients::Ask;
use super::words::text;
use crate::dice::Dice;
use transaction::chain;

/// How long a tied request may wait at its region.
const WAIT_MS: u32 = 1_500;
/// Before a request is sent again, once its connection is lost or the region has no room.
const PAUSE: Duration = Duration::from_millis(60);
/// The number of no transaction: nodes count up from the other end.
const NO_TRANSACTION: TransactionId = TransactionId(u64::MAX);

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    id: ClientId,
    regions: u16,
    dice: Dice,
    /// All that it has seen.
    token: VersionVector,
    todo: VecDeque<Action>,
    task: Option<Task>,
    /// Requests sent, of whatever kind.
    sent: u64,
}

/// What it is at.
#[derive(Debug)]
struct Task {
    action: Action,
    region: RegionId,
    /// Requests that wait for answers, by their number on the connection.
    open: BTreeMap<u64, Body>,
    /// To be sent again when the alarm rings.
    again: Vec<Body>,
    alarm: Option<Duration>,
    asks: u8,
    stage: Stage,
}

/// How far it has come.
#[derive(Debug)]
enum Stage {
    /// One request, or several at once: with the last answer it is done.
    Simple,
    /// A transaction's snapshot was asked for.
    Beginning,
    /// A transaction is open.
    Open(Open),
    /// It thinks before it ends the transaction.
    Thinking(Open),
    /// The transaction's commit was sent.
    Committing,
    /// The link's snapshot was asked for.
    LinkBeginning,
    /// A chain is being read.
    LinkReading(TransactionId),
}

/// An open transaction.
#[derive(Debug)]
struct Open {
    transaction: TransactionId,
    turns: VecDeque<Turn>,
    buffer: Vec<Update>,
    checks: Vec<Check>,
}

impl Client {
    pub(super) fn new(id: ClientId, seed: u64, regions: u16) -> Self {
        let dice = Dice::stream(seed, "client", id.0.into());
        Self { id, regions, dice, token: VersionVector::new(), todo: VecDeque::new(), task: None, sent: 0 }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.task.is_none() && self.todo.is_empty()
    }

    pub(super) fn alarm(&self) -> Option<Duration> {
        self.task.as_ref()?.alarm
    }

    pub(super) fn act(&mut self, now: Duration, action: Action, asks: &mut VecDeque<Ask>) {
        self.todo.push_back(action);
        self.go_on(now, asks);
    }

    pub(super) fn hear(&mut self, now: Duration, response: Response, asks: &mut VecDeque<Ask>) {
        let Response { id, result } = response;
        match &result {
            Ok(Outcome::Written(receipt)) => self.token.join(&receipt.token),
            Ok(Outcome::Token(token) | Outcome::Begun { token, .. }) => self.token.join(token),
            _ => {}
        }
        // An answer that nobody waits for any more came to a request that was sent again.
        let Some(body) = self.task.as_mut().and_then(|task| task.open.remove(&id)) else { return };
        match result {
            Err(
                Refusal::NotYet { .. }
                | Refusal::Overloaded { .. }
                | Refusal::ClockSkew { .. }
                | Refusal::LogFull { .. }
                | Refusal::Stopping
                | Refusal::CatchingUp,
            ) => {
                self.ask_again(now, vec![body], asks);
            }
            result => self.advance(now, &result, asks),
        }
        self.go_on(now, asks);
    }

    pub(super) fn lose(&mut self, now: Duration, asks: &mut VecDeque<Ask>) {
        if let Some(task) = &mut self.task {
            let bodies: Vec<_> = std::mem::take(&mut task.open).into_values().collect();
            if !bodies.is_empty() {
                self.ask_again(now, bodies, asks);
            }
        }
        self.go_on(now, asks);
    }

    pub(super) fn wake(&mut self, now: Duration, asks: &mut VecDeque<Ask>) {
        let Some(task) = self.task.as_mut().filter(|task| task.alarm.is_some_and(|at| at <= now)) else { return };
        task.alarm = None;
        if let Stage::Thinking(_) = task.stage {
            self.think(now, asks);
        } else if task.again.is_empty() {
            // Nobody has answered in time.
            let bodies: Vec<_> = std::mem::take(&mut task.open).into_values().collect();
            self.ask_again(now, bodies, asks);
            if let Some(task) = &mut self.task {
                task.alarm = task.alarm.map(|_| now);
            }
        } else {
            let (bodies, first) = (std::mem::take(&mut task.again), asks.len());
            self.send(now, bodies, asks);
            asks.range_mut(first..).for_each(|ask| ask.again = true);
        }
        self.go_on(now, asks);
    }

    /// Begins the next action, if there is nothing under way.
    fn go_on(&mut self, now: Duration, asks: &mut VecDeque<Ask>) {
        while self.task.is_none() {
            let Some(action) = self.todo.pop_front() else { return };
            self.begin(now, action, asks);
        }
    }

    fn begin(&mut self, now: Duration, action: Action, asks: &mut VecDeque<Ask>) {
        let (region, does) = (action.region, action.does.clone());
        let mut stage = Stage::Simple;
        let bodies = match &does {
            Does::Write { commands, tie } => vec![self.write(now, commands, *tie)],
            Does::Burst(commands) => {
                commands.iter().map(|command| self.write(now, std::slice::from_ref(command), Tie::Free)).collect()
            }
            Does::Read { query, tied } => vec![self.read(query, *tied, None)],
            Does::Scan { beginning } => vec![Body::Scan {
                session: Session::default(),
                keyspace: KeyspaceId::FIRST,
                beginning: beginning.as_bytes().to_vec(),
                page: PageRequest { after: None, items_max: 1024 },
            }],
            Does::Token { tied } => vec![Body::Token { session: self.session(*tied) }],
            Does::Digest => vec![Body::Digest { at: UnixMs(u64::MAX) }],
            Does::Transaction { tied, .. } => {
                stage = Stage::Beginning;
                vec![Body::Begin { session: self.session(*tied) }]
            }
            Does::Link { .. } => {
                stage = Stage::LinkBeginning;
                vec![Body::Begin { session: self.session(true) }]
            }
        };
        let task = Task { action, region, open: BTreeMap::new(), again: Vec::new(), alarm: None, asks: 0, stage };
        self.task = Some(task);
        self.send(now, bodies, asks);
    }

    /// What comes behind an answer.
    fn advance(&mut self, now: Duration, result: &Result<Outcome, Refusal>, asks: &mut VecDeque<Ask>) {
        let Some(task) = &mut self.task else { return };
        task.asks = 0;
        let stage = std::mem::replace(&mut task.stage, Stage::Simple);
        match (stage, result) {
            (Stage::Beginning, Ok(Outcome::Begun { transaction, .. })) => {
                let Does::Transaction { turns, .. } = &task.action.does else { return };
                let turns = turns.iter().cloned().collect();
                let open = Open { transaction: *transaction, turns, buffer: Vec::new(), checks: Vec::new() };
                self.turn(now, open, asks);
            }
            (Stage::Open(open), Ok(_)) => self.turn(now, open, asks),
            // What it has buffered cannot be: it would be refused at the commit too, so it ends here.
            (Stage::Open(open), Err(_)) => self.end(now, open, End::Abort, asks),
            (Stage::LinkBeginning, Ok(Outcome::Begun { transaction, .. })) => {
                let Does::Link { from, .. } = task.action.does else { return };
                task.stage = Stage::LinkReading(*transaction);
                let body = self.read(&chain(from), false, Some((*transaction, &[])));
                self.send(now, vec![body], asks);
            }
            (Stage::LinkReading(transaction), Ok(Outcome::Answer(Answer::Page(page)))) => {
                let elements: Vec<_> = page.items.iter().map(|element| text(element)).collect();
                self.link(now, transaction, &elements, asks);
            }
            _ if task.open.is_empty() && task.again.is_empty() => self.task = None,
            _ => {}
        }
    }

    fn send(&mut self, now: Duration, bodies: Vec<Body>, asks: &mut VecDeque<Ask>) {
        let Some(task) = &mut self.task else { return };
        task.asks += 1;
        let mut waits = Duration::ZERO;
        for body in bodies {
            self.sent += 1;
            waits = waits.max(wait_of(&body));
            let request = Request { id: self.sent, body: body.clone() };
            asks.push_back(Ask { client: self.id, region: task.region, request, again: false });
            task.open.insert(self.sent, body);
        }
        task.alarm = Some(now + task.action.retry.patience + waits);
    }

    /// Sends requests again after a pause, where it makes sense, or lets them go.
    fn ask_again(&mut self, now: Duration, bodies: Vec<Body>, asks: &mut VecDeque<Ask>) {
        let Some(task) = &mut self.task else { return };
        let bodies: Vec<_> = bodies.into_iter().filter_map(|body| again(body, &task.stage)).collect();
        if bodies.is_empty() || task.asks >= task.action.retry.asks {
            if task.open.is_empty() {
                self.task = None;
                self.go_on(now, asks);
            }
            return;
        }
        if task.action.retry.elsewhere && matches!(task.stage, Stage::Simple) {
            let next = u64::from(task.region.get() % self.regions) + 1;
            task.region = RegionId::try_from(next).unwrap_or(task.region);
        }
        task.again.extend(bodies);
        task.alarm = Some(now + PAUSE);
    }
}

fn wait_of(body: &Body) -> Duration {
    let session = match body {
        Body::Write(write) => &write.session,
        Body::Read { session, .. } | Body::Scan { session, .. } | Body::Begin { session } | Body::Token { session } => {
            session
        }
        Body::Abort { .. } | Body::Digest { .. } | Body::Copy { .. } | Body::Members { .. } => return Duration::ZERO,
    };
    Duration::from_millis(session.wait_ms.into())
}

/// The same request once more, where that means anything: a transaction belongs to its connection, and what came of its
/// commit is asked by another number.
fn again(body: Body, stage: &Stage) -> Option<Body> {
    match (body, stage) {
        (Body::Write(mut write), Stage::Committing) => {
            write.seen = Seen::Transaction { transaction: NO_TRANSACTION, checks: Vec::new() };
            Some(Body::Write(write))
        }
        (_, Stage::Open(_) | Stage::LinkReading(_)) | (Body::Abort { .. }, _) => None,
        (body, _) => Some(body),
    }
}
