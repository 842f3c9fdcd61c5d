//! How callers get in: with TLS and without, whom each side accepts, and what a served vault does with
//! connections that stall, go dead, ask for too much or are too many.

mod raw;

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc, time::Duration};

use oubliette::{
    client::{Client, ClientError, Reason, TlsRefusal, Trust, types::Intent},
    clock::{Clock as _, SystemClock},
    identity::tls::{Development, ServerTls, make_development},
    limits,
    server::{ConnectionBounds as Bounds, Entry},
};
use tempfile::TempDir;
use tonic::{Request, Status};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::support::{DPO, House, case, refused, run};
use raw::{Frame, PING, Raw, client_hello};

/// For waits that must not end by time.
const LONG: Duration = Duration::from_secs(600);
/// For waits that must.
const SHORT: Duration = Duration::from_millis(20);

/// No caller of a test is too slow.
fn patient() -> Bounds {
    Bounds { handshake: LONG, preface: LONG, ..Bounds::default() }
}

/// The files of one pair at a time, as an operator keeps them.
struct Pair {
    folder: TempDir,
    tls: Arc<ServerTls>,
    trust: Trust,
}

impl Pair {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = made();
        write(&folder, &made);
        let path = |name: &str| folder.path().join(name);
        let tls = ServerTls::load(&path("server.pem"), &path("key.pem")).unwrap();
        let trust = trust(&folder, "ca.pem", &made);
        Self { folder, tls: Arc::new(tls), trust }
    }

    fn entry(&self) -> Entry {
        Entry::new(Some(Arc::clone(&self.tls)), patient())
    }

    fn cert(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }
}

fn made() -> Development {
    make_development(&[], SystemClock.now()).unwrap()
}

fn write(folder: &TempDir, made: &Development) {
    fs::write(folder.path().join("server.pem"), &made.cert).unwrap();
    fs::write(folder.path().join("key.pem"), made.key.expose()).unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(folder.path().join("key.pem"), private).unwrap();
}

fn trust(folder: &TempDir, name: &str, made: &Development) -> Trust {
    let ca = folder.path().join(name);
    fs::write(&ca, &made.ca).unwrap();
    Trust::read(&ca, Arc::new(SystemClock)).unwrap()
}

fn tls_refusal<T>(result: Result<T, ClientError>) -> TlsRefusal {
    match result {
        Err(ClientError::Tls(refusal)) => refusal,
        Err(other) => panic!("not a refusal of TLS: {other}"),
        Ok(_) => panic!("a connection where a refusal was due"),
    }
}

/// Asks for the vault's health, which needs no session, with a header of so many bytes.
async fn ask(client: &Client, header_bytes: usize) -> Result<(), Status> {
    let mut request = Request::new(HealthCheckRequest { service: String::new() });
    request.metadata_mut().insert("x-pad", "a".repeat(header_bytes).parse().unwrap());
    HealthClient::new(client.channel()).check(request).await.map(|_| ())
}

#[test]
fn a_caller_who_trusts_the_vaults_ca_is_answered_on_any_address_and_one_who_trusts_another_goes_away()
 {
    run(async {
        let (pair, house) = (Pair::new(), House::in_memory(900));
        // On every address of the machine, which without TLS is refused (`coverage`).
        let served = house.serve_tls(pair.entry(), &pair.trust).await;
        let filed = served
            .queue("reunion", case("reunion", "EXEMPLE-TLS", "2020-11-23"), "investigation-974")
            .await;
        let investigator = served.as_agent("inv-974").await;
        let revealed = investigator.reveal(&Intent::of("p2"), filed.record, &["identity"]).await;
        assert!(revealed.unwrap().field("last_name").is_some());
        // TLS opens no session.
        assert_eq!(refused(served.open.status().await), Reason::Unauthenticated);

        let address = served.address.to_string();
        let other = trust(&pair.folder, "other.pem", &made());
        let refusal = tls_refusal(Client::connect_by(&address, Some(&other)).await);
        assert!(
            matches!(&refusal, TlsRefusal::OtherCa(ca) if ca.ends_with("other.pem")),
            "{refusal}"
        );
        let named = format!("127.0.0.2:{}", served.address.port());
        let refusal = tls_refusal(Client::connect_by(&named, Some(&pair.trust)).await);
        assert!(matches!(refusal, TlsRefusal::OtherName { .. }), "{refusal}");
        served.stop().await;
    });
}

#[test]
fn a_caller_in_clear_is_not_answered_through_tls_nor_the_other_way_round() {
    run(async {
        let (pair, house, clear) = (Pair::new(), House::in_memory(901), House::in_memory(902));
        let served = house.serve_tls(pair.entry(), &pair.trust).await;
        let in_clear = Client::connect(&served.address.to_string()).await.unwrap();
        assert!(ask(&in_clear, 1).await.is_err());
        assert!(ask(&served.open, 1).await.is_ok());
        let error = in_clear.login(DPO, &crate::support::secret("a secret in clear")).await.err();
        assert!(error.unwrap().hint().contains("--ca"));
        served.stop().await;

        let served = clear.serve().await;
        let address = served.address.to_string();
        let refusal = tls_refusal(Client::connect_by(&address, Some(&pair.trust)).await);
        assert!(matches!(refusal, TlsRefusal::NotTls(_)), "{refusal}");
        assert!(ask(&served.open, 1).await.is_ok());
        served.stop().await;
    });
}

