//! A disk on which bytes are not what they were: rows, logs, vectors, heads, request ids, identity, derived rows. Opening it
//! fails with a typed error and changes nothing; or it opens, and then a row that cannot be read is never read as another.
//!
//! There is no checksum at this height: a database below keeps those. What is put here is what would come through them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::{Effect, MemoryRows, Op, Row, RowKey, Rows, Update, keys, read};
use halcyon_store::{Committer, Family, Head, MemoryBackend, Recovered, WriteJob};
use halcyon_types::{ActorId, KeyspaceId, RequestId, Seq, VersionVector};
use halcyon_wire::{Record, Seen, Session, Write};

use super::Source;
use super::drawn::{T, keyspace, objects, questions, region};
use super::garden::Garden;
use super::site::{Entry, actors, disk_of, entries, open};

/// Changes of one disk.
const CHANGES_MAX: usize = 16;
const FAMILIES: [Family; 5] = Family::ALL;

/// Panics where a law is violated: anything but a typed error, or a row that cannot be read was read.
pub(super) fn body(data: &[u8]) {
    let mut source = Source::new(data);
    let mut table: BTreeMap<(Family, Bytes), Bytes> = BTreeMap::new();
    for (family, key, value) in &Garden::get().entries {
        table.insert((*family, key.clone()), value.clone());
    }
    let mut changed = Vec::new();
    while !source.is_empty() && changed.len() < CHANGES_MAX {
        changed.extend(change(&mut source, &mut table));
    }
    let whole: Vec<Entry> = table.iter().map(|((family, key), value)| (*family, key.clone(), value.clone())).collect();
    let disk = disk_of(&whole);
    match open(&disk, 1) {
        Ok((committer, recovered)) => {
            unreadable_rows_stay_so(&committer, &changed, &table);
            reads(&committer, &recovered);
            let _ = goes_on(committer, &recovered);
            // And is found again, or refused, by the next process.
            let _ = open(&disk.crash(), 1).map_err(|error| error.to_string());
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(entries(&disk), whole, "refused, and changed all the same: {error}");
        }
    }
}

/// Changes one entry; says which.
fn change(source: &mut Source<'_>, table: &mut BTreeMap<(Family, Bytes), Bytes>) -> Option<(Family, Bytes)> {
    let family = source.pick(&FAMILIES).copied()?;
    let keys: Vec<Bytes> = table.keys().filter(|(of, _)| *of == family).map(|(_, key)| key.clone()).collect();
    let how = source.below(8);
    let key = match how {
        0 => Bytes::copy_from_slice(source.block()),
        1 => {
            // A key that begins as a real one does.
            let real = source.pick(&keys)?;
            let kept = source.index(real.len() + 1);
            Bytes::from([real.get(..kept)?, source.block()].concat())
        }
        _ => source.pick(&keys)?.clone(),
    };
    let at = (family, key);
    let old = table.get(&at).cloned().unwrap_or_default();
    let value = match how {
        0..=2 => Some(Bytes::copy_from_slice(source.block())),
        3 => table.values().nth(source.index(table.len())).cloned(),
        4 => None,
        5 => Some(old.slice(..source.index(old.len() + 1))),
        6 => Some([&old[..], source.block()].concat().into()),
        _ => {
            let mut value = old.to_vec();
            for _ in 0..=source.below(3) {
                let place = source.index(value.len());
                let with = source.byte();
                if let Some(byte) = value.get_mut(place) {
                    *byte ^= with;
                }
            }
            Some(value.into())
        }
    };
    match value {
        Some(value) => drop(table.insert(at.clone(), value)),
        None => drop(table.remove(&at)),
    }
    Some(at)
}

/// A row whose bytes are none is an error to whoever looks at it, through every door.
fn unreadable_rows_stay_so(
    committer: &Committer<MemoryBackend>,
    changed: &[(Family, Bytes)],
    table: &BTreeMap<(Family, Bytes), Bytes>,
) {
    let first = KeyspaceId::FIRST.get().to_be_bytes();
    let mut snapshot = committer.reader().snapshot();
    for at in changed.iter().filter(|(family, key)| *family == Family::State && key[..] >= first[..]) {
        let Some(value) = table.get(at) else { continue };
        let key = RowKey::from_bytes(at.1.clone());
        let expected = RowKey::shape_of(&at.1).ok().and_then(|shape| Row::decode(shape, value).ok());
        match snapshot.take_row(&key) {
            Ok(row) => assert_eq!(row, expected, "{key:?} is read as what it is not"),
            Err(error) => assert_eq!(expected, None, "{key:?} cannot be read, and could: {error}"),
        }
    }
}

