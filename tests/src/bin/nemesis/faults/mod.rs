//! Does to the cluster what the schedule says, and undoes it.
//!
//! Faults overlap, so none of them is done and undone by itself: at every tick, what each link should be like follows
//! from all that are under way, and nodes that are told otherwise are told so. A node that has come back, and has
//! forgotten, is told again.

pub(crate) mod schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use halcyon_client::now;
use halcyon_tests::Cluster;
use tokio::time::{MissedTickBehavior, interval};

use self::schedule::{Planned, Trouble};
use crate::history::Fault;
use crate::recorder::Recorder;

const TICK: Duration = Duration::from_millis(100);
/// Half the period of a flapping cable.
const FLAP_MS: u64 = 400;

/// What a node is told of one of its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Link {
    cut_in: bool,
    cut_out: bool,
    relay_off: bool,
    delay_ms: u64,
}

/// The cluster, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Injector {
    pub(crate) cluster: Cluster,
    recorder: Arc<Recorder>,
    active: Vec<(u64, Planned)>,
    /// What nodes were told, by node and peer.
    told: BTreeMap<(usize, usize), Link>,
    /// Nodes whose clock was tampered with.
    clocks: BTreeSet<usize>,
    /// Nodes that answer nobody: killed or asleep.
    down: BTreeSet<usize>,
    counted: BTreeMap<&'static str, u64>,
    next: u64,
}

impl Injector {
    pub(crate) fn new(cluster: Cluster, recorder: Arc<Recorder>) -> Self {
        let (told, clocks, down) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { cluster, recorder, active: Vec::new(), told, clocks, down, counted: BTreeMap::new(), next: 0 }
    }

