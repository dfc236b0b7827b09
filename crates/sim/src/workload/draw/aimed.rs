//! Those who aim: they stamp, link, keep accounts and spend.

use std::time::Duration;

use super::{ACCOUNTANTS, Drawing, LINKERS, SPENDERS, STAMPERS};
use crate::scenario::{Command, CommandOp, ObjectRef, Query, QueryKind};
use crate::workload::action::{Does, End, Retry, Tie, Turn};
use crate::workload::aims::{self, Part};
use crate::workload::words::letter_of;

impl Drawing<'_> {
    fn pair(&mut self) -> u8 {
        u8::try_from(self.dice.below(aims::PAIRS.into())).unwrap_or_default()
    }

    pub(super) fn stamp(&mut self) {
        let (client, region) = self.of(STAMPERS, 4);
        let pair = self.pair();
        self.named += 1;
        let stamp = self.named;
        let commands: Vec<_> = Part::ALL.into_iter().flat_map(|part| part.stamp(pair, stamp)).collect();
        let does = if self.dice.one_in(3) {
            let turns = commands.into_iter().map(Turn::Write).collect();
            let thinks = Duration::from_millis(*self.dice.of(&[0, 10, 200]));
            Does::Transaction { turns, tied: false, thinks, end: End::Commit }
        } else {
            Does::Write { commands, tie: Tie::Free }
        };
        let retry = self.retry();
        self.push(client, region, does, retry);
    }

    pub(super) fn stamps(&mut self) {
        let (client, region) = self.of(STAMPERS + 10, 4);
        let pair = self.pair();
        let mut parts = Part::ALL.to_vec();
        while parts.len() > 4 {
            parts.swap_remove(self.dice.index(parts.len()));
        }
        let turns = parts.into_iter().map(|part| Turn::Read(part.query(pair))).collect();
        let does = Does::Transaction { turns, tied: self.tied(), thinks: Duration::ZERO, end: End::Abort };
        self.push(client, region, does, Retry::default());
    }

    pub(super) fn chains(&mut self) {
        let (client, region) = self.of(LINKERS + 10, 4);
        // The effect first, and then the cause, without a word that would tie the two.
        for _ in 0..2 {
            let query = Query { object: ObjectRef::key(aims::chain_key(self.chain())), kind: QueryKind::Members };
            let tied = self.tied();
            self.push(client, region, Does::Read { query, tied }, Retry::default());
        }
    }

    pub(super) fn account(&mut self) {
        let (client, region) = self.of(ACCOUNTANTS, 4);
        self.named += 1;
        let element = format!("e{}", self.named);
        let amount = i64::try_from(self.dice.from_to(1, 9)).unwrap_or(1);
        let command = |key: String, op| Command { object: ObjectRef::key(key), op };
        let (sum, grow) = (aims::sum_key(client.0), aims::grow_key(client.0));
        let all = || aims::ALL_KEY.to_owned();
        let commands = match self.dice.below(4) {
            0 => vec![command(sum, CommandOp::Incr(amount))],
            1 => vec![command(grow, CommandOp::SetAdd(vec![element]))],
            2 => vec![command(sum, CommandOp::Incr(amount)), command(grow, CommandOp::SetAdd(vec![element]))],
            _ => vec![command(all(), CommandOp::Incr(1)), command(all(), CommandOp::SetAdd(vec![element]))],
        };
        let retry = self.retry();
        let tie = if self.tied() { Tie::Behind } else { Tie::Free };
        self.push(client, region, Does::Write { commands, tie }, retry);
        if self.dice.one_in(3) {
            let key = self.dice.of(&[aims::sum_key(client.0), aims::ALL_KEY.to_owned()]).clone();
            let read =
                Does::Read { query: Query { object: ObjectRef::key(key), kind: QueryKind::Counter }, tied: true };
            self.push(client, region, read, Retry::default());
        }
    }

    pub(super) fn spend(&mut self) {
        let object = ObjectRef::key(format!("stock:{}", self.dice.below(2)));
        let amount = i64::try_from(self.dice.from_to(1, 6)).unwrap_or(1);
        let op = match self.dice.below(12) {
            0 | 1 => CommandOp::BoundedIncr(amount * 4),
            2 | 3 => CommandOp::BoundedGive { to: letter_of(self.region()), amount },
            4 if self.dice.one_in(6) => CommandOp::Delete,
            _ => CommandOp::BoundedDecr(amount),
        };
        let command = Command { object, op };
        let does = match self.dice.below(6) {
            0 => {
                let turns = vec![Turn::Read(bounded(&command.object)), Turn::Write(command)];
                let thinks = Duration::from_millis(*self.dice.of(&[0, 20, 300]));
                Does::Transaction { turns, tied: false, thinks, end: End::Commit }
            }
            1 => Does::Read { query: bounded(&command.object), tied: false },
            2 => Does::Burst(vec![command.clone(), command.clone(), command]),
            _ => Does::Write { commands: vec![command], tie: Tie::Free },
        };
        let (client, region) = self.of(SPENDERS, self.regions.len() as u64);
        let retry = self.retry();
        self.push(client, region, does, retry);
    }

    fn chain(&mut self) -> u8 {
        u8::try_from(self.dice.below(aims::CHAINS.into())).unwrap_or_default()
    }

    pub(super) fn link(&mut self) {
        let (client, region) = self.of(LINKERS, 5);
        let (from, to) = (self.chain(), self.chain());
        self.named += 1;
        let writes = self.elsewhere(region, 50);
        let does = Does::Link { from, to, region: writes, name: self.named };
        self.push(client, region, does, Retry::default());
    }
}

fn bounded(object: &ObjectRef) -> Query {
    Query { object: object.clone(), kind: QueryKind::BoundedRights }
}
