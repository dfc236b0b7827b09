//! What replicas must show, said of the *set* of delivered records: no order of delivery, no rows, no effects.
//!
//! A record is what its client asked, who it is, and what it saw (ctx). From that alone:
//!
//! * Within a transaction the last word counts: a write stands unless a later removal of the same transaction reaches
//!   it, or (of a register or element) a later write of the same transaction replaces it.
//! * A standing write *survives* in a set of records iff no other record of the set that saw it removes it or, unless it
//!   is an increment, writes the same place; and, of a register, iff its actor has written that place no later.
//! * A register shows the survivor with the highest (hlc, actor, seq); a counter the sum of the surviving amounts; an
//!   element is in the set, a field in the map, a counter there at all, iff something survives at or below it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::rc::Rc;

use bytes::Bytes;
use halcyon_crdt::Kind;
use halcyon_types::ActorId;

use crate::universe::{At, ELEMENTS, Leaf, Place, actor};
use crate::world::{Act, Change, Record, payload};

/// What one transaction comes to.
#[derive(Debug, Default)]
pub(crate) struct Deed {
    pub(crate) writes: Vec<Write>,
    pub(crate) removals: Vec<Removal>,
}

/// A write that its own transaction let stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) place: Place,
    pub(crate) what: What,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Value(u8),
    Presence,
    Amount(i64),
}

/// What a removal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Everything at and below an object.
    Within(At),
    /// One counter or element.
    Only(Place),
}

impl Removal {
    fn reaches(self, place: Place) -> bool {
        match self {
            Self::Within(top) => place.at.is_within(top),
            Self::Only(only) => place == only,
        }
    }
}

impl Deed {
    pub(crate) fn of(changes: &[Change]) -> Self {
        let mut deed = Self::default();
        for (i, change) in changes.iter().enumerate() {
            let later = || changes[i + 1..].iter().copied();
            match said(*change) {
                Said::Removal(removal) => deed.removals.push(removal),
                Said::Write(write) => {
                    let undone = later().any(|other| match said(other) {
                        Said::Removal(removal) => removal.reaches(write.place),
                        Said::Write(other) => !write.is_amount() && other.place == write.place,
                    });
                    if !undone {
                        deed.writes.push(write);
                    }
                }
            }
        }
        deed
    }

    pub(crate) fn removes(&self, place: Place) -> bool {
        self.removals.iter().any(|removal| removal.reaches(place))
    }

    pub(crate) fn writes_to(&self, place: Place) -> bool {
        self.writes.iter().any(|write| write.place == place)
    }
}

enum Said {
    Write(Write),
    Removal(Removal),
}

fn said(Change { at, act }: Change) -> Said {
    let write = |leaf, what| Said::Write(Write { place: Place { at, leaf }, what });
    let only = |leaf| Said::Removal(Removal::Only(Place { at, leaf }));
    match act {
        Act::Set(value) => write(Leaf::Register, What::Value(value)),
        Act::Add(amount) => write(Leaf::Counter, What::Amount(amount)),
        Act::Insert(element) => write(Leaf::Element(element), What::Presence),
        Act::Remove(element) => only(Leaf::Element(element)),
        Act::Unset => only(Leaf::Register),
        Act::Reset => only(Leaf::Counter),
        Act::Delete => Said::Removal(Removal::Within(at)),
    }
}

impl Write {
    fn is_amount(&self) -> bool {
        matches!(self.what, What::Amount(_))
    }

    /// Whether this write of `by` is still there once every record of `set` is.
    fn survives(&self, by: &Record, set: &[Rc<Record>]) -> bool {
        !set.iter().any(|other| {
            if other.replica == by.replica && other.seq == by.seq {
                return false;
            }
            let saw = other.ctx.has(by.replica, by.seq);
            let own_later = other.replica == by.replica && other.seq > by.seq && self.place.leaf == Leaf::Register;
            saw && other.deed.removes(self.place)
                || (saw || own_later) && !self.is_amount() && other.deed.writes_to(self.place)
        })
    }
}

