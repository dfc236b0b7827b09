//! What has expired is swept: entries by each node for itself, keys by a record; in bounded steps, nothing before its time.

use halcyon_crdt::{Op, Query, Update};
use halcyon_types::limits::{SWEEP_MAX, UPDATES_MAX};
use halcyon_types::{Seq, UnixMs};

use super::Disk;
use super::derived::check;
use super::node::{Node, T, add, insert, object, set, update};
use crate::backend::Family;

fn set_for(key: &str, value: &str, ttl_ms: u64) -> Update {
    update(object(key), Op::Set { value: value.to_owned().into(), ttl_ms: Some(ttl_ms) })
}

fn expire(key: &str, ttl_ms: u64) -> Update {
    update(object(key), Op::Expire { ttl_ms })
}

/// Sweeps and commits; the records' seqs.
fn sweep_all<D: Disk>(node: &mut Node<D>) -> Vec<Seq> {
    let mut seqs = Vec::new();
    while let Some(dot) = node.sweep(true) {
        node.commit();
        seqs.push(dot.seq);
    }
    node.commit();
    seqs
}

fn at<D: Disk>(node: &mut Node<D>, ms: u64) {
    node.now = UnixMs(T.0 + ms);
}

fn an_expired_entry_is_purged_without_a_record_and_no_digest_tells<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    a.put(vec![set_for("session", "short", 100), set("name", "kept"), set_for("later", "x", 900)]);
    b.put(vec![set_for("session", "long", 500)]);
    let (of_a, of_b) = (a.actor(), b.actor());
    a.pull(&b, of_b, 1);
    b.pull(&a, of_a, 1);
    at(&mut a, 99);
    assert_eq!(a.sweep(true), None);
    a.commit();
    assert_eq!((a.rows(Family::State).len(), a.rows(Family::Derived).len()), (3, 2), "nothing before its time");
    at(&mut a, 100);
    at(&mut b, 100);
    let before = a.rows(Family::State);
    assert_eq!(a.sweep(true), None, "no record");
    assert_eq!(a.rows(Family::State), before, "before the commit");
    assert!(a.commit().own.is_empty());
    assert_ne!(a.rows(Family::State), before);
    assert_eq!(a.value(&object("session")).unwrap(), "long");
    assert_eq!((a.digest(), a.digest().rows), (b.digest(), 3), "purged here, left out there");
    for (ms, rows) in [(500, 2), (900, 1)] {
        at(&mut a, ms);
        at(&mut b, ms);
        a.sweep(false);
        a.commit();
        a.restart();
        assert_eq!((a.digest(), a.digest().rows), (b.digest(), rows), "at {ms}");
        assert_eq!(a.rows(Family::State).len() as u64, rows);
    }
    assert!(a.rows(Family::Derived).is_empty());
    b.sweep(false);
    b.commit();
    assert_eq!(a.rows(Family::State), b.rows(Family::State));
}

fn a_key_that_has_ended_is_cleared_by_one_record_everywhere<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    a.put(vec![insert("cart", "x"), add("cart", 5), expire("cart", 100), insert("other", "x"), expire("other", 300)]);
    let of_a = a.actor();
    b.pull(&a, of_a, 1);
    at(&mut a, 99);
    assert!(sweep_all(&mut a).is_empty());
    at(&mut a, 100);
    at(&mut b, 100);
    assert_eq!(b.sweep(false), None, "not this region's duty");
    b.commit();
    assert_eq!(sweep_all(&mut a), [Seq(2)]);
    assert_eq!(a.elements(&object("other")), ["x"]);
    assert_eq!(a.rows(Family::State).len(), 2);
    b.pull(&a, of_a, 1);
    assert_eq!(a.rows(Family::State), b.rows(Family::State));
    assert_eq!(a.rows(Family::Derived), b.rows(Family::Derived));
    assert!(sweep_all(&mut b).is_empty(), "once is enough");
}

fn a_deadline_put_off_or_taken_back_sweeps_nothing<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![insert("a", "x"), expire("a", 100), insert("b", "x"), expire("b", 100), set_for("c", "x", 100)]);
    node.put(vec![expire("a", 200), update(object("b"), Op::Persist), set("c", "for ever")]);
    at(&mut node, 150);
    assert!(sweep_all(&mut node).is_empty());
    assert_eq!(node.value(&object("c")).unwrap(), "for ever");
    at(&mut node, 10_000);
    assert_eq!(sweep_all(&mut node).len(), 1);
    assert!(node.elements(&object("a")).is_empty());
    assert_eq!(node.elements(&object("b")), ["x"]);
    assert_eq!(node.rows(Family::Derived).len(), 2, "the summary of b, and that it never ends");
}

fn a_sweep_sees_its_own_group<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![insert("a", "x"), expire("a", 100), set_for("c", "old", 100), insert("b", "x"), expire("b", 100)]);
    at(&mut node, 200);
    // A write to a key that has ended begins it anew.
    node.stage(vec![insert("a", "y"), set_for("c", "new", 100)]).unwrap();
    assert!(node.sweep(true).is_some(), "b");
    assert_eq!(node.sweep(true), None, "and nothing twice");
    node.stage(vec![set_for("d", "brief", 0)]).unwrap();
    node.commit();
    assert_eq!(node.elements(&object("a")), ["y"]);
    assert!(node.elements(&object("b")).is_empty());
    assert_eq!(node.value(&object("c")).unwrap(), "new");
    check(&node);
    node.sweep(true);
    node.commit();
    check(&node);
    assert_eq!(node.rows(Family::State).len(), 2);
    at(&mut node, 300);
    node.sweep(true);
    node.commit();
    assert_eq!(node.read(&object("c"), &Query::Get), halcyon_crdt::Answer::Value(None));
    assert_eq!(node.rows(Family::State).len(), 1);
}

