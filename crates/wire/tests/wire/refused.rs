//! Records that no origin writes are never applied, whoever sends them.

use bytes::Bytes;
use halcyon_crdt::hyperloglog::Registers;
use halcyon_crdt::{ClearedInterval, Effect, Escrow, Kind, Number, Object, RowKey, RowPrefix};
use halcyon_types::limits::{
    ACTORS_MAX, CLEAR_LIST_MAX, COMPONENT_BYTES_MAX, EFFECTS_MAX, ESCROW_OWNERS_MAX, KEY_BYTES_MAX, PATH_DEPTH_MAX,
    RECORD_BYTES_MAX, VALUE_BYTES_MAX,
};
use halcyon_types::{ActorId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Record, RecordError};

use crate::values::{actor, cart, dot, keyspace, position, record};

fn previous() -> VersionVector {
    [(actor(1), Seq(3))].into_iter().collect()
}

/// What reading a record says, once `change` has made it what it is.
fn read(change: impl FnOnce(&mut Record)) -> Result<(), RecordError> {
    let mut record = record();
    change(&mut record);
    Record::decode(&record.encode(&previous()).bytes, actor(1), &previous()).map(drop)
}

fn key(prefix: &RowPrefix, more: &[u8]) -> RowKey {
    RowKey::from_bytes([prefix.as_bytes(), more].concat().into())
}

fn below(kind: Kind, more: &[u8]) -> RowKey {
    key(&cart().of_kind(kind), more)
}

fn member(more: &[u8]) -> RowKey {
    key(&cart().of_kind(Kind::SortedSet).component(b"x"), more)
}

fn prefix(row: &RowKey) -> RowPrefix {
    RowPrefix::from_bytes(row.as_bytes().clone())
}

const ACTOR: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 9];
const GENERATION: [u8; 16] = [0, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 3];

#[track_caller]
fn refuses_each(what: &str, effects: impl IntoIterator<Item = Effect>) {
    for effect in effects {
        let error = read(|record| record.effects = vec![effect.clone()]).expect_err(&format!("{what}: {effect:?}"));
        assert!(matches!(error, RecordError::Effect { .. }), "{what}: {error}");
    }
}

fn assign(row: RowKey, payload: impl Into<Bytes>) -> Effect {
    Effect::Assign { row, expiry: None, payload: payload.into() }
}

fn clear(prefix: RowPrefix) -> Effect {
    Effect::Clear { prefix, intervals: Vec::new() }
}

#[test]
fn a_record_as_origins_write_it_is_taken() {
    assert_eq!(read(|_| ()), Ok(()));
}

#[test]
fn payloads_that_their_rows_cannot_have_are_refused() {
    let scores = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    refuses_each("a score that is not finite", scores.map(|s| assign(member(b"R"), s.to_be_bytes().to_vec())));
    refuses_each("a score of another length", [assign(member(b"R"), vec![0; 7]), assign(member(b"R"), vec![])]);
    refuses_each("an element with a value", [assign(cart().element(b"x"), "v"), assign(below(Kind::Flag, b""), "v")]);
    refuses_each("a deadline of another length", [1, 7, 9].map(|n| assign(below(Kind::Deadline, b""), vec![0; n])));
    let long = vec![0; VALUE_BYTES_MAX + 1];
    let rows = [cart().register(), below(Kind::MvRegister, b""), below(Kind::List, position().as_bytes())];
    refuses_each("a value past its limit", rows.map(|row| assign(row, long.clone())));
    assert_eq!(read(|r| r.effects = vec![assign(cart().register(), vec![0; VALUE_BYTES_MAX])]), Ok(()));
}

#[test]
fn only_a_registers_entry_expires() {
    let expires =
        |row, payload: &[u8]| Effect::Assign { row, expiry: Some(UnixMs(9)), payload: payload.to_vec().into() };
    let (flag, list) = (below(Kind::Flag, b""), below(Kind::List, position().as_bytes()));
    refuses_each("an expiry", [expires(cart().element(b"x"), b""), expires(flag, b""), expires(list, b"v")]);
    let (mv, deadline) = (below(Kind::MvRegister, b""), below(Kind::Deadline, b""));
    refuses_each("an expiry", [expires(mv, b"v"), expires(deadline, b""), expires(member(b"R"), &[0; 8])]);
    assert_eq!(read(|r| r.effects = vec![expires(cart().register(), b"v")]), Ok(()));
}

