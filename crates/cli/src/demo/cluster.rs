//! Three real node processes, children of this one.
//!
//! They are known by their handles only, and end with them: a clean stop when all went well, a kill if this process
//! gives up for any reason.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use halcyon_types::RegionName;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::DemoError;
use super::home::Home;
use crate::admin::Admin;

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of a log shown when a node ends early.
const LOG_LINES: usize = 8;

struct NodeProcess {
    region: RegionName,
    admin: Admin,
    child: Child,
    log: PathBuf,
}

/// The nodes of a demo.
pub(super) struct Cluster(Vec<NodeProcess>);

impl Cluster {
    /// Starts one process per region.
    pub(super) fn spawn(home: &Home) -> Result<Self, DemoError> {
        let mut nodes = Vec::new();
        for region in &home.topology.regions {
            let log = home.path().join(format!("{}.log", region.name));
            let spawn = |source| DemoError::Spawn { region: region.name.clone(), source };
            let child = Command::new(std::env::current_exe().map_err(spawn)?)
                .args(["node", "--fault-api", "--region", region.name.as_str(), "--config"])
                .arg(home.config())
                .arg("--certs")
                .arg(home.certs())
                .arg("--data")
                .arg(home.path().join("data").join(region.name.as_str()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(&log).map_err(spawn)?)
                .kill_on_drop(true)
                .spawn()
                .map_err(spawn)?;
            nodes.push(NodeProcess { region: region.name.clone(), admin: Admin::of(region), child, log });
        }
        Ok(Self(nodes))
    }

    /// Waits until every node serves.
    pub(super) async fn ready(&mut self) -> Result<(), DemoError> {
        let deadline = Instant::now() + READY_WITHIN;
        for node in &mut self.0 {
            while let Err(error) = node.admin.ready().await {
                node.alive()?;
                if Instant::now() >= deadline {
                    return Err(error.into());
                }
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    /// Puts `delay` on every message of every link.
    pub(super) async fn delay(&self, delay: Duration) -> Result<(), DemoError> {
        for node in &self.0 {
            for peer in self.0.iter().filter(|peer| peer.region != node.region) {
                node.admin.delay(&peer.region, delay).await?;
            }
        }
        Ok(())
    }

    /// Waits until a node ends that should not.
    pub(super) async fn watch(&mut self) -> DemoError {
        loop {
            for node in &mut self.0 {
                if let Err(ended) = node.alive() {
                    return ended;
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Stops every node cleanly; one that does not is killed.
    pub(super) async fn stop(mut self) {
        for node in &self.0 {
            if let Some(id) = node.child.id() {
                // The standard library sends no SIGTERM; the shell's `kill` does, to this one process.
                let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id.to_string()]).status().await;
                drop(asked);
            }
        }
        for node in &mut self.0 {
            if timeout(STOP_WITHIN, node.child.wait()).await.is_err() {
                let killed = node.child.kill().await;
                drop(killed);
            }
        }
    }
}

impl NodeProcess {
    fn alive(&mut self) -> Result<(), DemoError> {
        let Ok(Some(status)) = self.child.try_wait() else {
            return Ok(());
        };
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n    ");
        Err(DemoError::Ended { region: self.region.clone(), status, tail })
    }
}
