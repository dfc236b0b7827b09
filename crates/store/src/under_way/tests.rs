use bytes::Bytes;
use halcyon_crdt::{Kind, MemoryRows, Object, Origin, RowsMut, Stamp, Update, apply, prepare};
use halcyon_types::{Dot, Hlc, Seq, UnixMs, VersionVector};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::backend::{Backend, Batch, Durability, Family};
use crate::deadlines::Deadlines;
use crate::derived::group;
use crate::memory::MemoryBackend;
use crate::row_cache::RowCache;
use crate::suite::node::{T, actors};
use crate::suite::programs::{places, updates};

type Changed = Layer<UnderWay<MemoryBackend>>;

/// A batch that the disk has not got yet.
type OnItsWay = Option<<MemoryBackend as Backend>::Batch>;

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Update>),
    /// A collection, dropped whole.
    Drop(Object, Kind),
    /// What has changed sets out; whatever did so before is settled first.
    SetOut,
    /// What has set out reaches the disk, and nobody has been told.
    Reach,
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kinds = prop::sample::select(vec![Kind::Set, Kind::List, Kind::SortedSet, Kind::Map]);
    let step = prop_oneof![
        8 => updates().prop_map(Step::Write),
        1 => (places(), kinds).prop_map(|(at, kind)| Step::Drop(at.root(), kind)),
        3 => Just(Step::SetOut),
        2 => Just(Step::Reach),
        2 => Just(Step::Settle),
    ];
    prop::collection::vec(step, 1..30)
}

/// As the committer does it.
fn set_out(rows: &mut Changed, disk: &MemoryBackend) -> <MemoryBackend as Backend>::Batch {
    let (mut batch, mut value) = (disk.batch(), Vec::new());
    for prefix in rows.dropped() {
        batch.delete_range(Family::State, prefix.as_bytes(), &prefix.end().unwrap());
    }
    for (key, change) in rows.changes() {
        value.clear();
        match &change.row {
            Some(row) => {
                row.encode(&mut value);
                batch.put(Family::State, key.as_bytes(), &value);
            }
            None => batch.delete(Family::State, key.as_bytes()),
        }
    }
    let summaries = group::write(rows, &mut batch, &mut value).unwrap();
    let changed = rows.take();
    rows.under().set_out(changed, summaries);
    batch
}

fn reach(disk: &MemoryBackend, on_its_way: &mut OnItsWay) {
    if let Some(batch) = on_its_way.take() {
        disk.write(batch, Durability::Synced).unwrap();
    }
}

/// Makes `updates` in both, as one record of the first actor; they must become the same effects.
fn write(seq: u64, updates: &[Update], rows: &mut Changed, model: &mut MemoryRows) {
    let actors = actors();
    let actor = *actors.first_key_value().unwrap().1;
    let ctx: VersionVector = [(actor, Seq(seq - 1))].into_iter().collect();
    let now = UnixMs(T.0 + 10 * seq);
    let (dot, hlc) = (Dot { actor, seq: Seq(seq) }, Hlc::from_parts(now, 0).unwrap());
    let origin = Origin { dot, hlc, now, ctx: &ctx, actors: &actors };
    let prepared = prepare(updates, origin, rows, None::<&mut Changed>);
    let expected = prepare(updates, origin, model, None::<&mut MemoryRows>);
    assert_eq!(prepared.is_ok(), expected.is_ok(), "{prepared:?} {expected:?}");
    if let (Ok(prepared), Ok(expected)) = (prepared, expected) {
        assert_eq!(prepared, expected);
        let stamp = Stamp { dot, hlc, ctx: &ctx };
        apply(rows, stamp, &prepared.effects).unwrap();
        apply(model, stamp, &prepared.effects).unwrap();
    }
}

fn look<R: Rows<Error: std::fmt::Debug>>(rows: &mut R, key: &RowKey) -> Option<Row> {
    let mut found = None;
    rows.look(key, |row| found = row.cloned()).unwrap();
    found
}

