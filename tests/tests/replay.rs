//! The main job: three regions sell one stock, one of them cut off in the middle, and every figure is right at the end.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "the helpers of a test fail by panicking, as the test does; its numbers are small"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use halcyon_cli::retail::{self, Shape};
use halcyon_client::{Client, Direction};
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

/// Synthetic order lines, and what the tests themselves make of them: net units, units sold and the least stock to begin
/// with by product, products by invoice, thousandths and customers by geo. Computed from the text alone, without the code
/// under test.
struct Week {
    file: PathBuf,
    expect: PathBuf,
    net: BTreeMap<String, i64>,
    sold: BTreeMap<String, i64>,
    least_stock: BTreeMap<String, i64>,
    carts: BTreeMap<String, BTreeSet<String>>,
    revenue: BTreeMap<String, i64>,
    buyers: BTreeMap<String, BTreeSet<String>>,
}

impl Week {
    fn generate(dir: &Path) -> Self {
        let text = retail::generate(SEED, SHAPE);
        let (file, expect) = (dir.join("week.csv"), dir.join("per-sku.tsv"));
        fs::write(&file, &text).expect("a file");
        let mut week = Self {
            file,
            expect,
            net: BTreeMap::new(),
            sold: BTreeMap::new(),
            least_stock: BTreeMap::new(),
            carts: BTreeMap::new(),
            revenue: BTreeMap::new(),
            buyers: BTreeMap::new(),
        };
        for line in text.lines().skip(1) {
            week.note(&line.split(',').collect::<Vec<_>>());
        }
        fs::write(&week.expect, week.tsv(None)).expect("a file");
        week
    }

    fn note(&mut self, columns: &[&str]) {
        let [_, _, invoice, sku, qty, price, customer, _, geo, home] = columns else {
            panic!("ten columns: {columns:?}")
        };
        assert!(["r0", "r1", "r2"].contains(home));
        let qty: i64 = qty.parse().expect("units");
        let (whole, decimals) = price.split_once('.').expect("a decimal");
        let thousandths: i64 = format!("{whole}{decimals:0<3}").parse().expect("a price");
        let net = self.net.entry((*sku).to_owned()).or_default();
        *net += qty;
        let least = self.least_stock.entry((*sku).to_owned()).or_default();
        *least = (*least).max(*net);
        if !customer.is_empty() {
            self.buyers.entry((*geo).to_owned()).or_default().insert((*customer).to_owned());
        }
        *self.revenue.entry((*geo).to_owned()).or_default() += qty * thousandths;
        if qty > 0 {
            *self.sold.entry((*sku).to_owned()).or_default() += qty;
            self.carts.entry((*invoice).to_owned()).or_default().insert((*sku).to_owned());
        }
    }

    /// Expected figures, one of them off by one if `altered` names it: a product and a column.
    fn tsv(&self, altered: Option<(&str, &str)>) -> String {
        let row = |(sku, net): (&String, &i64)| {
            let of = |column, figure: i64| figure + i64::from(altered == Some((sku, column)));
            let sold = of("sold", self.sold.get(sku).copied().unwrap_or(0));
            let (net, least) = (of("net", *net), of("min_initial_stock", self.least_stock[sku]));
            format!("{sku}\t{sold}\t{net}\t{least}\n")
        };
        format!("sku\tsold\tnet\tmin_initial_stock\n{}", self.net.iter().map(row).collect::<String>())
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
        let top = shop.sorted_set("top").by_rank(.., Direction::Descending).await.expect("a read");
        let top: Vec<_> =
            top.into_iter().map(|best| (String::from_utf8_lossy(&best.member).into_owned(), best.score)).collect();
        let mut sold: Vec<_> = self.sold.iter().map(|(sku, sold)| (sku.clone(), *sold as f64)).collect();
        sold.sort_by(|(a, more), (b, less)| less.total_cmp(more).then_with(|| b.cmp(a)));
        assert_eq!(top, sold, "top in {region}");
        for (geo, customers) in &self.buyers {
            let found = shop.hyperloglog(format!("buyers:{geo}")).estimate().await.expect("a read") as f64;
            let known = customers.len() as f64;
            assert!((found - known).abs() <= (known * 0.0244).max(1.0), "buyers:{geo} in {region}: {found} of {known}");
        }
    }

