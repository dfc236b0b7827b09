//! What takes several requests: transactions, and links between chains.

use std::collections::VecDeque;
use std::time::Duration;

use halcyon_wire::{Body, Check, Request, Seen, Session, TransactionId, Write};

use super::{Client, Open, Stage};
use crate::scenario::{Command, CommandOp, ObjectRef, Query, QueryKind};
use crate::workload::action::{Does, End, Tie, Turn};
use crate::workload::aims;
use crate::workload::clients::Ask;
use crate::workload::words::dialect;

impl Client {
    /// The next step of a transaction.
    pub(super) fn turn(&mut self, now: Duration, mut open: Open, asks: &mut VecDeque<Ask>) {
        while let Some(turn) = open.turns.pop_front() {
            match turn {
                Turn::Write(command) => open.buffer.extend(dialect().updates(&command).unwrap_or_default()),
                Turn::Read(query) => {
                    let (object, question) = dialect().question(&query);
                    let of_key = open.buffer.iter().filter(|update| update.object.key == object.key);
                    let updates: Vec<_> = of_key.cloned().collect();
                    let body = self.read(&query, false, Some((open.transaction, &updates)));
                    open.checks.push(Check { object, query: question });
                    if let Some(task) = &mut self.task {
                        task.stage = Stage::Open(open);
                    }
                    return self.send(now, vec![body], asks);
                }
            }
        }
        let Some(task) = &mut self.task else { return };
        if let Does::Transaction { thinks, .. } = &task.action.does {
            task.alarm = Some(now + *thinks);
            task.stage = Stage::Thinking(open);
        }
    }

    pub(super) fn think(&mut self, now: Duration, asks: &mut VecDeque<Ask>) {
        let Some(task) = &mut self.task else { return };
        let Stage::Thinking(open) = std::mem::replace(&mut task.stage, Stage::Simple) else { return };
        let Does::Transaction { end, .. } = task.action.does else { return };
        self.end(now, open, end, asks);
    }

    pub(super) fn end(&mut self, now: Duration, open: Open, end: End, asks: &mut VecDeque<Ask>) {
        let Open { transaction, buffer, mut checks, .. } = open;
        let body = match end {
            End::Forget => {
                self.task = None;
                return;
            }
            End::Abort => Body::Abort { transaction },
            End::Commit | End::CommitChecked => {
                if end == End::Commit {
                    checks.clear();
                }
                Body::Write(Write {
                    request: self.mint(now),
                    session: Session::default(),
                    seen: Seen::Transaction { transaction, checks },
                    updates: buffer,
                })
            }
        };
        if let Some(task) = &mut self.task {
            task.stage = if matches!(body, Body::Write(_)) { Stage::Committing } else { Stage::Simple };
        }
        self.send(now, vec![body], asks);
    }

    /// Writes the element of a link, once the chain's others are known.
    pub(super) fn link(
        &mut self,
        now: Duration,
        transaction: TransactionId,
        seen: &[String],
        asks: &mut VecDeque<Ask>,
    ) {
        let Some(task) = &mut self.task else { return };
        let Does::Link { from, to, region, name } = task.action.does else { return };
        let cause = self.dice.pick(seen).map(|cause| (from, cause.as_str()));
        let element = aims::link(&format!("{}.{name}", self.id.0), cause);
        let op = CommandOp::SetAdd(vec![element]);
        let command = Command { object: ObjectRef::key(aims::chain_key(to)), op };
        // Nobody waits for the answer to this.
        self.sent += 1;
        let request = Request { id: self.sent, body: Body::Abort { transaction } };
        asks.push_back(Ask { client: self.id, region: task.region, request, again: false });
        task.region = region;
        task.stage = Stage::Simple;
        let body = self.write(now, &[command], Tie::Behind);
        self.send(now, vec![body], asks);
    }
}

pub(super) fn chain(chain: u8) -> Query {
    Query { object: ObjectRef::key(aims::chain_key(chain)), kind: QueryKind::Members }
}
