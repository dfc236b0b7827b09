//! The world: nodes, links and one queue of events.

mod disk;
mod link;
mod node;
mod pump;

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_core::{LinkEvent, SessionId};
use halcyon_types::{ActorId, Dot, KeyspaceId, Now, RegionId, RequestId, Seq, UnixMs};
use halcyon_wire::{Body, PeerMessage, Request, Seen, Session, Write};

pub(crate) use disk::{Disk, RECORD_BYTES};
pub(crate) use link::{Link, Loses};
pub(crate) use node::{Node, config, member, seed};

pub(crate) const BASE: UnixMs = UnixMs(1_800_000_000_000);

pub(crate) fn region(n: u64) -> RegionId {
    RegionId::try_from(n).unwrap()
}

pub(crate) fn keyspace() -> KeyspaceId {
    KeyspaceId::try_from(10).unwrap()
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) enum Event {
    Arrive { link: (RegionId, RegionId), open: u64, message: PeerMessage },
    Taken { link: (RegionId, RegionId), open: u64, actor: ActorId, last: Seq, bytes: usize },
    Dialled { link: (RegionId, RegionId), life: u64 },
    Commit { node: RegionId, life: u64 },
    PageTaken { node: RegionId, life: u64, peer: RegionId },
    Switch { node: RegionId, life: u64 },
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) nodes: BTreeMap<RegionId, Node>,
    pub(crate) links: BTreeMap<(RegionId, RegionId), Link>,
    /// How often each record went over each link.
    pub(crate) carried: BTreeMap<((RegionId, RegionId), Dot), u32>,
    pub(crate) pulls: u32,
    /// Copies under way: whose, and who takes it.
    pub(crate) copies: BTreeMap<(RegionId, RegionId), Disk>,
    /// Pages of each.
    pub(crate) pages: u64,
    /// How many have taken a state's place.
    pub(crate) switched: u32,
    /// By how many milliseconds a node's wall clock is ahead.
    pub(crate) ahead_ms: BTreeMap<RegionId, i64>,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    random: u64,
}

impl World {
    pub(crate) fn new(nodes: u64, seed: u64) -> Self {
        let regions: Vec<_> = (1..=nodes).map(region).collect();
        let mut world = Self {
            now: Duration::ZERO,
            nodes: BTreeMap::new(),
            links: BTreeMap::new(),
            carried: BTreeMap::new(),
            pulls: 0,
            copies: BTreeMap::new(),
            pages: 3,
            switched: 0,
            ahead_ms: BTreeMap::new(),
            events: BTreeMap::new(),
            count: 0,
            random: seed,
        };
        for a in &regions {
            for b in regions.iter().filter(|b| *b != a) {
                world.links.insert((*a, *b), Link::new());
            }
        }
        for a in &regions {
            let disk = Disk::new(ActorId::mint(*a, UnixMs(1)));
            world.nodes.insert(*a, Node::new(*a, &regions, disk, 0, world.clock()));
        }
        for a in regions {
            world.pump(a);
        }
        world
    }

    /// A mesh whose links have all proved themselves.
    pub(crate) fn settled(nodes: u64, seed: u64) -> Self {
        let mut world = Self::new(nodes, seed);
        world.run(ms(500));
        world
    }

    pub(crate) fn clock(&self) -> Now {
        Now { mono: self.now, wall: BASE.plus(self.now) }
    }

