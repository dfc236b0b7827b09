//! Layers against the plain map: whatever is changed or dropped, every way of looking shows the same.

use std::convert::Infallible;
use std::sync::LazyLock;

use halcyon_types::{ActorId, Dot, Hlc, Seq};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::Shape;
use crate::escrow::Escrow;
use crate::fixture::object;
use crate::hyperloglog::Registers;
use crate::kind::Kind;
use crate::number::Number;
use crate::object::Object;
use crate::row::{self, Interval};
use crate::rows::MemoryRows;

/// The plain map, which knows its summaries as a store does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Base(MemoryRows);

impl Rows for Base {
    type Error = Infallible;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, Infallible> {
        self.0.look(key, look)
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), Infallible> {
        self.0.scan(prefix, from, visit)
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), Infallible> {
        self.0.scan_back(prefix, upto, visit)
    }

    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, Infallible> {
        let mut summary = Summary::default();
        self.0.scan(collection, collection.as_bytes(), |key, row| {
            summary.note(key, false, Some(row));
            ControlFlow::Continue(())
        })?;
        Ok(Some(summary))
    }
}

fn objects() -> Vec<Object> {
    vec![object("a"), object("a\0"), object("b"), object("a").field("f"), object("a").field("f\0").field("f")]
}

/// Every row that there may be.
fn universe() -> Vec<RowKey> {
    let mut rows = Vec::new();
    for object in objects() {
        rows.extend([object.register(), object.element(b"x"), object.element(b"x\0")]);
        rows.extend([1, 2].map(|n| object.counter().actor(ActorId::from_u64(n))));
        for member in [&b"m"[..], b"m\0", b"n"] {
            let members = object.members();
            rows.push(sorted_set::given_row(&members, member));
            let added = sorted_set::added_rows(&members, member);
            rows.extend([1, 2].map(|n| added.actor(ActorId::from_u64(n))));
        }
        let dot = Dot { actor: ActorId::from_u64(1), seq: Seq(3) };
        rows.push(RowKey::from_bytes(object.of_kind(Kind::HyperLogLog).generation(dot).0));
        rows.push(object.of_kind(Kind::BoundedCounter).generation(dot).actor(ActorId::from_u64(2)));
    }
    rows
}

/// What may be dropped: whole collections and whole keys.
fn droppable() -> Vec<RowPrefix> {
    let roots = objects().into_iter().filter(|object| object.path.is_empty());
    let collections = [Kind::List, Kind::Set, Kind::SortedSet, Kind::Map];
    roots.flat_map(|root| [root.below()].into_iter().chain(collections.map(|kind| root.of_kind(kind)))).collect()
}

/// What may be scanned.
fn scannable() -> Vec<RowPrefix> {
    let mut prefixes: Vec<RowPrefix> = objects().iter().map(Object::below).collect();
    prefixes.extend(objects().iter().flat_map(|object| Kind::ALL.map(|kind| object.of_kind(kind))));
    prefixes.extend(objects().iter().map(|object| object.members().component(b"m")));
    prefixes.push(RowPrefix::keyspace(object("a").keyspace));
    prefixes
}

/// Where a scan may begin or end: at rows, between them, around prefixes.
fn edges() -> Vec<Vec<u8>> {
    let mut edges: Vec<Vec<u8>> = UNIVERSE.iter().map(|key| key.as_bytes().to_vec()).collect();
    edges.extend(UNIVERSE.iter().map(|key| [key.as_bytes().as_ref(), &[0]].concat()));
    edges.extend(SCANNABLE.iter().map(|prefix| prefix.as_bytes().to_vec()));
    edges.extend(SCANNABLE.iter().filter_map(RowPrefix::end));
    edges
}

static UNIVERSE: LazyLock<Vec<RowKey>> = LazyLock::new(universe);
static DROPPABLE: LazyLock<Vec<RowPrefix>> = LazyLock::new(droppable);
static SCANNABLE: LazyLock<Vec<RowPrefix>> = LazyLock::new(scannable);
static EDGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(edges);

