//! Repair: a peer's whole state takes the place of this node's because an operator says so, as it otherwise does where records
//! are gone. What only this node has is replayed from its logs; rows are never mended one by one, nor states merged.

use halcyon_types::{Now, RegionId};
use halcyon_wire::{Finding, Refusal, RepairState};

use super::Replica;
use crate::event::Alarm;
use crate::rebuild::Rebuild;

impl Replica {
    /// What the audits have found, and whose state would be taken: that of `from`, or of whoever has seen most. With `begin`,
    /// it is.
    ///
    /// # Errors
    /// [`Refusal`]: nothing has been begun.
    pub fn repair(&mut self, now: Now, from: Option<RegionId>, begin: bool) -> Result<RepairState, Refusal> {
        let under_way = match &self.rebuild {
            Rebuild::Idle => None,
            Rebuild::Fetching(fetching) => Some((fetching.from, fetching.stored)),
            Rebuild::Switching => return Err(Refusal::Stopping),
        };
        let source = under_way.map(|(from, _)| from).or_else(|| match from {
            Some(wanted) => self.sources(now).any(|source| source == wanted).then_some(wanted),
            None => self.best_source(now, None),
        });
        if begin && under_way.is_none() {
            let Some(source) = source else { return Err(self.no_source(now, from)) };
            if self.stopping {
                return Err(Refusal::Stopping);
            }
            self.fetch_copy(now, source, true);
            self.check();
            return self.repair(now, from, false);
        }
        Ok(RepairState {
            life: self.boot,
            began: self.began.clone(),
            findings: self.findings(),
            from: source,
            pages: under_way.map(|(_, stored)| stored),
        })
    }

    fn findings(&self) -> Vec<Finding> {
        let differing = self.audit.findings.differing.iter().map(|found| Finding {
            peer: Some(found.peer),
            from: found.from.clone(),
            upto: found.upto.clone(),
            what: Alarm::Diverged(found.clone()).to_string(),
        });
        let damaged = self.audit.findings.damage().map(|found| Finding {
            peer: None,
            from: found.from.clone(),
            upto: found.upto.clone(),
            what: Alarm::Damaged(found.clone()).to_string(),
        });
        damaged.chain(differing).collect()
    }

    fn no_source(&self, now: Now, wanted: Option<RegionId>) -> Refusal {
        let able: Vec<_> = self.sources(now).map(|region| region.to_string()).collect();
        let able = if able.is_empty() { "none".to_owned() } else { able.join(", ") };
        let who = wanted.map_or_else(|| "no region".to_owned(), |region| format!("region {region} does not"));
        let verb = if wanted.is_some() { "" } else { " does" };
        let reason = format!(
            "{who}{verb} answer and hold all that this node's logs have dropped, so its state cannot take the place of this \
             node's; regions that do: {able}. Look at `halcyon status` and try again"
        );
        Refusal::InvalidArgument { reason }
    }
}
