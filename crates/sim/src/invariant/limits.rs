//! Everything that a node holds is bounded (P10): within its limits at every step, no more than clients and peers have under
//! way, and nothing at all once nothing is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_core::Status;
use halcyon_types::limits::{
    COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_MAX, LINK_WINDOW_BYTES_MAX, PENDING_BYTES_MAX, RANGE_BYTES_MAX,
    RIGHTS_ASKS_MAX, TRANSACTIONS_MAX, WAITING_MAX,
};
use halcyon_types::{ActorId, RegionId};
use halcyon_wire::{Body, Outcome, Seen, TransactionId, Write};

use super::Invariant;
use super::exchange::Exchange;
use crate::workload::ClientId;
use crate::world::{Observation, World};

/// How many steps between two looks: a look costs more than a step.
const LOOK_EVERY: u32 = 8;

/// In the end, so long after a client has left its node knows.
const LEAVES_IN: Duration = Duration::from_secs(1);

/// See above.
#[derive(Debug, Default)]
pub(super) struct Limits {
    exchange: Exchange,
    /// How many transactions each process was asked to begin, whether they have ended or not.
    begun: BTreeMap<RegionId, usize>,
    /// Requests that were heard on connections that are no more: they may go on.
    orphans: BTreeMap<RegionId, usize>,
    /// The open transactions of each connection that still is.
    open: BTreeMap<(RegionId, ClientId), BTreeSet<TransactionId>>,
    /// When connections were lost, and how many were open on them.
    left: Vec<(Duration, RegionId, usize)>,
    /// Every log that has begun or is about to.
    logs: BTreeSet<ActorId>,
    steps: u32,
    judged: u64,
}

impl Limits {
    fn stands(&mut self, status: &Status) -> Result<(), String> {
        self.judged += 1;
        let at = status.region;
        let heard = self.exchange.of(at).count();
        let orphans = self.orphans.get(&at).copied().unwrap_or_default();
        let begun = self.begun.get(&at).copied().unwrap_or_default();
        let bounds = [
            ("writes with the committer", status.queued_writes, COMMIT_QUEUE_MAX.min(heard + orphans)),
            ("bytes of writes with the committer", status.queued_write_bytes, COMMIT_QUEUE_BYTES_MAX),
            ("requests that wait for their session", status.waiting, WAITING_MAX.min(heard + orphans)),
            ("open transactions", status.transactions, TRANSACTIONS_MAX.min(begun)),
            ("bounded counters asked for", status.asks, RIGHTS_ASKS_MAX),
            ("pulls", status.pulls.len(), self.logs.len()),
        ];
        let of_peers = status.peers.iter().flat_map(|peer| {
            let windows = 2 * LINK_WINDOW_BYTES_MAX + RANGE_BYTES_MAX;
            [
                ("bytes that wait for what they depend on", peer.pending_bytes, PENDING_BYTES_MAX),
                ("bytes sent and not acknowledged", peer.unacked_bytes, windows),
            ]
        });
        match bounds.into_iter().chain(of_peers).find(|(_, held, bound)| held > bound) {
            Some((what, held, bound)) => {
                Err(format!("region {at} holds {held} {what}; {bound} are the most there may be"))
            }
            None => Ok(()),
        }
    }

    /// Transactions that may be open: on connections that still are, or that were lost not long before `now`.
    fn may_be_open(&self, now: Duration, at: RegionId) -> usize {
        let open = self.open.iter().filter(|((of, _), _)| *of == at).map(|(_, open)| open.len());
        let left =
            self.left.iter().filter(|(lost, of, _)| *of == at && now <= *lost + LEAVES_IN).map(|(.., open)| *open);
        open.chain(left).sum()
    }

    fn is_empty(status: &Status, may_be_open: usize) -> Result<(), String> {
        let held = [
            ("open transactions of connections that are no more", status.transactions.saturating_sub(may_be_open)),
            ("writes with the committer", status.queued_writes),
            ("bytes of writes with the committer", status.queued_write_bytes),
            ("records with the committer", status.queued_records),
            ("bytes that wait for what they depend on", status.pending_bytes),
            ("requests that wait for their session", status.waiting),
        ];
        match held.into_iter().find(|(_, held)| *held > 0) {
            Some((what, held)) => {
                Err(format!("nothing is under way, and region {} holds {held} {what}", status.region))
            }
            None => Ok(()),
        }
    }

    fn parted(&mut self, now: Duration, client: ClientId, at: RegionId) {
        self.left.extend(self.open.remove(&(at, client)).map(|open| (now, at, open.len())));
        let open = self.exchange.of(at).filter(|(of, ..)| *of == client).count();
        *self.orphans.entry(at).or_default() += open;
    }
}

