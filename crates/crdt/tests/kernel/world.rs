//! A world of replicas that commit, hold snapshots, and pass records on in any causal order.
//!
//! It does what a committer and the delivery rule of DESIGN §3 do, and nothing that the kernel should do for itself.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use halcyon_crdt::{Effect, MemoryRows, Op, PrepareError, Stamp, Update, apply, prepare};
use halcyon_types::{Dot, Hlc, Seq, VersionVector};
use proptest::test_runner::TestCaseError;

use crate::oracle::Deed;
use crate::universe::{ACTORS, At, ELEMENTS, actor};

/// What a client asks, by names of [`crate::universe`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) at: At,
    pub(crate) act: Act,
}

/// The operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// The value on disk also names the record, so that no two records write the same bytes.
    Set(u8),
    Unset,
    Add(i64),
    Reset,
    Insert(usize),
    Remove(usize),
    Delete,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.act, self.at)
    }
}

impl Change {
    fn update(self, replica: usize, seq: u64) -> Update {
        let op = match self.act {
            Act::Set(value) => Op::Set { value: payload(value, replica, seq) },
            Act::Add(amount) => Op::Add { amount },
            Act::Unset => Op::Unset,
            Act::Reset => Op::Reset,
            Act::Insert(element) => Op::Insert { element: Bytes::from_static(ELEMENTS[element]) },
            Act::Remove(element) => Op::Remove { element: Bytes::from_static(ELEMENTS[element]) },
            Act::Delete => Op::Delete,
        };
        Update { object: self.at.object().clone(), op }
    }
}

/// The bytes of a register's value.
pub(crate) fn payload(value: u8, replica: usize, seq: u64) -> Bytes {
    Bytes::from(vec![value, u8::try_from(replica).unwrap(), u8::try_from(seq).unwrap()])
}

/// A version vector by replica, so that the oracle shares none of the kernel's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Seen(pub(crate) [u64; ACTORS]);

impl Seen {
    pub(crate) fn has(&self, replica: usize, seq: u64) -> bool {
        seq <= self.0[replica]
    }

    pub(crate) fn within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| mine <= theirs)
    }

    pub(crate) fn vector(&self) -> VersionVector {
        let entries = self.0.iter().enumerate();
        entries.map(|(replica, seq)| (actor(replica), Seq(*seq))).collect()
    }
}

/// One commit: what the client asked, and what was made of it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) replica: usize,
    pub(crate) seq: u64,
    pub(crate) hlc: u64,
    /// The committer's vector.
    pub(crate) deps: Seen,
    /// What the transaction saw.
    pub(crate) ctx: Seen,
    pub(crate) changes: Vec<Change>,
    pub(crate) deed: Deed,
    pub(crate) effects: Vec<Effect>,
}

impl Record {
    pub(crate) fn dot(&self) -> Dot {
        Dot { actor: actor(self.replica), seq: Seq(self.seq) }
    }
}

/// One replica.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub(crate) me: usize,
    pub(crate) seen: Seen,
    pub(crate) rows: MemoryRows,
    /// Everything delivered, of any actor, in the order of delivery.
    pub(crate) log: Vec<Rc<Record>>,
    /// The view that its stale transactions look at; it stays open, so that several see the same one.
    snapshot: Option<(Seen, MemoryRows)>,
    hlc: u64,
}

impl Replica {
    pub(crate) fn new(me: usize) -> Self {
        Self { me, seen: Seen::default(), rows: MemoryRows::default(), log: Vec::new(), snapshot: None, hlc: 1_000 }
    }

    /// Remembers the present as the view of later stale transactions.
    pub(crate) fn begin(&mut self) {
        self.snapshot = Some((self.seen, self.rows.clone()));
    }

    /// Prepares `changes` against the present, or against the open snapshot; `None` if a counter would overflow.
    pub(crate) fn prepare(
        &mut self,
        ahead: u64,
        changes: &[Change],
        stale: bool,
    ) -> Result<Option<Rc<Record>>, TestCaseError> {
        let seq = self.seen.0[self.me] + 1;
        let updates: Vec<_> = changes.iter().map(|change| change.update(self.me, seq)).collect();
        let snapshot = self.snapshot.as_mut().filter(|_| stale);
        let (ctx, seen) = match snapshot {
            Some((ctx, rows)) => (*ctx, Some(rows)),
            None => (self.seen, None),
        };
        let dot = Dot { actor: actor(self.me), seq: Seq(seq) };
        let effects = match prepare(&updates, dot, &ctx.vector(), &mut self.rows, seen) {
            Ok(effects) => effects,
            Err(PrepareError::CounterOverflow { .. }) => return Ok(None),
            Err(refusal) => return Err(TestCaseError::fail(format!("{changes:?} refused: {refusal}"))),
        };
        for effect in &effects {
            effect
                .check()
                .map_err(|e| TestCaseError::fail(format!("{effect:?} was prepared, but would be refused: {e}")))?;
        }
        // Every replica begins at the same stamp and steps by one, so equal stamps of different actors are common.
        self.hlc += 1 + ahead;
        Ok(Some(Rc::new(Record {
            replica: self.me,
            seq,
            hlc: self.hlc,
            deps: self.seen,
            ctx,
            changes: changes.to_vec(),
            deed: Deed::of(changes),
            effects,
        })))
    }

    /// Its next stamp is `stamp` at least.
    pub(crate) fn turn_clock(&mut self, stamp: u64) {
        self.hlc = self.hlc.max(stamp - 1);
    }

    /// The delivery rule.
    pub(crate) fn may_take(&self, record: &Record) -> bool {
        record.seq == self.seen.0[record.replica] + 1 && record.deps.within(&self.seen)
    }

    /// Applies a record that may be delivered, own or another's, by the same code.
    pub(crate) fn take(&mut self, record: &Rc<Record>) {
        assert!(self.may_take(record), "the world broke the delivery rule");
        let stamp = Stamp { dot: record.dot(), hlc: Hlc::from_u64(record.hlc), ctx: &record.ctx.vector() };
        let Ok(()) = apply(&mut self.rows, stamp, &record.effects);
        self.seen.0[record.replica] = record.seq;
        self.log.push(Rc::clone(record));
    }

    /// Every row as it would stand on disk.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, row) in self.rows.iter() {
            bytes.extend_from_slice(key.as_bytes());
            row.encode(&mut bytes);
        }
        bytes
    }
}
