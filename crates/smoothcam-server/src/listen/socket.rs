//! Reads and writes a TCP connection, and notices the client's end of it while nothing is read.

use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// How often a client is looked for while bytes of it wait to be read.
const LOOK: Duration = Duration::from_millis(250);

/// The bytes of further requests that are too many while one is in the queue.
const AHEAD: usize = 16 << 10;

/// A TCP connection, whose reading half is shared with [`end_of`].
pub(super) struct Socket {
    read: Arc<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Socket, Arc<OwnedReadHalf>) {
        let (read, write) = stream.into_split();
        let read = Arc::new(read);
        (Socket { read: read.clone(), write }, read)
    }
}

/// Waits until the client has ended its side of the connection or sent far more than its request, which is true, or
/// until `waits` is false, which is false.
///
/// HTTP reads nothing more while it holds a byte of a further request: without this, whoever sends one byte too many
/// and leaves would not be noticed until the answer is sent.
pub(super) async fn end_of(read: &OwnedReadHalf, waits: impl Fn() -> bool) -> bool {
    let stream: &TcpStream = read.as_ref();
    let mut ahead = vec![0; AHEAD];
    while waits() {
        match read.ready(Interest::READABLE).await {
            Ok(ready) if ready.is_read_closed() => return waits(),
            Ok(_) => match stream.peek(&mut ahead).await {
                // A client that leaves behind so much is not seen to leave, as its end comes last.
                Ok(count) if count == AHEAD => return waits(),
                Ok(_) => tokio::time::sleep(LOOK).await,
                Err(_) => return true,
            },
            Err(_) => return true,
        }
    }
    false
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let stream: &TcpStream = (*self.read).as_ref();
        loop {
            ready!(stream.poll_read_ready(context))?;
            match stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.write).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.write).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.write.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.write).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(context)
    }
}
