//! P3, P4: committers that exchange records, in any causal order, through crashes, while time passes and expires things.

use std::collections::BTreeSet;

use halcyon_crdt::{Answer, Kind, Query, Update, read};
use halcyon_types::{Seq, VersionVector};
use halcyon_wire::Record;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::node::{Node, add, object, set};
use super::programs::updates;
use super::{Disk, MemoryDisk};
use crate::{ApplyError, Head};

#[derive(Debug, Clone)]
enum Step {
    Write(usize, Vec<Update>),
    Commit(usize),
    /// (to, from, whose, how many)
    Pull(usize, usize, usize, u64),
    Crash(usize),
    /// Everybody's clock moves on.
    Tick(u64),
    /// Of entries; of keys too.
    Sweep(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = || 0_usize..3;
    let step = prop_oneof![
        6 => (node(), updates()).prop_map(|(n, updates)| Step::Write(n, updates)),
        2 => node().prop_map(Step::Commit),
        4 => (node(), node(), node(), 1_u64..5).prop_map(|(to, from, whose, most)| Step::Pull(to, from, whose, most)),
        1 => node().prop_map(Step::Crash),
        1 => (1_u64..99).prop_map(Step::Tick),
        1 => (node(), any::<bool>()).prop_map(|(n, keys)| Step::Sweep(n, keys)),
    ];
    prop::collection::vec(step, 1..60)
}

fn pull<D: Disk>(nodes: &mut [Node<D>], to: usize, from: usize, whose: usize, most: u64) -> usize {
    if to == from || to == whose {
        return 0;
    }
    let actor = nodes[whose].actor();
    // Split the borrow: `to` is taken out of the row for a moment.
    let (low, high) = nodes.split_at_mut(to.max(from));
    let (to, from) = if to < from { (&mut low[to], &high[0]) } else { (&mut high[0], &low[from]) };
    to.pull(from, actor, most)
}

fn check<D: Disk>(nodes: &[Node<D>]) {
    for a in nodes {
        for key in ["key-0", "key-1", "key-2"] {
            let value = read(&mut a.committer.reader().snapshot(), &object(key), &Query::Value, a.now);
            // Or there is something else, and no bounded counter.
            if let Ok(value) = value {
                assert!(matches!(value, Answer::Sum(None | Some(0..))), "below zero (P8): {value:?}");
            }
        }
        for b in nodes {
            let (da, db) = (a.digest(), b.digest());
            if da.vv == db.vv {
                assert_eq!(da, db, "equal vectors, different bytes");
                assert_eq!(a.heads, b.heads, "equal vectors, different chains");
            }
        }
    }
}

fn p3_replicas_with_equal_vectors_are_equal_bytes<D: Disk>() {
    let mut runner = TestRunner::new(Config::with_cases(D::CASES));
    runner
        .run(&steps(), |steps| {
            let mut nodes: Vec<Node<D>> = (1..=3).map(Node::new).collect();
            for step in steps {
                match step {
                    Step::Write(n, updates) => drop(nodes[n].stage(updates)),
                    Step::Commit(n) => drop(nodes[n].commit()),
                    Step::Pull(to, from, whose, most) => drop(pull(&mut nodes, to, from, whose, most)),
                    Step::Crash(n) => nodes[n].restart(),
                    Step::Tick(ms) => nodes.iter_mut().for_each(|node| node.now.0 += ms),
                    Step::Sweep(n, keys) => drop(nodes[n].sweep(keys)),
                }
            }
            for node in &mut nodes {
                node.commit();
            }
            check(&nodes);
            // Everybody hears everything, each its own way.
            let mut moved = 1;
            while moved > 0 {
                moved = 0;
                for (to, from, whose) in (0..27).map(|n| (n / 9, n / 3 % 3, n % 3)) {
                    moved += pull(&mut nodes, to, from, whose, 3);
                }
                check(&nodes);
            }
            let vv = nodes[0].vv();
            prop_assert!(nodes.iter().all(|node| node.vv() == vv), "nothing is left to hear");
            for node in &mut nodes {
                let before = node.digest();
                let heads = node.heads.clone();
                node.restart();
                prop_assert_eq!(node.digest(), before);
                prop_assert_eq!(&node.heads, &heads);
            }
            Ok(())
        })
        .unwrap();
}

/// Two records of region 2, the second of which depends on region 1's first.
fn chain<D: Disk>() -> (Node<D>, Node<D>, Vec<(Record, halcyon_wire::StoredRecord)>) {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    a.put(vec![set("name", "a")]);
    b.put(vec![add("stock", 1)]);
    b.pull(&a, a.actor(), 1);
    b.put(vec![set("name", "b")]);
    let log = b.committer.reader().log(b.actor(), Seq::ZERO, Seq(2), usize::MAX).unwrap();
    let mut deps = VersionVector::new();
    let records = log.into_iter().map(|stored| {
        let record = Record::decode(&stored.bytes, b.actor(), &deps).unwrap();
        deps = record.deps.clone();
        (record, stored)
    });
    let records = records.collect();
    (a, b, records)
}

fn p4_a_record_before_its_time_is_an_error_that_leaves_no_trace<D: Disk>() {
    let (_, b, records) = chain::<D>();
    let mut c = Node::<D>::new(3);
    let [(first, first_stored), (second, second_stored)] = &records[..] else { panic!() };
    let before = c.digest();
    let mut refused = |record: &Record, stored| c.committer.stage_record(c.now, record, stored).unwrap_err();
    assert_eq!(refused(second, second_stored), ApplyError::Gap { dot: second.dot, have: Seq::ZERO });
    assert_eq!(refused(first, second_stored), ApplyError::Mismatch { dot: first.dot, stored: Seq(2) });
    c.committer.stage_record(c.now, first, first_stored).unwrap();
    let early = c.committer.stage_record(c.now, second, second_stored).unwrap_err();
    assert_eq!(early, ApplyError::Early { dot: second.dot });
    c.restart();
    assert_eq!(c.digest(), before);
    assert_eq!(c.heads.get(&b.actor()), None);
}

fn a_record_that_is_applied_already_does_nothing<D: Disk>() {
    let (mut a, b, records) = chain::<D>();
    a.pull(&b, b.actor(), 2);
    let before = a.digest();
    for (record, stored) in &records {
        a.committer.stage_record(a.now, record, stored).unwrap();
    }
    assert_eq!(a.committer.staged(), (0, 0));
    let committed = a.commit();
    assert!(committed.heads.is_empty() && committed.own.is_empty());
    assert_eq!(a.digest(), before);
}

fn p2_a_record_of_the_nodes_own_log_from_elsewhere_is_refused<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let mut restored = Node::<D>::new(1);
    assert_eq!(node.actor(), restored.actor(), "a copy of the directory");
    let dot = node.put(vec![add("stock", 1)]);
    let stored = node.committer.reader().log(dot.actor, Seq::ZERO, Seq(1), usize::MAX).unwrap().remove(0);
    let record = Record::decode(&stored.bytes, dot.actor, &VersionVector::new()).unwrap();
    let refused = restored.committer.stage_record(restored.now, &record, &stored);
    assert_eq!(refused, Err(ApplyError::Own { dot }));
    assert!(restored.vv().is_empty());
}

