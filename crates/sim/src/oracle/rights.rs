//! Bounded counters: rights are made by raising, moved by giving, used by lowering; all of a generation, and die with it.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::{ActorId, Dot};

use super::deed::Written;
use super::place::{Leaf, Place};
use super::truth::Truth;
use crate::scenario::ObjectRef;

/// What was done with rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightsMove {
    /// Whose they were; nobody's: the counter was raised.
    pub from: Option<ActorId>,
    /// Whose they are; nobody's: the counter was lowered.
    pub to: Option<ActorId>,
    /// How many.
    pub amount: i128,
}

/// The rights of a bounded counter, generation by generation.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger(BTreeMap<Dot, Vec<RightsMove>>);

impl Ledger {
    /// What survives at a bounded counter, but for the generations that are being removed.
    pub(super) fn of(truth: &Truth, object: &ObjectRef, removed: impl Fn(&Place, Dot) -> bool) -> Self {
        let mut ledger = Self::default();
        for survivor in truth.leaf(object, Leaf::Rights) {
            if let Written::Rights { generation, what } = survivor.write.what
                && !removed(&survivor.write.place, generation)
            {
                ledger.0.entry(generation).or_default().push(what);
            }
        }
        ledger
    }

    /// The counter's value: every right that somebody has.
    pub(super) fn value(&self) -> i128 {
        let moves = self.0.values().flatten();
        moves
            .map(|what| {
                if what.from.is_none() {
                    what.amount
                } else if what.to.is_none() {
                    -what.amount
                } else {
                    0
                }
            })
            .sum()
    }

    /// What an actor has of one generation.
    fn of_generation(moves: &[RightsMove], actor: ActorId) -> i128 {
        let signed = |what: &RightsMove| {
            i128::from(what.to == Some(actor)) * what.amount - i128::from(what.from == Some(actor)) * what.amount
        };
        moves.iter().map(signed).sum()
    }

    /// What an actor has.
    pub(super) fn rights(&self, actor: ActorId) -> i128 {
        self.0.values().map(|moves| Self::of_generation(moves, actor)).sum()
    }

    /// The newest generation.
    fn newest(&self) -> Option<Dot> {
        self.0.keys().next_back().copied()
    }

    /// Rights are made: in the newest generation, or a new one.
    pub(super) fn raise(&mut self, own: Dot, amount: i128) -> Vec<(Dot, RightsMove)> {
        let what = RightsMove { from: None, to: Some(own.actor), amount };
        let generation = self.newest().unwrap_or(own);
        self.0.entry(generation).or_default().push(what);
        vec![(generation, what)]
    }

    /// Rights are given or used; `None` if there are too few. Out of one generation that has enough, else out of several,
    /// the newest first in either case.
    pub(super) fn draw(&mut self, own: ActorId, to: Option<ActorId>, amount: i128) -> Option<Vec<(Dot, RightsMove)>> {
        let mut purses: Vec<(Dot, i128)> = self
            .0
            .iter()
            .rev()
            .map(|(generation, moves)| (*generation, Self::of_generation(moves, own)))
            .filter(|(_, rights)| *rights > 0)
            .collect();
        if let Some(enough) = purses.iter().find(|(_, rights)| *rights >= amount) {
            purses = vec![*enough];
        }
        let mut left = amount;
        let mut drawn = Vec::new();
        for (generation, rights) in purses {
            let part = left.min(rights);
            if part > 0 {
                drawn.push((generation, RightsMove { from: Some(own), to, amount: part }));
            }
            left -= part;
        }
        if left > 0 {
            return None;
        }
        for (generation, what) in &drawn {
            self.0.entry(*generation).or_default().push(*what);
        }
        Some(drawn)
    }
}

impl Truth {
    /// The bounded counters of which something survives.
    pub(super) fn bounded_counters(&self) -> BTreeSet<ObjectRef> {
        let bounded = self.survivors.iter().filter(|survivor| survivor.write.place.leaf == Leaf::Rights);
        bounded.map(|survivor| survivor.write.place.object.clone()).collect()
    }

    /// A bounded counter's value.
    pub fn bounded_value(&self, object: &ObjectRef) -> i128 {
        Ledger::of(self, object, |_, _| false).value()
    }

    /// What one region may spend of it.
    pub fn rights(&self, object: &ObjectRef, actor: ActorId) -> i128 {
        Ledger::of(self, object, |_, _| false).rights(actor)
    }
}
