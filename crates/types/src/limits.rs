//! Every limit of Halcyon, in one place, related to each other by assertions that the compiler checks (promise P10).
//!
//! Meeting a limit is a typed error or backpressure, never a lost record.

use std::time::Duration;

// -- names and objects ---------------------------------------------------------------------------------------------

/// Bytes of a cluster, region or keyspace name.
pub const NAME_BYTES_MAX: usize = 63;
/// Regions of a cluster.
pub const REGIONS_MAX: usize = 64;
/// Regions that a cluster may have had over time, retired ones included.
pub const MEMBER_FACTS_MAX: usize = 1024;
/// Keyspaces of a cluster.
pub const KEYSPACES_MAX: usize = 1024;
/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 1024;
/// Bytes of one map field or set element.
pub const COMPONENT_BYTES_MAX: usize = 1024;
/// Bytes of a list position.
pub const POSITION_BYTES_MAX: usize = 1024;
/// Nested maps below a key.
pub const PATH_DEPTH_MAX: usize = 8;
/// Bytes of a register's value.
pub const VALUE_BYTES_MAX: usize = 256 * 1024;

/// The longest time to live: ten years.
pub const TTL_MAX: Duration = Duration::from_hours(24 * 3660);

// -- rows and records ----------------------------------------------------------------------------------------------

/// Concurrent entries of one row, past which the origin refuses another write to it.
pub const SIBLINGS_MAX: usize = 256;
/// Bytes of concurrent entries of one row, past which the origin refuses another write to it.
pub const SIBLINGS_BYTES_MAX: usize = 512 * 1024;
/// Updates of one transaction.
pub const UPDATES_MAX: usize = 1024;
/// Counter intervals that one delete may list.
pub const CLEAR_LIST_MAX: usize = 4096;
/// Owners that one region may have granted rights of a bounded counter to, in one generation.
pub const ESCROW_OWNERS_MAX: usize = 1024;
/// Elements that the updates of one transaction may carry: values pushed, elements counted.
pub const ELEMENTS_MAX: usize = 16 * UPDATES_MAX;
/// Effects of one record.
pub const EFFECTS_MAX: usize = 2 * UPDATES_MAX + ELEMENTS_MAX;
/// Rows of a collection, past which deleting it removes a range instead of row after row.
pub const RANGE_DELETE_MIN: u64 = 512;
/// Of what has expired, entries and keys that one sweep looks at.
pub const SWEEP_SCAN_MAX: usize = 16 * SWEEP_MAX;
/// Keys that one sweep clears, and entries that it purges, at most.
pub const SWEEP_MAX: usize = 256;
/// Entries of registers that one step of a sweep purges at most.
pub const PURGE_MAX: usize = SWEEP_SCAN_MAX;
/// Bytes of one encoded record.
pub const RECORD_BYTES_MAX: usize = 768 * 1024;
/// Elements or fields of one page of a scan.
pub const PAGE_ITEMS_MAX: usize = 1024;
/// Bytes of one page of a scan, past which it ends early.
pub const PAGE_BYTES_MAX: usize = 256 * 1024;
/// Actors of a version vector on the wire.
pub const ACTORS_MAX: usize = 4096;

// -- transactions --------------------------------------------------------------------------------------------------

/// From a transaction's begin to its commit; past it the transaction has expired.
pub const TRANSACTION_AGE_MAX: Duration = Duration::from_mins(1);
/// Open transactions of a node, each of which holds a snapshot.
pub const TRANSACTIONS_MAX: usize = 4096;
/// Open transactions of one client connection.
pub const CONNECTION_TRANSACTIONS_MAX: usize = 256;
/// Rows that preparing one transaction may look at: neighbours in lists, counters below deletes.
pub const WALK_MAX: usize = 1 << 21;
/// Rows that the checks of one transaction may look at.
pub const CHECK_WALK_MAX: usize = 1 << 17;
/// Reads that a transaction may ask to be checked at its commit.
pub const CHECKS_MAX: usize = 256;

// -- wire ----------------------------------------------------------------------------------------------------------

