//! Provides a service whose work tests can hold up, and ways to wait that do not depend on how fast a machine is.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use super::common::{CAT, config, request};
use crate::config::Limits;
use crate::router::router;
use crate::state::{AppState, SharedState};
use crate::work::stop::Stop;

/// A service of the model of digits, with what its requests share.
pub(super) struct Service {
    pub(super) state: SharedState,
    pub(super) app: Router,
}

/// Work that waits within its first passes.
pub(super) struct HeldUp {
    /// A permit for each request that has begun to wait.
    waiting: Arc<Semaphore>,
    /// Lets the work go on when it is dropped.
    release: mpsc::Sender<()>,
}

impl Service {
    pub(super) fn new(change: impl FnOnce(&mut Limits)) -> Service {
        let state = AppState::new(config(|config| change(&mut config.limits))).unwrap();
        let app = router(state.clone(), None).unwrap();
        Service { state, app }
    }

    /// Makes every explanation wait, once so many passes are done, until it is stopped: however fast the machine is,
    /// it does not end before.
    pub(super) fn wait_for_stop(&self, passes: usize) -> HeldUp {
        self.hold_up(passes, |stop, _| {
            while !stop.is_set() {
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    }

    /// Makes every explanation wait, after its first pass, until it is released: even when it is stopped before.
    pub(super) fn wait_for_release(&self) -> HeldUp {
        self.hold_up(1, |_, released| while released.recv().is_ok() {})
    }

    fn hold_up(
        &self,
        passes: usize,
        wait: impl Fn(&Stop, &mpsc::Receiver<()>) + Send + Sync + 'static,
    ) -> HeldUp {
        let waiting = Arc::new(Semaphore::new(0));
        let (release, released) = mpsc::channel();
        let (begun, released) = (waiting.clone(), Mutex::new(released));
        self.state.test_hook.set(move |done, stop| {
            if done >= passes {
                begun.add_permits(1);
                wait(stop, &released.lock().unwrap());
            }
        });
        HeldUp { waiting, release }
    }

    /// Sends a request from a client of its own.
    pub(super) fn start(
        &self,
        request: Request<Body>,
    ) -> JoinHandle<Result<Response<Body>, std::convert::Infallible>> {
        tokio::spawn(self.app.clone().oneshot(request))
    }

    /// Waits until so many requests are in the queue. The requests get there in turns of this loop.
    pub(super) async fn wait_for_queue(&self, length: usize) {
        while self.state.queue.len() != length {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the queue is empty, and checks that requests hold nothing any more.
    pub(super) async fn check_all_given_back(&self, name: &str) {
        self.state.queue.wait_until_empty(&self.state.workers).await;
        assert_eq!(self.state.workers.busy(), 0, "{name}");
        assert!(self.state.running.is_empty(), "{name}");
    }
}

impl HeldUp {
    /// Waits until one more request has begun to wait.
    pub(super) async fn begun(&self) {
        self.waiting.acquire().await.unwrap().forget();
    }

    /// Lets the work go on.
    pub(super) fn release(self) {
        drop(self.release);
    }
}

/// A request to explain the photograph, accepting this.
pub(super) fn explain(query: &str, accept: &str) -> Request<Body> {
    let accept = format!("accept: {accept}");
    request("POST", &format!("/explain?{query}"), &[&accept], CAT)
}
