//! Files of order lines that cannot be played: refused before the first write.

use std::env::temp_dir;
use std::fs;

use halcyon_tests::{Cluster, halcyon};

use crate::Witness;

const HEADER: &str = "seq,ts,invoice,sku,qty,price,customer,country,geo,home";
const GOOD: &str = "0,2011-11-14 08:10:00,576080,22465,12,1.65,18211,United Kingdom,uk,r0";

#[tokio::test]
async fn a_broken_order_line_is_refused_with_line_and_column_and_nothing_is_played() {
    let cluster = Cluster::start_under(&temp_dir(), 1, false).await;
    let witness = Witness::of(&cluster).await;
    let broken: &[(&str, &[&str])] = &[
        ("1,2011-11-14 08:10:00,576080,22178,six,1.95,18211,United Kingdom,uk,r0", &["line 3", "column 5", "`qty`"]),
        ("1,2011-11-14 08:10:00,576080,22178,6,1.95,18211,United Kingdom,uk", &["line 3", "column 10", "9 columns"]),
        ("1,yesterday,576080,22178,6,1.95,18211,United Kingdom,uk,r0", &["line 3", "column 2", "`ts`"]),
        ("1,2011-11-14 08:10:00,576080,22178,6,cheap,18211,United Kingdom,uk,r0", &["line 3", "column 6", "`price`"]),
        ("1,2011-11-14 08:10:00,576080,22178,6,1.95,18211,United Kingdom,uk,eu", &["line 3", "column 10", "`home`"]),
        ("1,2011-11-14 08:10:00,576080,22178,6,1.95,18211,United Kingdom,uk,r1", &["order line 2", "r1", "regions"]),
    ];
    for (line, words) in broken {
        let csv = cluster.dir().join("broken.csv");
        fs::write(&csv, format!("{HEADER}\n{GOOD}\n{line}\n")).unwrap();
        let args = ["replay".to_owned(), csv.to_string_lossy().into_owned()].into_iter().chain(cluster.flags());
        let ended = halcyon(args).await.refused(words).refused(&["remedy"]);
        let played = witness.client.keyspace("default").counter("net:22465").get().await.unwrap();
        assert_eq!(played, 0, "the good line before it was not played either: {ended}");
    }
    witness.has_lost_nothing().await;
}

#[tokio::test]
async fn a_replay_that_cuts_needs_the_fault_api_and_says_so() {
    let cluster = Cluster::start_under(&temp_dir(), 2, false).await;
    let witness = Witness::of(&cluster).await;
    let csv = cluster.dir().join("good.csv");
    fs::write(&csv, format!("{HEADER}\n{GOOD}\n{GOOD}\n")).unwrap();
    let args = ["replay".to_owned(), csv.to_string_lossy().into_owned()].into_iter().chain(cluster.flags());
    let cut = ["--cut", "eu-west", "--cut-at", "1", "--heal-at", "2"].map(str::to_owned);
    let _ = halcyon(args.chain(cut)).await.refused(&["fault API", "--fault-api"]);
    let (code, body) = cluster.post(0, "/fault/link/eu-west?state=cut").await.unwrap();
    assert!(code == 404 && body.contains("--fault-api"), "{code} {body}");
    cluster.linked().await;
    witness.has_lost_nothing().await;
}