/// Bytes of one frame on either plane, checked before allocation.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Depth of a MessagePack document.
pub const DEPTH_MAX: usize = 32;
/// Bytes of records in one frame to a peer (a single larger record still travels alone).
pub const RANGE_BYTES_MAX: usize = 64 * 1024;
/// Bytes that the packed records of one frame unpack to, their lengths and padding included; checked before allocation.
pub const PACKED_BYTES_MAX: usize = 2 * RANGE_BYTES_MAX;

// -- queues --------------------------------------------------------------------------------------------------------

/// Requests of one client connection that wait for their answers; past it the node stops reading that connection.
pub const CONNECTION_REQUESTS_MAX: usize = 4096;
/// Client connections of a node.
pub const CONNECTIONS_MAX: usize = 1024;
/// Bytes of requests that wait for the committer, past which new writes are refused as `Overloaded`.
pub const COMMIT_QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Copies of all rows that a node gives out to clients at a time, for backups; each keeps a snapshot.
pub const BACKUPS_MAX: usize = 2;
/// Bytes of entries of one page of such a copy (a single larger entry still travels alone).
pub const BACKUP_PAGE_BYTES_MAX: usize = 256 * 1024;
/// Such a copy of which no page is asked for so long is over.
pub const BACKUP_PATIENCE: Duration = Duration::from_mins(1);
/// Requests that wait for the committer, past which new writes are refused as `Overloaded`: a quarter of a second's worth
/// on two cores, so that whoever is not refused is answered soon.
pub const COMMIT_QUEUE_MAX: usize = 16_384;
/// Writes and records of one group commit.
pub const GROUP_MAX: usize = 2048;
/// Bytes of one group commit.
pub const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of rows that the committer keeps decoded.
pub const ROW_CACHE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Requests committed lately that the committer knows without asking the database.
pub const RECENT_REQUESTS_MAX: usize = 65_536;
/// Parts of a counter that a read gets one by one; where there may be more, it walks over them.
pub const PARTS_GOT_MAX: usize = 8;
/// Collections of which the committer keeps the summary in memory.
pub const SUMMARIES_MAX: usize = 8192;
/// Collections dropped whole, lately, that the committer's row cache tells from those still there.
pub const DROPS_MAX: usize = 1024;
/// Bytes of own recent records kept in memory for the links; older ones are read from the log.
pub const LOG_TAIL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The least that logs may be limited to: they become files, which is when they count, by so much at a time.
pub const LOG_BYTES_LEAST: u64 = 64 * 1024 * 1024;
/// What logs may take where nothing else is said.
pub const LOG_BYTES_DEFAULT: u64 = 8 * 1024 * 1024 * 1024;
/// A truncation goes below the limit by this part of it, so that not every look finds something to drop; and logs that were
/// full have room again only once they are below it by as much.
pub const LOG_SLACK: u64 = 16;
/// Bytes of records sent to a peer and not yet acknowledged.
pub const LINK_WINDOW_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of records received from a peer that wait for what they depend on; past it they are dropped and pulled again.
pub const PENDING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of requests that wait for the vector to reach their session's token, past which new ones are `Overloaded`.
pub const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Requests that wait for the vector to reach their session's token, past which new ones are refused as `Overloaded`.
pub const WAITING_MAX: usize = 16_384;
/// Bounded counters of which a node has asked other regions for rights, and not yet had time to get them.
pub const RIGHTS_ASKS_MAX: usize = 1024;
/// Asks for rights that wait for the committer; past it they are dropped, for they are asked again.
pub const RIGHTS_GRANTS_MAX: usize = 256;

/// Bytes of one page of a copy of a node's state (a single larger row still travels alone).
pub const COPY_PAGE_BYTES_MAX: usize = 256 * 1024;
/// Pages that whoever takes a copy may have asked for and not stored.
pub const COPY_WINDOW_MAX: usize = 16;
/// Copies that a node serves at once; each holds a snapshot.
pub const COPIES_MAX: usize = 2;
/// Bytes per second of one copy: live records are to have room beside it.
pub const COPY_BYTES_PER_SECOND_MAX: u64 = 64 * 1024 * 1024;

