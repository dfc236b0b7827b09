//! What every region must show, said of the *set* of records it holds: no rows, no effects, no order of delivery.
//!
//! A record is what its client asked, who made it, its stamp, and what it saw (ctx). From that alone:
//!
//! * Within a transaction the last word counts: a write stands unless a later removal of the same transaction reaches it, or
//!   a later write of the same transaction replaces it ([`Deed`]).
//! * A standing write *survives* in a set iff no other record of the set that saw it removes it or, unless it adds up,
//!   writes the same place; and, of a register, iff its own region has not written that place since. What belongs to a
//!   generation survives iff no record that saw the generation's beginning removes it ([`Truth`]).
//! * A read is a sentence about the survivors: the latest of a register, the sum of a counter, an element is there iff a
//!   write of it survives, and so on, one file per type.
//!
//! What a request comes to depends on what its client saw: the place that an index names, whether a key has ended, whose
//! rights there are. [`Oracle::judge`] says it, refusals included, of the same sets.
//!
//! Written for the purpose of judging the kernel, so it shares none of its code: ids, vectors and the language of what is
//! asked are all it knows. [`Oracle::truth`] is the definition, and slow: everything is worked out from the whole set each
//! time. [`Oracle::truth_of`] is one key's part of it, for long runs; tests hold the two against each other.
//!
//! Must never: look at rows or effects, or be used to serve anything.

mod answer;
mod deed;
mod judge;
mod list;
mod place;
mod rights;
mod sorted_set;
mod truth;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use halcyon_types::{Dot, Seq, VersionVector};

pub use deed::{Deed, Record, Write, Written};
pub use judge::{Request, Ruling};
pub use list::Position;
pub use place::{Leaf, Place, Reach};
pub use rights::RightsMove;
pub use truth::{Survivor, Truth};

/// Every record that there is; who holds which, vectors say.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    records: BTreeMap<Dot, Record>,
    /// The records that name a key.
    by_key: BTreeMap<String, BTreeSet<Dot>>,
    /// What was worked out of keys lately.
    known: RefCell<BTreeMap<String, Vec<Known>>>,
}

/// What is true of a key at a vector.
type Known = (VersionVector, Arc<Truth>);

/// What is kept of one key: about as many vectors as there are regions, and transactions that look back.
const KNOWN_MAX: usize = 12;

impl Oracle {
    /// Takes note of a record.
    pub fn tell(&mut self, record: Record) {
        for key in record.deed.keys() {
            self.by_key.entry(key.to_owned()).or_default().insert(record.dot);
            if let Some(known) = self.known.get_mut().get_mut(key) {
                known.retain(|(vv, _)| !vv.covers(record.dot));
            }
        }
        self.records.insert(record.dot, record);
    }

    /// A record it was told of.
    pub fn record(&self, dot: Dot) -> Option<&Record> {
        self.records.get(&dot)
    }

    /// Every key that a record has named.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// The records that a vector covers.
    pub fn set(&self, vv: &VersionVector) -> Vec<&Record> {
        self.records.values().filter(|record| vv.covers(record.dot)).collect()
    }

    /// What holds where exactly these records have arrived.
    pub fn truth(&self, vv: &VersionVector) -> Truth {
        Truth::of(&self.set(vv))
    }

    /// As far as one key is concerned: the same, of the records that name it. What survives in a set has survived in each
    /// part of it, so it is worked out from what was worked out of a smaller set, if there is one.
    pub fn truth_of(&self, vv: &VersionVector, key: &str) -> Arc<Truth> {
        let mut known = self.known.borrow_mut();
        let known = known.entry(key.to_owned()).or_default();
        let none = (VersionVector::new(), Arc::default());
        let smaller = known.iter().filter(|(smaller, _)| smaller.le(vv));
        let (below, truth) = smaller.min_by_key(|(smaller, _)| self.between(key, smaller, vv).count()).unwrap_or(&none);
        let new: Vec<_> = self.between(key, below, vv).collect();
        if new.is_empty() {
            return Arc::clone(truth);
        }
        let all: Vec<_> = self.between(key, &none.0, vv).collect();
        let truth = Arc::new(truth.extended(key, &new, &all));
        if known.len() == KNOWN_MAX {
            known.remove(0);
        }
        known.push((vv.clone(), Arc::clone(&truth)));
        truth
    }

    /// As far as some keys are concerned.
    pub fn truth_of_keys<'a>(&self, vv: &VersionVector, keys: impl IntoIterator<Item = &'a str>) -> Arc<Truth> {
        let mut truths: Vec<_> = keys.into_iter().map(|key| self.truth_of(vv, key)).collect();
        match truths.pop() {
            Some(only) if truths.is_empty() => only,
            Some(last) => {
                truths.push(last);
                let survivors = truths.iter().flat_map(|truth| truth.survivors.iter().cloned()).collect();
                Arc::new(Truth { survivors }.in_order())
            }
            None => Arc::default(),
        }
    }

    /// The records that name a key, behind one vector and up to another.
    fn between(&self, key: &str, below: &VersionVector, vv: &VersionVector) -> impl Iterator<Item = &Record> {
        let dots = self.by_key.get(key);
        let ranges = vv.iter().filter_map(|(actor, upto)| {
            let after = below.get(actor);
            (after < upto).then_some(Dot { actor, seq: Seq(after.0 + 1) }..=Dot { actor, seq: upto })
        });
        let ranges: Vec<_> = ranges.collect();
        let found =
            ranges.into_iter().flat_map(move |range| dots.into_iter().flat_map(move |dots| dots.range(range.clone())));
        found.filter_map(|dot| self.records.get(dot))
    }
}
