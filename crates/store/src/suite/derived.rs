//! Derived rows are what the rows say: after any program, any restart, and computed anew.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use halcyon_crdt::{Kind, MemoryRows, Row, RowKey, RowPrefix, Rows, RowsMut, Summary, deadline};
use halcyon_types::{UnixMs, VersionVector};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Disk;
use super::node::{Node, T, insert, object, update};
use super::programs::updates;
use crate::backend::{Backend, Batch, Durability, Family};
use crate::derived::summary;
use crate::layout::DERIVED_KEY;
use crate::view_rows::decode_row;

/// What the derived family holds, but for the vectors of summaries; and those.
type Derived = (BTreeMap<Vec<u8>, Vec<u8>>, BTreeMap<Vec<u8>, VersionVector>);

/// What a summary tells exactly.
fn exact(summary: &Summary) -> Vec<u8> {
    let counts = [summary.rows, summary.intervals, summary.escrows].map(u64::to_be_bytes).concat();
    let (first, last) = summary.span.clone().unwrap_or_default();
    [&counts[..], &first, &last].concat()
}

fn found<D: Disk>(node: &Node<D>) -> Derived {
    let (mut rows, mut vectors) = Derived::default();
    for (key, value) in node.rows(Family::Derived) {
        if value.is_empty() {
            rows.insert(key, value);
        } else {
            let summary = summary(&value).unwrap();
            rows.insert(key.clone(), exact(&summary));
            vectors.insert(key, summary.newest);
        }
    }
    (rows, vectors)
}

/// The same, from the rows alone, without the store's help.
fn expected<D: Disk>(node: &Node<D>) -> Derived {
    let (mut rows, mut vectors) = Derived::default();
    let (mut model, mut sets) = (MemoryRows::default(), BTreeSet::new());
    let mut summaries: BTreeMap<Vec<u8>, Summary> = BTreeMap::new();
    let mut ends = |prefix: &[u8], at: UnixMs, key: &[u8]| {
        rows.insert([prefix, &at.0.to_be_bytes(), key].concat(), Vec::new());
    };
    for (key, value) in node.rows(Family::State) {
        let row = decode_row(&key, &value).unwrap();
        if let Some(collection) = RowPrefix::collection_of(&key) {
            summaries.entry(collection.to_vec()).or_default().note(&key, false, Some(&row));
        }
        if let Row::Entries(entries) = &row
            && let Some(first) = entries.iter().filter_map(|entry| entry.expiry).min()
        {
            ends(b"\0\0\0\0e", first, &key);
        }
        let row_key = RowKey::from_bytes(key.clone().into());
        if row_key.kind() == Ok(Kind::Deadline) {
            // Those that never end stand at the end of time.
            ends(b"\0\0\0\0d", deadline::of_row(&row).unwrap_or(UnixMs(u64::MAX)), &key);
        }
        sets.extend(RowPrefix::sorted_set_of(&key));
        model.change(&row_key, |place| *place = Some(row)).unwrap();
    }
    for (key, summary) in summaries {
        rows.insert(key.clone(), exact(&summary));
        vectors.insert(key, summary.newest);
    }
    for members in sets {
        let mut index = members.as_bytes().to_vec();
        *index.last_mut().unwrap() = b'z';
        let visit = |standing: &halcyon_crdt::Standing| {
            rows.insert([&index[..], &standing.to_key()].concat(), Vec::new());
            ControlFlow::Continue(())
        };
        model.scan_standings(&members, None, false, visit).unwrap();
    }
    (rows, vectors)
}

/// Checks the derived rows against the rows.
pub(super) fn check<D: Disk>(node: &Node<D>) {
    let ((rows, vectors), (expected_rows, expected_vectors)) = (found(node), expected(node));
    assert_eq!(rows, expected_rows);
    let vv = node.vv();
    for (key, newest) in &expected_vectors {
        assert!(newest.le(&vectors[key]) && vectors[key].le(&vv), "{}", key.escape_ascii());
    }
}

