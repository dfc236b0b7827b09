//! Tests that cannot fail prove nothing: the programs must reach the conflicts that the oracle is there to judge.

use std::cell::RefCell;
use std::collections::BTreeMap;

use halcyon_crdt::{Effect, Row};

use crate::generator::{Diet, programs};
use crate::run::{check, run};
use crate::universe::{Leaf, place_of};

#[test]
fn programs_reach_the_conflicts_they_are_meant_for() {
    let programs_run = RefCell::new(0_u32);
    let reached = RefCell::new(BTreeMap::new());
    check(&programs(Diet::Mixed), |program| {
        *programs_run.borrow_mut() += 1;
        let (mut seen_here, mut orders) = (BTreeMap::new(), BTreeMap::new());
        let mut note = |what: &'static str, is: bool| *seen_here.entry(what).or_insert(false) |= is;
        run(&program, 0, &mut |replica, record| {
            let stale = record.ctx != record.deps;
            note("a stale transaction writes", stale && !record.deed.writes.is_empty());
            note("a stale transaction removes", stale && !record.deed.removals.is_empty());
            let order: Vec<_> = replica.log.iter().map(|record| record.dot()).collect();
            let first = orders.entry(replica.seen).or_insert_with(|| order.clone());
            note("a set of records is delivered in two orders", *first != order);
            let lists = |effect: &Effect| matches!(effect, Effect::Clear { intervals, .. } if !intervals.is_empty());
            note("a removal lists counters", record.effects.iter().any(lists));
            for (key, row) in replica.rows.iter() {
                let register = place_of(key).is_some_and(|(place, _)| place.leaf == Leaf::Register);
                match row {
                    Row::Entries(entries) => {
                        note("a register has siblings", register && entries.len() > 1);
                        note("an element has been added twice", !register && entries.len() > 1);
                        let equal = entries.windows(2).any(|pair| pair[0].hlc == pair[1].hlc);
                        note("siblings have equal stamps", register && equal);
                    }
                    Row::Interval(interval) => {
                        note("a counter is partly reset", interval.lo != 0);
                        note("a counter lives anew", interval.lo == 0 && interval.lo_seq.0 > 1);
                    }
                }
            }
            Ok(())
        })?;
        for (what, is) in seen_here {
            *reached.borrow_mut().entry(what).or_insert(0_u32) += u32::from(is);
        }
        Ok(())
    });
    let programs_run = programs_run.into_inner();
    assert_eq!(reached.borrow().len(), 9, "every kind of conflict was looked for");
    for (what, programs) in reached.into_inner() {
        // One in two hundred is fifty programs of a full run of one test.
        assert!(programs * 200 >= programs_run, "{what}: in {programs} of {programs_run} programs only");
    }
}
