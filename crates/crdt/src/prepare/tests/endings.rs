//! Keys that have ended, and sweeping them.

use super::*;
use crate::effect::ClearedInterval;
use crate::fixture::actor;

fn clears(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Clear { .. })).count()
}

/// A node with a key that has ended, and that held a counter, a set and bounded rights of others.
fn ended() -> (Node, Object) {
    let (mut node, k) = (Node::new(1), object("k"));
    node.commit(&[
        up(&k, Op::Add { amount: 3 }),
        up(&k, Op::Insert { element: b("x") }),
        up(&k, Op::Raise { amount: 9 }),
        up(&k, Op::Transfer { to: crate::fixture::region(2), amount: 4 }),
        up(&k, Op::Expire { ttl_ms: 500 }),
    ]);
    assert_eq!(node.read(&k, &Query::Sum), Answer::Sum(Some(3)));
    node.now = UnixMs(1_500);
    assert_eq!(node.read(&k, &Query::Sum), Answer::Sum(None));
    (node, k)
}

#[test]
fn a_write_to_a_key_that_has_ended_begins_with_one_clear() {
    let (mut node, k) = ended();
    let field = k.clone().field("f");
    let mut updates = vec![
        up(&k, Op::Add { amount: 1 }),
        up(&field, Op::Insert { element: b("y") }),
        up(&k, Op::Add { amount: 1 }),
        up(&k, push(End::Back, &["v"])),
        up(&k, Op::Raise { amount: 5 }),
        up(&object("other"), Op::Enable),
    ];
    for _ in 0..2 {
        let effects = effects(&mut node, &updates);
        assert_eq!(clears(&effects), 1, "{effects:?}");
        let cum = ClearedInterval { counter: k.counter(), actor: actor(1), seq: Seq(1), cum: Number::Whole(3) };
        assert_eq!(effects[0], Effect::Clear { prefix: k.below(), intervals: vec![cum] });
        // Whatever is written first.
        updates.rotate_left(1);
    }
    node.commit(&updates);
    assert_eq!(node.read(&k, &Query::Deadline), Answer::Deadline(None), "it has begun anew");
    assert_eq!(node.read(&k, &Query::Sum), Answer::Sum(Some(2)));
    assert_eq!(node.read(&k, &Query::Value), Answer::Sum(Some(5)));
    let kinds = vec![Kind::BoundedCounter, Kind::Counter, Kind::List, Kind::Map];
    assert_eq!(node.read(&k, &Query::Kinds), Answer::Kinds(kinds), "the set is gone");
    assert_eq!(node.list(&k), ["v"]);
    assert_eq!(clears(&effects(&mut node, &updates)), 0, "and only once");
}

#[test]
fn a_key_ends_at_its_deadline_and_not_before() {
    let (mut node, k) = ended();
    let add = [up(&k, Op::Add { amount: 1 })];
    node.now = UnixMs(1_499);
    assert_eq!(clears(&effects(&mut node, &add)), 0);
    node.now = UnixMs(1_500);
    assert_eq!(clears(&effects(&mut node, &add)), 1);
}

#[test]
fn deleting_a_key_that_has_ended_clears_it_once() {
    // Rights of others ended with it.
    let (mut node, k) = ended();
    let delete = || up(&k, Op::Delete);
    for updates in [vec![delete()], vec![delete(), up(&k, Op::Enable)], vec![up(&k, Op::Enable), delete()]] {
        assert_eq!(clears(&effects(&mut node, &updates)), 1);
    }
}

#[test]
fn an_expiry_or_none_lets_an_ended_key_begin_anew() {
    for op in [Op::Persist, Op::Expire { ttl_ms: 100 }] {
        let (mut node, k) = ended();
        node.write(&k, op);
        assert_eq!(node.read(&k, &Query::Kinds), Answer::Kinds(vec![]), "what it held is gone");
    }
}

#[test]
fn a_sweep_clears_whole_keys_as_far_as_its_context_goes() {
    let (mut node, k) = ended();
    let ctx = node.vv.clone();
    let field = k.clone().field("f");
    let found = sweep(&[field.clone(), object("nothing")], &ctx, &mut node.rows).unwrap();
    let cum = ClearedInterval { counter: k.counter(), actor: actor(1), seq: Seq(1), cum: Number::Whole(3) };
    assert_eq!(
        found,
        [
            Effect::Clear { prefix: k.below(), intervals: vec![cum] },
            Effect::Clear { prefix: object("nothing").below(), intervals: vec![] },
        ]
    );
    node.now = UnixMs(1_000);
    node.write(&k, Op::Add { amount: 1 });
    assert_eq!(sweep(&[k], &ctx, &mut node.rows), Err(PrepareError::StaleContext { actor: actor(1) }));
}
