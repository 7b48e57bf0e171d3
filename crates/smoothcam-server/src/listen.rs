//! Connections: accepted, limited, and closed in peace.

use std::convert::Infallible;
use std::net::SocketAddr;
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

use crate::app::shared;
use crate::config::Config;

/// How long a request's head may take to arrive, and an idle connection stays open.
const HEAD: Duration = Duration::from_secs(30);

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
    ready(listener.local_addr().map_err(told)?);
    let connections = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    let mut end = std::pin::pin!(told_to_end());
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Too many open files, for example: others may be closed soon.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut end => break,
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
        () = told_to_end() => {}
    }
    Ok(())
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router) -> Connection {
    // Small answers are sent at once.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_end() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<Infallible>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => tokio::select! {
                () = interrupted => {}
                _ = terminated.recv() => {}
            },
            Err(_) => interrupted.await,
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
}