#[test]
fn a_client_of_tls_1_2_is_refused_by_its_version_and_the_same_one_of_1_3_is_greeted() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const PROTOCOL_VERSION: u8 = 70;
    run(async {
        let (pair, house) = (Pair::new(), House::in_memory(903));
        let served = house.serve_tls(pair.entry(), &pair.trust).await;
        let mut raw = Raw::connect(served.address).await;
        raw.send(&client_hello(false)).await;
        assert_eq!(raw.tls_record().await, (ALERT, vec![2, PROTOCOL_VERSION]));
        let mut raw = Raw::connect(served.address).await;
        raw.send(&client_hello(true)).await;
        assert_eq!(raw.tls_record().await.0, HANDSHAKE);
        served.stop().await;
    });
}

#[test]
fn new_connections_see_an_exchanged_certificate_and_standing_ones_go_on() {
    run(async {
        let (pair, house) = (Pair::new(), House::in_memory(904));
        let served = house.serve_tls(pair.entry(), &pair.trust).await;
        let address = served.address.to_string();
        let fresh = made();
        let trusting_fresh = trust(&pair.folder, "fresh.pem", &fresh);
        tls_refusal(Client::connect_by(&address, Some(&trusting_fresh)).await);

        write(&pair.folder, &fresh);
        assert!(pair.tls.reload_if_changed().unwrap());
        let client = Client::connect_by(&address, Some(&trusting_fresh)).await.unwrap();
        assert!(ask(&client, 1).await.is_ok());
        tls_refusal(Client::connect_by(&address, Some(&pair.trust)).await);
        assert!(ask(&served.open, 1).await.is_ok(), "made before the exchange");

        // A broken file leaves the running pair in force.
        fs::write(pair.cert(), "broken").unwrap();
        assert!(pair.tls.reload_if_changed().is_err());
        let client = Client::connect_by(&address, Some(&trusting_fresh)).await.unwrap();
        assert!(ask(&client, 1).await.is_ok());
        served.stop().await;
    });
}

#[test]
fn a_stalled_handshake_does_not_stop_the_next_caller() {
    run(async {
        let (pair, house) = (Pair::new(), House::in_memory(905));
        let bounds = patient();
        let entry = Entry::new(Some(Arc::clone(&pair.tls)), bounds);
        let served = house.serve_tls(entry, &pair.trust).await;
        let mut half = Raw::connect(served.address).await;
        half.send(&client_hello(true)[..20]).await;
        let client = Client::connect_by(&served.address.to_string(), Some(&pair.trust)).await;
        assert!(ask(&client.unwrap(), 1).await.is_ok());
        // Nor does it hold the end up.
        served.stop().await;
        half.end().await;
    });
}

#[test]
fn a_vault_serves_as_many_connections_as_its_bound_and_closes_one_more_until_one_goes() {
    run(async {
        let (pair, house) = (Pair::new(), House::in_memory(906));
        let bounds = Bounds { connections_max: 2, ..patient() };
        let entry = Entry::new(Some(Arc::clone(&pair.tls)), bounds);
        let served = house.serve_tls(entry, &pair.trust).await;
        let address = served.address.to_string();
        let connect = || Client::connect_by(&address, Some(&pair.trust));
        let second = connect().await.unwrap();
        assert!(ask(&served.open, 1).await.is_ok() && ask(&second, 1).await.is_ok());
        assert_eq!(tls_refusal(connect().await), TlsRefusal::Closed);
        drop(second);
        // Its place is free once the vault has seen it go.
        let third = loop {
            match connect().await {
                Ok(third) => break third,
                Err(error) => assert!(matches!(error, ClientError::Tls(TlsRefusal::Closed))),
            }
        };
        assert!(ask(&third, 1).await.is_ok() && ask(&served.open, 1).await.is_ok());
        served.stop().await;
    });
}

#[test]
fn a_connection_that_no_longer_answers_is_closed_and_one_that_does_is_kept() {
    run(async {
        let house = House::in_memory(907);
        let bounds = |keepalive_timeout| Bounds {
            keepalive_interval: SHORT,
            keepalive_timeout,
            ..patient()
        };
        let served = house.serve_within(bounds(SHORT)).await;
        let mut dead = Raw::connect(served.address).await;
        dead.begin_http2().await;
        let mut asked = 0;
        while let Some(Frame { kind, .. }) = dead.frame().await {
            asked += usize::from(kind == PING);
        }
        assert_eq!(asked, 1, "it was asked, did not answer and was closed");
        served.stop().await;

        let served = house.serve_within(bounds(LONG)).await;
        let mut alive = Raw::connect(served.address).await;
        alive.begin_http2().await;
        let mut asked = 0;
        while asked < 5 {
            let frame = alive.frame().await.expect("it answers, so it stays");
            if frame.kind == PING {
                asked += 1;
                alive.answer(&frame).await;
            }
        }
        served.stop().await;
    });
}

#[test]
fn headers_within_their_bound_are_read_and_larger_ones_are_refused_alone() {
    run(async {
        let house = House::in_memory(908);
        let served = house.serve().await;
        let bound = usize::try_from(limits::HEADER_LIST_BYTES_MAX).unwrap();
        // The other headers of a call take some hundred bytes.
        assert!(ask(&served.open, bound - 1_000).await.is_ok());
        assert!(ask(&served.open, bound).await.is_err());
        assert!(ask(&served.open, 1).await.is_ok(), "on the same connection");
        served.stop().await;
    });
}
