//! A region's machine: what stays when its process dies.

use std::time::Duration;

use halcyon_store::MemoryBackend;
use halcyon_types::limits::GROUP_MAX;
use halcyon_types::{ActorId, RegionId};

use super::clock::WallClock;
use super::copying::Taking;
use super::disks::Kept;
use super::fault::When;
use super::known::Known;
use super::node::Node;
use crate::dice::Dice;

/// How long a healthy disk takes to sync.
pub(super) const SYNC: (Duration, Duration) = (Duration::from_micros(300), Duration::from_micros(1500));

/// What logs may take: everything, so much that what is under way fits, or, in few, so little that it does not.
const LOG_BYTES_MAX: [u64; 10] = [u64::MAX, u64::MAX, u64::MAX, 65_536, 65_536, 65_536, 32_768, 32_768, 16_384, 1024];

/// Longer than any cut, and than any clock is ahead: a region that lacks what has been dropped for its age is nowhere.
const RETENTION: Duration = Duration::from_hours(24 * 3660);

/// Audits never, now and then, or often.
const AUDIT_PERIODS: [Option<Duration>; 4] =
    [None, Some(Duration::from_secs(10)), Some(Duration::from_secs(2)), Some(Duration::from_millis(500))];
/// In forgetful worlds: so little, and so short, that whoever is cut off for some time lacks what is gone.
const LITTLE: [u64; 3] = [4096, 8192, 16_384];
const SHORT: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// Whether records are dropped for their age in the world of a seed.
pub(super) fn is_forgetful(seed: u64) -> bool {
    Dice::stream(seed, "forgetful", 0).one_in(3)
}

/// Bytes of a page of a copy.
const PAGE_BYTES: [usize; 4] = [256, 1024, 4096, 65_536];

/// A crash that waits for its moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Armed {
    pub(super) when: When,
    pub(super) kept: bool,
    pub(super) alone: bool,
    pub(super) down: Duration,
}

/// One region's machine.
pub(super) struct Seat {
    pub(super) backend: MemoryBackend,
    pub(super) clock: WallClock,
    pub(super) node: Option<Node>,
    pub(super) lives: u64,
    /// How the next sync fails, and for how long the node is down then.
    pub(super) failing: Option<(halcyon_store::WriteFailure, Duration)>,
    pub(super) armed: Option<Armed>,
    /// How long syncs take.
    pub(super) sync: (Duration, Duration),
    pub(super) group_max: usize,
    pub(super) background: bool,
    /// What its logs may take.
    pub(super) log_bytes_max: u64,
    /// How long records are kept for a region that lacks them.
    pub(super) retention: Duration,
    /// How often it audits its rows, if it does.
    pub(super) audit_period: Option<Duration>,
    /// Whom its node writes as, or wrote as last.
    pub(super) actor: Option<ActorId>,
    /// Its disk as it was.
    pub(super) kept: Option<Kept>,
    /// The disk was put back or lost once.
    pub(super) set_back: bool,
    /// A copy that takes the place of what is on the disk.
    pub(super) taking: Option<Taking>,
    /// It has taken it, and the node has not begun from it yet.
    pub(super) replaced: bool,
    /// A copy was begun and has not come to its end.
    pub(super) fills: bool,
    /// Bytes of a page of a copy: so few that there are several.
    pub(super) page_bytes: usize,
    /// The records that invariants have been shown as applied here.
    pub(super) known: Known,
    pub(super) dice: Dice,
}

impl Seat {
    pub(super) fn new(seed: u64, region: RegionId) -> Self {
        let forgetful = is_forgetful(seed);
        let mut logs = Dice::stream(seed, "logs", u64::from(region.get()));
        Self {
            backend: MemoryBackend::new(),
            clock: WallClock::default(),
            node: None,
            lives: 0,
            failing: None,
            armed: None,
            sync: SYNC,
            group_max: GROUP_MAX,
            background: true,
            audit_period: *Dice::stream(seed, "audits", u64::from(region.get())).of(&AUDIT_PERIODS),
            log_bytes_max: if forgetful { *logs.of(&LITTLE) } else { *logs.of(&LOG_BYTES_MAX) },
            retention: if forgetful { *Dice::stream(seed, "retention", 0).of(&SHORT) } else { RETENTION },
            actor: None,
            kept: None,
            set_back: false,
            taking: None,
            replaced: false,
            fills: false,
            page_bytes: *Dice::stream(seed, "pages", u64::from(region.get())).of(&PAGE_BYTES),
            known: Known::default(),
            dice: Dice::stream(seed, "machine", u64::from(region.get())),
        }
    }
}
