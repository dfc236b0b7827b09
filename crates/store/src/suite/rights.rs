//! P8: rights of bounded counters are checked where a write is committed, and passed on.

use halcyon_crdt::{Answer, Op, Query, Update};
use halcyon_types::{RegionId, Seq};
use halcyon_wire::Refusal;

use super::Disk;
use super::node::{Node, actors, add, object, update};
use super::transactions::{begin, end, last_record, refused};
use crate::Staged;

fn spend(amount: u64) -> Update {
    update(object("seats"), Op::Spend { amount })
}

fn raise(amount: u64) -> Update {
    update(object("seats"), Op::Raise { amount })
}

fn p8_rights_are_checked_at_the_commit_not_at_the_snapshot<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![raise(10)]);
    let (one, other) = (begin(&node), begin(&node));
    end(&mut node, one, vec![spend(7)], vec![]).unwrap();
    let staged = node.committer.staged();
    let short = refused(end(&mut node, other, vec![add("stock", 1), spend(7)], vec![]));
    let Refusal::InsufficientRights { needed, holders, counter, .. } = short else { panic!("{short:?}") };
    assert_eq!((needed, holders, counter), (7, vec![(node.actor(), 3)], object("seats")));
    assert_eq!(node.committer.staged(), staged);
    node.stage(vec![spend(3)]).unwrap();
    assert_eq!(refused(node.stage(vec![spend(1)])).name(), "InsufficientRights");
    node.commit();
    assert_eq!(node.read(&object("seats"), &Query::Value), Answer::Sum(Some(0)));
    assert_eq!(node.sum(&object("stock")), 0);
}

fn rights_pass_on_and_their_want_is_told<D: Disk>() {
    let (mut a, mut b) = (Node::<D>::new(1), Node::<D>::new(2));
    let region = |n: u64| RegionId::try_from(n).unwrap();
    a.put(vec![raise(100)]);
    let (of_a, of_b) = (a.actor(), b.actor());
    b.pull(&a, of_a, 1);
    assert_eq!(refused(b.stage(vec![spend(1)])).name(), "InsufficientRights");
    let grant = |node: &mut Node<D>, to, amount| {
        node.committer.stage_grant(node.now, node.now, &object("seats"), to, amount, &actors()).unwrap()
    };
    let dot = grant(&mut a, region(2), 30).unwrap();
    assert_eq!((dot.actor, dot.seq), (of_a, Seq(2)));
    // Never more than half of what there is, rounded up.
    grant(&mut a, region(2), 1_000).unwrap();
    a.commit();
    assert_eq!(a.read(&object("seats"), &Query::Rights), Answer::Rights(vec![(of_a, 35), (of_b, 65)]));
    assert_eq!(last_record(&a).request, None);
    b.pull(&a, of_a, 9);
    let Ok(Staged::Fresh { shortages, .. }) = b.stage(vec![spend(5)]) else { panic!() };
    assert!(shortages.is_empty(), "{shortages:?}");
    let Ok(Staged::Fresh { shortages, .. }) = b.stage(vec![spend(50)]) else { panic!() };
    assert_eq!(shortages.len(), 1);
    assert_eq!((&shortages[0].counter, shortages[0].own), (&object("seats"), 10));
    b.commit();
    assert_eq!(grant(&mut a, region(2), 0), None, "nothing asked for");
    assert_eq!(grant(&mut a, region(9), 5), None, "a region never heard of");
    assert_eq!(grant(&mut a, region(1), 5), None, "itself");
    let staged = a.committer.staged();
    assert_eq!(a.committer.stage_grant(a.now, a.now, &object("none"), region(2), 5, &actors()), Ok(None));
    assert_eq!(a.committer.staged(), staged);
}

on_every_backend!(p8_rights_are_checked_at_the_commit_not_at_the_snapshot, rights_pass_on_and_their_want_is_told);
