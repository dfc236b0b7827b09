//! What does a million keys take, on disk and in memory?
//!
//! Each type in a process of its own, which this one starts: a committer is filled, its resident memory is read, and its
//! rows are merged and their files added up, the log aside. Then two more processes hold as much, and a fifth of it, behind caches that are smaller than either:
//! what the larger one needs more is memory beyond the caches.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::env;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use halcyon_benches::{Draw, Figure, Report, Solo, Target, float, root, scale, warn_if_busy};
use halcyon_crdt::{Object, Op, Update};
use halcyon_store::{Family, RocksSettings, Settings, View};
use halcyon_types::KeyspaceId;
use halcyon_types::limits::UPDATES_MAX;

/// What is stored, and the most bytes on disk that one may take.
const TYPES: [(&str, Option<f64>); 3] = [("counter", None), ("register", Some(160.0)), ("element", Some(90.0))];
const MEMORY_AT_MOST: f64 = 8.0;
/// Elements of one set.
const SET: u64 = 1000;
/// Rows on disk: all families but the log.
const ROWS: [Family; 4] = [Family::State, Family::Derived, Family::Local, Family::Requests];
/// A cache that neither many keys nor a fifth of them fit.
const SMALL_CACHE_BYTES: usize = 2 * 1024 * 1024;

fn main() {
    let args: Vec<String> = env::args().collect();
    match args.iter().position(|arg| arg == "--child") {
        Some(at) => child(args.get(at + 1..).expect("a task")),
        None => measure(),
    }
}

fn measure() {
    warn_if_busy();
    let dir = tempfile::Builder::new().prefix("bench-memory-").tempdir_in(root()).expect("a directory");
    let (many, few) = (scale::keys(), scale::keys() / 5);
    let mut report = Report::new("memory");
    for (kind, disk_at_most) in TYPES {
        let place = |keys: u64| dir.path().join(format!("{kind}-{keys}"));
        let [disk, full, empty] = ask("fill", kind, many, &place(many))[..] else { panic!("three numbers") };
        ask("fill", kind, few, &place(few));
        let [larger] = ask("hold", kind, many, &place(many))[..] else { panic!("a number") };
        let [smaller] = ask("hold", kind, few, &place(few))[..] else { panic!("a number") };
        let what = match kind {
            "counter" => "counters, incompressible keys of 16 B",
            "register" => "registers, keys of 16 B and values of 64 B, both incompressible",
            _ => "set elements of 16 B, incompressible, a thousand to a set",
        };
        report.question(&format!("What do {many} {what} take?"));
        let each = Figure::once(disk / float(many), "B each");
        report.figure(
            "on disk after compaction, the log aside",
            match disk_at_most {
                Some(most) => each.target(Target::AtMost(most)),
                None => each,
            },
        );
        report.figure("resident after writing them, default caches", Figure::once((full - empty) / 1e6, "MB"));
        let beyond = Figure::once((larger - smaller) / float(many - few), "B each");
        report.figure("memory beyond the caches", beyond.target(Target::AtMost(MEMORY_AT_MOST)));
        fs::remove_dir_all(place(many)).expect("a directory of ours");
    }
    report.finish();
}

/// What a child says, number by number.
fn ask(task: &str, kind: &str, keys: u64, dir: &Path) -> Vec<f64> {
    let ours = env::current_exe().expect("a path of our own");
    let asked = Command::new(ours).args(["--child", task, kind, &keys.to_string()]).arg(dir).output().expect("a child");
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(asked.status.success(), "{task} {kind}: {}", String::from_utf8_lossy(&asked.stderr));
    println!("{task} {keys} {kind}: {}", said.trim());
    said.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

fn child(task: &[String]) {
    let [task, kind, keys, dir] = task else { panic!("a task, a type, a number, a directory") };
    let (keys, dir) = (keys.parse().expect("a number"), Path::new(dir));
    if task == "fill" {
        fill(kind, keys, dir);
    } else {
        hold(dir);
    }
}

fn fill(kind: &str, keys: u64, dir: &Path) {
    fs::create_dir_all(dir).expect("a directory");
    let mut solo = Solo::open(dir);
    let empty = resident();
    for from in (0..keys).step_by(UPDATES_MAX) {
        solo.stage((from..keys.min(from + UPDATES_MAX as u64)).map(|number| update(kind, number)).collect());
        solo.commit();
    }
    let full = resident();
    let disk: u64 = ROWS.map(|family| solo.backend().compacted_bytes(family).expect("a compaction")).iter().sum();
    println!("{disk} {full} {empty}");
}

fn hold(dir: &Path) {
    let rocks = RocksSettings { block_cache_bytes: SMALL_CACHE_BYTES, ..RocksSettings::default() };
    let solo = Solo::of_region(1, dir, rocks, Settings { row_cache_bytes_max: SMALL_CACHE_BYTES });
    for family in ROWS {
        let scanned = solo.backend().scan(family, &[], None, |_, _| ControlFlow::Continue(()));
        scanned.expect("rows");
    }
    println!("{}", resident());
}

/// Keys and values that look like nothing else.
fn update(kind: &str, number: u64) -> Update {
    let object = |key| Object::new(KeyspaceId::FIRST, noise::<16>(key));
    match kind {
        "counter" => Update { object: object(number), op: Op::Add { amount: 1 } },
        "register" => {
            let value = noise::<64>(!number).into();
            Update { object: object(number), op: Op::Set { value, ttl_ms: None } }
        }
        _ => Update { object: object(number / SET), op: Op::Insert { element: noise::<16>(!number).into() } },
    }
}

/// Bytes that nothing makes smaller, of a seed's own.
fn noise<const N: usize>(seed: u64) -> Vec<u8> {
    let mut draw = Draw::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31) | 1);
    // The first numbers still show how much two seeds are alike.
    for _ in 0..8 {
        draw.below(u64::MAX);
    }
    (0..N / 8).flat_map(|_| draw.below(u64::MAX).to_be_bytes()).collect()
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    1024 * line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number of KiB")
}
