//! One node: a process, its log, and the two signals it gets.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::command::binary;
use crate::http;
use crate::power::{Disk, Shim, Trouble};
use crate::until::until;

/// Lines of a log that a failure prints.
const TAIL_LINES: usize = 40;

/// A region's node. Dropping it kills its own process, and no other.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) region: String,
    pub(crate) admin: String,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) config: PathBuf,
    certs: PathBuf,
    fault_api: bool,
    /// The disk below its data directory, if power may be cut, and what its next process is started with.
    pub(crate) power: Option<(Disk, &'static Shim, Trouble)>,
    child: Option<Child>,
}

impl Node {
    /// A node in `dir` that is yet to be started.
    pub(crate) fn new(dir: &Path, region: &str, admin_port: u16, fault_api: bool) -> Self {
        Self {
            region: region.to_owned(),
            admin: format!("http://127.0.0.1:{admin_port}"),
            data: dir.join(format!("data-{region}")),
            log: dir.join(format!("{region}.log")),
            config: dir.join("regions.toml"),
            certs: dir.join("certs"),
            fault_api,
            power: None,
            child: None,
        }
    }

    /// Moves it, before its first start, to a disk whose power can be cut. The data directory is the node's to make.
    pub(crate) fn use_disk(&mut self, dir: &Path, shim: &'static Shim) {
        let disk = Disk::new(dir, &self.region);
        self.data = disk.files().join("data");
        self.power = Some((disk, shim, Trouble::default()));
    }

    /// Starts the process, and does not wait.
    pub(crate) fn spawn(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.region);
        let log = OpenOptions::new().create(true).append(true).open(&self.log).expect("a log file");
        let mut command = Command::new(binary());
        command.arg("node").args(["--region", &self.region]);
        command.arg("--config").arg(&self.config).arg("--data").arg(&self.data).arg("--certs").arg(&self.certs);
        if self.fault_api {
            command.arg("--fault-api");
        }
        if let Some((disk, shim, trouble)) = &self.power {
            command.envs(disk.env(shim, trouble));
        }
        let out = log.try_clone().expect("a second handle on the log");
        self.child = Some(command.stdin(Stdio::null()).stdout(out).stderr(log).spawn().expect("halcyon starts"));
    }

    /// Waits until it serves.
    pub(crate) async fn ready(&mut self) {
        self.ready_or_ended().await.unwrap_or_else(|ended| panic!("{ended}"));
    }

    /// Waits until it serves, or has ended by itself, and tells how.
    pub(crate) async fn ready_or_ended(&mut self) -> Result<(), String> {
        let what = format!("{} is ready", self.region);
        until(&what, async || {
            let child = self.child.as_mut().expect("a node that was started");
            if let Some(status) = child.try_wait().expect("a child of ours") {
                return Some(Err(format!("{} ended at start ({status}):\n{}", self.region, self.tail())));
            }
            let answer = http::call(false, format!("{}/healthz", self.admin)).await;
            answer.filter(|(code, _)| *code == 200).map(|_| Ok(()))
        })
        .await
    }

    /// `kill -9`, and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        self.strike();
        self.bury();
    }

    /// `kill -9`, without waiting: several nodes can be struck at one moment.
    pub(crate) fn strike(&mut self) {
        self.child.as_mut().expect("a node that runs").kill().expect("a child of ours");
    }

    /// Waits until a process that was struck, or ends by itself, is gone.
    pub(crate) fn bury(&mut self) -> ExitStatus {
        let ended = self.child.take().expect("a node that ran").wait().expect("a child of ours");
        if let Some((disk, ..)) = &self.power {
            disk.settle();
        }
        ended
    }

    /// `kill -TERM`, and waits until the process has ended.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        let told = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(told.expect("kill").success());
        let what = format!("{} stops when told to", self.region);
        // It stays this node's child until it has ended, so that one that does not stop does not outlive the test.
        let child = self.child.as_mut().expect("a node that runs");
        let ended = until(&what, async || child.try_wait().expect("a child of ours")).await;
        self.child = None;
        ended
    }

    /// The process that runs.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("a node that runs").id()
    }

    /// Whether the process lives.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let from = lines.len().saturating_sub(TAIL_LINES);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
