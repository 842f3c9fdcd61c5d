//! How connections come in: accepted, counted, and with TLS greeted, each on its own.
//!
//! One slow caller stops nobody: a handshake is a task of its own and has its time. At the bound of
//! connections a further one is closed at once, before any handshake: its caller then knows that the
//! vault is busy, where a place in the backlog would leave it waiting for its own deadline. At the
//! bound of handshakes nothing is accepted until one ends, which is soon, since each is timed: callers
//! that come in a crowd wait a moment in the backlog. A failing accept is tried again, for ever.
//!
//! Nothing of a caller is kept or told here but how many there are.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;

use super::connection::Connection;
use crate::{identity::tls::ServerTls, limits};

/// How many connections, and how patient. Every default is that of `limits`.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at one time, over all listeners of one [`Entry`].
    pub connections_max: usize,
    /// TLS handshakes under way at one time, likewise.
    pub handshakes_max: usize,
    /// Longest TLS handshake.
    pub handshake: Duration,
    /// Longest wait for the HTTP/2 preface.
    pub preface: Duration,
    /// How often the other end is asked whether it lives.
    pub keepalive_interval: Duration,
    /// How long it may take to answer that.
    pub keepalive_timeout: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            handshakes_max: limits::TLS_HANDSHAKES_MAX,
            handshake: Duration::from_millis(limits::TLS_HANDSHAKE_MS),
            preface: Duration::from_millis(limits::PREFACE_MS),
            keepalive_interval: Duration::from_millis(limits::KEEPALIVE_INTERVAL_MS),
            keepalive_timeout: Duration::from_millis(limits::KEEPALIVE_TIMEOUT_MS),
        }
    }
}

/// How callers come in: in clear or with TLS, and within which bounds. Clones share the count of
/// connections, so that several listeners have one bound together.
#[derive(Clone)]
pub struct Entry {
    tls: Option<Arc<ServerTls>>,
    bounds: Bounds,
    places: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    tell: fn(&str),
}

impl Entry {
    /// With TLS, or without it in clear. Nothing is told to anybody.
    #[must_use]
    pub fn new(tls: Option<Arc<ServerTls>>, bounds: Bounds) -> Self {
        Self {
            tls,
            bounds,
            places: Arc::new(Semaphore::new(bounds.connections_max)),
            handshakes: Arc::new(Semaphore::new(bounds.handshakes_max)),
            tell: |_| {},
        }
    }

    /// In clear, within the bounds of `limits`.
    #[must_use]
    pub fn plain() -> Self {
        Self::new(None, Bounds::default())
    }

    /// The same, telling an operator in one line each time connections begin to be closed or to fail.
    #[must_use]
    pub fn telling(self, tell: fn(&str)) -> Self {
        Self { tell, ..self }
    }

    /// Whether callers must speak TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The connections of a listener, until the stream is dropped: listening then ends, and so do the
    /// handshakes under way.
    pub(super) fn incoming(self, listener: TcpListener) -> Incoming {
        self.accepting(listener)
    }

    fn accepting(self, listener: impl Accept) -> Incoming {
        let (sender, connections) = mpsc::channel(1);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept_all(listener, self, sender));
        Incoming { connections, _accepting: accepting }
    }
}

/// The connections of one listener.
pub(super) struct Incoming {
    connections: mpsc::Receiver<Connection>,
    /// Dropped with this, which ends it.
    _accepting: JoinSet<()>,
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.connections.poll_recv(cx).map(|connection| connection.map(Ok))
    }
}

/// A listening socket; a test puts a failing one in its place.
trait Accept: Send + 'static {
    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }
}

async fn accept_all(listener: impl Accept, entry: Entry, sender: mpsc::Sender<Connection>) {
    let mut greeting = JoinSet::new();
    let mut said = Said { tell: entry.tell, failing: false, full: false };
    loop {
        while greeting.try_join_next().is_some() {}
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                said.failed(&error);
                if !is_of_one_connection(&error) {
                    sleep(Duration::from_millis(limits::ACCEPT_RETRY_MS)).await;
                }
                continue;
            }
        };
        said.accepts();
        let Ok(place) = Arc::clone(&entry.places).try_acquire_owned() else {
            said.full(entry.bounds.connections_max);
            continue;
        };
        said.has_room();
        // Without it each answer waits some 40 ms for the caller's delayed acknowledgement; a socket
        // that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        let accepted = Accepted { stream, peer, place, preface: entry.bounds.preface };
        let Some(tls) = &entry.tls else {
            if sender.send(accepted.plain()).await.is_err() {
                return;
            }
            continue;
        };
        // Until it can be greeted nothing more is accepted. Fails only once the semaphore is closed,
        // which it never is.
        let Ok(handshake) = Arc::clone(&entry.handshakes).acquire_owned().await else { return };
        let acceptor = TlsAcceptor::from(tls.config());
        let (sender, time) = (sender.clone(), entry.bounds.handshake);
        greeting.spawn(async move {
            let greeted = timeout(time, accepted.greet(acceptor)).await;
            drop(handshake);
            // A caller that spoke no TLS 1.3 was told so by an alert; one that said nothing is closed.
            if let Ok(Ok(connection)) = greeted {
                // The receiver is gone only when nothing is served any more.
                let _ = sender.send(connection).await;
            }
        });
    }
}

/// Errors that concern the connection that was about to come, and not the socket.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// A connection that has a place and has said nothing yet.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    preface: Duration,
}

impl Accepted {
    fn plain(self) -> Connection {
        let local = self.stream.local_addr().ok();
        Connection::new(Box::new(self.stream), local, self.peer, self.place, self.preface)
    }

    async fn greet(self, acceptor: TlsAcceptor) -> io::Result<Connection> {
        let local = self.stream.local_addr().ok();
        let stream = acceptor.accept(self.stream).await?;
        Ok(Connection::new(Box::new(stream), local, self.peer, self.place, self.preface))
    }
}

/// Says each trouble once, when it begins.
struct Said {
    tell: fn(&str),
    failing: bool,
    full: bool,
}

impl Said {
    fn failed(&mut self, error: &io::Error) {
        if !self.failing && !is_of_one_connection(error) {
            (self.tell)(&format!(
                "WARNING: no connection can be accepted: {error}; tried again until it can"
            ));
            self.failing = true;
        }
    }

    fn accepts(&mut self) {
        self.failing = false;
    }

    fn full(&mut self, most: usize) {
        if !self.full {
            (self.tell)(&format!(
                "WARNING: {most} connections are open, the most there may be; further ones are closed"
            ));
        }
        self.full = true;
    }

    fn has_room(&mut self) {
        self.full = false;
    }
}

#[cfg(test)]
mod tests;
