//! A region's machine: what stays when its process dies.

use std::time::Duration;

use halcyon_store::MemoryBackend;
use halcyon_types::RegionId;
use halcyon_types::limits::GROUP_MAX;

use super::clock::WallClock;
use super::fault::When;
use super::known::Known;
use super::node::Node;
use crate::dice::Dice;

/// How long a healthy disk takes to sync.
pub(super) const SYNC: (Duration, Duration) = (Duration::from_micros(300), Duration::from_micros(1500));

/// What logs may take: everything, so much that what is under way fits, or, in few, so little that it does not.
const LOG_BYTES_MAX: [u64; 10] = [u64::MAX, u64::MAX, u64::MAX, 65_536, 65_536, 65_536, 32_768, 32_768, 16_384, 1024];

/// Longer than any cut, and than any clock is ahead: a region that lacks what has been dropped for its age cannot come back
/// here yet.
const RETENTION: Duration = Duration::from_hours(24 * 3660);

/// Audits never, now and then, or often.
const AUDIT_PERIODS: [Option<Duration>; 4] =
    [None, Some(Duration::from_secs(10)), Some(Duration::from_secs(2)), Some(Duration::from_millis(500))];

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
    /// The records that invariants have been shown as applied here.
    pub(super) known: Known,
    pub(super) dice: Dice,
}

impl Seat {
    pub(super) fn new(seed: u64, region: RegionId) -> Self {
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
            log_bytes_max: *Dice::stream(seed, "logs", u64::from(region.get())).of(&LOG_BYTES_MAX),
            retention: RETENTION,
            audit_period: *Dice::stream(seed, "audits", u64::from(region.get())).of(&AUDIT_PERIODS),
            known: Known::default(),
            dice: Dice::stream(seed, "machine", u64::from(region.get())),
        }
    }
}
