//! Which updates no node takes, whatever it holds.

use halcyon_types::limits::{KEY_BYTES_MAX, PATH_DEPTH_MAX};

use super::*;
use crate::fixture::{b, object, push, region, up};

fn checked(op: Op) -> Result<(), OpError> {
    up(&object("k"), op).check()
}

fn ttl_max() -> u64 {
    u64::try_from(TTL_MAX.as_millis()).unwrap()
}

#[test]
fn scores_are_finite_numbers() {
    let give = |score| checked(Op::Score { member: b("m"), score });
    let add = |amount| checked(Op::AddScore { member: b("m"), amount });
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(give(odd), Err(OpError::NotFinite { value: odd.to_string() }));
        assert_eq!(add(odd), Err(OpError::NotFinite { value: odd.to_string() }));
    }
    for fine in [0.0, -0.0, f64::MIN, f64::MAX, 5e-324] {
        assert_eq!((give(fine), add(fine)), (Ok(()), Ok(())));
    }
}

#[test]
fn names_have_at_least_one_byte_and_no_more_than_their_limit() {
    let (none, long) = (Bytes::new(), Bytes::from(vec![0; COMPONENT_BYTES_MAX + 1]));
    let elements = |element: &Bytes| {
        let element = element.clone();
        [Op::Insert { element: element.clone() }, Op::Remove { element }]
    };
    let members = |member: &Bytes| {
        let member = || member.clone();
        let (give, add) = (Op::Score { member: member(), score: 1.0 }, Op::AddScore { member: member(), amount: 1.0 });
        [give, add, Op::RemoveMember { member: member() }]
    };
    let longer = |what| KeyError::TooLong { what, bytes: long.len(), max: COMPONENT_BYTES_MAX };
    for op in elements(&none) {
        assert_eq!(checked(op), Err(KeyError::Empty { what: "element" }.into()));
    }
    for op in elements(&long) {
        assert_eq!(checked(op), Err(longer("element").into()));
    }
    for op in members(&none) {
        assert_eq!(checked(op), Err(KeyError::Empty { what: "member" }.into()));
    }
    for op in members(&long) {
        assert_eq!(checked(op), Err(longer("member").into()));
    }
    for op in elements(&long.slice(1..)).into_iter().chain(members(&long.slice(1..))) {
        assert_eq!(checked(op), Ok(()));
    }
    let at = |object: Object| up(&object, Op::Enable).check();
    assert_eq!(at(object("")), Err(KeyError::Empty { what: "key" }.into()));
    assert_eq!(at(object("k").field("")), Err(KeyError::Empty { what: "field" }.into()));
    assert_eq!(at(object("k").field(long.clone())), Err(longer("field").into()));
    let key = Object::new(object("k").keyspace, vec![0; KEY_BYTES_MAX + 1]);
    assert_eq!(at(key), Err(KeyError::TooLong { what: "key", bytes: KEY_BYTES_MAX + 1, max: KEY_BYTES_MAX }.into()));
    let nested = |depth| (0..depth).fold(object("k"), |object, _| object.field("f"));
    assert_eq!(at(nested(PATH_DEPTH_MAX)), Ok(()));
    assert_eq!(at(nested(PATH_DEPTH_MAX + 1)), Err(KeyError::TooDeep { depth: PATH_DEPTH_MAX + 1 }.into()));
}

#[test]
fn values_have_a_limit_wherever_they_stand() {
    let long = Bytes::from(vec![0; VALUE_BYTES_MAX + 1]);
    let every = |value: &Bytes| {
        let (value, place) = (|| value.clone(), || Place::Value(value.clone()));
        let values = || vec![b("v"), value()];
        [
            Op::Set { value: value(), ttl_ms: None },
            Op::SetMv { value: value() },
            Op::Push { end: End::Back, values: values() },
            Op::InsertAt { place: Place::Index(0), side: Side::Before, values: values() },
            Op::InsertAt { place: place(), side: Side::Before, values: vec![b("v")] },
            Op::SetAt { place: Place::Index(0), value: value() },
            Op::SetAt { place: place(), value: b("v") },
            Op::RemoveAt { place: place() },
            Op::MoveTo { place: place(), end: End::Back },
        ]
    };
    for op in every(&long) {
        assert_eq!(checked(op.clone()), Err(OpError::ValueTooLong { bytes: long.len() }), "{op:?}");
    }
    for op in every(&long.slice(1..)).into_iter().chain(every(&Bytes::new())) {
        assert_eq!(checked(op), Ok(()));
    }
    // Only their hashes are kept.
    assert_eq!(checked(Op::Observe { elements: vec![long, Bytes::new()] }), Ok(()));
}

#[test]
fn lists_of_nothing_and_amounts_of_nothing_are_refused() {
    let insert = Op::InsertAt { place: Place::Index(0), side: Side::After, values: vec![] };
    for op in [push(End::Back, &[]), insert] {
        assert_eq!(checked(op), Err(OpError::Nothing { what: "put into the list" }));
    }
    assert_eq!(checked(Op::Observe { elements: vec![] }), Err(OpError::Nothing { what: "count" }));
    let to = region(2);
    for op in [Op::Raise { amount: 0 }, Op::Spend { amount: 0 }, Op::Transfer { to, amount: 0 }] {
        assert_eq!(checked(op), Err(OpError::ZeroAmount));
    }
    for op in [Op::Raise { amount: 1 }, Op::Spend { amount: u64::MAX }, Op::Transfer { to, amount: 1 }] {
        assert_eq!(checked(op), Ok(()));
    }
}

#[test]
fn only_whole_keys_end_and_only_within_ten_years() {
    let field = object("k").field("f");
    for op in [Op::Expire { ttl_ms: 5 }, Op::Persist] {
        assert_eq!(checked(op.clone()), Ok(()));
        assert_eq!(up(&field, op).check(), Err(OpError::NotAKey));
    }
    let (most, past) = (ttl_max(), ttl_max() + 1);
    let set = |ttl_ms| Op::Set { value: b("v"), ttl_ms: Some(ttl_ms) };
    assert_eq!((checked(Op::Expire { ttl_ms: most }), checked(set(most))), (Ok(()), Ok(())));
    assert_eq!(checked(Op::Expire { ttl_ms: past }), Err(OpError::Ttl { ttl_ms: past }));
    assert_eq!(up(&field, set(past)).check(), Err(OpError::Ttl { ttl_ms: past }));
    assert_eq!(up(&field, set(0)).check(), Ok(()), "a register of a map may end by itself");
}

#[test]
fn a_clear_is_of_a_type() {
    for kind in Kind::ALL {
        let expected = if kind == Kind::Deadline { Err(OpError::NotAType(kind)) } else { Ok(()) };
        assert_eq!(checked(Op::Clear { kind }), expected);
    }
    assert_eq!(checked(Op::Delete), Ok(()));
}

#[test]
fn a_place_is_one_that_a_read_can_have_told() {
    for position in [&b""[..], b"\0", b"\x01\x01", &[1; 24]] {
        let place = Place::Position(Bytes::copy_from_slice(position));
        assert!(matches!(checked(Op::RemoveAt { place }), Err(OpError::Position(_))), "{position:?}");
    }
    let long = Place::Position(vec![1; POSITION_BYTES_MAX + 1].into());
    assert!(matches!(checked(Op::MoveTo { place: long, end: End::Back }), Err(OpError::Position(_))));
}
