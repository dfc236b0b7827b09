//! What a transaction or a client has seen, and what must be true at the commit.

use halcyon_crdt::{Op, PageRequest, Query, Update};
use halcyon_types::{Seq, VersionVector};
use halcyon_wire::{Check, Record, Refusal, Seen, Session, TransactionId, Write};

use super::node::{Node, SnapshotOf, actors, add, insert, object, plain, set, update};
use super::{Disk, MemoryDisk};
use crate::{Head, StageError, Staged};

const TRANSACTION: TransactionId = TransactionId(7);

fn remove(key: &str, element: &str) -> Update {
    update(object(key), Op::Remove { element: element.to_owned().into() })
}

fn sum_of(key: &str) -> Check {
    Check { object: object(key), query: Query::Sum }
}

pub(super) fn begin<D: Disk>(node: &Node<D>) -> SnapshotOf<D> {
    node.committer.reader().snapshot()
}

/// A transaction's commit.
fn within<D: Disk>(node: &mut Node<D>, updates: Vec<Update>, checks: Vec<Check>) -> Write {
    Write { seen: Seen::Transaction { transaction: TRANSACTION, checks }, ..node.write(updates) }
}

pub(super) fn end<D: Disk>(
    node: &mut Node<D>,
    snapshot: SnapshotOf<D>,
    updates: Vec<Update>,
    checks: Vec<Check>,
) -> Result<Staged, StageError> {
    let write = within(node, updates, checks);
    node.take_within(node.now, &write, Some(snapshot))
}

fn by_session<D: Disk>(node: &mut Node<D>, token: VersionVector, updates: Vec<Update>) -> Result<Staged, StageError> {
    let session = Session { token, wait_ms: 0 };
    let write = Write { session, seen: Seen::Session, ..node.write(updates) };
    node.take(node.now, &write)
}

pub(super) fn refused(staged: Result<Staged, StageError>) -> Refusal {
    match staged {
        Err(StageError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

pub(super) fn last_record<D: Disk>(node: &Node<D>) -> Record {
    let actor = node.actor();
    let mut head = Head::genesis(actor);
    let log = node.committer.reader().log(actor, Seq::ZERO, Seq(u64::MAX), usize::MAX).unwrap();
    let records = log.iter().map(|stored| {
        let record = Record::decode(&stored.bytes, actor, &head.deps).unwrap();
        head.deps = record.deps.clone();
        record
    });
    records.last().unwrap()
}

fn p6_a_transaction_removes_what_its_snapshot_shows_and_nothing_newer<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![insert("cart", "a"), insert("cart", "b"), set("name", "old")]);
    let snapshot = begin(&node);
    let seen = snapshot.vv().unwrap();
    node.put(vec![insert("cart", "a"), insert("cart", "c")]);
    let updates = vec![update(object("cart"), Op::Delete), update(object("name"), Op::Delete)];
    assert!(matches!(end(&mut node, snapshot, updates, vec![]), Ok(Staged::Fresh { .. })));
    node.commit();
    assert_eq!(node.elements(&object("cart")), ["a", "c"], "added again, and added, since");
    assert_eq!(node.value(&object("name")), None);
    assert_eq!(last_record(&node).ctx, Some(seen));
}

fn a_transaction_that_saw_the_present_carries_no_context_of_its_own<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![insert("cart", "a")]);
    let snapshot = begin(&node);
    end(&mut node, snapshot, vec![remove("cart", "a")], vec![sum_of("stock")]).unwrap();
    node.commit();
    assert_eq!(last_record(&node).ctx, None);
    assert!(node.elements(&object("cart")).is_empty());
}

fn p6_two_transactions_on_one_snapshot_lose_no_increment<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 10)]);
    let (one, other) = (begin(&node), begin(&node));
    end(&mut node, one, vec![add("stock", 1)], vec![]).unwrap();
    node.commit();
    end(&mut node, other, vec![add("stock", 2)], vec![]).unwrap();
    node.commit();
    assert_eq!(node.sum(&object("stock")), 13);
}

