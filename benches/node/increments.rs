//! Increments against the skeleton: spread evenly over all keys, or over a thousand whose rows come from the cache.

use std::time::Duration;

use halcyon_benches::skeleton::{self, Skeleton};
use halcyon_benches::{Figure, KEYS, Report, Rounds, Target, float, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use hdrhistogram::Histogram;

use crate::Stage;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const HOT_KEYS: u64 = 1_000;

/// Keys, operations in flight, and the least ratio of rates to the skeleton's over all keys that is wanted.
const CASES: [(u64, usize, Option<f64>); 5] = [
    (KEYS, 1, None),
    (KEYS, 128, Some(0.8)),
    (KEYS, 1024, Some(0.8)),
    (HOT_KEYS, 128, Some(1.1)),
    (HOT_KEYS, 1024, Some(1.1)),
];
/// The most that p50 and p99 of one in flight may be of the skeleton's.
const ALONE: [f64; 2] = [1.3, 2.0];

/// What one case has shown of one side.
#[derive(Default)]
struct Side {
    rate: Rounds,
    p50: Rounds,
    p99: Rounds,
}

impl Side {
    fn push(&mut self, [rate, p50, p99]: [f64; 3]) {
        self.rate.push(rate);
        self.p50.push(p50);
        self.p99.push(p99);
    }
}

/// The same of both, and their ratios round by round.
#[derive(Default)]
struct Case {
    skeleton: Side,
    node: Side,
    ratio: Side,
    /// Of rates, to the skeleton's over all keys.
    to_all_keys: Rounds,
}

fn load(keys: u64, in_flight: usize, seed: u64) -> Load {
    let length = scale::length(ROUND);
    Load { op: Op::Incr, keys, in_flight, end: End::After(length), warmup: length / 10, seed, ..Load::default() }
}

impl Case {
    /// Says how fast the skeleton was.
    async fn round(
        &mut self,
        (keys, in_flight): (u64, usize),
        seed: u64,
        skeleton: &mut Skeleton,
        client: &Client,
        all_keys: &mut Vec<(usize, f64)>,
    ) {
        let length = scale::length(ROUND);
        let (rate, micros) = skeleton.run(skeleton::Load { keys: Some(keys), in_flight, length }).await;
        let node =
            bench::run(std::slice::from_ref(client), "default", &load(scale::keys().min(keys), in_flight, seed)).await;
        let node = node.expect("a round");
        let (s50, s99) = (quantile(&micros, 0.5), quantile(&micros, 0.99));
        let (n50, n99) = (float(node.micros.p50), float(node.micros.p99));
        self.skeleton.push([rate, s50, s99]);
        self.node.push([node.ops_per_s, n50, n99]);
        self.ratio.push([node.ops_per_s / rate, n50 / s50, n99 / s99]);
        if keys == KEYS {
            all_keys.push((in_flight, rate));
        }
        let all = all_keys.iter().find(|(depth, _)| *depth == in_flight).map_or(f64::NAN, |(_, rate)| *rate);
        self.to_all_keys.push(node.ops_per_s / all);
        println!("{keys} keys, {in_flight} in flight: skeleton {rate:.0}/s, node {:.0}/s", node.ops_per_s);
    }
}

pub(crate) async fn measure(stage: &mut Stage, report: &mut Report) {
    let mut cases = CASES.map(|(keys, in_flight, target)| ((keys, in_flight), target, Case::default()));
    let rounds = scale::rounds(ROUNDS);
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        let mut all_keys = Vec::new();
        for (what, _, case) in &mut cases {
            case.round(*what, round as u64, &mut stage.skeleton, &stage.client, &mut all_keys).await;
        }
    }
    for ((keys, in_flight), target, case) in cases {
        report.question(&format!("Durable increments at one node, {keys} keys, {in_flight} in flight"));
        tell(report, case, keys, target);
    }
}

fn tell(report: &mut Report, case: Case, keys: u64, target: Option<f64>) {
    let Case { skeleton, node, ratio, to_all_keys } = case;
    for (what, unit, skeleton, node) in [
        ("acknowledged", "ops/s", skeleton.rate, node.rate),
        ("p50", "us", skeleton.p50, node.p50),
        ("p99", "us", skeleton.p99, node.p99),
    ] {
        let most = skeleton.median();
        report.figure(&format!("skeleton, {what}"), Figure::of(skeleton, unit));
        report.figure(&format!("node, {what}"), Figure::of(node, unit).against("the skeleton", most));
    }
    let of_it = |rounds| Figure::ratio_to("the skeleton", rounds);
    let aimed = |figure: Figure, aim: Option<Target>| aim.map_or(figure.clone(), |aim| figure.target(aim));
    let wanted = target.map(Target::AtLeast);
    let [most50, most99] = ALONE.map(|most| target.is_none().then_some(Target::AtMost(most)));
    if keys == KEYS {
        report.figure("rates, round by round", aimed(of_it(ratio.rate), wanted));
    } else {
        report.figure("rates, to the skeleton on the same keys", of_it(ratio.rate));
        report.figure("rates, to the skeleton on all keys", aimed(of_it(to_all_keys), wanted));
    }
    report.figure("p50, round by round", aimed(of_it(ratio.p50), most50));
    report.figure("p99, round by round", aimed(of_it(ratio.p99), most99));
}

fn quantile(micros: &Histogram<u64>, quantile: f64) -> f64 {
    float(micros.value_at_quantile(quantile))
}
