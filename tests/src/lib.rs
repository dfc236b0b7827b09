//! The harness of the end-to-end tests: real `halcyon` processes on loopback, told apart from the outside world by their
//! own directory and their own ports, and driven as users drive them: by the command line, the SDK, signals and the
//! fault API.
//!
//! A scenario awaits events (an answer, a status, an exit), each with a deadline; it never sleeps and hopes. The harness
//! never links the node, so whatever it sees went through a process boundary. It fails by panicking, which is how a test
//! fails, and then prints the tails of the nodes' logs.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a harness that cannot go on fails the test, by panicking"
)]

mod bulk;
mod cluster;
mod command;
mod damage;
mod dice;
mod faults;
pub mod fuzz;
pub mod hostile;
mod http;
mod load;
mod node;
mod ports;
pub mod power;
mod shim;
mod told;
mod until;

pub use bulk::{SMALL_LOGS, bulk, copy_dir, fill, noise, write_bulk};
pub use cluster::{Cluster, REGIONS};
pub use command::{Ended, halcyon, halcyon_interrupted, halcyon_killed, halcyon_with_input};
pub use dice::Dice;
pub use load::{Load, Settled};
pub use until::{PATIENCE, until};

/// Says what is left out here and why, past the test runner's capture: a skip that nobody reads hides a hole.
pub fn skip(what: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "skip: {what}").ok();
}
