//! Checks the documentation: its commands run, its links lead somewhere, its generated parts are up to date.
#![expect(clippy::unwrap_used, reason = "tests")]

#[cfg(unix)]
mod commands;
mod generated;
mod links;
mod pages;
mod python;
#[cfg(unix)]
mod server;
mod shell;
#[cfg(unix)]
mod stand_ins;
