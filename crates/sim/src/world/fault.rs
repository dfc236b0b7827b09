//! What goes wrong, and when it stops.

use std::fmt;
use std::time::Duration;

use halcyon_store::WriteFailure;
use halcyon_types::RegionId;

use crate::workload::ClientId;

/// A change for the worse, or back. Each lasts until another one of its kind, or the heal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// How a cable treats what is sent along it.
    Cable {
        /// Who speaks.
        from: RegionId,
        /// Who hears.
        to: RegionId,
        /// How.
        cable: Cable,
    },
    /// Nothing passes from one to the other, and nobody is told; a connection that gets no word through for long is lost.
    Cut {
        /// Who speaks.
        from: RegionId,
        /// Who hears nothing.
        to: RegionId,
        /// Until when, counted from now.
        lasts: Duration,
    },
    /// Connections to it are refused, and those there are lost with a word to both ends.
    Sever {
        /// One end.
        from: RegionId,
        /// The other.
        to: RegionId,
        /// Until when, counted from now.
        lasts: Duration,
    },
    /// A connection is lost, with a word to both ends.
    Drop {
        /// Who dialled it.
        from: RegionId,
        /// Who was dialled.
        to: RegionId,
    },
    /// The node dies, at the next moment of that kind.
    Crash {
        /// Whose.
        region: RegionId,
        /// At which moment.
        when: When,
        /// Whether a group that is being synced at that moment has reached the disk.
        kept: bool,
        /// Whether nobody else hears it from then on, for as long as it is down.
        alone: bool,
        /// For how long it is down.
        down: Duration,
    },
    /// The node is asked to stop: it takes no more writes, finishes what is under way, and ends.
    Stop {
        /// Whose.
        region: RegionId,
        /// For how long it is down.
        down: Duration,
    },
    /// The next sync fails, and the node stops.
    FailSync {
        /// Whose.
        region: RegionId,
        /// Whether the next start finds what was being written.
        failure: WriteFailure,
        /// For how long the node is down.
        down: Duration,
    },
    /// How long syncs take, and how many jobs one group takes.
    Disk {
        /// Whose.
        region: RegionId,
        /// The shortest and the longest.
        sync: (Duration, Duration),
        /// Jobs of one group, at most.
        group_max: usize,
    },
    /// The process stands still: timers and messages wait, clocks go on.
    Pause {
        /// Whose.
        region: RegionId,
        /// For how long.
        lasts: Duration,
    },
    /// The wall clock is set.
    ClockStep {
        /// Whose.
        region: RegionId,
        /// By how much, against now.
        ms: i64,
    },
    /// The wall clock is right again.
    ClockRight {
        /// Whose.
        region: RegionId,
    },
    /// The wall clock goes too fast or too slow.
    Drift {
        /// Whose.
        region: RegionId,
        /// Microseconds too many a second.
        ppm: i64,
    },
    /// The disk is remembered as it is at this moment, complete and consistent.
    Keep {
        /// Whose.
        region: RegionId,
    },
    /// The node dies, and its disk is what was last remembered of it.
    PutBack {
        /// Whose.
        region: RegionId,
        /// For how long the node is down.
        down: Duration,
    },
    /// The node dies, and its disk is an empty one.
    Lose {
        /// Whose.
        region: RegionId,
        /// For how long the node is down.
        down: Duration,
    },
    /// A client's connection is lost.
    Disconnect {
        /// Whose; if it has none, of those that have, the next one's.
        client: ClientId,
    },
    /// Rebalancer and sweeper.
    Background {
        /// Whose.
        region: RegionId,
        /// On or off.
        on: bool,
    },
}

/// How a cable treats what is sent along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cable {
    /// At least so long under way.
    pub delay: Duration,
    /// And up to so much longer.
    pub jitter: Duration,
    /// Whether a message may overtake another of its stream.
    pub reorders: bool,
    /// Messages lost, of 1,000.
    pub loses: u64,
    /// Messages that arrive twice, of 1,000.
    pub repeats: u64,
    /// Dials that fail, of 1,000.
    pub refuses: u64,
}

