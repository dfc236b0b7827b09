//! What was acknowledged stays (P1): in every later vector of the region that said so, and in every region at the end; and
//! it is the record of that request (P6). A disk that is put back or lost takes with it what no other disk has, and nothing else.

use std::collections::BTreeMap;

use halcyon_types::{Dot, RegionId, RequestId, VersionVector};
use halcyon_wire::{Body, Outcome, Receipt};

use super::Invariant;
use super::exchange::Exchange;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Acked {
    exchange: Exchange,
    /// What each region has acknowledged.
    told: BTreeMap<RegionId, VersionVector>,
    /// And what of it all must have at the end: all but what was lost with a disk.
    owed: BTreeMap<RegionId, VersionVector>,
    /// What each record was made of.
    requests: BTreeMap<Dot, Option<RequestId>>,
    judged: u64,
}

impl Acked {
    fn ack(&mut self, at: RegionId, request: RequestId, receipt: &Receipt) -> Result<(), String> {
        self.judged += 1;
        for acked in [self.told.entry(at).or_default(), self.owed.entry(at).or_default()] {
            acked.observe(receipt.dot);
            acked.join(&receipt.token);
        }
        match self.requests.get(&receipt.dot) {
            Some(Some(made)) if *made == request => Ok(()),
            made => Err(format!("request {request} was acknowledged as {}, which is {made:?}'s", receipt.dot)),
        }
    }

    fn stands(&mut self, at: RegionId, vv: &VersionVector) -> Result<(), String> {
        self.judged += 1;
        match self.told.get(&at) {
            Some(acked) if !acked.le(vv) => {
                Err(format!("region {at} had acknowledged {acked:?}, and stands at {vv:?}"))
            }
            _ => Ok(()),
        }
    }

    fn set_back(&mut self, at: RegionId, disk: &VersionVector, left: &VersionVector) {
        if let Some(told) = self.told.get_mut(&at) {
            *told = told.meet(disk);
        }
        self.owed.values_mut().for_each(|owed| *owed = owed.meet(left));
    }

    fn everywhere(&self, at: RegionId, vv: &VersionVector) -> Result<(), String> {
        for (by, acked) in &self.owed {
            if !acked.le(vv) {
                return Err(format!("region {by} had acknowledged {acked:?}; at the end region {at} has {vv:?}"));
            }
        }
        Ok(())
    }
}

impl Invariant for Acked {
    fn name(&self) -> &'static str {
        "acked_writes_stay"
    }

    fn promise(&self) -> &'static str {
        "P1"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let asked = self.exchange.see(seen);
        match seen {
            Observation::Applied { region, vv, records } => {
                self.requests.extend(records.iter().map(|(record, _)| (record.dot, record.request)));
                self.stands(*region, vv)
            }
            Observation::SetBack { region, disk, left } => {
                self.set_back(*region, disk, left);
                Ok(())
            }
            Observation::Started { region, recovered } => self.stands(*region, &recovered.vv),
            Observation::Replied { region, response, .. } => match (asked.map(|open| open.body), &response.result) {
                (Some(Body::Write(write)), Ok(Outcome::Written(receipt))) => self.ack(*region, write.request, receipt),
                (_, Ok(Outcome::Written(_))) => Err("an acknowledgement of what was no write".to_owned()),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn end(&mut self, world: &World) -> Result<(), String> {
        for region in world.regions() {
            if let Some(node) = world.node(region) {
                self.everywhere(region, node.vv())?;
            }
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::{dot, region, request, vv};

    #[test]
    fn an_ack_that_goes_is_noticed_and_so_is_one_of_another_request() {
        let mut acked = Acked::default();
        acked.requests.insert(dot(1, 2), Some(request(1)));
        let receipt = Receipt { dot: dot(1, 2), token: vv(&[(1, 2), (2, 1)]) };
        assert_eq!(acked.ack(region(1), request(1), &receipt), Ok(()));
        assert!(acked.ack(region(1), request(2), &receipt).is_err());
        assert_eq!(acked.stands(region(1), &vv(&[(1, 2), (2, 1)])), Ok(()));
        assert!(acked.stands(region(1), &vv(&[(1, 1), (2, 1)])).is_err());
        assert!(acked.everywhere(region(2), &vv(&[(1, 2)])).is_err(), "the token is a promise too");
        acked.set_back(region(1), &vv(&[(1, 1)]), &vv(&[(1, 2)]));
        assert_eq!(acked.stands(region(1), &vv(&[(1, 1)])), Ok(()), "its disk was put back");
        assert!(acked.everywhere(region(2), &vv(&[(1, 1)])).is_err(), "another disk has it");
        assert_eq!(acked.everywhere(region(2), &vv(&[(1, 2)])), Ok(()), "of the other log nothing was left");
        let nobody = Receipt { dot: dot(1, 3), token: vv(&[]) };
        assert!(acked.ack(region(1), request(1), &nobody).is_err());
    }
}
