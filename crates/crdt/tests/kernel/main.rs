//! The kernel against a declarative oracle (DESIGN §14): random worlds of replicas that commit, fall behind, relay and
//! catch up in any causal order, and after every delivery must show what the *set* of delivered records says.
//!
//! `HALCYON_CASES` and `HALCYON_SEED` vary the number of programs per test (10,000) and what they are (seed 0).

#[cfg(test)]
mod compare;
#[cfg(test)]
mod convergence;
#[cfg(test)]
mod generator;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod pairs;
#[cfg(test)]
mod player;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod run;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod totality;
#[cfg(test)]
mod universe;
#[cfg(test)]
mod world;

use std::collections::BTreeMap;

use compare::{all_reads_are_the_truth, reads_are_the_truth, rows_are_the_survivors};
use generator::{Diet, programs};
use halcyon_crdt::Kind;
use oracle::Truth;
use proptest::prelude::prop_assert_eq;
use run::{check, run};
use universe::At;
use world::Act;

/// After every delivery the rows are what the oracle says, and so are the reads of what the record named; at the end all
/// reads are.
#[cfg(test)]
fn check_against_the_oracle(diet: Diet) {
    check(&programs(diet), |program| {
        // The oracle's word on a vector is asked once: whoever is at that vector must hold the same rows.
        let mut checked = BTreeMap::new();
        let mut world = run(&program, 0, &mut |replica, record| {
            if let Some(rows) = checked.get(&replica.seen) {
                prop_assert_eq!(rows, &replica.rows, "two replicas at {:?}", replica.seen);
                return Ok(());
            }
            let truth = Truth::of(&replica.log);
            rows_are_the_survivors(replica, &truth)?;
            let rows = &mut replica.rows;
            for change in &record.changes {
                match change.act {
                    Act::Set(_) | Act::Unset => reads_are_the_truth(rows, &truth, change.at, Kind::Register, 1)?,
                    Act::Add(_) | Act::Reset => reads_are_the_truth(rows, &truth, change.at, Kind::Counter, 1)?,
                    Act::Insert(_) | Act::Remove(_) => reads_are_the_truth(rows, &truth, change.at, Kind::Set, 1)?,
                    Act::Delete => all_reads_are_the_truth(rows, &truth, change.at, 1)?,
                }
            }
            checked.insert(replica.seen, replica.rows.clone());
            Ok(())
        })?;
        let replica = &mut world.replicas[0];
        let truth = Truth::of(&replica.log);
        let touched = |at: &At| {
            let mut changes = replica.log.iter().flat_map(|record| &record.changes);
            changes.any(|change| change.at.is_within(*at))
        };
        let touched: Vec<_> = At::all().filter(touched).collect();
        let mut each = touched.into_iter();
        each.try_for_each(|at| all_reads_are_the_truth(&mut replica.rows, &truth, at, 2))
    });
}

#[test]
fn registers_show_what_the_set_of_records_says() {
    check_against_the_oracle(Diet::Registers);
}

#[test]
fn counters_show_what_the_set_of_records_says() {
    check_against_the_oracle(Diet::Counters);
}

#[test]
fn sets_show_what_the_set_of_records_says() {
    check_against_the_oracle(Diet::Sets);
}

#[test]
fn maps_show_what_the_set_of_records_says() {
    check_against_the_oracle(Diet::Maps);
}

#[test]
fn all_types_together_show_what_the_set_of_records_says() {
    check_against_the_oracle(Diet::Mixed);
}
