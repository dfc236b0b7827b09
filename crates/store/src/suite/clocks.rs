//! The clock as the committer drives it: stamps of records, across restarts, beside far futures.

use std::time::Duration;

use halcyon_types::limits::DRIFT_MAX;
use halcyon_types::{Hlc, Seq, UnixMs};
use halcyon_wire::{Record, StoredRecord};

use super::Disk;
use super::node::{Node, T, add, object, set};
use crate::Head;

/// Every record of the node's own log.
fn own<D: Disk>(node: &Node<D>) -> Vec<Record> {
    let actor = node.actor();
    let mut head = Head::genesis(actor);
    let log = node.committer.reader().log(actor, Seq::ZERO, Seq(u64::MAX), usize::MAX).unwrap();
    log.iter()
        .map(|stored| {
            let record = Record::decode(&stored.bytes, actor, &head.deps).unwrap();
            head.deps = record.deps.clone();
            record
        })
        .collect()
}

fn stamps_rise_strictly_across_restarts_while_the_wall_goes_back<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for round in 0..8 {
        for _ in 0..3 {
            node.stage(vec![add("stock", 1)]).unwrap();
        }
        let now = node.commit().hlc;
        assert!(node.recovered.hlc <= now);
        node.now = UnixMs(T.0 - round * 1000);
        node.restart();
    }
    let stamps: Vec<Hlc> = own(&node).iter().map(|record| record.hlc).collect();
    assert_eq!(stamps.len(), 24);
    assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]), "one stamp per record, rising: {stamps:?}");
    assert!(stamps[23].wall() < T.plus(Duration::from_secs(2)), "and not far ahead of the wall");
}

fn the_ceiling_moves_on_with_the_clock<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for seconds in 0..5 {
        node.now = T.plus(Duration::from_secs(seconds));
        node.put(vec![add("stock", 1)]);
    }
    node.now = T;
    node.restart();
    node.put(vec![add("stock", 1)]);
    let stamps: Vec<Hlc> = own(&node).iter().map(|record| record.hlc).collect();
    assert!(stamps[5] > stamps[4], "{stamps:?}");
}

fn a_restored_clock_is_above_every_stamp_told_before<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 1)]);
    let told = node.commit().hlc;
    node.restart();
    assert!(node.recovered.hlc >= told);
}

/// A record of region 9 that nobody has heard of yet, with a stamp of choice.
fn foreign(region: u16, hlc: Hlc, value: &str) -> (Record, StoredRecord) {
    let mut other = Node::<super::MemoryDisk>::new(region);
    other.stage(vec![set("name", value)]).unwrap();
    other.commit();
    let mut record = own(&other).remove(0);
    record.hlc = hlc;
    record.request = None;
    let stored = record.encode(&halcyon_types::VersionVector::new());
    (record, stored)
}

fn a_write_is_stamped_above_the_records_it_follows<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let ahead = Hlc::from_parts(T.plus(DRIFT_MAX), 5).unwrap();
    let (record, stored) = foreign(9, ahead, "theirs");
    node.committer.stage_record(T, &record, &stored).unwrap();
    node.stage(vec![set("name", "ours")]).unwrap();
    node.commit();
    assert!(own(&node)[0].hlc > ahead, "in the same group already");
    assert_eq!(node.value(&object("name")).unwrap(), "ours");
}

fn a_record_from_the_far_future_is_applied_but_the_clock_does_not_follow<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let far = Hlc::from_parts(T.plus(Duration::from_hours(24 * 365)), 0).unwrap();
    let (record, stored) = foreign(9, far, "future");
    node.committer.stage_record(T, &record, &stored).unwrap();
    node.put(vec![add("stock", 1)]);
    assert_eq!(node.value(&object("name")).unwrap(), "future");
    assert_eq!(own(&node)[0].hlc.wall(), T);
    node.restart();
    assert!(node.recovered.hlc.wall() < T.plus(Duration::from_secs(1)));
}

fn a_far_future_stamp_hides_no_sane_one_of_its_group<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let sane = Hlc::from_parts(T.plus(DRIFT_MAX), 5).unwrap();
    let far = Hlc::from_parts(T.plus(Duration::from_hours(24 * 365)), 0).unwrap();
    for (record, stored) in [foreign(8, sane, "sane"), foreign(9, far, "far")] {
        node.committer.stage_record(T, &record, &stored).unwrap();
    }
    node.put(vec![add("stock", 1)]);
    assert!(own(&node)[0].hlc > sane);
}

fn equal_stamps_have_one_winner_everywhere<D: Disk>() {
    // Two regions stamp their first write at the same wall time: the very same stamp.
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    a.put(vec![set("name", "a")]);
    b.put(vec![set("name", "b")]);
    assert_eq!(own(&a)[0].hlc, own(&b)[0].hlc);
    let (actor_a, actor_b) = (a.actor(), b.actor());
    a.pull(&b, actor_b, 1);
    b.pull(&a, actor_a, 1);
    assert_eq!(a.value(&object("name")), b.value(&object("name")));
    assert_eq!(a.value(&object("name")).unwrap(), "b", "the higher actor's");
    assert_eq!(a.digest(), b.digest());
}

on_every_backend!(
    stamps_rise_strictly_across_restarts_while_the_wall_goes_back,
    the_ceiling_moves_on_with_the_clock,
    a_restored_clock_is_above_every_stamp_told_before,
    a_write_is_stamped_above_the_records_it_follows,
    a_record_from_the_far_future_is_applied_but_the_clock_does_not_follow,
    a_far_future_stamp_hides_no_sane_one_of_its_group,
    equal_stamps_have_one_winner_everywhere,
);
