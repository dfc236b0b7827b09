//! Refusals and retries: P6, and what a request id promises.

use std::ops::ControlFlow;
use std::time::Duration;

use halcyon_crdt::{Object, Op};
use halcyon_types::limits::{REQUEST_AHEAD_MAX, REQUEST_WINDOW, VALUE_BYTES_MAX};
use halcyon_types::{KeyspaceId, RequestId, UnixMs};
use halcyon_wire::Refusal;

use super::Disk;
use super::node::{Node, T, add, object, plain, set, update};
use crate::backend::{Backend, Batch, Durability, Family, View};
use crate::{StageError, Staged, layout};

fn a_refused_write_leaves_no_trace<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("full", i64::MAX), set("name", "before")]);
    node.stage(vec![add("stock", 1)]).unwrap();
    let staged = node.committer.staged();
    let large = "x".repeat(VALUE_BYTES_MAX);
    let nameless = Object::new(KeyspaceId::try_from(10).unwrap(), "");
    let cases = [
        (vec![set("name", "after"), add("full", 1)], "CounterOverflow"),
        (vec![], "InvalidArgument"),
        (vec![add("stock", 1), update(nameless, Op::Delete)], "InvalidArgument"),
        ((0..4).map(|n| set(&format!("large-{n}"), &large)).collect(), "TooLarge"),
        ((0..2000).map(|n| add(&format!("many-{n}"), 1)).collect(), "TooLarge"),
    ];
    let mut writes = Vec::new();
    for (updates, name) in cases {
        let write = node.write(updates);
        match node.take(node.now, &write) {
            Err(StageError::Refused(refusal)) => assert_eq!(refusal.name(), name),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(node.committer.staged(), staged, "{name}");
        writes.push(write);
    }
    let committed = node.commit();
    assert_eq!(committed.own.len(), 1);
    let digest = node.digest();
    assert_eq!(digest.rows, 3, "full, name and stock");
    assert_eq!(node.value(&object("name")).unwrap(), "before");

    // Their ids are free: what was refused may be asked for again.
    let again = plain(writes[0].request, vec![set("name", "after")]);
    assert!(matches!(node.take(node.now, &again), Ok(Staged::Fresh { .. })));
}

fn a_retry_is_answered_with_the_first_record<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let write = node.write(vec![add("stock", 1)]);
    let Ok(Staged::Fresh { dot, .. }) = node.take(node.now, &write) else { panic!() };
    let retry = |node: &mut Node<D>| node.take(node.now, &write);
    assert_eq!(retry(&mut node), Ok(Staged::Duplicate(dot)), "in the same group");
    node.commit();
    assert_eq!(retry(&mut node), Ok(Staged::Duplicate(dot)), "after the commit");
    node.put(vec![add("stock", 10)]);
    node.restart();
    assert_eq!(retry(&mut node), Ok(Staged::Duplicate(dot)), "after a crash");
    node.commit();
    assert_eq!(node.sum(&object("stock")), 11);
}

fn p6_a_retry_in_a_region_that_has_the_record_counts_once<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    let write = a.write(vec![add("stock", 1)]);
    let Ok(Staged::Fresh { dot, .. }) = a.take(a.now, &write) else { panic!() };
    a.commit();
    b.pull(&a, dot.actor, 10);
    for _ in 0..2 {
        assert_eq!(b.take(b.now, &write), Ok(Staged::Duplicate(dot)));
        b.restart();
    }
    assert_eq!(b.sum(&object("stock")), 1);
}

fn a_request_that_ran_in_two_regions_keeps_the_answer_it_got_in_each<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    let write = a.write(vec![add("stock", 1)]);
    let mut dots = Vec::new();
    for node in [&mut a, &mut b] {
        let Ok(Staged::Fresh { dot, .. }) = node.take(T, &write) else { panic!() };
        node.commit();
        dots.push(dot);
    }
    a.pull(&b, dots[1].actor, 1);
    b.pull(&a, dots[0].actor, 1);
    assert_eq!(a.take(T, &write), Ok(Staged::Duplicate(dots[0])));
    assert_eq!(b.take(T, &write), Ok(Staged::Duplicate(dots[1])));
    assert_eq!(a.digest(), b.digest());
}

fn a_request_outside_its_window_is_refused_never_executed<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let minted = |ms: i128| {
        let at = UnixMs(u64::try_from(i128::from(T.0) + ms).unwrap());
        plain(RequestId::mint(at, &[7; 10]), vec![add("stock", 1)])
    };
    let (old, ahead) = (REQUEST_WINDOW.as_millis().cast_signed(), REQUEST_AHEAD_MAX.as_millis().cast_signed());
    for ms in [-old - 1, ahead + 1] {
        let refused = node.take(T, &minted(ms));
        assert!(matches!(refused, Err(StageError::Refused(Refusal::RequestExpired { .. }))), "{ms}: {refused:?}");
    }
    for ms in [-old, ahead] {
        assert!(matches!(node.take(T, &minted(ms)), Ok(Staged::Fresh { .. })), "{ms}");
    }
}

