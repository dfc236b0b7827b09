//! The order in which one lane plays its lines: the lines of one product in file order, and none held up by another
//! product that waits for stock. Pure; the time is told.
//!
//! A sale that was refused its stock is put off, by each of [`PAUSES`] in turn. Meanwhile the lane goes on with other
//! products; later lines of the same product queue up behind it. A product that has run out of patience is not waited
//! for again until it is sold or returned once more, so a sold-out shelf costs no time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::retail::OrderLine;

/// How long a sale that was refused its stock is put off, before each further attempt: time enough for the region to be
/// passed rights by one that holds more.
const PAUSES: [Duration; 3] = [Duration::from_millis(25), Duration::from_millis(50), Duration::from_millis(100)];

/// A lane's lines that are still to be played.
pub(super) struct Lane<'a> {
    lines: &'a [OrderLine],
    queue: VecDeque<usize>,
    put_off: BTreeMap<&'a str, PutOff>,
    out_of_stock: BTreeSet<&'a str>,
}

/// A product whose first line here is to be tried again, or whose others are next.
struct PutOff {
    until: Instant,
    refusals: usize,
    lines: VecDeque<usize>,
}

/// A line whose turn it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    /// Its place in the file.
    pub(super) index: usize,
    pub(super) line: &'a OrderLine,
    /// How often it was refused its stock so far.
    pub(super) refusals: usize,
    /// For how long it may be put off if it is refused again; absent if it is to be booked without stock then.
    pub(super) pause: Option<Duration>,
}

/// What a lane has to do.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Play(Turn<'a>),
    Wait(Instant),
    End,
}

impl<'a> Lane<'a> {
    /// The lines of a file at these places.
    pub(super) fn new(lines: &'a [OrderLine], queue: impl IntoIterator<Item = usize>) -> Self {
        let queue = queue.into_iter().collect();
        Self { lines, queue, put_off: BTreeMap::new(), out_of_stock: BTreeSet::new() }
    }

    /// To be followed by [`Self::put_off`] or [`Self::settle`] if a line is to be played.
    pub(super) fn next(&mut self, now: Instant) -> Next<'a> {
        let due = self.put_off.values().filter(|product| product.until <= now).min_by_key(|product| product.until);
        if let Some(PutOff { refusals, lines, .. }) = due
            && let Some(turn) = lines.front().and_then(|index| self.turn(*index, *refusals))
        {
            return Next::Play(turn);
        }
        while let Some(index) = self.queue.pop_front() {
            let Some(turn) = self.turn(index, 0) else { continue };
            match self.put_off.get_mut(turn.line.sku.as_str()) {
                Some(product) => product.lines.push_back(index),
                None => return Next::Play(turn),
            }
        }
        self.put_off.values().map(|product| product.until).min().map_or(Next::End, Next::Wait)
    }

    /// The line was refused its stock, and is to be tried again.
    pub(super) fn put_off(&mut self, turn: Turn<'a>, until: Instant) {
        let lines = VecDeque::from([turn.index]);
        let product = self.put_off.entry(&turn.line.sku).or_insert(PutOff { until, refusals: 0, lines });
        product.until = until;
        product.refusals += 1;
    }

    /// The line is booked, with its stock or without.
    pub(super) fn settle(&mut self, turn: Turn<'a>, refused: bool, now: Instant) {
        let sku = turn.line.sku.as_str();
        if refused {
            self.out_of_stock.insert(sku);
        } else {
            self.out_of_stock.remove(sku);
        }
        if let Some(product) = self.put_off.get_mut(sku) {
            product.lines.pop_front();
            (product.until, product.refusals) = (now, 0);
            if product.lines.is_empty() {
                self.put_off.remove(sku);
            }
        }
    }

    fn turn(&self, index: usize, refusals: usize) -> Option<Turn<'a>> {
        let line = self.lines.get(index)?;
        let patient = !self.out_of_stock.contains(line.sku.as_str());
        let pause = PAUSES.get(refusals).copied().filter(|_| patient);
        Some(Turn { index, line, refusals, pause })
    }
}

#[cfg(test)]
mod tests {
    use super::super::expectation::tests::lines;
    use super::*;

    fn play<'a>(lane: &mut Lane<'a>, now: Instant) -> Turn<'a> {
        match lane.next(now) {
            Next::Play(turn) => turn,
            other => panic!("no line's turn: {other:?}"),
        }
    }

    #[test]
    fn a_product_that_waits_holds_up_its_own_lines_only() {
        // x, y, x, x, x, x
        let (lines, now) = (lines(), Instant::now());
        let mut lane = Lane::new(&lines, 0..6);
        let first = play(&mut lane, now);
        assert_eq!((first.index, first.pause), (0, Some(PAUSES[0])));
        lane.put_off(first, now + PAUSES[0]);
        let other = play(&mut lane, now);
        assert_eq!(other.index, 1, "the other product goes on");
        lane.settle(other, false, now);
        let Next::Wait(until) = lane.next(now) else { panic!("only the one that waits is left") };
        assert_eq!(until, now + PAUSES[0]);
        let order: Vec<_> = (0..5)
            .map(|_| {
                let turn = play(&mut lane, until);
                lane.settle(turn, false, until);
                turn.index
            })
            .collect();
        assert_eq!(order, [0, 2, 3, 4, 5], "file order");
        assert!(matches!(lane.next(until), Next::End));
    }

    #[test]
    fn patience_ends_and_comes_back_with_stock() {
        let (lines, mut now) = (lines(), Instant::now());
        let mut lane = Lane::new(&lines, [0, 2, 3, 4]);
        for (refusals, pause) in PAUSES.into_iter().enumerate() {
            let turn = play(&mut lane, now);
            assert_eq!((turn.index, turn.refusals, turn.pause), (0, refusals, Some(pause)));
            now += pause;
            lane.put_off(turn, now);
        }
        let last = play(&mut lane, now);
        assert_eq!((last.index, last.pause), (0, None), "three times is enough");
        lane.settle(last, true, now);
        let sold_out = play(&mut lane, now);
        assert_eq!((sold_out.index, sold_out.pause), (2, None), "nobody waits for a product that is sold out");
        lane.settle(sold_out, true, now);
        let returned = play(&mut lane, now);
        lane.settle(returned, false, now);
        assert_eq!(play(&mut lane, now).pause, Some(PAUSES[0]), "there is some again");
    }
}
