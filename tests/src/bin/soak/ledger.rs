//! What the writers of one cycle know of their writes.
//!
//! Writer `w` of region `r` makes its writes 0, 1, 2, … one after the other, in cycle `c` under keys that begin with
//! `c.r.w.`: so each cycle's keys are its own, and what a reader may find under them can be told from the ledger alone.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Writers per region.
pub(crate) const WRITERS: usize = 4;

/// What one writer knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// Writes begun: 0, 1, … below this number.
    pub(crate) begun: u64,
    /// Those that were acked.
    pub(crate) acked: BTreeSet<u64>,
    /// Those that it gave up without ever learning their outcome.
    pub(crate) abandoned: BTreeSet<u64>,
    /// Those of which it is certain that they never happened.
    pub(crate) void: BTreeSet<u64>,
    /// How often an outcome was unknown for a while.
    pub(crate) unknown: u64,
    /// Names of the records that acked writes became, as text.
    pub(crate) dots: BTreeSet<String>,
    /// What should never have happened.
    pub(crate) complaints: Vec<String>,
}

/// Whether a write is a transaction, which looks first; the others are blind.
pub(crate) const fn is_transaction(n: u64) -> bool {
    n % 3 == 2
}

impl Account {
    /// Whether its writes happened one after the other, those that happened. A blind write that was given up may have been
    /// overtaken by the next one; a transaction is only given up once its connection is gone, and it with that.
    pub(crate) fn is_regular(&self) -> bool {
        self.abandoned.iter().all(|n| is_transaction(*n))
    }

    /// Of the writes before `n`, those that may be the latest that is there.
    pub(crate) fn latest_before(&self, n: u64) -> impl Iterator<Item = u64> {
        let last = self.acked.last().copied();
        last.unwrap_or(0)..n
    }
}

/// A cycle's accounts, by region and writer.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// The cycle.
    pub(crate) cycle: u64,
    /// Bytes that each write carries along; of none, none.
    pub(crate) ballast: usize,
    accounts: Vec<Vec<Arc<Mutex<Account>>>>,
}

impl Ledger {
    /// Of a cycle that is to begin.
    pub(crate) fn new(cycle: u64, regions: usize, ballast: usize) -> Self {
        let accounts = (0..regions).map(|_| (0..WRITERS).map(|_| Arc::default()).collect()).collect();
        Self { cycle, ballast, accounts }
    }

    /// One writer's account.
    pub(crate) fn account(&self, region: usize, writer: usize) -> Arc<Mutex<Account>> {
        let accounts = self.accounts.get(region).expect("a region of this cycle");
        Arc::clone(accounts.get(writer).expect("a writer of this region"))
    }

    /// What everybody knows now, by region and writer.
    pub(crate) fn now(&self) -> Vec<Vec<Account>> {
        let read = |account: &Arc<Mutex<Account>>| account.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.accounts.iter().map(|region| region.iter().map(read).collect()).collect()
    }

    /// What should never have happened, to whom.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.now().into_iter().flatten().flat_map(|account| account.complaints).collect()
    }

    /// How much of it was acked.
    pub(crate) fn acked(&self) -> u64 {
        self.now().iter().flatten().map(|account| account.acked.len() as u64).sum()
    }
}

/// The keys of one writer in one cycle.
pub(crate) fn prefix(cycle: u64, region: usize, writer: usize) -> String {
    format!("{cycle}.{region}.{writer}.")
}

/// What write `n` carries along: its number, and as many zeros as make up so many bytes.
pub(crate) fn ballast(n: u64, bytes: usize) -> Vec<u8> {
    let mut ballast = n.to_be_bytes().to_vec();
    ballast.resize(bytes, 0);
    ballast
}

/// What all writers of a cycle write to as well: a counter, a set and a bounded counter.
pub(crate) fn shared(cycle: u64) -> String {
    format!("{cycle}.all.")
}
