//! Operations a second until all regions have them.

use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, Target, float, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, timeout};

use crate::Side;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const KEYS: u64 = 100_000;
/// At each region that is written.
const IN_FLIGHT: usize = 512;
/// Regions that have not agreed by then never will.
const PATIENCE: Duration = Duration::from_mins(2);

/// The least that is wanted: a node with two peers, of the same alone; two regions, of one; one hot key, of all keys.
const WITH_PEERS: f64 = 0.45;
const TWO_OF_ONE: f64 = 1.0;
const HOT: f64 = 0.8;

fn load(keys: u64, seed: u64) -> Load {
    let end = End::After(scale::length(ROUND));
    // Whatever is not counted would have to converge all the same.
    Load { op: Op::Incr, keys, in_flight: IN_FLIGHT, end, warmup: Duration::ZERO, seed, ..Load::default() }
}

/// Every key, written at the first region, and seen at all.
pub(crate) async fn preload(clients: &[Client]) {
    let here = clients.first().expect("a region");
    bench::preload(here, "default", &load(KEYS, 0)).await.expect("a preload");
    agreed(clients).await;
}

/// Waits until all vectors are equal.
async fn agreed(clients: &[Client]) {
    let agreeing = async {
        loop {
            let mut tokens = Vec::new();
            for client in clients {
                tokens.push(client.token().await.expect("a region that serves"));
            }
            if tokens.iter().all(|token| Some(token) == tokens.first()) {
                return;
            }
            yield_now().await;
        }
    };
    timeout(PATIENCE, agreeing).await.expect("regions that agree in time");
}

/// What one way of writing has shown.
#[derive(Default)]
struct Way {
    acked: Rounds,
    converged: Rounds,
}

impl Way {
    /// Writes at the first `writers` regions at once.
    async fn round(&mut self, clients: &[Client], writers: usize, keys: u64, seed: u64) {
        let began = Instant::now();
        let mut writing = JoinSet::new();
        for (client, number) in clients.iter().take(writers).zip(1..) {
            let (client, load) = ([client.clone()], load(keys, seed * 16 + number));
            writing.spawn(async move { bench::run(&client, "default", &load).await.expect("no write is refused") });
        }
        let (mut acked, mut operations) = (0.0, 0);
        while let Some(report) = writing.join_next().await {
            let report = report.expect("a load that ends");
            acked += report.ops_per_s;
            operations += report.ops;
        }
        agreed(clients).await;
        self.acked.push(acked);
        self.converged.push(float(operations) / began.elapsed().as_secs_f64());
    }
}

/// Says how many operations a second two other regions can follow when one is written.
pub(crate) async fn measure(sides: &[Side], report: &mut Report) -> f64 {
    let [alone, pair, three] = sides else { panic!("one, two and three regions") };
    // Regions, writers, keys.
    let mut ways =
        [(alone, 1, KEYS), (three, 1, KEYS), (three, 3, KEYS), (pair, 1, KEYS), (pair, 2, KEYS), (pair, 2, 1)]
            .map(|way| (way, Way::default()));
    let [mut with_peers, mut two_of_alone, mut two_of_one, mut hot] = [const { Rounds::new() }; 4];
    for round in 1..=scale::rounds(ROUNDS) {
        for ((side, writers, keys), way) in &mut ways {
            way.round(&side.clients, *writers, *keys, round as u64).await;
        }
        let last = ways.each_ref().map(|(_, way)| (way.acked.last(), way.converged.last()));
        let [node, attached, three, one, two, hottest] = last;
        with_peers.push(attached.0 / node.0);
        two_of_alone.push(two.0 / node.0);
        two_of_one.push(two.1 / one.1);
        hot.push(hottest.1 / two.1);
        println!(
            "round {round}: alone {:.0}/s, with two peers {:.0}/s, three at once {:.0}/s",
            node.0, attached.0, three.1
        );
    }
    let [node, attached, three, one, two, hottest] = ways.map(|(_, way)| way);
    let (alone, most, evenly) = (node.acked.median(), one.converged.median(), two.converged.median());
    // What the others cannot follow would only make their queues longer.
    let limit = attached.converged.median();
    let ops = |rounds| Figure::of(rounds, "ops/s");

    report.question(&format!("Three regions written at once, {IN_FLIGHT} increments in flight at each, {KEYS} keys"));
    report.figure("acknowledged, all three", ops(three.acked));
    report.figure("converged, all three", ops(three.converged).against("one node alone", alone));
    report.question(&format!("A node with two peers attached and applying, {IN_FLIGHT} increments in flight"));
    report.figure("the node alone, acknowledged", ops(node.acked));
    report.figure("with two peers, acknowledged", ops(attached.acked).against("the node alone", alone));
    report.figure("with two peers, converged", ops(attached.converged).against("the node alone", alone));
    report.figure(
        "acknowledged, round by round",
        Figure::ratio_to("the node alone", with_peers).target(Target::AtLeast(WITH_PEERS)),
    );
    report.question(&format!("Two regions written at once, {IN_FLIGHT} increments in flight at each, {KEYS} keys"));
    report.figure("one of the two written, converged", ops(one.converged));
    report.figure("both written, acknowledged", ops(two.acked).against("one node without a peer", alone));
    report.figure("both written, converged", ops(two.converged).against("one of the two written", most));
    report.figure(
        "converged, round by round",
        Figure::ratio_to("one of the two written", two_of_one).target(Target::AtLeast(TWO_OF_ONE)),
    );
    report.figure("acknowledged, of one node without a peer", Figure::ratio_to("it", two_of_alone));
    report.question("The same with one hot key");
    report.figure("converged", ops(hottest.converged).against("even keys", evenly));
    report.figure("round by round", Figure::ratio_to("even keys", hot).target(Target::AtLeast(HOT)));
    // One that is refused ends the bench before it comes here.
    report.figure("writes refused", Figure::once(0.0, "writes").target(Target::AtMost(0.0)));
    limit
}