// -- network -------------------------------------------------------------------------------------------------------

/// Connections from other regions that a node keeps open; a region that dials anew needs a second one for a moment.
pub const PEER_CONNECTIONS_MAX: usize = 4 * REGIONS_MAX;
/// Handshakes under way on one listener; past half of it callers must prove their address, past it they are refused.
pub const HANDSHAKES_MAX: usize = 256;
/// Bytes kept for all callers whose handshake has not begun.
pub const HANDSHAKE_BUFFER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Connections to the admin port; past it the oldest ends for the newest.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;
/// How long a connection to the admin port may be open, whatever it does.
pub const ADMIN_CONNECTION_AGE_MAX: Duration = Duration::from_secs(10);
/// Unread bytes of a link's control stream (heartbeats and pulls), over and above `LINK_WINDOW_BYTES_MAX` of records.
pub const CONTROL_WINDOW_BYTES_MAX: usize = 1024 * 1024;
/// Unread or unacknowledged bytes of a client connection, in each direction.
pub const CLIENT_WINDOW_BYTES_MAX: usize = 1024 * 1024;
/// From the first packet of a connection to the end of its handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two packets that keep an idle connection open.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(2);
/// Without a packet for so long, a connection is lost.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

// -- time ----------------------------------------------------------------------------------------------------------

/// Between two heartbeats of an idle link.
pub const HEARTBEAT_EVERY: Duration = Duration::from_millis(100);
/// Without a word for so long, a link is silent, and what its region wrote is pulled elsewhere.
pub const SILENT_AFTER: Duration = Duration::from_secs(1);
/// Added to a link's round trip before a record counts as overdue.
pub const OVERDUE_MARGIN: Duration = Duration::from_millis(150);
/// A pull without progress for so long is tried again, with another peer if there is one.
pub const PULL_PATIENCE: Duration = Duration::from_secs(1);
/// The first pause before a lost link is dialled again; it doubles, with jitter.
pub const RECONNECT_FIRST: Duration = Duration::from_millis(50);
/// The longest pause before a lost link is dialled again.
pub const RECONNECT_LAST: Duration = Duration::from_secs(5);
/// How far ahead of the wall clock a peer's stamp may move the local clock.
pub const DRIFT_MAX: Duration = Duration::from_millis(500);
/// How far a node's clock may be off the median of three clocks or more before the node refuses writes as `ClockSkew`; it
/// takes them again once its clock is within half of that.
pub const SKEW_MAX: Duration = Duration::from_millis(250);
/// How long a request id is remembered. Older ids are refused, never executed.
pub const REQUEST_WINDOW: Duration = Duration::from_hours(24);
/// How far ahead of the node's clock a request id may be minted.
pub const REQUEST_AHEAD_MAX: Duration = Duration::from_hours(1);
/// After asking for rights of a bounded counter, for so long nobody is asked for more of it.
pub const RIGHTS_PATIENCE: Duration = Duration::from_millis(100);
/// How long a node that starts waits to hear a majority of the members before it begins a new log, or serves from an empty one.
pub const START_PATIENCE: Duration = Duration::from_secs(2);
/// Between two sweeps of what has expired.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at how large the logs are.
pub const TRUNCATE_EVERY: Duration = Duration::from_secs(1);
/// Without a page for so long, whoever takes a copy asks again.
pub const COPY_PATIENCE: Duration = Duration::from_secs(2);
/// And after so long, somebody else.
pub const COPY_GIVE_UP: Duration = Duration::from_secs(20);
/// A copy of which nothing has been asked for so long is ended.
pub const COPY_IDLE_MAX: Duration = Duration::from_mins(1);
/// How long records are kept for a region that lacks them, where nothing else is said.
pub const RETENTION_DEFAULT: Duration = Duration::from_hours(24);
/// The least that retention may be: a region that restarts is no region that is gone.
pub const RETENTION_LEAST: Duration = Duration::from_mins(1);
/// How long a request may wait for its session's token before it answers `NotYet`.
pub const SESSION_WAIT_MAX: Duration = Duration::from_secs(30);

