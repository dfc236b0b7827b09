//! One operation in flight: a worker repeats it until the load has ended.
//!
//! As many workers as operations in flight, each doing one thing after the other: no set of futures to be polled, no
//! allocation per operation beyond the SDK's own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use halcyon_client::{Client, Keyspace, Receipt};
use hdrhistogram::Histogram;
use tokio::time::{Instant, sleep_until};

use super::BenchError;
use super::load::{End, Load, Op, Spread};
use super::payload::Payload;
use super::zipf::Zipf;
use crate::splitmix::SplitMix;

const FIELDS: u64 = 100;
const ELEMENTS: u64 = 1000;
const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// What all workers share.
pub(super) struct Course {
    pub(super) load: Load,
    pub(super) keyspace: String,
    payload: Payload,
    /// The region where a write must be seen, if that is what is measured.
    pub(super) seen_at: Option<Client>,
    began: Instant,
    begun: AtomicU64,
    counted: AtomicU64,
    micros: Mutex<Histogram<u64>>,
}

impl Course {
    pub(super) fn new(load: Load, keyspace: String, seen_at: Option<Client>, micros: Histogram<u64>) -> Self {
        let (begun, counted) = (AtomicU64::new(0), AtomicU64::new(0));
        let payload = Payload::of(load.value_bytes);
        Self { load, keyspace, payload, seen_at, began: Instant::now(), begun, counted, micros: Mutex::new(micros) }
    }

    /// When counting begins.
    pub(super) fn counts_from(&self) -> Instant {
        self.began + self.load.warmup
    }

    /// What was measured, in microseconds.
    pub(super) fn into_micros(self) -> Histogram<u64> {
        self.micros.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next operation is due; `None` once there is no next.
    fn next(&self) -> Option<Instant> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let due = match self.load.rate {
            Some(rate) => {
                let nanos = u128::from(number) * NANOS_PER_SECOND / u128::from(rate.max(1));
                self.began + std::time::Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
            None => Instant::now(),
        };
        let enough = match self.load.end {
            End::After(duration) => due >= self.counts_from() + duration,
            // Only what is counted uses up the number.
            End::Ops(ops) => due >= self.counts_from() && self.counted.fetch_add(1, Ordering::Relaxed) >= ops,
        };
        (!enough).then_some(due)
    }

    fn record(&self, due: Instant, measured: std::time::Duration) {
        if due < self.counts_from() {
            return;
        }
        let micros = u64::try_from(measured.as_micros()).unwrap_or(u64::MAX);
        self.micros.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }
}

/// Repeats the load's operation through one client.
pub(super) async fn work(course: &Course, client: &Client, worker: u64) -> Result<(), BenchError> {
    let load = &course.load;
    let seed = load.seed ^ worker.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (keyspace, payload) = (client.keyspace(&course.keyspace), &course.payload);
    let mut hand = Hand { keyspace, payload, random: SplitMix::new(seed) };
    let zipf = (load.spread == Spread::Zipf).then(|| Zipf::over(load.keys));
    while let Some(due) = course.next() {
        if load.rate.is_some() {
            sleep_until(due).await;
        }
        let number = match &zipf {
            Some(zipf) => zipf.key(&mut hand.random),
            None => hand.random.below(load.keys),
        };
        let key = key(load.op, number);
        if hand.random.percent(load.reads_percent) {
            hand.read(load.op, key).await?;
            course.record(due, due.elapsed());
            continue;
        }
        let write = hand.one(load.op, key).await?;
        let measured = match (&course.seen_at, write) {
            (Some(elsewhere), Some(receipt)) => {
                let acknowledged = Instant::now();
                elsewhere.session(receipt.token).token().await?;
                acknowledged.elapsed()
            }
            _ => due.elapsed(),
        };
        course.record(due, measured);
    }
    Ok(())
}

/// What one worker holds.
struct Hand<'a> {
    keyspace: Keyspace,
    payload: &'a Payload,
    random: SplitMix,
}

impl Hand<'_> {
    async fn one(&mut self, op: Op, key: String) -> Result<Option<Receipt>, BenchError> {
        let Self { keyspace, payload, random } = self;
        Ok(Some(match op {
            Op::Incr => keyspace.counter(key).add(1).await?,
            Op::Set => keyspace.register(key).set(payload.value(random)).await?,
            Op::Sadd => keyspace.set(key).add(random.below(ELEMENTS).to_be_bytes()).await?,
            Op::Hincr => keyspace.map(key).counter(random.below(FIELDS).to_be_bytes()).add(1).await?,
            Op::Hset => {
                keyspace.map(key).register(random.below(FIELDS).to_be_bytes()).set(payload.value(random)).await?
            }
            Op::Get => {
                self.read(op, key).await?;
                return Ok(None);
            }
        }))
    }

    /// Reads what `op` writes.
    async fn read(&mut self, op: Op, key: String) -> Result<(), BenchError> {
        let Self { keyspace, random, .. } = self;
        match op {
            Op::Incr => drop(keyspace.counter(key).get().await?),
            Op::Set | Op::Get => drop(keyspace.register(key).get_bytes().await?),
            Op::Sadd => drop(keyspace.set(key).contains(random.below(ELEMENTS).to_be_bytes()).await?),
            Op::Hincr => drop(keyspace.map(key).counter(random.below(FIELDS).to_be_bytes()).get().await?),
            Op::Hset => drop(keyspace.map(key).register(random.below(FIELDS).to_be_bytes()).get_bytes().await?),
        }
        Ok(())
    }
}

/// The name of the key with this number. Each type has keys of its own, so that a load finds what another one of its
/// type wrote, and never something of another type.
pub(super) fn key(op: Op, number: u64) -> String {
    let kind = match op {
        Op::Incr => "bench",
        Op::Set | Op::Get => "bench-value",
        Op::Sadd => "bench-set",
        Op::Hincr => "bench-map",
        Op::Hset => "bench-form",
    };
    format!("{kind}:{number:08}")
}
