//! Tests that hold up the work of requests, which only the crate itself can do.

#[path = "../../tests/common/mod.rs"]
mod common;

mod connections;
mod events;
mod given_back;
mod limits;
mod service;
mod shutdown;
mod socket;
