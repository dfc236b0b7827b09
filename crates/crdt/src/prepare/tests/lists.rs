//! Lists: each update of a transaction sees what the ones before it did.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::op::{Place, Side};

fn at(index: i64) -> Place {
    Place::Index(index)
}

fn with(value: &str) -> Place {
    Place::Value(b(value))
}

fn insert(place: Place, side: Side, values: &[&str]) -> Op {
    Op::InsertAt { place, side, values: values.iter().map(|value| b(value)).collect() }
}

fn set(place: Place, value: &str) -> Op {
    Op::SetAt { place, value: b(value) }
}

fn remove(place: Place) -> Op {
    Op::RemoveAt { place }
}

fn to(place: Place, end: End) -> Op {
    Op::MoveTo { place, end }
}

/// What one transaction of `ops` makes of a list that held `x y z`.
#[track_caller]
fn after(ops: &[Op]) -> Vec<String> {
    let (mut node, l) = (Node::new(1), object("l"));
    node.write(&l, push(End::Back, &["x", "y", "z"]));
    node.commit(&ops.iter().map(|op| up(&l, op.clone())).collect::<Vec<_>>());
    node.list(&l)
}

#[test]
fn updates_of_a_list_see_what_their_transaction_did_before() {
    let (front, back) = (|values: &[&str]| push(End::Front, values), |values: &[&str]| push(End::Back, values));
    assert_eq!(after(&[back(&["a"]), insert(with("a"), Side::After, &["b", "c"])]), ["x", "y", "z", "a", "b", "c"]);
    assert_eq!(after(&[front(&["a", "b"])]), ["b", "a", "x", "y", "z"], "as if pushed one by one");
    assert_eq!(after(&[front(&["a"]), insert(at(0), Side::Before, &["b", "c"])]), ["b", "c", "a", "x", "y", "z"]);
    assert_eq!(after(&[back(&["a"]), remove(at(-1))]), ["x", "y", "z"], "its own push");
    assert_eq!(after(&[back(&["a", "b"]), remove(with("a"))]), ["x", "y", "z", "b"]);
    assert_eq!(after(&[remove(at(0)), remove(at(0)), remove(at(-1))]), [""; 0]);
    assert_eq!(after(&[to(at(0), End::Back), to(at(-1), End::Front)]), ["x", "y", "z"]);
    assert_eq!(after(&[back(&["a"]), to(with("a"), End::Front), remove(with("y"))]), ["a", "x", "z"]);
    assert_eq!(after(&[Op::Clear { kind: Kind::List }, back(&["a"]), remove(at(0)), back(&["b"])]), ["b"]);
    assert_eq!(after(&[back(&["a"]), Op::Delete, front(&["b"])]), ["b"]);
    assert_eq!(after(&[remove(with("nothing"))]), ["x", "y", "z"], "by value there may be none");
}

#[test]
fn updates_of_an_element_see_its_newest_value() {
    assert_eq!(after(&[push(End::Back, &["a"]), set(at(-1), "b"), to(at(-1), End::Front)]), ["b", "x", "y", "z"]);
    assert_eq!(after(&[set(at(0), "a"), set(with("a"), "b"), to(with("b"), End::Back)]), ["y", "z", "b"]);
    assert_eq!(after(&[set(at(0), "a"), set(at(0), "b"), remove(with("b"))]), ["y", "z"]);
    assert_eq!(after(&[set(at(0), "a"), remove(with("x"))]), ["a", "y", "z"]);
}

#[test]
fn what_is_removed_by_value_is_every_one_that_has_it() {
    let two = insert(at(1), Side::Before, &["y", "y"]);
    assert_eq!(after(&[two.clone(), remove(with("y"))]), ["x", "z"]);
    assert_eq!(after(&[two, set(with("y"), "w")]), ["x", "w", "w", "w", "z"]);
}

#[test]
fn an_element_that_is_not_there_is_refused() {
    let (mut node, l) = (Node::new(1), object("l"));
    node.write(&l, push(End::Back, &["x"]));
    let gone = node.position(&l, 0);
    node.write(&l, remove(at(0)));
    node.write(&l, push(End::Back, &["y"]));
    for place in [at(1), at(-2), at(i64::MIN), at(i64::MAX), gone.clone()] {
        for op in [
            insert(place.clone(), Side::After, &["a"]),
            set(place.clone(), "a"),
            remove(place.clone()),
            to(place.clone(), End::Back),
        ] {
            assert_eq!(node.prepare(&[up(&l, op)]), Err(PrepareError::NoSuchElement), "{place:?}");
        }
    }
    for op in [insert(with("x"), Side::After, &["a"]), to(with("x"), End::Front)] {
        assert_eq!(node.prepare(&[up(&l, op)]), Err(PrepareError::NoSuchElement));
    }
}

#[test]
fn an_element_is_found_by_its_position_wherever_it_has_come_to_stand() {
    let (mut node, l) = (Node::new(1), object("l"));
    node.write(&l, push(End::Back, &["x", "y"]));
    let y = node.position(&l, 1);
    node.write(&l, push(End::Front, &["a", "b", "c"]));
    node.write(&l, insert(y.clone(), Side::Before, &["d"]));
    node.write(&l, set(y, "Y"));
    assert_eq!(node.list(&l), ["c", "b", "a", "x", "d", "Y"]);
}

