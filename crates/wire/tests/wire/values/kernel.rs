//! Effects, rows, and a record of all effects.

use bytes::Bytes;
use halcyon_crdt::hyperloglog::{Registers, observe};
use halcyon_crdt::{ClearedInterval, Effect, Entry, Escrow, Interval, Kind, Number, Row, RowKey, RowPrefix, Shape};
use halcyon_types::{Hlc, Seq};
use halcyon_wire::Record;

use super::{T, actor, bytes, cart, dot, hlc, position, request, vv};

fn row(kind: Kind, below: &[u8]) -> RowKey {
    RowKey::from_bytes([cart().of_kind(kind).as_bytes(), below].concat().into())
}

fn member(below: &[u8]) -> RowPrefix {
    let member = cart().of_kind(Kind::SortedSet).component(b"x");
    RowPrefix::from_bytes([member.as_bytes(), below].concat())
}

fn registers() -> Registers {
    [b"x", b"y"].into_iter().map(|element| observe(element)).collect()
}

fn escrow() -> Escrow {
    Escrow::default().grant(actor(1), 300).unwrap().grant(actor(2), 7).unwrap().spend(5).unwrap()
}

/// Every effect, at every kind of row: each passes [`Effect::check`].
pub(crate) fn effects() -> Vec<(&'static str, Effect)> {
    let assign = |row, payload| Effect::Assign { row, expiry: None, payload };
    let clear = |prefix| Effect::Clear { prefix, intervals: Vec::new() };
    let cleared = |counter, cum| ClearedInterval { counter, actor: actor(1), seq: Seq(4), cum };
    let whole = cleared(cart().counter(), Number::Whole(-9));
    let float = cleared(member(b"C"), Number::Float(0.1));
    let inc = |counter, before, after| Effect::Inc { counter, prev_seq: Seq(4), before, after };
    let score = Bytes::copy_from_slice(&(-0.5_f64).to_be_bytes());
    let deadline = Bytes::copy_from_slice(&T.0.to_be_bytes());
    let observe = |generation| {
        let generations = cart().of_kind(Kind::HyperLogLog);
        Effect::Observe { generations, generation, registers: registers() }
    };
    let hold = |generation| {
        let generations = cart().of_kind(Kind::BoundedCounter);
        Effect::Hold { generations, generation, escrow: escrow() }
    };
    vec![
        ("effect.clear-key", clear(cart().root().below())),
        ("effect.clear-all", Effect::Clear { prefix: cart().below(), intervals: vec![whole, float] }),
        ("effect.clear-element", clear(RowPrefix::from_bytes(cart().element(b"x").as_bytes().clone()))),
        ("effect.clear-member", clear(member(b""))),
        ("effect.set", assign(cart().register(), bytes("v"))),
        ("effect.set-ttl", Effect::Assign { row: cart().register(), expiry: Some(T), payload: bytes("v") }),
        ("effect.set-mv", assign(row(Kind::MvRegister, b""), bytes("v"))),
        ("effect.enable", assign(row(Kind::Flag, b""), Bytes::new())),
        ("effect.insert", assign(cart().element(b"x"), Bytes::new())),
        ("effect.push", assign(row(Kind::List, position().as_bytes()), bytes("v"))),
        ("effect.score", assign(RowKey::from_bytes(member(b"R").as_bytes().to_vec().into()), score)),
        ("effect.expire", assign(row(Kind::Deadline, b""), deadline)),
        ("effect.persist", assign(row(Kind::Deadline, b""), Bytes::new())),
        ("effect.add", inc(cart().counter(), Number::Whole(-1), Number::Whole(7))),
        ("effect.add-score", inc(member(b"C"), Number::Float(0.0), Number::Float(2.5))),
        ("effect.observe-new", observe(None)),
        ("effect.observe", observe(Some(dot(2, 9)))),
        ("effect.hold-new", hold(None)),
        ("effect.hold", hold(Some(dot(2, 9)))),
    ]
}

/// A record with all of that.
pub(crate) fn record() -> Record {
    Record {
        dot: dot(1, 5),
        hlc: hlc(),
        deps: vv(),
        ctx: Some([(actor(1), Seq(4))].into_iter().collect()),
        request: Some(request()),
        effects: effects().into_iter().map(|(_, effect)| effect).collect(),
    }
}

/// A row of every shape.
pub(crate) fn rows() -> Vec<(&'static str, Shape, Row)> {
    let entry = Entry { dot: dot(1, 5), hlc: Hlc::from_u64(7), expiry: None, payload: bytes("v") };
    let later = Entry { dot: dot(2, 1), expiry: Some(T), ..entry.clone() };
    let whole = Interval { lo_seq: Seq(1), lo: Number::Whole(-2), hi_seq: Seq(9), hi: Number::Whole(40) };
    let float = Interval { lo: Number::Float(0.5), hi: Number::Float(-1e300), ..whole };
    vec![
        ("row.entries", Shape::Entries, Row::Entries(vec![entry, later])),
        ("row.whole", Shape::Whole, Row::Interval(whole)),
        ("row.float", Shape::Float, Row::Interval(float)),
        ("row.registers", Shape::Registers, Row::Registers(registers())),
        ("row.escrow", Shape::Escrow, Row::Escrow(escrow())),
    ]
}