/// A surviving write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Survivor {
    pub(crate) place: Place,
    pub(crate) what: What,
    pub(crate) replica: usize,
    pub(crate) seq: u64,
    pub(crate) hlc: u64,
}

impl Survivor {
    fn rank(&self) -> (u64, ActorId, u64) {
        (self.hlc, actor(self.replica), self.seq)
    }

    /// What stands in its entry: nothing for an element.
    pub(crate) fn payload(&self) -> Bytes {
        match self.what {
            What::Value(value) => payload(value, self.replica, self.seq),
            What::Presence | What::Amount(_) => Bytes::new(),
        }
    }

    pub(crate) fn amount(&self) -> i128 {
        match self.what {
            What::Amount(amount) => i128::from(amount),
            What::Value(_) | What::Presence => 0,
        }
    }
}

/// What a set of records comes to.
#[derive(Debug)]
pub(crate) struct Truth {
    /// In no order that means anything.
    pub(crate) survivors: Vec<Survivor>,
}

impl Truth {
    pub(crate) fn of(set: &[Rc<Record>]) -> Self {
        let mut survivors = Vec::new();
        for by in set {
            for write in by.deed.writes.iter().filter(|write| write.survives(by, set)) {
                survivors.push(Survivor {
                    place: write.place,
                    what: write.what,
                    replica: by.replica,
                    seq: by.seq,
                    hlc: by.hlc,
                });
            }
        }
        Self { survivors }
    }

    fn standing(&self, at: At, leaf: Leaf) -> impl Iterator<Item = &Survivor> {
        self.survivors.iter().filter(move |s| s.place == Place { at, leaf })
    }

    pub(crate) fn value(&self, at: At) -> Option<Bytes> {
        let winner = self.standing(at, Leaf::Register).min_by_key(|s| Reverse(s.rank()));
        winner.map(Survivor::payload)
    }

    pub(crate) fn sum(&self, at: At) -> Option<i128> {
        let mut amounts = self.standing(at, Leaf::Counter).map(Survivor::amount).peekable();
        amounts.peek()?;
        Some(amounts.sum())
    }

    pub(crate) fn elements(&self, at: At) -> BTreeSet<Bytes> {
        let there = |i: &usize| self.standing(at, Leaf::Element(*i)).next().is_some();
        let elements = (0..ELEMENTS.len()).filter(there);
        elements.map(|i| Bytes::from_static(ELEMENTS[i])).collect()
    }

    pub(crate) fn fields(&self, at: At) -> BTreeSet<Bytes> {
        let fields = self.survivors.iter().filter_map(|s| s.place.at.field_under(at));
        fields.map(Bytes::from_static).collect()
    }

    /// The kinds of which something is at `at`, in key order.
    pub(crate) fn kinds(&self, at: At) -> Vec<Kind> {
        let is = |kind: &Kind| match kind {
            Kind::Register => self.value(at).is_some(),
            Kind::Counter => self.sum(at).is_some(),
            Kind::Set => !self.elements(at).is_empty(),
            Kind::Map => !self.fields(at).is_empty(),
        };
        Kind::ALL.into_iter().filter(is).collect()
    }
}

/// The amounts that `replica` has added at `place` within `set`, by seq, whether or not they still count.
pub(crate) fn increments(set: &[Rc<Record>], place: Place, replica: usize) -> impl Iterator<Item = (u64, i128)> {
    let own = set.iter().filter(move |record| record.replica == replica);
    own.flat_map(move |record| {
        let here = record.deed.writes.iter().filter(move |write| write.place == place);
        here.filter_map(move |write| match write.what {
            What::Amount(amount) => Some((record.seq, i128::from(amount))),
            What::Value(_) | What::Presence => None,
        })
    })
}
