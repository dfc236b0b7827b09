//! What a node takes of its machine, seen from outside.

use std::fs;

use crate::cluster::Cluster;

impl Cluster {
    /// Resident memory of a region's process.
    ///
    /// # Panics
    /// It does not run.
    pub fn memory_kib(&self, region: usize) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.node(region).pid())).expect("a process that runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok());
        number.expect("a number of KiB")
    }

    /// Open files and sockets of a region's process.
    ///
    /// # Panics
    /// It does not run.
    pub fn descriptors(&self, region: usize) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.node(region).pid())).expect("a process that runs").count()
    }

    /// Where a region serves its admin plane, as `HOST:PORT`.
    pub fn admin_address(&self, region: usize) -> String {
        self.node(region).admin.trim_start_matches("http://").to_owned()
    }
}
