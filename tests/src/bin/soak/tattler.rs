//! A stand-in for a node, to prove the harness by: it writes numbers and says so, in the right order or in the wrong one.

use std::fs::OpenOptions;
use std::io::{Write, stdout};
use std::path::Path;

/// Appends numbers to `file`, a line each, from where it ended, and prints each once it is synced; or, `early`, before.
/// Until it is killed.
pub(crate) fn run(file: &Path, early: bool) -> ! {
    let mut numbers = OpenOptions::new().create(true).append(true).open(file).expect("a file to write");
    let dir = file.parent().expect("a file in a directory");
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).expect("a directory that can be synced");
    let begun = std::fs::read_to_string(file).expect("numbers so far").lines().count() as u64;
    let mut out = stdout();
    for number in begun.. {
        let line = format!("{number}\n");
        numbers.write_all(line.as_bytes()).expect("a number written");
        if early {
            out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("somebody who listens");
        }
        numbers.sync_data().expect("a number synced");
        if !early {
            out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("somebody who listens");
        }
    }
    unreachable!("nobody counts so far")
}
