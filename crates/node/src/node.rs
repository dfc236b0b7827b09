//! Starting and stopping a node.

use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::Arc;

use halcyon_core::Replica;
use halcyon_net::{BindError, ClientListener, Credentials, CredentialsError, Identity, PeerListener, Role};
use halcyon_store::{Claim, Committer, OpenError, Recovered, RocksBackend};
use halcyon_types::topology::{Region, Topology};
use halcyon_types::{Address, BootId, NodeId, RegionName};
use tokio::net::TcpListener;
use tokio::sync::{mpsc as async_mpsc, watch};
use tokio::task::JoinHandle;

use crate::admin::{self, Admin};
use crate::clocks::Clocks;
use crate::committer;
use crate::config::Config;
use crate::disk_use::DiskUse;
use crate::driver::{Driver, NodeError, Site};
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::peers::{self, LinkNumbers};
use crate::sessions;
use crate::tail::Tail;

/// Events that wait for the driver; past it, the tasks that read the network wait.
const EVENTS_MAX: usize = 1024;

/// Why a node does not start. Nothing is left running; a data directory that was there is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The region is not in `regions.toml`.
    #[error("{region} is not a region of this cluster; use one of: {known}")]
    UnknownRegion {
        /// What was asked for.
        region: RegionName,
        /// What there is.
        known: String,
    },
    /// The fault API cuts links on request, so it is never served to a network.
    #[error("the fault API needs a loopback admin address, and {address} is none; leave --fault-api out, or change it")]
    FaultApiExposed {
        /// The admin address.
        address: Address,
    },
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A peer or client address cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The admin address cannot be bound.
    #[error(
        "the admin address {address} (TCP) cannot be bound: {source}; stop whatever uses it, or change it in regions.toml"
    )]
    Admin {
        /// The admin address.
        address: Address,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The committer's thread cannot be started.
    #[error("the committer's thread cannot be started: {0}; raise the limit on processes")]
    Thread(std::io::Error),
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<(), NodeError>>,
}

impl Node {
    /// Opens the data directory, binds the addresses, and begins to serve, on the present tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]: cause and remedy; nothing is left running.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let Config { topology, region: name, data, certs, fault_api } = config;
        let region = find(&topology, &name)?.clone();
        if fault_api && !is_loopback(&region.admin) {
            return Err(StartError::FaultApiExposed { address: region.admin });
        }
        let identity = Identity { cluster: topology.cluster.clone(), role: Role::Region(name) };
        let credentials = Arc::new(Credentials::load(&certs, &identity)?);
        let doors = Doors::bind(&topology, &region, &credentials).await?;
        let clocks = Clocks::start();
        let (committer, recovered) = open(&topology, &region, &data, &clocks)?;
        let (events, heard) = async_mpsc::channel(EVENTS_MAX);
        let (done, groups) = async_mpsc::unbounded_channel();
        let metrics = Arc::new(Metrics::new());
        let numbers = LinkNumbers::default();
        let site = Site {
            region: region.id,
            region_name: region.name.to_string(),
            node: recovered.node,
            fault_api,
            credentials,
            clocks: clocks.clone(),
            metrics: metrics.clone(),
            numbers: numbers.clone(),
            reader: committer.reader(),
            digests: Arc::new(tokio::sync::Semaphore::new(1)),
            topology: topology.clone(),
        };
        tracing::info!(region = %region.name, actor = %recovered.actor, vv = ?recovered.vv, "recovered");
        let jobs = committer::spawn(committer, clocks.clone(), done).map_err(StartError::Thread)?;
        let driver = Driver {
            replica: replica(&topology, &region, recovered, &clocks),
            site,
            events: events.clone(),
            jobs: Some(jobs),
            faults: Faults::default(),
            tail: Tail::default(),
            sessions: std::collections::BTreeMap::new(),
            out_links: std::collections::BTreeMap::new(),
            in_links: std::collections::BTreeMap::new(),
            held_dials: std::collections::BTreeSet::new(),
            present: None,
            snapshots: std::collections::BTreeMap::new(),
            backups: crate::driver::Backups::default(),
            answered: std::collections::BTreeSet::new(),
            alarms: Vec::new(),
            fatal: None,
        };
        let admin = Admin {
            topology: topology.clone(),
            region: region.name.clone(),
            disk: Arc::new(DiskUse::of(data, clocks.clone())),
            clocks,
            metrics,
            events: events.clone(),
            fault_api,
        };
        let seats = sessions::seats();
        let tasks = [
            tokio::spawn(admin::serve(doors.admin, admin)),
            tokio::spawn(peers::accept(doors.peer, topology, numbers, events.clone())),
            tokio::spawn(sessions::accept(doors.client, seats.clone(), events)),
        ];
        let (stop, stopping) = watch::channel(false);
        let running = tokio::spawn(async move {
            let end = driver.run(heard, groups, stopping).await;
            sessions::drained(&seats).await;
            tasks.iter().for_each(JoinHandle::abort);
            end
        });
        tracing::info!(peer = %region.peer, client = %region.client, admin = %region.admin, "serving");
        Ok(Self { stop, running })
    }

    /// Asks the node to stop: no more writes are taken, and what is under way is finished and answered.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the node has stopped, because it was asked to or because it cannot go on.
    ///
    /// # Errors
    /// [`NodeError`]: why it could not go on.
    pub async fn stopped(&mut self) -> Result<(), NodeError> {
        (&mut self.running).await.unwrap_or(Err(NodeError::Vanished))
    }
}

