//! What a power loss and a bad disk do to the logs of a real directory, byte by byte: a torn end is cut off and every
//! synced write is there; anything else is refused, and nothing is ever served that is not what was written.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;

use super::rocks::copy;
use crate::{Backend, Batch, Durability, Family, OpenError, RocksBackend, RocksSettings, View};

/// A small buffer: a few large groups, and the database begins a new log.
pub(super) const SMALL: RocksSettings = RocksSettings { block_cache_bytes: 1 << 20, write_buffer_bytes: 256 * 1024 };

/// A closed directory that groups of some sizes were written to.
pub(super) struct Written {
    dir: TempDir,
    /// The newest log.
    log: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// Where the groups end that are in it.
    pub(super) ends: Vec<usize>,
    /// How many groups were written.
    pub(super) groups: usize,
}

impl Written {
    /// One log that holds all of it.
    fn of(sizes: &[usize]) -> Self {
        Self::with(sizes, RocksSettings::default())
    }

    pub(super) fn with(sizes: &[usize], settings: RocksSettings) -> Self {
        let dir = TempDir::new().unwrap();
        let db = RocksBackend::open_with(dir.path(), settings).unwrap();
        let (mut ends, mut log) = (Vec::new(), PathBuf::new());
        for (group, size) in sizes.iter().enumerate() {
            let mut batch = db.batch();
            for family in Family::ALL {
                batch.put(family, &group.to_be_bytes(), &vec![mark(group); size / 4]);
            }
            db.write(batch, Durability::Synced).unwrap();
            let newest = newest_log(dir.path());
            if newest != log {
                (ends, log) = (Vec::new(), newest);
            }
            ends.push(usize::try_from(fs::metadata(&log).unwrap().len()).unwrap());
        }
        drop(db);
        let bytes = fs::read(&log).unwrap();
        Self { log: log.file_name().unwrap().into(), bytes, ends, groups: sizes.len(), dir }
    }

    /// A copy in which the newest log has become `bytes`, as it is found after a power loss: what was never synced, such as
    /// the mark of how far the database has been on disk, is of some time before.
    fn crashed(&self, bytes: &[u8]) -> TempDir {
        let copy = self.killed(bytes);
        fs::remove_file(copy.path().join("SYNCED")).unwrap();
        copy
    }

    /// A copy in which the newest log has become `bytes`, and everything else is as it was.
    pub(super) fn killed(&self, bytes: &[u8]) -> TempDir {
        let to = TempDir::new().unwrap();
        copy(self.dir.path(), to.path()).unwrap();
        fs::write(self.log_in(&to), bytes).unwrap();
        to
    }

    /// Where the newest log is in a copy.
    pub(super) fn log_in(&self, copy: &TempDir) -> PathBuf {
        copy.path().join("db").join(&self.log)
    }

    fn last_begins(&self) -> usize {
        self.ends[self.ends.len() - 2]
    }
}

fn mark(group: usize) -> u8 {
    u8::try_from(group % 251).unwrap()
}

fn newest_log(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir.join("db")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "log")).max().unwrap()
}

/// Opens a directory, and tells how many groups are there: all of each, in every family, and none behind a missing one.
pub(super) fn groups_in(dir: &TempDir) -> Result<usize, OpenError> {
    groups_of(&RocksBackend::open_with(dir.path(), SMALL)?)
}

pub(super) fn groups_of(db: &RocksBackend) -> Result<usize, OpenError> {
    let mut counts = Vec::new();
    for family in Family::ALL {
        let mut next = 0_usize;
        db.scan(family, &[], None, |key, value| {
            assert_eq!(key, next.to_be_bytes(), "{family:?} has a hole");
            assert!(value.iter().all(|byte| *byte == mark(next)), "{family:?} {next}");
            next += 1;
            ControlFlow::Continue(())
        })?;
        counts.push(next);
    }
    counts.dedup();
    assert_eq!(counts.len(), 1, "a group is whole or not at all");
    Ok(counts[0])
}

/// It opens with so many groups, and does so again; what was cut off is kept.
fn opens_with(groups: usize, dir: &TempDir, cut: usize) {
    assert_eq!(groups_in(dir), Ok(groups));
    let torn = fs::read_dir(dir.path().join("torn")).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    let kept: u64 = torn.iter().map(|entry| entry.as_ref().unwrap().metadata().unwrap().len()).sum();
    assert_eq!(usize::try_from(kept).unwrap(), cut, "what was cut off is kept");
    assert_eq!(groups_in(dir), Ok(groups), "and opens again");
}

