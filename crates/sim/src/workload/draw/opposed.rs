//! Those who oppose each other: at one moment, over one object, with one request.

use std::time::Duration;

use halcyon_types::limits::RANGE_DELETE_MIN;

use super::{DUELLISTS, Drawing, HAULIERS, TWINS};
use crate::dice::Dice;
use crate::scenario::{Command, CommandOp, ListEnd, ObjectRef, Query, QueryKind};
use crate::workload::action::{ClientId, Does, End, Retry, Tie, Turn};
use crate::workload::aims;

impl Drawing<'_> {
    /// Two or three regions, one object, one moment.
    pub(super) fn duel(&mut self) {
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
                CommandOp::ListPush { end: ListEnd::Back, values: element() },
                CommandOp::ListMoveAt { index: 0, end: ListEnd::Back },
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
    pub(super) fn race(&mut self) {
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
    pub(super) fn twice(&mut self) {
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
    pub(super) fn large(&mut self) {
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
