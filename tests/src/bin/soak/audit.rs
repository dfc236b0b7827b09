//! What a region says of a cycle's writes, and whether that can be.
//!
//! All of it is read at one moment of one region. At every moment, of every region, every write is whole: what its set
//! says was written, the counter, the map, the list and the ranks say as well, and the sums over all writers agree. Of a
//! region's own writers, every write that was acked before the moment is there.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};

use halcyon_client::{Client, Direction, ReadError, Transaction};

use crate::ledger::{Account, Ledger, ballast, prefix, shared};

/// Why a run has failed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failure {
    /// Acked writes that are not there.
    pub(crate) lost: u64,
    /// All that is wrong.
    pub(crate) what: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what.join("\n             "))
    }
}

impl Failure {
    /// For a single reason.
    pub(crate) fn of(what: String) -> Self {
        Self { lost: 0, what: vec![what] }
    }
}

/// What must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    /// What was acked to this region's own writers; of the others', anything that is whole.
    Region(usize),
    /// Everything: the regions have converged and no writer works.
    All,
}

/// Looks at one moment of `client`'s region. The outer error: it could not be read, which proves nothing.
pub(crate) async fn look(client: &Client, ledger: &Ledger, floor: Floor) -> Result<Result<(), Failure>, ReadError> {
    let before = ledger.now();
    let moment = client.keyspace("default").begin().await?;
    let mut found =
        Found { cycle: ledger.cycle, ballast: ledger.ballast, moment, failure: Failure::default(), total: 0 };
    for (region, accounts) in before.iter().enumerate() {
        let must = floor == Floor::All || floor == Floor::Region(region);
        for (writer, before) in accounts.iter().enumerate() {
            // Asked each time: what began meanwhile may be there.
            let account = ledger.now().get(region).and_then(|accounts| accounts.get(writer).cloned());
            let now = account.unwrap_or_default();
            let acked = if must { before.acked.clone() } else { BTreeSet::new() };
            found.writer(&prefix(ledger.cycle, region, writer), &acked, &now).await?;
        }
    }
    found.shared().await?;
    let region = client.region();
    let mut failure = found.failure;
    failure.what.iter_mut().for_each(|what| *what = format!("at {region}: {what}"));
    Ok(if failure.what.is_empty() { Ok(()) } else { Err(failure) })
}

struct Found {
    cycle: u64,
    ballast: usize,
    moment: Transaction,
    failure: Failure,
    total: u64,
}

impl Found {
    async fn writer(&mut self, prefix: &str, acked: &BTreeSet<u64>, now: &Account) -> Result<(), ReadError> {
        let key = |what: &str| format!("{prefix}{what}");
        let moment = &mut self.moment;
        let there: BTreeSet<u64> = numbers(moment.set(key("set")).members().await?.iter()).collect();
        let count = moment.counter(key("counter")).get().await?;
        let register: Option<u64> = moment.register(key("register")).get().await?;
        let carried = moment.register(key("ballast")).get_bytes().await?.unwrap_or_default();
        let latest: Vec<u64> = numbers(moment.set(key("latest")).members().await?.iter()).collect();
        let fields: BTreeSet<u64> = numbers(moment.map(key("map")).fields().await?.iter()).collect();
        let sum = moment.map(key("map")).field("sum").counter().get().await?;
        let list: Vec<u64> = moment.list(key("list")).range(..).await?;
        let ranks = moment.sorted_set(key("ranks")).by_rank(.., Direction::Ascending).await?;
        let size = there.len() as u64;
        let expected = register.filter(|_| self.ballast > 0).map(|n| ballast(n, self.ballast)).unwrap_or_default();
        if carried != expected {
            self.failure.what.push(format!("{prefix}ballast: p5: {} bytes, not those of {register:?}", carried.len()));
        }
        self.total += size;
        let missing: Vec<_> = acked.difference(&there).collect();
        self.failure.lost += missing.len() as u64;
        self.expect(&key("set"), "p1: acked, and not there", &missing, &Vec::new());
        let may = |n: &u64| *n < now.begun && !now.void.contains(n);
        let invented: Vec<_> = there.iter().filter(|n| !may(n)).collect();
        self.expect(&key("set"), "there, and never written", &invented, &Vec::new());
        self.expect(&key("counter"), "p6: each write once", &count, &i128::from(size));
        self.expect(&key("map"), "p5: the fields", &fields, &there);
        self.expect(&key("map"), "p6: the sum", &sum, &there.iter().map(|n| i128::from(*n)).sum());
        let mut sorted = list.clone();
        sorted.sort_unstable();
        self.expect(&key("list"), "p5: the elements", &sorted, &there.iter().copied().collect());
        let ranked: BTreeSet<u64> = numbers(ranks.iter().map(|one| &one.member)).collect();
        self.expect(&key("ranks"), "p5: the members", &ranked, &there);
        let hot = ranks.iter().find(|one| one.member == "hot").map_or(0.0, |one| one.score);
        #[expect(clippy::cast_precision_loss, reason = "few writes")]
        self.expect(&key("ranks"), "p6: the increments", &hot, &(size as f64));
        if now.is_regular() {
            // One writer, one write after the other: the last one there was the last.
            let newest = there.last().copied();
            self.expect(&key("latest"), "p4: only the latest", &latest, &newest.into_iter().collect());
            self.expect(&key("register"), "p4: the latest", &register, &newest);
            self.expect(&key("list"), "p4: the order", &list, &sorted);
        }
        Ok(())
    }

    async fn shared(&mut self) -> Result<(), ReadError> {
        let key = |what: &str| format!("{}{what}", shared(self.cycle));
        let count = self.moment.counter(key("counter")).get().await?;
        let stock = self.moment.bounded_counter(key("stock")).value().await?;
        let (counter, bound, total) = (key("counter"), key("stock"), i128::from(self.total));
        self.expect(&counter, "p5: as much as all writers' sets together", &count, &total);
        self.expect(&bound, "p8: two more and one less per write", &stock, &total);
        Ok(())
    }

    fn expect<T: PartialEq + Debug>(&mut self, key: &str, what: &str, found: &T, expected: &T) {
        if found != expected {
            let text = format!("{key}: {what}: found {found:?}, expected {expected:?}");
            self.failure.what.push(text.chars().take(400).collect());
        }
    }
}

fn numbers<'a>(names: impl Iterator<Item = &'a bytes::Bytes>) -> impl Iterator<Item = u64> {
    names.filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok())
}