    /// How often each kind has begun.
    pub(crate) const fn counted(&self) -> &BTreeMap<&'static str, u64> {
        &self.counted
    }

    /// Plays a schedule to its end, and until `total_ms`; everything is healed then.
    pub(crate) async fn play(&mut self, plan: &[Planned], total_ms: u64, mut tell: impl FnMut(&Self, u64)) {
        let from = self.recorder.ms();
        let mut rest = plan.iter().peekable();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let at = self.recorder.ms() - from;
            let (over, active) = self.active.iter().partition(|(_, planned)| planned.end <= at);
            self.active = active;
            for (fault, planned) in over {
                self.end(fault, planned).await;
            }
            while let Some(planned) = rest.next_if(|planned| planned.begin <= at) {
                self.begin(*planned).await;
            }
            let whole = self.keep_up().await;
            self.watch().await;
            tell(self, at);
            if at >= total_ms && rest.peek().is_none() && self.active.is_empty() && whole {
                return;
            }
        }
    }

    async fn begin(&mut self, planned: Planned) {
        if planned.trouble.process().is_some_and(|region| self.down.contains(&region)) {
            // Its last restart took longer than was planned.
            return;
        }
        let fault = self.next;
        self.next += 1;
        *self.counted.entry(planned.trouble.kind()).or_default() += 1;
        self.note(fault, planned.trouble, true);
        match planned.trouble {
            Trouble::Kill { region } => {
                self.cluster.kill(region);
                self.down.insert(region);
            }
            Trouble::Terminate { region } => {
                let status = self.cluster.terminate(region).await;
                if !status.success() {
                    self.died(region, &format!("told to stop, it ended so: {status}"));
                }
                self.down.insert(region);
            }
            Trouble::Pause { region } => {
                self.cluster.pause(region);
                self.down.insert(region);
            }
            _ => {}
        }
        self.active.push((fault, planned));
    }

    async fn end(&mut self, fault: u64, planned: Planned) {
        match planned.trouble {
            Trouble::Kill { region } | Trouble::Terminate { region } => self.restart(region).await,
            Trouble::Pause { region } => {
                self.cluster.resume(region);
                self.down.remove(&region);
            }
            _ => {}
        }
        self.note(fault, planned.trouble, false);
    }

    async fn restart(&mut self, region: usize) {
        self.cluster.restart(region).await;
        self.down.remove(&region);
        self.clocks.remove(&region);
        self.told.retain(|(node, _), _| *node != region);
    }

    /// A node that should live and does not has failed; it is started again, so that the run can go on.
    async fn watch(&mut self) {
        for region in 0..self.cluster.regions() {
            if !self.down.contains(&region) && !self.cluster.is_running(region) {
                let status = self.cluster.bury(region);
                self.died(region, &format!("it ended by itself: {status}"));
                self.restart(region).await;
            }
        }
    }

    /// Tells nodes what they should know by now; whether all of them do.
    async fn keep_up(&mut self) -> bool {
        let mut whole = true;
        let regions = self.cluster.regions();
        for node in (0..regions).filter(|node| !self.down.contains(node)).collect::<Vec<_>>() {
            for peer in (0..regions).filter(|peer| *peer != node) {
                let want = self.link(node, peer);
                let told = self.told.get(&(node, peer)).copied().unwrap_or_default();
                if want != told {
                    if self.tell_link(node, peer, want).await {
                        self.told.insert((node, peer), want);
                    } else {
                        whole = false;
                    }
                }
            }
            whole &= self.tell_clock(node).await;
        }
        whole && self.down.is_empty()
    }

    async fn tell_link(&self, node: usize, peer: usize, want: Link) -> bool {
        let name = halcyon_tests::REGIONS.get(peer).expect("a region");
        let state = |cut| if cut { "cut" } else { "up" };
        let relay = if want.relay_off { "off" } else { "on" };
        let one = format!("state={}&direction=in&relay={relay}&delay_ms={}", state(want.cut_in), want.delay_ms);
        let other = format!("state={}&direction=out", state(want.cut_out));
        for change in [one, other] {
            let answer = self.cluster.post(node, &format!("/fault/link/{name}?{change}")).await;
            if !matches!(answer, Some((200, _))) {
                return false;
            }
        }
        true
    }

    async fn tell_clock(&mut self, node: usize) -> bool {
        let off = self.active.iter().find_map(|(_, planned)| match planned.trouble {
            Trouble::Clock { region, off_ms } if region == node => Some(off_ms),
            _ => None,
        });
        let path = match off {
            Some(off) => format!("/fault/clock?ms={}", now().0.saturating_add_signed(off)),
            None if self.clocks.contains(&node) => "/fault/clock".to_owned(),
            None => return true,
        };
        let done = matches!(self.cluster.post(node, &path).await, Some((200, _)));
        match off {
            Some(_) => drop(self.clocks.insert(node)),
            None if done => drop(self.clocks.remove(&node)),
            None => {}
        }
        done
    }

    /// What a link should be like, seen from `node`.
    fn link(&self, node: usize, peer: usize) -> Link {
        let mut link = Link::default();
        let flaps_up = (self.recorder.ms() / FLAP_MS) % 2 == 1;
        for (_, planned) in &self.active {
            let joins = |a: usize, b: usize| (a, b) == (node, peer) || (b, a) == (node, peer);
            let both = match planned.trouble {
                Trouble::Cut { a, b } => joins(a, b),
                Trouble::Flap { a, b } => joins(a, b) && !flaps_up,
                Trouble::Isolate { region } => region == node || region == peer,
                _ => false,
            };
            link.cut_in |= both;
            link.cut_out |= both;
            match planned.trouble {
                Trouble::CutOneWay { from, to } => {
                    link.cut_out |= (from, to) == (node, peer);
                    link.cut_in |= (to, from) == (node, peer);
                }
                Trouble::Delay { from, to, ms } if (from, to) == (node, peer) => link.delay_ms = link.delay_ms.max(ms),
                Trouble::RelayOff { at, peer: to } if (at, to) == (node, peer) => link.relay_off = true,
                _ => {}
            }
        }
        link
    }

    fn note(&self, nth: u64, trouble: Trouble, begins: bool) {
        let (kind, region, detail) = (trouble.kind().to_owned(), trouble.region(), trouble.to_string());
        let off_ms = if let Trouble::Clock { off_ms, .. } = trouble { Some(off_ms) } else { None };
        self.recorder.fault(Fault { n: 0, ms: 0, nth, kind, region, begins, off_ms, detail });
    }

    fn died(&mut self, region: usize, how: &str) {
        let nth = self.next;
        self.next += 1;
        let (kind, detail) = ("died".to_owned(), how.to_owned());
        let (begins, region) = (true, Some(region));
        self.recorder.fault(Fault { n: 0, ms: 0, nth, kind, region, begins, off_ms: None, detail });
    }
}
