//! All regions agree in time (P3): once every fault has ended, no more than so long passes until all have seen the same,
//! nothing is under way, and every client has its answers.

use std::fmt::Write as _;
use std::time::Duration;

use super::Invariant;
use crate::world::{Observation, World};

/// From the heal until all agree, at most.
///
/// What takes longest, one after the other: a connection whose other end has died, or that was cut, is given up after
/// `IDLE_TIMEOUT`; a dial under way fails after `HANDSHAKE_TIMEOUT`, and the next comes after `RECONNECT_LAST` at most; then
/// each region's missing records are pulled, which takes a `PULL_PATIENCE` and a round trip for each region that could have
/// had them; and a client's request may wait for its session for `SESSION_WAIT_MAX` more. That is 10 + 5 + 5 + 5 + 30 s. Whoever
/// lacks what is gone waits a `START_PATIENCE` before it takes a copy, and one whose source dies of it for `COPY_GIVE_UP` before
/// it asks another, and then finds its links anew: 2 + 20 + 25 s more, and some to spare.
pub const LIVENESS: Duration = Duration::from_mins(2);

/// See above.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    judged: u64,
}

/// How the world stands, for whoever wants to know why it does not settle.
fn picture(world: &World) -> String {
    let idle = world.clients_are_idle();
    let mut text = format!("not all agree {LIVENESS:?} after the heal; clients idle: {idle}");
    for region in world.regions() {
        let _ = match world.node(region) {
            Some(node) => write!(text, "; region {region} idle: {}, at {:?}", node.is_idle(), node.vv()),
            None => write!(text, "; region {region} is down"),
        };
    }
    text
}

impl Invariant for Agreement {
    fn name(&self) -> &'static str {
        "all_agree_in_time"
    }

    fn promise(&self) -> &'static str {
        "P3"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Unsettled => Err(picture(world)),
            Observation::Converged => {
                self.judged += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
