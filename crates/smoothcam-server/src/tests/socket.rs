//! Provides a service that listens at a socket, and clients that send it bytes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::common::CAT;
use super::service::Service;
use crate::config::Limits;
use crate::listen::accept;
use crate::router::router;

/// A service that listens.
pub(super) struct Listening {
    pub(super) service: Service,
    address: SocketAddr,
    /// Tells the server to end.
    pub(super) end: UnboundedSender<()>,
    /// Ends when the server has ended.
    pub(super) ended: JoinHandle<()>,
}

impl Listening {
    pub(super) async fn new(change: impl FnOnce(&mut Limits)) -> Listening {
        let service = Service::new(change);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, signals) = unbounded_channel();
        let state = service.state.clone();
        let router = router(state.clone(), Some(address.ip())).unwrap();
        let ended = tokio::spawn(async move { accept(listener, &state, router, signals).await });
        Listening { service, address, end, ended }
    }

    /// A connection that has sent these bytes.
    pub(super) async fn connect(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// A connection of another client, that has sent these bytes.
    #[cfg(target_os = "linux")]
    pub(super) async fn connect_from(&self, client: [u8; 4], bytes: &[u8]) -> TcpStream {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((client, 0).into()).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// Whether connections are accepted.
    pub(super) async fn is_open(&self) -> bool {
        TcpStream::connect(self.address).await.is_ok()
    }

    /// The answer to a request without a body, over a connection of its own.
    pub(super) async fn get(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        rest(self.connect(head.as_bytes()).await).await
    }

    /// Waits until so many connections are open. They get there in turns of this loop.
    pub(super) async fn wait_for_connections(&self, count: usize) {
        while self.service.state.connections.len() != count {
            tokio::task::yield_now().await;
        }
    }
}

/// A request that posts the photograph.
pub(super) fn post(path: &str) -> Vec<u8> {
    let length = CAT.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), CAT].concat()
}

/// What a connection still brings until it is closed, whichever way that happens.
pub(super) async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
