//! A node whose data directory somebody else has a hand in: it may not start, it may end by itself, and its directory may
//! be moved away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::cluster::Cluster;
use crate::until::until;

impl Cluster {
    /// Starts a region's node, and waits until it serves; if it ends by itself instead, says how.
    ///
    /// # Errors
    /// All that the process has logged. It has ended with a failure.
    pub async fn try_start(&mut self, region: usize) -> Result<(), String> {
        let before = self.log(region).len();
        let node = self.node_mut(region);
        node.spawn();
        if node.ready_or_ended().await.is_ok() {
            return Ok(());
        }
        let status = node.bury();
        let log = self.log(region);
        let said = log.get(before..).unwrap_or_default().to_owned();
        assert!(status.code().is_some_and(|code| code != 0), "it fails, of its own accord: {status}: {said}");
        Err(said)
    }

    /// Waits until a region's node has ended by itself.
    pub async fn ended(&mut self, region: usize) -> ExitStatus {
        let node = self.node_mut(region);
        until("the node ends by itself", async || (!node.is_running()).then_some(())).await;
        node.bury()
    }

    /// Where a region's node, which does not run, is to keep its data from now on.
    pub fn keep_data_in(&mut self, region: usize, data: &Path) {
        data.clone_into(&mut self.node_mut(region).data);
    }

    /// What a damaged directory's message tells an operator to do: moves it away. Where it is now.
    pub fn move_data_away(&self, region: usize) -> PathBuf {
        let data = self.data(region);
        let away = data.with_extension("away");
        fs::rename(&data, &away).expect("a directory to move");
        away
    }
}
