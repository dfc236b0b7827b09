//! Bytes that say they are a record: what is taken is within its bounds, survives its bytes, and does to rows what it does
//! everywhere, through a layer and through the committer, without leaving a row that nobody can read.

use halcyon_crdt::{Layer, MemoryRows, Row, RowKey, Stamp, apply, read};
use halcyon_store::Head;
use halcyon_types::limits::{ACTORS_MAX, EFFECTS_MAX};
use halcyon_types::{ActorId, Seq, VersionVector};
use halcyon_wire::{Record, StoredRecord};

use super::drawn::{T, objects, questions, region};
use super::garden::Garden;
use super::site::{Site, disk_of};

/// Panics where a law is violated: a record was taken that breaks one of the laws above.
pub(super) fn body(data: &[u8]) {
    let actor = ActorId::mint(region(1), T);
    let golden: VersionVector = [(actor, Seq(3))].into_iter().collect();
    for previous in [&golden, &VersionVector::new()] {
        if let Some(record) = taken(data, actor, previous) {
            changes_rows(&record, MemoryRows::default());
            changes_rows(&record, Garden::get().rows.clone());
        }
    }
    follows(data);
}

/// Reads it twice, and once more from what it is written as.
fn taken(data: &[u8], actor: ActorId, previous: &VersionVector) -> Option<Record> {
    let record = Record::decode(data, actor, previous).map_err(|error| error.to_string()).ok()?;
    assert_eq!(Record::decode(data, actor, previous).as_ref(), Ok(&record), "read twice, read differently");
    assert!(record.effects.len() <= EFFECTS_MAX && record.deps.len() <= ACTORS_MAX);
    assert!(record.ctx().le(&record.deps) && previous.le(&record.deps));
    let written = record.encode(previous);
    assert_eq!((written.seq, Record::decode(&written.bytes, actor, previous)), (record.dot.seq, Ok(record.clone())));
    Some(record)
}

/// Applies it through a layer and without one, and asks everything of what is then there.
fn changes_rows(record: &Record, mut rows: MemoryRows) {
    let stamp = || Stamp { dot: record.dot, hlc: record.hlc, ctx: record.ctx() };
    let mut layer = Layer::over(rows.clone());
    let Ok(()) = apply(&mut layer, stamp(), &record.effects);
    let Ok(()) = apply(&mut rows, stamp(), &record.effects);
    for (key, row) in rows.iter() {
        can_be_read(key, row);
    }
    for object in objects() {
        for query in questions() {
            let told = read(&mut rows, &object, &query, T).map_err(|error| error.to_string());
            let through = read(&mut layer, &object, &query, T).map_err(|error| error.to_string());
            assert_eq!(format!("{told:?}"), format!("{through:?}"), "{query:?} of {object:?}");
        }
    }
}

fn can_be_read(key: &RowKey, row: &Row) {
    let mut stored = Vec::new();
    row.encode(&mut stored);
    let shape = RowKey::shape_of(key.as_bytes()).unwrap_or_else(|error| panic!("{error}: {key:?}"));
    assert_eq!(Row::decode(shape, &stored).as_ref(), Ok(row), "{key:?}");
}

/// Where it follows another region's log in the garden, it goes the whole way: committer, disk, restart.
fn follows(data: &[u8]) {
    let garden = Garden::get();
    let actor = ActorId::mint(region(2), T);
    let head = garden.heads.get(&actor).cloned().unwrap_or_else(|| Head::genesis(actor));
    let Some(record) = taken(data, actor, &head.deps) else { return };
    changes_rows(&record, garden.rows.clone());
    let mut site = Site::on(disk_of(&garden.entries), 1);
    let stored = StoredRecord { seq: record.dot.seq, bytes: data.to_vec().into() };
    let fits = record.dot.seq == Seq(head.seq.0 + 1) && record.deps.le(&site.vv());
    let staged = site.committer.stage_record(site.now, &record, &stored);
    assert_eq!(staged.is_ok(), fits || site.vv().covers(record.dot), "{staged:?}");
    site.commit();
    let at = site.now;
    assert_eq!(site.digest(at), Site::on(site.disk.crash(), 1).digest(at), "after a restart");
    site.answers(at);
}
