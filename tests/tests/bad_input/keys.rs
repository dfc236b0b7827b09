//! Certificates and keys: missing, readable by too many, or of another cluster.

use std::env::temp_dir;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use halcyon_client::{Client, Config};
use halcyon_tests::{Cluster, halcyon};

use crate::{Witness, edited, node};

/// A copy of the cluster's certificates, in which one file is to be spoiled.
fn copied(cluster: &Cluster, name: &str) -> PathBuf {
    let copy = cluster.dir().join(name);
    fs::create_dir(&copy).expect("a directory");
    for file in fs::read_dir(cluster.certs()).expect("the certificates") {
        let file = file.expect("a certificate");
        fs::copy(file.path(), copy.join(file.file_name())).expect("a copy");
    }
    copy
}

fn exec_flags(cluster: &Cluster, certs: &Path) -> [String; 7] {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let [config, certs] = [text(&cluster.config()), text(certs)];
    ["exec", "--region", "us-east", "--config", &config, "--certs", &certs].map(str::to_owned)
}

#[tokio::test]
async fn a_missing_certificate_or_key_is_refused_with_the_command_that_makes_it() {
    let cluster = Cluster::prepared(&temp_dir(), 1, false).await;
    for file in ["ca.pem", "region-us-east.pem", "region-us-east.key"] {
        let certs = copied(&cluster, &format!("without-{file}"));
        fs::remove_file(certs.join(file)).unwrap();
        let ended = node(&cluster.config(), "us-east", &cluster.data(0), &certs, &[]).await;
        let ended = ended.refused(&[file, "missing", "halcyon certs init"]);
        assert!(!cluster.data(0).exists(), "nothing was made: {ended}");
    }
    let certs = copied(&cluster, "without-client");
    fs::remove_file(certs.join("client-client.key")).unwrap();
    let _ = halcyon(exec_flags(&cluster, &certs)).await.refused(&["client-client.key", "missing", "halcyon certs"]);
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let cluster = Cluster::prepared(&temp_dir(), 1, false).await;
    for mode in [0o644, 0o640, 0o604, 0o660] {
        let certs = copied(&cluster, &format!("mode-{mode:o}"));
        let key = certs.join("region-us-east.key");
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let ended = node(&cluster.config(), "us-east", &cluster.data(0), &certs, &[]).await;
        let _ = ended.refused(&["region-us-east.key", &format!("{mode:o}"), "chmod 600"]);
        let client = certs.join("client-client.key");
        fs::set_permissions(&client, Permissions::from_mode(mode)).unwrap();
        let _ = halcyon(exec_flags(&cluster, &certs)).await.refused(&["client-client.key", "chmod 600"]);
    }
}

#[tokio::test]
async fn certificates_are_never_written_over() {
    let cluster = Cluster::prepared(&temp_dir(), 1, false).await;
    let before = fs::read(cluster.certs().join("ca.key")).unwrap();
    let (config, certs) = (cluster.config(), cluster.certs());
    let again = ["certs", "init", "--config", &config.to_string_lossy(), "--out", &certs.to_string_lossy()];
    let _ = halcyon(again).await.refused(&["already exists", "never written over"]);
    assert_eq!(fs::read(cluster.certs().join("ca.key")).unwrap(), before);
}

#[tokio::test]
async fn a_client_of_another_cluster_is_refused_and_told_what_to_do() {
    let cluster = Cluster::start(1).await;
    let witness = Witness::of(&cluster).await;
    // Another authority that calls its cluster the same, and one that calls it otherwise; both know where the node is.
    for (name, cluster_name) in [("namesake", "shop"), ("stranger", "market")] {
        let config = edited(&cluster, &format!("{name}.toml"), &[("\"shop\"", &format!("\"{cluster_name}\""))]);
        let certs = cluster.dir().join(format!("certs-{name}"));
        let init = ["certs", "init", "--config", &config.to_string_lossy(), "--out", &certs.to_string_lossy()];
        let _ = halcyon(init).await.succeeded();
        let stranger = Config::from_files(&config, &certs).unwrap().region("us-east");
        let error = Client::connect(stranger).await.expect_err("another cluster's client").to_string();
        assert!(error.contains("us-east") && error.contains("certs init"), "{error}");
        // The command says the same.
        let flags =
            ["exec", "--region", "us-east", "--config", &config.to_string_lossy(), "--certs", &certs.to_string_lossy()];
        let _ = halcyon(flags).await.refused(&["us-east", "certificate", "certs init"]);
        // The right file with the wrong certificates is told at once, without a dial.
        if cluster_name != "shop" {
            let error = Config::from_files(cluster.config(), &certs).expect_err("certificates of another cluster");
            assert!(error.to_string().contains("market") && error.to_string().contains("--certs"), "{error}");
        }
    }
    witness.has_lost_nothing().await;
}
