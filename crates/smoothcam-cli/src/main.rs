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

/// Keeps memory that is freed for what comes next, where the system's allocator maps and unmaps the values of each pass, and
/// gives back what stays unused.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match args::Cli::try_parse() {
        Ok(cli) => failure::without_backtraces(|| commands::run(cli)),
        Err(error) => failure::of_usage(&error),
    }
}
