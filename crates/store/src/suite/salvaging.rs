//! What is made of a database whose families end at different moments, as one does whose logs were cut.

use std::ops::ControlFlow;

use halcyon_types::{Seq, UnixMs};

use super::Disk;
use super::node::{Node, T, add, claim, insert, object, set};
use crate::copy::{RebuildError, salvage};
use crate::{Backend, Batch, Durability, Family, OpenError, Settings, View};

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// All that a family holds now.
fn family<D: Disk>(node: &Node<D>, family: Family) -> Rows {
    let mut rows = Vec::new();
    let reader = node.committer.reader();
    reader
        .backend()
        .scan(family, &[], None, |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn families<D: Disk>(node: &Node<D>) -> Vec<(Family, Rows)> {
    Family::ALL.map(|name| (name, family(node, name))).to_vec()
}

/// A disk that holds this.
fn disk<D: Disk>(families: &[(Family, Rows)]) -> D {
    let mut disk = D::new();
    let backend = disk.start();
    let mut batch = backend.batch();
    for (family, rows) in families {
        for (key, value) in rows {
            batch.put(*family, key, value);
        }
    }
    backend.write(batch, Durability::Synced).unwrap();
    disk
}

/// Region 1, which has records of region 2, too; as it was, and as it is some records of both later.
struct Source<D: Disk> {
    node: Node<D>,
    other: Node<D>,
    before: Vec<(Family, Rows)>,
    after: Vec<(Family, Rows)>,
}

fn source<D: Disk>() -> Source<D> {
    let (mut node, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    let mut go_on = |node: &mut Node<D>| {
        for number in 0..10 {
            node.put(vec![add("stock", 1), insert("cart", &format!("item {number}"))]);
            other.put(vec![add("stock", 100), set(&format!("last {number}"), &"x".repeat(100))]);
        }
        node.pull(&other, other.actor(), 99);
        families(node)
    };
    let (before, after) = (go_on(&mut node), go_on(&mut node));
    Source { node, other, before, after }
}

/// Some families as they were, the others as they are.
fn mixed(source: &[(Family, Rows)], instead: &[(Family, Rows)], of: &[Family]) -> Vec<(Family, Rows)> {
    let of = |(name, rows): &(Family, Rows)| {
        let rows = if of.contains(name) { instead.iter().find(|(other, _)| other == name) } else { None }
            .map_or(rows, |(_, rows)| rows);
        (*name, rows.clone())
    };
    source.iter().map(of).collect()
}

fn salvaged<D: Disk>(families: &[(Family, Rows)]) -> Node<D> {
    let (mut old, mut new) = (disk::<D>(families), D::new());
    let mut bytes = 0;
    salvage(old.start(), new.start(), &claim(1, UnixMs(T.0 + 5)), |more| bytes += more).unwrap();
    assert!(bytes > 1000);
    Node::on(new, 1, Settings::default())
}

fn p6_records_beyond_the_rows_are_replayed<D: Disk>() {
    let Source { node, mut other, before, after } = source::<D>();
    let mut saved = salvaged::<D>(&mixed(&after, &before, &[Family::State, Family::Requests, Family::Derived]));
    assert_eq!((saved.vv(), saved.digest()), (node.vv(), node.digest()));
    assert!(saved.actor() > node.actor(), "p2: others may have more of the old log");
    // Its logs are there, and it is a member like any other.
    assert_eq!(other.pull(&saved, node.actor(), 99), 20);
    saved.now = UnixMs(T.0 + 6);
    assert_eq!(saved.put(vec![add("stock", 1)]).seq, Seq(1));
    other.pull(&saved, saved.actor(), 9);
    assert_eq!((other.digest(), other.sum(&object("stock"))), (saved.digest(), 2021));
}

fn p4_a_log_that_does_not_reach_the_rows_begins_anew_behind_them<D: Disk>() {
    let Source { node, other, before, after } = source::<D>();
    let mut log = mixed(&after, &before, &[Family::Log, Family::Local]);
    // Of the own log nothing is lost.
    let own = node.actor().as_u64().to_be_bytes();
    let records = family(&node, Family::Log).into_iter().filter(|(key, _)| key.starts_with(&own));
    let (_, rows) = log.iter_mut().find(|(name, _)| *name == Family::Log).unwrap();
    rows.retain(|(key, _)| !key.starts_with(&own));
    rows.extend(records);
    let mut saved = salvaged::<D>(&log);
    assert_eq!((saved.vv(), saved.digest()), (node.vv(), node.digest()));
    let floors = &saved.recovered.floors;
    assert_eq!((floors.get(other.actor()), floors.get(node.actor())), (Seq(20), Seq(0)));
    saved.now = UnixMs(T.0 + 6);
    saved.put(vec![add("stock", 1)]);
    assert_eq!(saved.sum(&object("stock")), 2021);
}

fn p4_what_lies_behind_a_hole_of_a_log_is_left_out<D: Disk>() {
    let Source { node, before, after, .. } = source::<D>();
    let mut mixed = mixed(&after, &before, &[Family::State, Family::Requests, Family::Derived]);
    let (_, rows) = mixed.iter_mut().find(|(name, _)| *name == Family::Log).unwrap();
    let lost = crate::layout::log_key(halcyon_types::Dot { actor: node.actor(), seq: Seq(15) });
    rows.retain(|(key, _)| *key != lost);
    let saved = salvaged::<D>(&mixed);
    assert_eq!(saved.vv().get(node.actor()), Seq(14));
}

fn another_regions_directory_is_refused<D: Disk>() {
    let source = source::<D>();
    let (mut old, mut new) = (disk::<D>(&source.after), D::new());
    let refused = salvage(old.start(), new.start(), &claim(2, T), |_| {});
    assert!(matches!(refused, Err(RebuildError::Open(OpenError::OtherRegion { .. }))), "{refused:?}");
}

on_every_backend!(
    p6_records_beyond_the_rows_are_replayed,
    p4_a_log_that_does_not_reach_the_rows_begins_anew_behind_them,
    p4_what_lies_behind_a_hole_of_a_log_is_left_out,
    another_regions_directory_is_refused,
);

#[cfg(feature = "rocksdb")]
mod files {
    use std::fs;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use tempfile::TempDir;

    use crate::suite::torn::{SMALL, Written, groups_in, groups_of};
    use crate::{OpenError, RocksBackend};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn p1_every_group_before_the_damage_is_saved_and_nothing_is_touched(
            sizes in vec(4..40_000_usize, 2..12),
            at in any::<Index>(),
            bit in 0..8_u32,
        ) {
            let written = Written::with(&sizes, SMALL);
            let mut bytes = written.bytes.clone();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let damaged = written.killed(&bytes);
            let refused = groups_in(&damaged);
            prop_assert!(matches!(refused, Err(OpenError::Damaged { .. })), "{refused:?}");
            let scratch = TempDir::new().unwrap();
            let (saved, lost) = RocksBackend::open_what_is_whole(damaged.path(), &scratch.path().join("s")).unwrap();
            let groups = groups_of(&saved).unwrap();
            let before = written.ends.iter().filter(|end| **end <= at).count();
            prop_assert_eq!(groups, written.groups - written.ends.len() + before);
            prop_assert_eq!(lost.cuts.len(), 1);
            prop_assert!(lost.synced.is_some_and(|synced| synced > lost.last), "{:?}", lost);
            prop_assert!(fs::read(written.log_in(&damaged)).unwrap() == bytes);
        }
    }

    #[test]
    fn a_directory_that_is_none_or_is_in_use_is_refused() {
        let (none, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let open = |dir: &TempDir| {
            RocksBackend::open_what_is_whole(dir.path(), &scratch.path().join("s")).map(|_| ()).unwrap_err()
        };
        assert!(matches!(open(&none), OpenError::NotOurs { .. }));
        assert_eq!(fs::read_dir(none.path()).unwrap().count(), 0);
        let used = TempDir::new().unwrap();
        let _db = RocksBackend::open(used.path()).unwrap();
        assert!(matches!(open(&used), OpenError::InUse { .. }));
    }
}
