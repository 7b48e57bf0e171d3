//! Describes what a server serves and what it allows.

use std::time::Duration;

use smoothcam::{Error, Explainer, Hint, Memory, Result};

/// What a server serves, and to whom.
pub struct Config {
    /// The models, at least one; the first is used where a request names none.
    pub models: Vec<Model>,
    /// What requests must carry as `Authorization: Bearer ...`; `None` where nothing is required.
    pub token: Option<String>,
    /// Origins such as `https://example.com` whose pages may call the API from a browser; `*` for all.
    pub origins: Vec<String>,
    /// Names such as `example.com` that requests may name as their host; `*` for all. `localhost` and addresses of the
    /// machine itself need not be given. If none is given, all are allowed where other machines are served.
    pub hosts: Vec<String>,
    /// What requests may take.
    pub limits: Limits,
}

/// A model and its name in requests.
pub struct Model {
    /// Letters, digits, dots, hyphens and underscores.
    pub name: String,
    /// The model.
    pub explainer: Explainer,
}

/// What one request, and all requests together, may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests that are worked on at the same time; and one more, of a client that has none in work.
    pub concurrency: usize,
    /// Requests that wait for a worker; others are refused with a time to come back.
    pub waiting: usize,
    /// Open connections. For more, those that have been idle for longest are closed.
    pub connections: usize,
    /// Open connections of one client, an IPv4 address or an IPv6 network of 64 bits; as above.
    pub client_connections: usize,
    /// Bytes that the whole process may take, about: models' weights, what is in work, what is cached, and answers that
    /// clients have not taken. `None` for half of what the machine, or the container, has left at the start.
    pub memory: Option<usize>,
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of all bodies that arrive, wait or are in work, at least twice `body`; other requests are refused with a
    /// time to come back.
    pub bodies: usize,
    /// Pixels of a picture.
    pub pixels: u64,
    /// Pictures of a request.
    pub pictures: usize,
    /// Noised samples of an explanation.
    pub samples: usize,
    /// The time that a request may take once its body has arrived, waiting included.
    pub time: Duration,
    /// The time that a request's body may take to arrive, and that the client may take to read the answer.
    pub upload: Duration,
    /// Bytes of a body that must arrive in a second, on average over each `upload_pause`.
    pub upload_rate: usize,
    /// The time over which `upload_rate` is measured, so that a body may pause for nearly as long.
    pub upload_pause: Duration,
    /// The time that an upload has at least where memory for others is short.
    pub upload_grace: Duration,
    /// The time in which requests are still accepted once the server has been told to end, while
    /// `/v2/health/ready` says that it is not ready, so that load balancers notice.
    pub shutdown_delay: Duration,
    /// Bytes of pictures and passes that are cached for the next requests; at most a quarter of the memory.
    pub cache: usize,
}

impl Default for Limits {
    /// Limits for a machine of a few cores, all of which an engine uses in each run.
    fn default() -> Self {
        Self {
            concurrency: 2,
            waiting: 32,
            connections: 1024,
            client_connections: 256,
            memory: None,
            body: 16_000_000,
            bodies: 256_000_000,
            pixels: 50_000_000,
            pictures: 64,
            samples: 1000,
            time: Duration::from_secs(60),
            upload: Duration::from_secs(30),
            upload_rate: 4_000,
            upload_pause: Duration::from_secs(5),
            upload_grace: Duration::from_secs(1),
            shutdown_delay: Duration::ZERO,
            cache: 256_000_000,
        }
    }
}

impl Limits {
    /// The bytes that the whole process may take.
    pub(crate) fn memory(&self) -> usize {
        self.memory.unwrap_or_else(|| (Memory::available().0 / 2) as usize)
    }
}

impl Config {
    /// Checks that a server can work with this configuration, before anything is opened.
    ///
    /// # Errors
    /// If there is no model, a name is given twice or cannot stand in an address, a limit is 0, or the
    /// token is empty or cannot stand in a header.
    pub(crate) fn check(&self) -> Result<()> {
        if self.models.is_empty() {
            return Err(Error::input("there is no model to serve"));
        }
        for (i, Model { name, .. }) in self.models.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
                return Err(Error::input(format!(
                    "a model cannot be served as '{name}': letters, digits, '-', '_' and '.' are expected"
                ))
                .with_hint(Hint::set("model", "NAME=FILE.onnx", "give it another name")));
            }
            if self.models[..i].iter().any(|other| other.name == *name) {
                return Err(Error::input(format!("two models are named '{name}'"))
                    .with_hint(Hint::set("model", "NAME=FILE.onnx", "give one another name")));
            }
        }
        let l = &self.limits;
        let counts = [l.concurrency, l.connections, l.client_connections, l.body, l.pictures];
        if counts.contains(&0) || l.pixels == 0 {
            return Err(Error::input("a limit is 0, so that no request could be answered"));
        }
        match &self.token {
            Some(token) if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) => {
                Err(Error::input("the token is empty, or has characters that no header may hold")
                    .with_hint("use letters and digits, such as those of: openssl rand -hex 24"))
            }
            _ => Ok(()),
        }
    }
}
