//! What every backend's scans show, in both directions, of the present and of a snapshot; and what single changes cost.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use halcyon_crdt::{End, Op, Update};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::node::{Node, add, insert, object, set, update};
use super::{Disk, MemoryDisk};
use crate::backend::{Backend, Batch, Durability, Family, View};

/// What it is, the change to the nth element, and what it costs.
type Case<'a> = (&'a str, &'a dyn Fn(usize) -> Update, u64);

type Table = BTreeMap<(Family, Vec<u8>), Vec<u8>>;

fn shown(view: &impl View, family: Family, from: &[u8], upto: Option<&[u8]>, back: bool, most: usize) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let visit = |key: &[u8], value: &[u8]| {
        assert_eq!(value, [family as u8], "a value of its own family");
        keys.push(key.to_vec());
        if keys.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let scanned = if back { view.scan_back(family, from, upto, visit) } else { view.scan(family, from, upto, visit) };
    scanned.unwrap();
    keys
}

fn expected(table: &Table, family: Family, from: &[u8], upto: Option<&[u8]>, back: bool, most: usize) -> Vec<Vec<u8>> {
    let within = |key: &&Vec<u8>| key.as_slice() >= from && upto.is_none_or(|upto| key.as_slice() < upto);
    let keys = table.keys().filter(|(of, _)| *of == family).map(|(_, key)| key).filter(within).cloned();
    if back { keys.rev().take(most).collect() } else { keys.take(most).collect() }
}

fn scans_show_a_range_in_either_direction<D: Disk>() {
    let mut runner = TestRunner::new(Config::with_cases(D::CASES));
    let key = || prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 0..4);
    let family = || prop::sample::select(Family::ALL.to_vec());
    let change = (family(), key(), prop::option::weighted(0.2, key()));
    let scan = (family(), key(), prop::option::of(key()), any::<bool>(), 1..5_usize);
    let strategy = (prop::collection::vec(change, 0..40), prop::collection::vec(scan, 20));
    runner
        .run(&strategy, |(changes, scans)| {
            let mut disk = D::new();
            let backend = disk.start();
            let (mut table, mut batch) = (Table::new(), backend.batch());
            for (family, key, range) in changes {
                if let Some(upto) = range {
                    batch.delete_range(family, &key, &upto);
                    table.retain(|(of, at), _| *of != family || *at < key || *at >= upto);
                } else {
                    batch.put(family, &key, &[family as u8]);
                    table.insert((family, key), vec![family as u8]);
                }
            }
            backend.write(batch, Durability::Synced).unwrap();
            let snapshot = backend.snapshot();
            for (family, from, upto, back, most) in scans {
                let upto = upto.as_deref();
                for most in [most, usize::MAX] {
                    let keys = expected(&table, family, &from, upto, back, most);
                    prop_assert_eq!(&shown(&backend, family, &from, upto, back, most), &keys);
                    prop_assert_eq!(&shown(&snapshot, family, &from, upto, back, most), &keys);
                }
            }
            let mut batch = backend.batch();
            for family in Family::ALL {
                batch.delete_range(family, &[], &[0xFF; 5]);
            }
            backend.write(batch, Durability::Synced).unwrap();
            for family in Family::ALL {
                let keys = expected(&table, family, &[], None, true, usize::MAX);
                prop_assert_eq!(shown(&snapshot, family, &[], None, true, usize::MAX), keys, "a snapshot stays");
                prop_assert!(shown(&backend, family, &[], None, true, usize::MAX).is_empty());
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_change_of_one_element_costs_a_few_changes_of_the_disk_whatever_the_collection() {
    let score = |n: usize| update(object("top"), Op::Score { member: format!("{n}").into(), score: 1.5 });
    let push = |n: usize| {
        let values = vec![format!("{n}").into()];
        update(object("list"), Op::Push { end: End::Back, values })
    };
    let element = |n: usize| insert("set", &format!("{n}"));
    // Beyond what every group has: the vector, and this log's entry and end, and the request.
    let cases: [Case<'_>; 5] = [
        ("a register's value", &|n| set("name", &format!("{n}")), 1),
        ("a counter's sum", &|_| add("stock", 1), 1),
        ("a set's element and the summary", &element, 2),
        ("a list's element and the summary", &push, 2),
        ("a member's score, its place and the summary", &score, 3),
    ];
    for (what, change, expected) in cases {
        for size in [1, 2000] {
            let mut node = Node::<MemoryDisk>::new(1);
            for from in (0..size).step_by(500) {
                node.put((from..size.min(from + 500)).map(change).collect());
            }
            let work = |node: &Node<MemoryDisk>| (node.disk.0.operations(), node.disk.0.visited());
            let before = work(&node);
            node.put(vec![change(size)]);
            let after = work(&node);
            assert_eq!(after.0 - before.0, 4 + expected, "{what}, in one of {size}");
            assert!(after.1 - before.1 <= 4, "{what}, in one of {size}: {} rows looked at", after.1 - before.1);
        }
    }
}

on_every_backend!(scans_show_a_range_in_either_direction);
