//! The life of a process: it begins from what its disk has, and dies without a word.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use halcyon_core::{Config, Head, Replica, Start};
use halcyon_store::{Claim, Committer, OpenError, Recovered, Sealed};
use halcyon_types::limits::IDLE_TIMEOUT;
use halcyon_types::topology::Region;
use halcyon_types::{Address, BootId, KeyspaceId, NameError, NodeId, Now, RegionId};
use uuid::Uuid;

use super::World;
use super::event::Event;
use super::fault::When;
use super::known::Known;
use super::node::Node;
use super::observation::Observation;
use super::seat::Armed;

/// Why a process does not begin.
enum Unopened {
    DeadClock,
    Damaged(String),
}

impl From<OpenError> for Unopened {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::DeadClock { .. } => Self::DeadClock,
            error => Self::Damaged(error.to_string()),
        }
    }
}

/// The names that a node's claim carries.
const NAME: &str = "sim";

impl World {
    pub(super) fn node_mut(&mut self, region: RegionId) -> Option<&mut Node> {
        self.seats.get_mut(&region)?.node.as_mut()
    }

    /// Whether the process that was numbered so is the one that lives.
    pub(super) fn lives(&self, region: RegionId, life: u64) -> bool {
        self.node(region).is_some_and(|node| node.life == life)
    }

    /// A process begins.
    pub(super) fn start(&mut self, region: RegionId, life: u64) {
        let seed = self.seed;
        let members: Result<Vec<_>, _> = self.regions().map(member).collect();
        let Ok(members) = members else { return };
        let now = self.now;
        let Some(seat) = self.seats.get_mut(&region).filter(|seat| seat.lives + 1 == life && seat.node.is_none())
        else {
            return;
        };
        let clocks = Now { mono: Duration::ZERO, wall: seat.clock.at(now) };
        let opened = claim(region, clocks, seed).and_then(|claim| Ok(Committer::open(seat.backend.clone(), &claim)?));
        let (committer, recovered) = match opened {
            Ok(opened) => opened,
            Err(Unopened::DeadClock) => {
                // Its operator sets the clock, and tries again.
                self.figures.count("starts refused for a dead clock");
                return self.schedule(now + Duration::from_millis(300), Event::Start { region, life });
            }
            Err(Unopened::Damaged(why)) => {
                return self.observe(&Observation::Unopened { region, why: &why });
            }
        };
        seat.lives = life;
        let config = Config {
            region,
            regions: members,
            agreement: [7; 32],
            boot: BootId(Uuid::from_u64_pair(u64::from(region.get()), life)),
            seed: seat.dice.roll(),
            keyspaces: BTreeSet::from([KeyspaceId::FIRST]),
            log_bytes_max: seat.log_bytes_max,
            retention: seat.retention,
        };
        let mut replica = Replica::new(config, start_of(&recovered), clocks);
        if !seat.background {
            replica.set_background(clocks, false);
        }
        seat.node = Some(Node {
            region,
            life,
            replica,
            reader: committer.reader(),
            committer,
            queue: VecDeque::new(),
            staged: None,
            group: None,
            snapshots: BTreeMap::new(),
            began: now,
            stopping: None,
            paused: Duration::ZERO,
        });
        self.trace.tell(now, Some(region), "start", &life.to_le_bytes(), || format!("{:?}", recovered.vv));
        self.figures.count("starts");
        self.observe(&Observation::Started { region, recovered: &recovered });
        self.reveal(region, &recovered);
        self.pump(region);
    }

    /// Shows what the disk has and nobody had been told of.
    fn reveal(&mut self, region: RegionId, recovered: &Recovered) {
        let Some(seat) = self.seats.get_mut(&region) else { return };
        let Some(node) = &seat.node else { return };
        if !seat.known.vv.le(&recovered.vv) {
            // What was synced is gone. The invariants have seen it; here it only matters to read on.
            let mut anew = Known::default();
            drop(anew.catch_up(&node.reader, &recovered.vv));
            seat.known = anew;
        }
        let found = seat.known.catch_up(&node.reader, &recovered.vv);
        let Some(records) = self.log_read(region, found).filter(|records| !records.is_empty()) else { return };
        self.figures.add("records first seen after a crash", records.len() as u64);
        self.observe(&Observation::Applied { region, vv: &recovered.vv, records: &records });
    }

