//! Bad input: it is refused with cause and remedy, and the cluster that runs beside it has lost nothing.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

mod cluster_file;
mod data_directory;
mod frames;
mod keys;
mod orders;
mod silence;
mod values;

use std::fs;
use std::path::Path;

use halcyon_tests::{Cluster, Ended, halcyon};

/// A witness of what a cluster holds: written before the bad input, read after it.
struct Witness {
    client: halcyon_client::Client,
}

impl Witness {
    async fn of(cluster: &Cluster) -> Self {
        let client = cluster.client(0).await;
        client.keyspace("default").counter("witness").add(7).await.expect("a region that serves");
        Self { client }
    }

    /// The same connection still reads what was written, and still writes.
    async fn has_lost_nothing(&self) {
        let witness = self.client.keyspace("default").counter("witness");
        assert_eq!(witness.get().await.expect("a region that still serves"), 7);
        witness.add(1).await.expect("a region that still takes writes");
        witness.add(-1).await.expect("a region that still takes writes");
    }
}

/// `halcyon node` for the first region, with parts of the caller's choice; it must end by itself.
async fn node(config: &Path, region: &str, data: &Path, certs: &Path, extra: &[&str]) -> Ended {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (config, data, certs) = (text(config), text(data), text(certs));
    let args = ["node", "--region", region, "--config", &config, "--data", &data, "--certs", &certs];
    halcyon(args.iter().chain(extra).copied()).await
}

/// A copy of a cluster's file in which `from` has become `to`.
fn edited(cluster: &Cluster, name: &str, edits: &[(&str, &str)]) -> std::path::PathBuf {
    let mut text = fs::read_to_string(cluster.config()).expect("the cluster's file");
    for (from, to) in edits {
        assert!(text.contains(from), "{from:?} is in {text}");
        text = text.replacen(from, to, 1);
    }
    let file = cluster.dir().join(name);
    fs::write(&file, text).expect("a file");
    file
}

/// The same cluster on other ports: a second process that would collide with nothing but the data directory.
fn on_other_ports(cluster: &Cluster, other: &Cluster) -> std::path::PathBuf {
    let text = fs::read_to_string(other.config()).expect("the other's file");
    let file = cluster.dir().join("other-ports.toml");
    fs::write(&file, text).expect("a file");
    file
}
