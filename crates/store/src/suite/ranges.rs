//! Deleting a collection whole: a range, not row after row, where all of it is covered; and never anything that is not.

use halcyon_crdt::{Answer, Effect, End, Kind, Op, PageRequest, Query, Update};
use halcyon_types::limits::RANGE_DELETE_MIN;
use halcyon_types::{ActorId, Dot, Hlc, RegionId, Seq, VersionVector};
use halcyon_wire::Record;

use super::derived::check;
use super::node::{Node, T, add, insert, object, set, update};
use super::{Disk, MemoryDisk};
use crate::Settings;
use crate::backend::Family;

/// More than enough for a range.
const MANY: u32 = 20_000;
const ENOUGH: u32 = 600;

const _: () = assert!(ENOUGH as u64 >= RANGE_DELETE_MIN);

/// Fills `cart` with so many elements.
fn fill<D: Disk>(node: &mut Node<D>, count: u32) {
    for from in (0..count).step_by(1000) {
        node.put((from..count.min(from + 1000)).map(|n| insert("cart", &format!("{n}"))).collect());
    }
}

fn delete(key: &str) -> Update {
    update(object(key), Op::Delete)
}

fn remove(key: &str, element: &str) -> Update {
    update(object(key), Op::Remove { element: element.to_owned().into() })
}

fn score(member: &str, by: f64) -> Update {
    update(object("top"), Op::AddScore { member: member.to_owned().into(), amount: by })
}

/// Everything that `a` and `b` have and the other lacks.
fn exchange<D: Disk>(a: &mut Node<D>, b: &mut Node<D>) {
    for actor in [a.actor(), b.actor()] {
        a.pull(b, actor, u64::MAX / 2);
        b.pull(a, actor, u64::MAX / 2);
    }
}

#[test]
fn deleting_a_large_collection_touches_no_row_one_by_one() {
    let mut node = Node::<MemoryDisk>::with(1, Settings { row_cache_bytes_max: 1 << 20 });
    fill(&mut node, MANY);
    node.put(vec![insert("other", "a"), add("stock", 1)]);
    let work = |node: &Node<MemoryDisk>| (node.disk.0.operations(), node.disk.0.visited());
    let before = work(&node);
    node.stage(vec![delete("cart"), add("stock", 1)]).unwrap();
    node.stage(vec![insert("cart", "new")]).unwrap();
    let own = node.commit().own;
    let after = work(&node);
    assert!(own[0].bytes.len() < 200, "one small record: {} bytes", own[0].bytes.len());
    assert!(after.0 - before.0 < 12, "{} changes of the disk", after.0 - before.0);
    assert!(after.1 - before.1 < 20, "{} rows looked at", after.1 - before.1);
    assert_eq!(node.elements(&object("cart")), ["new"]);
    assert_eq!(node.elements(&object("other")), ["a"]);
    node.restart();
    assert_eq!(node.elements(&object("cart")), ["new"]);
}

fn what_was_not_seen_survives_the_deletion_of_all_else<D: Disk>() {
    let (mut a, mut b, mut c) = (Node::<D>::new(1), Node::<D>::new(2), Node::<D>::new(3));
    fill(&mut a, ENOUGH);
    exchange(&mut a, &mut b);
    // Neither sees the other's: one takes a range, the other goes row by row.
    a.put(vec![delete("cart")]);
    b.put(vec![insert("cart", "late"), insert("cart", "7")]);
    exchange(&mut a, &mut b);
    // A third one hears of the addition first.
    let (of_a, of_b) = (a.actor(), b.actor());
    c.pull(&b, of_a, 1);
    c.pull(&b, of_b, 1);
    c.pull(&a, of_a, 9);
    for node in [&mut a, &mut b, &mut c] {
        assert_eq!(node.elements(&object("cart")), ["7", "late"]);
        check(node);
        node.restart();
        assert_eq!(node.elements(&object("cart")), ["7", "late"]);
    }
    assert_eq!(a.rows(Family::State), b.rows(Family::State));
    assert_eq!(a.rows(Family::State), c.rows(Family::State));
    assert_eq!((a.digest(), b.digest()), (b.digest(), c.digest()));
    // Once everything is seen, the rest is covered too.
    b.put(vec![delete("cart")]);
    exchange(&mut a, &mut b);
    assert!(a.rows(Family::State).is_empty() && a.rows(Family::Derived).is_empty());
}

fn what_a_group_writes_before_a_deletion_goes_and_what_it_writes_after_stays<D: Disk>() {
    let mut node = Node::<D>::new(1);
    fill(&mut node, ENOUGH);
    for _ in 0..2 {
        node.stage(vec![insert("cart", "before"), remove("cart", "1")]).unwrap();
        node.stage(vec![delete("cart")]).unwrap();
        node.stage(vec![insert("cart", "after"), insert("cart", "2")]).unwrap();
        node.stage(vec![remove("cart", "2"), insert("cart", "3")]).unwrap();
        node.commit();
        assert_eq!(node.elements(&object("cart")), ["3", "after"]);
        node.restart();
        assert_eq!(node.elements(&object("cart")), ["3", "after"]);
    }
    // Twice in one group, and refilled in between.
    fill(&mut node, ENOUGH);
    node.stage(vec![delete("cart")]).unwrap();
    node.stage((0..ENOUGH).map(|n| insert("cart", &format!("again-{n}"))).collect()).unwrap();
    node.stage(vec![delete("cart")]).unwrap();
    node.stage(vec![insert("cart", "last")]).unwrap();
    node.commit();
    assert_eq!(node.elements(&object("cart")), ["last"]);
    assert_eq!(node.rows(Family::Derived).len(), 1);
    check(&node);
}

