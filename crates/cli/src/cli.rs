//! The command line: which commands there are.

use clap::{Parser, Subcommand};

use crate::{Failure, backup, bench, certs, demo, exec, node, region, replay, restore, scenarios, status};

/// Halcyon: a multi-master, geo-replicated CRDT store
///
/// Every region takes reads and writes at local speed, cut off or not, and all regions arrive at the same answer.
#[derive(Debug, Parser)]
#[command(name = "halcyon", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes and adds certificates
    #[command(subcommand)]
    Certs(certs::Command),
    Node(node::Command),
    Demo(demo::Command),
    Replay(replay::Command),
    Exec(exec::Command),
    Scenarios(scenarios::Command),
    Status(status::Command),
    /// Lets regions join, and retires them
    #[command(subcommand)]
    Region(region::Command),
    Backup(backup::Command),
    Restore(restore::Command),
    Bench(bench::Command),
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What stopped it, with its remedy.
    pub async fn run(&self) -> Result<(), Failure> {
        match &self.command {
            Command::Certs(command) => certs::run(command),
            Command::Node(command) => node::run(command).await,
            Command::Demo(command) => demo::run(command).await,
            Command::Replay(command) => replay::run(command).await,
            Command::Exec(command) => exec::run(command).await,
            Command::Scenarios(command) => scenarios::run(command).await,
            Command::Status(command) => status::run(command).await,
            Command::Region(command) => region::run(command).await,
            Command::Backup(command) => backup::run(command).await,
            Command::Restore(command) => restore::run(command),
            Command::Bench(command) => bench::command(command).await,
        }
    }
}
