//! Truncation of logs: the oldest records, of those that may go, and never the last.

use std::time::Duration;

use halcyon_types::{Dot, Seq, UnixMs, VersionVector};
use halcyon_wire::Refusal;

use super::Disk;
use super::node::{Node, T, add, claim, set};
use crate::backend::{Backend, Batch, Durability, Family};
use crate::layout;
use crate::{Committer, Logs, OpenError, StageError, Staged};

/// A value that takes a database several blocks for a few: how much less a part takes it tells by blocks.
fn noise(seed: u64) -> String {
    let step = |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let states = std::iter::successors(Some(step(seed)), |state| Some(step(*state)));
    states.take(1600).filter_map(|state| char::from_digit(u32::try_from(state >> 60).unwrap(), 16)).collect()
}

/// A node with 100 records of its own and 50 of another.
fn filled<D: Disk>() -> (Node<D>, Node<D>) {
    let (mut node, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    for number in 0..100 {
        node.put(vec![set("last", &noise(number))]);
        if number % 2 == 0 {
            other.put(vec![set("last", &noise(number))]);
        }
    }
    node.pull(&other, other.actor(), 50);
    D::spread(node.committer.reader().backend());
    (node, other)
}

fn truncate<D: Disk>(node: &mut Node<D>, stable: &VersionVector, bytes_max: u64) -> VersionVector {
    truncate_old(node, stable, None, bytes_max).floors
}

fn truncate_old<D: Disk>(node: &mut Node<D>, upto: &VersionVector, older_than: Option<UnixMs>, bytes_max: u64) -> Logs {
    let logs = node.committer.stage_truncation(upto, older_than, bytes_max).unwrap();
    node.committer.commit().unwrap();
    assert_eq!(*node.committer.floors(), logs.floors);
    logs
}

/// The records of a log that are there, first and last.
fn extent<D: Disk>(node: &Node<D>, of: &Node<D>) -> (u64, u64) {
    let upto = node.committer.reader().snapshot().vv().unwrap().get(of.actor());
    let floor = node.committer.floors().get(of.actor());
    let log = node.committer.reader().log(of.actor(), floor, upto, usize::MAX).unwrap();
    assert!(log.windows(2).all(|two| two[0].seq.next() == Some(two[1].seq)));
    (log.first().unwrap().seq.0, log.last().unwrap().seq.0)
}

fn logs_within_their_limit_are_left_alone<D: Disk>() {
    let (mut node, other) = filled::<D>();
    let stable = node.committer.reader().snapshot().vv().unwrap();
    assert_eq!(truncate(&mut node, &stable, u64::MAX), VersionVector::new());
    assert_eq!((extent(&node, &node), extent(&node, &other)), ((1, 100), (1, 50)));
}

fn each_log_is_truncated_by_its_share_up_to_what_is_stable<D: Disk>() {
    let (mut node, other) = filled::<D>();
    let stable: VersionVector = [(node.actor(), Seq(100)), (other.actor(), Seq(3))].into_iter().collect();
    let floors = truncate(&mut node, &stable, 1);
    assert_eq!(floors, [(node.actor(), Seq(99)), (other.actor(), Seq(3))].into_iter().collect());
    assert_eq!((extent(&node, &node), extent(&node, &other)), ((100, 100), (4, 50)));
    let digest = node.digest();
    node.restart();
    assert_eq!(node.recovered.floors, floors);
    assert_eq!(*node.committer.floors(), floors);
    assert_eq!(node.digest(), digest, "rows are not concerned");
    node.put(vec![add("stock", 1)]);
    assert_eq!(extent(&node, &node), (100, 101));
    // And once more: the room of the last time is given back first.
    let stable = [(node.actor(), Seq(101)), (other.actor(), Seq(50))].into_iter().collect();
    D::spread(node.committer.reader().backend());
    truncate(&mut node, &stable, 1);
    assert_eq!((extent(&node, &node), extent(&node, &other)), ((101, 101), (50, 50)));
    node.restart();
    assert_eq!((extent(&node, &node), extent(&node, &other)), ((101, 101), (50, 50)));
}

fn room_given_back_holds_nothing_that_is_kept<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for _ in 0..100 {
        node.put(vec![add("stock", 1)]);
    }
    let stable: VersionVector = [(node.actor(), Seq(100))].into_iter().collect();
    D::spread(node.committer.reader().backend());
    truncate(&mut node, &stable, 1);
    // What is left is a file that begins right behind what is given back.
    D::spread(node.committer.reader().backend());
    truncate(&mut node, &stable, 1);
    let log = node.committer.reader().log(node.actor(), Seq(99), Seq(100), usize::MAX).unwrap();
    assert_eq!(log.len(), 1, "the last record");
    node.restart();
    assert_eq!(node.recovered.floors.get(node.actor()), Seq(99));
}

fn half_of_the_room_keeps_about_half_of_the_records<D: Disk>() {
    let (mut node, other) = filled::<D>();
    let stable = node.committer.reader().snapshot().vv().unwrap();
    let all = (u64::MIN, u64::MAX);
    let bytes = node.committer.reader().backend().bytes(Family::Log, &all.0.to_be_bytes(), &all.1.to_be_bytes());
    truncate(&mut node, &stable, bytes / 2);
    let ((first, _), (others, _)) = (extent(&node, &node), extent(&node, &other));
    assert!((40..=65).contains(&first) && (20..=35).contains(&others), "{first} {others}");
}

