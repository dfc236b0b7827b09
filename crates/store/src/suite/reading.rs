//! Snapshots, ranges of logs, and the bounded cache.

use std::ops::ControlFlow;

use halcyon_crdt::{Answer, Kind, Op, Query, Row, Rows, read};
use halcyon_types::{ActorId, Seq};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Disk;
use super::node::{Node, T, add, object, update};
use super::programs::updates;
use crate::backend::{Backend, Batch, Durability, Family};
use crate::layout;
use crate::{ReadError, Settings};

fn p4_a_snapshot_and_its_vector_are_one_moment_while_commits_go_on<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(node.committer.reader().snapshot());
        node.put(vec![add("a", 1), add("b", 2)]);
    }
    for (n, mut snapshot) in held.into_iter().enumerate() {
        assert_eq!(snapshot.vv().unwrap().get(node.actor()).0, n as u64);
        let n = i128::try_from(n).unwrap();
        for (key, sum) in [("a", n), ("b", 2 * n)] {
            let answer = read(&mut snapshot, &object(key), &Query::Sum, T).unwrap();
            assert_eq!(answer, Answer::Sum((n > 0).then_some(sum)));
        }
    }
}

fn a_counter_is_the_sum_of_all_its_parts_however_many_there_are<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let scored = |score| update(object("board"), Op::AddScore { member: "m".into(), amount: score });
    node.put(vec![add("stock", 1), add("other", 100), scored(1.0)]);
    for region in 2..=12 {
        let mut other = Node::<D>::new(region);
        other.put(vec![add("stock", region.into()), add("stocks", 1000), scored(f64::from(region))]);
        node.pull(&other, other.actor(), 1);
        let mut snapshot = node.committer.reader().snapshot();
        let sum = i128::from(region) * (i128::from(region) + 1) / 2;
        assert_eq!(read(&mut snapshot, &object("stock"), &Query::Sum, T), Ok(Answer::Sum(Some(sum))));
        for counter in [object("stock").counter(), object("board").of_kind(Kind::SortedSet).component(b"m")] {
            let mut parts = Vec::new();
            let visit = |key: &[u8], row: &Row| {
                parts.push((key.to_vec(), row.clone()));
                ControlFlow::Continue(())
            };
            snapshot.scan(&counter, counter.as_bytes(), visit).unwrap();
            assert_eq!(parts.len(), region.into(), "one of each region");
            assert!(parts.is_sorted_by(|(one, _), (other, _)| one < other), "in the order of their keys");
        }
    }
}

fn a_range_of_a_log_is_contiguous_and_bounded<D: Disk>() {
    let (mut node, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    for _ in 0..20 {
        node.put(vec![add("stock", 1)]);
        other.put(vec![add("stock", 1)]);
    }
    let (actor, theirs) = (node.actor(), other.actor());
    node.pull(&other, theirs, 20);
    let reader = node.committer.reader();
    let seqs = |actor, after, upto, bytes_max| -> Vec<u64> {
        let range = reader.log(actor, Seq(after), Seq(upto), bytes_max).unwrap();
        range.iter().map(|record| record.seq.0).collect()
    };
    assert_eq!(seqs(actor, 0, 20, usize::MAX), (1..=20).collect::<Vec<_>>());
    assert_eq!(seqs(actor, 4, 6, usize::MAX), [5, 6]);
    assert_eq!(seqs(actor, 18, u64::MAX, usize::MAX), [19, 20], "no other actor's follow");
    assert_eq!(seqs(theirs, 18, u64::MAX, usize::MAX), [19, 20]);
    assert_eq!(seqs(actor, 0, 20, 0), [1], "one at least");
    let one = reader.log(actor, Seq(4), Seq(5), 0).unwrap()[0].bytes.len();
    assert_eq!(seqs(actor, 4, 20, 3 * one), [5, 6, 7]);
    assert_eq!(seqs(actor, 4, 20, 3 * one - 1), [5, 6]);
    for (after, upto) in [(20, 30), (6, 6), (7, 6), (u64::MAX, u64::MAX)] {
        assert!(seqs(actor, after, upto, usize::MAX).is_empty(), "{after} {upto}");
    }
    assert!(seqs(ActorId::from_u64(1), 0, 9, usize::MAX).is_empty(), "an actor nobody knows");
}

fn a_hole_in_a_log_is_damage_never_a_shorter_range<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for _ in 0..5 {
        node.put(vec![add("stock", 1)]);
    }
    let backend = node.disk.start();
    let mut batch = backend.batch();
    batch.delete(Family::Log, &layout::log_key(halcyon_types::Dot { actor: node.actor(), seq: Seq(3) }));
    backend.write(batch, Durability::Synced).unwrap();
    drop(backend);
    node.restart();
    for after in [0, 2] {
        let holed = node.committer.reader().log(node.actor(), Seq(after), Seq(5), usize::MAX);
        assert!(matches!(holed, Err(ReadError::Damaged { .. })), "{holed:?}");
    }
    assert_eq!(node.committer.reader().log(node.actor(), Seq(3), Seq(5), usize::MAX).unwrap().len(), 2);
}

fn the_size_of_the_cache_changes_nothing<D: Disk>() {
    let mut runner = TestRunner::new(Config::with_cases(D::CASES / 4));
    let writes = prop::collection::vec((updates(), any::<bool>()), 1..40);
    let run = |writes, row_cache_bytes_max| {
        let mut node = Node::<D>::with(1, Settings { row_cache_bytes_max });
        for (updates, commit) in writes {
            let _refused_or_not = node.stage(updates);
            if commit {
                node.commit();
            }
        }
        node.commit();
        node.digest()
    };
    runner
        .run(&writes, |writes| {
            let digests = [0, 500, usize::MAX].map(|bytes_max| run(writes.clone(), bytes_max));
            prop_assert_eq!(&digests[0], &digests[1]);
            prop_assert_eq!(&digests[0], &digests[2]);
            Ok(())
        })
        .unwrap();
}

on_every_backend!(
    a_counter_is_the_sum_of_all_its_parts_however_many_there_are,
    p4_a_snapshot_and_its_vector_are_one_moment_while_commits_go_on,
    a_range_of_a_log_is_contiguous_and_bounded,
    a_hole_in_a_log_is_damage_never_a_shorter_range,
    the_size_of_the_cache_changes_nothing,
);
