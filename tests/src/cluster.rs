//! A cluster of real processes in a directory of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use halcyon_client::{Client, Config, Digest};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::halcyon;
use crate::http;
use crate::node::Node;
use crate::ports::PortBlock;
use crate::power::Shim;
use crate::until::{PATIENCE, until};

/// What the first regions are called, in order; further ones are numbered.
pub const REGIONS: [&str; 3] = ["us-east", "eu-west", "ap-south"];

/// Up to nine regions, all running unless the scenario stops one. Dropping it ends its processes and removes its files;
/// dropped while a test fails, it prints the tails of their logs first.
#[derive(Debug)]
pub struct Cluster {
    // First, so that no process outlives its directory.
    nodes: Vec<Node>,
    dir: TempDir,
    ports: PortBlock,
}

impl Cluster {
    /// Starts `regions` nodes with the fault API on, and waits until every one serves and hears every other.
    pub async fn start(regions: usize) -> Self {
        Self::start_under(&std::env::temp_dir(), regions, true).await
    }

    /// The same below `root`, with or without the fault API.
    pub async fn start_under(root: &Path, regions: usize, fault_api: bool) -> Self {
        let mut cluster = Self::prepared(root, regions, fault_api).await;
        cluster.nodes.iter_mut().for_each(Node::spawn);
        for node in &mut cluster.nodes {
            node.ready().await;
        }
        cluster.linked().await;
        cluster
    }

    /// A cluster with its file and certificates, of which no node runs yet.
    pub async fn prepared(root: &Path, regions: usize, fault_api: bool) -> Self {
        fs::create_dir_all(root).expect("a directory for clusters");
        let dir = tempfile::Builder::new().prefix("halcyon-").tempdir_in(root).expect("a directory");
        let ports = PortBlock::hold();
        let further = (REGIONS.len() + 1..).map(|number| format!("region-{number}"));
        let names: Vec<String> = REGIONS.map(str::to_owned).into_iter().chain(further).take(regions).collect();
        fs::write(dir.path().join("regions.toml"), regions_toml("shop", &names, &ports)).expect("a regions.toml");
        let nodes = (names.iter().enumerate())
            .map(|(i, name)| Node::new(dir.path(), name, ports.region(i).admin, fault_api))
            .collect();
        let cluster = Self { nodes, dir, ports };
        let (config, certs) = (cluster.config(), cluster.certs());
        let init = ["certs".into(), "init".into(), "--config".into(), config.into_os_string()];
        let _ = halcyon(init.into_iter().chain(["--out".into(), certs.into_os_string()])).await.succeeded();
        cluster
    }

    /// A cluster whose every node has a disk that [`crate::power`] can cut the power of. None runs yet.
    pub async fn on_disks(root: &Path, regions: usize, shim: &'static Shim) -> Self {
        let mut cluster = Self::prepared(root, regions, true).await;
        let dir = cluster.dir().to_owned();
        cluster.nodes.iter_mut().for_each(|node| node.use_disk(&dir, shim));
        cluster
    }

    /// Its files stay when it ends.
    pub fn keep_files(&mut self) {
        self.dir.disable_cleanup(true);
    }

    /// Adds to its `regions.toml`; nodes that start from now on read it.
    pub fn configure(&self, toml: &str) {
        let text = fs::read_to_string(self.config()).expect("a regions.toml");
        fs::write(self.config(), format!("{text}\n{toml}\n")).expect("a regions.toml");
    }

    /// One region more, with a file of its own that lists all, and a certificate. Its node does not run, and nobody else knows of
    /// it. Returns its number here, and what `halcyon region add` is told of it.
    pub async fn newcomer(&mut self, name: &str) -> (usize, Vec<String>) {
        let (index, ports) = (self.nodes.len(), self.ports.region(self.nodes.len()));
        let address = |port: u16| format!("127.0.0.1:{port}");
        let (peer, client, admin) = (address(ports.peer), address(ports.client), address(ports.admin));
        let id = index + 1;
        let file = self.dir().join(format!("regions-{name}.toml"));
        let known = fs::read_to_string(self.config()).expect("a regions.toml");
        let region = format!(
            "\n[[region]]\nid = {id}\nname = \"{name}\"\npeer = \"{peer}\"\nclient = \"{client}\"\nadmin = \"{admin}\"\n"
        );
        fs::write(&file, known + &region).expect("a regions.toml");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let issue = ["certs", "issue", "--role", "region", "--name", name, "--config", &text(&file), "--out"];
        let issue = issue.into_iter().map(str::to_owned).chain([text(&self.certs())]);
        let _ = halcyon(issue).await.succeeded();
        let mut node = Node::new(self.dir(), name, ports.admin, true);
        node.config = file;
        self.nodes.push(node);
        let told = [&id.to_string(), name, "--peer", &peer, "--client", &client, "--admin", &admin];
        (index, told.into_iter().map(str::to_owned).collect())
    }

    /// The last region is none of this cluster any more; its process has ended.
    pub fn forget_last(&mut self) {
        self.nodes.pop();
    }

