//! Rows, byte for byte and entry for entry.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use halcyon_crdt::{Kind, Layer, MemoryRows, PageRequest, Row, Stamp, apply, read};
use halcyon_sim::kernel::Kernel;
use halcyon_sim::oracle::{Leaf, Truth, Written};
use halcyon_sim::scenario::{Query, every_page};
use halcyon_types::{Dot, Seq};

use crate::player::{Delivery, Game, Seen};

/// Every row as it would stand on disk.
pub(crate) fn bytes(rows: &MemoryRows) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, row) in rows.iter() {
        bytes.extend_from_slice(key.as_bytes());
        row.encode(&mut bytes);
    }
    bytes
}

/// A key, what kind of part of it, and whose.
type Part = (Bytes, Kind, Dot);

/// The rows hold what survives: no entry more, none less.
pub(crate) fn hold_what_survives(rows: &MemoryRows, truth: &Truth) -> Seen {
    let mut held: BTreeMap<Part, usize> = BTreeMap::new();
    let mut note = |part: Part| *held.entry(part).or_default() += 1;
    for (key, row) in rows.iter() {
        let kind = key.kind().map_err(|e| e.to_string())?;
        let root = halcyon_crdt::Object::root_of(key.as_bytes()).ok_or("a row of no key".to_owned())?.key;
        match row {
            Row::Entries(entries) if entries.is_empty() => return Err(format!("{key:?} is empty").into()),
            Row::Entries(entries) => entries.iter().for_each(|entry| note((root.clone(), kind, entry.dot))),
            // One row per actor, that ends with its last increment.
            Row::Interval(interval) => row.dots(key.as_bytes(), |dot| {
                note((root.clone(), kind, Dot { seq: interval.hi_seq, ..dot }));
            }),
            Row::Registers(_) => row.dots(key.as_bytes(), |dot| note((root.clone(), kind, dot))),
            // One row per generation and owner.
            Row::Escrow(_) => row.dots(key.as_bytes(), |dot| note((root.clone(), kind, dot))),
        }
    }
    let survive = parts(truth);
    if held == survive {
        return Ok(());
    }
    let only = |these: &BTreeMap<Part, usize>, those: &BTreeMap<Part, usize>| {
        these
            .iter()
            .filter(|(part, n)| those.get(*part) != Some(n))
            .map(|(part, n)| format!("{n} × {part:?}"))
            .collect::<Vec<_>>()
    };
    Err(format!("rows hold {:?}; what survives is {:?}", only(&held, &survive), only(&survive, &held)).into())
}

fn parts(truth: &Truth) -> BTreeMap<Part, usize> {
    let mut parts = BTreeMap::new();
    let (mut runs, mut generations) = (BTreeMap::new(), BTreeMap::new());
    for survivor in &truth.survivors {
        let place = &survivor.write.place;
        let key = Bytes::from(place.object.key.clone());
        match (&place.leaf, &survivor.write.what) {
            (Leaf::Counter | Leaf::Added(_), _) => {
                let kind = if place.leaf == Leaf::Counter { Kind::Counter } else { Kind::SortedSet };
                let last: &mut Seq = runs.entry((place, survivor.dot.actor, key, kind)).or_default();
                *last = survivor.dot.seq.max(*last);
            }
            (_, Written::Observed { generation, .. }) => {
                generations.insert((place, *generation, None), (key, Kind::HyperLogLog));
            }
            (_, Written::Rights { generation, .. }) => {
                let owner = Some(survivor.dot.actor);
                generations.insert((place, *generation, owner), (key, Kind::BoundedCounter));
            }
            (leaf, _) => *parts.entry((key, kind(leaf), survivor.dot)).or_default() += 1,
        }
    }
    for ((_, actor, key, kind), seq) in runs {
        *parts.entry((key, kind, Dot { actor, seq })).or_default() += 1;
    }
    for ((_, generation, _), (key, kind)) in generations {
        *parts.entry((key, kind, generation)).or_default() += 1;
    }
    parts
}

fn kind(leaf: &Leaf) -> Kind {
    match leaf {
        Leaf::Register => Kind::Register,
        Leaf::Values => Kind::MvRegister,
        Leaf::Flag => Kind::Flag,
        Leaf::Element(_) => Kind::Set,
        Leaf::Score(_) => Kind::SortedSet,
        Leaf::Item(_) => Kind::List,
        Leaf::Deadline => Kind::Deadline,
        Leaf::Counter | Leaf::Added(_) | Leaf::Observed | Leaf::Rights => unreachable!("not a row of entries"),
    }
}

/// The record as changes over the rows before it shows what the rows behind it show, one item a page.
pub(crate) fn layer_shows_the_same(game: &mut Game, delivery: &Delivery<'_>, queries: &[Query]) -> Seen {
    let dot = delivery.record.dot;
    let record = game.kernel.records().find(|record| record.dot == dot).ok_or("no such record".to_owned())?.clone();
    let mut under = delivery.before.clone();
    let mut layer = Layer::over(&mut under);
    let Ok(()) = apply(&mut layer, Stamp { dot, hlc: record.hlc, ctx: record.ctx() }, &record.effects);
    let mut rows = game.kernel.rows(delivery.region).clone();
    let now = game.kernel.now(delivery.region);
    for query in queries {
        let (object, question) = Kernel::dialect().question(query);
        let whole = every_page(question.clone(), |question| read(&mut rows, &object, question, now));
        let mut small = question;
        if let Some(page) = small.page_mut() {
            *page = PageRequest { after: None, items_max: 1 };
        }
        let paged = every_page(small, |question| read::<Layer<&mut MemoryRows>>(&mut layer, &object, question, now));
        if whole != paged {
            return Err(
                format!("`{query}` at {}: rows show {whole:?}, changes over rows {paged:?}", delivery.region).into()
            );
        }
    }
    Ok(())
}

/// Applies records to rows of nobody, as any region would.
pub(crate) fn taken_in<'a>(records: impl Iterator<Item = &'a halcyon_wire::Record>) -> MemoryRows {
    let mut rows = MemoryRows::default();
    for record in records {
        let stamp = Stamp { dot: record.dot, hlc: record.hlc, ctx: record.ctx() };
        let done: Result<(), Infallible> = apply(&mut rows, stamp, &record.effects);
        let Ok(()) = done;
    }
    rows
}
