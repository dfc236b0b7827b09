//! The picture for operators.

use halcyon_types::{Now, RegionId, Seq, VersionVector};

use super::{Outstanding, Peer, Replica};
use crate::status::{PeerStatus, PullStatus, Status};

impl Replica {
    pub(super) fn report(&self, now: Now) -> Status {
        let records = |job: &&Outstanding| matches!(job, Outstanding::Record { .. });
        let pulls = self.delivery.lines.iter().filter_map(|(actor, line)| {
            line.pull.map(|pull| PullStatus { actor: *actor, peer: pull.peer, after: pull.after, upto: pull.upto })
        });
        Status {
            region: self.region,
            actor: self.actor,
            standing: self.standing.name(),
            ready: self.standing.answers(now.mono),
            vv: self.synced.clone(),
            heads: self.hashes.clone(),
            received: self.delivery.received_all(),
            hlc: self.hlc,
            stable: self.stable(),
            floors: self.truncation.floors().clone(),
            clock: self.clock_status(now),
            logs: self.logs(now),
            stopping: self.stopping,
            peers: self.others().map(|(id, peer)| self.peer(now, *id, peer)).collect(),
            members: self.member_states(now),
            closed: self.closed.values().flat_map(VersionVector::iter).collect(),
            queued_writes: self.writes,
            queued_write_bytes: self.write_bytes,
            queued_records: self.tickets.outstanding().filter(records).count(),
            pending_bytes: self.peers.keys().map(|peer| self.delivery.waiting_bytes(*peer)).sum(),
            waiting: self.waiting.len() + self.held.len(),
            transactions: self.transactions.len(),
            background: self.background,
            asks: self.asks.open(now.mono),
            asked: self.asks.sent,
            granted: self.granted,
            swept: self.sweeper.records,
            rebuilding: self.rebuilding(),
            copies: self.copies.len(),
            pulls: pulls.collect(),
            alarms: self.alarms.clone(),
        }
    }

    fn peer(&self, now: Now, region: RegionId, peer: &Peer) -> PeerStatus {
        let (inbound, outbound) = (&peer.inbound, &peer.outbound);
        let acked = inbound.acked.get(self.actor);
        let behind = |(actor, seq): (_, Seq)| seq.0.saturating_sub(self.synced.get(actor).0);
        PeerStatus {
            region,
            actor: inbound.actor,
            boot: inbound.boot,
            link_in: inbound.is_up(),
            link_out: outbound.is_up(),
            introduced: outbound.introduced && inbound.is_greeted(),
            rtt: inbound.rtt,
            silent_for: now.mono.saturating_sub(inbound.heard),
            clock_offset_ms: inbound.clock_offset_ms(),
            acked,
            lag_records: self.synced.get(self.actor).0.saturating_sub(acked.0),
            lag: self.lag.age(acked, now.mono),
            behind_records: inbound.known.iter().map(behind).fold(0, u64::saturating_add),
            stable: inbound.stable.clone(),
            unacked_bytes: outbound.unacked_bytes(),
            pending_bytes: self.delivery.waiting_bytes(region),
            pending_records: self.delivery.waiting_records(region),
        }
    }

    /// What every member is known to have on disk: the meet of all gated acks and the own vector.
    pub fn stable(&self) -> VersionVector {
        let least = |(actor, seq): (_, Seq)| {
            let acks = self.others().map(|(_, peer)| peer.inbound.stable.get(actor));
            (actor, acks.min().map_or(seq, |ack| ack.min(seq)))
        };
        self.synced.iter().map(least).collect()
    }

    /// Forgets the times of commits that every peer has.
    pub(super) fn forget_acked(&mut self) {
        let acks = self.others().map(|(_, peer)| peer.inbound.acked.get(self.actor));
        if let Some(acked) = acks.min() {
            self.lag.acked_by_all(acked);
        }
    }
}
