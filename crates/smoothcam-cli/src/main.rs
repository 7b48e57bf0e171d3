//! The smoothcam command.

mod args;
mod commands;
mod failure;
mod files;
mod progress;
mod report;
mod table;
mod wording;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    failure::without_backtraces(|| commands::run(args::Cli::parse()))
}
