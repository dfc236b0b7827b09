//! The main job: three regions sell one stock, one of them cut off in the middle, and every figure is right at the end.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use halcyon_cli::retail::{self, Shape};
use halcyon_client::Client;
use halcyon_tests::{Cluster, Ended, halcyon};
use serde_json::Value;

const SEED: u64 = 2011;
const SHAPE: Shape = Shape { lines: 3_000, skus: 400, homes: 3 };

/// `halcyon replay FILE … EXTRA` against a cluster.
async fn replay(cluster: &Cluster, file: &Path, extra: &[&str]) -> Ended {
    let file = file.to_string_lossy().into_owned();
    let own = ["replay".to_owned(), file].into_iter().chain(cluster.flags());
    halcyon(own.chain(extra.iter().map(|word| (*word).to_owned()))).await
}

/// Synthetic order lines, and what the tests themselves make of them: net units by product, products by invoice,
/// thousandths by geo. Computed from the text alone, without the code under test.
struct Week {
    file: PathBuf,
    expect: PathBuf,
    net: BTreeMap<String, i64>,
    carts: BTreeMap<String, BTreeSet<String>>,
    revenue: BTreeMap<String, i64>,
}

impl Week {
    fn generate(dir: &Path) -> Self {
        let text = retail::generate(SEED, SHAPE);
        let (file, expect) = (dir.join("week.csv"), dir.join("per-sku.tsv"));
        fs::write(&file, &text).expect("a file");
        let mut week = Self { file, expect, net: BTreeMap::new(), carts: BTreeMap::new(), revenue: BTreeMap::new() };
        for line in text.lines().skip(1) {
            week.note(&line.split(',').collect::<Vec<_>>());
        }
        fs::write(&week.expect, week.tsv(None)).expect("a file");
        week
    }

    fn note(&mut self, columns: &[&str]) {
        let [_, _, invoice, sku, qty, price, _, _, geo, home] = columns else { panic!("ten columns: {columns:?}") };
        assert!(["r0", "r1", "r2"].contains(home));
        let qty: i64 = qty.parse().expect("units");
        let (whole, decimals) = price.split_once('.').expect("a decimal");
        let thousandths: i64 = format!("{whole}{decimals:0<3}").parse().expect("a price");
        *self.net.entry((*sku).to_owned()).or_default() += qty;
        *self.revenue.entry((*geo).to_owned()).or_default() += qty * thousandths;
        if qty > 0 {
            self.carts.entry((*invoice).to_owned()).or_default().insert((*sku).to_owned());
        }
    }

    /// Expected figures, one of them off by one if `altered` names it.
    fn tsv(&self, altered: Option<&str>) -> String {
        let row = |(sku, net): (&String, &i64)| format!("{sku}\t{}\n", net + i64::from(altered == Some(sku)));
        format!("sku\tnet\n{}", self.net.iter().map(row).collect::<String>())
    }

    /// Every figure, as one region's SDK reads it.
    async fn is_right_at(&self, client: &Client) {
        let (shop, region) = (client.keyspace("default"), client.region());
        for (sku, net) in &self.net {
            let found = shop.counter(format!("net:{sku}")).get().await.expect("a read");
            assert_eq!(found, i128::from(*net), "net:{sku} in {region}");
        }
        for (geo, revenue) in &self.revenue {
            let found = shop.counter(format!("revenue:{geo}")).get().await.expect("a read");
            assert_eq!(found, i128::from(*revenue), "revenue:{geo} in {region}");
        }
        for (invoice, cart) in &self.carts {
            let found = shop.set(format!("cart:{invoice}")).members().await.expect("a read");
            let found: BTreeSet<_> = found.iter().map(|sku| String::from_utf8_lossy(sku).into_owned()).collect();
            assert_eq!(found, *cart, "cart:{invoice} in {region}");
        }
    }
}

#[tokio::test]
async fn three_regions_agree_on_every_figure_after_one_was_cut_off_in_the_middle() {
    let cluster = Cluster::start(3).await;
    let week = Week::generate(cluster.dir());
    let expect = week.expect.to_string_lossy();
    let cut = ["--cut", "eu-west", "--cut-at", "1000", "--heal-at", "2000", "--expect", &expect, "--json"];
    let ended = replay(&cluster, &week.file, &cut).await.succeeded();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended}"));
    assert_eq!(report["agree"], true, "{ended}");
    assert_eq!(report["regions"].as_array().map(Vec::len), Some(3), "one row per region: {ended}");
    let behind = &report["cut"]["behind"];
    assert!(behind.as_array().is_some_and(|behind| !behind.is_empty()), "the cut has been felt: {ended}");
    cluster.converged().await;
    for client in cluster.clients().await {
        week.is_right_at(&client).await;
    }
}

#[tokio::test]
async fn one_altered_expected_figure_fails_the_replay_and_is_named() {
    let cluster = Cluster::start(3).await;
    let week = Week::generate(cluster.dir());
    let (victim, net) = week.net.iter().nth(123).expect("many products");
    let altered = cluster.dir().join("altered.tsv");
    fs::write(&altered, week.tsv(Some(victim))).unwrap();
    let expect = altered.to_string_lossy();
    let ended = replay(&cluster, &week.file, &["--expect", &expect]).await.refused(&["not as they must be", "remedy"]);
    for words in [format!("net:{victim}"), format!("expected {}", net + 1), format!("found {net}")] {
        assert!(ended.stdout.contains(&words), "{words}: {ended}");
    }
    // What was played is right nevertheless: the fault is the figure's.
    for client in cluster.clients().await {
        week.is_right_at(&client).await;
    }
}

#[tokio::test]
async fn a_real_week_comes_out_right_in_every_region() {
    let Some(dir) = std::env::var_os("HALCYON_RETAIL_DIR").map(PathBuf::from) else {
        println!("skip: the replay of a real week: HALCYON_RETAIL_DIR is not set");
        return;
    };
    let cluster = Cluster::start(3).await;
    let expect = dir.join("expected-w46-per-sku.tsv").to_string_lossy().into_owned();
    let cut = ["--cut", "eu-west", "--cut-at", "7000", "--heal-at", "14000", "--expect", &expect];
    let week = dir.join("online-retail-2011w46.csv");
    let ended = replay(&cluster, &week, &cut).await.succeeded();
    assert!(ended.stdout.contains("all 3 regions agree"), "{ended}");
    cluster.converged().await;
}
