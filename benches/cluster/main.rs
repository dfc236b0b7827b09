//! What do several regions do together, on loopback, and how soon is a write of one seen in another?
//!
//! Clusters of one, two and three regions stand side by side, all of them idle but the one that is measured. Converged
//! operations count until every region's vector is the same; nothing that still waits for a peer is counted as done.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

mod converged;
mod lag;

use halcyon_benches::{Raw, Report, root, run};
use halcyon_client::Client;
use halcyon_tests::Cluster;

fn main() {
    run(measure());
}

/// A cluster and a client of each region.
struct Side {
    _cluster: Cluster,
    clients: Vec<Client>,
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-cluster-").tempdir_in(root()).expect("a directory");
    let mut raw = Raw::preloaded(&dir.path().join("raw"));
    let mut sides = Vec::new();
    for regions in 1..=3 {
        let cluster = Cluster::start_under(&dir.path().join(regions.to_string()), regions, false).await;
        let clients = cluster.clients().await;
        converged::preload(&clients).await;
        sides.push(Side { _cluster: cluster, clients });
    }
    let mut report = Report::new("cluster");
    let limit = converged::measure(&sides, &mut report).await;
    let three = sides.pop().expect("three regions");
    // The others would only take their heartbeats' share.
    drop(sides);
    lag::measure(&three.clients, limit, &mut raw, &mut report).await;
    report.finish();
}