#[derive(Debug, Clone)]
enum Step {
    /// Puts a row, or another entry into it; or takes it away.
    Change(Index, Option<(u64, u64, i8)>),
    Drop(Index),
    /// Begins a layer above.
    Rise,
}

fn step() -> impl Strategy<Value = Step> {
    let put = prop::option::weighted(0.75, (1..4_u64, 1..9_u64, -2..3_i8));
    prop_oneof![
        12 => (any::<Index>(), put).prop_map(|(at, put)| Step::Change(at, put)),
        2 => any::<Index>().prop_map(Step::Drop),
        1 => Just(Step::Rise),
    ]
}

/// A way of looking: a prefix, a key to begin at, after how many to stop, and a place in the order of scores.
#[derive(Debug, Clone)]
struct View {
    prefix: Index,
    edge: Index,
    most: usize,
    after: Option<(i8, Index)>,
    reverse: bool,
}

fn view() -> impl Strategy<Value = View> {
    let after = prop::option::of((-3..4_i8, any::<Index>()));
    (any::<Index>(), any::<Index>(), 0..9_usize, after, any::<bool>())
        .prop_map(|(prefix, edge, most, after, reverse)| View { prefix, edge, most, after, reverse })
}

fn changed<R: RowsMut<Error = Infallible>>(rows: &mut R, step: &Step) {
    match step {
        Step::Change(at, put) => {
            let key = at.get(&UNIVERSE).clone();
            let shape = RowKey::shape_of(key.as_bytes()).unwrap();
            rows.change(&key, |row| match put {
                Some(put) => fill(row, &key, shape, *put),
                None => *row = None,
            })
            .unwrap();
        }
        Step::Drop(at) => rows.drop_below(at.get(&DROPPABLE)).unwrap(),
        Step::Rise => {}
    }
}

fn fill(row: &mut Option<Row>, key: &RowKey, shape: Shape, (actor, seq, n): (u64, u64, i8)) {
    let interval = |lo, hi| Some(Row::Interval(Interval { lo_seq: Seq(0), lo, hi_seq: Seq(seq), hi }));
    match shape {
        Shape::Entries => {
            let score = f64::from(n).to_be_bytes();
            let payload = if key.kind() == Ok(Kind::SortedSet) { Bytes::copy_from_slice(&score) } else { Bytes::new() };
            let dot = Dot { actor: ActorId::from_u64(actor), seq: Seq(seq) };
            row::insert(row, row::Entry { dot, hlc: Hlc::from_u64(seq), expiry: None, payload });
        }
        Shape::Whole => *row = interval(Number::Whole(0), Number::Whole(n.into())),
        Shape::Float => *row = interval(Number::Float(0.0), Number::Float(n.into())),
        Shape::Registers => *row = Some(Row::Registers(Registers::default())),
        Shape::Escrow => *row = Some(Row::Escrow(Escrow { used: seq, ..Escrow::default() })),
    }
}

/// All that `view` shows.
type Shown = (Vec<(Vec<u8>, Row)>, Vec<(Vec<u8>, Row)>, Vec<Standing>, Option<Row>);