/// Takes the mark away, damages what is derived, and opens again.
fn rebuild<D: Disk>(node: &mut Node<D>) {
    let derived = node.rows(Family::Derived);
    let backend = node.disk.start();
    let mut batch = backend.batch();
    batch.delete(Family::Local, &DERIVED_KEY);
    for key in [&b"\0\0\0\0d-nonsense"[..], b"\0\0\0\x0Anonsense", b"\xFF\xFF\xFF\xFF\xFF"] {
        batch.put(Family::Derived, key, b"nonsense");
    }
    for (key, _) in derived.iter().step_by(2) {
        batch.delete(Family::Derived, key);
    }
    backend.write(batch, Durability::Synced).unwrap();
    drop(backend);
    node.restart();
}

fn derived_rows_are_what_the_rows_say_after_any_program<D: Disk>() {
    let mut runner = TestRunner::new(Config::with_cases(D::CASES));
    let step = (updates(), 0_u8..8, 0_u64..60);
    runner
        .run(&prop::collection::vec(step, 1..40), |steps| {
            let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
            for (updates, what, ms) in steps {
                let writer = if what % 2 == 0 { &mut a } else { &mut b };
                let _refused_or_not = writer.stage(updates);
                if what < 5 {
                    writer.commit();
                    check(writer);
                }
                if what == 5 {
                    a.commit();
                    let actor = a.actor();
                    b.pull(&a, actor, 9);
                }
                if what >= 6 {
                    a.now.0 += ms;
                    b.now = a.now;
                    a.sweep(what == 7);
                    b.sweep(false);
                }
            }
            for node in [&mut a, &mut b] {
                node.commit();
                check(node);
                let digest = node.digest();
                node.restart();
                check(node);
                rebuild(node);
                prop_assert_eq!(found(node), expected(node), "computed anew, vectors are exact too");
                prop_assert_eq!(node.digest(), digest);
            }
            Ok(())
        })
        .unwrap();
}

fn a_directory_without_derived_rows_gets_them<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for n in 0..12 {
        // More rows than one batch of the rebuilding takes.
        node.put((0..500).map(|m| insert("set", &format!("{n}-{m}"))).collect());
    }
    let score = |n: u32| halcyon_crdt::Op::Score { member: n.to_be_bytes().to_vec().into(), score: n.into() };
    node.put((0..900).map(|n| update(object("scores"), score(n))).collect());
    let derived = found(&node);
    let backend = node.disk.start();
    let mut batch = backend.batch();
    batch.delete(Family::Local, &DERIVED_KEY);
    batch.delete_range(Family::Derived, &[], &[0xFF; 9]);
    backend.write(batch, Durability::Synced).unwrap();
    drop(backend);
    node.restart();
    assert_eq!(found(&node), derived);
    assert_eq!(derived.0.len(), 2 + 900);
    assert!(derived.0.values().any(|value| value[..8.min(value.len())] == 6000_u64.to_be_bytes()));
}

fn a_directory_with_its_mark_is_opened_as_it_is<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![insert("set", "a")]);
    let backend = node.disk.start();
    let mut batch = backend.batch();
    batch.put(Family::Derived, b"\0\0\0\0witness", &[]);
    backend.write(batch, Durability::Synced).unwrap();
    drop(backend);
    node.restart();
    assert!(found(&node).0.contains_key(&b"\0\0\0\0witness"[..]), "nothing was computed anew");
    let backend = node.disk.start();
    let mut batch = backend.batch();
    batch.put(Family::Local, &DERIVED_KEY, &[0]);
    backend.write(batch, Durability::Synced).unwrap();
    drop(backend);
    node.restart();
    assert!(!found(&node).0.contains_key(&b"\0\0\0\0witness"[..]), "an older version's are replaced");
    assert_eq!(node.now, T);
}

on_every_backend!(
    derived_rows_are_what_the_rows_say_after_any_program,
    a_directory_without_derived_rows_gets_them,
    a_directory_with_its_mark_is_opened_as_it_is,
);