/// It is refused, with cause and remedy, and left as it was.
fn is_refused(dir: &TempDir) {
    let log = newest_log(dir.path());
    let before = fs::read(&log).unwrap();
    for _ in 0..2 {
        let refused = groups_in(dir).unwrap_err();
        assert!(matches!(&refused, OpenError::Damaged { .. }), "{refused:?}");
        assert!(refused.to_string().contains("move the directory away"), "{refused}");
        assert!(refused.to_string().contains(&*log.file_name().unwrap().to_string_lossy()), "{refused}");
    }
    assert!(fs::read(&log).unwrap() == before, "and left alone");
    assert!(!dir.path().join("torn").exists(), "and nothing was cut");
}

/// Groups that fit a block many times, groups that end near a block's end, and groups over several blocks.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![vec(4..400_usize, 2..40), vec(4..70_000_usize, 2..8), vec(7_900..8_300_usize, 2..12)]
}

/// What the sectors of a write that never ended may hold.
#[derive(Debug, Clone, Copy)]
enum Hole {
    Zeros,
    Noise,
    /// What the disk held before: an older part of the same log.
    Old,
}

fn holes() -> impl Strategy<Value = Hole> {
    prop_oneof![Just(Hole::Zeros), Just(Hole::Noise), Just(Hole::Old)]
}

const SECTOR: usize = 512;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn p1_a_log_that_was_cut_in_its_last_group_opens_with_every_group_before_it(sizes in sizes(), at in any::<Index>()) {
        let written = Written::of(&sizes);
        let whole = written.last_begins();
        let at = whole + at.index(written.bytes.len() - whole);
        opens_with(written.groups - 1, &written.crashed(&written.bytes[..at]), at - whole);
    }

    #[test]
    fn p1_a_log_whose_last_group_is_torn_opens_with_every_group_before_it(
        sizes in sizes(),
        lost in vec(any::<bool>(), 1..200),
        hole in holes(),
        cut in any::<Index>(),
        noise in vec(any::<u8>(), SECTOR),
    ) {
        let written = Written::of(&sizes);
        let (whole, len) = (written.last_begins(), written.bytes.len());
        let mut bytes = written.bytes.clone();
        // The sector with the end of the group before it was written again with the last group: its old part is the same.
        let mut lost = lost.iter().cycle();
        for from in (whole / SECTOR * SECTOR..len).step_by(SECTOR) {
            let sector = from.max(whole)..(from + SECTOR).min(len);
            if *lost.next().unwrap() {
                match hole {
                    Hole::Zeros => bytes[sector].fill(0),
                    Hole::Noise => bytes[sector.clone()].copy_from_slice(&noise[..sector.len()]),
                    Hole::Old if whole >= sector.len() => {
                        let old = written.bytes[..sector.len()].to_vec();
                        bytes[sector].copy_from_slice(&old);
                    }
                    Hole::Old => {}
                }
            }
        }
        bytes.truncate(whole + 1 + cut.index(len - whole));
        if bytes == written.bytes[..bytes.len()] && bytes.len() == len {
            opens_with(written.groups, &written.crashed(&bytes), 0);
        } else {
            opens_with(written.groups - 1, &written.crashed(&bytes), bytes.len() - whole);
        }
    }

    #[test]
    fn p1_what_stands_behind_the_last_group_is_cut_off(sizes in sizes(), hole in holes(), noise in vec(any::<u8>(), 1..9000)) {
        let written = Written::of(&sizes);
        let tail = match hole {
            Hole::Zeros => vec![0; noise.len()],
            Hole::Noise => noise,
            Hole::Old => written.bytes[..noise.len().min(written.bytes.len())].to_vec(),
        };
        let bytes = [&written.bytes[..], &tail].concat();
        let dir = written.crashed(&bytes);
        prop_assert_eq!(groups_in(&dir), Ok(written.groups));
        prop_assert_eq!(groups_in(&dir), Ok(written.groups));
    }

    #[test]
    fn a_flipped_bit_anywhere_in_a_log_is_refused_or_harmless(sizes in sizes(), bit in any::<Index>()) {
        let written = Written::of(&sizes);
        let bit = bit.index(written.bytes.len() * 8);
        let mut bytes = written.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let dir = written.crashed(&bytes);
        // Up to six bytes at the end of a block mean nothing.
        if 32_768 - (bit / 8) % 32_768 < 7 && groups_in(&dir) == Ok(written.groups) {
            return Ok(());
        }
        is_refused(&dir);
    }

    #[test]
    fn damage_of_any_size_before_the_last_group_is_refused(
        sizes in sizes(),
        from in any::<Index>(),
        len in 1..3000_usize,
        hole in holes(),
        noise in vec(any::<u8>(), 3000),
    ) {
        let written = Written::of(&sizes);
        let end = written.last_begins();
        let from = from.index(end);
        let spoilt = from..(from + len).min(end);
        let mut bytes = written.bytes.clone();
        match hole {
            Hole::Zeros => bytes[spoilt].fill(0),
            Hole::Noise => bytes[spoilt.clone()].copy_from_slice(&noise[..spoilt.len()]),
            Hole::Old => bytes[spoilt.clone()].copy_from_slice(&written.bytes[..spoilt.len()]),
        }
        let dir = written.crashed(&bytes);
        if groups_in(&dir) != Ok(written.groups) {
            is_refused(&dir);
        }
    }

    #[test]
    fn p1_after_a_kill_not_even_the_last_group_can_be_lost_unnoticed(
        sizes in sizes(),
        from in any::<Index>(),
        noise in vec(any::<u8>(), 1..3000),
    ) {
        let written = Written::of(&sizes);
        let (whole, len) = (written.last_begins(), written.bytes.len());
        let from = whole + from.index(len - whole);
        is_refused(&written.killed(&written.bytes[..from]));
        let mut bytes = written.bytes.clone();
        for (byte, noise) in bytes[from..].iter_mut().zip(noise) {
            *byte = noise;
        }
        let dir = written.killed(&bytes);
        if groups_in(&dir) != Ok(written.groups) {
            is_refused(&dir);
        }
    }
}

