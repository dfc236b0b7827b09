//! The phases of a run, and the loop that carries time on.

use std::time::Duration;

use halcyon_types::RegionId;

use super::World;
use super::event::Event;
use super::fault::Cable;
use super::observation::Observation;
use super::program::What;
use super::seat::SYNC;
use crate::invariant::LIVENESS;

/// Between two looks at whether all agree.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Who is next.
enum Next {
    Event,
    Timer(RegionId),
    Client,
}

impl World {
    /// All three phases.
    pub(super) fn play(&mut self) {
        let end = self.steps.last().map_or(Duration::ZERO, |step| step.at) + Duration::from_millis(10);
        while self.goes_on() && self.advance(end) {}
        // Whoever stands still wakes first: what waits for it stays in its order.
        let awake = self.seats.values().filter_map(|seat| Some(seat.node.as_ref()?.paused)).max();
        let end = awake.map_or(end, |awake| awake.max(end));
        while self.goes_on() && self.advance(end) {}
        self.now = self.now.max(end);
        self.heal();
        let healed = self.now;
        let bound = healed + LIVENESS;
        let mut look = healed;
        loop {
            if !self.goes_on() {
                return;
            }
            if self.now >= look {
                look = self.now + LOOK_EVERY;
                if self.agrees() {
                    break;
                }
            }
            if !self.advance(bound) {
                return self.observe(&Observation::Unsettled);
            }
        }
        self.figures.converged_in = self.now.saturating_sub(healed);
        self.observe(&Observation::Converged);
        self.judge_the_end();
    }

    /// Nothing more is judged once something has failed, nor behind a fork that has been told of.
    fn goes_on(&self) -> bool {
        self.failure.is_none() && !self.fork.as_ref().is_some_and(|fork| fork.is_over)
    }

    /// Carries out what is next, if its time is before `end`.
    fn advance(&mut self, end: Duration) -> bool {
        let Some((at, next)) = self.next().filter(|(at, _)| *at <= end) else { return false };
        self.now = self.now.max(at);
        match next {
            Next::Event => {
                if let Some(((_, number), event)) = self.events.pop_first() {
                    self.happen(number, event);
                }
            }
            Next::Timer(region) => self.ring(region),
            Next::Client => {
                self.clients.handle_timeout(self.now);
                self.ask();
            }
        }
        true
    }

    fn next(&self) -> Option<(Duration, Next)> {
        let event = self.events.first_key_value().map(|((at, _), _)| (*at, Next::Event));
        let timers = self.seats.iter().filter_map(|(region, seat)| {
            let node = seat.node.as_ref()?;
            let at = (node.began + node.replica.poll_timeout()?).max(node.paused);
            Some((at, Next::Timer(*region)))
        });
        let client = self.clients.poll_timeout().map(|at| (at, Next::Client));
        // Of what is due at one time the event comes first, then the regions in their order.
        event.into_iter().chain(timers).chain(client).min_by_key(|(at, _)| *at)
    }

    fn ring(&mut self, region: RegionId) {
        self.trace.tell(self.now, Some(region), "timer", &[], String::new);
        let Some(now) = self.clocks(region) else { return };
        if let Some(node) = self.node_mut(region) {
            node.replica.handle_timeout(now);
        }
        self.pump(region);
    }