fn a_transaction_resets_a_counter_to_what_it_saw_and_no_further<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 10)]);
    let snapshot = begin(&node);
    node.put(vec![add("stock", 5)]);
    end(&mut node, snapshot, vec![update(object("stock"), Op::Delete)], vec![]).unwrap();
    node.commit();
    assert_eq!(node.sum(&object("stock")), 5);
}

fn a_checked_read_that_has_changed_refuses_the_commit<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 10), insert("cart", "a")]);
    let elements = Query::Elements(PageRequest { after: None, items_max: 10 });
    let checks = || {
        let page = Check { object: object("cart"), query: elements.clone() };
        vec![sum_of("stock"), page, sum_of("nothing")]
    };
    let snapshots: Vec<_> = (0..4).map(|_| begin(&node)).collect();
    let mut snapshots = snapshots.into_iter();
    let mut commit = |node: &mut Node<D>| end(node, snapshots.next().unwrap(), vec![set("name", "x")], checks());
    node.put(vec![add("other", 1)]);
    assert!(commit(&mut node).is_ok(), "what was not read may change");
    node.commit();
    // In the same group already.
    node.stage(vec![insert("cart", "b")]).unwrap();
    let staged = node.committer.staged();
    assert_eq!(refused(commit(&mut node)), Refusal::Changed { index: 1 });
    assert_eq!(node.committer.staged(), staged);
    node.put(vec![add("stock", 1), add("nothing", 1)]);
    assert_eq!(refused(commit(&mut node)), Refusal::Changed { index: 0 }, "the first is named");
    node.put(vec![remove("cart", "b"), add("stock", -1)]);
    assert_eq!(refused(commit(&mut node)), Refusal::Changed { index: 0 }, "there and back is a change too");
    assert_eq!(node.elements(&object("cart")), ["a"]);
}

fn a_checked_read_finds_what_came_into_being<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![set("name", "x")]);
    let (one, other) = (begin(&node), begin(&node));
    // There is something of another kind at the object: that is no reason to refuse.
    assert!(end(&mut node, one, vec![add("stock", 1)], vec![sum_of("name")]).is_ok());
    node.put(vec![add("name", 1)]);
    assert_eq!(
        refused(end(&mut node, other, vec![add("stock", 1)], vec![sum_of("name")])),
        Refusal::Changed { index: 0 }
    );
}

fn a_checked_key_that_has_ended_stays_ended<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 1), update(object("stock"), Op::Expire { ttl_ms: 0 })]);
    let (one, other) = (begin(&node), begin(&node));
    assert!(end(&mut node, one, vec![set("name", "x")], vec![sum_of("stock")]).is_ok());
    node.put(vec![add("stock", 1)]);
    assert_eq!(refused(end(&mut node, other, vec![set("name", "x")], vec![sum_of("stock")])).name(), "Changed");
}

fn a_check_that_cannot_be_read_is_refused_by_its_own_name<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let snapshot = begin(&node);
    let bad = Query::Range { first: 0, last: 1, page: PageRequest { after: Some("x".into()), items_max: 1 } };
    let checks = vec![Check { object: object("list"), query: bad }];
    assert_eq!(refused(end(&mut node, snapshot, vec![add("stock", 1)], checks)).name(), "UnknownCursor");
    assert_eq!(node.committer.staged(), (0, 0));
}

fn a_transaction_without_its_snapshot_has_expired_unless_it_was_committed<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let expired = Refusal::TransactionExpired { transaction: TRANSACTION };
    let write = within(&mut node, vec![add("stock", 1)], vec![]);
    assert_eq!(refused(node.take(node.now, &write)), expired);
    let snapshot = begin(&node);
    let Ok(Staged::Fresh { dot, .. }) = node.take_within(node.now, &write, Some(snapshot)) else { panic!() };
    assert_eq!(node.take(node.now, &write), Ok(Staged::Duplicate(dot)), "in the group");
    node.commit();
    node.restart();
    assert_eq!(node.take(node.now, &write), Ok(Staged::Duplicate(dot)), "after a crash");
    assert_eq!(node.sum(&object("stock")), 1);
}

