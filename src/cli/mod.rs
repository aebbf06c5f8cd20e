//! Floor 8: the command line.

use std::process::ExitCode;

use clap::Parser;

pub mod bench;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Trial,
}

#[derive(clap::Subcommand)]
enum Trial {
    Bench(bench::BenchArgs),
}

#[must_use]
pub fn main() -> ExitCode {
    let Trial::Bench(args) = Cli::parse().command;
    bench::run(args)
}
