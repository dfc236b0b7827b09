//! Does an operation cost the same on a collection of ten as on one of a million? And does deleting a million elements hold
//! anybody up?
//!
//! The first question is put to the committer on RocksDB, without a network: groups of operations on single elements that are
//! not there yet, then of their removals, so that every collection keeps its size; sizes take turns within a round. The second
//! is put to a node: writes to other keys at a fixed rate, quiet, and while a set of a million is deleted.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use halcyon_benches::{Figure, Report, Rounds, Solo, Target, root, run, scale};
use halcyon_cli::bench::{self, End, Load, Op as Workload};
use halcyon_crdt::{End as ListEnd, Object, Op, Place, Update};
use halcyon_tests::Cluster;
use halcyon_types::KeyspaceId;
use halcyon_types::limits::UPDATES_MAX;
use tokio::time::Instant;

const SMALLEST: u64 = 10;
const LARGEST: u64 = 1_000_000;
const SIZES: [u64; 4] = [SMALLEST, 1_000, 100_000, LARGEST];
const GROUP: u64 = 256;
const ROUNDS: usize = 15;
/// What an operation on the largest may cost, in terms of the smallest.
const TARGET: f64 = 1.5;
/// What other keys' p99 may come to while a million elements are deleted, in terms of the quiet one.
const TARGET_P99: f64 = 5.0;
const RECORD_BYTES: f64 = 1024.0;

const RATE: u64 = 2_000;
const WINDOW: Duration = Duration::from_secs(4);

fn main() {
    run(measure());
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Set,
    Map,
    SortedSet,
    List,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Set, Self::Map, Self::SortedSet, Self::List];

    const fn name(self) -> &'static str {
        match self {
            Self::Set => "set add",
            Self::Map => "map set",
            Self::SortedSet => "sorted-set add",
            Self::List => "list append",
        }
    }

    fn collection(self, size: u64) -> Object {
        Object::new(KeyspaceId::FIRST, format!("{}:{size}", self.name()))
    }

    fn add(self, size: u64, n: u64) -> Update {
        let (object, name) = (self.collection(size), element(n));
        let update = |op| Update { object: object.clone(), op };
        match self {
            Self::Set => update(Op::Insert { element: name }),
            Self::Map => Update { object: object.field(name), op: Op::Set { value: value(), ttl_ms: None } },
            Self::SortedSet => {
                // Scores in no order of the names.
                let score = f64::from(u32::try_from(n.wrapping_mul(2_654_435_761) % 1_000_003).expect("it is below"));
                update(Op::Score { member: name, score })
            }
            Self::List => update(Op::Push { end: ListEnd::Back, values: vec![value()] }),
        }
    }

    fn remove(self, size: u64, n: u64) -> Update {
        let (object, name) = (self.collection(size), element(n));
        let update = |op| Update { object: object.clone(), op };
        match self {
            Self::Set => update(Op::Remove { element: name }),
            Self::Map => Update { object: object.field(name), op: Op::Delete },
            Self::SortedSet => update(Op::RemoveMember { member: name }),
            Self::List => update(Op::RemoveAt { place: Place::Index(-1) }),
        }
    }
}

fn element(n: u64) -> Bytes {
    format!("element:{n:09}").into()
}

fn value() -> Bytes {
    Bytes::from_static(b"a value of thirty-two bytes, once")
}

fn preload(solo: &mut Solo, kind: Kind, size: u64) {
    let mut n = 0;
    while n < size {
        let upto = size.min(n + UPDATES_MAX as u64);
        solo.stage((n..upto).map(|n| kind.add(size, n)).collect());
        solo.commit();
        n = upto;
    }
}

/// Microseconds per operation of one group: staging alone, and with the commit.
fn group(solo: &mut Solo, update: impl Fn(u64) -> Update) -> (f64, f64) {
    let updates: Vec<Update> = (0..GROUP).map(update).collect();
    let began = Instant::now();
    for update in updates {
        solo.stage(vec![update]);
    }
    let staged = began.elapsed();
    solo.commit();
    let all = began.elapsed();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(u32::try_from(GROUP).expect("small"));
    (each(staged), each(all))
}

#[derive(Default)]
struct Cost {
    staged: Rounds,
    all: Rounds,
}

impl Cost {
    fn push(&mut self, (staged, all): (f64, f64)) {
        self.staged.push(staged);
        self.all.push(all);
    }
}