fn p6_a_session_removes_what_it_had_seen_and_nothing_newer<D: Disk>() {
    let (mut node, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    node.put(vec![insert("cart", "a"), insert("cart", "b")]);
    let token = node.vv();
    other.put(vec![insert("cart", "theirs")]);
    node.pull(&other, other.actor(), 1);
    node.put(vec![insert("cart", "b"), insert("cart", "c")]);
    by_session(&mut node, token.clone(), vec![update(object("cart"), Op::Delete)]).unwrap();
    node.commit();
    assert_eq!(node.elements(&object("cart")), ["b", "c", "theirs"]);
    assert_eq!(last_record(&node).ctx, Some(token));
    let now = node.vv();
    by_session(&mut node, now, vec![update(object("cart"), Op::Delete)]).unwrap();
    node.commit();
    assert!(node.elements(&object("cart")).is_empty());
    assert_eq!(last_record(&node).ctx, None);
}

fn a_session_too_old_for_a_counter_is_stale<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 1)]);
    let token = node.vv();
    node.put(vec![add("stock", 1)]);
    let before = node.digest();
    let reset = || vec![set("name", "x"), update(object("stock"), Op::Delete)];
    assert_eq!(refused(by_session(&mut node, token, reset())).name(), "StaleContext");
    assert_eq!(node.committer.staged(), (0, 0));
    node.commit();
    assert_eq!(node.digest(), before);
    let now = node.vv();
    by_session(&mut node, now, reset()).unwrap();
    node.commit();
    assert_eq!(node.sum(&object("stock")), 0);
}

fn a_session_ahead_of_this_region_is_refused<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 1)]);
    let ahead: VersionVector = [(node.actor(), Seq(2))].into_iter().collect();
    assert_eq!(refused(by_session(&mut node, ahead.clone(), vec![add("stock", 1)])).name(), "NotYet");
    node.stage(vec![add("stock", 1)]).unwrap();
    assert!(by_session(&mut node, ahead, vec![add("stock", 1)]).is_ok(), "what is staged will have been seen");
}

#[test]
fn a_snapshot_may_come_from_another_thread() {
    let mut node = Node::<MemoryDisk>::new(1);
    node.put(vec![add("stock", 1)]);
    let reader = node.committer.reader();
    let snapshot = std::thread::scope(|scope| scope.spawn(move || reader.snapshot()).join().unwrap());
    end(&mut node, snapshot, vec![add("stock", 1)], vec![sum_of("stock")]).unwrap();
    node.commit();
    assert_eq!(node.sum(&object("stock")), 2);
}

fn the_real_time_admits_requests_and_the_told_time_stamps_them<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let write = node.write(vec![set("name", "x")]);
    let ahead = node.now.plus(std::time::Duration::from_hours(24 * 400));
    let known = actors();
    let job = |now, real, write| crate::WriteJob { now, real, write, snapshot: None, actors: &known, refusal: None };
    assert!(node.committer.stage_write(job(ahead, node.now, &write)).is_ok());
    node.commit();
    assert_eq!(last_record(&node).hlc.wall(), ahead);
    let minted_ahead = plain(halcyon_types::RequestId::mint(ahead, &[1; 10]), vec![set("name", "y")]);
    let expired = node.committer.stage_write(job(ahead, node.now, &minted_ahead));
    assert_eq!(refused(expired).name(), "RequestExpired");
}

on_every_backend!(
    p6_a_transaction_removes_what_its_snapshot_shows_and_nothing_newer,
    a_transaction_that_saw_the_present_carries_no_context_of_its_own,
    p6_two_transactions_on_one_snapshot_lose_no_increment,
    a_transaction_resets_a_counter_to_what_it_saw_and_no_further,
    a_checked_read_that_has_changed_refuses_the_commit,
    a_checked_read_finds_what_came_into_being,
    a_checked_key_that_has_ended_stays_ended,
    a_check_that_cannot_be_read_is_refused_by_its_own_name,
    a_transaction_without_its_snapshot_has_expired_unless_it_was_committed,
    p6_a_session_removes_what_it_had_seen_and_nothing_newer,
    a_session_too_old_for_a_counter_is_stale,
    a_session_ahead_of_this_region_is_refused,
    the_real_time_admits_requests_and_the_told_time_stamps_them,
);
