//! The random mix: anything to anything.

use std::time::Duration;

use super::Drawing;
use crate::scenario::{Command, CommandOp, ObjectRef, Query, QueryKind};
use crate::workload::action::{Does, End, Retry, Tie, Turn};
use crate::workload::diet::{self, Diet};
use crate::workload::questions::Topic;
use crate::workload::words::letter_of;

/// Types that the random mix draws from: the more often it stands here, the more often it is drawn.
const TYPES: [Diet; 10] = [
    Diet::Registers,
    Diet::Registers,
    Diet::Values,
    Diet::Counters,
    Diet::Counters,
    Diet::Sets,
    Diet::SortedSets,
    Diet::Lists,
    Diet::HyperLogLogs,
    Diet::BoundedCounters,
];
const PATHS: [&str; 4] = ["f", "f/g", "h", "u/v/w"];

impl Drawing<'_> {
    pub(super) fn mixed(&mut self, does: Does, retry: Retry) {
        let (client, region) = self.of(1, self.profile.clients);
        self.push(client, region, does, retry);
    }

    pub(super) fn mixed_write(&mut self, commands: Vec<Command>) {
        let tie = match self.dice.below(100) {
            0..8 => Tie::Context,
            _ if self.tied() => Tie::Behind,
            _ => Tie::Free,
        };
        let retry = self.retry();
        self.mixed(Does::Write { commands, tie }, retry);
    }

    pub(super) fn object(&mut self) -> ObjectRef {
        let hot = self.dice.percent(self.profile.hot);
        let key = format!("k{}", self.dice.below(if hot { 2 } else { self.profile.keys }));
        if self.dice.one_in(4) { ObjectRef::at(key, &self.dice.word(&PATHS)) } else { ObjectRef::key(key) }
    }

    pub(super) fn command(&mut self) -> Command {
        let object = self.object();
        let root = object.path.is_empty();
        let op = match self.dice.below(40) {
            0 | 1 => diet::clear(self.dice),
            2..4 if root => self.expiry(),
            _ => self.dice.of(&TYPES).op(self.dice),
        };
        Command { object, op: self.at_home(op) }
    }

    pub(super) fn expiry(&mut self) -> CommandOp {
        match self.dice.below(4) {
            0 => CommandOp::Persist,
            _ => CommandOp::Expire(*self.dice.of(&[40, 200, 900, 3_000])),
        }
    }

    /// As long as this world's time, and among its regions.
    pub(super) fn at_home(&mut self, op: CommandOp) -> CommandOp {
        match op {
            CommandOp::Set { value, ttl_ms: Some(_) } => {
                CommandOp::Set { value, ttl_ms: Some(*self.dice.of(&[30, 300, 1_500])) }
            }
            CommandOp::BoundedGive { amount, .. } => CommandOp::BoundedGive { to: letter_of(self.region()), amount },
            op => op,
        }
    }

    pub(super) fn query(&mut self) -> Query {
        let object = self.object();
        let queries = self.dice.of(&Topic::ALL).queries();
        let kind = self.dice.pick(&queries).cloned().unwrap_or(QueryKind::Kinds);
        Query { object, kind }
    }

    pub(super) fn transaction(&mut self) {
        let turns = (0..self.dice.from_to(1, 6))
            .map(|_| if self.dice.percent(45) { Turn::Read(self.query()) } else { Turn::Write(self.command()) });
        let turns = turns.collect();
        let end =
            *self.dice.of(&[End::Commit, End::Commit, End::CommitChecked, End::CommitChecked, End::Abort, End::Forget]);
        let thinks = *self.dice.of(&[0, 0, 5, 80, 700]);
        let does = Does::Transaction { turns, tied: self.tied(), thinks: Duration::from_millis(thinks), end };
        self.mixed(does, Retry::default());
    }

    pub(super) fn look(&mut self) {
        let does = match self.dice.below(8) {
            0 => Does::Digest,
            1..4 => Does::Token { tied: self.tied() },
            _ => Does::Scan { beginning: self.dice.word(&["", "k", "pair:", "sum:"]) },
        };
        self.mixed(does, Retry::default());
    }
}
