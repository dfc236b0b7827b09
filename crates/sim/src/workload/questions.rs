//! What is asked: about what a record named, about everything, or anything at all.

use std::collections::BTreeSet;

use crate::oracle::{Leaf, Place, Reach, Record};
use crate::scenario::{Command, ObjectRef, Query, QueryKind};

/// Types, as far as questions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The register.
    Register,
    /// The multi-value register.
    Values,
    /// The counter.
    Counter,
    /// The flag.
    Flag,
    /// The set.
    Set,
    /// The sorted set.
    SortedSet,
    /// The list.
    List,
    /// The `HyperLogLog`.
    HyperLogLog,
    /// The bounded counter.
    Bounded,
    /// What there is at all, until when.
    Presence,
}

impl Topic {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::Register,
        Self::Values,
        Self::Counter,
        Self::Flag,
        Self::Set,
        Self::SortedSet,
        Self::List,
        Self::HyperLogLog,
        Self::Bounded,
        Self::Presence,
    ];

    fn of(leaf: &Leaf) -> Self {
        match leaf {
            Leaf::Register => Self::Register,
            Leaf::Values => Self::Values,
            Leaf::Counter => Self::Counter,
            Leaf::Flag => Self::Flag,
            Leaf::Element(_) => Self::Set,
            Leaf::Score(_) | Leaf::Added(_) => Self::SortedSet,
            Leaf::Item(_) => Self::List,
            Leaf::Observed => Self::HyperLogLog,
            Leaf::Rights => Self::Bounded,
            Leaf::Deadline => Self::Presence,
        }
    }

    /// What can be asked about it.
    pub fn queries(self) -> Vec<QueryKind> {
        let member = || "x".to_owned();
        match self {
            Self::Register => vec![QueryKind::Get],
            Self::Values => vec![QueryKind::MvGet],
            Self::Counter => vec![QueryKind::Counter],
            Self::Flag => vec![QueryKind::Flag],
            Self::Set => vec![QueryKind::Members, QueryKind::Contains(member())],
            Self::SortedSet => vec![
                QueryKind::RankRange { start: 0, stop: -1, reverse: false },
                QueryKind::RankRange { start: -2, stop: 1, reverse: true },
                QueryKind::Score(member()),
                QueryKind::Rank { member: "y".to_owned(), reverse: true },
                QueryKind::Rank { member: member(), reverse: false },
                QueryKind::ScoreRange { min: 0.0, max: 2.5, reverse: true },
                QueryKind::ScoreRange { min: -1.5, max: 1.0, reverse: false },
            ],
            Self::List => vec![
                QueryKind::ListRange { start: 0, stop: -1 },
                QueryKind::ListRange { start: 1, stop: 2 },
                QueryKind::ListRange { start: -3, stop: 1 },
                QueryKind::ListIndex(-2),
                QueryKind::ListIndex(1),
            ],
            Self::HyperLogLog => vec![QueryKind::HllCount],
            Self::Bounded => vec![QueryKind::BoundedValue, QueryKind::BoundedRights],
            Self::Presence => vec![QueryKind::Kinds, QueryKind::Fields, QueryKind::Ttl],
        }
    }
}

/// Questions about what one record named, and about what is above it.
pub fn about(record: &Record, asked: &[Command]) -> Vec<Query> {
    let mut topics = BTreeSet::new();
    for write in &record.deed.writes {
        topics.insert((write.place.object.clone(), Topic::of(&write.place.leaf)));
    }
    for reach in &record.deed.removals {
        match reach {
            Reach::Only(place) => _ = topics.insert((place.object.clone(), Topic::of(&place.leaf))),
            Reach::Member(object, _) => _ = topics.insert((object.clone(), Topic::SortedSet)),
            Reach::Within(top) | Reach::Type(top, _) => {
                for object in
                    objects(asked).into_iter().filter(|object| Reach::Within(top.clone()).reaches_object(object))
                {
                    topics.extend(Topic::ALL.map(|topic| (object.clone(), topic)));
                }
            }
        }
    }
    let above: Vec<_> = topics.iter().flat_map(|(object, _)| with_parents(object)).collect();
    topics.extend(above.into_iter().map(|object| (object, Topic::Presence)));
    into_queries(topics)
}

/// Every question about everything that was ever asked for.
pub fn about_all(asked: &[Command]) -> Vec<Query> {
    let objects = objects(asked);
    into_queries(objects.iter().flat_map(|object| Topic::ALL.map(|topic| (object.clone(), topic))).collect())
}

fn into_queries(topics: BTreeSet<(ObjectRef, Topic)>) -> Vec<Query> {
    let queries = |(object, topic): (ObjectRef, Topic)| {
        topic.queries().into_iter().map(move |kind| Query { object: object.clone(), kind })
    };
    topics.into_iter().flat_map(queries).collect()
}

fn objects(asked: &[Command]) -> BTreeSet<ObjectRef> {
    asked.iter().flat_map(|command| with_parents(&command.object)).collect()
}

fn with_parents(object: &ObjectRef) -> Vec<ObjectRef> {
    let path = |depth: usize| object.path.iter().take(depth).cloned().collect();
    (0..=object.path.len()).map(|depth| ObjectRef { key: object.key.clone(), path: path(depth) }).collect()
}

trait ReachesObject {
    fn reaches_object(&self, object: &ObjectRef) -> bool;
}

impl ReachesObject for Reach {
    fn reaches_object(&self, object: &ObjectRef) -> bool {
        self.reaches(&Place { object: object.clone(), leaf: Leaf::Register })
    }
}
