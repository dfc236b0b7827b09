//! The `halcyon` binary: arguments in, exit status out. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use halcyon_cli::Cli;

/// Requests and records are made by one thread and freed by another, which this allocator takes better than glibc's; the
/// database, which it serves as well, is recommended to run on it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// One thread for everything that waits: on few cores a current-thread runtime is the faster one, and a node has its
/// committer's threads besides.
fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot be started: {error}\n  remedy: raise the limit on open files");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(cli.run());
    // Not waiting for blocking calls: what is left is a read of standard input or of an unanswered address.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
