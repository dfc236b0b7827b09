//! A node whose logs are full makes no record of what it is asked from then on (P10), and says that they are full only where
//! they are: its logs grow by what others write, and by nothing else.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::limits::LOG_SLACK;
use halcyon_types::{ActorId, Dot, RegionId, RequestId, Seq};
use halcyon_wire::{Body, Outcome, Refusal, Response};

use super::Invariant;
use crate::workload::ClientId;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Full {
    heard: BTreeSet<(RegionId, RequestId)>,
    /// Writes that were heard while the logs were full, and the last own record then.
    late: BTreeMap<(ClientId, u64), (ActorId, Seq)>,
    judged: u64,
}

impl Full {
    fn answers(&mut self, client: ClientId, response: &Response) -> Result<(), String> {
        let late = self.late.remove(&(client, response.id));
        match (&response.result, late) {
            (Ok(Outcome::Written(receipt)), Some((actor, last))) => {
                self.judged += 1;
                let Dot { actor: of, seq } = receipt.dot;
                if of == actor && seq > last {
                    return Err(format!("{} was made although the logs were full at {last}", receipt.dot));
                }
                Ok(())
            }
            (Err(Refusal::LogFull { bytes, bytes_max, .. }), _) => {
                self.judged += 1;
                if *bytes <= bytes_max - bytes_max / LOG_SLACK {
                    return Err(format!("logs of {bytes} bytes are said to be full, and may take {bytes_max}"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Invariant for Full {
    fn name(&self) -> &'static str {
        "full_logs_take_no_writes"
    }

    fn promise(&self) -> &'static str {
        "P10"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Heard { client, region, request } => {
                if let (Body::Write(write), Some(node)) = (&request.body, world.node(*region)) {
                    // What waits for its session may be taken once there is room; what came before may be on its way.
                    let fresh = self.heard.insert((*region, write.request));
                    if fresh && node.replica().is_log_full() && write.session.token.le(node.vv()) {
                        self.late.insert((*client, request.id), (node.actor(), node.vv().get(node.actor())));
                    }
                }
                Ok(())
            }
            Observation::Replied { client, response, .. } => self.answers(*client, response),
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::VersionVector;
    use halcyon_wire::Receipt;

    use super::*;
    use crate::invariant::exchange::fixture::{actor, dot};

    #[test]
    fn a_record_of_a_node_whose_logs_are_full_is_noticed() {
        let mut full = Full::default();
        let mut answers = |result| {
            full.late.insert((ClientId(1), 7), (actor(1), Seq(4)));
            full.answers(ClientId(1), &Response { id: 7, result })
        };
        let written = |dot| Ok(Outcome::Written(Receipt { dot, token: VersionVector::new() }));
        assert!(answers(written(dot(1, 5))).is_err());
        assert_eq!(answers(written(dot(1, 4))), Ok(()), "it was made before");
        assert_eq!(answers(written(dot(2, 9))), Ok(()), "it was made elsewhere");
        let said = |bytes| Err(Refusal::LogFull { bytes, bytes_max: 160, lacking: Vec::new() });
        assert_eq!(answers(said(151)), Ok(()));
        assert!(answers(said(150)).is_err(), "there is room");
    }
}
