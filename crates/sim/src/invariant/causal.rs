//! Causes are seen before effects (P4), by clients that only read: whoever is shown an element of a chain can be shown, in
//! the same region from then on, the element that it names, and the one that this one names, without a token.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_crdt::Answer;
use halcyon_types::RegionId;
use halcyon_wire::{Body, Outcome};

use super::Invariant;
use super::exchange::Exchange;
use crate::workload::aims::{chain_of, link_of};
use crate::workload::words::text;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Causal {
    exchange: Exchange,
    /// What each region has shown, or has shown effects of: names, by chain.
    shown: BTreeMap<(RegionId, u8), BTreeSet<String>>,
    judged: u64,
}

impl Causal {
    /// `now`: not a transaction's older snapshot.
    fn shows(&mut self, at: RegionId, chain: u8, elements: &[String], now: bool) -> Result<(), String> {
        let names: BTreeSet<_> = elements.iter().map(|element| link_of(element).0).collect();
        let shown = self.shown.entry((at, chain)).or_default();
        if now {
            self.judged += u64::from(!shown.is_empty());
            if let Some(lacks) = shown.iter().find(|name| !names.contains(name.as_str())) {
                return Err(format!(
                    "region {at} does not show {lacks} of chain {chain}, but has shown what follows it"
                ));
            }
        }
        shown.extend(names.into_iter().map(str::to_owned));
        for (_, cause) in elements.iter().map(|element| link_of(element)) {
            if let Some((chain, name)) = cause {
                self.shown.entry((at, chain)).or_default().insert(name.to_owned());
            }
        }
        Ok(())
    }
}

impl Invariant for Causal {
    fn name(&self) -> &'static str {
        "causes_are_seen_before_effects"
    }

    fn promise(&self) -> &'static str {
        "P4"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let asked = self.exchange.see(seen);
        if let Observation::SetBack { region, .. } = seen {
            // What it has shown it may have lost.
            self.shown.retain(|(of, _), _| of != region);
        }
        let (Some(asked), Observation::Replied { region, response, .. }) = (asked, seen) else { return Ok(()) };
        match (&asked.body, &response.result) {
            (Body::Read { object, within, .. }, Ok(Outcome::Answer(Answer::Page(page)))) if page.next.is_none() => {
                let Some(chain) = chain_of(&text(&object.key)) else { return Ok(()) };
                let elements: Vec<_> = page.items.iter().map(|element| text(element)).collect();
                self.shows(*region, chain, &elements, within.is_none())
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::region;

    #[test]
    fn an_effect_without_its_cause_is_noticed() {
        let mut causal = Causal::default();
        let (effect, none): (Vec<String>, Vec<String>) = (vec!["2.2<0/1.1".to_owned()], vec![]);
        assert_eq!(causal.shows(region(2), 0, &none, true), Ok(()), "nothing was shown yet");
        assert_eq!(causal.shows(region(1), 1, &effect, true), Ok(()));
        assert_eq!(causal.shows(region(1), 0, &none, false), Ok(()), "an older snapshot");
        assert_eq!(causal.shows(region(2), 0, &none, true), Ok(()), "another region");
        assert!(causal.shows(region(1), 0, &none, true).is_err());
        assert!(causal.shows(region(1), 1, &none, true).is_err(), "what was shown is gone");
    }
}
