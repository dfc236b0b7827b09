//! What a read prints, where exactly a set of records has arrived.

use std::collections::BTreeSet;

use halcyon_types::{ActorId, UnixMs};

use crate::scenario::{ObjectRef, Query, QueryKind, Value};

use super::deed::Written;
use super::place::{Leaf, Place, is_within};
use super::truth::{Survivor, Truth, latest};

impl Truth {
    /// What `query` prints at the region of `actor`, at a time.
    pub fn answer(&self, query: &Query, actor: ActorId, now: UnixMs) -> Value {
        let object = &query.object;
        if self.has_ended(&object.key, now) {
            return Value::expired(query);
        }
        let or_absent = |value: Option<Value>| value.unwrap_or_else(|| Value::absent(query));
        match &query.kind {
            QueryKind::Get => or_absent(self.register(object, now).map(Value::Text)),
            QueryKind::MvGet => Value::Set(self.leaf(object, Leaf::Values).filter_map(text).collect()),
            QueryKind::Counter => or_absent(self.sum(object).map(Value::counter)),
            QueryKind::Flag => Value::Truth(self.leaf(object, Leaf::Flag).next().is_some()),
            QueryKind::Members => Value::Set(self.elements(object).into_iter().collect()),
            QueryKind::Contains(element) => Value::Truth(self.elements(object).contains(element)),
            QueryKind::Fields => Value::Set(self.fields(object, now).into_iter().collect()),
            QueryKind::Score(member) => or_absent(self.score(object, member).map(Value::Number)),
            QueryKind::Rank { member, reverse } => {
                let ranking = turned(self.ranking(object), *reverse);
                let rank = ranking.iter().position(|(_, other)| other == member);
                or_absent(rank.and_then(|rank| i128::try_from(rank).ok()).map(Value::Integer))
            }
            QueryKind::RankRange { start, stop, reverse } => {
                let members = turned(self.ranking(object), *reverse).into_iter().map(|(_, member)| member).collect();
                Value::List(slice(members, *start, *stop))
            }
            QueryKind::ScoreRange { min, max, reverse } => {
                let within = turned(self.ranking(object), *reverse)
                    .into_iter()
                    .filter(|(score, _)| min <= score && score <= max);
                Value::List(within.map(|(_, member)| member).collect())
            }
            QueryKind::ListRange { start, stop } => Value::List(slice(self.values(object), *start, *stop)),
            QueryKind::ListIndex(index) => or_absent(slice(self.values(object), *index, *index).pop().map(Value::Text)),
            QueryKind::HllCount => Value::Integer(i128::try_from(self.observed(object).len()).unwrap_or(i128::MAX)),
            QueryKind::BoundedValue => Value::Integer(self.bounded_value(object)),
            QueryKind::BoundedRights => Value::Integer(self.rights(object, actor).max(0)),
            QueryKind::Ttl => {
                let left = self.deadline(&object.key).map(|at| i128::from(at.0) - i128::from(now.0));
                or_absent(left.map(Value::Integer))
            }
            QueryKind::Kinds => Value::Set(self.kinds(object, now).into_iter().map(str::to_owned).collect()),
        }
    }

    fn register(&self, object: &ObjectRef, now: UnixMs) -> Option<String> {
        match latest(self.leaf(object, Leaf::Register).filter(|survivor| survivor.is_live(now)))? {
            Written::Value { text, .. } => Some(text.clone()),
            _ => None,
        }
    }

    /// A counter's sum, if anything counts.
    pub fn sum(&self, object: &ObjectRef) -> Option<i128> {
        let mut amounts = self.leaf(object, Leaf::Counter).peekable();
        amounts.peek()?;
        Some(
            amounts
                .map(|survivor| if let Written::Amount { amount, .. } = survivor.write.what { amount } else { 0 })
                .sum(),
        )
    }

    fn elements(&self, object: &ObjectRef) -> BTreeSet<String> {
        let here = self.survivors.iter().filter(|survivor| survivor.write.place.object == *object);
        here.filter_map(|survivor| match &survivor.write.place.leaf {
            Leaf::Element(element) => Some(element.clone()),
            _ => None,
        })
        .collect()
    }

    fn fields(&self, object: &ObjectRef, now: UnixMs) -> BTreeSet<String> {
        let below = self.survivors.iter().filter(|survivor| survivor.is_live(now));
        below
            .map(|survivor| &survivor.write.place.object)
            .filter(|below| is_within(below, object))
            .filter_map(|below| below.path.get(object.path.len()).cloned())
            .collect()
    }

    fn values(&self, object: &ObjectRef) -> Vec<String> {
        self.items(object).into_iter().map(|(_, value)| value).collect()
    }

    fn observed(&self, object: &ObjectRef) -> BTreeSet<String> {
        let elements = self.leaf(object, Leaf::Observed).filter_map(|survivor| match &survivor.write.what {
            Written::Observed { elements, .. } => Some(elements.clone()),
            _ => None,
        });
        elements.flatten().collect()
    }

    fn kinds(&self, object: &ObjectRef, now: UnixMs) -> BTreeSet<&'static str> {
        let live = self.survivors.iter().filter(|survivor| survivor.is_live(now));
        let here = live.filter(|survivor| survivor.write.place.object == *object);
        let mut kinds: BTreeSet<_> = here.filter_map(|survivor| kind(&survivor.write.place)).collect();
        if !self.fields(object, now).is_empty() {
            kinds.insert("map");
        }
        kinds
    }
}

/// The type that a place is part of, as reads print it; a deadline is of none.
pub(super) fn kind(place: &Place) -> Option<&'static str> {
    Some(match place.leaf {
        Leaf::Register => "register",
        Leaf::Values => "mvregister",
        Leaf::Counter => "counter",
        Leaf::Flag => "flag",
        Leaf::Element(_) => "set",
        Leaf::Score(_) | Leaf::Added(_) => "sortedset",
        Leaf::Item(_) => "list",
        Leaf::Observed => "hyperloglog",
        Leaf::Rights => "boundedcounter",
        Leaf::Deadline => return None,
    })
}

fn text(survivor: &Survivor) -> Option<String> {
    match &survivor.write.what {
        Written::Value { text, .. } => Some(text.clone()),
        _ => None,
    }
}

fn turned<T>(mut all: Vec<T>, reverse: bool) -> Vec<T> {
    if reverse {
        all.reverse();
    }
    all
}

/// From one index to another, both included; negative ones count from the end.
fn slice(all: Vec<String>, start: i64, stop: i64) -> Vec<String> {
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let from_front = |index: i64| if index < 0 { count.saturating_add(index) } else { index };
    let (start, stop) = (from_front(start), from_front(stop));
    all.into_iter().zip(0..).filter(|(_, at)| (start..=stop).contains(at)).map(|(value, _)| value).collect()
}
