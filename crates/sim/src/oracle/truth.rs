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
        Self::of_places(set, |_| true)
    }

    /// As far as some places are concerned.
    pub(super) fn of_places(set: &[&Record], about: impl Fn(&Place) -> bool) -> Self {
        let mut survivors = Vec::new();
        for by in set {
            let standing = by.deed.writes.iter().filter(|write| about(&write.place) && survives(write, by, set));
            survivors.extend(standing.map(|write| Survivor { dot: by.dot, hlc: by.hlc, write: write.clone() }));
        }
        Self { survivors }
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

/// Whether this write of `by` is still there once every record of `set` is.
fn survives(write: &Write, by: &Record, set: &[&Record]) -> bool {
    if let Some(generation) = write.what.generation() {
        return !set
            .iter()
            .any(|other| other.dot != generation && other.ctx.covers(generation) && other.deed.removes(&write.place));
    }
    !set.iter().filter(|other| other.dot != by.dot).any(|other| {
        let saw = other.ctx.covers(by.dot);
        let own_later =
            write.place.leaf == Leaf::Register && other.dot.actor == by.dot.actor && other.dot.seq > by.dot.seq;
        let replaces = || !write.what.adds_up() && other.deed.writes_to(&write.place);
        saw && (other.deed.removes(&write.place) || replaces()) || own_later && replaces()
    })
}
