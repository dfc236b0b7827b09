//! Disks that fail: a flipped bit in any file, damage under a running node, a full disk. What was acked is there
//! afterwards, and nothing wrong was ever served.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

mod facts;
mod flips;
mod full;
mod running;