const _: () = assert!(REGIONS_MAX <= MEMBER_FACTS_MAX);
const _: () = assert!(MEMBER_FACTS_MAX * (NAME_BYTES_MAX + 8) < FRAME_BYTES_MAX / 4, "all of them fit a hello");
const _: () = assert!(LOG_BYTES_LEAST <= LOG_BYTES_DEFAULT);
const _: () = assert!(RETENTION_LEAST.as_secs() <= RETENTION_DEFAULT.as_secs());
const _: () = assert!(IDLE_TIMEOUT.as_secs() < RETENTION_LEAST.as_secs(), "a link that is given up comes back in time");
const _: () = assert!(VALUE_BYTES_MAX + KEY_BYTES_MAX + PATH_DEPTH_MAX * COMPONENT_BYTES_MAX < RECORD_BYTES_MAX);
const _: () = assert!(RECORD_BYTES_MAX + 64 * 1024 <= FRAME_BYTES_MAX, "the largest record fits a frame");
const _: () = assert!(RANGE_BYTES_MAX <= RECORD_BYTES_MAX, "so does every range of records");
const _: () = assert!(PACKED_BYTES_MAX <= FRAME_BYTES_MAX, "packing brings no more than a frame could without");
const _: () = assert!(PAGE_BYTES_MAX + 2 * COMPONENT_BYTES_MAX < FRAME_BYTES_MAX, "so does every page");
const _: () = assert!(BACKUP_PAGE_BYTES_MAX + 256 * 1024 < FRAME_BYTES_MAX, "so does a page of a backup");
const _: () = assert!(VALUE_BYTES_MAX + 64 * 1024 < FRAME_BYTES_MAX, "so does every value");
const _: () = assert!(RECORD_BYTES_MAX <= GROUP_BYTES_MAX && GROUP_BYTES_MAX <= COMMIT_QUEUE_BYTES_MAX);
const _: () = assert!(LINK_WINDOW_BYTES_MAX < PENDING_BYTES_MAX, "an honest peer's window fits what may wait");
const _: () = assert!(LINK_WINDOW_BYTES_MAX <= LOG_TAIL_BYTES_MAX, "a link that keeps up never reads the disk");
const _: () = assert!(HEARTBEAT_EVERY.as_millis() * 4 < SILENT_AFTER.as_millis());
const _: () =
    assert!(COPY_PAGE_BYTES_MAX + SIBLINGS_BYTES_MAX + 64 * 1024 < FRAME_BYTES_MAX, "so does every page of a copy");
const _: () = assert!(
    COPY_PATIENCE.as_millis() < COPY_GIVE_UP.as_millis() && COPY_GIVE_UP.as_millis() < COPY_IDLE_MAX.as_millis()
);
const _: () = assert!(START_PATIENCE.as_millis() > SILENT_AFTER.as_millis(), "links have time to open");
const _: () =
    assert!(SKEW_MAX.as_millis() * 2 <= DRIFT_MAX.as_millis(), "whoever may write is followed by all who may");
const _: () = assert!(CONNECTION_REQUESTS_MAX <= COMMIT_QUEUE_MAX);
const _: () = assert!(SIBLINGS_BYTES_MAX + 64 * 1024 < FRAME_BYTES_MAX, "all values of a register fit a frame");
const _: () = assert!(CONNECTION_TRANSACTIONS_MAX <= TRANSACTIONS_MAX);
const _: () = assert!(CLEAR_LIST_MAX <= EFFECTS_MAX, "one clear for each of them fits a record");
const _: () = assert!(SWEEP_MAX <= UPDATES_MAX && SWEEP_MAX * (KEY_BYTES_MAX + 64) < RECORD_BYTES_MAX);
const _: () = assert!(KEEP_ALIVE_EVERY.as_millis() * 3 < IDLE_TIMEOUT.as_millis(), "two may be lost");
const _: () = assert!(PEER_CONNECTIONS_MAX >= 2 * REGIONS_MAX, "every region may dial anew");
