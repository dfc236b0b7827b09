//! By how much does a hostile network slow an honest client down?
//!
//! One node; an honest client increments counters at a steady rate, far below what the node can do, and its latency counts
//! from the moment an increment was due. Rounds of quiet and of attack take turns. The attack of the first question is that
//! of the end-to-end test spread over a minute: a million malformed frames, over connections that are in order, and ten
//! thousand attempts at connections that come to nothing. That of the second goes as fast as one thread can; on a small
//! machine that thread, the client and the node then share the processors, which is part of the figure.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::thread::{self, JoinHandle};
use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, Target, root, run, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use halcyon_tests::Cluster;
use halcyon_tests::hostile::{Calls, Frames, Over, Pace, Stranger};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(3);
/// Increments a second of the honest client.
const RATE: u64 = 1000;
/// A million frames in a minute, some 256 to a connection.
const CONNECTIONS_PER_S: u32 = 65;
/// Ten thousand attempts in a minute.
const CALLS_PER_S: u32 = 167;
/// The quiet p99 may be so many times as long under attack.
const TARGET: f64 = 2.0;

fn main() {
    run(measure());
}

/// What an attack has done, until it was told that it is over.
fn attack(stranger: &Stranger, flat_out: bool, over: &Over) -> JoinHandle<(Frames, Calls)> {
    let (stranger, over) = (stranger.clone(), over.clone());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let pace =
                |steps| if flat_out { Pace::flat_out(over.clone()) } else { Pace::per_second(steps, over.clone()) };
            let frames = Frames::send(&stranger, u64::MAX, pace(CONNECTIONS_PER_S));
            let calls = Calls::make(&stranger, u64::MAX, pace(CALLS_PER_S));
            tokio::join!(frames, calls)
        })
    })
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-hostile-").tempdir_in(root()).expect("a directory");
    // The second region is only a name that the attacker has the certificate of.
    let mut cluster = Cluster::prepared(dir.path(), 2, false).await;
    cluster.restart(0).await;
    let stranger = Stranger::of(&cluster).await;
    let clients = [cluster.client(0).await];
    let mut report = Report::new("hostile");
    for (flat_out, question) in [
        (false, "What does an attack of a million malformed frames and 10,000 calls a minute cost an honest client?"),
        (true, "And one that goes as fast as a thread can?"),
    ] {
        compare(&clients, &stranger, flat_out, question, &mut report).await;
    }
    report.finish();
}

/// Rounds of quiet and of attack, in turns.
async fn compare(clients: &[Client], stranger: &Stranger, flat_out: bool, question: &str, report: &mut Report) {
    let [mut quiet50, mut quiet99, mut hostile50, mut hostile99] = [const { Rounds::new() }; 4];
    let [mut ratio, mut frames_per_s, mut calls_per_s] = [const { Rounds::new() }; 3];
    for round in 1..=scale::rounds(ROUNDS) {
        let quiet = honest(clients, round).await;
        let over = Over::default();
        let attacking = attack(stranger, flat_out, &over);
        let busy = honest(clients, round).await;
        over.set();
        let (frames, calls) = attacking.join().expect("an attack that came to its end");
        quiet50.push(quiet.0);
        quiet99.push(quiet.1);
        hostile50.push(busy.0);
        hostile99.push(busy.1);
        ratio.push(busy.1 / quiet.1);
        // The attack begins with the warm-up, a second before the round.
        let length = scale::length(ROUND).as_secs_f64() + 1.0;
        frames_per_s.push(count(frames.malformed + frames.senseless) / length);
        calls_per_s.push(count(calls.total()) / length);
        println!(
            "round {round} of {}: p99 {:.0} us quiet, {:.0} us under attack",
            scale::rounds(ROUNDS),
            quiet.1,
            busy.1
        );
    }
    let quiet = quiet99.median();
    report.question(question);
    report.figure("frames sent", Figure::of(frames_per_s, "a second"));
    report.figure("attempts at a connection", Figure::of(calls_per_s, "a second"));
    report.figure("p50, quiet", Figure::of(quiet50.clone(), "us"));
    report.figure("p50, under attack", Figure::of(hostile50, "us").against("quiet", quiet50.median()));
    report.figure("p99, quiet", Figure::of(quiet99, "us"));
    report.figure("p99, under attack", Figure::of(hostile99, "us").against("quiet", quiet));
    let ratio = Figure::ratio_to("quiet", ratio);
    // What goes as fast as a thread can takes a share of the processors, which is nobody's fault.
    let ratio = if flat_out { ratio } else { ratio.target(Target::AtMost(TARGET)) };
    report.figure("ratio of p99s, round by round", ratio);
}

/// One round of the honest client: its p50 and p99.
async fn honest(clients: &[Client], round: usize) -> (f64, f64) {
    let seed = u64::try_from(round).expect("a small number");
    let (end, rate) = (End::After(scale::length(ROUND)), Some(RATE));
    let load = Load { op: Op::Incr, keys: 10_000, in_flight: 256, end, rate, seed, ..Load::default() };
    let report = bench::run(clients, "default", &load).await.expect("a round");
    (count(report.micros.p50), count(report.micros.p99))
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
