//! Processes that are not well: asleep for longer than anybody waits, out of file descriptors, or there twice.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::env;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use halcyon_client::{Client, WriteError};
use halcyon_tests::{Cluster, Load, PATIENCE, REGIONS, copy_dir, halcyon, until};
use halcyon_types::topology::Topology;

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// A process of our own that the cluster does not know. Dropping it kills it, and no other.
struct Stray(Child);

impl Drop for Stray {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// `halcyon node` for the first region, below a shell that may limit it.
fn spawn(before: &str, config: &Path, data: &Path, cluster: &Cluster) -> Stray {
    let log = fs::OpenOptions::new().create(true).append(true).open(cluster.dir().join("stray.log")).expect("a log");
    let binary = env::var("HALCYON_BIN").expect("the binary under test");
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{before} exec \"$0\" \"$@\"")).arg(binary);
    command.args(["node", "--region", REGIONS[A], "--config"]).arg(config).arg("--data").arg(data);
    command.arg("--certs").arg(cluster.certs());
    let errors = log.try_clone().expect("a second handle on the log");
    Stray(command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("a shell"))
}

/// The same cluster's file, but the first region listens elsewhere: at ports that the cluster holds and does not use.
fn elsewhere(cluster: &Cluster) -> PathBuf {
    let text = fs::read_to_string(cluster.config()).expect("the cluster's file");
    let topology = Topology::parse(&text).expect("a topology");
    let region = topology.regions.first().expect("a region");
    let addresses = [region.peer.to_string(), region.client.to_string(), region.admin.to_string()];
    let moved = addresses.iter().fold(text, |text, address| {
        let (host, port) = address.rsplit_once(':').expect("a port");
        let port = port.parse::<u16>().expect("a port") + 9;
        text.replace(&format!("\"{address}\""), &format!("\"{host}:{port}\""))
    });
    let file = cluster.dir().join("elsewhere.toml");
    fs::write(&file, moved).expect("a file");
    file
}

async fn impatient(cluster: &Cluster, region: usize) -> Client {
    let config = cluster.client_config(region).request_timeout(Duration::from_millis(500));
    Client::connect(config.connect_timeout(Duration::from_millis(200))).await.expect("a region that serves")
}

#[tokio::test]
async fn a_process_asleep_for_longer_than_links_live_holds_up_nobody_and_loses_nothing() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let eager = impatient(&cluster, C).await;
    let mut loads = [Load::start("a", &clients[A], 4), Load::start("b", &clients[B], 4)];
    let mut sleeper = Load::start("c", &eager, 4);
    sleeper.progress(50).await;
    cluster.pause(C);
    // What is asked meanwhile is unknown, and counts once when it is asked again.
    let lost = eager.keyspace("default").counter("asked-asleep").add(1).await;
    let down = async |region: usize| {
        let status = cluster.status(region).await?;
        let peers = status.get("peers")?.as_array()?.clone();
        let peer = peers.iter().find(|peer| peer.get("region").and_then(|name| name.as_str()) == Some(REGIONS[C]))?;
        let up = |link| peer.get(link).and_then(serde_json::Value::as_bool);
        (up("link_in") == Some(false) && up("link_out") == Some(false)).then_some(())
    };
    until("both others have given the sleeper's links up", async || {
        down(A).await?;
        down(B).await
    })
    .await;
    for load in &mut loads {
        load.progress(100).await;
    }
    cluster.resume(C);
    sleeper.progress(50).await;
    let mut settled = vec![sleeper.settle().await];
    for load in loads {
        settled.push(load.settle().await);
    }
    match lost {
        Err(WriteError::OutcomeUnknown(unanswered)) => drop(clients[C].retry(unanswered).await.unwrap()),
        // Its connection may have noticed first: then it was never sent.
        Err(WriteError::NotReachable { .. }) => {
            clients[C].keyspace("default").counter("asked-asleep").add(1).await.unwrap();
        }
        other => panic!("a process asleep has answered: {other:?}"),
    }
    cluster.linked().await;
    cluster.converged().await;
    for client in &clients {
        assert_eq!(client.keyspace("default").counter("asked-asleep").get().await.unwrap(), 1);
        for load in &settled {
            load.is_whole_at(client).await;
        }
    }
}

