//! Tests that cannot fail prove nothing: the programs must reach the conflicts that the oracle is there to judge.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_crdt::{Effect, Kind, Row};
use halcyon_types::{Dot, Seq};

use halcyon_sim::workload::diet::Diet;

use crate::observer::name;
use crate::player::{Delivery, Game, Observer, Seen};
use crate::runner::check;

#[derive(Default)]
struct Reached {
    what: BTreeSet<&'static str>,
    orders: BTreeMap<Vec<(u64, u64)>, Dot>,
}

const CONFLICTS: [&str; 17] = [
    "a record that did not see the present writes",
    "a record that did not see the present removes",
    "a set of records is delivered in two orders",
    "a removal lists counters",
    "a register has siblings",
    "an element has been added twice",
    "a counter is partly reset",
    "a score is given and added to",
    "two writes stand at one place of a list",
    "a list has a deep position",
    "a bounded counter has two generations",
    "rights are spent out of two generations",
    "an update of a generation dies with it",
    "two deadlines stand beside each other",
    "refused: InsufficientRights",
    "refused: RightsOutstanding",
    "refused: StaleContext",
];

impl Observer for Reached {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        let (what, dot) = (&mut self.what, delivery.record.dot);
        let mut note = |name: &'static str, is: bool| {
            if is {
                what.insert(name);
            }
        };
        let record = game.kernel.records().find(|record| record.dot == dot).unwrap();
        let deed = &delivery.record.deed;
        note("a record that did not see the present writes", record.ctx.is_some() && !deed.writes.is_empty());
        note("a record that did not see the present removes", record.ctx.is_some() && !deed.removals.is_empty());
        let vv = game.kernel.vv(delivery.region);
        let last = *self.orders.entry(name(vv)).or_insert(dot);
        note("a set of records is delivered in two orders", last != dot);
        let lists = |effect: &Effect| matches!(effect, Effect::Clear { intervals, .. } if !intervals.is_empty());
        note("a removal lists counters", record.effects.iter().any(lists));
        let holds = |effect: &&Effect| matches!(effect, Effect::Hold { .. });
        note("rights are spent out of two generations", record.effects.iter().filter(holds).count() > 1);
        let rows = game.kernel.rows(delivery.region);
        let known: BTreeSet<Dot> = rows.iter().flat_map(|(key, row)| dots(key.as_bytes(), row)).collect();
        let in_vain = |effect: &Effect| match effect {
            Effect::Hold { generation, .. } | Effect::Observe { generation, .. } => {
                !known.contains(&generation.unwrap_or(dot))
            }
            _ => false,
        };
        note("an update of a generation dies with it", record.effects.iter().any(in_vain));
        let mut generations: BTreeMap<_, BTreeSet<Dot>> = BTreeMap::new();
        let mut scores = BTreeSet::new();
        for (key, row) in rows.iter() {
            let kind = key.kind().unwrap();
            match row {
                Row::Entries(entries) => {
                    let several = entries.len() > 1;
                    note("a register has siblings", several && kind == Kind::Register);
                    note("an element has been added twice", several && kind == Kind::Set);
                    note("two writes stand at one place of a list", several && kind == Kind::List);
                    note("two deadlines stand beside each other", several && kind == Kind::Deadline);
                    note("a list has a deep position", kind == Kind::List && key.as_bytes().len() > 60);
                    if kind == Kind::SortedSet {
                        scores.insert(key.as_bytes()[..key.as_bytes().len() - 1].to_vec());
                    }
                }
                Row::Interval(interval) => {
                    note("a counter is partly reset", interval.lo.zero() != interval.lo);
                    let member = &key.as_bytes()[..key.as_bytes().len() - 9];
                    note("a score is given and added to", scores.contains(member) || given(rows, member));
                }
                Row::Escrow(_) => {
                    let counter = key.as_bytes()[..key.as_bytes().len() - 24].to_vec();
                    generations.entry(counter).or_default().extend(dots(key.as_bytes(), row));
                }
                Row::Registers(_) => {}
            }
        }
        note("a bounded counter has two generations", generations.values().any(|of| of.len() > 1));
        Ok(())
    }

    fn ended(&mut self, game: &mut Game) -> Seen {
        for name in game.refused.values() {
            self.what.extend(CONFLICTS.iter().filter(|what| what.strip_prefix("refused: ") == Some(name)));
        }
        Ok(())
    }
}

fn given(rows: &halcyon_crdt::MemoryRows, member: &[u8]) -> bool {
    rows.iter().any(|(key, _)| key.as_bytes().strip_prefix(member) == Some(b"R"))
}

fn dots(key: &[u8], row: &Row) -> Vec<Dot> {
    let mut dots = Vec::new();
    row.dots(key, |dot| dots.push(Dot { seq: Seq(dot.seq.0), ..dot }));
    dots
}

#[test]
fn programs_reach_the_conflicts_they_are_meant_for() {
    let diets = [
        Diet::Registers,
        Diet::Counters,
        Diet::Sets,
        Diet::SortedSets,
        Diet::Lists,
        Diet::HyperLogLogs,
        Diet::BoundedCounters,
        Diet::Deadlines,
        Diet::Mixed,
    ];
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    for diet in diets {
        for observer in check(diet, 60, Reached::default) {
            for what in observer.what {
                *reached.entry(what).or_default() += 1;
            }
        }
    }
    for what in CONFLICTS {
        let programs = reached.get(what).copied().unwrap_or_default();
        assert!(programs >= 3, "{what}: in {programs} programs only; all: {reached:#?}");
    }
}
