//! A region's disk with something of every kind on it: what hostile bytes are applied to, and put among. Made once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use halcyon_crdt::{End, MemoryRows, Op, Stamp, Update, apply};
use halcyon_store::Head;
use halcyon_types::{ActorId, Seq};
use halcyon_wire::{Record, StoredRecord};

use super::drawn::{objects, region};
use super::site::{Entry, Site, entries};

/// The state of region 1, which has heard some of regions 2 and 3.
pub(super) struct Garden {
    pub(super) entries: Vec<Entry>,
    pub(super) rows: MemoryRows,
    pub(super) heads: BTreeMap<ActorId, Head>,
    /// What regions 2 and 3 have written and region 1 has not heard, in an order in which it can.
    pub(super) next: Vec<(ActorId, StoredRecord)>,
    /// Every record that it holds.
    pub(super) records: Vec<Record>,
}

impl Garden {
    /// The garden.
    pub(super) fn get() -> &'static Self {
        static GARDEN: OnceLock<Garden> = OnceLock::new();
        GARDEN.get_or_init(Self::grow)
    }

    fn grow() -> Self {
        let mut sites = [1, 2, 3].map(Site::new);
        let [here, there, far] = &mut sites;
        plant(here);
        there.hear_all(here);
        plant(there);
        plant(far);
        here.hear_all(there);
        here.hear_all(far);
        there.hear_all(far);
        trim(here);
        there.hear_all(here);
        let heads = here.heads.clone();
        plant(there);
        plant(far);
        let mut next = Vec::new();
        for site in [&*there, &*far] {
            let known = heads.get(&site.actor).map_or(Seq::ZERO, |head| head.seq);
            next.extend(site.log(site.actor, known, usize::MAX).into_iter().map(|stored| (site.actor, stored)));
        }
        let records = records_of(here);
        let mut rows = MemoryRows::default();
        for record in &records {
            let stamp = Stamp { dot: record.dot, hlc: record.hlc, ctx: record.ctx() };
            let Ok(()) = apply(&mut rows, stamp, &record.effects);
        }
        Self { entries: entries(&here.disk), rows, heads, next, records }
    }
}

/// Everything that a site holds, causes first.
fn records_of(site: &Site) -> Vec<Record> {
    let (mut logs, mut deps, mut records) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (actor, _) in site.vv().iter() {
        logs.insert(actor, site.log(actor, Seq::ZERO, usize::MAX).into_iter());
    }
    let mut applied = halcyon_types::VersionVector::new();
    let mut waiting: Vec<Record> = Vec::new();
    for (actor, log) in logs {
        for stored in log {
            let before = deps.entry(actor).or_default();
            let record = Record::decode(&stored.bytes, actor, before).unwrap_or_else(|error| panic!("a log: {error}"));
            before.clone_from(&record.deps);
            waiting.push(record);
        }
    }
    while let Some(index) = waiting.iter().position(|record| record.deps.le(&applied)) {
        let record = waiting.remove(index);
        applied.observe(record.dot);
        records.push(record);
    }
    assert!(waiting.is_empty(), "a log without its causes");
    records
}

fn plant(site: &mut Site) {
    let bytes = Bytes::from_static;
    for object in objects() {
        let put = |op| Update { object: object.clone(), op };
        let values = || vec![bytes(b"v"), bytes(b"w")];
        site.put(vec![put(Op::Set { value: bytes(b"v"), ttl_ms: None }), put(Op::SetMv { value: bytes(b"w") })]);
        site.put(vec![put(Op::Set { value: bytes(b"u"), ttl_ms: Some(90_000) }), put(Op::Enable)]);
        site.put(vec![put(Op::Add { amount: 7 }), put(Op::Insert { element: bytes(b"x") })]);
        site.put(vec![put(Op::Insert { element: bytes(b"a\0b") }), put(Op::Observe { elements: values() })]);
        site.put(vec![put(Op::Score { member: bytes(b"x"), score: 1.5 })]);
        site.put(vec![put(Op::AddScore { member: bytes(b"y"), amount: -0.5 })]);
        site.put(vec![put(Op::Push { end: End::Back, values: values() })]);
        site.put(vec![put(Op::Push { end: End::Front, values: values() })]);
        site.put(vec![put(Op::Raise { amount: 300 })]);
        site.put(vec![put(Op::Transfer { to: region(2), amount: 9 }), put(Op::Spend { amount: 5 })]);
        site.commit();
    }
    let [.., last] = objects();
    site.put(vec![Update { object: last, op: Op::Expire { ttl_ms: 90_000 } }]);
    site.commit();
}

fn trim(site: &mut Site) {
    for object in objects() {
        let put = |op| Update { object: object.clone(), op };
        site.put(vec![put(Op::Remove { element: Bytes::from_static(b"x") }), put(Op::Add { amount: -3 })]);
        site.commit();
    }
}

/// The effects that an origin of every kind has made, for whoever makes records of its own.
pub(super) fn effects() -> impl Iterator<Item = &'static halcyon_crdt::Effect> {
    Garden::get().records.iter().flat_map(|record| &record.effects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_of_every_kind_grows_in_it() {
        let garden = Garden::get();
        for kind in halcyon_crdt::Kind::ALL {
            let has = garden.rows.iter().any(|(key, _)| key.kind() == Ok(kind));
            assert_eq!(has, kind != halcyon_crdt::Kind::Map, "{kind}: a map is its fields");
        }
        assert!(garden.heads.len() == 3 && garden.next.len() > 20);
        assert!(effects().any(|effect| matches!(effect, halcyon_crdt::Effect::Hold { escrow, .. } if *escrow != halcyon_crdt::Escrow::default())));
    }
}
