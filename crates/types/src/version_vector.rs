//! What has been seen: for each actor, the highest contiguous seq.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ActorId, Dot, Seq};

/// A version vector: actor → highest seq seen, every lower one included. Actors at zero are absent, so equal vectors
/// have equal bytes.
///
/// A handful of actors is the rule (one per region and incarnation), so it is a sorted array: one allocation, and
/// comparisons walk two arrays side by side.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct VersionVector(Vec<(ActorId, Seq)>);

impl VersionVector {
    /// Nothing seen.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn slot(&self, actor: ActorId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&actor, |(a, _)| *a)
    }

    /// The highest seq seen of `actor`.
    pub fn get(&self, actor: ActorId) -> Seq {
        self.slot(actor).ok().and_then(|i| self.0.get(i)).map_or(Seq::ZERO, |(_, seq)| *seq)
    }

    /// Sets `actor` to `seq`, whatever it was; zero removes it.
    pub fn set(&mut self, actor: ActorId, seq: Seq) {
        match (self.slot(actor), seq) {
            (Ok(i), Seq::ZERO) => drop(self.0.remove(i)),
            (Ok(i), _) => {
                if let Some(slot) = self.0.get_mut(i) {
                    slot.1 = seq;
                }
            }
            (Err(_), Seq::ZERO) => {}
            (Err(i), _) => self.0.insert(i, (actor, seq)),
        }
    }

    /// Raises `dot.actor` to `dot.seq` if that is higher.
    pub fn observe(&mut self, dot: Dot) {
        if dot.seq > self.get(dot.actor) {
            self.set(dot.actor, dot.seq);
        }
    }

    /// Raises every actor to what `other` has seen.
    pub fn join(&mut self, other: &Self) {
        for (actor, seq) in other.iter() {
            self.observe(Dot { actor, seq });
        }
    }

    /// The lower of both, actor by actor.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        self.iter().map(|(actor, seq)| (actor, seq.min(other.get(actor)))).collect()
    }

    /// Whether `dot` is seen.
    pub fn covers(&self, dot: Dot) -> bool {
        dot.seq <= self.get(dot.actor)
    }

    /// Whether all that `self` has seen, `other` has seen too.
    pub fn le(&self, other: &Self) -> bool {
        self.iter().all(|(actor, seq)| seq <= other.get(actor))
    }

    /// Actors and seqs, by actor.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ActorId, Seq)> + '_ {
        self.0.iter().copied()
    }

    /// How many actors have been seen.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing has been seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries that turn `base` into `self`: the new seq of each actor that differs, zero where it vanished.
    pub fn changes_since(&self, base: &Self) -> Vec<(ActorId, Seq)> {
        let raised = self.iter().filter(|(actor, seq)| base.get(*actor) != *seq);
        let gone = base.iter().filter(|(actor, _)| self.get(*actor) == Seq::ZERO).map(|(actor, _)| (actor, Seq::ZERO));
        raised.chain(gone).collect()
    }

    /// Applies what [`Self::changes_since`] found.
    pub fn change(&mut self, changes: &[(ActorId, Seq)]) {
        for (actor, seq) in changes {
            self.set(*actor, *seq);
        }
    }
}

impl FromIterator<(ActorId, Seq)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (ActorId, Seq)>>(entries: I) -> Self {
        let mut vv = Self::new();
        for (actor, seq) in entries {
            vv.observe(Dot { actor, seq });
        }
        vv
    }
}

impl<'de> Deserialize<'de> for VersionVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<(ActorId, Seq)>::deserialize(deserializer)?;
        let ascending = entries.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a < b));
        if !ascending || entries.iter().any(|(_, seq)| *seq == Seq::ZERO) {
            return Err(serde::de::Error::custom(
                "a version vector lists each actor once, ascending, with a seq above zero",
            ));
        }
        Ok(Self(entries))
    }
}

impl fmt::Debug for VersionVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vectors() -> impl Strategy<Value = VersionVector> {
        prop::collection::vec((0_u64..6, 0_u64..5), 0..6)
            .prop_map(|entries| entries.into_iter().map(|(a, s)| (ActorId::from_u64(a), Seq(s))).collect())
    }

    proptest! {
        #[test]
        fn changes_turn_the_base_into_the_vector(base in vectors(), vv in vectors()) {
            let mut changed = base.clone();
            changed.change(&vv.changes_since(&base));
            prop_assert_eq!(changed, vv);
        }

        #[test]
        fn a_join_is_the_least_upper_bound(a in vectors(), b in vectors()) {
            let mut joined = a.clone();
            joined.join(&b);
            prop_assert!(a.le(&joined) && b.le(&joined));
            for (actor, seq) in joined.iter() {
                prop_assert!(a.get(actor) == seq || b.get(actor) == seq);
            }
        }

        #[test]
        fn le_is_covers_of_every_entry(a in vectors(), b in vectors()) {
            prop_assert_eq!(a.le(&b), a.iter().all(|(actor, seq)| b.covers(Dot { actor, seq })));
        }
    }
}