fn what_one_log_must_keep_another_gives<D: Disk>() {
    let (mut node, other) = filled::<D>();
    let stable: VersionVector = [(node.actor(), Seq(100)), (other.actor(), Seq(2))].into_iter().collect();
    let all = truncate_old(&mut node, &VersionVector::new(), None, u64::MAX).bytes;
    let left = truncate_old(&mut node, &stable, None, all / 2).bytes;
    assert!(left <= all / 2, "{left} of {all}: the own log gives for both");
    let ((first, _), (others, _)) = (extent(&node, &node), extent(&node, &other));
    assert!((70..=95).contains(&first) && others <= 3, "{first} {others}");
}

/// A node with ten records of its own an hour ago and ten of now, and five and five of another.
fn aged<D: Disk>() -> (Node<D>, Node<D>) {
    let (mut node, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    for _ in 0..2 {
        for number in 0..10 {
            node.put(vec![add("stock", 1)]);
            if number % 2 == 0 {
                other.put(vec![add("stock", 1)]);
            }
        }
        node.now = node.now.plus(Duration::from_hours(1));
        other.now = node.now;
    }
    node.pull(&other, other.actor(), 10);
    D::spread(node.committer.reader().backend());
    (node, other)
}

fn what_is_young_stays<D: Disk>() {
    for (time, own, others) in [(T, 0, 0), (T.plus(Duration::from_mins(30)), 10, 5), (UnixMs(u64::MAX), 19, 9)] {
        let (mut node, other) = aged::<D>();
        let all = node.committer.reader().snapshot().vv().unwrap();
        let logs = truncate_old(&mut node, &all, Some(time), 1);
        let floors = [(node.actor(), Seq(own)), (other.actor(), Seq(others))].into_iter().collect::<VersionVector>();
        assert_eq!(logs.floors, floors);
        let again = truncate_old(&mut node, &all, Some(time), 1);
        assert_eq!(again.floors, floors);
        node.restart();
        assert_eq!(node.recovered.floors, floors);
    }
}

fn what_is_old_stays_unless_enough_have_it<D: Disk>() {
    let (mut node, other) = aged::<D>();
    let held = [(node.actor(), Seq(7))].into_iter().collect();
    let logs = truncate_old(&mut node, &held, Some(UnixMs(u64::MAX)), 1);
    assert_eq!((logs.floors.get(node.actor()), logs.floors.get(other.actor())), (Seq(7), Seq::ZERO));
}

fn the_oldest_record_that_somebody_lacks_is_told<D: Disk>() {
    let (mut node, other) = aged::<D>();
    let [own, others] = [node.actor(), other.actor()];
    let mut next = |stable: &[(_, u64)]| {
        let stable: VersionVector = stable.iter().map(|(actor, seq)| (*actor, Seq(*seq))).collect();
        truncate_old(&mut node, &stable, None, u64::MAX).next
    };
    let young = T.plus(Duration::from_hours(1));
    assert_eq!(next(&[(own, 20), (others, 10)]), None);
    assert_eq!(next(&[(own, 20), (others, 4)]), Some((Dot { actor: others, seq: Seq(5) }, T)));
    assert_eq!(next(&[(own, 12), (others, 4)]), Some((Dot { actor: others, seq: Seq(5) }, T)));
    assert_eq!(next(&[(own, 12), (others, 10)]), Some((Dot { actor: own, seq: Seq(13) }, young)));
}

fn where_nothing_new_is_taken_a_retry_is_told_what_was_committed<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let (before, new) = (node.write(vec![add("stock", 1)]), node.write(vec![add("stock", 1)]));
    let Ok(Staged::Fresh { dot, .. }) = node.take(T, &before) else { panic!("a fresh write") };
    node.commit();
    let full = Refusal::LogFull { bytes: 2, bytes_max: 1, lacking: Vec::new() };
    let mut ask = |write| node.take_full(write, full.clone());
    assert_eq!(ask(&before).unwrap(), Staged::Duplicate(dot));
    assert!(matches!(ask(&new), Err(StageError::Refused(refusal)) if refusal == full));
    assert!(matches!(node.take(T, &new), Ok(Staged::Fresh { .. })), "the refusal left no trace");
}

fn a_truncation_that_was_not_committed_has_not_happened<D: Disk>() {
    let (mut node, other) = filled::<D>();
    let stable = node.committer.reader().snapshot().vv().unwrap();
    node.committer.stage_truncation(&stable, None, 1).unwrap();
    node.restart();
    assert_eq!(node.recovered.floors, VersionVector::new());
    assert_eq!((extent(&node, &node), extent(&node, &other)), ((1, 100), (1, 50)));
}

fn a_floor_beyond_what_is_applied_is_damage<D: Disk>() {
    let (mut node, other) = filled::<D>();
    for value in [vec![1, 0], floor_of(&other, 51)] {
        let backend = node.disk.start();
        let mut batch = backend.batch();
        batch.put(Family::Local, &layout::FLOORS_KEY, &value);
        backend.write(batch, Durability::Synced).unwrap();
        let opened = Committer::open(backend, &claim(1, T));
        assert!(matches!(opened, Err(OpenError::Damaged { .. })), "{value:?}");
    }
}

fn floor_of<D: Disk>(other: &Node<D>, seq: u64) -> Vec<u8> {
    let mut value = Vec::new();
    layout::put_vv(&mut value, &[(other.actor(), Seq(seq))].into_iter().collect());
    value
}

on_every_backend!(
    logs_within_their_limit_are_left_alone,
    each_log_is_truncated_by_its_share_up_to_what_is_stable,
    room_given_back_holds_nothing_that_is_kept,
    half_of_the_room_keeps_about_half_of_the_records,
    what_one_log_must_keep_another_gives,
    what_is_young_stays,
    what_is_old_stays_unless_enough_have_it,
    the_oldest_record_that_somebody_lacks_is_told,
    where_nothing_new_is_taken_a_retry_is_told_what_was_committed,
    a_truncation_that_was_not_committed_has_not_happened,
    a_floor_beyond_what_is_applied_is_damage,
);
