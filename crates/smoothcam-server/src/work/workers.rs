//! Runs the work of admitted requests, so many at a time, each for a limited time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use smoothcam::printable;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use crate::config::Limits;
use crate::rejection::Rejection;
use crate::work::guard::RequestGuard;
use crate::work::job::Job;

/// The workers, each of which works on one request at a time.
pub(crate) struct Workers {
    /// A permit for each worker.
    slots: Arc<Semaphore>,
    count: usize,
    time: Duration,
}

impl Workers {
    pub(crate) fn new(limits: &Limits) -> Workers {
        Workers {
            slots: Arc::new(Semaphore::new(limits.concurrency)),
            count: limits.concurrency,
            time: limits.time,
        }
    }

    /// How many requests are in work.
    pub(crate) fn busy(&self) -> usize {
        self.count - self.slots.available_permits()
    }

    /// Waits for a worker and does the work in a thread of its own.
    ///
    /// The work is told to stop when this future is dropped or the time runs out. The request holds what it holds
    /// until the work has really ended.
    ///
    /// # Errors
    /// Those of the work; if the time runs out; if the work panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        mut guard: RequestGuard,
        work: impl FnOnce(&Job) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, Rejection> {
        let _stop = guard.job().stop.on_drop();
        let deadline = guard.admission().work_deadline;
        match timeout_at(deadline, self.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => guard.take_slot(slot),
            Ok(Err(_)) => return Err(Rejection::failure("the server is shutting down")),
            Err(_) => return Err(self.late("waited too long for its turn").retry_after(1)),
        }
        let job = tokio::task::spawn_blocking(move || {
            // An engine may panic at what it does not handle; that must not harm other requests. The guard is
            // dropped outside, after the panic.
            let guard = guard;
            catch_unwind(AssertUnwindSafe(|| work(guard.job())))
        });
        match timeout_at(deadline, job).await {
            Ok(Ok(Ok(result))) => result,
            Ok(Ok(Err(cause))) => {
                let text = cause.downcast_ref::<String>().map(String::as_str);
                let text = text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("unknown");
                tracing::error!(cause = printable(text), "the work panicked");
                Err(Rejection::failure("the server itself failed: this is a bug"))
            }
            Ok(Err(_)) => Err(Rejection::failure("the server is shutting down")),
            Err(_) => {
                Err(self.late("took too long").with_hint("request fewer samples or pictures"))
            }
        }
    }

    fn late(&self, what: &str) -> Rejection {
        let seconds = self.time.as_secs_f64();
        let error = format!("the request {what}, {seconds} s are allowed");
        Rejection::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}
