//! Serves smoothcam over HTTP: a web page to look at models with, and an API that explains predictions.
//!
//! ```no_run
//! use smoothcam::Explainer;
//! use smoothcam_server::{Config, Limits, Model, serve};
//!
//! # fn main() -> smoothcam::Result<()> {
//! let model = Model { name: "efficientnet-lite0".into(), explainer: Explainer::builder().build()? };
//! let limits = Limits::default();
//! let config = Config { models: vec![model], token: None, origins: vec![], hosts: vec![], limits };
//! serve("127.0.0.1:8000", config, |address| println!("http://{address}"))
//! # }
//! ```
//!
//! [`Limits`] bound how many requests are worked on, how many wait, and what each of them may take; all others are
//! refused with a time to come back. No request can name a file of the server's machine.

// The helpers of the tests are shared with those in `tests/`, which use the crate from outside.
#[cfg(test)]
extern crate self as smoothcam_server;

mod answer;
mod config;
mod headers;
mod hints;
mod inference;
mod kserve;
mod listen;
mod metrics;
mod middleware;
mod models;
mod openapi;
mod pictures;
mod rejection;
mod request;
mod reserve;
mod router;
mod routes;
mod signals;
mod state;
#[cfg(test)]
mod test_hook;
#[cfg(test)]
mod tests;
mod work;

pub use config::{Config, Limits, Model};
pub use listen::{OPEN_TO_ALL, serve};
pub use openapi::openapi;
pub use router::app;
