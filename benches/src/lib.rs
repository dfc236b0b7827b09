//! What the benches share: the raw database that is the ceiling, figures with their spread, and the report.
//!
//! A figure alone says little about a machine nobody else has, so every bench prints ratios against something that the
//! same run measures, and medians with the least and the most of several rounds. The load comes from the same process as
//! the bench; on a small machine it takes its share of the processors from the nodes.

#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a bench that cannot go on stops, by panicking")]

mod raw;
mod report;
mod rounds;
pub mod scale;
mod site;
pub mod skeleton;
mod solo;
pub mod summary;
mod target;

pub use raw::{Draw, GROUP, KEYS, Raw};
pub use report::{Figure, Report};
pub use rounds::Rounds;
pub use site::{float, reports, root, run, warn_if_busy};
pub use solo::Solo;
pub use target::Target;
