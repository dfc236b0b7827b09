//! Which effects are taken from elsewhere; `crates/wire/tests` shows the same of whole records.

use halcyon_types::Hlc;

use super::*;
use crate::fixture::{actor, b, object};
use crate::rows::MemoryRows;
use crate::sorted_set::{added_rows, given_row};
use crate::{Row, Shape, Stamp, apply};

fn assign(row: RowKey, expiry: Option<u64>, payload: &[u8]) -> Effect {
    Effect::Assign { row, expiry: expiry.map(UnixMs), payload: Bytes::copy_from_slice(payload) }
}

#[test]
fn each_kind_of_row_takes_its_own_payloads_only() {
    let k = object("k");
    let (element, given) = (k.element(b"x"), given_row(&k.members(), b"m"));
    let score = |n: f64| n.to_be_bytes().to_vec();
    let long = vec![0; VALUE_BYTES_MAX + 1];
    let refused = |kind, reason| Err(EffectError::Payload { kind, reason });
    let (there, own) = ("what is merely there has no value", "only a register's value has an expiry of its own");
    let (eight, finite) = ("a deadline is eight bytes, or none for never", "a score is a finite 64-bit float");
    for (effect, expected) in [
        (assign(k.register(), None, b"v"), Ok(())),
        (assign(k.register(), Some(9), b""), Ok(())),
        (assign(k.register(), None, &long[1..]), Ok(())),
        (assign(k.register(), None, &long), Err(EffectError::ValueTooLong(long.len()))),
        (assign(k.single(Kind::MvRegister), None, b"v"), Ok(())),
        (assign(k.single(Kind::MvRegister), Some(9), b"v"), refused(Kind::MvRegister, own)),
        (assign(k.single(Kind::Flag), None, b""), Ok(())),
        (assign(k.single(Kind::Flag), None, b"v"), refused(Kind::Flag, there)),
        (assign(element.clone(), None, b""), Ok(())),
        (assign(element.clone(), None, b"v"), refused(Kind::Set, there)),
        (assign(element, Some(9), b""), refused(Kind::Set, own)),
        (assign(k.single(Kind::Deadline), None, b""), Ok(())),
        (assign(k.single(Kind::Deadline), None, &[0; 8]), Ok(())),
        (assign(k.single(Kind::Deadline), None, &[0; 7]), refused(Kind::Deadline, eight)),
        (assign(given.clone(), None, &score(-0.0)), Ok(())),
        (assign(given.clone(), None, &score(f64::NAN)), refused(Kind::SortedSet, finite)),
        (assign(given.clone(), None, &score(f64::INFINITY)), refused(Kind::SortedSet, finite)),
        (assign(given, None, &[0; 9]), refused(Kind::SortedSet, finite)),
        (assign(k.counter().actor(actor(1)), None, b""), Err(EffectError::AssignTo(Kind::Counter))),
        (
            assign(added_rows(&k.members(), b"m").actor(actor(1)), None, &score(1.0)),
            Err(EffectError::AssignTo(Kind::SortedSet)),
        ),
    ] {
        assert_eq!(effect.check(), expected, "{effect:?}");
    }
}

#[test]
fn sums_are_of_the_kind_that_their_counter_counts_in() {
    let k = object("k");
    let (whole, float, score) = (Number::Whole(1), Number::Float(1.0), added_rows(&k.members(), b"m"));
    let infinite = Number::Float(f64::INFINITY);
    for (counter, before, after, expected) in [
        (k.counter(), whole, whole, Ok(())),
        (k.counter(), whole, float, Err(EffectError::WrongNumber)),
        (k.counter(), float, whole, Err(EffectError::WrongNumber)),
        (score.clone(), float, float, Ok(())),
        (score.clone(), float, whole, Err(EffectError::WrongNumber)),
        (score.clone(), float, infinite, Err(EffectError::WrongNumber)),
    ] {
        let effect = Effect::Inc { counter: counter.clone(), prev_seq: Seq(1), before, after };
        assert_eq!(effect.check(), expected, "{effect:?}");
        let seen = ClearedInterval { counter, actor: actor(1), seq: Seq(1), cum: after };
        let effect = Effect::Clear { prefix: k.below(), intervals: vec![seen] };
        assert_eq!(
            effect.check().is_ok(),
            after.is(matches!(&effect, Effect::Clear { intervals, .. }
            if intervals[0].counter == score)),
            "{effect:?}"
        );
    }
}

#[test]
fn a_clear_lists_what_is_below_it() {
    let (k, other) = (object("k"), object("k\0"));
    let seen = |counter| ClearedInterval { counter, actor: actor(1), seq: Seq(1), cum: Number::Whole(1) };
    let clear = |prefix, counter| Effect::Clear { prefix, intervals: vec![seen(counter)] }.check();
    assert_eq!(clear(k.below(), k.counter()), Ok(()));
    assert_eq!(clear(k.counter(), k.counter()), Ok(()));
    assert_eq!(clear(k.below(), other.counter()), Err(EffectError::ClearElsewhere));
    assert_eq!(clear(k.of_kind(Kind::Set), k.counter()), Err(EffectError::ClearElsewhere));
    let many = Effect::Clear { prefix: k.below(), intervals: vec![seen(k.counter()); CLEAR_LIST_MAX + 1] };
    assert_eq!(many.check(), Err(EffectError::ClearTooLong(CLEAR_LIST_MAX + 1)));
    assert!(matches!(clear(RowPrefix(k.counter().actor(actor(1)).0), k.counter()), Err(EffectError::Key(_))));
}

/// What dies with its generation, if that is not there.
#[test]
fn an_update_of_a_generation_that_is_gone_changes_nothing() {
    let k = object("k");
    let (gone, ctx) = (Dot { actor: actor(2), seq: Seq(4) }, [(actor(2), Seq(9))].into_iter().collect());
    let stamp = Stamp { dot: Dot { actor: actor(1), seq: Seq(1) }, hlc: Hlc::from_u64(7), ctx: &ctx };
    let effects = |generation| {
        let observe = Effect::Observe {
            generations: k.of_kind(Kind::HyperLogLog),
            generation,
            registers: [crate::hyperloglog::observe(&b("x"))].into_iter().collect(),
        };
        let escrow = Escrow::default().grant(actor(1), 3).unwrap();
        let hold = Effect::Hold { generations: k.of_kind(Kind::BoundedCounter), generation, escrow };
        assert!(observe.check().is_ok() && hold.check().is_ok());
        [observe, hold]
    };
    let mut rows = MemoryRows::default();
    apply(&mut rows, stamp, &effects(Some(gone))).unwrap();
    assert_eq!(rows, MemoryRows::default());
    apply(&mut rows, stamp, &effects(None)).unwrap();
    let shapes: Vec<Shape> = rows.iter().map(|(key, _)| RowKey::shape_of(key.as_bytes()).unwrap()).collect();
    assert_eq!(shapes, [Shape::Escrow, Shape::Registers]);
    apply(&mut rows, stamp, &effects(Some(stamp.dot))).unwrap();
    assert!(rows.iter().all(|(_, row)| matches!(row, Row::Registers(_) | Row::Escrow(_))) && rows.iter().count() == 2);
}