#[test]
fn every_bit_of_the_headers_of_a_log_is_refused_when_it_flips() {
    let written = Written::of(&[40; 6]);
    for begin in [0].into_iter().chain(written.ends.iter().copied()).take(6) {
        for bit in begin * 8..(begin + 7) * 8 {
            let mut bytes = written.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            is_refused(&written.crashed(&bytes));
        }
    }
}

#[test]
fn p1_a_torn_first_group_of_a_new_log_loses_nothing_of_the_logs_before_it() {
    // Each group takes half a buffer of each family: a log begins at every few of them.
    let written = Written::with(&[300_000; 9], SMALL);
    let synced_before = written.groups - written.ends.len();
    assert!(synced_before > 0, "there are logs before it");
    for len in [0, 1, 5, 7, 700, 40_000] {
        let dir = written.crashed(&written.bytes[..len]);
        assert_eq!(groups_in(&dir), Ok(synced_before), "{len}");
        let mut garbled = written.bytes[..written.ends[0]].to_vec();
        garbled[len..].fill(0x5A);
        assert_eq!(groups_in(&written.crashed(&garbled)), Ok(synced_before), "{len} garbled");
    }
}

#[test]
fn a_torn_end_of_a_log_that_a_later_one_follows_is_refused() {
    let written = Written::with(&[300_000; 9], SMALL);
    let logs = fs::read_dir(written.dir.path().join("db")).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> = logs.filter(|path| path.extension().is_some_and(|kind| kind == "log")).collect();
    logs.sort();
    let older = logs.iter().rev().nth(1).expect("two logs").file_name().unwrap();
    let dir = written.crashed(&written.bytes);
    let path = dir.path().join("db").join(older);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    let refused = groups_in(&dir).unwrap_err();
    assert!(matches!(&refused, OpenError::Damaged { reason } if reason.contains("a later log goes on")), "{refused:?}");
}

#[test]
fn a_new_log_that_nothing_was_written_to_is_nothing_to_cut() {
    let written = Written::of(&[400; 5]);
    let dir = written.killed(&written.bytes);
    fs::write(dir.path().join("db/000900.log"), b"").unwrap();
    opens_with(5, &dir, 0);
}

#[test]
fn what_was_cut_off_is_kept_a_few_times() {
    let dir = TempDir::new().unwrap();
    drop(RocksBackend::open(dir.path()).unwrap());
    for round in 0..12 {
        let db = RocksBackend::open(dir.path()).unwrap();
        let mut batch = db.batch();
        batch.put(Family::State, &[round], &[round; 100]);
        db.write(batch, Durability::Synced).unwrap();
        drop(db);
        let log = newest_log(dir.path());
        let bytes = [fs::read(&log).unwrap(), vec![0xEE; 700]].concat();
        fs::write(&log, bytes).unwrap();
    }
    drop(RocksBackend::open(dir.path()).unwrap());
    let kept = fs::read_dir(dir.path().join("torn")).unwrap().count();
    assert_eq!(kept, 8);
}

