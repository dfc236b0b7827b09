//! Audits: pieces cover every row, ranges compare equal where nothing that one had not seen touches them, and whatever is
//! damaged is told with its place.

use halcyon_types::{Seq, UnixMs};

use super::Disk;
use super::node::{Node, T, add, insert, object, set, update};
use crate::audit::{Bounds, Comparison, Piece, Theirs};
use crate::backend::{Backend, Batch, Durability, Family};
use crate::layout::ROWS_FROM;

const KEYSPACE: [u8; 4] = [0, 0, 0, 10];
const BEHIND: [u8; 4] = [0, 0, 0, 11];

fn bounds(rows_max: usize) -> Bounds {
    Bounds { at: UnixMs(T.0 + 1000), rows_max, bytes_max: 1 << 20 }
}

fn piece<D: Disk>(node: &Node<D>, from: &[u8], rows_max: usize) -> Piece {
    node.committer.reader().snapshot().piece(from, &BEHIND, bounds(rows_max)).unwrap()
}

fn pieces<D: Disk>(node: &Node<D>, rows_max: usize) -> Vec<(Vec<u8>, Piece)> {
    let (mut from, mut pieces) = (KEYSPACE.to_vec(), Vec::new());
    while from[..] < BEHIND[..] {
        let piece = piece(node, &from, rows_max);
        assert!(piece.upto > from, "it goes on");
        let next = piece.upto.to_vec();
        pieces.push((std::mem::replace(&mut from, next), piece));
    }
    pieces
}

fn compare<D: Disk>(node: &Node<D>, (from, piece): &(Vec<u8>, Piece)) -> Comparison {
    let Piece { vv, upto, live, digest, .. } = piece;
    let theirs = Theirs { from, upto, at: bounds(1).at, vv, live: *live, digest };
    node.committer.reader().snapshot().compare(&theirs).unwrap()
}

