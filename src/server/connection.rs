//! One connection, in clear or inside TLS, as the HTTP/2 server reads and writes it.
//!
//! It holds its place among all connections until it is dropped. One that does not say its HTTP/2
//! preface in time fails its read: before the preface the server has nothing yet that would notice.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Bytes of the preface that each HTTP/2 client begins with (RFC 9113 section 3.4).
const PREFACE_BYTES: usize = 24;

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection to be served.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    ends: TcpConnectInfo,
    /// `None` once it is there.
    preface: Option<Preface>,
    /// Given back when this is dropped.
    _place: OwnedSemaphorePermit,
}

/// A preface that is waited for.
struct Preface {
    missing: usize,
    until: Pin<Box<Sleep>>,
}

impl Connection {
    /// A connection whose preface must come within `preface` from now.
    pub(super) fn new(
        stream: Box<dyn Stream>,
        local: Option<SocketAddr>,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        preface: Duration,
    ) -> Self {
        let preface = Preface { missing: PREFACE_BYTES, until: Box::pin(sleep(preface)) };
        let ends = TcpConnectInfo { local_addr: local, remote_addr: Some(peer) };
        Self { stream, ends, preface: Some(preface), _place: place }
    }
}

impl Connected for Connection {
    /// The same with and without TLS: handlers ask for the caller's address.
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.ends.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, into);
        let Some(preface) = &mut this.preface else { return read };
        if read.is_pending() {
            ready!(preface.until.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let bytes = into.filled().len().saturating_sub(before);
        preface.missing = preface.missing.saturating_sub(bytes);
        if preface.missing == 0 {
            this.preface = None;
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
