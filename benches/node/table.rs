//! Operation by operation, over how many are in flight and how keys are drawn: short rounds, no ceiling of their own.

use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, float, scale};
use halcyon_cli::bench::{self, End, Load, Op, Spread};
use halcyon_client::Client;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(500);
const IN_FLIGHT: [usize; 4] = [1, 16, 256, 2048];

/// Name, operation, bytes of a register's value, reads in a hundred.
const OPERATIONS: [(&str, Op, usize, u64); 8] = [
    ("increments", Op::Incr, 0, 0),
    ("registers of 64 B", Op::Set, 64, 0),
    ("set adds", Op::Sadd, 0, 0),
    ("map fields of 64 B", Op::Hset, 64, 0),
    ("reads of registers", Op::Set, 64, 100),
    ("registers of 64 B, 95 % reads", Op::Set, 64, 95),
    ("registers of 64 B, 50 % reads", Op::Set, 64, 50),
    // Last, as its values stay for whoever comes after it.
    ("registers of 4 KiB", Op::Set, 4096, 0),
];

/// What one cell has shown.
#[derive(Default)]
struct Cell {
    rate: Rounds,
    p50: Rounds,
    p99: Rounds,
}

pub(crate) async fn measure(client: &Client, report: &mut Report) {
    for operation in OPERATIONS {
        println!("table: {}", operation.0);
        let mut rows = [(Spread::Even, "evenly drawn"), (Spread::Zipf, "drawn by Zipf's law")]
            .map(|drawn| (drawn, IN_FLIGHT.map(|in_flight| (in_flight, Cell::default()))));
        for round in 1..=scale::rounds(ROUNDS) {
            for ((spread, _), row) in &mut rows {
                for (in_flight, cell) in row {
                    cell.round(client, operation, *in_flight, *spread, round as u64).await;
                }
            }
        }
        for ((_, drawn), row) in rows {
            report.question(&format!("{}, {} keys {drawn}", operation.0, scale::keys()));
            for (in_flight, cell) in row {
                report.figure(&format!("{in_flight} in flight"), Figure::of(cell.rate, "ops/s"));
                report.figure(&format!("{in_flight} in flight, p50"), Figure::of(cell.p50, "us"));
                report.figure(&format!("{in_flight} in flight, p99"), Figure::of(cell.p99, "us"));
            }
        }
    }
}

impl Cell {
    async fn round(
        &mut self,
        client: &Client,
        (_, op, value_bytes, reads_percent): (&str, Op, usize, u64),
        in_flight: usize,
        spread: Spread,
        seed: u64,
    ) {
        let length = scale::length(ROUND);
        let load = Load {
            op,
            reads_percent,
            keys: scale::keys(),
            spread,
            value_bytes,
            in_flight,
            end: End::After(length),
            warmup: length / 5,
            seed,
            ..Load::default()
        };
        let found = bench::run(std::slice::from_ref(client), "default", &load).await.expect("a round");
        self.rate.push(found.ops_per_s);
        self.p50.push(float(found.micros.p50));
        self.p99.push(float(found.micros.p99));
    }
}
