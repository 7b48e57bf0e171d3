//! Accepts connections, up to a limit, and closes them without cutting off answers.

mod connection;
mod socket;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use smoothcam::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::config::Config;
use crate::router::router;
use crate::signals::signals;
use crate::state::{AppState, SharedState};
use crate::work::connections::Client;

/// How long connections without a request stay open at the end: a head may be on its way, or the last of an answer.
const LAST_HEAD: Duration = Duration::from_secs(2);

/// What it means to serve other machines without a token.
pub const OPEN_TO_ALL: &str = "other machines can send requests here, and no token is required: whoever reaches this \
                               address can use the models, see what they are, and take this machine's time and memory";

/// Serves at `address` (host and port; port 0 for any that is free) until the process is told to end (Ctrl-C,
/// SIGTERM). Calls `ready` with the address once requests are accepted. In the end `/v2/health/ready` says so first,
/// for [`Limits::shutdown_delay`](crate::Limits::shutdown_delay) while requests are still accepted; then no more
/// connections are, and the requests in progress are finished. Told to end again, the server does not wait.
///
/// # Errors
/// If the configuration cannot work, or the server cannot listen at the address.
pub fn serve(address: &str, config: Config, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|e| Error::failure(format!("cannot start the worker threads: {e}")))?;
    let time = config.limits.time;
    runtime.block_on(run(address, config, ready))?;
    // Work that has not ended by now is past its time.
    runtime.shutdown_timeout(time.min(Duration::from_secs(5)));
    Ok(())
}

async fn run(address: &str, config: Config, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let state = AppState::new(config)?;
    let unusable = |e: std::io::Error| {
        Error::input(format!("cannot listen at '{address}': {e}"))
            .with_hint("name host and port, such as 127.0.0.1:8000; port 0 takes any that is free")
    };
    let listener = TcpListener::bind(address).await.map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    let router = router(state.clone(), Some(address.ip()))?;
    let signals = signals()?;
    if state.token.is_none() && !address.ip().to_canonical().is_loopback() {
        tracing::warn!(%address, "{OPEN_TO_ALL}");
    }
    ready(address);
    accept(listener, &state, router, signals).await;
    Ok(())
}

/// Accepts connections until the first of the signals to end, and ends.
pub(crate) async fn accept(
    listener: TcpListener,
    state: &SharedState,
    router: Router,
    mut signals: UnboundedReceiver<()>,
) {
    let open = GracefulShutdown::new();
    tokio::select! {
        () = accept_all(&listener, state, &router, &open) => {}
        _ = signals.recv() => {}
    }
    state.close();
    if !state.limits.shutdown_delay.is_zero() {
        tracing::info!("shutting down: no longer ready, requests are still accepted for a while");
        tokio::select! {
            () = accept_all(&listener, state, &router, &open) => {}
            () = tokio::time::sleep(state.limits.shutdown_delay) => {}
            _ = signals.recv() => {}
        }
    }
    drop(listener);
    tracing::info!("shutting down: requests in progress are finished, no new ones are accepted");
    let cut_idle = async {
        tokio::time::sleep(LAST_HEAD).await;
        state.connections.cut_idle();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = open.shutdown() => {}
        () = cut_idle => {}
        () = tokio::time::sleep(state.limits.time) => {}
        _ = signals.recv() => {}
    }
}

/// Accepts connections, and serves each in a task of its own. Never ends.
async fn accept_all(
    listener: &TcpListener,
    state: &SharedState,
    router: &Router,
    open: &GracefulShutdown,
) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                let place = state.connections.open(Client::new(address.ip())).await;
                tokio::spawn(connection::serve(stream, place, router.clone(), open.watcher()));
            }
            // The client has left already.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Too many open files, for example: others may be closed soon, and one will be.
                tracing::warn!(%error, "a connection could not be accepted");
                state.connections.make_room();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
