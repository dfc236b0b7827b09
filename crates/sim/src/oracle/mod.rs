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
//! asked are all it knows. Slow on purpose: everything is worked out from the whole set each time.
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

use std::collections::BTreeMap;

use halcyon_types::{Dot, VersionVector};

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
}

impl Oracle {
    /// Takes note of a record.
    pub fn tell(&mut self, record: Record) {
        self.records.insert(record.dot, record);
    }

    /// A record it was told of.
    pub fn record(&self, dot: Dot) -> Option<&Record> {
        self.records.get(&dot)
    }

    /// The records that a vector covers.
    pub fn set(&self, vv: &VersionVector) -> Vec<&Record> {
        self.records.values().filter(|record| vv.covers(record.dot)).collect()
    }

    /// What holds where exactly these records have arrived.
    pub fn truth(&self, vv: &VersionVector) -> Truth {
        Truth::of(&self.set(vv))
    }
}
