//! Accepts connections, up to a limit, and closes them without cutting off answers.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use smoothcam::{Error, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use crate::config::Config;
use crate::router::router;
use crate::signals::Signals;
use crate::state::AppState;

/// How long a request's head may take to arrive, and how long an idle connection stays open.
const HEAD: Duration = Duration::from_secs(30);

/// How long a client may read nothing of its answer.
const STALLED: Duration = Duration::from_secs(30);

/// Serves at `address` (host and port; port 0 for any that is free) until the process is told to end (Ctrl-C,
/// SIGTERM). Calls `ready` with the address once requests are accepted, and finishes the requests in progress
/// before it returns.
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
    let router = router(state.clone())?;
    let unusable = |e: std::io::Error| {
        Error::input(format!("cannot listen at '{address}': {e}"))
            .with_hint("name host and port, such as 127.0.0.1:8000; port 0 takes any that is free")
    };
    let listener = TcpListener::bind(address).await.map_err(unusable)?;
    let mut signals = Signals::new()?;
    ready(listener.local_addr().map_err(unusable)?);
    let permits = Arc::new(Semaphore::new(state.limits.connections));
    let open = GracefulShutdown::new();
    loop {
        // Signals are heard while all connections are in use, too.
        let accepted = async {
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            accepted = accepted => match accepted {
                (Ok(permit), Ok((stream, _))) => (permit, stream),
                (Ok(_), Err(error)) => {
                    // Too many open files, for example: others may be closed soon.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
                (Err(_), _) => break,
            },
            () = signals.next() => break,
        };
        let connection = open.watch(connection(stream, router.clone()));
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    state.close();
    tracing::info!("shutting down: requests in progress are finished, no new ones are accepted");
    tokio::select! {
        () = open.shutdown() => {}
        () = tokio::time::sleep(state.limits.time) => {}
        () = signals.next() => {}
    }
    Ok(())
}

type Stream = Pin<Box<TimeoutStream<TcpStream>>>;
type Connection = http1::Connection<TokioIo<Stream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router) -> Connection {
    // Small answers are sent at once.
    let _ = stream.set_nodelay(true);
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(STALLED));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}
