//! What updates become, and when they are refused.

mod contexts;
mod endings;
mod lists;
mod rights;

use halcyon_types::Seq;
use halcyon_types::limits::{SIBLINGS_BYTES_MAX, UPDATES_MAX, VALUE_BYTES_MAX};

use super::*;
use crate::fixture::{Node, b, object, push, seen, up};
use crate::kind::Kind;
use crate::op::{End, Op};
use crate::query::{Answer, Query};
use crate::sorted_set::{added_rows, given_row};

fn zadd(member: &str, score: f64) -> Op {
    Op::Score { member: b(member), score }
}

fn zincr(member: &str, amount: f64) -> Op {
    Op::AddScore { member: b(member), amount }
}

fn effects(node: &mut Node, updates: &[Update]) -> Vec<Effect> {
    node.prepare(updates).unwrap().effects
}

#[test]
fn effects_are_in_normal_form() {
    let (mut node, k) = (Node::new(1), object("k"));
    let updates = [
        up(&k, Op::Insert { element: b("x") }),
        up(&k, Op::Add { amount: 2 }),
        up(&k, Op::Set { value: b("old"), ttl_ms: None }),
        up(&k, Op::Remove { element: b("y") }),
        up(&k, Op::Add { amount: -5 }),
        up(&k, Op::Remove { element: b("x") }),
        up(&k, Op::Set { value: b("new"), ttl_ms: Some(500) }),
        up(&k, Op::Remove { element: b("y") }),
    ];
    let clear =
        |element: &[u8]| Effect::Clear { prefix: k.of_kind(Kind::Set).component(element), intervals: Vec::new() };
    let inc =
        Effect::Inc { counter: k.counter(), prev_seq: Seq(0), before: Number::Whole(0), after: Number::Whole(-3) };
    let set = Effect::Assign { row: k.register(), expiry: Some(UnixMs(1_500)), payload: b("new") };
    assert_eq!(effects(&mut node, &updates), [clear(b"y"), clear(b"x"), inc, set]);
}

#[test]
fn a_score_given_cancels_what_the_transaction_added_before() {
    let (mut node, z) = (Node::new(1), object("z"));
    let given = |score: f64| Effect::Assign {
        row: given_row(&z.members(), b"m"),
        expiry: None,
        payload: score.to_be_bytes().to_vec().into(),
    };
    assert_eq!(effects(&mut node, &[up(&z, zincr("m", 5.0)), up(&z, zadd("m", 1.0))]), [given(1.0)]);

    // But what is added behind it counts, from zero.
    let added = Effect::Inc {
        counter: added_rows(&z.members(), b"m"),
        prev_seq: Seq(0),
        before: Number::Float(0.0),
        after: Number::Float(2.5),
    };
    let both = [up(&z, zincr("m", 5.0)), up(&z, zadd("m", 1.0)), up(&z, zincr("m", 2.5))];
    assert_eq!(effects(&mut node, &both), [added, given(1.0)]);
    node.commit(&both);
    assert_eq!(node.read(&z, &Query::Score { member: b("m") }), Answer::Score(Some(3.5)));
    node.commit(&[up(&z, zincr("m", 1.0)), up(&z, zadd("m", 9.0)), up(&z, zincr("m", 0.5))]);
    assert_eq!(node.read(&z, &Query::Score { member: b("m") }), Answer::Score(Some(9.5)));
}

#[test]
fn a_delete_cancels_what_its_transaction_wrote_before_and_nothing_behind_it() {
    let (mut node, k) = (Node::new(1), object("k"));
    let field = k.clone().field("f");
    let write = |node: &mut Node, op| node.commit(&[up(&field, Op::Add { amount: 4 }), up(&k, op), up(&k, Op::Enable)]);
    write(&mut node, Op::Delete);
    assert_eq!(node.read(&field, &Query::Sum), Answer::Sum(None));
    assert_eq!(node.read(&k, &Query::IsEnabled), Answer::Is(true));
    write(&mut node, Op::Clear { kind: Kind::Map });
    assert_eq!(node.read(&k, &Query::Kinds), Answer::Kinds(vec![Kind::Flag]));
}

#[test]
fn a_transaction_has_updates_but_not_without_end() {
    let (mut node, k) = (Node::new(1), object("k"));
    assert_eq!(node.prepare(&[]).map(|prepared| prepared.effects), Ok(Vec::new()), "a transaction that only reads");
    let updates = vec![up(&k, Op::Enable); UPDATES_MAX + 1];
    let past = |what, count, max| Err(PrepareError::TooLarge { what, count, max });
    assert_eq!(node.prepare(&updates), past("updates", UPDATES_MAX + 1, UPDATES_MAX));
    assert!(node.prepare(&updates[1..]).is_ok());
    let max = halcyon_types::limits::ELEMENTS_MAX;
    let observe = |n| [up(&k, Op::Observe { elements: vec![b("x"); n] }), up(&k, push(End::Back, &["v"]))];
    assert_eq!(node.prepare(&observe(max)), past("elements", max + 1, max));
    assert!(node.prepare(&observe(max - 1)).is_ok());
}

