//! Applying is total: whatever effects pass [`Effect::check`], however little sense they make together, leave rows that a
//! store can write, read back, show and clear.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::hyperloglog::Registers;
use halcyon_crdt::{
    ClearedInterval, Effect, Escrow, Kind, MemoryRows, Number, Object, PageRequest, Query, Row, RowKey, RowPrefix,
    Rows, Stamp, apply, keys, read,
};
use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, Seq, UnixMs, VersionVector};
use proptest::prelude::*;
use proptest::sample::select;

const ACTORS: u64 = 3;

/// Names chosen against the encoding: zero bytes, `FF`, one name beginning another.
const NAMES: [&[&[u8]]; 6] =
    [&[b"k"], &[b"k\0"], &[b"k", b"f"], &[b"k", b"f", b"g"], &[b"k", b"f\0\xFF"], &[b"\xFF", b"\x01"]];

#[cfg(test)]
fn object(name: &[&[u8]]) -> Object {
    let key = Object::new(KeyspaceId::FIRST, name[0].to_vec());
    name[1..].iter().fold(key, |object, field| object.field(field.to_vec()))
}

fn objects() -> impl Strategy<Value = Object> {
    select(&NAMES).prop_map(object)
}

fn actor() -> impl Strategy<Value = ActorId> {
    (1..=ACTORS).prop_map(|n| ActorId::from_u64(n << 48))
}

/// Numbers where arithmetic breaks first.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_u64, Just(u64::MAX), Just(u64::MAX - 1)]
}

fn sum() -> impl Strategy<Value = Number> {
    prop_oneof![
        (-3..3_i64).prop_map(Number::Whole),
        Just(Number::Whole(i64::MAX)),
        Just(Number::Whole(i64::MIN)),
        select(vec![0.5, -0.0, f64::MAX, f64::MIN, f64::NAN, f64::INFINITY]).prop_map(Number::Float),
    ]
}

fn dot() -> impl Strategy<Value = Dot> {
    (actor(), number()).prop_map(|(actor, seq)| Dot { actor, seq: Seq(seq) })
}

/// Rows and what is above them, whole, cut short or followed by a byte.
fn prefix() -> impl Strategy<Value = RowPrefix> {
    let kind = || select(&Kind::ALL);
    let whole = prop_oneof![
        3 => (objects(), kind()).prop_map(|(at, kind)| at.of_kind(kind)),
        2 => objects().prop_map(|at| at.below()),
        2 => (objects(), kind()).prop_map(|(at, kind)| at.of_kind(kind).component(b"x\0")),
        2 => (objects(), select(vec![&b"R"[..], b"C"])).prop_map(|(at, part)| {
            RowPrefix::from_bytes([at.of_kind(Kind::SortedSet).component(b"m").as_bytes(), part].concat())
        }),
        1 => Just(RowPrefix::keyspace(KeyspaceId::FIRST)),
    ];
    (whole, prop_oneof![9 => Just(None), 1 => (0..9_usize, any::<u8>()).prop_map(Some)]).prop_map(|(whole, damage)| {
        let Some((cut, more)) = damage else { return whole };
        let mut bytes = whole.as_bytes().to_vec();
        bytes.truncate(bytes.len().saturating_sub(cut));
        bytes.push(more);
        RowPrefix::from_bytes(bytes)
    })
}

fn row_key() -> impl Strategy<Value = RowKey> {
    let key = |prefix: &RowPrefix| RowKey::from_bytes(Bytes::copy_from_slice(prefix.as_bytes()));
    prop_oneof![4 => prefix().prop_map(move |at| key(&at)), 1 => (prefix(), actor()).prop_map(|(at, actor)| at.actor(actor))]
}

fn payload() -> impl Strategy<Value = Bytes> {
    let bytes = select(vec![
        Vec::new(),
        vec![1],
        1.5_f64.to_be_bytes().to_vec(),
        f64::NAN.to_be_bytes().to_vec(),
        vec![0xFF; 8],
    ]);
    bytes.prop_map(Bytes::from)
}

fn escrow() -> impl Strategy<Value = Escrow> {
    let granted = prop::collection::btree_map(actor(), number(), 0..3);
    (granted, number()).prop_map(|(granted, used)| Escrow { granted, used })
}

fn registers() -> impl Strategy<Value = Registers> {
    prop::collection::vec((any::<u16>(), any::<u8>()), 0..4).prop_map(|raised| {
        let mut registers = Registers::default();
        for (index, rank) in raised {
            registers.raise(index, rank);
        }
        registers
    })
}