fn shown<R: Rows<Error = Infallible>>(rows: &mut R, view: &View) -> Shown {
    let prefix = view.prefix.get(&SCANNABLE).clone();
    let edge = view.edge.get(&EDGES);
    let (mut forth, mut back, mut standings) = (Vec::new(), Vec::new(), Vec::new());
    let flow = |len| if len > view.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    rows.scan(&prefix, edge, |key, row| {
        forth.push((key.to_vec(), row.clone()));
        flow(forth.len())
    })
    .unwrap();
    let upto = (!view.reverse).then_some(edge.as_slice());
    rows.scan_back(&prefix, upto, |key, row| {
        back.push((key.to_vec(), row.clone()));
        flow(back.len())
    })
    .unwrap();
    for (key, _) in forth.iter().chain(&back) {
        assert!(prefix.contains(key), "nothing beside the prefix");
    }
    let members = view.prefix.get(&objects()).members();
    let after = view.after.as_ref().map(|(score, member)| {
        let names = [&b""[..], b"m", b"m\0", b"n"];
        let member = member.get(&names);
        Standing { score: (*score).into(), member: Bytes::copy_from_slice(member) }
    });
    rows.scan_standings(&members, after.as_ref(), view.reverse, |standing| {
        standings.push(standing.clone());
        flow(standings.len())
    })
    .unwrap();
    let one = rows.look(view.edge.get(&UNIVERSE), |row| Some(row?.clone())).unwrap();
    (forth, back, standings, one)
}

fn check_summaries<R: Rows<Error = Infallible>>(rows: &mut R, model: &mut Base) {
    let collections = DROPPABLE.iter().filter(|prefix| RowPrefix::collection_of(prefix.as_bytes()).is_some());
    for collection in collections {
        let found = rows.summary(collection).unwrap().unwrap();
        let exact = model.summary(collection).unwrap().unwrap();
        let counts = |all: &Summary| (all.rows, all.intervals, all.escrows);
        assert_eq!(counts(&found), counts(&exact), "{collection:?}");
        assert!(exact.newest.le(&found.newest), "a summary never leaves a dot out");
    }
}

/// Writes a layer's changes down, as its owner does.
fn write_down(layer: &mut Layer<&mut Base>) -> Base {
    let (changes, dropped) = layer.take();
    let mut below = layer.under().clone();
    for prefix in dropped {
        below.0.drop_below(&prefix).unwrap();
    }
    for (key, Change { row, was }) in changes {
        let there = below.0.change(&key, |place| std::mem::replace(place, row).is_some()).unwrap();
        assert_eq!(was, there, "whether there was a row below");
    }
    below
}

/// Carries `steps` out on layers, one above the other, and on the plain map; what they show is compared after each.
fn run<R: Rows<Error = Infallible>>(rows: R, model: &mut Base, steps: &[Step], views: &[View]) -> Layer<R> {
    let mut layer = Layer::over(rows);
    for step in steps {
        changed(&mut layer, step);
        changed(&mut model.0, step);
        for view in views {
            assert_eq!(shown(&mut layer, view), shown(&mut model.0, view), "{view:?}");
        }
        check_summaries(&mut layer, model);
    }
    layer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_layer_shows_what_rows_that_are_changed_in_place_show(
        first in prop::collection::vec(step(), 0..40),
        steps in prop::collection::vec(step(), 1..25),
        views in prop::collection::vec(view(), 1..5),
    ) {
        let mut base = Base::default();
        for step in &first {
            changed(&mut base.0, step);
        }
        let mut model = base.clone();
        let parts: Vec<&[Step]> = steps.splitn(2, |step| matches!(step, Step::Rise)).collect();
        let mut lower = run(&mut base, &mut model, parts[0], &views);
        if let Some(upper) = parts.get(1) {
            let upper = run(&mut lower, &mut model, upper, &views);
            drop(upper);
        } else {
            prop_assert_eq!(write_down(&mut lower), model);
        }
    }
}

#[test]
fn changes_taken_out_leave_a_layer_as_new() {
    let (mut base, key) = (Base::default(), object("a").register());
    let mut layer = Layer::over(&mut base);
    layer.drop_below(&object("a").below()).unwrap();
    layer.change(&key, |row| fill(row, &key, Shape::Entries, (1, 1, 0))).unwrap();
    assert_eq!((layer.changes().len(), layer.dropped().len()), (1, 1));
    let (changes, dropped) = layer.take();
    assert!(changes.contains_key(&key) && dropped == [object("a").below()]);
    assert!(layer.look(&key, |row| row.is_none()).unwrap() && layer.dropped().is_empty());
}
