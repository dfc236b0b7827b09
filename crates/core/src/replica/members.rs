//! Members that come and go at run time, by facts that are committed.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use halcyon_types::members::{Facts, Members, Retired};
use halcyon_types::{ActorId, Now, RegionId, RequestId, Seq, VersionVector};
use halcyon_wire::{Change, Fact, PeerMessage, Refusal, Seen, Session, Write};

use super::clients::overloaded;
use super::{Outstanding, Peer, Replica};
use crate::error::PeerError;
use crate::event::{Alarm, Command, Job, JobResult, SessionId};
use crate::standing::Standing;
use crate::status::MemberStatus;
use crate::timer::Timer;

impl Replica {
    /// An operator changes who is a member. What has been committed under the same name before is answered as it was then.
    pub(super) fn change_members(
        &mut self,
        now: Now,
        session: SessionId,
        id: u64,
        request: RequestId,
        change: Change,
    ) -> Result<(), Refusal> {
        self.check_clock(now)?;
        if self.tickets.outstanding().any(|job| matches!(job, Outstanding::Members { .. })) {
            return Err(overloaded("the place for changes of the members, one at a time,"));
        }
        let fact = self.fact_of(change);
        let refusal = fact.as_ref().err().cloned().or_else(|| self.check_majority(now).err());
        let fact = fact.ok().filter(|_| refusal.is_none());
        let retires = match &fact {
            Some(Fact::Retired(region)) => Some(region.id),
            Some(Fact::Joined(_)) | None => None,
        };
        if let Some(region) = retires {
            self.silence(region);
        }
        let updates = fact.iter().map(Fact::update).collect();
        let write = Write { request, session: Session::default(), seen: Seen::Present, updates };
        let ticket = self.tickets.issue(Outstanding::Members { session, id, retires });
        // Full logs do not refuse it: to retire whom they wait for is what makes room.
        let (wall, actors) = (self.own_wall(now), Arc::clone(&self.actors));
        self.jobs.push_back(Job::Write { ticket, wall, write, snapshot: None, actors, refusal });
        Ok(())
    }

    /// The fact that a change comes to.
    fn fact_of(&self, change: Change) -> Result<Fact, Refusal> {
        let fact = match change {
            Change::Add(region) => self.members.may_join(&region).map(|()| Fact::Joined(region)),
            Change::Retire { name } => self.members.may_retire(&name).cloned().map(Fact::Retired),
            Change::Replace { name, peer, client, admin } => {
                self.members.member(&name).cloned().and_then(|mut region| {
                    region.peer = peer.unwrap_or(region.peer);
                    region.client = client.unwrap_or(region.client);
                    region.admin = admin.unwrap_or(region.admin);
                    self.members.may_move(&region).map(|()| Fact::Joined(region))
                })
            }
        };
        match fact {
            Ok(Fact::Retired(region)) if region.id == self.region => {
                let reason = format!("region {} cannot retire itself; ask another member", region.name);
                Err(Refusal::Membership { reason })
            }
            Ok(fact) => Ok(fact),
            Err(error) => Err(Refusal::Membership { reason: error.to_string() }),
        }
    }

    fn check_majority(&self, now: Now) -> Result<(), Refusal> {
        let reached =
            |peer: &Peer| peer.outbound.introduced && peer.inbound.is_greeted() && peer.inbound.is_alive(now.mono);
        let members = self.others().count() as u64 + 1;
        let reachable = self.others().filter(|(_, peer)| reached(peer)).count() as u64 + 1;
        if reachable * 2 > members { Ok(()) } else { Err(Refusal::NoMajority { reachable, members }) }
    }

    pub(super) fn settle_members(
        &mut self,
        now: Now,
        session: SessionId,
        id: u64,
        retires: Option<RegionId>,
        result: JobResult,
    ) {
        if let Some(region) = retires.filter(|_| matches!(result, JobResult::Refused(_))) {
            self.retiring.remove(&region);
        }
        self.settle_write(now, session, id, result);
    }

    /// From here on nothing is taken from a region: whatever this node says it has of it, behind the record that retires it,
    /// others can count on to be all.
    pub(super) fn silence(&mut self, region: RegionId) {
        if self.retiring.insert(region) {
            self.delivery.lose(region);
        }
    }

    /// Takes what is committed by now. Returns who were members before.
    pub(super) fn learn(&mut self, facts: Facts) -> Members {
        let before = self.members.clone();
        self.members.learn(facts);
        before
    }

    /// Goes on with the members that there are now.
    pub(super) fn meet(&mut self, now: Now, before: &Members) {
        if self.members.is_retired(self.region) {
            return self.retire();
        }
        let known: Vec<_> = self.members.known().map(|region| region.id).filter(|id| *id != self.region).collect();
        for id in known {
            let retired = self.members.is_retired(id);
            if let Entry::Vacant(place) = self.peers.entry(id) {
                place.insert(Peer::new(now.mono, retired));
                if !retired {
                    self.commands.push_back(Command::Dial { peer: id });
                }
            } else if self.members.region(id) != before.region(id) && self.timers.is_set(Timer::Dial(id)) {
                self.timers.set(Timer::Dial(id), now.mono);
            }
            if retired && self.peers.get_mut(&id).is_some_and(|peer| !std::mem::replace(&mut peer.retired, true)) {
                self.leave(now, id);
            }
        }
        self.close_logs();
        self.settle_standing(now);
        self.seek_all(now);
    }

