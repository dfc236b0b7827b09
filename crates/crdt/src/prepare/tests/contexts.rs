//! What a transaction has seen decides what it removes.

use super::*;
use crate::effect::ClearedInterval;
use crate::fixture::actor;

fn cleared(effects: &[Effect]) -> Vec<ClearedInterval> {
    let lists = effects.iter().filter_map(|effect| match effect {
        Effect::Clear { intervals, .. } => Some(intervals.clone()),
        _ => None,
    });
    lists.flatten().collect()
}

#[test]
fn a_context_is_stale_exactly_where_it_falls_inside_an_interval() {
    let (mut node, k) = (Node::new(1), object("k"));
    for op in [Op::Enable, Op::Add { amount: 3 }, Op::Enable, Op::Add { amount: 4 }, Op::Enable] {
        node.write(&k, op);
    }
    // Increments at 2 and 4: of 1 and less nothing was seen, of 4 and more everything.
    for clear in [Op::Clear { kind: Kind::Counter }, Op::Delete] {
        for upto in 0..=5 {
            let found = node.prepare_at(&[up(&k, clear.clone())], &seen(&[(1, upto)]), None);
            match upto {
                0 | 1 => assert_eq!(cleared(&found.unwrap().effects), [], "at {upto}"),
                2 | 3 => assert_eq!(found, Err(PrepareError::StaleContext { actor: actor(1) }), "at {upto}"),
                _ => {
                    let all =
                        ClearedInterval { counter: k.counter(), actor: actor(1), seq: Seq(4), cum: Number::Whole(7) };
                    assert_eq!(cleared(&found.unwrap().effects), [all], "at {upto}");
                }
            }
        }
    }
    // What does not clear the counter does not mind.
    let others = [up(&k, Op::Clear { kind: Kind::Flag }), up(&k, Op::Add { amount: 1 })];
    assert!(node.prepare_at(&others, &seen(&[(1, 2)]), None).is_ok());
}

#[test]
fn a_context_behind_a_reset_is_stale_no_more() {
    let (mut node, k) = (Node::new(1), object("k"));
    let reset = [up(&k, Op::Clear { kind: Kind::Counter })];
    node.write(&k, Op::Add { amount: 3 });
    node.write(&k, Op::Add { amount: 4 });
    node.commit(&reset);
    node.write(&k, Op::Add { amount: 9 });
    for upto in 0..=3 {
        assert_eq!(node.prepare_at(&reset, &seen(&[(1, upto)]), None).unwrap().effects, [], "at {upto}");
    }
}

#[test]
fn a_snapshot_knows_the_sum_that_its_context_had() {
    let (mut node, k) = (Node::new(1), object("k"));
    node.write(&k, Op::Add { amount: 3 });
    let mut snapshot = node.clone();
    node.write(&k, Op::Add { amount: 4 });
    let reset = [up(&k, Op::Clear { kind: Kind::Counter })];
    let refused = node.prepare_at(&reset, &snapshot.vv, None);
    assert_eq!(refused, Err(PrepareError::StaleContext { actor: actor(1) }));
    node.commit_at(&reset, &snapshot.vv, Some(&mut snapshot.rows)).unwrap();
    assert_eq!(node.read(&k, &Query::Sum), Answer::Sum(Some(4)));
    assert_eq!(snapshot.read(&k, &Query::Sum), Answer::Sum(Some(3)));
}

#[test]
fn a_clear_lists_what_its_context_saw_and_nothing_else() {
    let (mut one, mut two, k) = (Node::new(1), Node::new(2), object("k"));
    let field = k.clone().field("f");
    let first = one.write(&field, Op::Add { amount: 3 });
    two.receive(&first);
    let ctx = two.vv.clone();
    let second = one.write(&field, zincr("m", 2.5));
    two.receive(&second);
    two.write(&k, Op::Add { amount: 9 });
    let found = two.prepare_at(&[up(&k, Op::Delete)], &ctx, None).unwrap().effects;
    let whole = ClearedInterval { counter: field.counter(), actor: actor(1), seq: Seq(1), cum: Number::Whole(3) };
    assert_eq!(cleared(&found), std::slice::from_ref(&whole));
    let found = two.prepare(&[up(&k, Op::Delete)]).unwrap().effects;
    let float = ClearedInterval {
        counter: added_rows(&field.members(), b"m"),
        actor: actor(1),
        seq: Seq(2),
        cum: Number::Float(2.5),
    };
    let own = ClearedInterval { counter: k.counter(), actor: actor(2), seq: Seq(1), cum: Number::Whole(9) };
    assert_eq!(cleared(&found), [own, whole, float]);
    // A clear of something else below the key lists nothing.
    assert_eq!(cleared(&two.prepare(&[up(&k, Op::Clear { kind: Kind::Set })]).unwrap().effects), []);
}

#[test]
fn a_clear_lists_so_many_counters_and_no_more() {
    use halcyon_types::limits::{CLEAR_LIST_MAX, UPDATES_MAX};
    let (mut node, k) = (Node::new(1), object("k"));
    let field = |n: usize| k.clone().field(n.to_string());
    let updates: Vec<_> = (0..CLEAR_LIST_MAX).map(|n| up(&field(n), Op::Add { amount: 1 })).collect();
    for some in updates.chunks(UPDATES_MAX) {
        node.commit(some);
    }
    assert_eq!(cleared(&node.prepare(&[up(&k, Op::Delete)]).unwrap().effects).len(), CLEAR_LIST_MAX);
    node.write(&k, Op::Add { amount: 1 });
    let found = node.prepare(&[up(&k, Op::Delete)]);
    let (what, count) = ("running sums (one per counter and region) below a delete", CLEAR_LIST_MAX + 1);
    assert_eq!(found, Err(PrepareError::TooLarge { what, count, max: CLEAR_LIST_MAX }));
}
