//! A `regions.toml` that cannot be used: refused before anything is made, with line and field.

use std::env::temp_dir;

use halcyon_tests::{Cluster, halcyon};

use crate::{edited, node};

#[tokio::test]
async fn a_malformed_regions_toml_is_refused_with_line_field_and_remedy() {
    let cluster = Cluster::prepared(&temp_dir(), 2, false).await;
    // What is changed, into what, and what must be said. Lines of the generated file: 1 cluster, 3 to 8 the first region,
    // 10 to 15 the second, 17 to 19 the keyspace.
    let cases: &[(&str, &str, &[&str])] = &[
        ("cluster = \"shop\"", "cluster = shop", &["line 1", "`cluster`"]),
        ("cluster = \"shop\"", "cluster = \"Shop!\"", &["line 1", "`cluster`", "a-z"]),
        ("id = 1\n", "id = 0\n", &["line 4", "`region.id`", "1..=65535"]),
        ("id = 2\n", "id = 1\n", &["line 11", "`region.id`"]),
        ("\"eu-west\"", "\"us-east\"", &["line 12", "`region.name`"]),
        ("name = \"us-east\"", "nmae = \"us-east\"", &["line 5", "nmae"]),
        ("peer = \"127.0.0.1:", "peer = \"127.0.0.1;", &["line 6", "`region.peer`", "HOST:PORT"]),
        ("admin = \"127", "colour = \"127", &["line 8", "colour"]),
        ("id = 10\n", "id = 10\nmode = \"sideways\"\n", &["`keyspace.mode`", "sideways", "convergent"]),
        ("id = 10\n", "id = 10\nregions = [\"mars\"]\n", &["`keyspace.regions`", "mars", "us-east"]),
        ("[[keyspace]]", "[[keyspaec]]", &["line 17", "keyspaec"]),
        // Asked for, and not built yet.
        ("id = 10\n", "id = 10\nmode = \"strict\"\n", &["`keyspace.mode`", "strict", "convergent"]),
        ("id = 10\n", "id = 10\nhome = \"us-east\"\n", &["`keyspace.home`", "home"]),
        ("id = 10\n", "id = 10\nregions = [\"us-east\"]\n", &["`keyspace.regions`", "some regions"]),
        ("admin = ", "redis = \"127.0.0.1:7301\"\nadmin = ", &["line 8", "`region.redis`", "Redis"]),
    ];
    for (from, to, words) in cases {
        let config = edited(&cluster, "bad.toml", &[(from, to)]);
        let ended = node(&config, "us-east", &cluster.data(0), &cluster.certs(), &[]).await;
        let ended = ended.refused(words).refused(&["bad.toml", "remedy"]);
        assert!(!cluster.data(0).exists(), "nothing was made: {ended}");
    }
}

#[tokio::test]
async fn every_command_refuses_a_malformed_regions_toml() {
    let cluster = Cluster::prepared(&temp_dir(), 1, false).await;
    let bad = edited(&cluster, "bad.toml", &[("id = 1\n", "id = 70000\n")]);
    let (bad, certs) = (bad.to_string_lossy().into_owned(), cluster.certs().to_string_lossy().into_owned());
    let csv = cluster.dir().join("none.csv").to_string_lossy().into_owned();
    let out = cluster.dir().join("new-certs").to_string_lossy().into_owned();
    let cases: &[&[&str]] = &[
        &["certs", "init", "--config", &bad, "--out", &out],
        &["exec", "--region", "us-east", "--config", &bad, "--certs", &certs],
        &["replay", &csv, "--config", &bad, "--certs", &certs],
        &["status", "--config", &bad],
    ];
    for args in cases {
        let _ = halcyon(args.iter().copied()).await.refused(&["line 4", "`region.id`", "70000", "remedy"]);
    }
    assert!(!cluster.dir().join("new-certs").exists());
}

#[tokio::test]
async fn a_missing_file_and_an_unknown_region_are_refused_by_name() {
    let cluster = Cluster::prepared(&temp_dir(), 2, false).await;
    let (data, certs) = (cluster.data(0), cluster.certs());
    let nowhere = cluster.dir().join("nowhere.toml");
    let _ = node(&nowhere, "us-east", &data, &certs, &[]).await.refused(&["nowhere.toml", "--config"]);
    let _ = node(&cluster.config(), "mars", &data, &certs, &[]).await.refused(&["mars", "us-east", "eu-west"]);
    let _ = halcyon(["status", "--no-such-flag"]).await.refused(&["--no-such-flag"]);
    assert!(!data.exists());
}

#[tokio::test]
async fn the_fault_api_is_not_served_to_a_network() {
    let cluster = Cluster::prepared(&temp_dir(), 1, false).await;
    let config = edited(&cluster, "open.toml", &[("admin = \"127.0.0.1", "admin = \"0.0.0.0")]);
    let ended = node(&config, "us-east", &cluster.data(0), &cluster.certs(), &["--fault-api"]).await;
    let _ = ended.refused(&["fault API", "loopback"]);
}
