//! A request is carried out once in a region, and not at all where its record is known; and the first answer stays the answer
//! (P6).

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::{Dot, RegionId, RequestId, VersionVector};
use halcyon_wire::{Body, Outcome, Record};

use super::Invariant;
use super::exchange::Exchange;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Once {
    exchange: Exchange,
    made: BTreeMap<RequestId, BTreeSet<Dot>>,
    answered: BTreeMap<(RequestId, RegionId), Dot>,
    /// Whose disk was put back or lost: it may not know what it has done.
    set_back: BTreeSet<RegionId>,
    judged: u64,
}

impl Once {
    fn made(&mut self, record: &Record) -> Result<(), String> {
        let Some(request) = record.request else { return Ok(()) };
        let made = self.made.entry(request).or_default();
        if !made.insert(record.dot) {
            return Ok(());
        }
        self.judged += 1;
        let dot = record.dot;
        for other in made.iter().filter(|other| **other != dot) {
            let region = dot.actor.region();
            if other.actor.region() == region && !region.is_some_and(|region| self.set_back.contains(&region)) {
                return Err(format!("request {request} is both {other} and {dot}"));
            }
            if record.deps.covers(*other) {
                return Err(format!("request {request} became {dot} where it was known as {other}"));
            }
        }
        Ok(())
    }

    fn set_back(&mut self, at: RegionId, disk: &VersionVector, left: &VersionVector) {
        self.set_back.insert(at);
        self.made.values_mut().for_each(|made| made.retain(|dot| left.covers(*dot)));
        self.answered.retain(|(_, by), dot| *by != at || disk.covers(*dot));
    }

    fn answered(&mut self, request: RequestId, at: RegionId, dot: Dot) -> Result<(), String> {
        self.judged += 1;
        let first = *self.answered.entry((request, at)).or_insert(dot);
        if first == dot {
            return Ok(());
        }
        Err(format!("region {at} called request {request} {first}, and now {dot}"))
    }
}

impl Invariant for Once {
    fn name(&self) -> &'static str {
        "requests_are_carried_out_once"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let asked = self.exchange.see(seen);
        match seen {
            Observation::SetBack { region, disk, left } => {
                self.set_back(*region, disk, left);
                Ok(())
            }
            Observation::Applied { records, .. } => records.iter().try_for_each(|(record, _)| self.made(record)),
            Observation::Replied { region, response, .. } => match (asked.map(|open| open.body), &response.result) {
                (Some(Body::Write(write)), Ok(Outcome::Written(receipt))) => {
                    self.answered(write.request, *region, receipt.dot)
                }
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
    use crate::invariant::exchange::fixture::{dot, record, region, request, vv};

    fn made(nth: u64, seq: u64, others: &[(u64, u64)]) -> Record {
        Record { request: Some(request(1)), ..record(nth, seq, others).0 }
    }

    #[test]
    fn a_request_that_is_carried_out_twice_is_noticed() {
        let mut once = Once::default();
        assert_eq!(once.made(&made(1, 1, &[])), Ok(()));
        assert_eq!(once.made(&made(1, 1, &[])), Ok(()), "the same record, seen elsewhere");
        assert_eq!(once.made(&made(2, 1, &[])), Ok(()), "two regions that had not heard of each other");
        assert!(once.made(&made(1, 2, &[])).is_err());
        once.set_back(region(1), &vv(&[]), &vv(&[(1, 1), (2, 1)]));
        assert_eq!(once.made(&made(1, 3, &[])), Ok(()), "its disk does not know of the first");
        assert!(once.made(&made(1, 4, &[(1, 1)])).is_err(), "it does");
        let mut knows = Once::default();
        knows.made(&made(1, 1, &[])).unwrap();
        assert!(knows.made(&made(2, 1, &[(1, 1)])).is_err());
    }

    #[test]
    fn a_second_answer_that_is_another_is_noticed() {
        let mut once = Once::default();
        assert_eq!(once.answered(request(1), region(1), dot(1, 1)), Ok(()));
        assert_eq!(once.answered(request(1), region(2), dot(2, 1)), Ok(()));
        assert!(once.answered(request(1), region(1), dot(2, 1)).is_err());
    }
}
