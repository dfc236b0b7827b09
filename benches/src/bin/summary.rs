//! Gathers what the benches have reported: `summary.json` beside the reports, and `docs/benchmarks.md`.

use std::path::Path;

use halcyon_benches::summary::{self, Machine};
use halcyon_benches::{reports, scale};

fn main() -> std::process::ExitCode {
    let repository = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let reports = reports();
    // A quick run's figures are not for the page that readers see.
    let page = if scale::quick() { reports.join("benchmarks.md") } else { repository.join("docs/benchmarks.md") };
    match summary::write(&reports, &page, &Machine::here(repository)) {
        Ok(()) => {
            println!("gathered in {} and {}", reports.join("summary.json").display(), page.display());
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("summary: {}: {error}; run the benches first: make bench", reports.display());
            std::process::ExitCode::FAILURE
        }
    }
}
