//! The replica, sans I/O: what one region's node does about its peers, its clients and its committer, as a state machine.
//!
//! ```text
//!             handle_request ┐                                  ┌ poll_command ─▶ send, dial, reply, read, alarm
//! handle_link, handle_peer ──┤  Replica: one step, no I/O,      │
//!   handle_committed ────────┤  no clock, no randomness but ────┼ poll_job ─────▶ the committer ─▶ handle_committed
//!   handle_sent, _timeout ───┘  a seed                          └ poll_timeout ─▶ handle_timeout
//! ```
//!
//! # The protocol
//!
//! Links carry one direction each: what X tells Y goes over the link that X dialled.
//!
//! * **Introduction.** On a new link X says *Hello* with each heartbeat until Y's heartbeat echoes a ping of that link:
//!   only then does X trust the link with records, so no record overtakes the Hello that vouches for it.
//! * **Push.** X sends every record of its own present actor to every peer, at once, in order, within a window of unacked
//!   bytes. The cursor restarts at the peer's ack when a link comes back.
//! * **Heartbeat.** Every `HEARTBEAT_EVERY`, and at once to whoever's records have just been synced: X's own seq, the hash
//!   of its log, its synced version vector. The vector is the ack that moves the window. For *stability* it counts only
//!   once the listener has applied the speaker's records up to that seq: an ungated ack lets a log be truncated below a
//!   record that is still in flight behind it.
//! * **Delivery.** A record goes to the committer when it follows its actor's log and all its deps have gone there before
//!   it. Others wait, in order, within bounds; past them, and past a gap, records are dropped: they will be pulled.
//! * **Pull.** The whole relay and the whole repair. Whoever says it has (b, n), or sent a record that depends on it, can be
//!   asked for it: at once if b's own link is down or silent or b no longer writes, else when it is overdue by a round trip
//!   and a margin. One puller per actor; without progress it asks somebody else. A pull of the present actor of whoever is
//!   asked moves its push cursor back, so that pushing continues from there.
//!
//! * **Rights.** A region whose rights of a bounded counter run low asks the richest that it can reach; whoever is asked
//!   passes on what it can spare, by an ordinary record.
//! * **Sweep.** Once every member's clock has passed a time, as heartbeats say and behind the same gate as acks, what had
//!   expired by then is cleared away: keys by the lowest region that lives, entries by each node for itself.
//! * **Truncation.** Once the logs have outgrown their limit, the oldest records that every member is known to have on disk,
//!   behind the same gate, may be dropped; if that is not enough, those past the retention that most members have. What lies
//!   below such a floor is sent to nobody any more. If nothing is enough the logs are full: clients' writes are refused, and
//!   nothing is granted or swept by a record; reads, and what others have written, go on.
//! * **Members.** Who belongs to the cluster is what `regions.toml` lists and what has been committed since: facts, which are
//!   rows like all others and come back from the committer with the group that holds them. From then on a region that has
//!   joined is a peer, and one that is retired is none: nothing is taken from it, nor waited for; what others have of it is
//!   relayed on. Once every member is known to have heard of it, its logs are closed where the one that has most of them ends.
//!   A retired region is told so by the record itself, if it dials; then it hangs up.
//! * **Clocks.** Heartbeats carry the wall clock. A node whose own is off the median of three or more refuses writes and
//!   goes on with everything else: its stamps would lie.
//!
//! # Clients
//!
//! A request with a session's token waits until the synced vector covers it. An open transaction is a snapshot that the
//! driver holds under a name; here stands that it does, and for how long it may.
//!
//! Nothing is acknowledged or offered that the committer has not reported as synced. Every message may be lost: what
//! matters is said again with the next heartbeat.
//!
//! # Never
//!
//! It never sees a disk, a socket or a clock, never holds an own record's bytes, never skips a record it cannot read, and
//! never pulls its own present actor.

mod config;
mod copies;
mod delivery;
mod error;
mod event;
mod held;
mod inbound;
mod lag;
mod outbound;
mod rebalance;
mod rebuild;
mod replica;
mod rng;
mod skew;
mod standing;
mod status;
mod sweep;
mod tickets;
mod timer;
mod transactions;
mod truncation;
mod waiting;

pub use config::{Config, Head, Start};
pub use error::PeerError;
pub use event::{Actors, Alarm, Command, Committed, Job, JobResult, LinkEvent, Logs, SessionId, Ticket};
pub use replica::Replica;
pub use status::{ClockStatus, LogStatus, MemberStatus, PeerStatus, PullStatus, Status, Unstable};
