//! Local requests never wait for others (P9), whatever the links do: a read is answered in the step that hears it, a write no
//! later than the committer has nothing left to do, and what waits for its session no longer than it asked to. Nor are they
//! refused for others' sake: no queue is said to be full that is not. The one exception: a node that has just begun looks for
//! so long whether its log is still its own.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_core::Status;
use halcyon_types::limits::{
    COMMIT_QUEUE_MAX, CONNECTION_TRANSACTIONS_MAX, SESSION_WAIT_MAX, START_PATIENCE, WAITING_MAX,
};
use halcyon_types::{RegionId, VersionVector};
use halcyon_wire::{Body, Refusal};

use super::Invariant;
use super::exchange::{Exchange, Open};
use crate::workload::ClientId;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    exchange: Exchange,
    heard: BTreeMap<(ClientId, u64), Duration>,
    /// When each region did something: the last time, and the last before it.
    steps: BTreeMap<RegionId, (Duration, Duration)>,
    judged: u64,
}

/// How a node stands at the end of a step.
struct Stand<'a> {
    vv: &'a VersionVector,
    /// Whether its committer has nothing to do.
    idle: bool,
    /// Whether it knows whose log it writes; and when its process began.
    ready: bool,
    began: Duration,
    /// The last moment before this one at which it did something. One that stood still has had no chance in between.
    awake: Duration,
}

/// Why a request may still be unanswered.
fn may_wait(open: &Open, heard: Duration, stand: &Stand<'_>) -> bool {
    let session = match &open.body {
        Body::Write(write) => Some(&write.session),
        Body::Read { session, .. } | Body::Scan { session, .. } | Body::Begin { session } | Body::Token { session } => {
            Some(session)
        }
        Body::Abort { .. } | Body::Digest { .. } | Body::Copy { .. } | Body::Repair { .. } => None,
    };
    let lacks = session.filter(|session| !session.token.le(stand.vv));
    let for_session = lacks.is_some_and(|session| {
        let wait = Duration::from_millis(session.wait_ms.into()).min(SESSION_WAIT_MAX);
        stand.awake <= heard + wait
    });
    if !stand.ready {
        return for_session || stand.awake <= heard.max(stand.began + START_PATIENCE) || !stand.idle;
    }
    if lacks.is_some() {
        return for_session;
    }
    matches!(open.body, Body::Write(_)) && !stand.idle
}

/// Whether a queue can be full. Those of bytes cannot, as little as clients ask here.
fn refused(queue: &str, status: &Status) -> Result<(), String> {
    let Status { region, queued_writes, waiting, transactions, .. } = status;
    if *queued_writes >= COMMIT_QUEUE_MAX || *waiting >= WAITING_MAX || *transactions >= CONNECTION_TRANSACTIONS_MAX {
        return Ok(());
    }
    Err(format!(
        "region {region} says that {queue} is full, with {queued_writes} writes, {waiting} that wait, {transactions} transactions"
    ))
}

fn status(world: &World, at: RegionId) -> Option<Status> {
    Some(world.node(at)?.replica().status(world.clocks(at)?))
}

impl Prompt {
    fn stepped(&mut self, at: RegionId, stand: &Stand<'_>) -> Result<(), String> {
        for (client, id, open) in self.exchange.of(at) {
            self.judged += 1;
            let heard = self.heard.get(&(client, id)).copied().unwrap_or_default();
            if !may_wait(open, heard, stand) {
                return Err(format!(
                    "region {at} has not answered {:?} of client {}, heard at {heard:?}",
                    open.body, client.0
                ));
            }
        }
        Ok(())
    }
}

impl Invariant for Prompt {
    fn name(&self) -> &'static str {
        "local_requests_never_wait_for_others"
    }

    fn promise(&self) -> &'static str {
        "P9"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        self.exchange.see(seen);
        match seen {
            Observation::Heard { client, request, .. } => {
                self.heard.insert((*client, request.id), world.now());
                Ok(())
            }
            Observation::Replied { region, response, .. } => match &response.result {
                Err(Refusal::Overloaded { queue }) => {
                    status(world, *region).map_or(Ok(()), |status| refused(queue, &status))
                }
                _ => Ok(()),
            },
            Observation::Stepped { region } => match world.node(*region) {
                Some(node) if node.stands_still_until() <= world.now() => {
                    let (now, steps) = (world.now(), self.steps.entry(*region).or_default());
                    if steps.0 < now {
                        *steps = (now, steps.0);
                    }
                    let stand = Stand {
                        vv: node.vv(),
                        idle: node.is_idle(),
                        ready: node.replica().is_serving(),
                        began: node.began(),
                        awake: steps.1,
                    };
                    self.stepped(*region, &stand)
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
    use halcyon_wire::{Seen, Session, Write};

    use super::*;
    use crate::invariant::exchange::fixture::{region, request, vv};

    const HEARD: Duration = Duration::from_millis(10);

    fn waits(body: Body, has: &[(u64, u64)], idle: bool, awake_ms: u64) -> bool {
        let (open, vv) = (Open { region: region(1), body }, vv(has));
        may_wait(
            &open,
            HEARD,
            &Stand { vv: &vv, idle, ready: true, began: HEARD, awake: Duration::from_millis(awake_ms) },
        )
    }

    fn tied() -> Session {
        Session { token: vv(&[(2, 1)]), wait_ms: 100 }
    }

    fn write(session: Session) -> Body {
        Body::Write(Write { request: request(1), session, seen: Seen::Present, updates: Vec::new() })
    }

    #[test]
    fn a_write_that_waits_for_more_than_the_disk_is_noticed() {
        assert!(waits(write(Session::default()), &[], false, 11), "it is being synced");
        assert!(!waits(write(Session::default()), &[], true, 11));
    }

    #[test]
    fn a_read_that_waits_at_all_is_noticed() {
        assert!(!waits(Body::Token { session: Session::default() }, &[], false, 10));
        assert!(!waits(Body::Token { session: tied() }, &[(2, 1)], false, 11), "its token is there");
    }

    #[test]
    fn a_node_that_has_just_begun_has_its_time() {
        let patience = u64::try_from(START_PATIENCE.as_millis()).unwrap();
        let (open, vv) = (Open { region: region(1), body: write(Session::default()) }, vv(&[]));
        let waits = |heard_ms, awake_ms, idle| {
            let [heard, awake] = [heard_ms, awake_ms].map(|ms| HEARD + Duration::from_millis(ms));
            may_wait(&open, heard, &Stand { vv: &vv, idle, ready: false, began: HEARD, awake })
        };
        assert!(waits(1, patience, true) && !waits(1, patience + 1, true));
        assert!(waits(1, patience + 1, false), "a new log is being begun");
        assert!(!waits(patience + 1, patience + 2, true), "its time is over");
    }

    #[test]
    fn a_session_that_waits_longer_than_it_asked_to_is_noticed() {
        assert!(waits(write(tied()), &[], true, 110));
        assert!(!waits(write(tied()), &[], true, 111));
        assert!(waits(Body::Token { session: tied() }, &[], true, 110));
        assert!(!waits(Body::Token { session: tied() }, &[], true, 111));
    }

    #[test]
    fn a_refusal_for_want_of_room_where_there_is_room_is_noticed() {
        let status = crate::invariant::limits::tests::status;
        assert!(refused("the commit queue", &status()).is_err());
        let full = Status { transactions: CONNECTION_TRANSACTIONS_MAX, ..status() };
        assert_eq!(refused("this connection's table of open transactions", &full), Ok(()));
    }
}