fn seen<R: Rows>(rows: &mut R, prefix: &RowPrefix, from: &[u8], back: bool, most: usize) -> Vec<(Vec<u8>, Row)>
where
    R::Error: std::fmt::Debug,
{
    let mut seen = Vec::new();
    let visit = |key: &[u8], row: &Row| {
        seen.push((key.to_vec(), row.clone()));
        if seen.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let shown = if back { rows.scan_back(prefix, Some(from), visit) } else { rows.scan(prefix, from, visit) };
    shown.unwrap();
    seen
}

fn ranked<R: Rows>(
    rows: &mut R,
    members: &RowPrefix,
    after: Option<&Standing>,
    back: bool,
    most: usize,
) -> Vec<Standing>
where
    R::Error: std::fmt::Debug,
{
    let mut ranked = Vec::new();
    rows.scan_standings(members, after, back, |standing| {
        ranked.push(standing.clone());
        if ranked.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .unwrap();
    ranked
}

fn compare(rows: &mut Changed, model: &mut MemoryRows, at: &Object, bound: Index, most: usize) {
    let keys: Vec<RowKey> = model.iter().map(|(key, _)| key.clone()).collect();
    for key in &keys {
        assert_eq!(look(rows, key), look(model, key));
    }
    let whole = RowPrefix::keyspace(at.keyspace);
    let bound =
        keys.get(bound.index(keys.len() + 1)).map_or_else(|| whole.end().unwrap(), |key| key.as_bytes().to_vec());
    for prefix in [whole, at.below(), at.of_kind(Kind::List)] {
        // Nobody asks from outside of what is asked for.
        let bound = bound.clone().clamp(prefix.as_bytes().to_vec(), prefix.end().unwrap());
        for (back, most) in [(false, most), (true, most), (false, usize::MAX), (true, usize::MAX)] {
            let expected = seen(model, &prefix, &bound, back, most);
            assert_eq!(seen(rows, &prefix, &bound, back, most), expected, "{prefix:?} {back} {most}");
        }
    }
    let members = at.of_kind(Kind::SortedSet);
    let all = ranked(model, &members, None, false, usize::MAX);
    for after in [None].into_iter().chain(all.iter().map(Some)) {
        for back in [false, true] {
            assert_eq!(ranked(rows, &members, after, back, most), ranked(model, &members, after, back, most));
        }
    }
    for kind in [Kind::Set, Kind::List, Kind::SortedSet, Kind::Map] {
        let collection = at.root().of_kind(kind);
        let summary = rows.summary(&collection).unwrap().expect("the store knows every collection");
        let mut expected = Summary::default();
        for (key, row) in model.iter().filter(|(key, _)| collection.contains(key.as_bytes())) {
            expected.note(key.as_bytes(), false, Some(row));
        }
        assert!(expected.newest.le(&summary.newest), "{expected:?} {summary:?}");
        // Where a row at an end was removed, the span is as wide as it was until the group is written down.
        let within = |(first, last): &(Bytes, Bytes)| {
            summary.span.as_ref().is_some_and(|(least, most)| least <= first && last <= most)
        };
        assert!(expected.span.as_ref().is_none_or(within), "{expected:?} {summary:?}");
        assert_eq!(Summary { newest: expected.newest.clone(), span: expected.span.clone(), ..summary }, expected);
    }
}

proptest! {
    #[test]
    fn changes_over_a_group_under_way_over_a_cache_over_a_backend_read_like_rows_in_a_map(
        steps in steps(),
        cache in prop_oneof![Just(0), Just(900), Just(usize::MAX)],
        at in places(),
        bound in any::<Index>(),
        most in 1_usize..6,
    ) {
        let disk = MemoryBackend::new();
        let stored = Stored::new(disk.clone(), RowCache::new(cache), Deadlines::new(false));
        let mut rows = Layer::over(UnderWay::over(stored));
        let mut on_its_way = None;
        let mut model = MemoryRows::default();
        let mut seq = 0;
        for step in steps {
            match step {
                Step::Write(updates) => {
                    seq += 1;
                    write(seq, &updates, &mut rows, &mut model);
                }
                Step::Drop(key, kind) => {
                    rows.drop_below(&key.of_kind(kind)).unwrap();
                    model.drop_below(&key.of_kind(kind)).unwrap();
                }
                Step::SetOut => {
                    reach(&disk, &mut on_its_way);
                    rows.under().settle();
                    on_its_way = Some(set_out(&mut rows, &disk));
                }
                Step::Reach => reach(&disk, &mut on_its_way),
                Step::Settle => {
                    reach(&disk, &mut on_its_way);
                    rows.under().settle();
                }
            }
            compare(&mut rows, &mut model, &at, bound, most);
        }
    }
}
