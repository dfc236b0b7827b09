//! A node's rows, as its log says: the last value of each register; and what audits read of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use halcyon_core::{Damage, PieceRead};
use halcyon_crdt::Effect;
use halcyon_types::{Dot, UnixMs};
use halcyon_wire::{Compare, Record, Verdict};

use super::Disk;

/// The entries of each row.
pub(crate) type Entries = BTreeMap<Bytes, BTreeMap<Dot, Bytes>>;

impl Disk {
    fn effects(&self) -> impl Iterator<Item = (Dot, Effect)> {
        let records = self.logs.iter().flat_map(|(actor, log)| log.iter().map(move |record| (*actor, record)));
        records.flat_map(|(actor, record)| {
            let dot = Dot { actor, seq: record.seq };
            Record::effects_of(&record.bytes).unwrap().into_iter().map(move |effect| (dot, effect))
        })
    }

    /// Each entry of each row: none takes another's place here.
    pub(crate) fn entries(&self) -> Entries {
        let mut rows = self.base.clone();
        for (dot, effect) in self.effects() {
            if let Effect::Assign { row, payload, .. } = effect {
                rows.entry(row.as_bytes().clone()).or_default().insert(dot, payload);
            }
        }
        rows
    }

    fn rows(&self) -> BTreeMap<Bytes, Bytes> {
        let value = |entries: BTreeMap<Dot, Bytes>| -> Bytes {
            let entries = entries.into_iter();
            let bytes = entries.map(|(dot, payload)| [format!("{dot}").as_bytes(), &payload].concat());
            bytes.collect::<Vec<_>>().concat().into()
        };
        let mut rows: BTreeMap<_, _> = self.entries().into_iter().map(|(row, entries)| (row, value(entries))).collect();
        rows.extend(self.spoilt.clone());
        rows.retain(|_, value| !value.is_empty());
        rows
    }

    fn digest(rows: &[(Bytes, Bytes)]) -> [u8; 32] {
        let mut hash = [0_u8; 32];
        for (place, byte) in rows.iter().flat_map(|(row, value)| row.iter().chain(value)).enumerate() {
            let at = place % 32;
            hash[at] = hash[at].wrapping_mul(31).wrapping_add(*byte).wrapping_add(1);
        }
        hash
    }

    /// As the store does: it ends before what cannot be read, and where it begins with that, behind it.
    pub(crate) fn piece(&self, from: &Bytes, upto: &Bytes, at: UnixMs, rows_max: usize) -> PieceRead {
        let (mut taken, mut damage, mut end) = (Vec::new(), Vec::new(), upto.clone());
        for (row, value) in self.rows().range(from.clone()..upto.clone()) {
            let behind: Bytes = [&row[..], &[0]].concat().into();
            if self.unreadable.contains(row) {
                if taken.is_empty() {
                    damage.push(Damage { from: from.clone(), upto: behind.clone(), what: "a flipped bit".to_owned() });
                    end = behind;
                } else {
                    end = row.clone();
                }
                break;
            }
            if taken.len() == rows_max {
                end = row.clone();
                break;
            }
            taken.push((row.clone(), value.clone()));
        }
        let rows = taken.len() as u64;
        let digest = Self::digest(&taken);
        PieceRead { vv: self.vv.clone(), upto: end, at, rows, bytes: 100 * rows, live: rows, digest, damage }
    }

    pub(crate) fn compare(&self, ask: &Compare) -> Result<Verdict, String> {
        assert!(ask.vv.le(&self.vv), "compared before this node had seen as much");
        let new = |dot: &Dot| !ask.vv.covers(*dot);
        if self.effects().any(|(dot, effect)| new(&dot) && effect.touches(&ask.from, &ask.upto)) {
            return Ok(Verdict::Moved);
        }
        let rows = self.rows();
        let rows = rows.range(ask.from.clone()..ask.upto.clone()).map(|(row, value)| (row.clone(), value.clone()));
        let rows: Vec<_> = rows.collect();
        if rows.iter().any(|(row, _)| self.unreadable.contains(row)) {
            return Err("a flipped bit".to_owned());
        }
        let same = rows.len() as u64 == ask.rows && Self::digest(&rows) == ask.digest;
        Ok(if same { Verdict::Same } else { Verdict::Differs })
    }
}
