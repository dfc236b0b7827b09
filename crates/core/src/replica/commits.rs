//! The committer's door: everything that this node tells anybody comes from here.

use std::collections::BTreeSet;

use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Dot, Now};
use halcyon_wire::fact::retired_by;
use halcyon_wire::{Outcome, Receipt};

use super::{Outstanding, Replica};
use crate::delivery::{Step, weight};
use crate::event::{Alarm, Command, Committed, Job, JobResult, SessionId};
use crate::rebalance::Need;

impl Replica {
    pub(super) fn committed(&mut self, now: Now, committed: Committed) {
        debug_assert!(self.synced.le(&committed.vv), "what is synced stays so");
        let Committed { results, vv, hlc, heads, facts } = committed;
        let wrote = vv.get(self.actor) > self.synced.get(self.actor);
        self.synced = vv;
        self.hlc = hlc;
        self.delivery.queued.set(self.actor, self.synced.get(self.actor));
        let before = facts.map(|facts| self.learn(facts));
        let (mut senders, mut minted) = (BTreeSet::new(), None);
        for (ticket, result) in results {
            match self.tickets.settle(ticket) {
                Some(Outstanding::Write { session, id, bytes }) => {
                    self.writes -= 1;
                    self.write_bytes -= bytes;
                    self.settle_write(now, session, id, result);
                }
                Some(Outstanding::Members { session, id, retires }) => {
                    self.settle_members(now, session, id, retires, result);
                }
                Some(Outstanding::Record { from, bytes }) => {
                    self.delivery.applied(from, bytes);
                    senders.insert(from);
                }
                Some(Outstanding::Grant) => self.settle_grant(&result),
                Some(Outstanding::Sweep) => self.settle_sweep(now, &result),
                Some(Outstanding::Mint) => minted = Some(result),
                Some(Outstanding::Truncation) => self.settle_truncation(now, result),
                None => debug_assert!(false, "a result for no job: {ticket:?}"),
            }
        }
        for (actor, hash) in heads {
            self.hashes.insert(actor, hash);
            // What the committer has yet to settle holds its sender's window shut: that is progress, not loss.
            if let Some(line) = self.delivery.lines.get_mut(&actor)
                && line.missing_since.is_some()
            {
                line.missing_since = Some(now.mono);
            }
        }
        if let Some(minted) = minted {
            self.settle_mint(now, &minted);
        }
        if let Some(before) = before {
            self.meet(now, &before);
        }
        if wrote {
            self.lag.committed(self.synced.get(self.actor), now.mono);
        }
        self.release_waiting(now);
        self.recheck_peers();
        self.settle_standing(now);
        self.deliver(now);
        for peer in senders {
            self.beat(now, peer);
        }
        if wrote {
            self.feed_all();
        }
    }

    pub(super) fn settle_write(&mut self, now: Now, session: SessionId, id: u64, result: JobResult) {
        let result = match result {
            JobResult::Written { dot, shortages } => {
                for need in shortages.into_iter().filter_map(Need::of_shortage) {
                    self.ask_rights(now, need);
                }
                Ok(self.receipt(dot))
            }
            JobResult::Duplicate(dot) => Ok(self.receipt(dot)),
            JobResult::Refused(refusal) => {
                if let Some(need) = Need::of_refusal(self.actor, &refusal) {
                    self.ask_rights(now, need);
                }
                Err(refusal)
            }
            JobResult::Applied | JobResult::Done(_) | JobResult::Minted(_) | JobResult::Truncated(_) => {
                debug_assert!(false, "a write is not applied but written");
                return;
            }
        };
        self.reply(session, id, result);
    }

    fn receipt(&self, dot: Dot) -> Outcome {
        debug_assert!(self.synced.covers(dot), "acked before its sync: {dot:?}");
        let mut token = self.synced.clone();
        if planted(Mutant::ReceiptForgetsWrite) {
            token.set(dot.actor, dot.seq.previous());
        }
        Outcome::Written(Receipt { dot, token })
    }

    /// Opens the gates of acks, and compares logs, at the new vector.
    fn recheck_peers(&mut self) {
        let mut forks = Vec::new();
        for (region, peer) in &mut self.peers {
            peer.inbound.open_gates(&self.synced);
            let Some(actor) = peer.inbound.actor else { continue };
            if peer.inbound.differs(self.synced.get(actor), self.hashes.get(&actor)) {
                forks.push((*region, actor));
            }
        }
        for (peer, actor) in forks {
            if let Some(reason) = self.fork(actor) {
                self.commands.push_back(Command::Drop { peer, reason });
            }
        }
        self.close_logs();
    }

    /// Hands the committer all that has become deliverable.
    pub(super) fn deliver(&mut self, now: Now) {
        let mut touched = BTreeSet::new();
        while let Some(step) = self.delivery.step() {
            match step {
                Step::Deliver { from, record, stored } => {
                    touched.insert(record.dot.actor);
                    let bytes = weight(&stored.bytes);
                    let ticket = self.tickets.issue(Outstanding::Record { from, bytes });
                    let retired: Vec<_> = retired_by(&record).collect();
                    self.jobs.push_back(Job::Record { ticket, wall: now.wall, record: *record, stored });
                    // Behind that record nothing goes to the committer that came from them.
                    for region in retired {
                        self.silence(region);
                    }
                }
                Step::Blocked { from, deps } => {
                    self.check_own(now, from, &deps);
                    touched.extend(deps.iter().map(|(actor, _)| actor));
                    if let Some(peer) = self.peers.get_mut(&from) {
                        peer.inbound.known.join(&deps);
                    }
                }
                Step::Bad { from, dot, error } => {
                    touched.insert(dot.actor);
                    if let Some(peer) = self.peers.get_mut(&from) {
                        peer.inbound.refused.insert(dot.actor);
                    }
                    self.alarm(Alarm::Undecodable { peer: from, dot, error });
                }
            }
        }
        for actor in touched {
            self.seek(now, actor);
        }
    }
}
