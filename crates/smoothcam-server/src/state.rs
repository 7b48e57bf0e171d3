//! Holds what all requests share: models, cached pictures, workers, metrics and limits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::{Config, Limits};
use crate::metrics::Metrics;
use crate::models::Models;
use crate::pictures::cache::Subjects;
use crate::work::workers::{Stop, Workers};

/// What all requests share.
pub(crate) struct AppState {
    pub(crate) models: Models,
    pub(crate) subjects: Subjects,
    pub(crate) workers: Workers,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    /// Explanations that are told about as they come, by id.
    running: Mutex<HashMap<String, Stop>>,
    /// What requests must carry as `Authorization: Bearer ...`; `None` where none is needed.
    pub(crate) token: Option<String>,
    /// Origins whose pages may call the API from a browser; `*` for all.
    pub(crate) origins: Vec<String>,
    ready: AtomicBool,
}

/// The shared state, as handlers get it.
pub(crate) type SharedState = Arc<AppState>;

impl AppState {
    /// # Errors
    /// If the configuration cannot work.
    pub(crate) fn new(config: Config) -> smoothcam::Result<SharedState> {
        config.check()?;
        let Config { models, token, origins, limits } = config;
        Ok(Arc::new(AppState {
            models: Models::new(models),
            subjects: Subjects::new(&limits),
            workers: Workers::new(&limits),
            metrics: Metrics::new(),
            limits,
            running: Mutex::default(),
            token,
            origins,
            ready: AtomicBool::new(true),
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

    /// Explanations in work that can be stopped.
    pub(crate) fn running(&self) -> MutexGuard<'_, HashMap<String, Stop>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
