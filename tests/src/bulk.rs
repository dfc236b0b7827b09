//! Writes of much, which outgrow what logs are limited to.

use std::fs;
use std::iter::repeat_with;
use std::path::Path;
use std::time::Duration;

use halcyon_client::{Keyspace, WriteError};

use crate::cluster::Cluster;
use crate::until::until;

/// For `regions.toml`: the least that logs can be limited to.
pub const SMALL_LOGS: &str = "[replication]\nlog_bytes_max = \"64MiB\"";
/// And how old a record must be before a region that lacks it is no reason to keep it: older than any test, by the real clock.
const RETENTION: &str = "retention = \"1h\"";
const PAST_RETENTION: Duration = Duration::from_hours(2);

/// Bytes of a large value, as large as one may be.
const BYTES: usize = 256 * 1024;
/// So many of these fill small logs, what is kept in memory before it becomes a file, which is what counts, included.
const WRITES_MAX: u64 = 3000;

/// A large value that no packing makes small.
pub fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let words = repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()
    });
    words.take(BYTES / 8).flatten().collect()
}

/// One onto the counter `written`, its number into the set `numbers`, and a large value into one of a hundred registers.
///
/// # Errors
/// What the region says.
pub async fn write_bulk(shop: &Keyspace, number: u64) -> Result<(), WriteError> {
    let mut batch = shop.batch();
    batch.counter("written").add(1);
    batch.set("numbers").add(number.to_string());
    batch.register(format!("ballast {}", number % 100)).set_bytes(noise(number));
    batch.commit().await.map(drop)
}

/// So many of them.
pub async fn bulk(shop: &Keyspace, writes: u64) {
    for number in 0..writes {
        write_bulk(shop, number).await.expect("p9: local writes never wait");
    }
}

/// Writes until the region's logs are full. How often it could.
pub async fn fill(shop: &Keyspace) -> u64 {
    for number in 0..WRITES_MAX {
        match write_bulk(shop, number).await {
            Ok(()) => {}
            Err(error) if error.name() == "LogFull" => return number,
            Err(error) => panic!("refused otherwise: {error}"),
        }
    }
    panic!("{WRITES_MAX} writes do not fill the logs")
}

impl Cluster {
    /// Regions with small logs, all running.
    pub async fn with_small_logs(root: &Path, regions: usize) -> Self {
        let mut cluster = Self::prepared(root, regions, true).await;
        cluster.configure(&format!("{SMALL_LOGS}\n{RETENTION}"));
        for region in 0..regions {
            cluster.restart(region).await;
        }
        cluster.linked().await;
        cluster
    }

    /// Three regions with small logs, of which `absent` is cut off and lacks what the other two have dropped. How often the first
    /// was written.
    pub async fn starved(absent: usize) -> (Self, u64) {
        let cluster = Self::with_small_logs(&std::env::temp_dir(), 3).await;
        bulk(&cluster.client(0).await.keyspace("default"), 1).await;
        cluster.converged().await;
        let written = cluster.starve(absent).await;
        (cluster, 1 + written)
    }

    /// Cuts `absent` off, until the others have dropped what it lacks. How often the first was written meanwhile.
    pub async fn starve(&self, absent: usize) -> u64 {
        let first = self.actor(0).await;
        let had = self.applied(absent, &first).await;
        self.isolate(absent).await;
        let written = fill(&self.client(0).await.keyspace("default")).await;
        let others = (0..self.regions()).filter(|region| *region != absent);
        // What has been written gets old at once.
        for region in others.clone() {
            self.set_clock(region, Some(PAST_RETENTION)).await;
        }
        for region in others.clone() {
            until("what most have is dropped", async || (self.floor(region, &first).await > had).then_some(())).await;
        }
        for region in others {
            self.set_clock(region, None).await;
        }
        written
    }
}

/// Copies a directory of a node that does not run.
pub fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
