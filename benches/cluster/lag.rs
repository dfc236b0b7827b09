//! How soon is a write seen in another region: idle, and under a steady load of other writes?
//!
//! Probes are writes of their own, a few hundred a second whatever the load is, so that looking costs the same at every
//! rate. The lag is what passes from a write's receipt until the other region answers a session read with its token. That
//! includes one round trip to the other region, which is measured beside it. Each figure is set against one synced commit
//! of raw RocksDB, a single operation, in the same run.

use std::time::Duration;

use halcyon_benches::{Figure, Raw, Report, Rounds, Target, float, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use tokio::time::Instant;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const KEYS: u64 = 100_000;
const PROBES_PER_S: u64 = 200;
/// Enough that the rate is kept even while a tenth of a second of writes waits.
const IN_FLIGHT: usize = 2048;
const COMMITS: usize = 1000;
const READS: usize = 1000;
/// Of the limit.
const NEAR_THE_LIMIT: f64 = 0.8;

struct Rate {
    name: String,
    writes_per_s: Option<u64>,
    p50_at_most: Option<f64>,
    p99_at_most: Option<f64>,
}

#[derive(Default)]
struct Seen {
    p50: Rounds,
    p99: Rounds,
    max: Rounds,
    kept: Rounds,
}

pub(crate) async fn measure(clients: &[Client], limit: f64, raw: &mut Raw, report: &mut Report) {
    let [here, there, ..] = clients else { panic!("two regions") };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    let near = (limit * NEAR_THE_LIMIT) as u64;
    let mut rates = [
        Rate { name: "idle".to_owned(), writes_per_s: None, p50_at_most: Some(4.0), p99_at_most: Some(12.0) },
        Rate { name: "5,000 writes/s".to_owned(), writes_per_s: Some(5_000), p50_at_most: None, p99_at_most: None },
        Rate {
            name: "20,000 writes/s".to_owned(),
            writes_per_s: Some(20_000),
            p50_at_most: None,
            p99_at_most: Some(40.0),
        },
        Rate {
            name: format!("80 % of the limit, {near} writes/s"),
            writes_per_s: Some(near),
            p50_at_most: None,
            p99_at_most: None,
        },
    ]
    .map(|rate| (rate, Seen::default()));
    let [mut commit, mut trip] = [const { Rounds::new() }; 2];
    for round in 1..=scale::rounds(ROUNDS) {
        commit.push((0..COMMITS).map(|_| raw.time_group(1).as_secs_f64() * 1e6).collect::<Rounds>().median());
        trip.push(round_trip(there).await);
        for (rate, seen) in &mut rates {
            seen.round(here, there, rate.writes_per_s, round as u64).await;
            println!("round {round}: {}: lag p99 {:.0} us", rate.name, seen.p99.last());
        }
    }
    let one = commit.median();
    report.question("What a lag consists of, at least");
    report.figure("one synced commit of raw RocksDB", Figure::of(commit, "us"));
    report.figure("a plain read at the other region, p50", Figure::of(trip, "us"));
    for (rate, seen) in rates {
        let of_a_commit = |rounds| Figure::of(rounds, "us").against("one synced commit", one);
        let aimed = |figure: Figure, most: Option<f64>| match most {
            Some(most) => figure.target(Target::AtMost(most)),
            None => figure,
        };
        report.question(&format!("How soon is a write of one region seen in another? Three regions, {}", rate.name));
        report.figure("lag, from receipt to session read, p50", aimed(of_a_commit(seen.p50), rate.p50_at_most));
        report.figure("lag, from receipt to session read, p99", aimed(of_a_commit(seen.p99), rate.p99_at_most));
        report.figure("lag, from receipt to session read, max", of_a_commit(seen.max));
        if let Some(asked) = rate.writes_per_s {
            report.figure(
                "rate kept meanwhile",
                Figure::of(seen.kept, "ops/s").against("the rate asked for", float(asked)),
            );
        }
    }
}

/// The median of plain reads, one after the other, in microseconds.
async fn round_trip(client: &Client) -> f64 {
    let mut rounds = Rounds::default();
    for _ in 0..READS {
        let began = Instant::now();
        client.token().await.expect("a read");
        rounds.push(began.elapsed().as_secs_f64() * 1e6);
    }
    rounds.median()
}

impl Seen {
    async fn round(&mut self, here: &Client, there: &Client, rate: Option<u64>, seed: u64) {
        let length = scale::length(ROUND);
        let (end, warmup) = (End::After(length), length / 8);
        let load = |in_flight, rate, seed| Load {
            op: Op::Incr,
            keys: KEYS,
            in_flight,
            end,
            warmup,
            rate: Some(rate),
            seed,
            ..Load::default()
        };
        let clients = [here.clone()];
        let (probe, loaded) = (load(64, PROBES_PER_S, 2 * seed), rate.map(|rate| load(IN_FLIGHT, rate, 2 * seed + 1)));
        let probing = bench::run_lag(&clients, "default", &probe, there);
        let loading = async {
            match &loaded {
                Some(load) => Some(bench::run(&clients, "default", load).await.expect("a round").ops_per_s),
                None => None,
            }
        };
        let (probed, kept) = tokio::join!(probing, loading);
        let micros = probed.expect("a round").micros;
        self.p50.push(float(micros.p50));
        self.p99.push(float(micros.p99));
        self.max.push(float(micros.max));
        self.kept.push(kept.unwrap_or_default());
    }
}