    /// Bytes of memory that a region's process holds.
    pub fn resident_bytes(&self, region: usize) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.node(region).pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib * 1024)
    }

    /// Processor time that a region's process has used, to a hundredth of a second.
    pub fn processor_time(&self, region: usize) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.node(region).pid())).unwrap_or_default();
        // Behind the name, which may hold anything: state, ten numbers, then user and system time.
        let behind = stat.rsplit(')').next().unwrap_or_default();
        let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its `regions.toml`.
    pub fn config(&self) -> PathBuf {
        self.dir().join("regions.toml")
    }

    /// Its certificates.
    pub fn certs(&self) -> PathBuf {
        self.dir().join("certs")
    }

    /// The data directory of a region.
    pub fn data(&self, region: usize) -> PathBuf {
        self.node(region).data.clone()
    }

    /// All that a region's node has logged.
    pub fn log(&self, region: usize) -> String {
        fs::read_to_string(&self.node(region).log).unwrap_or_default()
    }

    /// `--config … --certs …`, for commands.
    pub fn flags(&self) -> [String; 4] {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        ["--config".to_owned(), text(self.config()), "--certs".to_owned(), text(self.certs())]
    }

    /// What an SDK is told to speak with one region and no other, and to be as patient as the harness is: a disk that
    /// stalls under somebody else's work is no defect of the node.
    pub fn client_config(&self, region: usize) -> Config {
        let config = Config::from_files(&self.node(region).config, self.certs()).expect("the files of `certs init`");
        config.region(self.node(region).region.clone()).failover(false).request_timeout(PATIENCE)
    }

    /// An SDK client that speaks with one region and no other.
    pub async fn client(&self, region: usize) -> Client {
        Client::connect(self.client_config(region)).await.expect("a region that serves")
    }

    /// One client per region.
    pub async fn clients(&self) -> Vec<Client> {
        let mut clients = Vec::new();
        for region in 0..self.nodes.len() {
            clients.push(self.client(region).await);
        }
        clients
    }

    /// `kill -9`.
    pub fn kill(&mut self, region: usize) {
        self.node_mut(region).kill();
    }

    /// `kill -TERM`; returns when the process has ended.
    pub async fn terminate(&mut self, region: usize) -> ExitStatus {
        self.node_mut(region).terminate().await
    }

    /// Starts a region's node again, and waits until it serves.
    pub async fn restart(&mut self, region: usize) {
        let node = self.node_mut(region);
        node.spawn();
        node.ready().await;
    }

    /// Whether a region's process lives.
    pub fn is_running(&mut self, region: usize) -> bool {
        self.node_mut(region).is_running()
    }

    /// `/status` of a region; `None` if it does not answer.
    pub async fn status(&self, region: usize) -> Option<Value> {
        http::json(format!("{}/status", self.node(region).admin)).await
    }

    /// Waits until every region hears every other.
    pub async fn linked(&self) {
        until("every region hears every other", async || {
            for region in 0..self.nodes.len() {
                let status = self.status(region).await?;
                let peers = status.get("peers")?.as_array()?;
                let up = |peer: &Value, link| peer.get(link).and_then(Value::as_bool) == Some(true);
                if peers.len() + 1 < self.nodes.len() || !peers.iter().all(|p| up(p, "link_in") && up(p, "link_out")) {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    /// Waits until every region has seen the same and holds the same, and says what (promise P3).
    ///
    /// # Panics
    /// Not in time; or, at once, two regions that have seen the same hold different rows.
    pub async fn converged(&self) -> Digest {
        let clients = self.clients().await;
        until("every region has seen the same", async || {
            let mut digests = Vec::new();
            for client in &clients {
                digests.push(client.digest().await.expect("a region that serves"));
            }
            for (one, other) in digests.iter().zip(digests.iter().skip(1)) {
                if one.token != other.token {
                    return None;
                }
                assert_eq!(one, other, "p3: equal vectors, different rows");
            }
            digests.pop()
        })
        .await
    }

    pub(crate) fn node(&self, region: usize) -> &Node {
        self.nodes.get(region).expect("a region of this cluster")
    }

    pub(crate) fn node_mut(&mut self, region: usize) -> &mut Node {
        self.nodes.get_mut(region).expect("a region of this cluster")
    }

    /// How many regions it has.
    pub fn regions(&self) -> usize {
        self.nodes.len()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            for node in &self.nodes {
                eprintln!("-- the end of {}'s log\n{}", node.region, node.tail());
            }
        }
    }
}

fn regions_toml(cluster: &str, names: &[String], ports: &PortBlock) -> String {
    let mut text = format!("cluster = \"{cluster}\"\n");
    for (i, name) in names.iter().enumerate() {
        let ports = ports.region(i);
        let address = |port| format!("\"127.0.0.1:{port}\"");
        let (peer, client, admin) = (address(ports.peer), address(ports.client), address(ports.admin));
        let id = i + 1;
        write!(text, "\n[[region]]\nid = {id}\nname = \"{name}\"\npeer = {peer}\nclient = {client}\nadmin = {admin}\n")
            .expect("text takes text");
    }
    text.push_str("\n[[keyspace]]\nid = 10\nname = \"default\"\n");
    text
}
