//! One node's disk: its files, the journal of what is durable, and what the library has put aside.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::power::journal::{self, Model};
use crate::power::shim::Shim;

/// What is done to a process's syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trouble {
    /// Every sync takes so much longer, so that more kills meet unsynced bytes.
    pub sync_delay: Duration,
    /// The n-th sync of the process fails.
    pub fail_sync: Option<(u64, Failing)>,
    /// Of those only whose file or directory has a name that begins or ends so. Empty: whichever it is.
    pub fail_of: &'static str,
    /// No sync does anything, though each says it has: a disk that lies. Nothing survives it, which is what it is for.
    pub ignores_sync: bool,
}

/// What a failed sync leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// Everything is durable all the same.
    Kept,
    /// What it should have covered never reaches the disk, whatever is synced later.
    Lost,
}

/// A directory whose durable part is known.
#[derive(Debug, Clone)]
pub struct Disk {
    pub(crate) files: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) aside: PathBuf,
}

impl Disk {
    /// A new, empty one below `dir`.
    pub fn new(dir: &Path, name: &str) -> Self {
        let below = |what: &str| dir.join(format!("disk-{name}{what}"));
        let disk = Self { files: below(""), journal: below(".journal"), aside: below(".aside") };
        fs::create_dir_all(&disk.files).expect("a directory");
        fs::create_dir_all(&disk.aside).expect("a directory");
        disk.all_durable();
        disk
    }

    /// Where its files are.
    pub fn files(&self) -> &Path {
        &self.files
    }

    /// What a process that is to use it is started with.
    pub fn env(&self, shim: &Shim, trouble: &Trouble) -> Vec<(&'static str, OsString)> {
        let mut env = vec![
            ("LD_PRELOAD", shim.library().into()),
            ("HALCYON_SHIM_DIR", self.files.clone().into()),
            ("HALCYON_SHIM_JOURNAL", self.journal.clone().into()),
            ("HALCYON_SHIM_ASIDE", self.aside.clone().into()),
            ("HALCYON_SHIM_SYNC_DELAY_US", trouble.sync_delay.as_micros().to_string().into()),
        ];
        if let Some((at, how)) = trouble.fail_sync {
            env.push(("HALCYON_SHIM_FAIL_SYNC_AT", at.to_string().into()));
            env.push(("HALCYON_SHIM_FAIL_SYNC_OF", trouble.fail_of.into()));
            env.push(("HALCYON_SHIM_FAIL_SYNC_HOW", if how == Failing::Lost { "lost" } else { "kept" }.into()));
        }
        if trouble.ignores_sync {
            env.push(("HALCYON_SHIM_IGNORE_SYNC", "1".into()));
        }
        env
    }

    /// Of which file the latest process was made to fail a sync, if it has come to that.
    pub fn failed_sync(&self) -> Option<String> {
        let text = fs::read_to_string(&self.journal).expect("a journal");
        let latest = text.lines().rev().take_while(|line| !line.starts_with("P "));
        latest.filter_map(|line| line.strip_prefix("F ")).map(str::to_owned).next()
    }

    /// What is durable, as far as its processes have gone. None of them runs. Brings the journal up to date, and forgets
    /// what was put aside and is final by now: to be called after every process.
    pub(crate) fn settle(&self) -> Model {
        let mut text = fs::read_to_string(&self.journal).expect("a journal");
        // A line that the kill cut short promises nothing.
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        let mut model = journal::replay(&text);
        if let Some(line) = model.compare(&self.files) {
            text.push_str(&line);
            text.push('\n');
        }
        fs::write(&self.journal, text).expect("a journal");
        for (name, ino) in journal::entries(&self.aside) {
            let path = self.aside.join(&name);
            if model.needs(ino) || model.needs_end(&name) {
                continue;
            }
            let removed = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
            removed.expect("something aside");
        }
        model
    }

    /// Begins a new journal: all that is there is durable.
    pub(crate) fn all_durable(&self) {
        let mut text = String::new();
        writeln!(text, "B {}", journal::ino_of(&self.files)).expect("text takes text");
        baseline(&self.files, &mut text);
        fs::write(&self.journal, text).expect("a journal");
    }
}

/// The journal of a directory of which everything is durable.
fn baseline(dir: &Path, text: &mut String) {
    let of = journal::ino_of(dir);
    for (name, ino) in journal::entries(dir) {
        let path = dir.join(&name);
        let data = fs::symlink_metadata(&path).expect("a file's data");
        let event = if data.is_dir() { 'M' } else { 'C' };
        writeln!(text, "{event} {of} {name} {ino}").expect("text takes text");
        if data.is_dir() {
            baseline(&path, text);
        } else {
            writeln!(text, "S {ino} {}", data.len()).expect("text takes text");
        }
    }
    writeln!(text, "D {of} {}", u64::MAX).expect("text takes text");
}