    /// A node's own clocks.
    pub(crate) fn clock_of(&self, id: RegionId) -> Now {
        let Now { mono, wall } = self.clock();
        let ahead_ms = self.ahead_ms.get(&id).copied().unwrap_or_default();
        Now { mono, wall: UnixMs(wall.0.saturating_add_signed(ahead_ms)) }
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let z = (self.random ^ (self.random >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        (z ^ (z >> 33)) % below
    }

    pub(crate) fn node(&self, n: u64) -> &Node {
        &self.nodes[&region(n)]
    }

    pub(crate) fn link(&mut self, from: u64, to: u64) -> &mut Link {
        self.links.get_mut(&(region(from), region(to))).unwrap()
    }

    fn schedule(&mut self, at: Duration, event: Event) {
        self.count += 1;
        self.events.insert((at, self.count), event);
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until `done`, at most for `span`. Returns how long it took.
    pub(crate) fn until(&mut self, span: Duration, done: impl Fn(&Self) -> bool) -> Option<Duration> {
        let begin = self.now;
        while !done(self) {
            if !self.step(begin + span) {
                return None;
            }
        }
        self.now.checked_sub(begin)
    }

    /// The next event or timer, if it lies before `end`.
    fn step(&mut self, end: Duration) -> bool {
        let event = self.events.keys().next().map(|(at, _)| *at);
        let timers = self.nodes.iter();
        let timer = timers.filter_map(|(id, node)| node.replica.poll_timeout().map(|at| (at, *id))).min();
        match (event, timer) {
            (Some(at), timer) if at <= end && timer.is_none_or(|(rings, _)| at <= rings) => {
                self.now = self.now.max(at);
                let (_, event) = self.events.pop_first().unwrap();
                self.happen(event);
                true
            }
            (_, Some((at, id))) if at <= end => {
                self.now = self.now.max(at);
                let now = self.clock_of(id);
                self.nodes.get_mut(&id).unwrap().replica.handle_timeout(now);
                self.pump(id);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn ask(&mut self, n: u64, id: u64, body: Body) {
        let (now, node) = (self.clock_of(region(n)), region(n));
        let asked = self.nodes.get_mut(&node).unwrap();
        asked.replica.handle_request(now, SessionId(1), Request { id, body });
        self.pump(node);
    }

    pub(crate) fn write(&mut self, n: u64) {
        self.write_bytes(n, 3);
    }

    pub(crate) fn write_bytes(&mut self, n: u64, bytes: usize) {
        let object = halcyon_crdt::Object::new(keyspace(), "k");
        let op = halcyon_crdt::Op::Set { value: vec![7; bytes].into(), ttl_ms: None };
        let updates = vec![halcyon_crdt::Update { object, op }];
        let request = RequestId::mint(BASE, &[u8::try_from(n).unwrap(); 10]);
        self.ask(n, 1, Body::Write(Write { request, session: Session::default(), seen: Seen::Present, updates }));
    }

    /// Rebalancer and sweeper, at every node.
    pub(crate) fn background(&mut self, on: bool) {
        let now = self.clock();
        for node in self.nodes.values_mut() {
            node.replica.set_background(now, on);
        }
    }

    /// Packets vanish, in one direction.
    pub(crate) fn cut(&mut self, from: u64, to: u64) {
        self.link(from, to).loses = Loses::All;
    }

    /// Connections are lost and refused, in both directions.
    pub(crate) fn sever(&mut self, a: u64, b: u64) {
        for (x, y) in [(a, b), (b, a)] {
            self.link(x, y).severed = true;
            self.lose((region(x), region(y)));
        }
    }

    pub(crate) fn heal(&mut self) {
        for link in self.links.values_mut() {
            (link.loses, link.severed, link.loss_percent) = (Loses::Nothing, false, 0);
        }
    }

    /// A connection is lost; both ends are told.
    pub(crate) fn lose(&mut self, link: (RegionId, RegionId)) {
        if self.links.get_mut(&link).unwrap().open.take().is_some() {
            self.tell(link.0, link.1, LinkEvent::OutDown);
            self.tell(link.1, link.0, LinkEvent::InDown);
        }
    }

    /// kill -9 and a start from the disk.
    pub(crate) fn restart(&mut self, n: u64) {
        self.replace(n, |_| ());
    }

    /// The same, with `change` made to the disk in between.
    pub(crate) fn replace(&mut self, n: u64, change: impl FnOnce(&mut Disk)) {
        let id = region(n);
        let regions: Vec<_> = self.nodes.keys().copied().collect();
        let mut old = self.nodes.remove(&id).unwrap();
        change(&mut old.disk);
        self.copies.retain(|(of, _), _| *of != id);
        let new = Node::new(id, &regions, old.disk, old.life + 1, self.clock_of(id));
        self.nodes.insert(id, new);
        for other in regions.iter().filter(|other| **other != id) {
            for link in [(id, *other), (*other, id)] {
                if self.links.get_mut(&link).unwrap().open.take().is_some() {
                    let event = if link.0 == id { LinkEvent::InDown } else { LinkEvent::OutDown };
                    self.tell(*other, id, event);
                }
            }
        }
        self.pump(id);
    }

    fn tell(&mut self, node: RegionId, peer: RegionId, event: LinkEvent) {
        let now = self.clock_of(node);
        self.nodes.get_mut(&node).unwrap().replica.handle_link(now, peer, event);
        self.pump(node);
    }

    /// Equal vectors and equal logs, with nothing under way in any node.
    pub(crate) fn agree(&self) -> bool {
        let mut nodes = self.nodes.values();
        let first = nodes.next().unwrap();
        first.is_idle()
            && nodes.all(|node| node.is_idle() && node.disk.vv == first.disk.vv && node.disk.logs == first.disk.logs)
    }
}
