//! Holds what all requests share: models, cached pictures, the queue, workers, metrics and limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::{Config, Limits};
use crate::metrics::Metrics;
use crate::models::Models;
use crate::pictures::cache::PictureCache;
use crate::work::connections::Connections;
use crate::work::memory::Shares;
use crate::work::queue::Queue;
use crate::work::running::Running;
use crate::work::uploads::Uploads;
use crate::work::workers::Workers;

/// What all requests share.
pub(crate) struct AppState {
    pub(crate) models: Models,
    pub(crate) pictures: Arc<PictureCache>,
    pub(crate) queue: Queue,
    pub(crate) workers: Workers,
    pub(crate) connections: Arc<Connections>,
    /// The bodies that are arriving.
    pub(crate) uploads: Arc<Uploads>,
    /// The explanations that clients can stop.
    pub(crate) running: Running,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    /// What requests must carry as `Authorization: Bearer ...`; `None` where nothing is required.
    pub(crate) token: Option<String>,
    /// Origins whose pages may call the API from a browser; `*` for all.
    pub(crate) origins: Vec<String>,
    /// The names by which requests may name their host.
    pub(crate) hosts: Vec<String>,
    ready: AtomicBool,
    #[cfg(test)]
    pub(crate) test_hook: crate::test_hook::TestHook,
}

/// The shared state, as handlers get it.
pub(crate) type SharedState = Arc<AppState>;

impl AppState {
    /// The state of a server of this configuration, before its first request.
    ///
    /// # Errors
    /// If the configuration cannot work.
    pub(crate) fn new(config: Config) -> smoothcam::Result<SharedState> {
        config.check()?;
        let Config { models, token, origins, hosts, limits } = config;
        let weights = models.iter().map(|model| model.explainer.weights_bytes()).sum();
        let shares = Shares::of(&limits, weights)?;
        tracing::info!(
            memory = limits.memory(),
            weights,
            "the memory that the process may take, in bytes, and of it the models' weights"
        );
        let limits = Limits { cache: shares.cache, ..limits };
        let pictures = Arc::new(PictureCache::new(&limits));
        Ok(Arc::new(AppState {
            models: Models::new(models),
            queue: Queue::new(&limits, &shares, pictures.clone()),
            pictures,
            workers: Workers::new(&limits),
            connections: Arc::new(Connections::new(&limits, open_files())),
            uploads: Arc::default(),
            running: Running::default(),
            metrics: Metrics::new(),
            limits,
            token,
            origins,
            hosts,
            ready: AtomicBool::new(true),
            #[cfg(test)]
            test_hook: Default::default(),
        }))
    }

    /// Whether requests are accepted: until the server shuts down.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Makes [`AppState::is_ready`] say that no more requests are accepted.
    pub(crate) fn close(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}

/// How many files, connections among them, the process may have open; `None` if there is no limit.
#[cfg(unix)]
fn open_files() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How many files the process may have open: systems other than Unix have no such limit.
#[cfg(not(unix))]
fn open_files() -> Option<usize> {
    None
}
