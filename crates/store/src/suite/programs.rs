//! Random transactions over a few objects of every type, so that they collide.

use bytes::Bytes;
use halcyon_crdt::{End, Kind, Object, Op, Place, Side, Update};
use halcyon_types::RegionId;
use proptest::prelude::*;
use proptest::sample::select;

use super::node::{object, update};

/// Keys, and fields of maps below them.
pub(crate) fn places() -> impl Strategy<Value = Object> {
    (0_u8..3, 0_u8..3).prop_map(|(key, fields)| {
        let object = object(&format!("key-{key}"));
        (0..fields).fold(object, |object, field| object.field(format!("field-{field}")))
    })
}

/// One transaction.
pub(crate) fn updates() -> impl Strategy<Value = Vec<Update>> {
    let change = (places(), op()).prop_map(|(object, op)| match op {
        // Only a key has a deadline.
        Op::Expire { .. } | Op::Persist => update(object.root(), op),
        op => update(object, op),
    });
    prop::collection::vec(change, 1..4)
}

pub(crate) fn element() -> impl Strategy<Value = Bytes> {
    (0_u8..4).prop_map(|n| vec![b'e', n].into())
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![(-3_i64..3).prop_map(Place::Index), element().prop_map(Place::Value)]
}

fn score() -> impl Strategy<Value = f64> {
    select(vec![-0.0, 0.0, 1.0, 1.5, -2.0, 1e300, -1e-300, f64::MAX])
}

fn op() -> impl Strategy<Value = Op> {
    let end = || select(vec![End::Front, End::Back]);
    let values = || prop::collection::vec(element(), 1..3);
    let ttl_ms = || prop::option::weighted(0.4, 0_u64..200);
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Deadline).collect();
    let simple = prop_oneof![
        3 => (any::<u8>(), ttl_ms()).prop_map(|(n, ttl_ms)| Op::Set { value: vec![n; 8].into(), ttl_ms }),
        1 => any::<u8>().prop_map(|n| Op::SetMv { value: vec![n].into() }),
        3 => (-9_i64..9).prop_map(|amount| Op::Add { amount }),
        1 => Just(Op::Enable),
        3 => element().prop_map(|element| Op::Insert { element }),
        2 => element().prop_map(|element| Op::Remove { element }),
        1 => values().prop_map(|elements| Op::Observe { elements }),
    ];
    let scores = prop_oneof![
        3 => (element(), score()).prop_map(|(member, score)| Op::Score { member, score }),
        3 => (element(), score()).prop_map(|(member, amount)| Op::AddScore { member, amount }),
        1 => element().prop_map(|member| Op::RemoveMember { member }),
    ];
    let lists = prop_oneof![
        3 => (end(), values()).prop_map(|(end, values)| Op::Push { end, values }),
        1 => (place(), select(vec![Side::Before, Side::After]), values())
            .prop_map(|(place, side, values)| Op::InsertAt { place, side, values }),
        1 => (place(), element()).prop_map(|(place, value)| Op::SetAt { place, value }),
        1 => place().prop_map(|place| Op::RemoveAt { place }),
        1 => (place(), end()).prop_map(|(place, end)| Op::MoveTo { place, end }),
    ];
    let rights = prop_oneof![
        2 => (1_u64..9).prop_map(|amount| Op::Raise { amount }),
        1 => (1_u64..4).prop_map(|amount| Op::Spend { amount }),
        1 => (1_u64..4, 1_u64..4)
            .prop_map(|(to, amount)| Op::Transfer { to: RegionId::try_from(to).unwrap(), amount }),
    ];
    let ends = prop_oneof![
        2 => (0_u64..200).prop_map(|ttl_ms| Op::Expire { ttl_ms }),
        1 => Just(Op::Persist),
        2 => select(kinds).prop_map(|kind| Op::Clear { kind }),
        1 => Just(Op::Delete),
    ];
    prop_oneof![4 => simple, 3 => scores, 3 => lists, 2 => rights, 2 => ends]
}
