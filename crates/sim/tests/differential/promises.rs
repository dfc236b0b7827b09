//! The promises of DESIGN §1 that are the kernel's, each judged by itself, most of them without the oracle.

use std::collections::BTreeMap;

use halcyon_crdt::Row;
use halcyon_sim::dice::Dice;
use halcyon_sim::scenario::{Command, CommandOp, ObjectRef, Query, QueryKind, Region, Value, World};
use halcyon_sim::workload::diet::Diet;
use halcyon_types::VersionVector;

use crate::observer::name;
use crate::player::{Delivery, Game, Observer, Seen};
use crate::rows;
use crate::runner::check;

/// Whatever the order in which records come.
#[derive(Default)]
struct EqualBytes {
    known: BTreeMap<Vec<(u64, u64)>, Vec<u8>>,
}

impl Observer for EqualBytes {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        let bytes = rows::bytes(game.kernel.rows(delivery.region));
        let known = self.known.entry(name(game.kernel.vv(delivery.region))).or_insert_with(|| bytes.clone());
        if *known == bytes { Ok(()) } else { Err("equal vectors, other bytes".to_owned().into()) }
    }

    fn ended(&mut self, game: &mut Game) -> Seen {
        let held = rows::bytes(game.kernel.rows(Region::A));
        for seed in 0..3 {
            let mut dice = Dice::new(seed);
            let mut left: Vec<_> = game.kernel.records().collect();
            let (mut order, mut vv) = (Vec::new(), VersionVector::new());
            while !left.is_empty() {
                let may = |at: &usize| {
                    let record = left[*at];
                    record.dot.seq.0 == vv.get(record.dot.actor).0 + 1 && record.deps.le(&vv)
                };
                let next: Vec<usize> = (0..left.len()).filter(may).collect();
                let record = left.remove(*dice.pick(&next).unwrap());
                vv.observe(record.dot);
                order.push(record);
            }
            if rows::bytes(&rows::taken_in(order.into_iter())) != held {
                return Err("a newcomer that took the same records in another order holds other bytes"
                    .to_owned()
                    .into());
            }
        }
        Ok(())
    }
}

#[test]
fn p3_equal_vectors_have_equal_bytes_whatever_the_order_of_delivery() {
    check(Diet::Mixed, 300, EqualBytes::default);
}

struct Causal;

impl Observer for Causal {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        let vv = game.kernel.vv(delivery.region);
        let shown = game.kernel.records().filter(|record| vv.covers(record.dot));
        match shown.into_iter().find(|record| !record.deps.le(vv) || !record.ctx().le(vv)) {
            Some(early) => Err(format!("{} shows {} before what that depends on", delivery.region, early.dot).into()),
            None => Ok(()),
        }
    }
}

#[test]
fn p4_no_region_shows_an_effect_before_anything_it_depends_on() {
    check(Diet::Mixed, 100, || Causal);
}

/// Every write is turned into a transaction that writes the same to two keys.
struct Twins;

impl Observer for Twins {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        for (key, twin) in [("k", "k2"), ("l", "l2")] {
            for kind in
                [QueryKind::Get, QueryKind::Counter, QueryKind::Members, QueryKind::ListRange { start: 0, stop: -1 }]
            {
                let mut ask = |key: &str| {
                    let query = Query { object: ObjectRef::key(key), kind: kind.clone() };
                    game.kernel.read(delivery.region, &query).map_err(|e| e.to_string())
                };
                let (one, other) = (ask(key)?, ask(twin)?);
                if one != other {
                    return Err(format!("{} shows {key} as {one} and {twin} as {other}", delivery.region).into());
                }
            }
        }
        Ok(())
    }
}

