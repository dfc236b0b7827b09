//! A watch tells whether what a read looked at has changed: if so, always; if not, never.

use super::*;
use crate::fixture::{Node, all, b, object, push, up};
use crate::object::Object;
use crate::op::{End, Op, Place};
use crate::query::Query;
use crate::read::look;
use crate::rows::RowsMut as _;

/// A node with something of everything at `k`, and the same at another key beside it.
fn node() -> (Node, Object) {
    let (mut node, k) = (Node::new(1), object("k"));
    let ops = [
        Op::Set { value: b("v"), ttl_ms: None },
        Op::SetMv { value: b("v") },
        Op::Add { amount: 3 },
        Op::Enable,
        Op::Insert { element: b("m") },
        Op::Score { member: b("m"), score: 5.0 },
        Op::Score { member: b("n"), score: 6.0 },
        Op::Score { member: b("o"), score: 9.0 },
        push(End::Back, &["v", "w", "x"]),
        Op::Observe { elements: vec![b("v")] },
        Op::Raise { amount: 5 },
    ];
    for key in [&k, &object("other")] {
        let mut updates: Vec<_> = ops.iter().map(|op| up(key, op.clone())).collect();
        updates.push(up(&key.clone().field("f"), Op::Add { amount: 1 }));
        node.commit(&updates);
    }
    (node, k)
}

/// Whether a watch over what `query` reads at `k` sees that `change` has happened.
fn tells(query: &Query, change: Op, at: &Object) -> bool {
    let (mut before, k) = node();
    let mut after = before.clone();
    after.write(at, change);
    let (mut then, mut now) = (Watch::over(&mut before.rows, before.now), Watch::over(&mut after.rows, before.now));
    look(&mut then, &k, query, before.now).unwrap();
    look(&mut now, &k, query, before.now).unwrap();
    !then.agrees(&now)
}

#[test]
fn a_watch_tells_changes_and_only_changes() {
    let (score, rank) = (Query::Score { member: b("m") }, |member| Query::Rank { member: b(member), reverse: false });
    let range = |first, last| Query::Range { first, last, page: all() };
    let by_score = |min, max| Query::ByScore { min, max, reverse: false, page: all() };
    let contains = |element| Query::Contains { element: b(element) };
    let add = |element| Op::Insert { element: b(element) };
    let zadd = |member, score| Op::Score { member: b(member), score };
    let set = |index| Op::SetAt { place: Place::Index(index), value: b("y") };
    for (query, change, expected) in [
        (Query::Get, Op::Set { value: b("w"), ttl_ms: None }, true),
        (Query::Get, Op::SetMv { value: b("w") }, false),
        (Query::Values, Op::SetMv { value: b("w") }, true),
        (Query::Sum, Op::Add { amount: 1 }, true),
        (Query::Sum, add("x"), false),
        (Query::IsEnabled, Op::Clear { kind: crate::Kind::Flag }, true),
        (contains("m"), Op::Remove { element: b("m") }, true),
        (contains("m"), add("a"), false),
        (contains("x"), add("x"), true),
        (contains("x"), add("a"), false),
        (Query::Elements(all()), add("a"), true),
        (Query::Fields(all()), Op::Insert { element: b("f") }, false),
        (score.clone(), zadd("m", 7.0), true),
        (score.clone(), Op::AddScore { member: b("m"), amount: 1.0 }, true),
        (score, zadd("n", 7.0), false),
        (rank("n"), zadd("a", 1.0), true),
        (rank("m"), zadd("n", 7.0), false),
        (by_score(0.0, 5.5), zadd("o", 8.0), false),
        (by_score(0.0, 5.5), zadd("n", 2.0), true),
        (range(0, 0), set(0), true),
        (range(0, 0), push(End::Front, &["a"]), true),
        (range(0, 0), set(2), false),
        (range(0, -1), push(End::Back, &["z"]), true),
        (Query::Estimate, Op::Observe { elements: vec![b("w")] }, true),
        (Query::Estimate, Op::Observe { elements: vec![b("v")] }, false),
        (Query::Value, Op::Spend { amount: 1 }, true),
        (Query::Deadline, Op::Expire { ttl_ms: 500 }, true),
        (Query::Get, Op::Expire { ttl_ms: 500 }, true),
        (Query::Get, Op::Delete, true),
    ] {
        assert_eq!(tells(&query, change.clone(), &object("k")), expected, "{query:?} while {change:?}");
        assert!(!tells(&query, change, &object("other")), "what happens elsewhere is no change: {query:?}");
    }
}

#[test]
fn a_change_back_to_the_same_value_is_a_change() {
    assert!(tells(&Query::Get, Op::Set { value: b("v"), ttl_ms: None }, &object("k")));
}

#[test]
fn what_had_expired_and_is_dropped_has_not_changed() {
    let (mut before, k) = node();
    before.write(&k.clone().field("brief"), Op::Set { value: b("v"), ttl_ms: Some(5) });
    before.write(&k, Op::Set { value: b("v"), ttl_ms: Some(5) });
    let mut after = before.clone();
    let (alive, later) = (before.now, before.now.plus(std::time::Duration::from_millis(5)));
    for row in [k.register(), k.clone().field("brief").register()] {
        after.rows.change(&row, |row| assert!(row.take().is_some(), "it was there")).unwrap();
    }
    for query in [Query::Get, Query::Kinds, Query::Fields(all())] {
        let mut agree = |now| {
            let (mut then, mut dropped) = (Watch::over(&mut before.rows, now), Watch::over(&mut after.rows, now));
            look(&mut then, &k, &query, now).unwrap();
            look(&mut dropped, &k, &query, now).unwrap();
            then.agrees(&dropped)
        };
        assert!(agree(later), "{query:?}");
        assert!(!agree(alive), "{query:?} of what has not expired");
    }
}
