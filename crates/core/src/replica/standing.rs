//! Beginning: whose log this node writes, and from when on it answers.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::limits::START_PATIENCE;
use halcyon_types::{ActorId, Now, RegionId, Seq, VersionVector};
use halcyon_wire::Refusal;

use super::{Outstanding, Replica};
use crate::event::{Alarm, Job, JobResult};
use crate::held::Held;
use crate::lag::Lag;
use crate::standing::Standing;
use crate::timer::Timer;

impl Replica {
    /// How it stands after any word of a peer or the committer: whether it can go on from here.
    pub(super) fn settle_standing(&mut self, now: Now) {
        if matches!(self.standing, Standing::Serving | Standing::Minting | Standing::Retired) {
            return;
        }
        let heard = 1 + self.others().filter(|(_, peer)| peer.inbound.is_greeted()).count();
        let majority = heard > self.others().count().div_ceil(2);
        match &self.standing {
            Standing::Resuming { .. } if majority => self.serve(now),
            Standing::Joining { until, target, had } => {
                let enough = majority || *until <= now.mono;
                if enough && target.le(&self.synced) {
                    let (target, had) = (target.clone(), had.clone());
                    self.tell_of_former(&target, &had);
                    self.serve(now);
                }
            }
            Standing::Resuming { .. } | Standing::Minting | Standing::Serving | Standing::Retired => {}
        }
    }

    /// What a peer has shown of the data that a new directory lacks.
    pub(super) fn join_target(&mut self, shown: &VersionVector) {
        if let Standing::Joining { target, .. } = &mut self.standing {
            target.join(shown);
        }
    }

    /// The time in which the others should have been heard is over.
    pub(super) fn despair(&mut self, now: Now) {
        match &self.standing {
            // Until somebody wants to write, there is time.
            Standing::Resuming { .. } if self.held.is_empty() => {}
            Standing::Resuming { .. } => self.mint(now),
            Standing::Joining { .. } => {
                self.settle_standing(now);
                if !self.standing.reads() {
                    self.refuse_held(&Refusal::CatchingUp);
                }
            }
            Standing::Minting | Standing::Serving | Standing::Retired => {}
        }
    }

    /// A peer does not admit this region. An empty directory is then no beginning of a cluster: there is one, and it waits until
    /// it is let in.
    pub(super) fn refused(&mut self) {
        if let Standing::Joining { until, .. } = &mut self.standing {
            *until = Duration::MAX;
            self.timers.cancel(Timer::Despair);
            self.refuse_held(&Refusal::CatchingUp);
        }
    }

    /// A peer has let this region in: from here on it has the patience of any that begins.
    pub(super) fn let_in(&mut self, now: Now) {
        if let Standing::Joining { until, .. } = &mut self.standing
            && *until == Duration::MAX
        {
            *until = now.mono + START_PATIENCE;
            self.timers.set(Timer::Despair, *until);
        }
    }

    /// A peer knows more of this node's log than its disk, and nothing has been written here since: the disk is an older one.
    pub(super) fn mint_behind(&mut self, now: Now, peer: RegionId, theirs: Seq, ours: Seq) {
        let was = self.actor;
        self.alarm(Alarm::OldDirectory { peer, was, theirs, ours });
        self.mint(now);
    }

    fn mint(&mut self, now: Now) {
        self.standing = Standing::Minting;
        self.timers.cancel(Timer::Despair);
        let ticket = self.tickets.issue(Outstanding::Mint);
        self.jobs.push_back(Job::Mint { ticket, wall: self.own_wall(now) });
    }

    /// From here on this node writes as another. What it wrote before is a log like that of any other region.
    pub(super) fn settle_mint(&mut self, now: Now, result: &JobResult) {
        let JobResult::Minted(actor) = *result else {
            return debug_assert!(false, "an actor is minted: {result:?}");
        };
        let was = std::mem::replace(&mut self.actor, actor);
        self.delivery.disown(was, std::mem::take(&mut self.own_deps));
        Arc::make_mut(&mut self.actors).insert(self.region, actor);
        self.lag = Lag::default();
        for peer in self.peers.values_mut() {
            peer.inbound.ahead = false;
            peer.outbound.introduce_anew(now.mono, peer.inbound.acked.get(actor));
        }
        let up: Vec<_> = self.peers.iter().filter(|(_, peer)| peer.outbound.is_up()).map(|(id, _)| *id).collect();
        for peer in up {
            self.beat(now, peer);
        }
        self.serve(now);
        self.seek(now, was);
    }

    fn serve(&mut self, now: Now) {
        if self.members.is_retired(self.region) {
            return self.retire();
        }
        self.standing = Standing::Serving;
        self.timers.cancel(Timer::Despair);
        for (since, session, id, body) in std::mem::take(&mut self.held).into_requests() {
            if let Err(refusal) = self.admit(now, since, session, id, body) {
                self.reply(session, id, Err(refusal));
            }
        }
    }

    pub(super) fn refuse_held(&mut self, refusal: &Refusal) {
        for (_, session, id, _) in std::mem::take::<Held>(&mut self.held).into_requests() {
            self.reply(session, id, Err(refusal.clone()));
        }
    }

    /// A directory in the place of one that is gone: what had not left that one is lost, and the operator is to know.
    fn tell_of_former(&mut self, target: &VersionVector, had: &VersionVector) {
        let former = |actor: ActorId| actor.region() == Some(self.region) && actor != self.actor;
        let last = target.iter().filter(|(actor, known)| former(*actor) && had.get(*actor) < *known).last();
        if let Some((was, known)) = last {
            self.alarm(Alarm::NewDirectory { was, known });
        }
    }
}