fn single_elements(solo: &mut Solo, report: &mut Report) {
    for kind in Kind::ALL {
        for size in SIZES {
            preload(solo, kind, size);
        }
    }
    let mut costs: BTreeMap<(Kind, bool, u64), Cost> = BTreeMap::new();
    // The first round warms up.
    for round in 0..=scale::rounds(ROUNDS) as u64 {
        for kind in Kind::ALL {
            for size in SIZES {
                let fresh = 100_000_000 + round * GROUP;
                let add = group(solo, |n| kind.add(size, fresh + n));
                let remove = group(solo, |n| kind.remove(size, fresh + n));
                if round > 0 {
                    costs.entry((kind, false, size)).or_default().push(add);
                    costs.entry((kind, true, size)).or_default().push(remove);
                }
            }
        }
    }
    report.question(&format!("What does an operation on one element cost? In groups of {GROUP}, synced, by size"));
    let mut worst = 0.0_f64;
    let smallest: BTreeMap<(Kind, bool), f64> = costs
        .iter()
        .filter(|((_, _, size), _)| *size == SMALLEST)
        .map(|((kind, removal, _), cost)| ((*kind, *removal), cost.all.median()))
        .collect();
    for ((kind, removal, size), cost) in costs {
        let base = smallest.get(&(kind, removal)).copied().unwrap_or(f64::NAN);
        if size == LARGEST {
            worst = worst.max(cost.all.median() / base);
        }
        let what = format!("{}{} at {size}", kind.name(), if removal { ", removal" } else { "" });
        report.figure(&format!("{what}, staged"), Figure::of(cost.staged, "us"));
        report.figure(&what, Figure::of(cost.all, "us").against("size 10", base));
    }
    report.figure(
        "the worst ratio of 1,000,000 to 10",
        Figure::once(worst, "").against("size 10", 1.0).target(Target::AtMost(TARGET)),
    );
}

/// What the record that deletes a million elements takes, in bytes and in time.
fn deletion(solo: &mut Solo, report: &mut Report) {
    report.question("What does deleting a collection of a million cost, at the committer?");
    for kind in Kind::ALL {
        let began = Instant::now();
        solo.stage(vec![Update { object: kind.collection(LARGEST), op: Op::Delete }]);
        let committed = solo.commit();
        let ms = began.elapsed().as_secs_f64() * 1e3;
        let bytes: usize = committed.own.iter().map(|record| record.bytes.len()).sum();
        let bytes = f64::from(u32::try_from(bytes).expect("small"));
        report.figure(&format!("{}: delete", kind.name()), Figure::once(ms, "ms"));
        report.figure(
            &format!("{}: record", kind.name()),
            Figure::once(bytes, "bytes").target(Target::AtMost(RECORD_BYTES)),
        );
    }
}

/// Writes to other keys while a set of a million is deleted, in terms of the quiet ones.
async fn neighbours(report: &mut Report) {
    let dir = tempfile::Builder::new().prefix("bench-types-").tempdir_in(root()).expect("a directory");
    let cluster = Cluster::start_under(dir.path(), 1, false).await;
    let client = cluster.client(0).await;
    let clients = [client.clone()];
    let load = |seed| Load {
        op: Workload::Incr,
        keys: 10_000,
        in_flight: 256,
        end: End::After(scale::length(WINDOW)),
        rate: Some(RATE),
        seed,
        ..Load::default()
    };
    bench::preload(&client, "default", &load(0)).await.expect("a preload");
    let [mut quiet, mut busy, mut ratio] = [const { Rounds::new() }; 3];
    for round in 0..scale::rounds(3) as u64 {
        let crowd = format!("crowd:{round}");
        for from in (0..1_000_000_u32).step_by(UPDATES_MAX) {
            let mut batch = client.keyspace("default").batch();
            for n in from..(from + u32::try_from(UPDATES_MAX).expect("small")).min(1_000_000) {
                batch.set(&crowd).add(element(n.into()));
            }
            batch.commit().await.expect("a batch");
        }
        let before = bench::run(&clients, "default", &load(2 * round + 1)).await.expect("a round");
        let window = load(2 * round + 2);
        let writes = bench::run(&clients, "default", &window);
        let shop = client.keyspace("default");
        let delete = async {
            tokio::time::sleep(scale::length(WINDOW) / 4).await;
            shop.key(&crowd).delete().await.expect("a delete");
        };
        let (during, ()) = tokio::join!(writes, delete);
        let during = during.expect("a round");
        let ms = |micros: u64| f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1e3;
        quiet.push(ms(before.micros.p99));
        busy.push(ms(during.micros.p99));
        ratio.push(ms(during.micros.p99) / ms(before.micros.p99));
    }
    report.question(&format!(
        "Does deleting a set of a million hold up others? One node, {RATE} increments/s on other keys"
    ));
    report.figure("p99 of others, quiet", Figure::of(quiet.clone(), "ms"));
    report.figure("p99 of others, meanwhile", Figure::of(busy, "ms").against("quiet", quiet.median()));
    report.figure("ratio, round by round", Figure::ratio_to("quiet", ratio).target(Target::AtMost(TARGET_P99)));
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-types-").tempdir_in(root()).expect("a directory");
    let mut report = Report::new("types");
    let mut solo = Solo::open(&dir.path().join("committer"));
    single_elements(&mut solo, &mut report);
    deletion(&mut solo, &mut report);
    drop(solo);
    neighbours(&mut report).await;
    report.finish();
}
