//! RocksDB's disk, and what can only happen to a real directory.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Disk;
use super::node::{Node, T, add, claim, object};
use crate::backend::Family;
use crate::{Committer, OpenError, RocksBackend};

/// A directory, copied at each start: the copy is what a killed process leaves, its handles still open on the original.
pub(super) struct RocksDisk(TempDir);

impl Disk for RocksDisk {
    type Backend = RocksBackend;

    const CASES: u32 = 12;

    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn start(&mut self) -> RocksBackend {
        self.0 = copied(self.0.path());
        RocksBackend::open(self.0.path()).unwrap()
    }

    fn spread(backend: &RocksBackend) {
        backend.compacted_bytes(Family::Log).unwrap();
    }
}

/// A copy of one moment. RocksDB removes files that it no longer needs in the background: a copy during which any file
/// came or went is of no one moment, and is made anew.
pub(super) fn copied(from: &Path) -> TempDir {
    let copies = std::iter::repeat_with(|| {
        let to = TempDir::new().unwrap();
        let before = listed(from);
        let whole = copy(from, to.path()).is_ok();
        (whole && before == listed(from)).then_some(to)
    });
    copies.take(1_000).flatten().next().expect("a directory that never rests")
}

fn listed(dir: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(listed(&path));
        }
        all.insert(path);
    }
    all
}

pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A directory that a node has used and closed.
fn used() -> TempDir {
    let mut node = Node::<RocksDisk>::new(1);
    for _ in 0..20 {
        node.put(vec![add("stock", 1)]);
    }
    node.disk.0
}

fn files(dir: &TempDir, kind: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(dir.path().join("db")).unwrap();
    all.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|found| found == kind)).collect()
}

#[test]
fn a_closed_directory_opens_again_with_all_it_had() {
    let dir = used();
    let (committer, recovered) = Committer::open(RocksBackend::open(dir.path()).unwrap(), &claim(1, T)).unwrap();
    assert_eq!(recovered.vv.get(recovered.actor).0, 20);
    assert_eq!(committer.reader().digest(T).unwrap().rows, 1);
}

#[test]
fn a_directory_in_use_by_this_process_is_refused() {
    let dir = TempDir::new().unwrap();
    let held = RocksBackend::open(dir.path()).unwrap();
    let refused = RocksBackend::open(dir.path()).unwrap_err();
    assert_eq!(refused, OpenError::InUse { dir: dir.path().to_owned() });
    drop(held);
    RocksBackend::open(dir.path()).unwrap();
}

const HOLD: &str = "HALCYON_STORE_TEST_HOLDS";

/// Not a test of its own: another process for the next one. Holds a directory until its input ends.
#[test]
fn holder_of_a_directory() {
    if let Some(dir) = std::env::var_os(HOLD) {
        let _held = RocksBackend::open(dir.as_ref()).unwrap();
        std::io::stderr().write_all(b"held\n").unwrap();
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

#[test]
fn a_directory_in_use_by_another_process_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "suite::rocks::holder_of_a_directory", "--nocapture"])
        .env(HOLD, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(other.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    let refused = RocksBackend::open(dir.path()).unwrap_err();
    assert_eq!(refused, OpenError::InUse { dir: dir.path().to_owned() });
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());
    RocksBackend::open(dir.path()).unwrap();
}

#[test]
fn a_directory_with_something_else_in_it_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("letter.txt"), "dear").unwrap();
    let refused = RocksBackend::open(dir.path()).unwrap_err();
    assert_eq!(refused, OpenError::NotOurs { dir: dir.path().to_owned() });
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_start_that_was_cut_short_can_be_repeated() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("HALCYON.new"), "hal").unwrap();
    drop(RocksBackend::open(dir.path()).unwrap());
    // The next one fell between making the database and saying so.
    fs::write(dir.path().join("HALCYON"), "halcyon data, begun\n").unwrap();
    fs::remove_file(dir.path().join("db/CURRENT")).unwrap();
    for wal in files(&dir, "log") {
        fs::remove_file(wal).unwrap();
    }
    drop(RocksBackend::open(dir.path()).unwrap());
    let mark = fs::read_to_string(dir.path().join("HALCYON")).unwrap();
    assert_eq!(mark, "halcyon data, format 1\n");
}

#[test]
fn a_directory_of_a_newer_format_is_refused() {
    let dir = used();
    fs::write(dir.path().join("HALCYON"), "halcyon data, format 2\n").unwrap();
    let refused = RocksBackend::open(dir.path()).unwrap_err();
    assert_eq!(refused, OpenError::Format { found: 2, expected: 1 });
}

#[test]
fn data_without_the_file_that_names_it_current_is_damage_not_a_new_database() {
    let dir = used();
    fs::remove_file(dir.path().join("db/CURRENT")).unwrap();
    assert!(matches!(RocksBackend::open(dir.path()), Err(OpenError::Damaged { .. })));
}

#[test]
fn a_flipped_bit_in_the_log_on_disk_is_refused_never_rolled_back() {
    let dir = used();
    let wal = files(&dir, "log").pop().unwrap();
    let mut bytes = fs::read(&wal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&wal, bytes).unwrap();
    let refused = RocksBackend::open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    assert!(refused.to_string().contains("Restore a backup"), "{refused}");
}

#[test]
fn a_lost_log_on_disk_is_refused() {
    let dir = used();
    for wal in files(&dir, "log") {
        fs::remove_file(wal).unwrap();
    }
    let refused = RocksBackend::open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
}

#[test]
fn a_snapshot_outlives_the_handle_it_came_from() {
    let mut node = Node::<RocksDisk>::new(1);
    node.put(vec![add("stock", 3)]);
    let Node { committer, disk, .. } = node;
    let reader = committer.reader();
    drop(committer);
    let mut snapshot = reader.snapshot();
    drop(reader);
    let answer = halcyon_crdt::read(&mut snapshot, &object("stock"), &halcyon_crdt::Query::Sum, T);
    assert_eq!(answer, Ok(halcyon_crdt::Answer::Sum(Some(3))));
    drop(disk);
}