    /// Something happens; to a process that stands still it happens later.
    fn happen(&mut self, number: u64, event: Event) {
        if let Some(until) = self.waits(&event) {
            self.figures.count("what waited for a node that stood still");
            // Under its old number: nothing overtakes what was sent before it, however often it waits.
            self.events.insert((until, number), event);
            return;
        }
        match event {
            Event::Step(index) => self.step(index),
            Event::Arrive { way, open, arrival, bytes } => self.arrive(way, open, arrival, &bytes),
            Event::Taken { way, open, actor, last, bytes } => self.taken(way, open, (actor, last, bytes)),
            Event::Dialled { way, life, fails } => self.dialled(way, life, fails),
            Event::OutLost { way, open } => self.out_lost(way, open),
            Event::InLost { way, open } => self.in_lost(way, open),
            Event::GivenUp { way, open } => self.given_up(way, open),
            Event::Synced { region, life } => self.synced(region, life),
            Event::PageTaken { way, open, bytes } => self.page_taken(way, open, bytes),
            Event::PageRead { region, life, asked } => self.page_read(region, life, asked),
            Event::Filled { region, life, filling, entries } => self.filled(region, life, filling, &entries),
            Event::Replaced { region, taking } => self.replaced(region, taking),
            Event::CrashReplacing { region, taking } => self.crash_replacing(region, taking),
            Event::Crash { region, life } => self.crash_armed(region, life),
            Event::Start { region, life } => self.start(region, life),
            Event::Ask { client, session, bytes } => self.asked(client, session, &bytes),
            Event::Leave { region, life, session } => self.left(region, life, session),
            Event::Answer { client, session, bytes } => self.answered(client, session, &bytes),
            Event::Lose { client, session } => self.disconnected(client, session),
        }
    }

    /// Until when the process that an event is for stands still.
    fn waits(&self, event: &Event) -> Option<Duration> {
        let region = match event {
            Event::Arrive { way, .. } | Event::InLost { way, .. } => way.1,
            Event::Taken { way, .. }
            | Event::PageTaken { way, .. }
            | Event::OutLost { way, .. }
            | Event::Dialled { way, .. } => way.0,
            Event::Synced { region, .. }
            | Event::PageRead { region, .. }
            | Event::Filled { region, .. }
            | Event::Leave { region, .. } => *region,
            Event::Ask { client, .. } => self.connections.get(client)?.region,
            _ => return None,
        };
        let paused = self.node(region)?.paused;
        (paused > self.now).then_some(paused)
    }

    fn step(&mut self, index: usize) {
        let Some(step) = self.steps.get(index).cloned() else { return };
        self.trace.tell(self.now, None, "step", step.what.to_string().as_bytes(), || step.what.to_string());
        match step.what {
            What::Action(action) => {
                self.clients.handle_action(self.now, &action);
                self.ask();
            }
            What::Fault(fault) => self.strike(&fault),
        }
    }

    /// Every fault ends.
    fn heal(&mut self) {
        self.trace.tell(self.now, None, "heal", &[], String::new);
        for link in self.links.values_mut() {
            (link.cable, link.cut, link.severed) = (Cable::default(), Duration::ZERO, Duration::ZERO);
        }
        let regions: Vec<_> = self.regions().collect();
        for region in regions {
            let Some(seat) = self.seats.get_mut(&region) else { continue };
            seat.clock.set_right();
            (seat.sync, seat.group_max) = (SYNC, halcyon_types::limits::GROUP_MAX);
            (seat.armed, seat.failing, seat.background) = (None, None, true);
            if let Some(down) = self.node_mut(region).and_then(|node| node.stopping.as_mut()) {
                *down = Duration::ZERO;
            }
            self.set_background(region, true);
            let Some(seat) = self.seats.get(&region) else { continue };
            // Whoever is about to begin from a copy begins by itself.
            if seat.node.is_none() && seat.taking.is_none() {
                let life = seat.lives + 1;
                self.start(region, life);
            }
        }
        self.observe(&Observation::Healed);
    }

    /// Whether all regions agree, nothing is under way in any, and no client waits.
    fn agrees(&self) -> bool {
        let mut nodes = self.seats.values().map(|seat| seat.node.as_ref());
        let Some(Some(first)) = nodes.next() else { return false };
        let settled = |node: Option<&super::Node>| node.is_some_and(|node| node.is_idle() && node.vv() == first.vv());
        self.clients.is_idle() && first.is_idle() && nodes.all(settled)
    }
}
