//! `smoothcam serve`.

use std::path::PathBuf;

use clap::Args;
use smoothcam::Memory;

use super::{Flags, Serve, parse};

const ALLOW_ORIGIN: &str = "Let pages of this origin call the API from a browser, such as https://example.com, or * for \
                            all; may be given several times";

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// A classifier as an ONNX file, and the name to serve it by; may be given several times
    /// [default: the built-in EfficientNet-Lite0; the file's name]
    #[arg(long = "model", value_name = "NAME=FILE.onnx")]
    pub(crate) models: Vec<String>,
    /// Where to listen; 0.0.0.0:PORT opens it to other machines
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub(crate) listen: String,
    /// A file that holds the token which requests must carry (Authorization: Bearer ...); SMOOTHCAM_TOKEN does
    /// the same [default: none is asked for]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    // No docstring: rustdoc takes the example for a link.
    #[arg(long = "allow-origin", value_name = "ORIGIN", help = ALLOW_ORIGIN)]
    pub(crate) origins: Vec<String>,
    /// A name by which requests may name this server as their host, such as example.com, or * for all; may be given
    /// several times [default: localhost and addresses of this machine; any, if --listen opens it to other machines]
    #[arg(long = "host-name", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// Form of the log on stderr [default: text on a terminal, else json]
    #[arg(long, value_name = "FORM")]
    pub(crate) log: Option<LogForm>,
    #[command(flatten)]
    pub(crate) limits: ServeLimitArgs,
    #[command(flatten)]
    pub(crate) options: Flags<Serve>,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogForm {
    // Without docstrings, which would make the help long.
    Text,
    Json,
    None,
}

#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ServeLimitArgs {
    /// Requests in work at the same time, and one more of a client that has none [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    pub(crate) concurrency: Option<u16>,
    /// Requests that wait for their turn; more are told to come back later [default: 32]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) waiting: Option<u16>,
    /// Seconds that a request may take, waiting included [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub(crate) time_limit: Option<u32>,
    /// Largest body of a request: 800K, 16M [default: 16M]
    #[arg(long, value_name = "SIZE", value_parser = parse::<Memory>)]
    pub(crate) max_body: Option<Memory>,
    /// Largest picture that is decoded, in pixels [default: 50000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(crate) max_pixels: Option<u64>,
    /// Most pictures of a request [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    pub(crate) max_pictures: Option<u16>,
    /// Most noised samples of an explanation [default: 1000]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_samples: Option<u16>,
    /// Most connections of one client address; for more, its oldest idle ones are closed [default: 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    pub(crate) max_connections: Option<u16>,
    /// Seconds in which requests are still taken after the signal to end, while /v2/health/ready says 503
    /// [default: 0]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) shutdown_delay: Option<u16>,
    /// Memory for pictures and passes that are kept for the next request, at most a quarter of --memory: 256M, 2G
    /// [default: 256M]
    #[arg(long, value_name = "SIZE", value_parser = parse::<Memory>)]
    pub(crate) keep: Option<Memory>,
}
