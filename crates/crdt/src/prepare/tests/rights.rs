//! Bounded counters: who may spend what.

use super::*;
use crate::escrow::Escrow;
use crate::fixture::{actor, region};

fn raise(amount: u64) -> Op {
    Op::Raise { amount }
}

fn spend(amount: u64) -> Op {
    Op::Spend { amount }
}

fn pass(n: u64, amount: u64) -> Op {
    Op::Transfer { to: region(n), amount }
}

fn value(node: &mut Node, counter: &Object) -> Option<i128> {
    let Answer::Sum(value) = node.read(counter, &Query::Value) else { panic!() };
    value
}

fn holders(node: &mut Node, counter: &Object) -> Vec<(ActorId, i128)> {
    let Answer::Rights(holders) = node.read(counter, &Query::Rights) else { panic!() };
    holders
}

/// Two nodes that have both raised the counter from nothing, and then heard of each other: two generations.
fn two_generations() -> (Node, Node, Object) {
    let (mut one, mut two, k) = (Node::new(1), Node::new(2), object("k"));
    let (first, second) = (one.write(&k, raise(5)), two.write(&k, raise(7)));
    one.receive(&second);
    two.receive(&first);
    (one, two, k)
}

#[test]
fn nobody_spends_more_than_its_own() {
    let (mut one, mut two, k) = two_generations();
    let told = vec![(actor(1), 5), (actor(2), 7)];
    assert_eq!((holders(&mut one, &k), value(&mut one, &k)), (told.clone(), Some(12)));
    let refused = PrepareError::InsufficientRights { counter: k.clone(), needed: 6, own: actor(1), holders: told };
    let text = "this region may spend 5 of the 6 needed; region 1 holds 5, region 2 holds 7";
    assert_eq!(refused.to_string(), text);
    assert_eq!(one.prepare(&[up(&k, spend(6))]), Err(refused.clone()));
    assert_eq!(one.prepare(&[up(&k, pass(2, 6))]), Err(refused));
    let twice = one.prepare(&[up(&k, spend(3)), up(&k, spend(3))]);
    assert!(matches!(twice, Err(PrepareError::InsufficientRights { needed: 3, holders, .. }) if holders[0].1 == 2));
    one.write(&k, spend(5));
    two.write(&k, spend(7));
    assert_eq!(holders(&mut one, &k), [(actor(2), 7)]);
    let none = object("never raised");
    let refused = one.prepare(&[up(&none, spend(1))]).unwrap_err();
    assert_eq!(refused.to_string(), "this region may spend 0 of the 1 needed; nobody holds any");
}

#[test]
fn what_a_transaction_raises_it_may_spend_or_pass_on_at_once() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.commit(&[up(&k, raise(9)), up(&k, spend(4)), up(&k, pass(2, 2))]);
    assert_eq!((value(&mut node, &k), holders(&mut node, &k)), (Some(5), vec![(actor(1), 3), (actor(2), 2)]));
    assert!(node.prepare(&[up(&k, spend(4)), up(&k, raise(9))]).is_err(), "in order");
}

#[test]
fn spending_draws_on_several_generations_the_newest_first() {
    let (mut one, _, k) = two_generations();
    // Of the older generation actor 1 holds 5 by itself; of the newer, 3 that were passed to it.
    let mut two = Node::new(2);
    two.vv = one.vv.clone();
    two.rows = one.rows.clone();
    one.receive(&two.write(&k, pass(1, 3)));
    assert_eq!(holders(&mut one, &k), [(actor(1), 8), (actor(2), 4)]);
    let hold = |prepared: Prepared| -> Vec<(Option<Dot>, Escrow)> {
        let holds = prepared.effects.into_iter().map(|effect| match effect {
            Effect::Hold { generation, escrow, .. } => (generation, escrow),
            other => panic!("{other:?}"),
        });
        holds.collect()
    };
    let (old, new) = (Dot { actor: actor(1), seq: Seq(1) }, Dot { actor: actor(2), seq: Seq(1) });
    let row = |raised: u64, used| {
        let granted = [(actor(1), raised)].into_iter().filter(|(_, n)| *n > 0).collect();
        Escrow { granted, used }
    };
    // One generation that has enough is drawn on alone; else all of the newest and the rest of the older.
    assert_eq!(hold(one.prepare(&[up(&k, spend(3))]).unwrap()), [(Some(new), row(0, 3))]);
    assert_eq!(hold(one.prepare(&[up(&k, spend(5))]).unwrap()), [(Some(old), row(5, 5))]);
    let both = [(Some(old), row(5, 4)), (Some(new), row(0, 3))];
    assert_eq!(hold(one.prepare(&[up(&k, spend(7))]).unwrap()), both);
    one.write(&k, spend(8));
    assert_eq!((value(&mut one, &k), holders(&mut one, &k)), (Some(4), vec![(actor(2), 4)]));
}