impl Default for Cable {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(2),
            reorders: false,
            loses: 0,
            repeats: 0,
            refuses: 0,
        }
    }
}

/// A moment in the life of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// This one.
    Now,
    /// While it syncs a group, half way through.
    Syncing,
    /// Right after a sync, before anybody is told.
    Synced,
    /// Right after it has told a client that a write is committed.
    Acked,
    /// Right after it has sent own records to a peer.
    Shipped,
    /// Right after it has sent records of others to a peer.
    Relayed,
    /// Right after it has told a peer how far it is.
    Beat,
    /// Right after records of another region arrived.
    Received,
    /// Right after it has sent a page of a copy.
    Paged,
    /// Right after it has stored one.
    Filled,
    /// While a copy takes the place of its state, half way through.
    Replacing,
}

impl When {
    /// Each of them.
    pub const ALL: [Self; 11] = [
        Self::Now,
        Self::Syncing,
        Self::Synced,
        Self::Acked,
        Self::Shipped,
        Self::Relayed,
        Self::Beat,
        Self::Received,
        Self::Paged,
        Self::Filled,
        Self::Replacing,
    ];
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now => "now",
            Self::Syncing => "when next syncing",
            Self::Synced => "when next synced",
            Self::Acked => "when next acking",
            Self::Shipped => "when next shipping",
            Self::Relayed => "when next relaying",
            Self::Beat => "at its next heartbeat",
            Self::Received => "when next receiving",
            Self::Paged => "when next sending a page",
            Self::Filled => "when next storing a page",
            Self::Replacing => "when a copy next takes its place",
        })
    }
}

impl fmt::Display for Cable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delay, jitter, reorders, loses, repeats, refuses } = self;
        write!(f, "takes {delay:?} to {:?}", *delay + *jitter)?;
        if *reorders {
            f.write_str(", reorders")?;
        }
        for (verb, of) in [("loses", loses), ("repeats", repeats), ("refuses", refuses)] {
            if *of > 0 {
                write!(f, ", {verb} {of} of 1000")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cable { from, to, cable } => write!(f, "cable {from} to {to} {cable}"),
            Self::Cut { from, to, lasts } => write!(f, "cut {from} to {to} for {lasts:?}"),
            Self::Sever { from, to, lasts } => write!(f, "sever {from} and {to} for {lasts:?}"),
            Self::Drop { from, to } => write!(f, "drop the connection {from} to {to}"),
            Self::Crash { region, when, kept, alone, down } => {
                let kept = if *kept { ", the group kept" } else { "" };
                let alone = if *alone { ", alone" } else { "" };
                write!(f, "crash {region} {when}{kept}{alone}, down for {down:?}")
            }
            Self::Stop { region, down } => write!(f, "stop {region}, down for {down:?}"),
            Self::FailSync { region, failure, down } => {
                write!(f, "fail the next sync of {region} ({failure:?}), down for {down:?}")
            }
            Self::Disk { region, sync: (least, most), group_max } => {
                write!(f, "disk of {region} syncs in {least:?} to {most:?}, {group_max} jobs at most")
            }
            Self::Pause { region, lasts } => write!(f, "pause {region} for {lasts:?}"),
            Self::ClockStep { region, ms } => write!(f, "step the clock of {region} by {ms} ms"),
            Self::ClockRight { region } => write!(f, "set the clock of {region} right"),
            Self::Drift { region, ppm } => write!(f, "clock of {region} drifts by {ppm} ppm"),
            Self::Keep { region } => write!(f, "keep the disk of {region}"),
            Self::PutBack { region, down } => write!(f, "put the disk of {region} back, down for {down:?}"),
            Self::Lose { region, down } => write!(f, "lose the disk of {region}, down for {down:?}"),
            Self::Disconnect { client } => write!(f, "disconnect client {}, or the next that is connected", client.0),
            Self::Background { region, on } => {
                write!(f, "background of {region} {}", if *on { "on" } else { "off" })
            }
        }
    }
}
