//! Ops and queries.

use halcyon_crdt::{End, Kind, Op, PageRequest, Place, Query, Side};

use super::{bytes, page, position, region};

/// One of every op there is, and of every place in a list.
pub(crate) fn ops() -> Vec<(&'static str, Op)> {
    let value = || bytes("v");
    let values = || vec![bytes("v"), bytes("w")];
    let at = || Place::Position(position().as_bytes().clone());
    let mut ops = vec![
        Op::Set { value: value(), ttl_ms: None },
        Op::SetMv { value: value() },
        Op::Add { amount: -3 },
        Op::Enable,
        Op::Insert { element: bytes("x") },
        Op::Remove { element: bytes("x") },
        Op::Score { member: bytes("x"), score: -0.5 },
        Op::AddScore { member: bytes("x"), amount: 1e300 },
        Op::RemoveMember { member: bytes("x") },
        Op::Push { end: End::Back, values: values() },
        Op::InsertAt { place: Place::Index(-1), side: Side::Before, values: values() },
        Op::SetAt { place: Place::Value(value()), value: bytes("w") },
        Op::RemoveAt { place: at() },
        Op::MoveTo { place: Place::Index(7), end: End::Front },
        Op::Observe { elements: values() },
        Op::Raise { amount: 3 },
        Op::Spend { amount: u64::MAX },
        Op::Transfer { to: region(2), amount: 3 },
        Op::Expire { ttl_ms: 500 },
        Op::Persist,
        Op::Clear { kind: Kind::SortedSet },
        Op::Delete,
    ];
    ops.sort_by_key(name);
    let mut named: Vec<_> = ops.into_iter().map(|op| (name(&op), op)).collect();
    named.dedup_by_key(|(name, _)| *name);
    assert_eq!(named.len(), 22, "one of every op");
    let ending = Op::Set { value: value(), ttl_ms: Some(500) };
    let behind = Op::InsertAt { place: Place::Index(0), side: Side::After, values: values() };
    named.extend([("op.set-ttl", ending), ("op.insert-after", behind)]);
    named
}

fn name(op: &Op) -> &'static str {
    match op {
        Op::Set { .. } => "op.set",
        Op::SetMv { .. } => "op.set-mv",
        Op::Add { .. } => "op.add",
        Op::Enable => "op.enable",
        Op::Insert { .. } => "op.insert",
        Op::Remove { .. } => "op.remove",
        Op::Score { .. } => "op.score",
        Op::AddScore { .. } => "op.add-score",
        Op::RemoveMember { .. } => "op.remove-member",
        Op::Push { .. } => "op.push",
        Op::InsertAt { .. } => "op.insert-at",
        Op::SetAt { .. } => "op.set-at",
        Op::RemoveAt { .. } => "op.remove-at",
        Op::MoveTo { .. } => "op.move-to",
        Op::Observe { .. } => "op.observe",
        Op::Raise { .. } => "op.raise",
        Op::Spend { .. } => "op.spend",
        Op::Transfer { .. } => "op.transfer",
        Op::Expire { .. } => "op.expire",
        Op::Persist => "op.persist",
        Op::Clear { .. } => "op.clear",
        Op::Delete => "op.delete",
    }
}

/// One of every query there is.
pub(crate) fn queries() -> Vec<(&'static str, Query)> {
    let first = PageRequest { after: None, items_max: 0 };
    let queries = vec![
        Query::Get,
        Query::Values,
        Query::Sum,
        Query::IsEnabled,
        Query::Contains { element: bytes("x") },
        Query::Elements(page()),
        Query::Fields(first.clone()),
        Query::Score { member: bytes("x") },
        Query::Rank { member: bytes("x"), reverse: true },
        Query::ByRank { first: 0, last: -1, reverse: false, page: page() },
        Query::ByScore { min: f64::NEG_INFINITY, max: 2.5, reverse: true, page: page() },
        Query::Range { first: -3, last: 9, page: first },
        Query::Estimate,
        Query::Value,
        Query::Rights,
        Query::Deadline,
        Query::Kinds,
    ];
    let mut named: Vec<_> = queries.into_iter().map(|query| (name_of(&query), query)).collect();
    named.sort_by_key(|(name, _)| *name);
    named.dedup_by_key(|(name, _)| *name);
    assert_eq!(named.len(), 17, "one of every query");
    named
}

fn name_of(query: &Query) -> &'static str {
    match query {
        Query::Get => "query.get",
        Query::Values => "query.values",
        Query::Sum => "query.sum",
        Query::IsEnabled => "query.is-enabled",
        Query::Contains { .. } => "query.contains",
        Query::Elements(_) => "query.elements",
        Query::Fields(_) => "query.fields",
        Query::Score { .. } => "query.score",
        Query::Rank { .. } => "query.rank",
        Query::ByRank { .. } => "query.by-rank",
        Query::ByScore { .. } => "query.by-score",
        Query::Range { .. } => "query.range",
        Query::Estimate => "query.estimate",
        Query::Value => "query.value",
        Query::Rights => "query.rights",
        Query::Deadline => "query.deadline",
        Query::Kinds => "query.kinds",
    }
}