#[test]
fn rights_are_passed_to_regions_that_have_been_heard_of_and_to_none_else() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.write(&k, raise(9));
    assert_eq!(node.prepare(&[up(&k, pass(7, 1))]), Err(PrepareError::UnknownRegion { region: region(7) }));
    assert_eq!(node.prepare(&[up(&k, pass(1, 1))]), Err(PrepareError::ToItself));
    node.write(&k, pass(3, 4));
    node.write(&k, pass(2, 1));
    let mut third = Node::new(3);
    assert_eq!(holders(&mut node, &k), [(actor(1), 4), (actor(2), 1), (actor(3), 4)]);
    third.vv = node.vv.clone();
    third.rows = node.rows.clone();
    third.write(&k, spend(4));
    assert!(third.prepare(&[up(&k, spend(1))]).is_err());
    assert_eq!(value(&mut third, &k), Some(5));
}

#[test]
fn a_bounded_counter_is_deleted_only_where_all_its_rights_are() {
    let (mut node, k) = (Node::new(1), object("k"));
    let counter = k.clone().field("stock");
    node.write(&counter, raise(9));
    let clear = || Op::Clear { kind: Kind::BoundedCounter };
    assert!(node.prepare(&[up(&k, Op::Delete)]).is_ok() && node.prepare(&[up(&counter, clear())]).is_ok());
    node.write(&counter, pass(2, 4));
    let outstanding = || Err(PrepareError::RightsOutstanding { holders: vec![(actor(1), 5), (actor(2), 4)] });
    assert_eq!(node.prepare(&[up(&k, Op::Delete)]), outstanding());
    assert_eq!(node.prepare(&[up(&counter, Op::Delete)]), outstanding());
    assert_eq!(node.prepare(&[up(&counter, clear())]), outstanding());
    assert_eq!(node.prepare(&[up(&k, Op::Clear { kind: Kind::Map })]), outstanding());
    assert!(node.prepare(&[up(&counter, Op::Clear { kind: Kind::Set })]).is_ok());
    // Once they are passed back, or spent.
    let mut two = Node::new(2);
    two.vv = node.vv.clone();
    two.rows = node.rows.clone();
    node.receive(&two.write(&counter, pass(1, 3)));
    assert!(node.prepare(&[up(&k, Op::Delete)]).is_err());
    node.receive(&two.write(&counter, spend(1)));
    node.write(&k, Op::Delete);
    assert_eq!(value(&mut node, &counter), None);
}

#[test]
fn a_counter_deleted_and_raised_in_one_transaction_begins_a_generation() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.write(&k, raise(9));
    node.commit(&[up(&k, Op::Delete), up(&k, raise(2))]);
    assert_eq!(value(&mut node, &k), Some(2));
    let refused = node.prepare(&[up(&k, Op::Delete), up(&k, spend(1))]);
    assert!(matches!(refused, Err(PrepareError::InsufficientRights { needed: 1, .. })), "{refused:?}");
    let raised_before = node.prepare(&[up(&k, raise(1)), up(&k, Op::Delete)]).unwrap();
    assert!(raised_before.effects.iter().all(|effect| matches!(effect, Effect::Clear { .. })), "{raised_before:?}");
}

#[test]
fn rights_stay_within_their_bits() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.write(&k, raise(u64::MAX));
    assert_eq!(node.prepare(&[up(&k, raise(1))]), Err(PrepareError::RightsOverflow { amount: 1 }));
    node.write(&k, spend(u64::MAX));
    assert_eq!(value(&mut node, &k), Some(0));
}

#[test]
fn rights_are_checked_against_the_present_not_the_snapshot() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.write(&k, raise(5));
    let mut snapshot = node.clone();
    node.write(&k, spend(4));
    let refused = node.prepare_at(&[up(&k, spend(2))], &snapshot.vv, Some(&mut snapshot.rows));
    assert!(matches!(refused, Err(PrepareError::InsufficientRights { needed: 2, .. })), "{refused:?}");
}

#[test]
fn a_shortage_is_less_than_half_of_an_even_share_while_others_hold_more() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.commit(&[up(&k, raise(30)), up(&k, pass(2, 10))]);
    let mut shortages = |amount| node.prepare(&[up(&k, spend(amount))]).unwrap().shortages;
    assert_eq!(shortages(16), [], "4 of 7");
    let short = |own, share, holders| vec![Shortage { counter: k.clone(), own, share, holders }];
    assert_eq!(shortages(17), [], "3 of 6");
    assert_eq!(shortages(18), short(2, 6, vec![(actor(1), 2), (actor(2), 10)]));
    assert_eq!(shortages(20), short(0, 5, vec![(actor(2), 10)]));
}
