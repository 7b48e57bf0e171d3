//! smoothcam over HTTP: a web page to look at models with, and an API that explains beside each
//! prediction.
//!
//! ```no_run
//! use smoothcam::Explainer;
//! use smoothcam_server::{Config, Limits, Model, serve};
//!
//! # fn main() -> smoothcam::Result<()> {
//! let model = Model { name: "efficientnet-lite0".into(), explainer: Explainer::builder().build()? };
//! let config = Config { models: vec![model], token: None, origins: vec![], limits: Limits::default() };
//! serve("127.0.0.1:8000", config, |address| println!("http://{address}"))
//! # }
//! ```
//!
//! Work is admitted by [`Limits`]: so many requests are in work, so many wait, all others are told to
//! come back later. Nothing in a request ever names a file.

mod answer;
mod config;
mod headers;
mod kserve;
mod listen;
mod metrics;
mod middleware;
mod models;
mod openapi;
mod pictures;
mod rejection;
mod request;
mod router;
mod routes;
mod signals;
mod state;
mod work;

pub use config::{Config, Limits, Model};
pub use listen::serve;
pub use openapi::openapi;
pub use router::app;