#[test]
fn a_transaction_sees_the_list_of_its_snapshot() {
    let (mut node, l) = (Node::new(1), object("l"));
    node.write(&l, push(End::Back, &["x", "y"]));
    let mut snapshot = node.clone();
    node.write(&l, push(End::Front, &["new"]));
    let first = [up(&l, remove(at(0))), up(&l, insert(at(0), Side::Before, &["a"]))];
    node.commit_at(&first, &snapshot.vv, Some(&mut snapshot.rows)).unwrap();
    let list = node.list(&l);
    assert_eq!(list.len(), 3);
    assert_eq!(list.iter().filter(|value| *value != "new").collect::<Vec<_>>(), ["a", "y"]);
}

#[test]
fn a_context_that_has_not_seen_an_own_element_does_not_hide_it_from_the_transaction() {
    let (mut node, l) = (Node::new(1), object("l"));
    node.write(&l, push(End::Back, &["x"]));
    // The remove takes nothing, for it saw nothing: the element is still there to be moved behind.
    let updates = [up(&l, remove(at(0))), up(&l, insert(with("x"), Side::After, &["a"]))];
    node.commit_at(&updates, &seen(&[]), None).unwrap();
    assert_eq!(node.list(&l), ["x", "a"]);
}

#[derive(Debug, Clone)]
enum Edit {
    Push(bool, u8),
    Insert(i64, bool, u8),
    Set(i64, u8),
    Remove(i64),
    Move(i64, bool),
    SetAll(u8, u8),
    RemoveAll(u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = || -6..6_i64;
    prop_oneof![
        (any::<bool>(), 0..4_u8).prop_map(|(front, value)| Edit::Push(front, value)),
        (index(), any::<bool>(), 0..4_u8).prop_map(|(at, after, value)| Edit::Insert(at, after, value)),
        (index(), 0..4_u8).prop_map(|(at, value)| Edit::Set(at, value)),
        index().prop_map(Edit::Remove),
        (index(), any::<bool>()).prop_map(|(at, front)| Edit::Move(at, front)),
        (0..4_u8, 0..4_u8).prop_map(|(old, new)| Edit::SetAll(old, new)),
        (0..4_u8).prop_map(Edit::RemoveAll),
    ]
}

impl Edit {
    fn op(&self) -> Op {
        let end = |front: bool| if front { End::Front } else { End::Back };
        let text = |value: &u8| value.to_string();
        match self {
            Self::Push(front, value) => push(end(*front), &[&text(value)]),
            Self::Insert(index, after, value) => {
                insert(at(*index), if *after { Side::After } else { Side::Before }, &[&text(value)])
            }
            Self::Set(index, value) => set(at(*index), &text(value)),
            Self::Remove(index) => remove(at(*index)),
            Self::Move(index, front) => to(at(*index), end(*front)),
            Self::SetAll(old, new) => set(with(&text(old)), &text(new)),
            Self::RemoveAll(old) => remove(with(&text(old))),
        }
    }

    /// The same on a vector; false if it is refused.
    fn edit(&self, list: &mut Vec<u8>) -> bool {
        let put = |list: &mut Vec<u8>, front, value| if front { list.insert(0, value) } else { list.push(value) };
        let place = |list: &Vec<u8>, index: i64| {
            let at = if index < 0 { index + i64::try_from(list.len()).unwrap() } else { index };
            usize::try_from(at).ok().filter(|at| *at < list.len())
        };
        match self {
            Self::Push(front, value) => put(list, *front, *value),
            Self::Insert(index, after, value) => match place(list, *index) {
                Some(at) => list.insert(at + usize::from(*after), *value),
                None => return false,
            },
            Self::Set(index, value) => match place(list, *index) {
                Some(at) => list[at] = *value,
                None => return false,
            },
            Self::Remove(index) => match place(list, *index) {
                Some(at) => drop(list.remove(at)),
                None => return false,
            },
            Self::Move(index, front) => match place(list, *index) {
                Some(at) => {
                    let value = list.remove(at);
                    put(list, *front, value);
                }
                None => return false,
            },
            Self::SetAll(old, new) => list.iter_mut().filter(|value| *value == old).for_each(|value| *value = *new),
            Self::RemoveAll(old) => list.retain(|value| value != old),
        }
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn a_list_is_edited_as_a_vector_is_in_one_transaction_or_many(
        edits in prop::collection::vec(edit(), 1..14), cuts in prop::collection::btree_set(0..14_usize, 0..4),
    ) {
        let (mut node, l) = (Node::new(1), object("l"));
        let mut model: Vec<u8> = Vec::new();
        let mut pending: Vec<Update> = Vec::new();
        let cuts: BTreeSet<usize> = cuts;
        for (n, edit) in edits.iter().enumerate() {
            let mut edited = model.clone();
            if !edit.edit(&mut edited) {
                pending.push(up(&l, edit.op()));
                prop_assert_eq!(node.prepare(&pending), Err(PrepareError::NoSuchElement));
                pending.pop();
                continue;
            }
            model = edited;
            pending.push(up(&l, edit.op()));
            if cuts.contains(&n) {
                node.commit(&std::mem::take(&mut pending));
                prop_assert_eq!(node.list(&l), model.iter().map(u8::to_string).collect::<Vec<_>>());
            }
        }
        if !pending.is_empty() {
            node.commit(&pending);
        }
        prop_assert_eq!(node.list(&l), model.iter().map(u8::to_string).collect::<Vec<_>>());
    }
}
