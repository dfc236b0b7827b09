//! Starting and stopping a node.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::Arc;

use halcyon_core::Replica;
use halcyon_net::{BindError, ClientListener, Credentials, CredentialsError, Identity, PeerListener, Role, Roster};
use halcyon_store::{Claim, Committer, OpenError, Recovered, RocksBackend};
use halcyon_types::topology::{Region, Topology};
use halcyon_types::{Address, BootId, NodeId, RegionName};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{mpsc as async_mpsc, watch};
use tokio::task::JoinHandle;

use crate::admin::{self, Admin};
use crate::clocks::Clocks;
use crate::committer::{self, Done};
use crate::config::Config;
use crate::disk_use::DiskUse;
use crate::driver::{Driver, End, NodeError, Rebuilt, Site};
use crate::event::Event;
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::peers::{self, LinkNumbers};
use crate::rebuilding;
use crate::sessions;

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
        let (events, mut heard) = async_mpsc::channel(EVENTS_MAX);
        let clocks = Clocks::start();
        let ground = Ground {
            metrics: Arc::new(Metrics::new()),
            numbers: LinkNumbers::default(),
            events: events.clone(),
            clocks: clocks.clone(),
            data: data.clone(),
            credentials,
            region,
            topology,
            roster: doors.peer.roster().clone(),
            fault_api,
        };
        let (mut driver, mut groups) = ground.live(Faults::default())?;
        let region = ground.region.clone();
        let admin = Admin {
            roster: ground.roster.clone(),
            disk: Arc::new(DiskUse::of(data, clocks)),
            metrics: ground.metrics.clone(),
            events: events.clone(),
            fault_api,
        };
        let seats = sessions::seats();
        let tasks = [
            tokio::spawn(admin::serve(doors.admin, admin)),
            tokio::spawn(peers::accept(doors.peer, ground.numbers.clone(), events.clone())),
            tokio::spawn(sessions::accept(doors.client, seats.clone(), events)),
        ];
        let (stop, stopping) = watch::channel(false);
        let running = tokio::spawn(async move {
            let end = loop {
                match driver.run(&mut heard, groups, stopping.clone()).await {
                    Ok(End::Stopped) => break Ok(()),
                    Ok(End::Rebuilt(rebuilt)) => match ground.live_anew(rebuilt).await {
                        Ok(next) => (driver, groups) = next,
                        Err(error) => break Err(NodeError::from(Box::new(error))),
                    },
                    Err(error) => break Err(error),
                }
            };
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

/// What every life of a node stands on: a node begins anew, in place, when a copy has taken the place of its state.
struct Ground {
    topology: Topology,
    region: Region,
    data: PathBuf,
    credentials: Arc<Credentials>,
    clocks: Clocks,
    metrics: Arc<Metrics>,
    numbers: LinkNumbers,
    roster: Roster,
    events: async_mpsc::Sender<Event>,
    fault_api: bool,
}

impl Ground {
    /// Opens the data directory and starts the committer.
    fn live(&self, faults: Faults) -> Result<(Driver, UnboundedReceiver<Done>), StartError> {
        let (committer, recovered) = Committer::open(RocksBackend::open(&self.data)?, &self.claim())?;
        let (done, groups) = async_mpsc::unbounded_channel();
        let site = Site {
            region: self.region.id,
            data: self.data.clone(),
            region_name: self.region.name.to_string(),
            node: recovered.node,
            fault_api: self.fault_api,
            credentials: self.credentials.clone(),
            clocks: self.clocks.clone(),
            metrics: self.metrics.clone(),
            numbers: self.numbers.clone(),
            reader: committer.reader(),
            digests: Arc::new(tokio::sync::Semaphore::new(1)),
            cluster: self.topology.cluster.clone(),
            roster: self.roster.clone(),
        };
        tracing::info!(region = %self.region.name, actor = %recovered.actor, vv = ?recovered.vv, "recovered");
        let jobs = committer::spawn(committer, self.clocks.clone(), done).map_err(StartError::Thread)?;
        let replica = replica(&self.topology, &self.region, recovered, &self.clocks);
        Ok((Driver::new(replica, site, self.events.clone(), jobs, faults), groups))
    }

    /// Lets a copy take the place of the state, and lives from that; from the old state, if it cannot.
    async fn live_anew(&self, rebuilt: Rebuilt) -> Result<(Driver, UnboundedReceiver<Done>), StartError> {
        let Rebuilt { filling, reader, faults } = rebuilt;
        let (data, claim) = (self.data.clone(), self.claim());
        let took = tokio::task::spawn_blocking(move || {
            let filled = filling.end()?;
            Some(rebuilding::take_place(filled, &reader, &data, &claim))
        });
        match took.await {
            Ok(Some(Ok(vv))) => tracing::info!(?vv, "a copy has taken the place of this node's state"),
            Ok(Some(Err(error))) => tracing::error!(%error, "a copy could not take the place of this node's state"),
            Ok(None) | Err(_) => tracing::error!("a copy was lost; this node goes on with what it has"),
        }
        self.live(faults)
    }

    fn claim(&self) -> Claim {
        Claim {
            cluster: self.topology.cluster.clone(),
            region: self.region.id,
            region_name: self.region.name.clone(),
            now: self.clocks.now().wall,
            node: NodeId(random_uuid()),
        }
    }
}

fn replica(topology: &Topology, region: &Region, recovered: Recovered, clocks: &Clocks) -> Replica {
    let config = halcyon_core::Config {
        region: region.id,
        regions: topology.regions.clone(),
        agreement: *blake3::hash(topology.agreement().as_bytes()).as_bytes(),
        boot: BootId(random_uuid()),
        seed: rand::random(),
        keyspaces: topology.keyspaces.iter().map(|keyspace| keyspace.id).collect(),
        log_bytes_max: topology.replication.log_bytes_max.0,
        retention: topology.replication.retention.0,
    };
    let heads = recovered.heads.into_iter();
    let start = halcyon_core::Start {
        actor: recovered.actor,
        vv: recovered.vv,
        heads: heads.map(|(actor, h)| (actor, halcyon_core::Head { seq: h.seq, deps: h.deps, hash: h.hash })).collect(),
        hlc: recovered.hlc,
        floors: recovered.floors,
        facts: recovered.facts,
    };
    Replica::new(config, start, clocks.now())
}

pub(crate) fn random_uuid() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}