#[tokio::test]
async fn a_node_without_file_descriptors_goes_on_writing_and_replicating_and_recovers() {
    let mut cluster = Cluster::prepared(&env::temp_dir(), 3, true).await;
    let (config, data) = (cluster.config(), cluster.data(A));
    let mut stray = spawn("ulimit -n 192;", &config, &data, &cluster);
    cluster.restart(B).await;
    cluster.restart(C).await;
    cluster.linked().await;
    let clients = cluster.clients().await;
    let mut loads = [Load::start("starved", &clients[A], 4), Load::start("other", &clients[B], 4)];
    loads[0].progress(20).await;

    let text = fs::read_to_string(&config).expect("the cluster's file");
    let admin = Topology::parse(&text).expect("a topology").regions.first().expect("a region").admin.to_string();
    let mut idle = Vec::new();
    for _ in 0..400 {
        let Ok(mut stream) = TcpStream::connect(&admin) else { break };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        // Half a request: a connection that somebody holds on to.
        stream.write_all(b"GET /readyz HTTP/1.1\r\n").ok();
        idle.push(stream);
    }
    assert!(idle.len() > 192, "the system itself gave only {}", idle.len());
    for load in &mut loads {
        load.progress(200).await;
    }
    // Enough for the write ahead log to be switched and tables to be written, which takes new files.
    let big = vec![7_u8; 200 * 1024];
    let shop = clients[A].keyspace("default");
    for n in 0..400 {
        shop.register(format!("big:{}", n % 20)).set_bytes(&big).await.expect("a node that goes on");
    }
    assert!(stray.0.try_wait().unwrap().is_none(), "it lives");
    drop(idle);
    until("it answers on the admin plane again", async || cluster.status(A).await).await;
    let mut settled = Vec::new();
    for load in loads {
        settled.push(load.settle().await);
    }
    cluster.converged().await;
    for client in &clients {
        for load in &settled {
            load.is_whole_at(client).await;
        }
    }
}

#[tokio::test]
async fn a_second_process_on_one_data_directory_is_refused_and_the_first_goes_on() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client(A).await;
    let shop = client.keyspace("default");
    shop.counter("n").add(1).await.unwrap();
    let (config, data) = (elsewhere(&cluster), cluster.data(A));
    let args = ["node".into(), "--region".into(), REGIONS[A].into(), "--config".into(), config.into_os_string()];
    let dirs = ["--data".into(), data.into_os_string(), "--certs".into(), cluster.certs().into_os_string()];
    let ended = halcyon(args.into_iter().chain(dirs)).await;
    let _ = ended.refused(&["in use"]);
    shop.counter("n").add(1).await.unwrap();
    assert_eq!(shop.counter("n").get().await.unwrap(), 2);
}

#[tokio::test]
async fn a_copy_of_a_data_directory_that_runs_beside_the_first_is_refused_and_alarmed() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let add = async |client: &Client| client.keyspace("default").counter("n").add(1).await;
    for client in &clients {
        add(client).await.unwrap();
    }
    cluster.terminate(A).await;
    let twin = cluster.dir().join("twin");
    copy_dir(&cluster.data(A), &twin);
    cluster.restart(A).await;
    cluster.linked().await;
    add(&clients[A]).await.unwrap();

    let stray = spawn("", &elsewhere(&cluster), &twin, &cluster);
    until("a peer alarms of two processes that are one", async || {
        for region in [B, C] {
            let status = cluster.status(region).await?;
            let alarms = status.get("alarms")?.to_string();
            if alarms.contains("two processes run as actor") {
                return Some(());
            }
        }
        None
    })
    .await;
    // Nobody stops for it, and the original is heard as before.
    let receipt = add(&clients[A]).await.unwrap();
    for client in &clients[B..] {
        client.session(receipt.token.clone()).wait(PATIENCE).token().await.expect("the original is heard");
        add(client).await.unwrap();
    }
    let log = cluster.dir().join("stray.log");
    until("the copy says why it is refused, and what to do", async || {
        let said = fs::read_to_string(&log).unwrap_or_default();
        said.contains("stop it and give it a new data directory").then_some(())
    })
    .await;
    assert!(!cluster.log(A).contains("give it a new data directory"), "the original is not refused");
    drop(stray);
    cluster.kill(A);
    cluster.restart(A).await;
    cluster.linked().await;
    add(&clients[A]).await.unwrap();
    cluster.converged().await;
    for client in &clients {
        let session = client.session(clients[A].token().await.unwrap()).wait(PATIENCE);
        assert_eq!(session.counter("n").get().await.unwrap(), 8);
    }
}

/// Reads are answered to the end, so a client that only reads is never told that the node stops.
#[tokio::test]
async fn a_node_told_to_stop_ends_however_many_go_on_reading() {
    let mut cluster = Cluster::start(3).await;
    let mut reading = Vec::new();
    for _ in 0..8 {
        let client = impatient(&cluster, A).await;
        reading.push(tokio::spawn(async move {
            loop {
                drop(client.keyspace("default").counter("n").get().await);
            }
        }));
    }
    let status = cluster.terminate(A).await;
    assert!(status.success(), "SIGTERM is a clean stop: {status}");
    for reading in reading {
        reading.abort();
    }
}
