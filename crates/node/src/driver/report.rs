//! How the node is: what the replica says of itself, and what only the driver knows.

use std::path::Path;
use std::time::Duration;

use super::Driver;
use crate::status::{DiskStatus, NodeStatus, PeerStatus, QueueStatus};

impl Driver {
    pub(super) fn status(&self) -> NodeStatus {
        let core = self.replica.status(self.site.clocks.now());
        let peers = core.peers.iter().map(|peer| PeerStatus {
            region: self.name_of(peer.region),
            link_in: peer.link_in,
            link_out: peer.link_out,
            rtt_us: peer.rtt.map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
            lag_records: peer.lag_records,
            lag_ms: ms(peer.lag),
            behind_records: peer.behind_records,
            silent_ms: ms(peer.silent_for),
            clock_offset_ms: peer.clock_offset_ms,
            fault: self.faults.of(peer.region),
        });
        NodeStatus {
            cluster: self.site.topology.cluster.to_string(),
            region: self.site.region_name.clone(),
            node: self.site.node.0.to_string(),
            actor: self.site.actor.to_string(),
            vv: core.vv.iter().map(|(actor, seq)| (actor.to_string(), seq.0)).collect(),
            uptime_ms: ms(self.site.clocks.now().mono),
            health: if self.alarms.is_empty() { "ok".to_owned() } else { "alarmed".to_owned() },
            peers: peers.collect(),
            queues: QueueStatus {
                jobs: (core.queued_writes + core.queued_records) as u64,
                pending_bytes: core.pending_bytes as u64,
                waiting_reads: core.waiting_reads as u64,
                pulls: core.pulls.len() as u64,
                sessions: self.sessions.len() as u64,
            },
            disk: DiskStatus { bytes: directory_bytes(&self.site.data) },
            alarms: self.alarms.clone(),
            fault_api: self.site.fault_api,
        }
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Bytes of all files below `dir`; what cannot be read counts as nothing.
fn directory_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)));
    sizes.map(|(path, data)| if data.is_dir() { directory_bytes(&path) } else { data.len() }).sum()
}