#[test]
fn a_record_has_no_more_effects_than_it_may() {
    let (mut node, list) = (Node::new(1), object("l"));
    let elements = halcyon_types::limits::ELEMENTS_MAX;
    for value in ["a", "b"] {
        node.write(&list, Op::Push { end: End::Back, values: vec![b(value); elements] });
    }
    let remove = |value| up(&list, Op::RemoveAt { place: crate::op::Place::Value(b(value)) });
    assert_eq!(effects(&mut node, &[remove("a")]).len(), elements);
    let refused = node.prepare(&[remove("a"), remove("b")]);
    let (what, count) = ("elements", 2 * elements);
    assert_eq!(refused, Err(PrepareError::TooLarge { what, count, max: elements }));
    // However often it touches the same ones.
    let again = up(&list, Op::SetAt { place: crate::op::Place::Value(b("a")), value: b("a") });
    assert!(matches!(node.prepare(&[again.clone(), again]), Err(PrepareError::TooLarge { .. })));

    // Keys that have ended: a score given is a clear and an assign, and where something was added to it, another clear.
    let keys: Vec<Object> = (0..UPDATES_MAX).map(|n| Object::new(list.keyspace, n.to_string())).collect();
    let each = |keys: &[Object], op: Op| -> Vec<Update> { keys.iter().map(|key| up(key, op.clone())).collect() };
    node.commit(&each(&keys[1..11], zincr("m", 1.0)));
    node.commit(&each(&keys, Op::Expire { ttl_ms: 5 }));
    node.now = UnixMs(2_000);
    let mut updates = each(&keys, zadd("m", 1.0));
    updates[0] = remove("a");
    let refused = node.prepare(&updates);
    let count = elements + 2 * (UPDATES_MAX - 1) + 10;
    assert_eq!(refused, Err(PrepareError::TooLarge { what: "effects", count, max: EFFECTS_MAX }));
}

#[test]
fn sums_stay_within_their_bits() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.write(&k, Op::Add { amount: i64::MAX });
    let one = [up(&k, Op::Add { amount: 1 })];
    let (before, amount) = (Number::Whole(i64::MAX), Number::Whole(1));
    assert_eq!(node.prepare(&one), Err(PrepareError::CounterOverflow { before, amount }));
    let twice =
        [up(&k.clone().field("f"), Op::Add { amount: i64::MIN }), up(&k.clone().field("f"), Op::Add { amount: -1 })];
    let (before, amount) = (Number::Whole(i64::MIN), Number::Whole(-1));
    assert_eq!(node.prepare(&twice), Err(PrepareError::CounterOverflow { before, amount }));
    node.write(&k, zincr("m", f64::MAX));
    assert!(matches!(node.prepare(&[up(&k, zincr("m", f64::MAX))]), Err(PrepareError::CounterOverflow { .. })));
    // A reset begins a new life, in the same transaction too.
    node.commit(&[up(&k, Op::Clear { kind: Kind::Counter }), up(&k, Op::Add { amount: 1 })]);
    assert_eq!(node.read(&k, &Query::Sum), Answer::Sum(Some(1)));
}

#[test]
fn a_row_of_too_many_concurrent_bytes_takes_no_more() {
    let (mut node, k) = (Node::new(1), object("k"));
    let blind = seen(&[]);
    let large = [up(&k, Op::SetMv { value: vec![7; VALUE_BYTES_MAX].into() })];
    let fitting = SIBLINGS_BYTES_MAX / VALUE_BYTES_MAX;
    for _ in 0..fitting {
        node.commit_at(&large, &blind, None).unwrap();
    }
    assert_eq!(node.prepare_at(&large, &blind, None), Err(PrepareError::TooManySiblings { count: fitting }));
    node.commit(&large);
}

#[test]
fn a_row_of_too_many_concurrent_writes_takes_no_more() {
    let (mut node, k) = (Node::new(1), object("k"));
    let blind = seen(&[]);
    for _ in 0..SIBLINGS_MAX {
        node.commit_at(&[up(&k, Op::SetMv { value: b("v") })], &blind, None).unwrap();
    }
    let write = [up(&k, Op::SetMv { value: b("v") })];
    assert_eq!(node.prepare_at(&write, &blind, None), Err(PrepareError::TooManySiblings { count: SIBLINGS_MAX }));
    node.commit(&write);
    assert_eq!(node.read(&k, &Query::Values), Answer::Values(vec![b("v")]));
}