fn a_replicated_log_is_the_same_bytes_with_the_same_hash<D: Disk>() {
    let (a, b, _) = chain::<D>();
    let mut c = Node::<D>::new(3);
    assert_eq!(c.pull(&b, a.actor(), 9), 1, "relayed");
    assert_eq!(c.pull(&b, b.actor(), 9), 2);
    c.restart();
    for actor in [a.actor(), b.actor()] {
        let log = |node: &Node<D>| node.committer.reader().log(actor, Seq::ZERO, Seq(9), usize::MAX).unwrap();
        assert_eq!(log(&c), log(&b));
        assert_eq!(c.heads[&actor], b.heads[&actor]);
        let hash = log(&c).iter().fold(Head::genesis(actor).hash, |hash, record| hash.extend(&record.bytes));
        assert_eq!(c.heads[&actor].hash, hash);
    }
    assert_eq!(c.digest(), b.digest());
}

#[test]
fn the_steps_of_the_property_meet_every_kind_of_row() {
    // A property over steps that do nothing would hold: count what they make.
    let mut runner = TestRunner::deterministic();
    let (mut taken, mut refused, mut kinds) = (0, 0, BTreeSet::new());
    for _ in 0..60 {
        let tree = steps().new_tree(&mut runner).unwrap();
        let mut node = Node::<MemoryDisk>::new(1);
        for step in proptest::strategy::ValueTree::current(&tree) {
            if let Step::Write(_, updates) = step {
                let staged = node.stage(updates);
                taken += usize::from(staged.is_ok());
                refused += usize::from(staged.is_err());
            }
        }
        node.commit();
        for (key, _) in node.rows(crate::backend::Family::State) {
            kinds.extend(halcyon_crdt::RowKey::from_bytes(key.into()).kind());
        }
    }
    assert!(taken > 2 * refused, "{taken} taken, {refused} refused");
    let missing: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| !kinds.contains(kind)).collect();
    assert_eq!(missing, [Kind::Map], "a map's rows are of what is in it");
}

on_every_backend!(
    p3_replicas_with_equal_vectors_are_equal_bytes,
    p4_a_record_before_its_time_is_an_error_that_leaves_no_trace,
    a_record_that_is_applied_already_does_nothing,
    p2_a_record_of_the_nodes_own_log_from_elsewhere_is_refused,
    a_replicated_log_is_the_same_bytes_with_the_same_hash,
);
