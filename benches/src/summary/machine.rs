//! What the figures were measured on.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

/// What is to be known of it: each with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine(pub Vec<(&'static str, String)>);

impl Machine {
    /// This one, with the sources in `repository`.
    pub fn here(repository: &Path) -> Self {
        let lock = fs::read_to_string(repository.join("Cargo.lock")).unwrap_or_default();
        let cores = available_parallelism().map_or(0, usize::from);
        Self(vec![
            ("processor", line("/proc/cpuinfo", "model name").unwrap_or_else(unknown)),
            ("processors", cores.to_string()),
            ("memory", line("/proc/meminfo", "MemTotal").unwrap_or_else(unknown)),
            ("kernel", fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(|_| unknown(), trimmed)),
            ("rustc", said(Command::new("rustc").arg("--version"))),
            ("RocksDB", rocksdb(&lock).unwrap_or_else(unknown)),
            ("commit", said(Command::new("git").arg("-C").arg(repository).args(["describe", "--always", "--dirty"]))),
        ])
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed a value by `map_or_else`")]
fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

/// What stands behind the colon of the first line of `file` that begins with `name`.
fn line(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn said(command: &mut Command) -> String {
    let said = command.output().ok().filter(|said| said.status.success());
    said.and_then(|said| String::from_utf8(said.stdout).ok()).map_or_else(unknown, trimmed)
}

/// The database's version stands behind the plus of the version of its binding's sources.
fn rocksdb(lock: &str) -> Option<String> {
    let (_, behind) = lock.split_once("name = \"librocksdb-sys\"")?;
    let version = behind.lines().find_map(|line| line.strip_prefix("version = \""))?.trim_end_matches('"');
    version.split_once('+').map(|(_, version)| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_s_version_is_read_from_the_lock() {
        let lock = "[[package]]\nname = \"librocksdb-sys\"\nversion = \"0.18.0+11.2.3\"\nsource = \"x\"\n";
        assert_eq!(rocksdb(lock).as_deref(), Some("11.2.3"));
        assert_eq!(rocksdb("nothing"), None);
    }
}
