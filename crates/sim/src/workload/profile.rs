//! What the clients of one seed are like: no two seeds look alike, for what hides behind one mix shows in another.

use std::time::Duration;

use crate::dice::Dice;

/// Of one seed.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    /// Clients of the random mix.
    pub(super) clients: u64,
    /// Keys of the random mix, from the hottest on.
    pub(super) keys: u64,
    /// Of 100, how many operations go to the two hottest keys.
    pub(super) hot: u64,
    /// Operations a second.
    pub(super) rate: u64,
    /// Of 1,000: what is drawn next, by weight.
    pub(super) weights: [(Task, u64); 16],
    /// Of 100, how many requests wait for what their client saw.
    pub(super) tied: u64,
    /// Of 100, how many clients' actions begin in another region than their own.
    pub(super) roams: u64,
    /// Of 100, how many writes are taken elsewhere when there is no answer.
    pub(super) elsewhere: u64,
}

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// A write of one command.
    Write,
    /// A write of several.
    Several,
    /// A read.
    Read,
    /// A scan, a token, now and then a digest.
    Look,
    /// A transaction over anything.
    Transaction,
    /// Writes that do not wait for each other's answers.
    Burst,
    /// A stamp written to several objects at once.
    Stamp,
    /// The objects of stamps read at one snapshot.
    Stamps,
    /// An element that names another.
    Link,
    /// A look at two chains, one after the other.
    Chain,
    /// Something added that must be accounted for.
    Account,
    /// Rights raised, spent and given, in all regions.
    Spend,
    /// Two regions at odds, at one moment.
    Duel,
    /// Two transactions of one region, of which the second commits over the first.
    Race,
    /// One request in two regions.
    Twice,
    /// A large set filled, and deleted while others add to it.
    Large,
}

impl Profile {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        // Hundreds of rows each time: in some seeds only.
        let large = if dice.one_in(4) { dice.from_to(4, 12) } else { 0 };
        let mut share = |usual: u64| if dice.one_in(6) { usual * 4 } else { dice.from_to(usual / 2, usual * 2) };
        let weights = [
            (Task::Write, share(220)),
            (Task::Several, share(40)),
            (Task::Read, share(200)),
            (Task::Look, share(20)),
            (Task::Transaction, share(70)),
            (Task::Burst, share(12)),
            (Task::Stamp, share(50)),
            (Task::Stamps, share(60)),
            (Task::Link, share(45)),
            (Task::Chain, share(40)),
            (Task::Account, share(70)),
            (Task::Spend, share(60)),
            (Task::Duel, share(50)),
            (Task::Race, share(25)),
            (Task::Twice, share(30)),
            (Task::Large, large),
        ];
        Self {
            clients: dice.from_to(3, 16),
            keys: *dice.of(&[1, 2, 4, 8, 20]),
            hot: *dice.of(&[0, 30, 60, 90]),
            rate: *dice.of(&[20, 40, 80, 150, 400]),
            weights,
            tied: *dice.of(&[10, 40, 70]),
            roams: *dice.of(&[0, 5, 20, 50]),
            elsewhere: *dice.of(&[0, 10, 40]),
        }
    }

    pub(super) fn task(&self, dice: &mut Dice) -> Task {
        let mut at = dice.below(self.weights.iter().map(|(_, weight)| weight).sum());
        for (task, weight) in self.weights {
            if at < weight {
                return task;
            }
            at -= weight;
        }
        Task::Write
    }

    /// Until the next operation.
    pub(super) fn pause(&self, dice: &mut Dice) -> Duration {
        let mean = Duration::from_micros(1_000_000 / self.rate);
        // Bursts and lulls: a mean of nearly one.
        match dice.below(20) {
            0 => dice.span(mean, mean * 12),
            1..6 => Duration::from_micros(dice.below(50)),
            _ => dice.span(mean / 4, mean),
        }
    }
}
