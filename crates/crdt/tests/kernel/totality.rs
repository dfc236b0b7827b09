//! Applying is total: whatever effects pass [`Effect::check`], however little sense they make together, leave rows that a
//! store can write, read back, show and clear.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::{
    ClearedInterval, Effect, Kind, MemoryRows, Query, Row, RowKey, RowPrefix, Rows, Stamp, apply, read,
};
use halcyon_types::{Dot, Hlc, KeyspaceId, Seq, UnixMs, VersionVector};
use proptest::prelude::*;
use proptest::sample::select;

use crate::run::check;
use crate::universe::{ACTORS, At, ELEMENTS, actor};

/// Numbers where arithmetic breaks first.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_u64, Just(u64::MAX), Just(u64::MAX - 1)]
}

fn sum() -> impl Strategy<Value = i64> {
    prop_oneof![-3..3_i64, Just(i64::MAX), Just(i64::MIN)]
}

fn at() -> impl Strategy<Value = At> {
    select(At::all().collect::<Vec<_>>())
}

fn row_key() -> impl Strategy<Value = RowKey> {
    prop_oneof![
        at().prop_map(|at| at.object().register()),
        (at(), select(&ELEMENTS)).prop_map(|(at, element)| at.object().element(element)),
        (at(), 0..ACTORS).prop_map(|(at, i)| at.object().counter().actor(actor(i))),
        damaged().prop_map(RowKey::from_bytes),
    ]
}

fn prefix() -> impl Strategy<Value = RowPrefix> {
    prop_oneof![
        at().prop_map(|at| at.object().below()),
        (at(), select(&Kind::ALL)).prop_map(|(at, kind)| at.object().of_kind(kind)),
        (at(), select(&ELEMENTS)).prop_map(|(at, element)| at.object().of_kind(Kind::Set).component(element)),
        Just(RowPrefix::keyspace(KeyspaceId::try_from(10).unwrap())),
    ]
}

/// A whole key, cut short or followed by a byte.
fn damaged() -> impl Strategy<Value = Bytes> {
    (at(), 0..12_usize, any::<u8>()).prop_map(|(at, cut, more)| {
        let mut key = at.object().element(b"\0x").as_bytes().to_vec();
        key.truncate(key.len().saturating_sub(cut));
        key.push(more);
        key.into()
    })
}

fn counter() -> impl Strategy<Value = RowPrefix> {
    prop_oneof![9 => at().prop_map(|at| at.object().counter()), 1 => prefix()]
}

fn effect() -> impl Strategy<Value = Effect> {
    let cleared = (counter(), 0..ACTORS, number(), sum()).prop_map(|(counter, i, seq, cum)| ClearedInterval {
        counter,
        actor: actor(i),
        seq: Seq(seq),
        cum,
    });
    prop_oneof![
        (row_key(), any::<Option<u64>>(), any::<u8>()).prop_map(|(row, expiry, byte)| Effect::Assign {
            row,
            expiry: expiry.map(UnixMs),
            payload: vec![byte].into(),
        }),
        (prefix(), prop::collection::vec(cleared, 0..3))
            .prop_map(|(prefix, intervals)| Effect::Clear { prefix, intervals }),
        (counter(), number(), sum(), sum()).prop_map(|(counter, prev_seq, before, after)| Effect::Inc {
            counter,
            prev_seq: Seq(prev_seq),
            before,
            after,
        }),
    ]
}

fn record() -> impl Strategy<Value = (Dot, Hlc, VersionVector, Vec<Effect>)> {
    let ctx = prop::collection::vec(number(), ACTORS);
    (0..ACTORS, number(), number(), ctx, prop::collection::vec(effect(), 1..4)).prop_map(
        |(i, seq, hlc, ctx, effects)| {
            let dot = Dot { actor: actor(i), seq: Seq(seq) };
            let ctx = ctx.into_iter().enumerate().map(|(i, seq)| (actor(i), Seq(seq))).collect();
            (dot, Hlc::from_u64(hlc), ctx, effects)
        },
    )
}

#[test]
fn apply_is_total_on_effects_that_pass_their_check() {
    check(&prop::collection::vec(record(), 1..8), |records| {
        let mut rows = MemoryRows::default();
        for (dot, hlc, ctx, effects) in &records {
            let effects: Vec<_> = effects.iter().filter(|effect| effect.check().is_ok()).cloned().collect();
            let stamp = Stamp { dot: *dot, hlc: *hlc, ctx };
            let Ok(()) = apply(&mut rows, stamp, &effects);
        }
        for (key, row) in rows.iter() {
            let kind = key.kind();
            prop_assert!(kind.is_ok(), "{:?} is no row key", key);
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            prop_assert_eq!(Row::decode(kind.unwrap(), &bytes), Ok(row.clone()));
        }
        for at in At::all() {
            for query in [Query::Get, Query::Sum, Query::Fields(halcyon_crdt::query::PageRequest::default())] {
                let _ = read(&mut rows, at.object(), &query, UnixMs(0));
            }
        }
        Ok(())
    });
}

#[test]
fn a_clear_of_more_rows_than_one_step_looks_at_reaches_all_of_them() {
    let (mut rows, top) = (MemoryRows::default(), At(0).object());
    let dot = |seq| Dot { actor: actor(0), seq: Seq(seq) };
    let stamp = |seq, ctx| Stamp { dot: dot(seq), hlc: Hlc::from_u64(seq), ctx };
    let nothing = VersionVector::new();
    for n in 0..3_000_u64 {
        let effect = Effect::Assign { row: top.element(&n.to_be_bytes()), expiry: None, payload: Bytes::new() };
        let Ok(()) = apply(&mut rows, stamp(n + 1, &nothing), &[effect]);
    }
    // It saw all but the last ten additions.
    let ctx = [(actor(0), Seq(2_990))].into_iter().collect();
    let clear = Effect::Clear { prefix: top.below(), intervals: Vec::new() };
    let Ok(()) = apply(&mut rows, stamp(3_001, &ctx), &[clear]);
    let mut left = 0;
    let Ok(()) = rows.scan(&top.below(), &[], |_, _| {
        left += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(left, 10);
}
