//! A failed write is final, and its outcome unknown: in memory, where disks fail on command.

use halcyon_crdt::Kind;

use super::MemoryDisk;
use super::node::{Node, add, insert, object};
use crate::backend::{Backend, Batch, Durability, Family};
use crate::{CommitError, Fatal, StageError, WriteFailure};

#[test]
fn after_a_failed_sync_nothing_is_taken_any_more() {
    for failure in [WriteFailure::Lost, WriteFailure::Kept] {
        let mut node = Node::<MemoryDisk>::new(1);
        node.put(vec![add("stock", 1)]);
        node.stage(vec![add("stock", 1)]).unwrap();
        node.disk.0.fail_next_write(failure);
        assert!(matches!(node.committer.commit(), Err(CommitError::Write(_))));
        // The disk would work again; the committer must not.
        assert_eq!(node.committer.commit(), Err(CommitError::Fatal(Fatal::Stopped)));
        assert_eq!(node.stage(vec![add("stock", 1)]), Err(StageError::Fatal(Fatal::Stopped)));
        assert_eq!(node.sum(&object("stock")), 1, "and readers see none of it");
    }
}

#[test]
fn p2_what_a_failed_sync_left_keeps_its_dot() {
    for (failure, then) in [(WriteFailure::Lost, 1), (WriteFailure::Kept, 2)] {
        let mut node = Node::<MemoryDisk>::new(1);
        node.put(vec![add("stock", 1)]);
        let write = node.write(vec![add("stock", 1)]);
        node.take(node.now, &write).unwrap();
        node.disk.0.fail_next_write(failure);
        node.committer.commit().unwrap_err();
        node.restart();
        assert_eq!(node.sum(&object("stock")), then);
        assert_eq!(node.recovered.vv.get(node.actor()).0, u64::try_from(then).unwrap());
        // The client retries, as it does after an unknown outcome: it counts once.
        node.take(node.now, &write).unwrap();
        node.commit();
        assert_eq!(node.sum(&object("stock")), 2);
    }
}

#[test]
fn a_group_of_which_nothing_can_be_derived_is_not_written() {
    let mut node = Node::<MemoryDisk>::new(1);
    node.put(vec![insert("cart", "a")]);
    let before = node.rows(Family::State);
    let backend = node.disk.0.clone();
    let mut batch = backend.batch();
    batch.put(Family::Derived, object("cart").of_kind(Kind::Set).as_bytes(), b"\x01nonsense");
    backend.write(batch, Durability::Synced).unwrap();
    node.disk.0 = backend;
    node.restart();
    node.stage(vec![insert("cart", "b")]).unwrap();
    assert!(matches!(node.committer.commit(), Err(CommitError::Fatal(Fatal::Underived(_)))));
    assert_eq!(node.committer.commit(), Err(CommitError::Fatal(Fatal::Stopped)));
    assert_eq!(node.rows(Family::State), before);
}

#[test]
fn nothing_staged_is_no_write() {
    let mut node = Node::<MemoryDisk>::new(1);
    node.put(vec![add("stock", 1)]);
    let writes = node.disk.0.writes();
    node.commit();
    assert_eq!(node.disk.0.writes(), writes);
    node.stage(vec![add("stock", 1)]).unwrap();
    node.stage(vec![add("stock", 1)]).unwrap();
    node.commit();
    assert_eq!(node.disk.0.writes(), writes + 1, "a group is one write");
}

#[test]
fn a_row_that_cannot_be_read_refuses_its_write_and_no_other() {
    let mut node = Node::<MemoryDisk>::with(1, crate::Settings { row_cache_bytes_max: 0 });
    node.put(vec![add("broken", 1)]);
    let key = object("broken").counter().actor(node.actor());
    let backend = node.disk.0.clone();
    let mut batch = crate::Backend::batch(&backend);
    crate::Batch::put(&mut batch, crate::Family::State, key.as_bytes(), b"\x01nonsense");
    crate::Backend::write(&backend, batch, crate::Durability::Synced).unwrap();
    let refused = node.stage(vec![add("broken", 1)]);
    assert!(
        matches!(&refused, Err(StageError::Refused(halcyon_wire::Refusal::Storage { reason })) if reason.contains("damaged")),
        "{refused:?}"
    );
    node.put(vec![add("whole", 1)]);
    assert_eq!(node.sum(&object("whole")), 1);
}
