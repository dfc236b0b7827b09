//! What a cluster on disks of its own is put through.

use std::process::ExitStatus;

use crate::cluster::Cluster;
use crate::power::{Disk, Trouble};

impl Cluster {
    /// The disk of a region, in a cluster that is [`Self::on_disks`].
    pub fn disk(&self, region: usize) -> &Disk {
        &self.node(region).power.as_ref().expect("a node on a disk of its own").0
    }

    /// Starts a region's process on its disk, with this done to its syncs, and does not wait.
    pub fn spawn(&mut self, region: usize, trouble: Trouble) {
        let node = self.node_mut(region);
        node.power.as_mut().expect("a node on a disk of its own").2 = trouble;
        node.spawn();
    }

    /// Waits until a region that was started serves.
    pub async fn ready(&mut self, region: usize) {
        self.node_mut(region).ready().await;
    }

    /// Waits until a region that was started serves; if it ends by itself instead, says how.
    ///
    /// # Errors
    /// It has ended: its exit status and the end of its log.
    pub async fn ready_or_ended(&mut self, region: usize) -> Result<(), String> {
        self.node_mut(region).ready_or_ended().await
    }

    /// The end of what a region's node has logged.
    pub fn tail(&self, region: usize) -> String {
        self.node(region).tail()
    }

    /// `kill -9` to several at one moment.
    pub fn kill_at_once(&mut self, regions: &[usize]) {
        for region in regions {
            self.node_mut(*region).strike();
        }
        for region in regions {
            self.node_mut(*region).bury();
        }
    }

    /// How a process that is no longer running has ended.
    pub fn bury(&mut self, region: usize) -> ExitStatus {
        self.node_mut(region).bury()
    }
}