fn cached_rows_below_what_was_dropped_do_not_come_back<D: Disk>() {
    let (mut a, mut c) = (Node::<D>::new(1), Node::<D>::new(3));
    let mut b = Node::<D>::with(2, Settings { row_cache_bytes_max: 0 });
    // Every row is in the cache of its writer.
    fill(&mut a, ENOUGH);
    a.put(vec![delete("cart")]);
    // A write that has seen none of it covers none of it: whatever came back would stay.
    let of_c = c.put(vec![insert("cart", "7")]).actor;
    a.pull(&c, of_c, 1);
    a.put(vec![insert("cart", "8")]);
    exchange(&mut a, &mut b);
    b.pull(&c, of_c, 1);
    exchange(&mut a, &mut b);
    check(&a);
    assert_eq!(a.elements(&object("cart")), ["7", "8"]);
    assert_eq!(a.rows(Family::State), b.rows(Family::State), "the other has no cache");
}

fn a_sorted_set_begins_anew_after_its_deletion<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    // A running sum that must not be gone on from.
    a.put((0..ENOUGH).map(|n| score(&format!("{n}"), 5.0)).collect());
    a.put(vec![delete("top")]);
    a.put(vec![score("7", 1.0)]);
    exchange(&mut a, &mut b);
    for node in [&mut a, &mut b] {
        let all = Query::ByRank { first: 0, last: -1, reverse: false, page: PageRequest { after: None, items_max: 9 } };
        let Answer::Scored(page) = node.read(&object("top"), &all) else { panic!() };
        let found: Vec<_> = page.items.iter().map(|item| (&item.member[..], item.score)).collect();
        assert_eq!(found, [(&b"7"[..], 1.0)]);
        check(node);
    }
    assert_eq!(a.rows(Family::State), b.rows(Family::State));
}

fn a_map_goes_whole_with_the_order_of_every_score_in_it<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let field = |n: u32| object("map").field(format!("{n}"));
    let write = |n: u32| {
        let op = Op::Score { member: "m".into(), score: n.into() };
        [update(field(n), op), update(field(n), Op::Push { end: End::Back, values: vec!["v".into()] })]
    };
    node.put((0..ENOUGH / 2).flat_map(write).collect());
    node.put(vec![set("map", "a register of the same name")]);
    assert_eq!(node.rows(Family::Derived).len(), 1 + 300);
    node.stage(vec![update(object("map"), Op::Clear { kind: Kind::Map })]).unwrap();
    node.stage(write(3).to_vec()).unwrap();
    node.commit();
    assert_eq!(node.rows(Family::State).len(), 3);
    assert_eq!(node.rows(Family::Derived).len(), 2);
    check(&node);
    assert_eq!(node.read(&field(3), &Query::Score { member: "m".into() }), Answer::Score(Some(3.0)));
}

fn the_deletion_of_a_range_is_replicated_as_the_same_bytes<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::with(2, Settings { row_cache_bytes_max: 0 }));
    fill(&mut a, ENOUGH);
    let own = a.actor();
    b.pull(&a, own, 1);
    a.put(vec![delete("cart")]);
    a.put(vec![insert("cart", "x")]);
    b.pull(&a, own, 9);
    assert_eq!(b.vv().get(own), Seq(3));
    assert_eq!(a.digest(), b.digest());
    assert_eq!(a.rows(Family::Derived), b.rows(Family::Derived));
}

fn counters_that_a_deletion_does_not_list_stay_however_many_they_are<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let map = object("map");
    node.put((0..ENOUGH).map(|n| update(map.clone().field(n.to_string()), Op::Add { amount: 1 })).collect());
    // No honest region writes this: a deletion that has seen everything, and lists nothing.
    let dot = Dot { actor: ActorId::mint(RegionId::try_from(9).unwrap(), T), seq: Seq(1) };
    let effects = vec![Effect::Clear { prefix: map.below(), intervals: Vec::new() }];
    let hlc = Hlc::from_parts(T, 0).unwrap();
    let record = Record { dot, hlc, deps: node.vv(), ctx: None, request: None, effects };
    let stored = record.encode(&VersionVector::new());
    node.committer.stage_record(T, &record, &stored).unwrap();
    node.commit();
    assert_eq!(node.rows_below(&map.below()).len(), ENOUGH as usize);
    check(&node);
}

on_every_backend!(
    counters_that_a_deletion_does_not_list_stay_however_many_they_are,
    what_was_not_seen_survives_the_deletion_of_all_else,
    what_a_group_writes_before_a_deletion_goes_and_what_it_writes_after_stays,
    cached_rows_below_what_was_dropped_do_not_come_back,
    a_sorted_set_begins_anew_after_its_deletion,
    a_map_goes_whole_with_the_order_of_every_score_in_it,
    the_deletion_of_a_range_is_replicated_as_the_same_bytes,
);
