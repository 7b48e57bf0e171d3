//! Waits for the signals that tell the process to end: Ctrl-C, and SIGTERM where it exists.

#[cfg(unix)]
use smoothcam::Error;
use smoothcam::Result;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that tell the process to end.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl Signals {
    /// Listens for the signals, which no longer end the process at once.
    ///
    /// # Errors
    /// If the system does not let the process listen for them.
    pub(crate) fn new() -> Result<Signals> {
        #[cfg(unix)]
        {
            let listen = |kind| {
                signal(kind).map_err(|e| Error::failure(format!("cannot listen for signals: {e}")))
            };
            Ok(Signals {
                interrupt: listen(SignalKind::interrupt())?,
                terminate: listen(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Signals {})
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