/// Two nodes that have seen the same.
fn twins<D: Disk>() -> (Node<D>, Node<D>) {
    let (mut one, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    for number in 0..40 {
        one.put(vec![add(&format!("sum {number}"), 1), insert("cart", &format!("item {number}"))]);
        other.put(vec![add("stock", 10), set(&format!("last {number}"), "x")]);
    }
    let (first, second) = (one.actor(), other.actor());
    one.pull(&other, second, 40);
    other.pull(&one, first, 40);
    (one, other)
}

fn put_raw<D: Disk>(node: &Node<D>, key: &[u8], value: &[u8]) {
    let reader = node.committer.reader();
    let mut batch = reader.backend().batch();
    batch.put(Family::State, key, value);
    reader.backend().write(batch, Durability::Synced).unwrap();
}

fn p3_pieces_of_any_size_cover_every_row_and_equal_those_of_a_twin<D: Disk>() {
    let (one, other) = twins::<D>();
    let rows = one.rows(Family::State).len() as u64;
    for rows_max in [1, 7, 1000] {
        let pieces = pieces(&one, rows_max);
        assert_eq!(pieces.iter().map(|(_, piece)| piece.rows).sum::<u64>(), rows);
        assert!(pieces.iter().all(|(_, piece)| piece.damage.is_empty() && piece.rows <= rows_max as u64));
        for piece in &pieces {
            assert_eq!(compare(&other, piece), Comparison::Same);
        }
    }
    let whole = piece(&one, &ROWS_FROM, 1000);
    assert_eq!((whole.digest, whole.live), (one.digest().digest, one.digest().rows), "the same as of the whole state");
}

fn p3_a_range_is_compared_although_the_other_has_seen_more_unless_that_touches_it<D: Disk>() {
    let (one, mut other) = twins::<D>();
    let pieces = pieces(&one, 1);
    other.put(vec![set("last 7", "y"), add("sum 7", 1)]);
    let moved: Vec<_> = pieces.iter().filter(|piece| compare(&other, piece) == Comparison::Moved).collect();
    // The value's row and this actor's row of the sum, which falls into the range behind the last of the sum's.
    assert!((2..=4).contains(&moved.len()), "{}", moved.len());
    assert!(pieces.iter().all(|piece| compare(&other, piece) != Comparison::Differs));
    // Whoever has seen less says nothing.
    let all = (KEYSPACE.to_vec(), piece(&other, &KEYSPACE, 1000));
    assert_eq!(compare(&one, &all), Comparison::Moved);
    // Nor whoever has dropped what it would have to look through.
    let actor = other.actor();
    let upto = [(actor, Seq(41))].into_iter().collect();
    other.put(vec![set("last 8", "z")]);
    D::spread(other.committer.reader().backend());
    other.committer.stage_truncation(&upto, None, 0).unwrap();
    other.commit();
    assert_eq!(other.committer.reader().log(actor, Seq(40), Seq(41), 1 << 20).unwrap(), [], "it is gone");
    assert!(pieces.iter().all(|piece| compare(&other, piece) == Comparison::Moved));
}

fn p3_a_row_that_somebody_else_has_changed_or_added_or_taken_differs<D: Disk>() {
    let (one, other) = twins::<D>();
    let rows = other.rows(Family::State);
    let (key, value) = rows.iter().find(|(key, _)| key.windows(6).any(|part| part == b"last 7")).unwrap().clone();
    let pieces = pieces(&one, 1);
    let mut spoilt = value.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    let differing = |node: &Node<D>| {
        let differ = |piece: &&(Vec<u8>, Piece)| compare(node, piece) == Comparison::Differs;
        let found: Vec<_> = pieces.iter().filter(differ).collect();
        assert!(found.iter().all(|(from, piece)| from[..] <= key[..] && key[..] < piece.upto[..]));
        found.len()
    };
    put_raw(&other, &key, &spoilt);
    assert_eq!(differing(&other), 1);
    let reader = other.committer.reader();
    let mut batch = reader.backend().batch();
    batch.delete(Family::State, &key);
    reader.backend().write(batch, Durability::Synced).unwrap();
    assert_eq!(differing(&other), 1);
    put_raw(&other, &key, &value);
    assert_eq!(differing(&other), 0);
    let more = object("last 70").register();
    put_raw(&other, more.as_bytes(), &value);
    assert_eq!(pieces.iter().filter(|piece| compare(&other, piece) == Comparison::Differs).count(), 1);
}

fn a_row_that_is_none_is_told_with_its_key_and_those_around_it_are_read<D: Disk>() {
    let (one, other) = twins::<D>();
    let rows = one.rows(Family::State);
    let (key, _) = rows[rows.len() / 2].clone();
    put_raw(&one, &key, &[1, 2, 3]);
    let piece = piece(&one, &KEYSPACE, 1000);
    assert_eq!(piece.rows, rows.len() as u64);
    assert_eq!(piece.damage.len(), 1);
    assert_eq!((&piece.damage[0].from[..], &piece.damage[0].upto[..]), (&key[..], &[&key[..], &[0]].concat()[..]));
    assert_eq!(compare(&other, &(KEYSPACE.to_vec(), piece)), Comparison::Differs);
}

fn what_expires_takes_no_part_in_a_comparison<D: Disk>() {
    let (mut one, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    one.put(vec![
        set("stays", "x"),
        update(object("goes"), halcyon_crdt::Op::Set { value: "y".into(), ttl_ms: Some(100) }),
    ]);
    let actor = one.actor();
    other.pull(&one, actor, 9);
    one.now = UnixMs(T.0 + 500);
    one.sweep(false);
    one.commit();
    let (mine, theirs) = (piece(&one, &KEYSPACE, 100), piece(&other, &KEYSPACE, 100));
    assert_eq!((mine.rows, theirs.rows, theirs.live), (1, 2, 1), "it is purged at one of the two");
    assert_eq!(compare(&one, &(KEYSPACE.to_vec(), theirs)), Comparison::Same);
    assert_eq!(compare(&other, &(KEYSPACE.to_vec(), mine)), Comparison::Same);
}

on_every_backend!(
    p3_pieces_of_any_size_cover_every_row_and_equal_those_of_a_twin,
    p3_a_range_is_compared_although_the_other_has_seen_more_unless_that_touches_it,
    p3_a_row_that_somebody_else_has_changed_or_added_or_taken_differs,
    a_row_that_is_none_is_told_with_its_key_and_those_around_it_are_read,
    what_expires_takes_no_part_in_a_comparison,
);
