//! Stand-ins for a node, to prove the harness by: one writes numbers and says so, one cuts a file off and says so; in the
//! right order or in the wrong one.

use std::fs::{File, OpenOptions};
use std::io::{Write, stdout};
use std::path::Path;

/// Appends numbers to `file`, a line each, from where it ended, and prints each once it is synced; or, `early`, before.
/// Until it is killed.
pub(crate) fn run(file: &Path, early: bool) -> ! {
    let mut numbers = OpenOptions::new().create(true).append(true).open(file).expect("a file to write");
    let dir = file.parent().expect("a file in a directory");
    File::open(dir).and_then(|dir| dir.sync_all()).expect("a directory that can be synced");
    let begun = std::fs::read_to_string(file).expect("numbers so far").lines().count() as u64;
    for number in begun.. {
        numbers.write_all(format!("{number}\n").as_bytes()).expect("a number written");
        sync_and_say(&numbers, number, early);
    }
    unreachable!("nobody counts so far")
}

/// Fills `file`, and then cuts it off, a byte each time, and prints how long it is once that is synced; or, `early`, before.
/// Until it is killed.
pub(crate) fn shorten(file: &Path, early: bool) -> ! {
    let mut long = OpenOptions::new().create_new(true).write(true).open(file).expect("a file to write");
    let dir = file.parent().expect("a file in a directory");
    let bytes: Vec<_> = (0..=u8::MAX).cycle().take(10_000).collect();
    long.write_all(&bytes).and_then(|()| long.sync_all()).expect("bytes synced");
    File::open(dir).and_then(|dir| dir.sync_all()).expect("a directory that can be synced");
    for left in (0..bytes.len() as u64).rev() {
        long.set_len(left).expect("a shorter file");
        sync_and_say(&long, left, early);
    }
    unreachable!("it is killed before")
}

fn sync_and_say(file: &File, number: u64, early: bool) {
    let say = || {
        let mut out = stdout();
        out.write_all(format!("{number}\n").as_bytes()).and_then(|()| out.flush()).expect("somebody who listens");
    };
    if early {
        say();
    }
    file.sync_data().expect("a file that can be synced");
    if !early {
        say();
    }
}
