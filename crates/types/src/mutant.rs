//! Planted bugs: how the proofs are proved. A simulator that does not notice these would not notice their like.
//!
//! Each is one branch in the code that it spoils, `if mutant::planted(Mutant::AckBeforeSync)`. Without the feature
//! `mutants`, which nothing that ships turns on (`scripts/walls` looks), [`planted`] is the constant `false` and the branch is
//! not compiled. With it, a bug is planted for one thread at a time, by the simulator alone.

use std::fmt;

macro_rules! mutants {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// A bug that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mutant { $($(#[doc = $doc])+ $name),+ }

        impl Mutant {
            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What is wrong, in a sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

mutants! {
    // -- the store: what a commit makes durable, and when
    /// A group is acknowledged while it is being synced.
    AckBeforeSync,
    /// A group's records are sent to peers while it is being synced; acknowledgements wait.
    ShipBeforeSync,
    /// Groups are written, and never synced.
    NeverSynced,
    /// The version vector is not written with every group, but with the next larger one.
    VectorOutsideBatch,
    /// Other regions' records are applied and counted, but not written to the log.
    ForeignUnlogged,
    /// Request ids are remembered in memory only: a restart forgets them.
    RequestsInMemory,
    /// The request ids of other regions' records are not remembered.
    ForeignRequestsUnknown,
    /// A request that comes twice while its group is not committed is executed twice.
    GroupRequestsUnknown,
    /// A group is staged as if the one that is on its way to the disk had changed nothing.
    UnderWayUnseen,
    /// A request that comes again while its group is on its way to the disk is executed twice.
    UnderWayRequestsUnknown,
    /// The id of a write that is refused is remembered: a retry is told that it was committed.
    RefusalRemembered,
    /// Up to where logs are truncated is forgotten at a restart.
    FloorsForgotten,
    /// The clock's ceiling is ignored at a restart.
    ClockNotRestored,
    /// The clock follows a stamp from the far future.
    ClockFollowsFuture,
    /// A transaction commits although a read that it asked to be checked has changed.
    ChecksSkipped,
    /// A record says that it has seen all that was there at its commit, whatever its transaction saw.
    ContextLost,
    /// A transaction becomes two records.
    TransactionSplit,
    /// Rows dropped as a range stay in the committer's cache.
    DroppedStayCached,
    /// A sorted set's member stays at its old place in the order of scores when its score changes.
    ScoreLeftBehind,

    // -- between core and store: the snapshots of transactions
    /// A transaction commits as if it had seen all that was there at its commit.
    SnapshotLate,
    /// A transaction's reads are answered from what is there now, not from its snapshot.
    SnapshotIgnored,

    // -- the kernel: what effects do to rows
    /// A clear drops entries that it has not seen.
    ClearDropsUnseen,
    /// An assignment drops concurrent ones.
    AssignDropsSiblings,
    /// Of concurrent values the one of the highest actor wins, not the one of the highest stamp.
    WinnerIgnoresStamp,
    /// A reset drops increments beyond those that it has seen.
    ResetDropsUnseen,
    /// A large collection is deleted as a range although not all of it has been seen.
    RangeDropsUnseen,
    /// An update brings a deleted generation back.
    GenerationResurrected,
    /// A transaction's increments go on from its snapshot's sum, not from the live one.
    IncFromSnapshot,
    /// A transaction's rights of a bounded counter are checked at its snapshot, not on the live rows.
    RightsAtSnapshot,
    /// Rights of a bounded counter that are passed on stay with their giver, too.
    RightsGivenTwice,
    /// A bounded counter is deleted although other regions hold rights of it.
    DeletedWithRightsOut,
    /// A write to a key that has ended does not begin with clearing it.
    EndedKeyKept,
    /// Of concurrent deadlines the shortest holds.
    ShortestDeadline,

    // -- the core: order, links, sessions
    /// Records are delivered before what they depend on.
    DepsIgnored,
    /// Records behind a gap are taken.
    GapAccepted,
    /// Records that come again are applied again.
    DuplicateApplied,
    /// A heartbeat's acknowledgements count before the records that its sender wrote until then are applied.
    UngatedAck,
    /// Heartbeats tell what is applied, not what is synced.
    HeartbeatUnsynced,
    /// A pull that went unanswered is never tried again.
    PullNeverRetried,
    /// A link that comes back goes on with what was sent, not with what was acknowledged, and a pull does not move it.
    PushNotResumed,
    /// Reads do not wait for what their session has seen.
    TokenIgnored,
    /// A request that waits for several records is released by the first of them.
    ReleasedEarly,
    /// The token of a write's receipt does not cover the write.
    ReceiptForgetsWrite,
    /// A connection that closes leaves its transactions open.
    TransactionsLeak,
    /// A region that reaches no other refuses writes.
    IsolatedRefuses,
    /// Ended keys are swept by this node's clock alone, whatever the other regions' clocks say.
    SweptByOwnClock,
    /// Logs are truncated up to what this node has, whoever else lacks it.
    TruncatesUnstable,
    /// A node whose clock is off the median of all takes writes.
    SkewIgnored,
    /// Writes are taken although the logs are full.
    LogFullIgnored,

    // -- audits
    /// A range is compared as if what has been written since the other node read it were nothing.
    AuditIgnoresNews,

    // -- copies, and directories that are not what they were
    /// A node that hears too few goes on with the log that it has found.
    ResumedUnheard,
    /// A node goes on with its log although another has more of it.
    OldDirectoryKept,
    /// A directory that lacks what others have of its region's former log is silent about it.
    LossUntold,
    /// A copy takes a state's place without the records that only that state has.
    CopyWithoutReplay,
    /// Logs are dropped under whoever takes a copy.
    CopyNotPinned,
    /// The logs of a copy are taken to begin where those of the former state did.
    FloorsOfCopyIgnored,
    /// A copy begins in the midst of the rows of another moment: each page is of its own snapshot.
    CopyOfManyMoments,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(feature = "mutants")]
mod planting {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Plants a bug in what this thread does from now on, or none.
    pub fn plant(mutant: Option<Mutant>) {
        PLANTED.set(mutant);
    }

    /// Whether this bug is planted here.
    pub fn planted(mutant: Mutant) -> bool {
        PLANTED.get() == Some(mutant)
    }

    /// Whether any is. The assertions of the code itself are silent then: whoever looks from outside must notice.
    pub fn any_planted() -> bool {
        PLANTED.get().is_some()
    }
}

#[cfg(feature = "mutants")]
pub use planting::{any_planted, plant, planted};

/// Never: this is no build for proofs.
#[cfg(not(feature = "mutants"))]
#[inline]
pub const fn planted(_: Mutant) -> bool {
    false
}

/// Never: this is no build for proofs.
#[cfg(not(feature = "mutants"))]
#[inline]
pub const fn any_planted() -> bool {
    false
}

#[cfg(all(test, feature = "mutants"))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_bug_is_planted_in_one_thread_alone_until_it_is_taken_out() {
        assert!(!planted(Mutant::AckBeforeSync) && !any_planted());
        plant(Some(Mutant::AckBeforeSync));
        assert!(planted(Mutant::AckBeforeSync) && any_planted() && !planted(Mutant::DepsIgnored));
        assert!(!std::thread::spawn(any_planted).join().unwrap());
        plant(None);
        assert!(!any_planted());
    }

    #[test]
    fn every_bug_says_in_a_sentence_of_its_own_what_is_wrong() {
        let sentences: BTreeSet<_> = Mutant::ALL.iter().map(|mutant| mutant.sentence()).collect();
        assert_eq!(sentences.len(), Mutant::ALL.len());
        assert!(sentences.iter().all(|sentence| sentence.ends_with('.') && sentence.starts_with(char::is_uppercase)));
    }
}
