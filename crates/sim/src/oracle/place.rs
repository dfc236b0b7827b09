//! Where a write can stand, and how far a removal reaches: by names, part by part, never by encoded keys.

use crate::scenario::ObjectRef;

use super::answer::kind as kind_of;
use super::list::Position;

/// What one write is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The object.
    pub object: ObjectRef,
    /// Which part of it.
    pub leaf: Leaf,
}

/// Parts of objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf {
    /// The last-writer-wins register.
    Register,
    /// The multi-value register.
    Values,
    /// The counter.
    Counter,
    /// The flag.
    Flag,
    /// An element of the set.
    Element(String),
    /// The score that a member of the sorted set was given.
    Score(String),
    /// What was added to a member's score.
    Added(String),
    /// A place in the list.
    Item(Position),
    /// The `HyperLogLog`.
    Observed,
    /// The bounded counter.
    Rights,
    /// When the key ends.
    Deadline,
}

/// How far a removal reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everything at and below an object.
    Within(ObjectRef),
    /// All of one type at an object, by its name.
    Type(ObjectRef, &'static str),
    /// A member of a sorted set: what it was given, and what was added.
    Member(ObjectRef, String),
    /// One place.
    Only(Place),
}

impl Reach {
    /// The key that it reaches into.
    pub fn key(&self) -> &str {
        match self {
            Self::Within(object) | Self::Type(object, _) | Self::Member(object, _) => &object.key,
            Self::Only(place) => &place.object.key,
        }
    }

    /// Whether it reaches a place.
    pub fn reaches(&self, place: &Place) -> bool {
        match self {
            Self::Within(top) => is_within(&place.object, top),
            Self::Type(top, "map") => is_within(&place.object, top) && place.object != *top,
            Self::Type(object, kind) => place.object == *object && kind_of(place) == Some(kind),
            Self::Member(object, member) => {
                let of = matches!(&place.leaf, Leaf::Score(of) | Leaf::Added(of) if of == member);
                of && place.object == *object
            }
            Self::Only(only) => place == only,
        }
    }
}

/// Whether an object is `top`, or in the map there.
pub(super) fn is_within(object: &ObjectRef, top: &ObjectRef) -> bool {
    object.key == top.key && object.path.starts_with(&top.path)
}
