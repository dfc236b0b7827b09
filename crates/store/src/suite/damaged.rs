//! One flipped bit in a table file: whoever reads it is told, and nobody is ever answered wrongly.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::rocks::copy;
use crate::layout::ROWS_FROM;
use crate::{Backend, Batch, Durability, Family, OpenError, ReadError, RocksBackend, View};

const ROWS: u64 = 400;

fn value(row: u64) -> Vec<u8> {
    row.to_be_bytes().repeat(8)
}

/// A closed directory with a table file in each family.
fn tables() -> TempDir {
    let dir = TempDir::new().unwrap();
    let db = RocksBackend::open(dir.path()).unwrap();
    for rows in (0..ROWS).collect::<Vec<_>>().chunks(50) {
        let mut batch = db.batch();
        for (family, row) in Family::ALL.into_iter().flat_map(|family| rows.iter().map(move |row| (family, *row))) {
            batch.put(family, &row.to_be_bytes(), &value(row));
            batch.delete_range(family, &(row + 1_000_000).to_be_bytes(), &(row + 1_000_001).to_be_bytes());
        }
        db.write(batch, Durability::Synced).unwrap();
    }
    drop(db);
    // The next start writes what it replays as files.
    drop(RocksBackend::open(dir.path()).unwrap());
    assert!(files(dir.path()).len() >= Family::ALL.len());
    dir
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(dir.join("db")).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Vec<_> = all.filter(|path| path.extension().is_some_and(|kind| kind == "sst")).collect();
    tables.sort();
    tables
}

/// Reads everything, in every way; how many reads were refused. Whatever is answered is right.
fn refused_reads(db: &RocksBackend) -> usize {
    let mut refused = 0;
    let mut took = |read: Result<(), ReadError>| match read {
        Ok(()) => {}
        Err(ReadError::Damaged { .. }) => refused += 1,
        Err(other) => panic!("{other:?}"),
    };
    for family in Family::ALL {
        for row in 0..ROWS {
            let right = |found: Option<&[u8]>| assert_eq!(found, Some(&value(row)[..]), "{family:?} {row}");
            took(db.with(family, &row.to_be_bytes(), right));
        }
        took(db.with(family, &ROWS.to_be_bytes(), |found| assert_eq!(found, None)));
        let mut next = 0_u64;
        let read = db.scan(family, &[], None, |key, found| {
            assert_eq!((key, found), (&next.to_be_bytes()[..], &value(next)[..]), "{family:?}");
            next += 1;
            ControlFlow::Continue(())
        });
        assert!(read.is_err() || next == ROWS, "{family:?}: only {next} rows, and no error");
        took(read);
        let mut left: u64 = ROWS;
        let read = db.scan_back(family, &[], None, |key, found| {
            left -= 1;
            assert_eq!((key, found), (&left.to_be_bytes()[..], &value(left)[..]), "{family:?}");
            ControlFlow::Continue(())
        });
        assert!(read.is_err() || left == 0, "{family:?}: {left} rows are missing at the beginning, and no error");
        took(read);
    }
    refused
}

#[test]
fn a_flipped_bit_in_a_table_is_an_error_to_its_readers_or_harmless_never_a_wrong_answer() {
    let whole = tables();
    let (mut told, mut harmless) = (0, Vec::new());
    for table in files(whole.path()) {
        let name = table.file_name().unwrap().to_owned();
        let bytes = fs::read(&table).unwrap();
        // More of them at the end, where index, properties and footer are.
        let dense = bytes.len().saturating_sub(2500);
        let places = (0..dense).step_by(4001).chain((dense..bytes.len()).step_by(301));
        for at in places {
            let dir = TempDir::new().unwrap();
            copy(whole.path(), dir.path()).unwrap();
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1 << (at * 5 % 8);
            fs::write(dir.path().join("db").join(&name), spoilt).unwrap();
            match RocksBackend::open(dir.path()) {
                Ok(db) if refused_reads(&db) == 0 => harmless.push((name.clone(), at)),
                Ok(_) | Err(OpenError::Damaged { .. }) => told += 1,
                Err(other) => panic!("{name:?} {at}: {other:?}"),
            }
        }
    }
    // A filter that cannot be read is done without.
    assert!(told > 10 * harmless.len(), "{told} were noticed, and these were not: {harmless:?}");
}

/// Behind a block that cannot be read, an audit finds the first row that can, and tells where the damage is.
#[test]
fn an_audit_tells_where_a_table_is_damaged_and_reads_all_rows_around_it() {
    use crate::audit::{Bounds, piece};
    use halcyon_types::VersionVector;

    let row = |number: u64| [&ROWS_FROM[..], &number.to_be_bytes()].concat();
    let dir = TempDir::new().unwrap();
    let db = RocksBackend::open(dir.path()).unwrap();
    let mut batch = db.batch();
    let mut vector = Vec::new();
    crate::layout::put_vv(&mut vector, &VersionVector::new());
    batch.put(Family::State, &crate::layout::VV_KEY, &vector);
    (0..10_000).for_each(|number| batch.put(Family::State, &row(number), &value(number)));
    db.write(batch, Durability::Synced).unwrap();
    drop(db);
    drop(RocksBackend::open(dir.path()).unwrap());
    let table = files(dir.path()).into_iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let mut bytes = fs::read(&table).unwrap();
    // Blocks of rows come first, whatever else is in the file.
    let middle = bytes.len() / 3;
    bytes[middle] ^= 4;
    fs::write(&table, &bytes).unwrap();

    let db = RocksBackend::open(dir.path()).unwrap();
    let snapshot = db.snapshot();
    let bounds = Bounds { at: halcyon_types::UnixMs(1), rows_max: 500, bytes_max: 1 << 20 };
    let (mut from, behind) = (row(0), [0, 0, 0, 2]);
    let (mut rows, mut damaged) = (0, Vec::new());
    while from < behind.to_vec() {
        let piece = piece(&snapshot, &from, &behind, bounds).unwrap();
        // These are rows to the database only: that they are none to the kernel is told, too.
        damaged.extend(piece.damage.iter().filter(|_| piece.rows == 0).cloned());
        rows += piece.rows;
        from = piece.upto.to_vec();
    }
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    let within = (0..10_000).filter(|number| (&damaged[0].from[..]..&damaged[0].upto[..]).contains(&&row(*number)[..]));
    let within = within.count() as u64;
    assert!(damaged[0].what.contains("orrupt"), "{damaged:?}");
    assert!((1..500).contains(&within), "about a block: {within} rows");
    assert_eq!(rows + within, 10_000, "all others are read");
}