#[test]
fn an_assign_needs_a_row_of_entries() {
    let generation = [&GENERATION[..], &ACTOR].concat();
    let rows = [
        below(Kind::Counter, &ACTOR),
        member(&[b"C", &ACTOR[..]].concat()),
        below(Kind::HyperLogLog, &GENERATION),
        below(Kind::BoundedCounter, &generation),
        below(Kind::Set, b""),
        below(Kind::Map, b""),
        member(b""),
        RowKey::from_bytes(Bytes::copy_from_slice(cart().below().as_bytes())),
        RowKey::from_bytes(Bytes::new()),
    ];
    refuses_each("no row of entries", rows.map(|row| assign(row, "")));
}

#[test]
fn rows_that_cannot_be_named_are_refused() {
    let register = |key: &[u8]| Object::new(keyspace(), key.to_vec()).register();
    let label = position().as_bytes()[..23].to_vec();
    let deep = (0..=PATH_DEPTH_MAX).fold(cart().root(), |object, _| object.field("f"));
    refuses_each("too deep", [assign(deep.register(), ""), clear(deep.below())]);
    let long = vec![b'k'; KEY_BYTES_MAX + 1];
    let zeros = vec![0; COMPONENT_BYTES_MAX + 1];
    refuses_each(
        "an empty name",
        [register(b""), cart().field("").register(), cart().element(b"")].map(|r| assign(r, "")),
    );
    refuses_each("a long name", [register(&long), cart().field(long.clone()).register()].map(|r| assign(r, "")));
    refuses_each("a long name", [cart().element(&long), cart().element(&zeros)].map(|r| assign(r, "")));
    assert_eq!(read(|r| r.effects = vec![assign(cart().element(&zeros[1..]), "")]), Ok(()), "escapes do not count");
    let positions =
        [vec![], vec![0], label.clone(), [label.repeat(45), vec![0]].concat(), [label, vec![0, 0]].concat()];
    refuses_each("no position, or too long", positions.map(|at| assign(below(Kind::List, &at), "v")));
    let mut system = cart().register().as_bytes().to_vec();
    system[..4].fill(0);
    refuses_each("the system's keyspace", [assign(RowKey::from_bytes(system.into()), "v")]);
    refuses_each("an unknown kind", [assign(key(&cart().below(), b"q"), "v")]);
}

#[test]
fn a_clear_names_no_actors_row_and_no_whole_keyspace() {
    let escrow = below(Kind::BoundedCounter, &[&GENERATION[..], &ACTOR].concat());
    let added = member(&[b"C", &ACTOR[..]].concat());
    let rows = [below(Kind::Counter, &ACTOR), added, below(Kind::HyperLogLog, &GENERATION), escrow];
    refuses_each("an actor's row", rows.iter().map(|row| clear(prefix(row))));
    let part = cart().register().as_bytes().slice(..8);
    refuses_each("part of a name", [clear(RowPrefix::keyspace(keyspace())), clear(RowPrefix::from_bytes(part))]);
    refuses_each("half a generation", [clear(prefix(&below(Kind::BoundedCounter, &GENERATION)))]);
}

#[test]
fn a_clear_lists_intervals_below_its_prefix_only_and_not_too_many() {
    let interval = |counter, cum| ClearedInterval { counter, actor: actor(1), seq: Seq(4), cum };
    let lists = |prefix, interval| Effect::Clear { prefix, intervals: vec![interval] };
    let elsewhere = cart().root().field("other").counter();
    let whole = Number::Whole(1);
    refuses_each("elsewhere", [lists(cart().below(), interval(elsewhere, whole))]);
    refuses_each("above", [lists(cart().below(), interval(cart().root().counter(), whole))]);
    refuses_each("no counter", [lists(cart().below(), interval(cart().of_kind(Kind::Set), whole))]);
    refuses_each("an actor's row", [lists(cart().below(), interval(prefix(&below(Kind::Counter, &ACTOR)), whole))]);
    refuses_each("floats", [lists(cart().below(), interval(cart().counter(), Number::Float(1.0)))]);
    refuses_each("whole numbers", [lists(cart().below(), interval(prefix(&member(b"C")), whole))]);
    let many = |n| {
        let intervals = vec![interval(cart().counter(), whole); n];
        vec![Effect::Clear { prefix: cart().below(), intervals }]
    };
    assert_eq!(read(|r| r.effects = many(CLEAR_LIST_MAX)), Ok(()));
    refuses_each("too many", many(CLEAR_LIST_MAX + 1));
}