#[test]
fn p5_a_transaction_is_seen_whole_or_not_at_all() {
    use halcyon_sim::scenario::StepKind;
    let twin = |command: &Command| {
        let mut twin = command.clone();
        twin.object.key.push('2');
        twin
    };
    for diet in [Diet::Registers, Diet::Counters, Diet::Sets, Diet::Lists] {
        crate::runner::check_changed(
            diet,
            60,
            || Twins,
            |steps| {
                let both = |step: StepKind| match step {
                    StepKind::Write { region, command, .. } => {
                        vec![StepKind::Transaction { region, commands: vec![twin(&command), command] }]
                    }
                    StepKind::Transaction { region, commands } => {
                        let commands = commands.into_iter().flat_map(|command| [twin(&command), command]).collect();
                        vec![StepKind::Transaction { region, commands }]
                    }
                    StepKind::Buffer { region, transaction, command } => {
                        let buffer = |command| StepKind::Buffer { region, transaction: transaction.clone(), command };
                        vec![buffer(command.clone()), buffer(twin(&command))]
                    }
                    step => vec![step],
                };
                steps.into_iter().flat_map(both).collect()
            },
        );
    }
}

/// Judged from the rows before and after each record.
struct ExactlyWhatItSaw;

impl Observer for ExactlyWhatItSaw {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        let after: BTreeMap<_, _> = game.kernel.rows(delivery.region).iter().collect();
        let before: BTreeMap<_, _> = delivery.before.iter().collect();
        let record = delivery.record;
        for (key, row) in &before {
            let Row::Entries(entries) = row else { continue };
            let left = after.get(key).map_or(&[][..], |row| row.entries());
            for gone in entries.iter().filter(|entry| !left.contains(entry)) {
                let own = key.kind() == Ok(halcyon_crdt::Kind::Register) && gone.dot.actor == record.dot.actor;
                if !record.ctx.covers(gone.dot) && !own {
                    return Err(format!("{} took away {} without having seen it", record.dot, gone.dot).into());
                }
            }
        }
        for (key, row) in &after {
            let was = before.get(key).map_or(&[][..], |row| row.entries());
            if let Some(new) = row.entries().iter().find(|entry| !was.contains(entry) && entry.dot != record.dot) {
                return Err(format!("{} brought {}", record.dot, new.dot).into());
            }
        }
        Ok(())
    }
}

#[test]
fn p6_a_record_takes_away_nothing_that_it_has_not_seen() {
    check(Diet::Mixed, 150, || ExactlyWhatItSaw);
    check(Diet::Lists, 50, || ExactlyWhatItSaw);
}

/// Without a reset or a delete, a counter is the sum of everything that was added.
struct EveryIncrement;

impl Observer for EveryIncrement {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        let set = game.oracle.set(game.kernel.vv(delivery.region));
        let mut sum = 0_i128;
        for record in set {
            for write in &record.deed.writes {
                if let halcyon_sim::oracle::Written::Amount { amount, .. } = write.what {
                    sum += amount;
                }
            }
        }
        let mut found = 0;
        for (_, row) in game.kernel.rows(delivery.region).iter() {
            if let Row::Interval(interval) = row {
                found += interval.whole();
            }
        }
        if found == sum { Ok(()) } else { Err(format!("{} counts {found} of {sum}", delivery.region).into()) }
    }
}

#[test]
fn p6_each_increment_counts_once() {
    use halcyon_sim::scenario::StepKind;
    crate::runner::check_changed(
        Diet::Counters,
        150,
        || EveryIncrement,
        |steps| {
            let adds = |command: &Command| matches!(command.op, CommandOp::Incr(_));
            let keeps = |step: &StepKind| match step {
                StepKind::Write { command, .. } | StepKind::Buffer { command, .. } => adds(command),
                StepKind::Transaction { commands, .. } => commands.iter().all(adds),
                _ => true,
            };
            steps.into_iter().filter(keeps).collect()
        },
    );
}

struct Bounded;

impl Observer for Bounded {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        for key in ["k", "l"] {
            let mut ask = |kind: QueryKind| {
                let query = Query { object: ObjectRef::key(key), kind };
                match game.kernel.read(delivery.region, &query) {
                    Ok(Value::Integer(number)) => Ok(number),
                    other => Err(format!("{other:?}")),
                }
            };
            let (value, rights) = (ask(QueryKind::BoundedValue)?, ask(QueryKind::BoundedRights)?);
            if value < 0 || rights > value {
                return Err(format!("{} has {value} of {key}, and {rights} to spend", delivery.region).into());
            }
        }
        Ok(())
    }
}

#[test]
fn p8_a_bounded_counter_never_crosses_its_bound_in_any_partition() {
    check(Diet::BoundedCounters, 300, || Bounded);
}