/// Everything that readers ask.
fn reads(committer: &Committer<MemoryBackend>, recovered: &Recovered) {
    let reader = committer.reader();
    let mut snapshot = reader.snapshot();
    assert_eq!(snapshot.vv().as_ref(), Ok(&recovered.vv));
    let _ = reader.digest(T).map_err(|error| error.to_string());
    let page = halcyon_crdt::PageRequest { after: None, items_max: 1000 };
    let _ = keys(&mut snapshot, keyspace(), b"", &page, T);
    for object in objects() {
        for query in questions() {
            let _ = read(&mut snapshot, &object, &query, T).map_err(|error| error.to_string());
        }
        let _ = snapshot.scan_back(&object.below(), None, |_, _| ControlFlow::Continue(()));
    }
    for (actor, Head { seq, .. }) in &recovered.heads {
        let mut deps = VersionVector::new();
        // As many as a link asks for at once: a seq that is damaged may be any number.
        for stored in reader.log(*actor, Seq::ZERO, *seq, 64 * 1024).unwrap_or_default() {
            match Record::decode(&stored.bytes, *actor, &deps) {
                Ok(record) => deps = record.deps,
                Err(error) => drop(error.to_string()),
            }
        }
    }
}

/// Writes, hears and sweeps, until something cannot be read.
fn goes_on(mut committer: Committer<MemoryBackend>, recovered: &Recovered) -> Result<(), String> {
    let ops =
        [Op::Add { amount: 1 }, Op::Insert { element: "z".into() }, Op::Enable, Op::Spend { amount: 1 }, Op::Delete];
    for (number, op) in (0_u8..).zip(ops) {
        let updates = objects().into_iter().map(|object| Update { object, op: op.clone() }).collect();
        let request = RequestId::mint(T, &[number; 10]);
        let write = Write { request, session: Session::default(), seen: Seen::Present, updates };
        let staged = committer.stage_write(WriteJob {
            now: T,
            real: T,
            write: &write,
            snapshot: None,
            actors: &actors(),
            refusal: None,
        });
        drop(staged.map_err(|error| error.to_string()));
    }
    for (actor, stored) in &Garden::get().next {
        let Some(head) = recovered.heads.get(actor) else { continue };
        let Ok(record) = Record::decode(&stored.bytes, *actor, &head.deps) else { continue };
        drop(committer.stage_record(T, &record, stored).map_err(|error| error.to_string()));
    }
    let counter = objects().into_iter().next();
    let counter = counter.ok_or("there is an object")?;
    committer.stage_grant(T, T, &counter, region(2), 1, &actors()).map_err(|error| error.to_string())?;
    let later = T.plus(std::time::Duration::from_mins(2));
    committer.stage_sweep(later, later, later, true).map_err(|error| error.to_string())?;
    let group = committer.commit().map_err(|error| error.to_string())?;
    // What was told as this node's own can be read as that.
    let before = recovered.heads.get(&recovered.actor).map(|head| head.deps.clone());
    shows_its_own(recovered.actor, before.unwrap_or_default(), &group.own);
    Ok(())
}

fn shows_its_own(actor: ActorId, mut deps: VersionVector, own: &[halcyon_wire::StoredRecord]) {
    for stored in own {
        let record = Record::decode(&stored.bytes, actor, &deps);
        let record = record.unwrap_or_else(|error| panic!("this node wrote what nobody takes: {error}"));
        let mut rows = MemoryRows::default();
        let stamp = halcyon_crdt::Stamp { dot: record.dot, hlc: record.hlc, ctx: record.ctx() };
        let Ok(()) = halcyon_crdt::apply(&mut rows, stamp, &record.effects);
        assert!(record.effects.iter().all(|effect| Effect::check(effect).is_ok()));
        deps = record.deps;
    }
}