/// The three addresses of a region, bound.
struct Doors {
    peer: PeerListener,
    client: ClientListener,
    admin: TcpListener,
}

impl Doors {
    async fn bind(topology: &Topology, region: &Region, own: &Credentials) -> Result<Self, StartError> {
        let peer = PeerListener::bind(&region.peer, own, topology).await?;
        let client = ClientListener::bind(&region.client, own).await?;
        let admin = TcpListener::bind(region.admin.as_str()).await;
        let admin = admin.map_err(|source| StartError::Admin { address: region.admin.clone(), source })?;
        Ok(Self { peer, client, admin })
    }
}

fn find<'a>(topology: &'a Topology, name: &RegionName) -> Result<&'a Region, StartError> {
    topology.region(name).ok_or_else(|| {
        let known: Vec<_> = topology.regions.iter().map(|region| region.name.as_str()).collect();
        StartError::UnknownRegion { region: name.clone(), known: known.join(", ") }
    })
}

fn is_loopback(address: &Address) -> bool {
    let addresses = address.as_str().to_socket_addrs();
    addresses.is_ok_and(|mut addresses| addresses.all(|address| address.ip().is_loopback()))
}

fn open(
    topology: &Topology,
    region: &Region,
    data: &Path,
    clocks: &Clocks,
) -> Result<(Committer<RocksBackend>, Recovered), OpenError> {
    let claim = Claim {
        cluster: topology.cluster.clone(),
        region: region.id,
        region_name: region.name.clone(),
        now: clocks.now().wall,
        node: NodeId(random_uuid()),
    };
    Committer::open(RocksBackend::open(data)?, &claim)
}

fn replica(topology: &Topology, region: &Region, recovered: Recovered, clocks: &Clocks) -> Replica {
    let config = halcyon_core::Config {
        region: region.id,
        peers: topology.regions.iter().map(|other| other.id).filter(|id| *id != region.id).collect(),
        agreement: *blake3::hash(topology.agreement().as_bytes()).as_bytes(),
        boot: BootId(random_uuid()),
        seed: rand::random(),
        keyspaces: topology.keyspaces.iter().map(|keyspace| keyspace.id).collect(),
        log_bytes_max: topology.replication.log_bytes_max.map(|size| size.0),
    };
    let heads = recovered.heads.into_iter();
    let start = halcyon_core::Start {
        actor: recovered.actor,
        vv: recovered.vv,
        heads: heads.map(|(actor, h)| (actor, halcyon_core::Head { seq: h.seq, deps: h.deps, hash: h.hash })).collect(),
        hlc: recovered.hlc,
        floors: recovered.floors,
    };
    Replica::new(config, start, clocks.now())
}

pub(crate) fn random_uuid() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}
