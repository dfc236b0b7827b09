//! The node: one region's process, as a library.
//!
//! ```text
//!  applications ─▶ sessions ─┐                 ┌─▶ committer thread ─▶ writer thread ─▶ RocksDB
//!        regions ─▶ peers ───┤──▶ driver loop ─┤                        │
//!    operators ─▶ admin ─────┘   (the replica) ◀────────────────────────┘ groups, once synced
//! ```
//!
//! * [`Config`] and [`Node`]: start and stop.
//! * `driver`: carries every event to the replica, and every command of the replica to where it goes.
//! * `committer`: the thread that owns every change of state, and the one that waits for the disk.
//! * `sessions`, `peers`, `admin`: the three planes. `outbox`, `tail`: what waits to leave. `visits`: who is at the admin
//!   port, `disk_use`: what it is told of the disk.
//! * [`backup`]: files of all rows, and a data directory made of them, with no node running.
//! * `clocks`: the only place that reads a clock. `faults`: cuts and delays on request, for tests.
//!
//! It decides nothing that the core could decide, and never changes state but through the committer.

mod admin;
pub mod backup;
mod clocks;
mod committer;
mod config;
mod copying;
mod disk_use;
mod driver;
mod event;
mod faults;
mod metrics;
mod node;
mod outbox;
mod peers;
mod rebuilding;
mod sessions;
mod status;
mod tail;
mod visits;

pub use committer::CommitterError;
pub use config::Config;
pub use driver::NodeError;
pub use node::{Node, StartError};