fn an_entry_that_ends_when_the_one_it_replaced_did_is_found_all_the_same<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![set_for("c", "old", 100)]);
    at(&mut node, 100);
    // The sweep finds nothing to purge, and takes the place in the index for a stale one; the next write takes it anew.
    node.stage(vec![set("c", "for ever")]).unwrap();
    node.sweep(true);
    node.stage(vec![set_for("c", "over at once", 0)]).unwrap();
    node.commit();
    check(&node);
    node.sweep(true);
    node.commit();
    assert!(node.rows(Family::State).is_empty() && node.rows(Family::Derived).is_empty());
}

fn what_a_dropped_range_leaves_in_the_index_goes_when_its_time_comes<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let field = |n: usize| {
        let op = Op::Set { value: "x".into(), ttl_ms: Some(100) };
        update(object("map").field(format!("{n}")), op)
    };
    node.put((0..600).map(field).collect());
    node.put(vec![update(object("map"), Op::Delete)]);
    node.put(vec![field(7)]);
    assert_eq!(node.rows(Family::State).len(), 1);
    assert_eq!(node.rows(Family::Derived).len(), 1 + 600, "nobody has looked for them");
    at(&mut node, 99);
    node.sweep(false);
    node.commit();
    assert_eq!(node.rows(Family::Derived).len(), 1 + 600);
    at(&mut node, 100);
    node.sweep(false);
    node.commit();
    assert!(node.rows(Family::State).is_empty() && node.rows(Family::Derived).is_empty());
}

fn a_sweep_is_bounded_and_the_next_goes_on<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let many = 3 * SWEEP_MAX - 10;
    for n in 0..many {
        node.stage(vec![
            insert(&format!("key-{n}"), "x"),
            expire(&format!("key-{n}"), 10),
            set_for(&format!("entry-{n}"), "x", 10),
        ])
        .unwrap();
    }
    node.commit();
    at(&mut node, 10);
    for step in 1..=3 {
        let before = node.rows(Family::State).len();
        assert!(node.sweep(true).is_some());
        node.commit();
        let swept = before - node.rows(Family::State).len();
        let keys = if step < 3 { SWEEP_MAX } else { SWEEP_MAX - 10 };
        let entries = if step == 1 { many } else { 0 };
        assert_eq!(swept, 2 * keys + entries, "two rows a key, and one an entry");
    }
    assert_eq!(node.sweep(true), None);
    node.commit();
    assert!(node.rows(Family::State).is_empty() && node.rows(Family::Derived).is_empty());
}

fn keys_with_many_counters_are_cleared_a_few_at_a_time<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for key in 0..8 {
        let field = |n| update(object(&format!("map-{key}")).field(format!("{n}")), Op::Add { amount: 1 });
        node.put((0..1_000).map(field).chain([expire(&format!("map-{key}"), 10)]).collect());
    }
    // More counters than one record can list.
    for part in 0..5 {
        let field = |n| update(object("huge").field(format!("{part}-{n}")), Op::Add { amount: 1 });
        node.put((0..UPDATES_MAX - 1).map(field).chain([expire("huge", 50)]).collect());
    }
    at(&mut node, 10);
    assert!(node.sweep(true).is_some());
    node.commit();
    let left = |node: &Node<D>, key: &str| !node.rows_below(&object(key).below()).is_empty();
    let first = (0..8).position(|key| left(&node, &format!("map-{key}")));
    assert_eq!(first, Some(4), "of eight that are too many four");
    assert_eq!(sweep_all(&mut node).len(), 1, "the other four");
    at(&mut node, 100);
    node.put(vec![insert("small", "x"), expire("small", 0)]);
    assert_eq!(sweep_all(&mut node).len(), 2, "part of the huge one, then the rest of it and the small one");
    assert_eq!(node.rows_below(&object("huge").below()).len() + node.rows_below(&object("small").below()).len(), 0);
}

fn a_deadline_put_off_in_the_same_group_sweeps_nothing<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![insert("a", "x"), expire("a", 100)]);
    at(&mut node, 50);
    node.stage(vec![expire("a", 500)]).unwrap();
    at(&mut node, 200);
    assert_eq!(node.sweep(true), None);
    node.commit();
    check(&node);
    assert_eq!(node.elements(&object("a")), ["x"]);
}

fn a_time_to_live_counts_from_the_stamp_when_the_wall_goes_back<D: Disk>() {
    let mut node = Node::<D>::new(1);
    at(&mut node, 10_000);
    node.put(vec![set("other", "x")]);
    at(&mut node, 0);
    node.put(vec![set_for("c", "x", 100)]);
    at(&mut node, 10_050);
    node.sweep(true);
    node.commit();
    assert_eq!(node.value(&object("c")).unwrap(), "x");
    at(&mut node, 10_200);
    assert_eq!(node.value(&object("c")), None);
}

on_every_backend!(
    an_expired_entry_is_purged_without_a_record_and_no_digest_tells,
    a_key_that_has_ended_is_cleared_by_one_record_everywhere,
    a_deadline_put_off_or_taken_back_sweeps_nothing,
    a_sweep_sees_its_own_group,
    a_deadline_put_off_in_the_same_group_sweeps_nothing,
    a_time_to_live_counts_from_the_stamp_when_the_wall_goes_back,
    an_entry_that_ends_when_the_one_it_replaced_did_is_found_all_the_same,
    what_a_dropped_range_leaves_in_the_index_goes_when_its_time_comes,
    a_sweep_is_bounded_and_the_next_goes_on,
    keys_with_many_counters_are_cleared_a_few_at_a_time,
);