    /// The power fails. What is being synced has reached the disk or not.
    pub(super) fn crash(&mut self, region: RegionId, kept: bool, alone: bool, down: Duration) {
        let Some(seat) = self.seats.get_mut(&region) else { return };
        let Some(mut node) = seat.node.take() else { return };
        let sealed = node.group.take().and_then(|group| group.sealed);
        let unsynced = sealed.as_ref().is_some_and(Sealed::writes);
        if let Some(sealed) = sealed.filter(|_| kept) {
            // Nobody hears how it went.
            drop(sealed.write());
        }
        seat.backend = seat.backend.crash();
        (seat.armed, seat.failing) = (None, None);
        let life = seat.lives + 1;
        self.trace.tell(self.now, Some(region), "crash", &[u8::from(kept)], || format!("for {down:?}"));
        self.figures.count("crashes");
        self.figures.add("groups lost by a crash", u64::from(unsynced && !kept));
        self.figures.add("groups kept through a crash", u64::from(unsynced && kept));
        self.forget_links(region);
        self.lose_clients(region);
        if alone {
            self.isolate(region, down);
        }
        self.schedule(self.now + down, Event::Start { region, life });
        self.observe(&Observation::Crashed { region });
    }

    /// The node is asked to stop.
    pub(super) fn stop(&mut self, region: RegionId, down: Duration) {
        if let Some(node) = self.node_mut(region) {
            node.replica.stop();
            node.stopping = Some(down);
            self.pump(region);
        }
    }

    /// A node that was asked to stop ends once nothing is under way.
    pub(super) fn end_if_drained(&mut self, region: RegionId) {
        let Some(node) = self.node(region) else { return };
        if let (Some(down), true, true) = (node.stopping, node.is_idle(), node.replica.is_drained()) {
            self.figures.count("nodes that stopped");
            self.crash(region, false, false, down);
        }
    }

    /// The moment of a crash that was waiting for it.
    pub(super) fn moment(&mut self, region: RegionId, when: When) -> bool {
        let Some(seat) = self.seats.get_mut(&region) else { return false };
        let Some(Armed { kept, alone, down, .. }) = seat.armed.take_if(|armed| armed.when == when) else {
            return false;
        };
        self.figures.count(when.crashes());
        self.crash(region, kept, alone, down);
        true
    }

    pub(super) fn crash_armed(&mut self, region: RegionId, life: u64) {
        if self.lives(region, life) {
            self.moment(region, When::Syncing);
        }
    }

    /// What stands at this moment of the connections of a dead process: its own ends are gone, and the others learn of it
    /// soon, or only when nothing comes.
    fn forget_links(&mut self, region: RegionId) {
        let others: Vec<_> = self.regions().filter(|other| *other != region).collect();
        for other in others {
            let Some(seat) = self.seats.get_mut(&region) else { return };
            let late = seat.dice.percent(30);
            let learns = seat.dice.span(Duration::from_millis(1), Duration::from_millis(50));
            let at = self.now + if late { seat.dice.span(learns, IDLE_TIMEOUT) } else { learns };
            if let Some(open) = self.links.get_mut(&(region, other)).and_then(|link| link.out.take()) {
                self.schedule(at, Event::InLost { way: (region, other), open });
            }
            if let Some(open) = self.links.get_mut(&(other, region)).and_then(|link| {
                link.inn = None;
                link.out
            }) {
                self.schedule(at, Event::OutLost { way: (other, region), open });
            }
        }
    }

    /// Nothing more of what it said arrives, and nobody else hears anything until it is back: whoever has heard it last is
    /// the only one to know.
    fn isolate(&mut self, region: RegionId, down: Duration) {
        let until = self.now + down * 2;
        for ((from, to), link) in &mut self.links {
            if *from == region || *to == region {
                link.cut = link.cut.max(until);
            }
        }
        self.figures.count("nodes that died alone");
    }
}

/// A region as a `regions.toml` describes it; nobody dials its addresses.
fn member(id: RegionId) -> Result<Region, NameError> {
    let address = |port: u16| Address::try_from(format!("{NAME}{id}:{port}"));
    let (name, peer, client, admin) = (format!("{NAME}{id}").parse()?, address(1)?, address(2)?, address(3)?);
    Ok(Region { id, name, peer, client, admin })
}

fn claim(region: RegionId, clocks: Now, seed: u64) -> Result<Claim, Unopened> {
    let defect = |error: NameError| Unopened::Damaged(error.to_string());
    Ok(Claim {
        cluster: NAME.parse().map_err(defect)?,
        region,
        region_name: format!("{NAME}{region}").parse().map_err(defect)?,
        now: clocks.wall,
        node: NodeId(Uuid::from_u64_pair(seed, u64::from(region.get()))),
    })
}

fn start_of(recovered: &Recovered) -> Start {
    let heads = recovered.heads.iter();
    Start {
        actor: recovered.actor,
        vv: recovered.vv.clone(),
        heads: heads.map(|(actor, h)| (*actor, Head { seq: h.seq, deps: h.deps.clone(), hash: h.hash })).collect(),
        hlc: recovered.hlc,
        floors: recovered.floors.clone(),
        facts: recovered.facts.clone(),
    }
}
