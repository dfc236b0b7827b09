//! Files of a real data directory, kept in `tests/files`: what RocksDB has written is read as it was, and is what the fuzzer
//! begins with (`fuzz/corpus/files`).

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::files::{End, Format, Log, Opened, Records, manifest_named, read_log, synced};
use crate::{Backend, Batch, Durability, Family, RocksBackend};

/// Groups in the log, each of one change to each family.
const GROUPS: u8 = 12;
/// Set, the files are written and not compared.
const WRITE: &str = "HALCYON_WRITE_FILES";

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

/// A directory in its second life: its log has grown from nothing to what is read of it.
fn written() -> TempDir {
    let dir = TempDir::new().unwrap();
    drop(RocksBackend::open(dir.path()).unwrap());
    let db = RocksBackend::open(dir.path()).unwrap();
    for group in 0..GROUPS {
        let mut batch = db.batch();
        for family in Family::ALL {
            batch.put(family, &[group], &vec![group; usize::from(group) * 5]);
        }
        db.write(batch, Durability::Synced).unwrap();
    }
    dir
}

fn log_of(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir.join("db")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "log")).max().unwrap()
}

#[test]
fn a_database_writes_its_log_as_it_did_and_the_rest_to_the_same_meaning() {
    let dir = written();
    let dir = dir.path();
    let current = fs::read_to_string(dir.join("db/CURRENT")).unwrap();
    let files = [
        ("log", log_of(dir)),
        ("manifest", dir.join("db").join(current.trim_end())),
        ("CURRENT", dir.join("db/CURRENT")),
        ("HALCYON", dir.join("HALCYON")),
        ("OPENED", dir.join("OPENED")),
        ("SYNCED", dir.join("SYNCED")),
    ];
    if std::env::var_os(WRITE).is_some() {
        for (name, file) in &files {
            fs::copy(file, kept(name)).unwrap();
        }
    }
    for (name, file) in files {
        // A manifest holds a name that is drawn.
        if name != "manifest" {
            assert!(fs::read(file).unwrap() == fs::read(kept(name)).unwrap(), "{name} is not as it was: set {WRITE}=1");
        }
    }
}

#[test]
fn what_a_database_has_written_is_read() {
    let read = |name: &str| fs::read(kept(name)).unwrap();
    let changes = u64::from(GROUPS) * Family::ALL.len() as u64;
    let whole = |name: &str, last| {
        let bytes = read(name).len() as u64;
        Log { bytes, whole: bytes, last: Some(last), end: End::Whole }
    };
    let last = synced(&read("SYNCED")).unwrap();
    assert!(last >= changes, "{last}");
    assert_eq!(read_log(&read("log")[..], Records::Numbered(None)).unwrap(), whole("log", last));
    let opened = Opened::parse(&read("OPENED")).unwrap();
    // After a start it names a log that never was.
    assert_eq!(read_log(&read("manifest")[..], Records::Edits).unwrap(), whole("manifest", 5));
    assert_eq!(opened.log, 8);
    assert_eq!(manifest_named(&read("CURRENT")), Some(&*opened.manifest));
    assert_eq!(opened.whole, read("manifest").len() as u64);
    assert_eq!(Format::parse(&read("HALCYON")), Some(Format::Finished(1)));
}
