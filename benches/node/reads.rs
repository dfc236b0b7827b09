//! Point reads: many in flight against raw reads on one thread, a single cached one against a bare round trip.

use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, Target, float, scale, skeleton};
use halcyon_cli::bench::{self, End, Load, Op};

use crate::Stage;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);
const IN_FLIGHT: usize = 256;
/// At least, of raw reads.
const MANY: f64 = 0.45;
/// At most, of a bare round trip's p50.
const ONE: f64 = 2.0;

pub(crate) async fn measure(stage: &mut Stage, report: &mut Report) {
    let length = scale::length(ROUND);
    let (end, warmup) = (End::After(length), length / 10);
    let [mut raw, mut counters, mut registers, mut ratio] = [const { Rounds::new() }; 4];
    let [mut echo, mut one, mut one_ratio] = [const { Rounds::new() }; 3];
    let clients = [stage.client.clone()];
    for round in 1..=scale::rounds(ROUNDS) {
        let seed = round as u64;
        let many = |op| Load {
            op,
            reads_percent: 100,
            keys: scale::keys(),
            in_flight: IN_FLIGHT,
            end,
            warmup,
            seed,
            ..Load::default()
        };
        let most = stage.raw.gets(length);
        let counted = bench::run(&clients, "default", &many(Op::Incr)).await.expect("a round").ops_per_s;
        let set = bench::run(&clients, "default", &many(Op::Set)).await.expect("a round").ops_per_s;
        raw.push(most);
        counters.push(counted);
        registers.push(set);
        ratio.push(counted.min(set) / most);

        let (_, micros) = stage.skeleton.run(skeleton::Load { keys: None, in_flight: 1, length }).await;
        let single = Load { keys: 1, in_flight: 1, ..many(Op::Set) };
        let single = bench::run(&clients, "default", &single).await.expect("a round");
        let (bare, read) = (float(micros.value_at_quantile(0.5)), float(single.micros.p50));
        echo.push(bare);
        one.push(read);
        one_ratio.push(read / bare);
        println!(
            "round {round}: raw {most:.0}/s, counters {counted:.0}/s, registers {set:.0}/s; one {read} us of {bare} us"
        );
    }
    let (most, bare) = (raw.median(), echo.median());
    report.question(&format!("Point reads at one node, {} keys, {IN_FLIGHT} in flight", scale::keys()));
    report.figure("raw point gets, one thread", Figure::of(raw, "ops/s"));
    report.figure("counters", Figure::of(counters, "ops/s").against("raw gets", most));
    report.figure("registers of 64 B", Figure::of(registers, "ops/s").against("raw gets", most));
    report.figure(
        "the slower of both, round by round",
        Figure::ratio_to("raw gets", ratio).target(Target::AtLeast(MANY)),
    );
    report.question("One read in flight, of one register in the cache");
    report.figure("a bare round trip, p50", Figure::of(echo, "us"));
    report.figure("the read, p50", Figure::of(one, "us").against("a bare round trip", bare));
    report.figure("p50, round by round", Figure::ratio_to("a bare round trip", one_ratio).target(Target::AtMost(ONE)));
}