    /// A region is no member any more.
    fn leave(&mut self, now: Now, region: RegionId) {
        self.silence(region);
        self.timers.cancel(Timer::Dial(region));
        Arc::make_mut(&mut self.actors).remove(&region);
        self.leave_source(now, region);
    }

    /// This region is no member any more.
    pub(super) fn retire(&mut self) {
        if matches!(self.standing, Standing::Retired) {
            return;
        }
        let acked = self.peers.values().map(|peer| peer.inbound.acked.get(self.actor)).max().unwrap_or_default();
        let unsent = self.synced.get(self.actor).0.saturating_sub(acked.0);
        self.standing = Standing::Retired;
        self.alarm(Alarm::Retired { unsent: Some(unsent) });
        self.timers.cancel(Timer::Despair);
        self.refuse_waiting_writes(&Refusal::Retired);
        self.end_rebuild();
        for peer in std::mem::take(&mut self.peers).into_keys() {
            self.delivery.lose(peer);
            for timer in [Timer::Dial(peer), Timer::Heartbeat(peer), Timer::Page(peer)] {
                self.timers.cancel(timer);
            }
            if self.copies.drop(peer) {
                self.commands.push_back(Command::EndCopy { peer });
            }
            self.commands.push_back(Command::HangUp { peer });
        }
        let missing: Vec<_> = self.delivery.lines.keys().map(|actor| Timer::Missing(*actor)).collect();
        for timer in missing {
            self.timers.cancel(timer);
        }
    }

    /// A region speaks that is no member any more: it may ask for what it lacks, so that it learns of it, and nothing that it
    /// says of others, or gives, is used.
    pub(super) fn retired_says(&mut self, now: Now, from: RegionId, message: PeerMessage) -> Result<(), PeerError> {
        let greeted = self.peers.get(&from).is_some_and(|peer| peer.inbound.is_greeted());
        match message {
            PeerMessage::Hello(hello) => {
                let up = self.peers.get(&from).is_some_and(|peer| peer.outbound.is_up());
                self.hello(now, from, &hello)?;
                if !greeted && !up {
                    self.timers.set(Timer::Dial(from), now.mono);
                }
                Ok(())
            }
            PeerMessage::Heartbeat(beat) if greeted => self.heartbeat(now, from, &beat),
            PeerMessage::Pull(pull) if greeted => self.pulled(now, from, &pull),
            PeerMessage::AskPage(ask) if greeted => {
                self.asked_for_page(now, from, ask);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Closes the logs of each retired region of which every member is known to have heard: who has heard takes nothing from it
    /// any more, so that what the one has that has most is all that there ever will be.
    pub(super) fn close_logs(&mut self) {
        if self.members.facts().retired.len() == self.closed.len() {
            return;
        }
        let mut closed = Vec::new();
        for (region, Retired { records, .. }) in &self.members.facts().retired {
            let knows = |vv: &VersionVector| records.iter().any(|record| vv.covers(*record));
            if self.closed.contains_key(region) || !self.others().all(|(_, peer)| knows(&peer.inbound.stable)) {
                continue;
            }
            let vectors = self.others().map(|(_, peer)| &peer.inbound.stable).chain([&self.synced]);
            let logs = vectors.flat_map(VersionVector::iter).filter(|(actor, _)| actor.region() == Some(*region));
            let mut ends = VersionVector::new();
            for (actor, seq) in logs {
                ends.set(actor, seq.max(ends.get(actor)));
            }
            closed.push((*region, ends));
        }
        self.closed.extend(closed);
    }

    /// Nobody has more of a log than where it was closed.
    pub(super) fn check_closed(&self, from: RegionId, actor: ActorId, last: Seq) -> Result<(), PeerError> {
        let Some(ends) = actor.region().and_then(|region| self.closed.get(&region)) else { return Ok(()) };
        let end = ends.get(actor);
        if last <= end { Ok(()) } else { Err(PeerError::Closed { from, actor, last, end }) }
    }

    pub(super) fn member_states(&self, now: Now) -> Vec<MemberStatus> {
        let state = |id: RegionId| match self.peers.get(&id) {
            _ if self.members.is_retired(id) => "retired",
            _ if id == self.region => self.standing.name(),
            Some(peer) if peer.inbound.is_greeted() && peer.inbound.is_alive(now.mono) => {
                if peer.inbound.joining {
                    "joining"
                } else {
                    "serving"
                }
            }
            _ => "silent",
        };
        self.members.known().map(|region| MemberStatus { region: region.clone(), state: state(region.id) }).collect()
    }
}