#[test]
fn sums_are_of_their_counters_kind() {
    let inc = |counter, before, after| Effect::Inc { counter, prev_seq: Seq(4), before, after };
    let (whole, float) = (Number::Whole(1), Number::Float(1.0));
    let (counter, score) = (cart().counter(), prefix(&member(b"C")));
    for (a, b) in [(float, float), (whole, float), (float, whole)] {
        refuses_each("floats in a counter", [inc(counter.clone(), a, b)]);
    }
    for (a, b) in [(whole, whole), (whole, float), (float, whole)] {
        refuses_each("whole numbers in a score", [inc(score.clone(), a, b)]);
    }
    // What is not finite does not even decode.
    for odd in [f64::NAN, f64::INFINITY] {
        let error = read(|r| r.effects = vec![inc(score.clone(), float, Number::Float(odd))]);
        assert!(matches!(error, Err(RecordError::Decode(_))), "{odd}");
    }
    let elsewhere = [cart().below(), cart().of_kind(Kind::Set), prefix(&member(b"")), prefix(&cart().register())];
    refuses_each("no counter", elsewhere.into_iter().map(|at| inc(at, whole, whole)));
}

#[test]
fn generations_are_those_of_their_own_kind() {
    let kinds = [Kind::BoundedCounter, Kind::Counter, Kind::Set, Kind::Register];
    let observe = |generations| Effect::Observe { generations, generation: None, registers: Registers::default() };
    refuses_each("not a HyperLogLog's", kinds.map(|kind| observe(cart().of_kind(kind))));
    refuses_each("not its rows", [observe(cart().below()), observe(prefix(&below(Kind::HyperLogLog, &GENERATION)))]);
    let hold = |generations, escrow| Effect::Hold { generations, generation: None, escrow };
    let kinds = [Kind::HyperLogLog, Kind::Counter, Kind::Set, Kind::Register];
    refuses_each("not a bounded counter's", kinds.map(|kind| hold(cart().of_kind(kind), Escrow::default())));
    refuses_each("half a row", [hold(prefix(&below(Kind::BoundedCounter, &GENERATION)), Escrow::default())]);

    let owners = |n: usize| Escrow { granted: (0..n as u64).map(|n| (ActorId::from_u64(n), 1)).collect(), used: 0 };
    let counter = || cart().of_kind(Kind::BoundedCounter);
    assert_eq!(read(|r| r.effects = vec![hold(counter(), owners(ESCROW_OWNERS_MAX))]), Ok(()));
    refuses_each("too many owners", [hold(counter(), owners(ESCROW_OWNERS_MAX + 1))]);
}

#[test]
fn a_record_speaks_only_of_what_it_may_have_seen() {
    let refused = |effect: Effect| {
        let error = read(|record| record.effects = vec![effect.clone()]);
        assert!(matches!(error, Err(RecordError::Shape { .. })), "{effect:?}: {error:?}");
    };
    let whole = Number::Whole(1);
    // It is record 5 of its actor, has seen 4 of it and 9 of actor 2, and observed 4 of its own alone.
    refused(Effect::Inc { counter: cart().counter(), prev_seq: Seq(5), before: whole, after: whole });
    let interval = |actor, seq| ClearedInterval { counter: cart().counter(), actor, seq: Seq(seq), cum: whole };
    let lists = |interval| Effect::Clear { prefix: cart().below(), intervals: vec![interval] };
    refused(lists(interval(actor(1), 5)));
    refused(lists(interval(actor(2), 1)));
    let generations = || cart().of_kind(Kind::HyperLogLog);
    let registers = Registers::default;
    for unheard in [dot(1, 5), dot(2, 10), dot(3, 1)] {
        let generation = Some(unheard);
        refused(Effect::Observe { generations: generations(), generation, registers: registers() });
        let generations = cart().of_kind(Kind::BoundedCounter);
        refused(Effect::Hold { generations, generation, escrow: Escrow::default() });
    }
}

#[test]
fn a_record_is_bounded_in_effects_bytes_and_actors() {
    let small = assign(Object::new(keyspace(), "k").of_kind(Kind::Flag).as_row().unwrap(), "");
    assert_eq!(read(|r| r.effects = vec![small.clone(); EFFECTS_MAX]), Ok(()));
    let shape = |result| matches!(result, Err(RecordError::Shape { .. }));
    assert!(shape(read(|r| r.effects = vec![small; EFFECTS_MAX + 1])), "effects");
    let large = || assign(cart().register(), vec![0; VALUE_BYTES_MAX]);
    assert_eq!(read(|r| r.effects = vec![large(); 2]), Ok(()));
    assert!(shape(read(|r| r.effects = vec![large(); RECORD_BYTES_MAX / VALUE_BYTES_MAX])), "bytes");
    let crowd = |r: &mut Record| (0..=ACTORS_MAX as u64).for_each(|n| r.deps.set(ActorId::from_u64(n + 9), Seq(1)));
    assert!(shape(read(crowd)), "actors");
}