fn effect() -> impl Strategy<Value = Effect> {
    let cleared = (prefix(), actor(), number(), sum()).prop_map(|(counter, actor, seq, cum)| ClearedInterval {
        counter,
        actor,
        seq: Seq(seq),
        cum,
    });
    let generation = || prop::option::of(dot());
    prop_oneof![
        3 => (row_key(), prop::option::of(number().prop_map(UnixMs)), payload())
            .prop_map(|(row, expiry, payload)| Effect::Assign { row, expiry, payload }),
        3 => (prefix(), prop::collection::vec(cleared, 0..3))
            .prop_map(|(prefix, intervals)| Effect::Clear { prefix, intervals }),
        2 => (prefix(), number(), sum(), sum()).prop_map(|(counter, prev_seq, before, after)| {
            Effect::Inc { counter, prev_seq: Seq(prev_seq), before, after }
        }),
        1 => (objects(), generation(), registers()).prop_map(|(at, generation, registers)| {
            Effect::Observe { generations: at.of_kind(Kind::HyperLogLog), generation, registers }
        }),
        2 => (objects(), generation(), escrow()).prop_map(|(at, generation, escrow)| {
            Effect::Hold { generations: at.of_kind(Kind::BoundedCounter), generation, escrow }
        }),
    ]
}

fn record() -> impl Strategy<Value = (Dot, Hlc, VersionVector, Vec<Effect>)> {
    let ctx = prop::collection::vec((actor(), number().prop_map(Seq)), 0..4)
        .prop_map(|entries| entries.into_iter().collect::<std::collections::BTreeMap<_, _>>().into_iter().collect());
    (dot(), number().prop_map(Hlc::from_u64), ctx, prop::collection::vec(effect(), 1..4))
}

fn queries() -> Vec<Query> {
    let page = || PageRequest { after: None, items_max: 2 };
    let member = || Bytes::from_static(b"x\0");
    vec![
        Query::Get,
        Query::Values,
        Query::Sum,
        Query::IsEnabled,
        Query::Contains { element: member() },
        Query::Elements(page()),
        Query::Fields(page()),
        Query::Score { member: member() },
        Query::Rank { member: member(), reverse: true },
        Query::ByRank { first: -3, last: 2, reverse: false, page: page() },
        Query::ByScore { min: f64::NEG_INFINITY, max: f64::INFINITY, reverse: true, page: page() },
        Query::Range { first: 0, last: i64::MIN, page: page() },
        Query::Estimate,
        Query::Value,
        Query::Rights,
        Query::Deadline,
        Query::Kinds,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn apply_is_total_on_effects_that_pass_their_check(records in prop::collection::vec(record(), 1..8)) {
        let mut rows = MemoryRows::default();
        for (dot, hlc, ctx, effects) in &records {
            let effects: Vec<_> = effects.iter().filter(|effect| effect.check().is_ok()).cloned().collect();
            let Ok(()) = apply(&mut rows, Stamp { dot: *dot, hlc: *hlc, ctx }, &effects);
        }
        for (key, row) in rows.iter() {
            let shape = RowKey::shape_of(key.as_bytes());
            prop_assert!(shape.is_ok(), "{:?} is no row key", key);
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            prop_assert_eq!(Row::decode(shape.unwrap(), &bytes), Ok(row.clone()), "at {:?}", key);
        }
        for name in NAMES {
            for query in queries() {
                let _ = read(&mut rows, &object(name), &query, UnixMs(1));
            }
        }
        let first = PageRequest { after: None, items_max: 9 };
        let _ = keys(&mut rows, KeyspaceId::FIRST, b"", &first, UnixMs(1));
        // Whoever has seen everything clears everything but counters, which are cleared by name.
        let ctx: VersionVector = (1..=ACTORS).map(|n| (ActorId::from_u64(n << 48), Seq(u64::MAX))).collect();
        let clears: Vec<_> =
            NAMES.iter().map(|name| Effect::Clear { prefix: object(name).below(), intervals: Vec::new() }).collect();
        let dot = Dot { actor: ActorId::from_u64(1 << 48), seq: Seq(9) };
        let Ok(()) = apply(&mut rows, Stamp { dot, hlc: Hlc::ZERO, ctx: &ctx }, &clears);
        let left = rows.iter().filter(|(_, row)| !matches!(row, Row::Interval(_))).count();
        prop_assert_eq!(left, 0);
    }
}

#[test]
fn a_clear_of_more_rows_than_one_step_looks_at_reaches_all_of_them() {
    let (mut rows, top) = (MemoryRows::default(), object(NAMES[0]));
    let actor = ActorId::from_u64(1 << 48);
    let stamp = |seq, ctx| Stamp { dot: Dot { actor, seq: Seq(seq) }, hlc: Hlc::from_u64(seq), ctx };
    let nothing = VersionVector::new();
    for n in 0..3_000_u64 {
        let effect = Effect::Assign { row: top.element(&n.to_be_bytes()), expiry: None, payload: Bytes::new() };
        let Ok(()) = apply(&mut rows, stamp(n + 1, &nothing), &[effect]);
    }
    // It saw all but the last ten additions.
    let ctx = [(actor, Seq(2_990))].into_iter().collect();
    let clear = Effect::Clear { prefix: top.below(), intervals: Vec::new() };
    let Ok(()) = apply(&mut rows, stamp(3_001, &ctx), &[clear]);
    let mut left = 0;
    let Ok(()) = rows.scan(&top.below(), &[], |_, _| {
        left += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(left, 10);
}
