//! What survives in a set of records.

use halcyon_types::{Dot, Hlc, UnixMs};

use crate::scenario::ObjectRef;

use super::deed::{Record, Write, Written};
use super::place::{Leaf, Place};

/// A write that survives, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Survivor {
    /// The record that wrote it.
    pub dot: Dot,
    /// The record's stamp.
    pub hlc: Hlc,
    /// The write.
    pub write: Write,
}

/// What a set of records comes to: everything that survives in it, in the order of (actor, seq).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// The survivors.
    pub survivors: Vec<Survivor>,
}

impl Truth {
    pub(super) fn of(set: &[&Record]) -> Self {
        let mut survivors = Vec::new();
        for by in set {
            let standing = by.deed.writes.iter().filter(|write| survives(write, by.dot, set));
            survivors.extend(standing.map(|write| Survivor::new(by, write)));
        }
        Self { survivors }
    }

    /// What a set comes to that has more records than the one this is the truth of, as far as a key is concerned: `all` that
    /// name it, among them the `new` ones.
    pub(super) fn extended(&self, key: &str, new: &[&Record], all: &[&Record]) -> Self {
        let old = self.survivors.iter().filter(|survivor| survives(&survivor.write, survivor.dot, new));
        let mut survivors: Vec<_> = old.cloned().collect();
        for by in new {
            let of_key = by.deed.writes.iter().filter(|write| write.place.object.key == key);
            let standing = of_key.filter(|write| survives(write, by.dot, all));
            survivors.extend(standing.map(|write| Survivor::new(by, write)));
        }
        Self { survivors }.in_order()
    }

    /// What it comes to with one more record, which nobody has seen yet, as far as some places are concerned.
    #[must_use]
    pub fn followed_by(&self, record: &Record, about: impl Fn(&Place) -> bool) -> Self {
        let about = |write: &Write| about(&write.place);
        let left = |survivor: &&Survivor| survives(&survivor.write, survivor.dot, &[record]);
        let old = self.survivors.iter().filter(|survivor| about(&survivor.write)).filter(left);
        let own = record.deed.writes.iter().filter(|write| about(write)).map(|write| Survivor::new(record, write));
        Self { survivors: old.cloned().chain(own).collect() }.in_order()
    }

    /// In the order of (actor, seq), and of each record's own words.
    pub(super) fn in_order(mut self) -> Self {
        self.survivors.sort_by_key(|survivor| survivor.dot);
        self
    }

    /// The survivors at a place.
    pub fn at<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a Survivor> {
        self.survivors.iter().filter(move |survivor| survivor.write.place == *place)
    }

    /// The survivors at one part of an object.
    pub(super) fn leaf(&self, object: &ObjectRef, leaf: Leaf) -> impl Iterator<Item = &Survivor> + use<'_> {
        let place = Place { object: object.clone(), leaf };
        self.survivors.iter().filter(move |survivor| survivor.write.place == place)
    }

    /// When a key ends: the longest of what survives; one that never ends is longer than all.
    pub fn deadline(&self, key: &str) -> Option<UnixMs> {
        let ends = self.leaf(&ObjectRef::key(key), Leaf::Deadline).filter_map(|survivor| match survivor.write.what {
            Written::Deadline(at) => Some(at.unwrap_or(UnixMs(u64::MAX))),
            _ => None,
        });
        ends.max().filter(|at| *at != UnixMs(u64::MAX))
    }

    /// Whether a key has ended.
    pub fn has_ended(&self, key: &str, now: UnixMs) -> bool {
        self.deadline(key).is_some_and(|at| at <= now)
    }
}

impl Survivor {
    fn new(by: &Record, write: &Write) -> Self {
        Self { dot: by.dot, hlc: by.hlc, write: write.clone() }
    }

    /// Whether it takes part at a time: it has not expired.
    pub fn is_live(&self, now: UnixMs) -> bool {
        !matches!(self.write.what, Written::Value { until: Some(until), .. } if until <= now)
    }

    /// What decides between concurrent writes.
    pub(super) const fn rank(&self) -> (Hlc, Dot) {
        (self.hlc, self.dot)
    }
}

/// The latest of some writes.
pub(super) fn latest<'a>(survivors: impl Iterator<Item = &'a Survivor>) -> Option<&'a Written> {
    survivors.max_by_key(|survivor| survivor.rank()).map(|survivor| &survivor.write.what)
}

/// Whether this write of a record is still there once every record of `set` is.
fn survives(write: &Write, by: Dot, set: &[&Record]) -> bool {
    if let Some(generation) = write.what.generation() {
        return !set
            .iter()
            .any(|other| other.dot != generation && other.ctx.covers(generation) && other.deed.removes(&write.place));
    }
    !set.iter().filter(|other| other.dot != by).any(|other| {
        let saw = other.ctx.covers(by);
        let own_later = write.place.leaf == Leaf::Register && other.dot.actor == by.actor && other.dot.seq > by.seq;
        let replaces = || !write.what.adds_up() && other.deed.writes_to(&write.place);
        saw && (other.deed.removes(&write.place) || replaces()) || own_later && replaces()
    })
}
