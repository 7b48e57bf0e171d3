//! Connections: accepted, limited, and closed in peace.

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
use crate::router::shared;

/// How long a request's head may take to arrive, and an idle connection stays open.
const HEAD: Duration = Duration::from_secs(30);

/// How long a client may take nothing of its answer.
const STALLED: Duration = Duration::from_secs(30);

/// Serves at `address` (host and port; port 0 for any) until the process is told to end (Ctrl-C, SIGTERM),
/// calls `ready` with the address once requests are taken, and answers those that are in work before it returns.
///
/// # Errors
/// If the configuration cannot work, or the address cannot be had.
pub fn serve(address: &str, config: Config, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::failure(format!("no threads can be had: {e}")))?;
    let time = config.limits.time;
    runtime.block_on(run(address, config, ready))?;
    // Work that has not ended by now is past its time.
    runtime.shutdown_timeout(time.min(Duration::from_secs(5)));
    Ok(())
}

async fn run(address: &str, config: Config, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let limits = config.limits.clone();
    let (app, router) = shared(config)?;
    let told = |e: std::io::Error| {
        Error::input(format!("cannot listen at '{address}': {e}"))
            .with_hint("name host and port, such as 127.0.0.1:8000; port 0 takes any that is free")
    };
    let listener = TcpListener::bind(address).await.map_err(told)?;
    let mut end = Signals::new()?;
    ready(listener.local_addr().map_err(told)?);
    let connections = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    loop {
        // Where all connections are taken, too, the process can be told to end.
        let accepted = async {
            let permit = connections.clone().acquire_owned().await;
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
            () = end.next() => break,
        };
        let connection = open.watch(connection(stream, router.clone()));
        tokio::spawn(async move {
            let _open = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    app.close();
    tracing::info!("told to end: requests in work are answered, no others are taken");
    tokio::select! {
        () = open.shutdown() => {}
        () = tokio::time::sleep(limits.time) => {}
        () = end.next() => {}
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

/// What tells the process to end: Ctrl-C, and SIGTERM where there is such a thing.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on they end the process in peace.
    fn new() -> Result<Signals> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signal = |kind| {
                signal(kind).map_err(|e| Error::failure(format!("no signals can be had: {e}")))
            };
            Ok(Signals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Signals {})
    }

    /// Waits for the next one.
    async fn next(&mut self) {
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
