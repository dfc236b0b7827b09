//! A log is gone on with only where most members were heard and none of them knows more of it (P2). Where a disk was set back
//! and whoever knows better was not there, two contents of a record cannot be prevented: then somebody is told.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::{ActorId, Dot, RegionId, Seq};
use halcyon_wire::PeerMessage;

use super::Invariant;
use crate::world::{Observation, World};

/// A process that has not said yet whose log it writes.
#[derive(Debug)]
struct Resuming {
    /// The log that was found, and its end.
    actor: ActorId,
    last: Seq,
    /// Whoever introduced itself.
    heard: BTreeSet<RegionId>,
    /// Who has shown more of the log.
    ahead: Option<(RegionId, Seq)>,
}

/// See above.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    resuming: BTreeMap<RegionId, Resuming>,
    /// A record of two contents, of which nobody was told yet.
    fork: Option<Dot>,
    judged: u64,
}

impl Resuming {
    fn may_go_on(&self, at: RegionId, members: usize) -> Result<(), String> {
        let Self { actor, last, heard, ahead } = self;
        if let Some((peer, theirs)) = ahead {
            return Err(format!(
                "region {at} goes on with {actor} behind {last}, and region {peer} had shown {theirs}"
            ));
        }
        let heard = heard.len() + 1;
        if heard * 2 > members {
            return Ok(());
        }
        Err(format!("region {at} goes on with {actor} behind {last}, having heard {heard} of {members} members"))
    }
}

impl Invariant for Resumed {
    fn name(&self) -> &'static str {
        "a_log_is_gone_on_with_only_if_most_know_no_more"
    }

    fn promise(&self) -> &'static str {
        "P2"
    }

    fn judges_forks(&self) -> bool {
        true
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Started { region, recovered } => {
                let actor = recovered.actor;
                self.resuming.remove(region);
                if let Some(head) = recovered.heads.get(&actor) {
                    let resuming = Resuming { actor, last: head.seq, heard: BTreeSet::new(), ahead: None };
                    self.resuming.insert(*region, resuming);
                }
            }
            Observation::Arrived { from, to, message: PeerMessage::Hello(hello) } => {
                if let Some(resuming) = self.resuming.get_mut(to) {
                    resuming.heard.insert(*from);
                    let theirs = hello.vv.get(resuming.actor);
                    if theirs > resuming.last {
                        resuming.ahead = Some((*from, theirs));
                    }
                }
            }
            Observation::Stepped { region } => {
                let Some(node) = world.node(*region).filter(|node| node.replica().is_serving()) else { return Ok(()) };
                if let Some(resuming) = self.resuming.remove(region)
                    && resuming.actor == node.actor()
                {
                    self.judged += 1;
                    return resuming.may_go_on(*region, world.regions().count());
                }
            }
            Observation::Forked { dot, known, .. } => self.fork = known.then_some(*dot),
            Observation::Unsettled => {
                if let Some(dot) = self.fork {
                    return Err(format!("{dot} has two contents, on two disks, and nobody was told"));
                }
            }
            _ => {}
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
    use crate::invariant::exchange::fixture::{actor, region};

    #[test]
    fn a_log_that_is_gone_on_with_unheard_or_against_better_knowledge_is_noticed() {
        let resuming = |heard: &[u64], ahead| Resuming {
            actor: actor(1),
            last: Seq(5),
            heard: heard.iter().map(|nth| region(*nth)).collect(),
            ahead,
        };
        assert_eq!(resuming(&[2], None).may_go_on(region(1), 3), Ok(()));
        assert!(resuming(&[2], None).may_go_on(region(1), 4).is_err());
        assert!(resuming(&[], None).may_go_on(region(1), 2).is_err());
        assert!(resuming(&[2, 3], Some((region(2), Seq(6)))).may_go_on(region(1), 3).is_err());
    }
}
