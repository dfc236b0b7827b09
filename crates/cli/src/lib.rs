//! The `halcyon` command line, as a library: one module per command.
//!
//! Floor 6. Commands read arguments, files and clocks, speak to nodes through the SDK and the admin plane, and print. The
//! binary only parses arguments and calls the command. `benches/` calls [`mod@bench`] in its own process.

mod admin;
mod backup;
pub mod bench;
mod certs;
mod cli;
mod clock;
mod connect;
mod demo;
mod exec;
mod interrupt;
mod language;
mod node;
mod out;
mod parallel;
mod progress;
mod region;
mod remedy;
mod replay;
mod restore;
pub mod retail;
mod scenarios;
mod setup;
mod splitmix;
mod status;
mod table;

pub use cli::Cli;
pub use remedy::{Failure, Remedy};

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
