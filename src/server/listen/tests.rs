//! Which connections get in, at each bound and just above it. Sockets are real ones of this machine;
//! every wait ends with the thing waited for.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_stream::StreamExt as _;
use tonic::transport::server::Connected as _;

use super::*;
use crate::{
    client::{Client, Trust},
    clock::{Clock as _, SystemClock},
    identity::tls::make_development,
};

/// For waits that must not end by time.
const LONG: Duration = Duration::from_secs(600);
/// For waits that must, however late.
const SHORT: Duration = Duration::from_millis(20);

fn patient() -> Bounds {
    Bounds { handshake: LONG, preface: LONG, ..Bounds::default() }
}

/// A pair made for this test, and the trust in it.
fn pair(folder: &Path) -> (Arc<ServerTls>, Trust) {
    let made = make_development(&[], SystemClock.now()).unwrap();
    let path = |name: &str| folder.join(name);
    fs::write(path("ca.pem"), &made.ca).unwrap();
    fs::write(path("server.pem"), &made.cert).unwrap();
    fs::write(path("key.pem"), made.key.expose()).unwrap();
    fs::set_permissions(path("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let tls = ServerTls::load(&path("server.pem"), &path("key.pem")).unwrap();
    let trust = Trust::read(&path("ca.pem"), Arc::new(SystemClock)).unwrap();
    (Arc::new(tls), trust)
}

async fn listening(entry: Entry) -> (Incoming, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (entry.incoming(listener), address)
}

async fn next(incoming: &mut Incoming) -> Connection {
    timeout(LONG, incoming.next()).await.unwrap().unwrap().unwrap()
}

/// Whether the other end closed without a word.
async fn closed(stream: &mut TcpStream) -> bool {
    // A reset is an end as well.
    let read = timeout(LONG, stream.read(&mut [0; 1])).await.unwrap();
    read.map_or(true, |bytes| bytes == 0)
}

#[tokio::test]
async fn as_many_connections_as_the_bound_get_in_and_one_more_is_closed_until_one_goes() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let entry = Entry::new(None, Bounds { connections_max: 2, ..patient() });
    let entry = entry.telling(|line| TOLD.lock().push(line.to_owned()));
    let (mut incoming, address) = listening(entry).await;
    let first = TcpStream::connect(address).await.unwrap();
    let served = next(&mut incoming).await;
    let _second = TcpStream::connect(address).await.unwrap();
    let _served_too = next(&mut incoming).await;
    assert!(TOLD.lock().is_empty());
    for _ in 0..2 {
        let mut third = TcpStream::connect(address).await.unwrap();
        assert!(closed(&mut third).await);
    }
    let told = TOLD.lock().clone();
    assert!(told.len() == 1 && told[0].contains("2 connections are open"), "{told:?}");
    drop((first, served));
    let _fourth = TcpStream::connect(address).await.unwrap();
    next(&mut incoming).await;
}

#[tokio::test]
async fn two_listeners_of_one_entry_count_their_connections_together() {
    let entry = Entry::new(None, Bounds { connections_max: 1, ..patient() });
    let (mut one, at_one) = listening(entry.clone()).await;
    let (_two, at_two) = listening(entry).await;
    let _first = TcpStream::connect(at_one).await.unwrap();
    let _served = next(&mut one).await;
    let mut second = TcpStream::connect(at_two).await.unwrap();
    assert!(closed(&mut second).await);
}

#[tokio::test]
async fn handlers_learn_the_callers_address_in_clear_and_through_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, trust) = pair(folder.path());
    let (mut incoming, address) = listening(Entry::new(None, patient())).await;
    let caller = TcpStream::connect(address).await.unwrap();
    let ends = next(&mut incoming).await.connect_info();
    assert_eq!(ends.remote_addr, Some(caller.local_addr().unwrap()));
    assert_eq!(ends.local_addr, Some(address));

    let (mut incoming, address) = listening(Entry::new(Some(tls), patient())).await;
    let greeted = tokio::spawn(async move {
        let client = Client::connect_by(&address.to_string(), Some(&trust)).await;
        client.map(|_| ())
    });
    let ends = next(&mut incoming).await.connect_info();
    assert_eq!(ends.remote_addr.unwrap().ip(), address.ip());
    assert_ne!(ends.remote_addr, Some(address));
    assert_eq!(ends.local_addr, Some(address));
    greeted.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stalled_handshake_stops_nobody_below_the_bound_and_at_it_the_next_waits_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, trust) = pair(folder.path());
    let greet = |address: SocketAddr| {
        let trust = trust.clone();
        tokio::spawn(async move {
            Client::connect_by(&address.to_string(), Some(&trust)).await.map(|_| ())
        })
    };
    let entry =
        |handshakes_max| Entry::new(Some(Arc::clone(&tls)), Bounds { handshakes_max, ..patient() });
    let two = entry(2);
    let (mut incoming, address) = listening(two.clone()).await;
    let _silent = TcpStream::connect(address).await.unwrap();
    let greeted = greet(address);
    let _served = next(&mut incoming).await;
    greeted.await.unwrap().unwrap();
    assert_eq!(two.handshakes.available_permits(), 1, "the silent one's");

    let one = entry(1);
    let (mut incoming, address) = listening(one.clone()).await;
    let silent = TcpStream::connect(address).await.unwrap();
    while one.handshakes.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let greeted = greet(address);
    drop(silent);
    let _served = next(&mut incoming).await;
    greeted.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut_in_time_and_gives_its_place_back() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, _) = pair(folder.path());
    let bounds = Bounds { handshake: SHORT, connections_max: 1, ..patient() };
    let entry = Entry::new(Some(tls), bounds);
    let (_incoming, address) = listening(entry.clone()).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert!(closed(&mut silent).await);
    while entry.places.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_without_a_preface_is_closed_in_time_and_one_with_it_is_not() {
    let read = |spoken: &'static [u8], preface: Duration| async move {
        let (mut incoming, address) =
            listening(Entry::new(None, Bounds { preface, ..patient() })).await;
        let mut caller = TcpStream::connect(address).await.unwrap();
        let mut served = next(&mut incoming).await;
        caller.write_all(spoken).await.unwrap();
        let mut bytes = vec![0; 24];
        served.read_exact(&mut bytes).await?;
        drop(caller);
        // After the preface only the caller's own end is waited for.
        assert_eq!(served.read(&mut bytes).await?, 0);
        Ok::<_, io::Error>(())
    };
    let whole = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert!(read(whole, LONG).await.is_ok());
    for spoken in [&whole[..0], &whole[..23]] {
        assert_eq!(read(spoken, SHORT).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}

#[tokio::test]
async fn a_failing_accept_is_told_once_and_does_not_end_the_listening() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Out of file descriptors twice, then a connection that went before it was accepted.
    let errors = [24, 24, 103].map(io::Error::from_raw_os_error);
    let failing = Failing { listener, errors: Mutex::new(errors.into_iter().rev().collect()) };
    let entry = Entry::new(None, patient()).telling(|line| TOLD.lock().push(line.to_owned()));
    let mut incoming = entry.accepting(failing);
    let _caller = TcpStream::connect(address).await.unwrap();
    next(&mut incoming).await;
    let told = TOLD.lock().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("no connection can be accepted"), "{told:?}");
}

/// Fails with each of these errors, the last first, then accepts.
struct Failing {
    listener: TcpListener,
    errors: Mutex<Vec<io::Error>>,
}

impl Accept for Failing {
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let error = self.errors.lock().pop();
        match error {
            Some(error) => Err(error),
            None => self.listener.accept().await,
        }
    }
}

#[tokio::test]
async fn a_dropped_stream_of_connections_no_longer_listens() {
    let (incoming, address) = listening(Entry::plain()).await;
    assert!(TcpStream::connect(address).await.is_ok());
    drop(incoming);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
