//! Promise P6, no lost update, without the oracle: what one record may change is judged from the rows before and after.

use std::rc::Rc;

use halcyon_crdt::{Entry, Interval, MemoryRows, Row, RowKey};
use halcyon_types::{Dot, Seq};
use proptest::prelude::{prop_assert, prop_assert_eq};
use proptest::test_runner::TestCaseResult;

use crate::generator::{Diet, programs};
use crate::oracle::increments;
use crate::run::{check, run};
use crate::universe::{ACTORS, Leaf, Place, actor, place_of};
use crate::world::{Record, Replica};

/// Calls `judge` with the rows before and after every delivery.
fn check_deliveries(diet: Diet, judge: impl Fn(&MemoryRows, &Replica, &Rc<Record>) -> TestCaseResult) {
    check(&programs(diet), |program| {
        let mut before = vec![MemoryRows::default(); ACTORS];
        run(&program, 0, &mut |replica, record| {
            judge(&before[replica.me], replica, record)?;
            before[replica.me] = replica.rows.clone();
            Ok(())
        })
        .map(drop)
    });
}

fn row<'a>(rows: &'a MemoryRows, key: &RowKey) -> Option<&'a Row> {
    rows.iter().find(|(k, _)| *k == key).map(|(_, row)| row)
}

/// Of the rows before, an entry is gone afterwards iff the record saw it and removed or overwrote it, or is a later
/// write of a register by the same actor. Whatever is new is the record's own.
#[test]
fn p6_a_record_takes_away_exactly_what_it_saw() {
    check_deliveries(Diet::Mixed, |before, replica, record| {
        for (key, old) in before.iter() {
            let Some((place, None)) = place_of(key) else { continue };
            let writes = record.deed.writes_to(place);
            let takes = |dot: Dot| {
                let own = dot.actor == actor(record.replica) && place.leaf == Leaf::Register;
                let saw = (0..ACTORS).any(|i| actor(i) == dot.actor && record.ctx.has(i, dot.seq.0));
                saw && (record.deed.removes(place) || writes) || own && writes
            };
            let left = row(&replica.rows, key).map_or(&[][..], Row::entries);
            let left: Vec<_> = left.iter().filter(|entry| entry.dot != record.dot()).collect();
            let expected: Vec<&Entry> = old.entries().iter().filter(|entry| !takes(entry.dot)).collect();
            prop_assert_eq!(left, expected, "{:?}, after {:?}", place, record);
        }
        for (key, new) in replica.rows.iter() {
            let was = row(before, key).map_or(&[][..], Row::entries);
            let added = new.entries().iter().filter(|entry| !was.contains(entry));
            prop_assert!(added.clone().count() <= 1 && added.clone().all(|entry| entry.dot == record.dot()));
        }
        Ok(())
    });
}

/// A record moves each counter by its own amount, and takes away what it saw of each actor's increments if it resets:
/// nothing of what was added meanwhile, and nothing twice.
#[test]
fn p6_each_increment_counts_once_until_a_reset_has_seen_it() {
    check_deliveries(Diet::Counters, |before, replica, record| {
        let interval =
            |rows: &MemoryRows, place: Place, i: usize| match row(rows, &place.at.object().counter().actor(actor(i))) {
                Some(Row::Interval(interval)) => Some(*interval),
                _ => None,
            };
        for change in &record.changes {
            let place = Place { at: change.at, leaf: Leaf::Counter };
            for i in 0..ACTORS {
                let old = interval(before, place, i);
                // What counted before began behind the old interval's low end.
                let from = old.map_or(Seq(u64::MAX), |old| old.lo_seq).0;
                let saw = if record.deed.removes(place) { record.ctx.0[i] } else { 0 };
                let kept = |(seq, _): &(u64, i128)| {
                    let own = i == record.replica && *seq == record.seq;
                    own || *seq > from && *seq > saw
                };
                let mut kept = increments(&replica.log, place, i).filter(kept).peekable();
                let there = kept.peek().is_some();
                let new = interval(&replica.rows, place, i);
                prop_assert_eq!(new.is_some(), there, "{:?} of {:?}, after {:?}", place, actor(i), record);
                let sum: i128 = kept.map(|(_, amount)| amount).sum();
                prop_assert_eq!(new.map_or(0, Interval::value), sum, "{:?} of {:?}", place, actor(i));
            }
        }
        Ok(())
    });
}
