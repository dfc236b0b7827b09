//! What the data directory takes, for status and metrics.
//!
//! Adding it up is a walk over every file: never on the driver's thread, one walk at a time, and not more often than
//! anybody can care.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clocks::Clocks;

/// For so long an answer is good.
const FRESH: Duration = Duration::from_secs(1);

/// A directory, and what it took when somebody last asked.
#[derive(Debug)]
pub(crate) struct DiskUse {
    dir: PathBuf,
    clocks: Clocks,
    last: Mutex<Option<(Duration, u64)>>,
}

impl DiskUse {
    pub(crate) fn of(dir: PathBuf, clocks: Clocks) -> Self {
        Self { dir, clocks, last: Mutex::default() }
    }

    /// Bytes of all files, as of a second ago at most.
    pub(crate) async fn bytes(&self) -> u64 {
        let mut last = self.last.lock().await;
        let now = self.clocks.now().mono;
        if let Some((_, bytes)) = last.filter(|(at, _)| now < *at + FRESH) {
            return bytes;
        }
        let dir = self.dir.clone();
        // A walk that panicked is no reason for anybody else to.
        let bytes = tokio::task::spawn_blocking(move || directory_bytes(&dir)).await.unwrap_or_default();
        *last = Some((now, bytes));
        bytes
    }
}

/// Bytes of all files below `dir`; what cannot be read counts as nothing.
fn directory_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)));
    sizes.map(|(path, data)| if data.is_dir() { directory_bytes(&path) } else { data.len() }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_at_any_depth_are_added_up_and_not_again_at_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("one"), [0; 7]).unwrap();
        std::fs::write(dir.path().join("a/b/two"), [0; 5]).unwrap();
        let disk = DiskUse::of(dir.path().to_owned(), Clocks::start());
        assert_eq!(disk.bytes().await, 12);
        std::fs::write(dir.path().join("three"), [0; 100]).unwrap();
        let again = disk.bytes().await;
        assert!(again == 12 || disk.clocks.now().mono >= FRESH, "{again}");
        assert_eq!(DiskUse::of(dir.path().join("nowhere"), Clocks::start()).bytes().await, 0);
    }
}
