//! What a load measured, for people and for scripts.

use std::fmt;
use std::time::Duration;

use halcyon_types::RegionName;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::load::{Load, Op, Spread};

/// A measured load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was repeated.
    pub op: Op,
    /// Operations that were counted.
    pub ops: u64,
    /// How long they took together, in seconds.
    pub seconds: f64,
    /// Operations a second.
    pub ops_per_s: f64,
    /// Of a hundred operations, so many were reads.
    pub reads_percent: u64,
    /// Keys drawn from.
    pub keys: u64,
    /// How they were drawn.
    pub spread: Spread,
    /// Bytes of a register's value.
    pub value_bytes: usize,
    /// Operations in flight.
    pub in_flight: usize,
    /// Connections.
    pub connections: usize,
    /// The rate asked for, if one was.
    pub rate: Option<u64>,
    /// Where the writes had to be seen; absent if it was latency that was measured.
    pub lag_to: Option<RegionName>,
    /// Latency, or replication lag, in microseconds.
    pub micros: Percentiles,
}

/// How long operations took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half took no longer.
    pub p50: u64,
    /// 90 of a hundred took no longer.
    pub p90: u64,
    /// 99 of a hundred took no longer.
    pub p99: u64,
    /// 999 of a thousand took no longer.
    pub p999: u64,
    /// The longest.
    pub max: u64,
    /// The average.
    pub mean: f64,
}

impl Report {
    pub(super) fn of(
        load: &Load,
        connections: usize,
        counted: Duration,
        lag_to: Option<RegionName>,
        micros: &Histogram<u64>,
    ) -> Self {
        let (ops, seconds) = (micros.len(), counted.as_secs_f64());
        let at = |quantile| micros.value_at_quantile(quantile);
        Self {
            op: load.op,
            ops,
            seconds,
            #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
            ops_per_s: ops as f64 / seconds,
            reads_percent: load.reads_percent,
            keys: load.keys,
            spread: load.spread,
            value_bytes: load.value_bytes,
            in_flight: load.in_flight,
            connections,
            rate: load.rate,
            lag_to,
            micros: Percentiles {
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                p999: at(0.999),
                max: micros.max(),
                mean: micros.mean(),
            },
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (op, ops, connections) = (format!("{:?}", self.op).to_lowercase(), self.ops, self.connections);
        writeln!(
            f,
            "{op}: {:.0} ops/s ({ops} in {:.1} s, {} in flight on {connections} connections, {} keys)",
            self.ops_per_s, self.seconds, self.in_flight, self.keys
        )?;
        let what = match &self.lag_to {
            Some(region) => format!("lag to {region}"),
            None => "latency".to_owned(),
        };
        let Percentiles { p50, p90, p99, p999, max, mean } = self.micros;
        write!(f, "{what}: p50 {p50} us, p90 {p90} us, p99 {p99} us, p99.9 {p999} us, max {max} us, mean {mean:.0} us")
    }
}