    /// What is left of every product, given the units that were refused: never less than nothing.
    async fn stock_is_right_at(&self, client: &Client, refused: &Value) {
        let (shop, region) = (client.keyspace("default"), client.region());
        for (sku, net) in &self.net {
            let left = shop.bounded_counter(format!("stock:{sku}")).value().await.expect("a read");
            let refused = refused.get(sku).and_then(Value::as_i64).unwrap_or(0);
            assert!(left >= 0, "stock:{sku} in {region} is {left}");
            assert_eq!(left, i128::from(self.least_stock[sku] - net + refused), "stock:{sku} in {region}");
        }
    }
}

/// Sales, returns and what is left add up, over all products and region by region; no look saw less than nothing.
fn stock_adds_up(report: &Value) {
    let stock = &report["stock"];
    let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("a number: {value}"));
    let units = |of: &Value, what: &str| number(&of[what]["units"]);
    let left = number(&stock["initial"]) - units(stock, "accepted") + units(stock, "returned");
    assert_eq!(number(&stock["left"]), left, "{stock}");
    let refused = stock["refused_by_product"].as_object().expect("products");
    assert_eq!(refused.values().map(number).sum::<i64>(), units(stock, "refused"), "{stock}");
    // With no stock to spare, spread over three regions, some sales must be refused; else nothing here was tried.
    assert!(units(stock, "refused") > 0 && units(stock, "accepted") > 0, "{stock}");
    let regions = report["regions"].as_array().expect("regions");
    for what in ["accepted", "refused", "returned"] {
        let sum: i64 = regions.iter().map(|region| units(&region["sales"], what)).sum();
        assert_eq!(sum, units(stock, what), "{what}: {report}");
    }
    for region in regions {
        let seen = &region["stock_seen"];
        assert!(number(&seen["looks"]) > 0 && number(&seen["least"]) >= 0, "{region}");
        assert_eq!(region["stock"]["right"], region["stock"]["total"], "{region}");
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
    stock_adds_up(&report);
    cluster.converged().await;
    for client in cluster.clients().await {
        week.is_right_at(&client).await;
        week.stock_is_right_at(&client, &report["stock"]["refused_by_product"]).await;
    }
}

#[tokio::test]
async fn one_altered_expected_figure_fails_the_replay_and_is_named() {
    let cluster = Cluster::start(3).await;
    let week = Week::generate(cluster.dir());
    let (victim, net) = week.net.iter().nth(123).expect("many products");
    let (sold, least) = (week.sold[victim], week.least_stock[victim]);
    let altered = cluster.dir().join("altered.tsv");
    let expect = altered.to_string_lossy();
    for (column, key, figure) in [
        ("net", format!("net:{victim}"), *net),
        ("sold", format!("top, member {victim}"), sold),
        ("min_initial_stock", format!("min_initial_stock of {victim}"), least),
    ] {
        fs::write(&altered, week.tsv(Some((victim, column)))).unwrap();
        let flags = ["--expect", &expect, "--prefix", column];
        let ended = replay(&cluster, &week.file, &flags).await.refused(&["not as they must be", "remedy"]);
        for words in [key, format!("expected {}", figure + 1), format!("found {figure}")] {
            assert!(ended.stdout.contains(&words), "{words}: {ended}");
        }
    }
    // What was played is right nevertheless: the fault is the figure's.
    let _ = replay(&cluster, &week.file, &["--expect", &week.expect.to_string_lossy()]).await.succeeded();
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
    let cut = ["--cut", "eu-west", "--cut-at", "7000", "--heal-at", "14000", "--expect", &expect, "--json"];
    let week = dir.join("online-retail-2011w46.csv");
    let ended = replay(&cluster, &week, &cut).await.succeeded();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended}"));
    assert_eq!(report["agree"], true, "{ended}");
    // As the expected figures say: 187,434 units sold, 8,218 returned, 185,259 to begin with.
    let (stock, units) = (&report["stock"], |what: &str| report["stock"][what]["units"].as_i64());
    assert_eq!((&stock["initial"], units("returned")), (&Value::from(185_259), Some(8_218)), "{stock}");
    assert_eq!(units("accepted").zip(units("refused")).map(|(yes, no)| yes + no), Some(187_434), "{stock}");
    stock_adds_up(&report);
    cluster.converged().await;
}
