//! Rights of bounded counters: asking for more where they run low, and passing on what can be spared.

use std::sync::Arc;

use halcyon_types::limits::RIGHTS_GRANTS_MAX;
use halcyon_types::{ActorId, Now, RegionId};
use halcyon_wire::{AskRights, PeerMessage};

use super::{Outstanding, Replica};
use crate::error::PeerError;
use crate::event::{Command, Job, JobResult};
use crate::rebalance::Need;

impl Replica {
    /// Asks the richest region that can be reached.
    pub(super) fn ask_rights(&mut self, now: Now, need: Need) {
        let Need { counter, amount, holders } = need;
        if !self.background || !self.asks.may_ask(now.mono, &counter) {
            return;
        }
        let reachable = holders.iter().filter_map(|(actor, rights)| Some((*rights, self.reach(now, *actor)?)));
        let richest = reachable.filter(|(rights, _)| *rights > 0).max_by_key(|(rights, _)| *rights);
        let Some((_, peer)) = richest else { return };
        self.asks.asked(now.mono, counter.clone());
        let message = PeerMessage::AskRights(AskRights { counter, amount });
        self.commands.push_back(Command::Send { peer, message });
    }

    /// The region that writes as `actor` now and can hear this one.
    fn reach(&self, now: Now, actor: ActorId) -> Option<RegionId> {
        let region = actor.region()?;
        let peer = self.peers.get(&region).filter(|peer| !peer.retired)?;
        let present = peer.inbound.actor == Some(actor) && peer.inbound.is_up() && peer.inbound.is_alive(now.mono);
        (present && peer.outbound.introduced).then_some(region)
    }

    /// A peer asks. What it gets stands in this node's log, so there is no answer but that; past the bound, from a node that
    /// stops, and where the log is full, none at all, and it asks again.
    pub(super) fn asked_for_rights(&mut self, now: Now, from: RegionId, ask: AskRights) -> Result<(), PeerError> {
        let AskRights { counter, amount } = ask;
        if amount == 0 || counter.check().is_err() || !self.keyspaces.contains(&counter.keyspace) {
            let reason = "it asks for no rights, or for those of what can be no counter here";
            return Err(PeerError::Protocol { from, reason });
        }
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.inbound.heard = now.mono;
        }
        let takes = self.members.is_member(from)
            && self.background
            && self.standing.writes()
            && !self.stopping
            && !self.truncation.is_full();
        if takes && self.grants < RIGHTS_GRANTS_MAX {
            self.grants += 1;
            let ticket = self.tickets.issue(Outstanding::Grant);
            let (wall, actors) = (self.own_wall(now), Arc::clone(&self.actors));
            self.jobs.push_back(Job::Grant { ticket, wall, counter, to: from, amount, actors });
        }
        Ok(())
    }

    pub(super) fn settle_grant(&mut self, result: &JobResult) {
        debug_assert!(matches!(result, JobResult::Done(_)), "a grant is done: {result:?}");
        self.grants -= 1;
        self.granted += u64::from(matches!(result, JobResult::Done(Some(_))));
    }
}
