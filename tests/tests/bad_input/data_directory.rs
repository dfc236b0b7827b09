//! Ports and data directories that belong to somebody else: refused, and the owner does not notice.

use std::env::temp_dir;
use std::fs;

use halcyon_tests::{Cluster, halcyon};

use crate::{Witness, edited, node, on_other_ports};

#[tokio::test]
async fn a_taken_port_is_refused_by_its_address_and_its_owner_goes_on() {
    let cluster = Cluster::start(1).await;
    let witness = Witness::of(&cluster).await;
    let data = cluster.dir().join("data-second");
    let ended = node(&cluster.config(), "us-east", &data, &cluster.certs(), &[]).await;
    let ended = ended.refused(&["in use", "127.0.0.1:", "regions.toml"]);
    assert!(!data.exists(), "nothing was made: {ended}");
    witness.has_lost_nothing().await;
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused_and_its_owner_goes_on() {
    let cluster = Cluster::start(1).await;
    let witness = Witness::of(&cluster).await;
    let free = Cluster::prepared(&temp_dir(), 1, false).await;
    let config = on_other_ports(&cluster, &free);
    let ended = node(&config, "us-east", &cluster.data(0), &cluster.certs(), &[]).await;
    let _ = ended.refused(&["in use by another process", "data-us-east"]);
    witness.has_lost_nothing().await;
}

#[tokio::test]
async fn a_data_directory_of_another_region_or_cluster_is_refused_and_unchanged() {
    let mut cluster = Cluster::start(2).await;
    let witness = Witness::of(&cluster).await;
    assert!(cluster.terminate(0).await.success());
    assert!(cluster.terminate(1).await.success());

    let (data, certs) = (cluster.data(0), cluster.certs());
    let ended = node(&cluster.config(), "eu-west", &data, &certs, &[]).await;
    let _ = ended.refused(&["belongs to region", "us-east", "directory"]);

    let other = edited(&cluster, "other.toml", &[("\"shop\"", "\"market\"")]);
    let others_certs = cluster.dir().join("certs-market");
    let (config, out) = (other.to_string_lossy(), others_certs.to_string_lossy());
    let _ = halcyon(["certs", "init", "--config", &*config, "--out", &*out]).await.succeeded();
    let ended = node(&other, "us-east", &data, &others_certs, &[]).await;
    let _ = ended.refused(&["belongs to cluster", "shop", "market", "directory"]);

    let foreign = cluster.dir().join("somebodys-files");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    let ended = node(&cluster.config(), "us-east", &foreign, &certs, &[]).await;
    let _ = ended.refused(&["somebodys-files", "not empty"]);
    assert_eq!(fs::read_to_string(foreign.join("thesis.txt")).unwrap(), "years of work");
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1, "nothing was put beside it");

    cluster.restart(0).await;
    witness.has_lost_nothing().await;
}
