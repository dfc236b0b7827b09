//! A new log in an old directory.

use halcyon_types::{ActorId, RegionId, Seq, UnixMs};

use super::Disk;
use super::node::{Node, T, add, object};

fn p2_a_new_log_stands_beside_the_old_one<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 1)]);
    let before = node.actor();
    let actor = node.committer.stage_mint(T).unwrap();
    assert_eq!(actor, ActorId::mint(RegionId::try_from(1).unwrap(), UnixMs(T.0 + 1)), "its time is taken already");
    let dot = node.put(vec![add("stock", 1)]);
    assert_eq!((dot.actor, dot.seq), (actor, Seq(1)));
    node.restart();
    assert_eq!(node.actor(), actor);
    assert_eq!(node.vv(), [(before, Seq(1)), (actor, Seq(1))].into_iter().collect());
    assert_eq!(node.sum(&object("stock")), 2);
}

fn a_log_that_was_minted_and_not_committed_has_not_begun<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let before = node.actor();
    node.committer.stage_mint(T).unwrap();
    node.restart();
    assert_eq!(node.actor(), before);
    let minted = node.committer.stage_mint(T).unwrap();
    node.commit();
    node.restart();
    assert_eq!(node.actor(), minted, "though nothing was written with it");
}

on_every_backend!(p2_a_new_log_stands_beside_the_old_one, a_log_that_was_minted_and_not_committed_has_not_begun);