#[test]
fn a_flipped_bit_in_the_manifest_is_refused_or_harmless() {
    let written = Written::with(&[300_000; 9], SMALL);
    let whole = written.killed(&written.bytes);
    let len = fs::metadata(manifest_of(whole.path())).unwrap().len();
    drop(whole);
    // Every bit would take minutes; this takes each position within a byte in turn.
    for at in 0..len {
        let dir = written.crashed(&written.bytes);
        let path = manifest_of(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        bytes[usize::try_from(at).unwrap()] ^= 1 << (at * 5 % 8);
        fs::write(&path, bytes).unwrap();
        let refused = groups_in(&dir).unwrap_err();
        assert!(matches!(&refused, OpenError::Damaged { reason } if reason.contains("MANIFEST")), "{at}: {refused:?}");
    }
}

fn manifest_of(dir: &Path) -> PathBuf {
    let name = fs::read_to_string(dir.join("db/CURRENT")).unwrap();
    dir.join("db").join(name.trim_end())
}

#[test]
fn p1_a_torn_end_of_the_manifest_is_cut_off_and_loses_nothing() {
    let written = Written::with(&[300_000; 9], SMALL);
    for tail in [vec![0; 300], vec![0x5A; 40], (0..=255).collect(), vec![0; 1], vec![2; 70_000]] {
        let dir = written.crashed(&written.bytes);
        let path = manifest_of(dir.path());
        let bytes = [fs::read(&path).unwrap(), tail].concat();
        fs::write(&path, bytes).unwrap();
        assert_eq!(groups_in(&dir), Ok(written.groups));
    }
}

#[test]
fn p1_a_torn_end_of_the_manifest_is_cut_off_in_every_life_of_a_directory() {
    for written in [Written::of(&[100; 3]), Written::with(&[300_000; 9], SMALL)] {
        let dir = written.crashed(&written.bytes);
        for life in 0..6 {
            let path = manifest_of(dir.path());
            let bytes = [fs::read(&path).unwrap(), vec![0x5A; 90]].concat();
            fs::write(&path, bytes).unwrap();
            assert_eq!(groups_in(&dir), Ok(written.groups), "life {life}");
        }
    }
}

#[test]
fn a_last_edit_of_the_manifest_that_was_synced_and_is_lost_is_refused_or_harmless() {
    let dir = TempDir::new().unwrap();
    let db = RocksBackend::open_with(dir.path(), SMALL).unwrap();
    let (mut refused, mut seen) = (0, BTreeSet::new());
    for group in 0..60_usize {
        let mut batch = db.batch();
        for family in Family::ALL {
            batch.put(family, &group.to_be_bytes(), &vec![mark(group); 40_000]);
        }
        db.write(batch, Durability::Synced).unwrap();
        // Whatever the background does meanwhile: each state of the directory once.
        let copied = super::rocks::copied(dir.path());
        let path = manifest_of(copied.path());
        let mut bytes = fs::read(&path).unwrap();
        if !seen.insert(bytes.len()) {
            continue;
        }
        let from = bytes.len() - 20;
        bytes[from..].fill(0x5A);
        fs::write(&path, bytes).unwrap();
        match groups_in(&copied) {
            Ok(groups) => assert_eq!(groups, group + 1),
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(seen.len() > 5 && refused > 0, "{refused} of {} states were refused", seen.len());
}

#[test]
fn a_flipped_bit_in_the_files_that_name_the_directory_is_refused_or_harmless() {
    let written = Written::of(&[400; 5]);
    for file in ["HALCYON", "SYNCED", "db/CURRENT", "db/IDENTITY"] {
        let len = fs::metadata(written.dir.path().join(file)).unwrap().len();
        for bit in 0..len * 8 {
            let dir = written.killed(&written.bytes);
            let path = dir.path().join(file);
            let mut bytes = fs::read(&path).unwrap();
            bytes[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            match groups_in(&dir) {
                Ok(groups) => assert_eq!(groups, 5, "{file} {bit}"),
                Err(OpenError::Damaged { reason }) => {
                    assert!(reason.contains(file.rsplit('/').next().unwrap()), "{file} {bit}: {reason}");
                }
                Err(OpenError::Format { found, .. }) => assert!(file == "HALCYON" && found > 1, "{bit}: {found}"),
                Err(other) => panic!("{file} {bit}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_newest_log_that_is_gone_is_noticed() {
    let written = Written::with(&[300_000; 9], SMALL);
    let dir = written.killed(&written.bytes);
    fs::remove_file(newest_log(dir.path())).unwrap();
    let refused = groups_in(&dir).unwrap_err();
    assert!(matches!(&refused, OpenError::Damaged { reason } if reason.contains("was on disk")), "{refused:?}");
}

#[test]
fn a_database_that_nobody_relied_on_yet_is_made_anew_whatever_a_power_loss_left_of_it() {
    let dir = TempDir::new().unwrap();
    drop(RocksBackend::open(dir.path()).unwrap());
    fs::write(dir.path().join("HALCYON"), "halcyon data, begun\n").unwrap();
    for file in fs::read_dir(dir.path().join("db")).unwrap() {
        fs::write(file.unwrap().path(), b"").unwrap();
    }
    drop(RocksBackend::open(dir.path()).unwrap());
    assert_eq!(groups_in(&dir), Ok(0));
}
