//! A refusal leaves no trace (P6): a request that a region has refused each time becomes no record of that region.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::{Dot, RegionId, RequestId};
use halcyon_wire::{Body, Record};

use super::Invariant;
use super::exchange::Exchange;
use crate::world::{Observation, World};

/// What a region was asked, and did.
#[derive(Debug, Default, Clone, Copy)]
struct Asks {
    heard: u64,
    refused: u64,
    made: u64,
}

/// See above.
#[derive(Debug, Default)]
pub(super) struct Refused {
    exchange: Exchange,
    asks: BTreeMap<(RequestId, RegionId), Asks>,
    made: BTreeSet<Dot>,
    judged: u64,
}

impl Refused {
    fn change(&mut self, request: RequestId, at: RegionId, change: impl FnOnce(&mut Asks)) -> Result<(), String> {
        let asks = self.asks.entry((request, at)).or_default();
        change(asks);
        let Asks { heard, refused, made } = *asks;
        self.judged += u64::from(refused > 0);
        if made + refused <= heard {
            return Ok(());
        }
        Err(format!(
            "region {at} heard request {request} {heard} times, refused it {refused} times and made it a record"
        ))
    }

    /// A record, where it was made: once, be it that its region has lost it and been given it again.
    fn made(&mut self, at: RegionId, record: &Record) -> Result<(), String> {
        if record.dot.actor.region() != Some(at) || !self.made.insert(record.dot) {
            return Ok(());
        }
        match record.request {
            Some(request) => self.change(request, at, |asks| asks.made += 1),
            _ => Ok(()),
        }
    }
}

impl Invariant for Refused {
    fn name(&self) -> &'static str {
        "a_refusal_leaves_no_trace"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let asked = self.exchange.see(seen);
        match seen {
            Observation::Applied { region, records, .. } => {
                records.iter().try_for_each(|(record, _)| self.made(*region, record))
            }
            Observation::Heard { region, request, .. } => match &request.body {
                Body::Write(write) => self.change(write.request, *region, |asks| asks.heard += 1),
                _ => Ok(()),
            },
            Observation::Replied { region, response, .. } => match (asked.map(|open| open.body), &response.result) {
                (Some(Body::Write(write)), Err(_)) => self.change(write.request, *region, |asks| asks.refused += 1),
                _ => Ok(()),
            },
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
    use crate::invariant::exchange::fixture::{record, region, request};

    #[test]
    fn a_record_of_what_was_refused_is_noticed() {
        let made = Record { request: Some(request(1)), ..record(1, 1, &[]).0 };
        let mut refused = Refused::default();
        refused.change(request(1), region(1), |asks| asks.heard += 1).unwrap();
        refused.change(request(1), region(1), |asks| asks.refused += 1).unwrap();
        assert_eq!(refused.made(region(2), &made), Ok(()), "it was made elsewhere");
        assert!(refused.made(region(1), &made).is_err());
        let mut again = Refused::default();
        again.change(request(1), region(1), |asks| asks.heard += 2).unwrap();
        again.change(request(1), region(1), |asks| asks.refused += 1).unwrap();
        assert_eq!(again.made(region(1), &made), Ok(()), "the other ask was not refused");
    }
}
