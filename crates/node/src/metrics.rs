//! What `/metrics` exposes, in the `OpenMetrics` text format: counters fed by the driver, gauges set from the status.

use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::status::NodeStatus;

/// Everything counted.
pub(crate) struct Metrics {
    registry: Registry,
    /// Requests taken in.
    pub(crate) requests: Counter,
    /// Requests refused, by name.
    pub(crate) refusals: Family<Reason, Counter>,
    /// Groups committed.
    pub(crate) groups: Counter,
    /// Records committed, own and replicated.
    pub(crate) records: Counter,
    /// Seconds from the first job of a group to the end of its sync.
    pub(crate) group_seconds: Histogram,
    lag_records: Family<Peer, Gauge>,
    lag_ms: Family<Peer, Gauge>,
    link_up: Family<Peer, Gauge>,
    link_sent_bytes: Family<Peer, Gauge>,
    clock_offset_ms: Family<Peer, Gauge>,
    clock_off_ms: Gauge,
    clock_refuses: Gauge,
    jobs: Gauge,
    pending_bytes: Gauge,
    pending_records: Family<Peer, Gauge>,
    received_records: Family<Peer, Counter>,
    wasted_records: Family<Peer, Counter>,
    sessions: Gauge,
    waiting: Gauge,
    transactions: Gauge,
    rights_asked: Counter,
    rights_granted: Counter,
    sweeps: Counter,
    disk_bytes: Gauge,
    log_bytes: Gauge,
    log_bytes_max: Gauge,
    log_full: Gauge,
    unstable_ms: Gauge,
    audits: Counter,
    audited_rows: Counter,
    audited_bytes: Counter,
    audit_uncompared: Gauge,
    audit_differing: Gauge,
    audit_damaged: Gauge,
    alarms: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub(crate) reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Peer {
    peer: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("halcyon"),
            requests: Counter::default(),
            refusals: Family::default(),
            groups: Counter::default(),
            records: Counter::default(),
            group_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 18)),
            lag_records: Family::default(),
            lag_ms: Family::default(),
            link_up: Family::default(),
            link_sent_bytes: Family::default(),
            clock_offset_ms: Family::default(),
            clock_off_ms: Gauge::default(),
            clock_refuses: Gauge::default(),
            jobs: Gauge::default(),
            pending_bytes: Gauge::default(),
            pending_records: Family::default(),
            received_records: Family::default(),
            wasted_records: Family::default(),
            waiting: Gauge::default(),
            transactions: Gauge::default(),
            rights_asked: Counter::default(),
            rights_granted: Counter::default(),
            sweeps: Counter::default(),
            sessions: Gauge::default(),
            disk_bytes: Gauge::default(),
            log_bytes: Gauge::default(),
            log_bytes_max: Gauge::default(),
            log_full: Gauge::default(),
            unstable_ms: Gauge::default(),
            audits: Counter::default(),
            audited_rows: Counter::default(),
            audited_bytes: Counter::default(),
            audit_uncompared: Gauge::default(),
            audit_differing: Gauge::default(),
            audit_damaged: Gauge::default(),
            alarms: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("requests", "Requests taken in", self.requests.clone());
        r.register("refusals", "Requests refused, by reason", self.refusals.clone());
        r.register("groups", "Group commits, one sync each", self.groups.clone());
        r.register("records", "Records committed, own and replicated", self.records.clone());
        let help = "From a group's first job to the end of its sync";
        r.register_with_unit("group", help, Unit::Seconds, self.group_seconds.clone());
        r.register("lag_records", "Own records a peer has not acknowledged", self.lag_records.clone());
        r.register("lag_milliseconds", "How long the oldest of them has waited", self.lag_ms.clone());
        r.register("link_up", "Whether both links of a peer stand", self.link_up.clone());
        let help = "Bytes sent to a peer over the links that stand, in datagrams";
        r.register("link_sent_bytes", help, self.link_sent_bytes.clone());
        let help = "How far a peer's wall clock is ahead of this node's";
        r.register("clock_offset_milliseconds", help, self.clock_offset_ms.clone());
        let help = "How far this node's wall clock is ahead of the median of all";
        r.register("clock_off_milliseconds", help, self.clock_off_ms.clone());
        r.register("clock_refuses_writes", "Whether writes are refused for that", self.clock_refuses.clone());
        r.register("jobs_waiting", "Writes and records that wait for the committer", self.jobs.clone());
        r.register("pending_bytes", "Received records that wait for others", self.pending_bytes.clone());
        r.register("pending_records", "Records of a peer that wait for others", self.pending_records.clone());
        r.register("received_records", "Records that a peer has sent", self.received_records.clone());
        let help = "Those of them that brought nothing";
        r.register("wasted_records", help, self.wasted_records.clone());
        r.register("requests_waiting", "Requests that wait for their session's token", self.waiting.clone());
        r.register("transactions", "Open transactions", self.transactions.clone());
        r.register("rights_asked", "Asks for rights of bounded counters", self.rights_asked.clone());
        r.register("rights_granted", "Asks that were granted here", self.rights_granted.clone());
        r.register("sweeps", "Records that clear away keys that have ended", self.sweeps.clone());
        r.register("sessions", "Application connections", self.sessions.clone());
        r.register("disk_bytes", "Bytes of the data directory", self.disk_bytes.clone());
        r.register("log_bytes", "Bytes of the logs", self.log_bytes.clone());
        r.register("log_bytes_max", "Bytes that they may take", self.log_bytes_max.clone());
        r.register("log_full", "Whether new writes are refused as LogFull", self.log_full.clone());
        let help = "Age of the oldest record that not every region has";
        r.register("unstable_milliseconds", help, self.unstable_ms.clone());
        r.register("audits", "Audits of this node's rows that have ended", self.audits.clone());
        r.register("audited_rows", "Rows that audits of this node have read", self.audited_rows.clone());
        r.register("audited_bytes", "Bytes of rows that audits of this node have read", self.audited_bytes.clone());
        let help = "Ranges of which the last audit could say nothing";
        r.register("audit_uncompared", help, self.audit_uncompared.clone());
        let help = "Ranges of rows that differ from a peer's";
        r.register("audit_differing", help, self.audit_differing.clone());
        r.register("audit_damaged", "Ranges of rows that cannot be read", self.audit_damaged.clone());
        r.register("alarms", "Alarms raised since the start", self.alarms.clone());
    }

    /// The text, with the gauges as `status` has them.
    pub(crate) fn text(&self, status: &NodeStatus) -> Result<String, fmt::Error> {
        let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        for peer in &status.peers {
            let label = Peer { peer: peer.region.clone() };
            self.lag_records.get_or_create(&label).set(int(peer.lag_records));
            self.lag_ms.get_or_create(&label).set(int(peer.lag_ms));
            self.pending_records.get_or_create(&label).set(int(peer.pending_records));
            for (counter, total) in
                [(&self.received_records, peer.received_records), (&self.wasted_records, peer.wasted_records)]
            {
                counter.get_or_create(&label).inner().store(total, Ordering::Relaxed);
            }
            self.link_sent_bytes.get_or_create(&label).set(int(peer.sent_bytes));
            self.link_up.get_or_create(&label).set(i64::from(peer.link_in && peer.link_out));
            if let Some(ms) = peer.clock_offset_ms {
                self.clock_offset_ms.get_or_create(&label).set(ms);
            } else {
                self.clock_offset_ms.remove(&label);
            }
        }
        self.clock_off_ms.set(status.clock.off_ms.unwrap_or_default());
        self.clock_refuses.set(status.clock.refuses_writes.into());
        self.jobs.set(int(status.queues.jobs));
        self.pending_bytes.set(int(status.queues.pending_bytes));
        self.sessions.set(int(status.queues.sessions));
        self.waiting.set(int(status.queues.waiting));
        self.transactions.set(int(status.queues.transactions));
        let (background, audit) = (&status.background, &status.audit);
        for (counter, total) in [
            (&self.rights_asked, background.asked),
            (&self.rights_granted, background.granted),
            (&self.sweeps, background.swept),
            (&self.audits, audit.audits),
            (&self.audited_rows, audit.rows),
            (&self.audited_bytes, audit.bytes),
        ] {
            counter.inner().store(total, Ordering::Relaxed);
        }
        self.disk_bytes.set(int(status.disk.bytes));
        self.log_bytes.set(int(status.logs.bytes));
        self.log_bytes_max.set(int(status.logs.bytes_max));
        self.log_full.set(i64::from(status.logs.full));
        self.unstable_ms.set(int(status.logs.unstable_ms.unwrap_or_default()));
        self.audit_uncompared.set(int(audit.last.as_ref().map_or(0, |last| last.uncompared)));
        self.audit_differing.set(int(audit.differing.len() as u64));
        self.audit_damaged.set(int(audit.damaged.len() as u64));
        self.alarms.set(int(status.alarms.len() as u64));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
