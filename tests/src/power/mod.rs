//! Power cuts without a power switch.
//!
//! `kill -9` takes a process and leaves the page cache, so it cannot show a missing sync. Here a node runs with a small
//! library preloaded (`tests/shim/powerloss.c`) that notes what has been synced; after the kill, its files are cut back to
//! that, and what was not synced is drawn anew: gone, there in part, garbled. What a rename or an unlink that no sync made
//! final has done is undone, or not, as a file system is free to choose.
//!
//! It models one disk that keeps its word: what a completed sync covers is there. It never invents a loss that POSIX rules
//! out, or a node would be blamed for what no node can survive; and where a program does what the model does not know, the
//! harness fails instead of guessing.

mod blows;
mod compare;
mod cut;
mod disk;
mod journal;
mod shim;

pub use cut::{Cut, Leaves};
pub use disk::{Disk, Failing, Trouble};
pub use shim::Shim;
