//! What a load is made of.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

/// The operation that is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Add one to a counter
    Incr,
    /// Overwrite a register
    Set,
    /// Read a register
    Get,
    /// Add one of a thousand elements to a set
    Sadd,
    /// Add one to a counter in one of a hundred fields of a map
    Hincr,
    /// Overwrite a register in one of a hundred fields of a map
    Hset,
}

/// How keys are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// Each as often as any other
    #[default]
    Even,
    /// The k-th most drawn k^0.99 times less often than the first, as in YCSB: a tenth of a million keys takes four fifths of the draws
    Zipf,
}

/// When it is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After so long, the warm-up not counted.
    After(Duration),
    /// After so many operations, the warm-up not counted.
    Ops(u64),
}

/// A load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// What is repeated.
    pub op: Op,
    /// Of a hundred operations, so many read what the others write.
    pub reads_percent: u64,
    /// Keys that are drawn from. Few of them make hot rows, many of them defeat caches.
    pub keys: u64,
    /// How they are drawn.
    pub spread: Spread,
    /// Bytes of a register's value.
    pub value_bytes: usize,
    /// Operations in flight over all connections. One measures latency, many measure throughput.
    pub in_flight: usize,
    /// When it is enough.
    pub end: End,
    /// What is done before anything is counted.
    pub warmup: Duration,
    /// Operations begun a second; `None`: each as soon as one before it has ended. With a rate, latency counts from the
    /// moment an operation was due, so that a stall is not overlooked.
    pub rate: Option<u64>,
    /// Draws the keys. One seed draws the same keys.
    pub seed: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            op: Op::Incr,
            reads_percent: 0,
            keys: 10_000,
            spread: Spread::Even,
            value_bytes: 100,
            in_flight: 256,
            end: End::After(Duration::from_secs(10)),
            warmup: Duration::from_secs(1),
            rate: None,
            seed: 1,
        }
    }
}