fn requests<D: Disk>(node: &mut Node<D>) -> usize {
    let backend = node.disk.start();
    let mut count = 0;
    let visit = |_: &[u8], _: &[u8]| {
        count += 1;
        ControlFlow::Continue(())
    };
    backend.scan(Family::Requests, &[], None, visit).unwrap();
    drop(backend);
    node.restart();
    count
}

fn old_requests_are_forgotten_and_young_ones_are_not<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let hour = Duration::from_hours(1);
    let mut writes = Vec::new();
    for _ in 0..30 {
        let write = node.write(vec![add("stock", 1)]);
        node.take(node.now, &write).unwrap();
        node.commit();
        writes.push(write);
        node.now = node.now.plus(hour);
    }
    // The last purge but one was 28 hours after the first write: what was then older than the window and its margin, 25
    // hours, is gone.
    assert_eq!(requests(&mut node), 27);
    node.now = UnixMs(node.now.0 - 3_600_000);
    for (n, write) in writes.iter().enumerate() {
        let again = node.take(node.now, write);
        match again {
            Ok(Staged::Duplicate(_)) => assert!(n >= 3, "write {n}"),
            Err(StageError::Refused(Refusal::RequestExpired { .. })) => assert!(n < 5, "write {n}"),
            other => panic!("write {n} ran again: {other:?}"),
        }
    }
}

fn a_clock_that_jumps_ahead_for_a_moment_forgets_nothing<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let write = node.write(vec![add("stock", 1)]);
    node.take(T, &write).unwrap();
    node.commit();
    node.now = T.plus(Duration::from_hours(24 * 365));
    node.put(vec![add("stock", 10)]);
    node.now = T;
    node.put(vec![add("stock", 100)]);
    assert!(matches!(node.take(T, &write), Ok(Staged::Duplicate(_))));
    node.restart();
    assert!(matches!(node.take(T, &write), Ok(Staged::Duplicate(_))));
}

fn a_clock_that_stays_ahead_and_then_comes_back_executes_nothing_twice<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let write = node.write(vec![add("stock", 1)]);
    node.take(T, &write).unwrap();
    node.commit();
    for hours in 100..103 {
        node.now = T.plus(Duration::from_hours(hours));
        node.put(vec![add("stock", 10)]);
    }
    for _ in 0..2 {
        let refused = node.take(T, &write);
        assert!(matches!(refused, Err(StageError::Refused(Refusal::RequestExpired { .. }))), "{refused:?}");
        node.now = T;
        node.restart();
    }
}

fn records_too_old_for_a_retry_leave_no_requests_behind<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    let actor = a.actor();
    for _ in 0..3 {
        a.put(vec![add("stock", 1)]);
    }
    b.now = T.plus(REQUEST_WINDOW + REQUEST_AHEAD_MAX + Duration::from_secs(1));
    for _ in 0..3 {
        b.pull(&a, actor, 1);
        b.now = b.now.plus(Duration::from_mins(1));
    }
    assert_eq!(b.sum(&object("stock")), 3);
    assert_eq!(requests(&mut b), 0);
}

fn requests_of_a_directory_that_kept_them_among_the_rows_are_still_known<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let write = node.write(vec![add("stock", 1)]);
    let Ok(Staged::Fresh { dot, .. }) = node.take(T, &write) else { panic!() };
    node.commit();
    let backend = node.disk.start();
    let mut batch = backend.batch();
    let mut value = Vec::new();
    layout::put_dot(&mut value, dot);
    batch.put(Family::State, &[&layout::FORMER_REQUESTS.0[..], write.request.as_bytes()].concat(), &value);
    batch.delete(Family::Requests, write.request.as_bytes());
    backend.write(batch, Durability::Synced).unwrap();
    drop(backend);
    node.restart();
    assert_eq!(node.take(T, &write), Ok(Staged::Duplicate(dot)));
    assert_eq!(requests(&mut node), 1);
}

on_every_backend!(
    requests_of_a_directory_that_kept_them_among_the_rows_are_still_known,
    a_refused_write_leaves_no_trace,
    a_retry_is_answered_with_the_first_record,
    p6_a_retry_in_a_region_that_has_the_record_counts_once,
    a_request_that_ran_in_two_regions_keeps_the_answer_it_got_in_each,
    a_request_outside_its_window_is_refused_never_executed,
    old_requests_are_forgotten_and_young_ones_are_not,
    a_clock_that_jumps_ahead_for_a_moment_forgets_nothing,
    a_clock_that_stays_ahead_and_then_comes_back_executes_nothing_twice,
    records_too_old_for_a_retry_leave_no_requests_behind,
);
