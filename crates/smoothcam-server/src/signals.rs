//! Waits for the signals that tell the process to end: Ctrl-C, and SIGTERM where it exists.

#[cfg(unix)]
use smoothcam::Error;
use smoothcam::Result;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The signals that tell the process to end, as they come. They no longer end the process at once.
///
/// # Errors
/// If the system does not let the process listen for them.
pub(crate) fn signals() -> Result<UnboundedReceiver<()>> {
    let (sender, signals) = unbounded_channel();
    #[cfg(unix)]
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let listening = signal(kind);
        let mut listening =
            listening.map_err(|e| Error::failure(format!("cannot listen for signals: {e}")))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while listening.recv().await.is_some() && sender.send(()).is_ok() {}
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).is_ok() {}
    });
    Ok(signals)
}
