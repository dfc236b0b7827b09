//! Rights of bounded counters: of which this region has asked for more, and how much to ask for.
//!
//! Rights move only as records of whoever holds them, so asking is a hint that may be lost, repeated or refused. It is asked
//! again when the region runs low again, never sooner than [`RIGHTS_PATIENCE`] after.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use halcyon_crdt::{Object, Shortage};
use halcyon_types::ActorId;
use halcyon_types::limits::{RIGHTS_ASKS_MAX, RIGHTS_PATIENCE};
use halcyon_wire::Refusal;

/// More rights that a region could use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) counter: Object,
    pub(crate) amount: u64,
    /// Who may spend how much.
    pub(crate) holders: Vec<(ActorId, i128)>,
}

impl Need {
    /// Up to an even share of all that is left.
    pub(crate) fn of_shortage(shortage: Shortage) -> Option<Self> {
        let Shortage { counter, own, share, holders } = shortage;
        Self::new(counter, share - own, holders)
    }

    /// What a refused write of the actor `own` lacked, or an even share, whichever is more.
    pub(crate) fn of_refusal(own: ActorId, refusal: &Refusal) -> Option<Self> {
        let Refusal::InsufficientRights { counter, needed, holders, .. } = refusal else { return None };
        let held = holders.iter().find(|(actor, _)| *actor == own).map_or(0, |(_, rights)| *rights);
        let others = holders.iter().filter(|(actor, _)| *actor != own).count();
        let left: i128 = holders.iter().map(|(_, rights)| rights).sum();
        let share = left / i128::try_from(others + 1).unwrap_or(1);
        Self::new(counter.clone(), share.max(i128::from(*needed)) - held, holders.clone())
    }

    fn new(counter: Object, amount: i128, holders: Vec<(ActorId, i128)>) -> Option<Self> {
        let amount = u64::try_from(amount.clamp(0, u64::MAX.into())).unwrap_or_default();
        (amount > 0).then_some(Self { counter, amount, holders })
    }
}

/// The counters of which more was asked for lately.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    open: BTreeSet<Object>,
    order: VecDeque<(Duration, Object)>,
    /// Since the start.
    pub(crate) sent: u64,
}

impl Asks {
    /// Whether more of the counter may be asked for now. To be followed by [`Self::asked`] if it is.
    pub(crate) fn may_ask(&mut self, now: Duration, counter: &Object) -> bool {
        while let Some((_, counter)) = self.order.pop_front_if(|(until, _)| *until <= now) {
            self.open.remove(&counter);
        }
        self.open.len() < RIGHTS_ASKS_MAX && !self.open.contains(counter)
    }

    pub(crate) fn asked(&mut self, now: Duration, counter: Object) {
        self.sent += 1;
        self.order.push_back((now + RIGHTS_PATIENCE, counter.clone()));
        self.open.insert(counter);
    }

    /// How many are out.
    pub(crate) fn open(&self, now: Duration) -> usize {
        self.order.iter().filter(|(until, _)| *until > now).count()
    }

    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.order.clear();
    }

    pub(crate) fn agrees(&self) -> bool {
        self.open.len() == self.order.len() && self.open.len() <= RIGHTS_ASKS_MAX
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::KeyspaceId;

    use super::*;

    fn counter(n: usize) -> Object {
        Object::new(KeyspaceId::try_from(1).unwrap(), n.to_string())
    }

    #[test]
    fn a_refused_write_needs_what_it_lacked_or_an_even_share() {
        let actor = ActorId::from_u64;
        let refusal = |needed, holders: &[(u64, i128)]| Refusal::InsufficientRights {
            reason: String::new(),
            counter: counter(0),
            needed,
            holders: holders.iter().map(|(n, rights)| (actor(*n), *rights)).collect(),
        };
        let amount =
            |needed, holders: &[(u64, i128)]| Need::of_refusal(actor(1), &refusal(needed, holders)).map(|n| n.amount);
        assert_eq!(amount(5, &[(2, 90)]), Some(45), "an even share of 90 is 45, and nothing is here");
        assert_eq!(amount(60, &[(1, 10), (2, 80)]), Some(50), "what it lacked is more");
        assert_eq!(amount(20, &[(1, 10), (2, 80), (3, 30)]), Some(30), "40 each");
        assert_eq!(Need::of_refusal(actor(1), &Refusal::Stopping), None);
    }

    #[test]
    fn a_counter_is_asked_for_once_at_a_time_and_asks_are_bounded() {
        let (mut asks, ms) = (Asks::default(), Duration::from_millis);
        for n in 0..RIGHTS_ASKS_MAX {
            assert!(asks.may_ask(ms(1), &counter(n)));
            asks.asked(ms(1), counter(n));
            assert!(!asks.may_ask(ms(1), &counter(n)));
        }
        assert!(!asks.may_ask(ms(1), &counter(RIGHTS_ASKS_MAX)) && asks.agrees());
        let later = ms(1) + RIGHTS_PATIENCE;
        assert_eq!((asks.open(ms(1)), asks.open(later)), (RIGHTS_ASKS_MAX, 0));
        assert!(asks.may_ask(later, &counter(0)) && asks.agrees());
    }
}
