//! Drawing what the clients of a world do, all of it ahead of time: the random mix, those who aim, and those who oppose
//! each other.

mod aimed;
mod mixed;
mod opposed;

use std::time::Duration;

use halcyon_types::RegionId;

use super::action::{Action, ClientId, Does, Retry};
use super::profile::{Profile, Task};
use crate::dice::Dice;

/// Clients of these numbers aim, each at what stands in [`super::aims`]; the random mix has lower ones.
const STAMPERS: u64 = 100;
const LINKERS: u64 = 120;
const ACCOUNTANTS: u64 = 140;
const SPENDERS: u64 = 160;
const DUELLISTS: u64 = 180;
const TWINS: u64 = 200;
const HAULIERS: u64 = 220;

/// So many operations, and when.
pub fn draw(dice: &mut Dice, ops: u64, regions: u16) -> Vec<(Duration, Action)> {
    let profile = Profile::draw(dice);
    let mut drawing = Drawing {
        dice,
        profile,
        regions: of_world(regions),
        at: Duration::from_millis(300),
        named: 0,
        drawn: Vec::new(),
    };
    while (drawing.drawn.len() as u64) < ops {
        let pause = drawing.profile.pause(drawing.dice);
        drawing.at += pause;
        drawing.next();
    }
    let mut drawn = drawing.drawn;
    // What is spread over a moment ahead comes before what is drawn later.
    drawn.sort_by_key(|(at, _)| *at);
    drawn
}

/// The regions of a world, at least one.
fn of_world(regions: u16) -> Vec<RegionId> {
    (1..=regions.max(1)).filter_map(|nth| RegionId::try_from(u64::from(nth)).ok()).collect()
}

struct Drawing<'a> {
    dice: &'a mut Dice,
    profile: Profile,
    regions: Vec<RegionId>,
    at: Duration,
    /// Stamps and elements named so far.
    named: u32,
    drawn: Vec<(Duration, Action)>,
}

impl Drawing<'_> {
    fn next(&mut self) {
        match self.profile.task(self.dice) {
            Task::Write => {
                let commands = vec![self.command()];
                self.mixed_write(commands);
            }
            Task::Several => {
                let commands = (0..self.dice.from_to(2, 5)).map(|_| self.command()).collect();
                self.mixed_write(commands);
            }
            Task::Read => {
                let query = self.query();
                let tied = self.tied();
                self.mixed(Does::Read { query, tied }, Retry::default());
            }
            Task::Look => self.look(),
            Task::Transaction => self.transaction(),
            Task::Burst => {
                let commands = (0..self.dice.from_to(3, 12)).map(|_| self.command()).collect();
                self.mixed(Does::Burst(commands), Retry::default());
            }
            Task::Stamp => self.stamp(),
            Task::Stamps => self.stamps(),
            Task::Link => self.link(),
            Task::Chain => self.chains(),
            Task::Account => self.account(),
            Task::Spend => self.spend(),
            Task::Duel => self.duel(),
            Task::Race => self.race(),
            Task::Twice => self.twice(),
            Task::Large => self.large(),
        }
    }

    fn push(&mut self, client: ClientId, region: RegionId, does: Does, retry: Retry) {
        self.push_at(self.at, client, region, does, retry);
    }

    fn push_at(&mut self, at: Duration, client: ClientId, region: RegionId, does: Does, retry: Retry) {
        self.drawn.push((at, Action { client, region, does, retry }));
    }

    fn region(&mut self) -> RegionId {
        let nth = self.dice.roll();
        self.nth(nth)
    }

    /// Regions in a circle.
    #[expect(clippy::indexing_slicing, reason = "an index below the length of what is not empty")]
    fn nth(&self, nth: u64) -> RegionId {
        self.regions[usize::try_from(nth % self.regions.len() as u64).unwrap_or_default()]
    }

    /// A client of a kind, and the region it turns to now.
    fn of(&mut self, first: u64, count: u64) -> (ClientId, RegionId) {
        let client = first + self.dice.below(count);
        let home = self.nth(client);
        let region = self.elsewhere(home, self.profile.roams);
        (ClientId(u32::try_from(client).unwrap_or(u32::MAX)), region)
    }

    /// That region, or in so many of 100 cases any.
    fn elsewhere(&mut self, region: RegionId, cases: u64) -> RegionId {
        if self.dice.percent(cases) { self.region() } else { region }
    }

    fn tied(&mut self) -> bool {
        self.dice.percent(self.profile.tied)
    }

    fn retry(&mut self) -> Retry {
        let usual = Retry::default();
        if self.dice.percent(self.profile.elsewhere) {
            let patience = self.dice.span(Duration::from_millis(30), Duration::from_millis(900));
            return Retry { patience, elsewhere: true, ..usual };
        }
        usual
    }
}
