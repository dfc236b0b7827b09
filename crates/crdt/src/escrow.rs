//! Escrow: what one owner holds of a bounded counter, and what it has spent.
//!
//! Rights are granted by whoever raises the counter (to itself) or passes on its own; each grant stands in its giver's row,
//! which only the giver writes. So an owner can tell, alone and for good, what it may spend.

use std::collections::BTreeMap;

use halcyon_types::ActorId;
use halcyon_types::mutant::{Mutant, planted};
use serde::{Deserialize, Serialize};

/// One owner's row of one generation: absolute, written by its owner alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Escrow {
    /// Granted to each, by this owner; to itself what it added to the counter.
    pub granted: BTreeMap<ActorId, u64>,
    /// Spent by this owner.
    pub used: u64,
}

impl Escrow {
    /// Grants `amount` to `to`; `None` past 64 bits.
    #[must_use]
    pub fn grant(mut self, to: ActorId, amount: u64) -> Option<Self> {
        let granted = self.granted.entry(to).or_default();
        *granted = granted.checked_add(amount)?;
        Some(self)
    }

    /// Spends `amount`; `None` past 64 bits. Whether the rights are there is the caller's to check.
    #[must_use]
    pub fn spend(mut self, amount: u64) -> Option<Self> {
        self.used = self.used.checked_add(amount)?;
        Some(self)
    }
}

/// The rows of one generation, by owner.
pub type Generation = BTreeMap<ActorId, Escrow>;

/// What `actor` may still spend or pass on of a generation.
pub fn rights(generation: &Generation, actor: ActorId) -> i128 {
    let received: i128 = generation.values().filter_map(|row| row.granted.get(&actor)).map(|n| i128::from(*n)).sum();
    let gone = generation.get(&actor).map_or(0, |own| {
        let elsewhere = |to: &ActorId| *to != actor && !planted(Mutant::RightsGivenTwice);
        let passed = own.granted.iter().filter(|(to, _)| elsewhere(to)).map(|(_, n)| i128::from(*n));
        passed.sum::<i128>() + i128::from(own.used)
    });
    received - gone
}

/// What a generation adds to the counter's value.
pub fn value(generation: &Generation) -> i128 {
    let owned = |(actor, row): (&ActorId, &Escrow)| row.granted.get(actor).map_or(0, |n| i128::from(*n));
    let granted: i128 = generation.iter().map(owned).sum();
    granted - generation.values().map(|row| i128::from(row.used)).sum::<i128>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(n: u64) -> ActorId {
        ActorId::from_u64(n)
    }

    #[test]
    fn rights_are_what_was_received_less_what_was_passed_on_and_spent() {
        let one = Escrow::default().grant(actor(1), 10).unwrap().grant(actor(2), 4).unwrap().spend(3).unwrap();
        let two = Escrow::default().grant(actor(1), 1).unwrap().spend(2).unwrap();
        let generation: Generation = [(actor(1), one), (actor(2), two)].into_iter().collect();
        assert_eq!(rights(&generation, actor(1)), 10 + 1 - 4 - 3);
        assert_eq!(rights(&generation, actor(2)), 4 - 1 - 2);
        assert_eq!(rights(&generation, actor(3)), 0);
        assert_eq!(value(&generation), 10 - 3 - 2, "the value is what all may still spend");
    }

    #[test]
    fn sixty_four_bits_are_never_left() {
        let full = Escrow::default().grant(actor(1), u64::MAX).unwrap().spend(u64::MAX).unwrap();
        assert_eq!((full.clone().grant(actor(1), 1), full.clone().spend(1)), (None, None));
        assert!(full.grant(actor(2), u64::MAX).is_some());
    }
}