impl Invariant for Limits {
    fn name(&self) -> &'static str {
        "everything_held_is_bounded"
    }

    fn promise(&self) -> &'static str {
        "P10"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        if let Observation::Parted { client, region } = seen {
            self.parted(world.now(), *client, *region);
        }
        self.exchange.see(seen);
        match seen {
            Observation::Heard { client, region, request } => {
                match &request.body {
                    Body::Begin { .. } => *self.begun.entry(*region).or_default() += 1,
                    Body::Abort { transaction }
                    | Body::Write(Write { seen: Seen::Transaction { transaction, .. }, .. }) => {
                        self.open.entry((*region, *client)).or_default().remove(transaction);
                    }
                    _ => {}
                }
                Ok(())
            }
            Observation::Replied { client, region, response, .. } => {
                if let Ok(Outcome::Begun { transaction, .. }) = &response.result {
                    self.open.entry((*region, *client)).or_default().insert(*transaction);
                }
                Ok(())
            }
            Observation::Started { recovered, .. } => {
                self.logs.insert(recovered.actor);
                Ok(())
            }
            Observation::Minted { actor, .. } => {
                self.logs.insert(*actor);
                Ok(())
            }
            Observation::Crashed { region } => {
                self.begun.remove(region);
                self.orphans.remove(region);
                Ok(())
            }
            Observation::Stepped { region } => {
                self.steps = (self.steps + 1) % LOOK_EVERY;
                match (world.node(*region), world.clocks(*region)) {
                    (Some(node), Some(now)) if self.steps == 0 => self.stands(&node.replica().status(now)),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, world: &World) -> Result<(), String> {
        for region in world.regions() {
            if let (Some(node), Some(now)) = (world.node(region), world.clocks(region)) {
                Self::is_empty(&node.replica().status(now), self.may_be_open(world.now(), region))?;
            }
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
pub(super) mod tests {
    use halcyon_core::{ClockStatus, LogStatus};
    use halcyon_types::{Hlc, VersionVector};

    use super::*;
    use crate::invariant::exchange::fixture::{actor, region};

    pub(crate) fn status() -> Status {
        Status {
            region: region(1),
            actor: actor(1),
            standing: "serving",
            ready: true,
            rebuilding: None,
            copies: 0,
            vv: VersionVector::new(),
            received: VersionVector::new(),
            hlc: Hlc::ZERO,
            floors: VersionVector::new(),
            logs: LogStatus { bytes: 0, bytes_max: u64::MAX, retention: Duration::MAX, full: false, oldest: None },
            stable: VersionVector::new(),
            clock: ClockStatus { off_ms: None, clocks: 1, refuses: false, test: false },
            stopping: false,
            peers: Vec::new(),
            members: Vec::new(),
            closed: VersionVector::new(),
            queued_writes: 0,
            queued_write_bytes: 0,
            queued_records: 0,
            pending_bytes: 0,
            waiting: 0,
            transactions: 0,
            background: true,
            asks: 0,
            asked: 0,
            granted: 0,
            swept: 0,
            pulls: Vec::new(),
            alarms: BTreeMap::new(),
            heads: BTreeMap::new(),
        }
    }

    #[test]
    fn more_than_there_may_be_is_noticed() {
        let stands = |status: Status| Limits::default().stands(&status);
        assert_eq!(stands(status()), Ok(()));
        assert!(stands(Status { waiting: 1, ..status() }).is_err(), "nobody has asked");
        assert!(stands(Status { transactions: 1, ..status() }).is_err(), "nobody has begun one");
        assert!(stands(Status { queued_writes: 1, ..status() }).is_err());
        assert!(stands(Status { queued_write_bytes: COMMIT_QUEUE_BYTES_MAX + 1, ..status() }).is_err());
        assert!(stands(Status { asks: RIGHTS_ASKS_MAX + 1, ..status() }).is_err());
    }

    #[test]
    fn what_stays_behind_is_noticed() {
        assert_eq!(Limits::is_empty(&status(), 0), Ok(()));
        assert!(Limits::is_empty(&Status { waiting: 1, ..status() }, 0).is_err());
        assert!(Limits::is_empty(&Status { queued_records: 1, ..status() }, 0).is_err());
        assert!(Limits::is_empty(&Status { pending_bytes: 1, ..status() }, 0).is_err());
        assert!(Limits::is_empty(&Status { transactions: 2, ..status() }, 1).is_err());
        assert_eq!(Limits::is_empty(&Status { transactions: 1, ..status() }, 1), Ok(()));
    }
}
