//! Drawing what the clients of a world do, all of it ahead of time.

use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_types::limits::RANGE_DELETE_MIN;

use super::action::{Action, ClientId, Does, End, Retry, Tie, Turn};
use super::aims::{self, Part};
use super::diet::{self, Diet};
use super::profile::{Profile, Task};
use super::questions::Topic;
use super::words::letter_of;
use crate::dice::Dice;
use crate::scenario::{Command, CommandOp, ObjectRef, Query, QueryKind};

/// Types that the random mix draws from: the more often it stands here, the more often it is drawn.
const TYPES: [Diet; 10] = [
    Diet::Registers,
    Diet::Registers,
    Diet::Values,
    Diet::Counters,
    Diet::Counters,
    Diet::Sets,
    Diet::SortedSets,
    Diet::Lists,
    Diet::HyperLogLogs,
    Diet::BoundedCounters,
];
const PATHS: [&str; 4] = ["f", "f/g", "h", "u/v/w"];
/// Clients of these numbers aim, each at what stands in [`aims`]; the random mix has lower ones.
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
            Task::Look => {
                let does = match self.dice.below(8) {
                    0 => Does::Digest,
                    1..4 => Does::Token { tied: self.tied() },
                    _ => Does::Scan { beginning: self.dice.word(&["", "k", "pair:", "sum:"]) },
                };
                self.mixed(does, Retry::default());
            }
            Task::Transaction => self.transaction(),
            Task::Burst => {
                let commands = (0..self.dice.from_to(3, 12)).map(|_| self.command()).collect();
                self.mixed(Does::Burst(commands), Retry::default());
            }
            Task::Stamp => self.stamp(),
            Task::Stamps => self.stamps(),
            Task::Link => {
                let (client, region) = self.of(LINKERS, 5);
                let (from, to) = (self.chain(), self.chain());
                self.named += 1;
                let writes = self.elsewhere(region, 50);
                let does = Does::Link { from, to, region: writes, name: self.named };
                self.push(client, region, does, Retry::default());
            }
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

    // -- who, where ------------------------------------------------------------------------------------------------

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

    fn chain(&mut self) -> u8 {
        u8::try_from(self.dice.below(aims::CHAINS.into())).unwrap_or_default()
    }

    // -- the random mix --------------------------------------------------------------------------------------------

    fn mixed(&mut self, does: Does, retry: Retry) {
        let (client, region) = self.of(1, self.profile.clients);
        self.push(client, region, does, retry);
    }

    fn mixed_write(&mut self, commands: Vec<Command>) {
        let tie = match self.dice.below(100) {
            0..8 => Tie::Context,
            _ if self.tied() => Tie::Behind,
            _ => Tie::Free,
        };
        let retry = self.retry();
        self.mixed(Does::Write { commands, tie }, retry);
    }

    fn object(&mut self) -> ObjectRef {
        let hot = self.dice.percent(self.profile.hot);
        let key = format!("k{}", self.dice.below(if hot { 2 } else { self.profile.keys }));
        if self.dice.one_in(4) { ObjectRef::at(key, &self.dice.word(&PATHS)) } else { ObjectRef::key(key) }
    }

    fn command(&mut self) -> Command {
        let object = self.object();
        let root = object.path.is_empty();
        let op = match self.dice.below(40) {
            0 | 1 => diet::clear(self.dice),
            2..4 if root => self.expiry(),
            _ => self.dice.of(&TYPES).op(self.dice),
        };
        Command { object, op: self.at_home(op) }
    }

    fn expiry(&mut self) -> CommandOp {
        match self.dice.below(4) {
            0 => CommandOp::Persist,
            _ => CommandOp::Expire(*self.dice.of(&[40, 200, 900, 3_000])),
        }
    }

    /// As long as this world's time, and among its regions.
    fn at_home(&mut self, op: CommandOp) -> CommandOp {
        match op {
            CommandOp::Set { value, ttl_ms: Some(_) } => {
                CommandOp::Set { value, ttl_ms: Some(*self.dice.of(&[30, 300, 1_500])) }
            }
            CommandOp::BoundedGive { amount, .. } => CommandOp::BoundedGive { to: letter_of(self.region()), amount },
            op => op,
        }
    }

    fn query(&mut self) -> Query {
        let object = self.object();
        let queries = self.dice.of(&Topic::ALL).queries();
        let kind = self.dice.pick(&queries).cloned().unwrap_or(QueryKind::Kinds);
        Query { object, kind }
    }

    fn transaction(&mut self) {
        let turns = (0..self.dice.from_to(1, 6))
            .map(|_| if self.dice.percent(45) { Turn::Read(self.query()) } else { Turn::Write(self.command()) });
        let turns = turns.collect();
        let end =
            *self.dice.of(&[End::Commit, End::Commit, End::CommitChecked, End::CommitChecked, End::Abort, End::Forget]);
        let thinks = *self.dice.of(&[0, 0, 5, 80, 700]);
        let does = Does::Transaction { turns, tied: self.tied(), thinks: Duration::from_millis(thinks), end };
        self.mixed(does, Retry::default());
    }

    // -- with an aim -----------------------------------------------------------------------------------------------

    fn pair(&mut self) -> u8 {
        u8::try_from(self.dice.below(aims::PAIRS.into())).unwrap_or_default()
    }

    fn stamp(&mut self) {
        let (client, region) = self.of(STAMPERS, 4);
        let pair = self.pair();
        self.named += 1;
        let stamp = self.named;
        let commands: Vec<_> = Part::ALL.into_iter().flat_map(|part| part.stamp(pair, stamp)).collect();
        let does = if self.dice.one_in(3) {
            let turns = commands.into_iter().map(Turn::Write).collect();
            let thinks = Duration::from_millis(*self.dice.of(&[0, 10, 200]));
            Does::Transaction { turns, tied: false, thinks, end: End::Commit }
        } else {
            Does::Write { commands, tie: Tie::Free }
        };
        let retry = self.retry();
        self.push(client, region, does, retry);
    }

    fn stamps(&mut self) {
        let (client, region) = self.of(STAMPERS + 10, 4);
        let pair = self.pair();
        let mut parts = Part::ALL.to_vec();
        while parts.len() > 4 {
            parts.swap_remove(self.dice.index(parts.len()));
        }
        let turns = parts.into_iter().map(|part| Turn::Read(part.query(pair))).collect();
        let does = Does::Transaction { turns, tied: self.tied(), thinks: Duration::ZERO, end: End::Abort };
        self.push(client, region, does, Retry::default());
    }

    fn chains(&mut self) {
        let (client, region) = self.of(LINKERS + 10, 4);
        // The effect first, and then the cause, without a word that would tie the two.
        for _ in 0..2 {
            let query = Query { object: ObjectRef::key(aims::chain_key(self.chain())), kind: QueryKind::Members };
            let tied = self.tied();
            self.push(client, region, Does::Read { query, tied }, Retry::default());
        }
    }

    fn account(&mut self) {
        let (client, region) = self.of(ACCOUNTANTS, 4);
        self.named += 1;
        let element = format!("e{}", self.named);
        let amount = i64::try_from(self.dice.from_to(1, 9)).unwrap_or(1);
        let command = |key: String, op| Command { object: ObjectRef::key(key), op };
        let (sum, grow) = (aims::sum_key(client.0), aims::grow_key(client.0));
        let all = || aims::ALL_KEY.to_owned();
        let commands = match self.dice.below(4) {
            0 => vec![command(sum, CommandOp::Incr(amount))],
            1 => vec![command(grow, CommandOp::SetAdd(vec![element]))],
            2 => vec![command(sum, CommandOp::Incr(amount)), command(grow, CommandOp::SetAdd(vec![element]))],
            _ => vec![command(all(), CommandOp::Incr(1)), command(all(), CommandOp::SetAdd(vec![element]))],
        };
        let retry = self.retry();
        let tie = if self.tied() { Tie::Behind } else { Tie::Free };
        self.push(client, region, Does::Write { commands, tie }, retry);
        if self.dice.one_in(3) {
            let key = self.dice.of(&[aims::sum_key(client.0), aims::ALL_KEY.to_owned()]).clone();
            let read =
                Does::Read { query: Query { object: ObjectRef::key(key), kind: QueryKind::Counter }, tied: true };
            self.push(client, region, read, Retry::default());
        }
    }

    fn spend(&mut self) {
        let object = ObjectRef::key(format!("stock:{}", self.dice.below(2)));
        let amount = i64::try_from(self.dice.from_to(1, 6)).unwrap_or(1);
        let op = match self.dice.below(12) {
            0 | 1 => CommandOp::BoundedIncr(amount * 4),
            2 | 3 => CommandOp::BoundedGive { to: letter_of(self.region()), amount },
            4 if self.dice.one_in(6) => CommandOp::Delete,
            _ => CommandOp::BoundedDecr(amount),
        };
        let command = Command { object, op };
        let does = match self.dice.below(6) {
            0 => {
                let turns = vec![Turn::Read(bounded(&command.object)), Turn::Write(command)];
                let thinks = Duration::from_millis(*self.dice.of(&[0, 20, 300]));
                Does::Transaction { turns, tied: false, thinks, end: End::Commit }
            }
            1 => Does::Read { query: bounded(&command.object), tied: false },
            2 => Does::Burst(vec![command.clone(), command.clone(), command]),
            _ => Does::Write { commands: vec![command], tie: Tie::Free },
        };
        let (client, region) = self.of(SPENDERS, self.regions.len() as u64);
        let retry = self.retry();
        self.push(client, region, does, retry);
    }

    /// Two or three regions, one object, one moment.
    fn duel(&mut self) {
        let object = self.object();
        let element = || vec!["x".to_owned()];
        let member = || "x".to_owned();
        let sides: [[CommandOp; 2]; 14] = [
            [CommandOp::Reset, CommandOp::Incr(7)],
            [CommandOp::SetRemove(element()), CommandOp::SetAdd(element())],
            [CommandOp::Delete, CommandOp::SetAdd(element())],
            [CommandOp::Delete, CommandOp::Incr(3)],
            [CommandOp::Delete, CommandOp::HllAdd(element())],
            [CommandOp::Delete, CommandOp::BoundedIncr(4)],
            [CommandOp::Disable, CommandOp::Enable],
            [CommandOp::SortedRemove(member()), CommandOp::SortedIncr { member: member(), delta: 2.0 }],
            [
                CommandOp::SortedAdd { member: member(), score: 5.0 },
                CommandOp::SortedIncr { member: member(), delta: 0.5 },
            ],
            [CommandOp::ListRemoveAt(0), CommandOp::ListSetAt { index: 0, value: member() }],
            [
                CommandOp::ListPush { end: crate::scenario::ListEnd::Back, values: element() },
                CommandOp::ListMoveAt { index: 0, end: crate::scenario::ListEnd::Back },
            ],
            [CommandOp::Set { value: member(), ttl_ms: None }, CommandOp::Unset],
            [CommandOp::MvSet(member()), CommandOp::MvSet("y".to_owned())],
            [CommandOp::BoundedDecr(3), CommandOp::BoundedDecr(3)],
        ];
        let [first, second] = self.dice.of(&sides).clone();
        let start = self.dice.roll() >> 1;
        for (nth, op) in (0..).zip([first, second.clone(), second]) {
            if nth == 2 && (self.regions.len() < 3 || self.dice.one_in(2)) {
                break;
            }
            let client = ClientId(u32::try_from(DUELLISTS + nth).unwrap_or(u32::MAX));
            let command = Command { object: object.clone(), op: self.at_home(op) };
            let does = Does::Write { commands: vec![command], tie: Tie::Free };
            self.push(client, self.nth(start + nth), does, Retry::default());
        }
    }

    /// Two transactions of one region over one object.
    fn race(&mut self) {
        let object = match self.dice.below(3) {
            0 => ObjectRef::key("stock:0"),
            _ => self.object(),
        };
        let pairs = [
            (CommandOp::Incr(2), QueryKind::Counter),
            (CommandOp::BoundedDecr(4), QueryKind::BoundedValue),
            (CommandOp::SetAdd(vec!["x".to_owned()]), QueryKind::Members),
            (CommandOp::Set { value: "r".to_owned(), ttl_ms: None }, QueryKind::Get),
            (CommandOp::SortedIncr { member: "x".to_owned(), delta: 1.0 }, QueryKind::Score("x".to_owned())),
            (CommandOp::Delete, QueryKind::Kinds),
            (CommandOp::Reset, QueryKind::Counter),
            (CommandOp::BoundedIncr(3), QueryKind::BoundedRights),
        ];
        let region = self.region();
        let end = *self.dice.of(&[End::Commit, End::Commit, End::CommitChecked]);
        let first = self.dice.of(&pairs).clone();
        let second = if self.dice.one_in(2) { first.clone() } else { self.dice.of(&pairs).clone() };
        for (nth, (op, kind)) in (0..).zip([first, second]) {
            let turns = vec![
                Turn::Read(Query { object: object.clone(), kind }),
                Turn::Write(Command { object: object.clone(), op }),
            ];
            let thinks = Duration::from_millis(*self.dice.of(&[20, 60, 300]));
            let does = Does::Transaction { turns, tied: false, thinks, end };
            let client = ClientId(u32::try_from(DUELLISTS + 10 + nth).unwrap_or(u32::MAX));
            self.push(client, region, does, Retry::default());
        }
    }

    /// One request in one region, and before its answer in another.
    fn twice(&mut self) {
        let (client, region) = self.of(TWINS, 3);
        let commands = match self.dice.below(3) {
            0 => {
                let object = ObjectRef::key(aims::sum_key(client.0));
                vec![Command { object, op: CommandOp::Incr(1) }]
            }
            _ => vec![self.command()],
        };
        let patience = Duration::from_millis(*self.dice.of(&[1, 4, 30, 150]));
        let retry = Retry { patience, asks: 3, elsewhere: self.dice.percent(80) };
        self.push(client, region, Does::Write { commands, tie: Tie::Free }, retry);
    }

    /// A set so large that it is deleted as a range, if its delete has seen all of it; at that moment, or before what it was
    /// filled with has come to them, others add to it.
    fn large(&mut self) {
        let object = ObjectRef::key("large");
        let rows = RANGE_DELETE_MIN + self.dice.below(8);
        let all = (0..rows).map(|nth| format!("r{nth}")).collect();
        let some = |dice: &mut Dice| vec![format!("r{}", dice.below(4))];
        let (here, there) = (self.region(), self.region());
        let ms = |dice: &mut Dice, most: u64| Duration::from_millis(dice.from_to(1, most));
        let filled = self.at;
        let most = *self.dice.of(&[20, 300, 2_000]);
        let deleted = filled + ms(self.dice, most);
        let delete = if self.dice.one_in(2) { CommandOp::Delete } else { CommandOp::Clear("set") };
        let steps = [
            (filled, here, CommandOp::SetAdd(all)),
            (filled + ms(self.dice, 20), there, CommandOp::SetAdd(some(self.dice))),
            (deleted, here, delete),
            (deleted, there, CommandOp::SetAdd(some(self.dice))),
            (deleted + ms(self.dice, 100), here, CommandOp::SetAdd(some(self.dice))),
            (deleted + ms(self.dice, 100), there, CommandOp::SetRemove(some(self.dice))),
        ];
        for (nth, (at, region, op)) in (0..).zip(steps) {
            let client = ClientId(u32::try_from(HAULIERS + nth).unwrap_or(u32::MAX));
            let commands = vec![Command { object: object.clone(), op }];
            self.push_at(at, client, region, Does::Write { commands, tie: Tie::Free }, Retry::default());
        }
    }
}

fn bounded(object: &ObjectRef) -> Query {
    Query { object: object.clone(), kind: QueryKind::BoundedRights }
}
