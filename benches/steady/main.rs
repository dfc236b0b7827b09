//! Does a node stay as it is? Through overload, and hour after hour.
//!
//! *Overload:* one node is offered several times what it can take, by clients that try again at once; what it acknowledges,
//! and how soon, is set against the same node at its limit. *The long run:* three regions, one of them written at 70 % of what
//! all three can follow, while files are merged and the logs are truncated. Two minutes, or as many as asked for:
//! `cargo bench --bench steady -- --minutes 60`.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

mod long;
mod overload;

use halcyon_benches::{Report, run};

fn main() {
    run(async {
        let mut report = Report::new("steady");
        overload::measure(&mut report).await;
        long::measure(&mut report).await;
        report.finish();
    });
}
