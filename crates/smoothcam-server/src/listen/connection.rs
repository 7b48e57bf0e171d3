//! Serves one connection, and ends it when its place is needed or its client has left.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

use crate::listen::socket::{Socket, end_of};
use crate::work::connections::{Connection, Place};

/// How long a request's head may take to arrive, and how long an idle connection stays open.
const HEAD: Duration = Duration::from_secs(30);

/// How long a client may read nothing of its answer.
const STALLED: Duration = Duration::from_secs(30);

/// Answers the requests of a connection until it is closed, its place is needed, or its client leaves while a request
/// of it is in the queue.
pub(super) async fn serve(stream: TcpStream, place: Place, router: Router, open: Watcher) {
    // Small answers are sent at once.
    let _ = stream.set_nodelay(true);
    let (socket, reader) = Socket::new(stream);
    let mut socket = Box::pin(TimeoutStream::new(socket));
    socket.as_mut().set_write_timeout_pinned(Some(STALLED));
    let service =
        Tracked { router: TowerToHyperService::new(router), connection: place.connection.clone() };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(socket), service);
    let left = async {
        loop {
            place.connection.admitted().await;
            if end_of(&reader, || place.connection.is_admitted()).await {
                break;
            }
        }
    };
    tokio::select! {
        result = open.watch(connection) => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = place.connection.cut() => tracing::debug!("a connection was closed to make room"),
        () = left => tracing::debug!("a client left before it was answered"),
    }
}

/// The service, which says of each request whose connection it is, and when it begins and has been answered.
struct Tracked {
    router: TowerToHyperService<Router>,
    connection: Connection,
}

impl Service<hyper::Request<Incoming>> for Tracked {
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Self::Error>> + Send>>;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        self.connection.asks();
        request.extensions_mut().insert(self.connection.clone());
        let answered = Answered(self.connection.clone());
        let answer = self.router.call(request);
        Box::pin(async move {
            Ok(answer.await?.map(|body| Body::new(TrackedBody { body, _answered: answered })))
        })
    }
}

/// Says that a request has been answered when it is dropped.
struct Answered(Connection);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.is_answered();
    }
}

/// The body of an answer, which is dropped when it has been handed on.
struct TrackedBody {
    body: Body,
    _answered: Answered,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
