//! How the node is: what the replica says of itself, and what only the driver knows.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_types::{RegionId, VersionVector};

use super::Driver;
use crate::status::{
    BackgroundStatus, ClockStatus, DiskStatus, LogStatus, MemberStatus, NodeStatus, PeerStatus, QueueStatus,
};

impl Driver {
    pub(super) fn status(&self) -> NodeStatus {
        let now = self.site.clocks.now();
        let core = self.replica.status(now);
        let peers = core.peers.iter().map(|peer| PeerStatus {
            region: self.name_of(peer.region),
            actor: peer.actor.map(|actor| actor.to_string()),
            link_in: peer.link_in && !self.faults.of(peer.region).cut_in,
            link_out: peer.link_out && !self.faults.of(peer.region).cut_out,
            rtt_us: peer.rtt.map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
            sent_bytes: self.sent_bytes(peer.region),
            lag_records: peer.lag_records,
            lag_ms: ms(peer.lag),
            behind_records: peer.behind_records,
            pending_records: peer.pending_records as u64,
            silent_ms: ms(peer.silent_for),
            clock_offset_ms: peer.clock_offset_ms,
            fault: self.faults.of(peer.region),
        });
        NodeStatus {
            cluster: self.site.cluster.to_string(),
            region: self.site.region_name.clone(),
            node: self.site.node.0.to_string(),
            actor: self.replica.actor().to_string(),
            standing: core.standing,
            ready: core.ready,
            vv: by_name(&core.vv),
            heads: core.heads.iter().map(|(actor, hash)| (actor.to_string(), format!("{hash:?}"))).collect(),
            received: by_name(&core.received),
            floors: by_name(&core.floors),
            logs: self.logs(core.logs),
            hlc_ms: core.hlc.wall().0,
            wall_ms: now.wall.0,
            clock: ClockStatus {
                off_ms: core.clock.off_ms,
                heard: core.clock.clocks as u64,
                refuses_writes: core.clock.refuses,
                test: core.clock.test,
            },
            uptime_ms: ms(now.mono),
            health: if self.alarms.is_empty() { "ok".to_owned() } else { "alarmed".to_owned() },
            peers: peers.collect(),
            members: core.members.into_iter().map(MemberStatus::of).collect(),
            closed: by_name(&core.closed),
            queues: QueueStatus {
                jobs: (core.queued_writes + core.queued_records) as u64,
                pending_bytes: core.pending_bytes as u64,
                waiting: core.waiting as u64,
                transactions: core.transactions as u64,
                pulls: core.pulls.len() as u64,
                sessions: self.sessions.len() as u64,
            },
            background: BackgroundStatus {
                on: core.background,
                asks: core.asks as u64,
                asked: core.asked,
                granted: core.granted,
                swept: core.swept,
            },
            // Whoever asked adds up the files: this thread has no time for that.
            disk: DiskStatus::default(),
            alarms: self.alarms.clone(),
            fault_api: self.site.fault_api,
        }
    }

    fn logs(&self, logs: halcyon_core::LogStatus) -> LogStatus {
        let halcyon_core::LogStatus { bytes, bytes_max, retention, full, oldest } = logs;
        let lacking = oldest.iter().flat_map(|oldest| &oldest.lacking);
        LogStatus {
            bytes,
            bytes_max,
            retention_ms: ms(retention),
            full,
            unstable_ms: oldest.as_ref().map(|oldest| ms(oldest.age)),
            held_up_by: lacking.map(|region| self.name_of(*region)).collect(),
        }
    }

    /// Over both links, as each carries the other's acknowledgements.
    fn sent_bytes(&self, peer: RegionId) -> u64 {
        let out = self.out_links.get(&peer).map_or(0, |link| link.handle.sent_bytes());
        let inward = self.in_links.get(&peer).map_or(0, |(_, handle)| handle.sent_bytes());
        out + inward
    }
}

fn by_name(vv: &VersionVector) -> BTreeMap<String, u64> {
    vv.iter().map(|(actor, seq)| (actor.to_string(), seq.0)).collect()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
