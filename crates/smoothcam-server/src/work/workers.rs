//! Runs the work of admitted requests, so many at a time, each for a limited time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use smoothcam::printable;
use tokio::time::timeout_at;

use crate::config::Limits;
use crate::rejection::Rejection;
use crate::work::guard::RequestGuard;
use crate::work::job::Job;
use crate::work::turns::Turns;

/// The workers, each of which works on one request at a time.
pub(crate) struct Workers {
    turns: Arc<Turns>,
    time: Duration,
}

impl Workers {
    pub(crate) fn new(limits: &Limits) -> Workers {
        Workers { turns: Turns::new(limits.concurrency), time: limits.time }
    }

    /// How many requests are in work.
    pub(crate) fn busy(&self) -> usize {
        self.turns.in_work()
    }

    /// Waits until all work has really ended, that of late requests, too. It ends in turns of this loop.
    #[cfg(test)]
    pub(crate) async fn wait_until_idle(&self) {
        while self.turns.begun() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// How much work has begun and not ended, that of late requests, too.
    #[cfg(test)]
    pub(crate) fn begun(&self) -> usize {
        self.turns.begun()
    }

    /// Waits for a worker and does the work in a thread of its own.
    ///
    /// When this future is dropped or the time runs out, the work is told to stop. It gives back its place in the queue
    /// and its worker at once, though a decoder or an engine goes on for a while; so many at most, see [`Turns`]. Its
    /// memory it holds until it has really ended.
    ///
    /// # Errors
    /// Those of the work; if the time runs out; if the work panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        guard: RequestGuard,
        work: impl FnOnce(&Job) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, Rejection> {
        let _stop = guard.job().stop.on_drop();
        let admission = guard.admission();
        let deadline = admission.work_deadline;
        let turn = match timeout_at(deadline, self.turns.wait(guard.client())).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) => return Err(Rejection::failure("the server is shutting down")),
            Err(_) => return Err(self.late("waited too long for its turn").retry_after(1)),
        };
        let _late = turn.late_on_drop();
        let held = guard.begin(turn);
        let job = tokio::task::spawn_blocking(move || {
            // An engine may panic at what it does not handle; that must not harm other requests. What the work holds is
            // dropped outside, after the panic.
            let held = held;
            catch_unwind(AssertUnwindSafe(|| work(&held.job)))
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
