//! Which certificate is accepted, and what is said of one that is not. The handshakes are in memory.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustls::{ClientConnection, ServerConnection};
use tempfile::TempDir;

use super::*;
use crate::{
    clock::{ManualClock, SystemClock, Timestamp},
    identity::tls::{Development, ServerTls, make_development},
};

/// Noon of the day on which everything here is made.
const NOON_MS: i64 = 1_606_132_800_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn made() -> Development {
    make_development(&["vault.test".to_owned()], Timestamp::from_millis(NOON_MS)).unwrap()
}

fn server(folder: &TempDir, made: &Development) -> ServerTls {
    let (cert, key) = (folder.path().join("server.pem"), folder.path().join("server-key.pem"));
    fs::write(&cert, &made.cert).unwrap();
    fs::write(&key, made.key.expose()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    ServerTls::load(&cert, &key).unwrap()
}

fn trust(folder: &TempDir, made: &Development, now_ms: i64) -> Trust {
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &made.ca).unwrap();
    Trust::read(&ca, Arc::new(ManualClock::at(Timestamp::from_millis(now_ms)))).unwrap()
}

/// A handshake with `server` under the name `asked`.
fn greet(trust: &Trust, server: &ServerTls, asked: &str) -> Result<(), TlsRefusal> {
    let name = server_name(asked).unwrap();
    let mut client = ClientConnection::new(Arc::clone(&trust.config), name.clone()).unwrap();
    let mut server = ServerConnection::new(server.config()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets().map_err(|error| trust.refusal(&error, &name))?;
    }
    assert_eq!(client.alpn_protocol(), Some(ALPN));
    assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    Ok(())
}

#[test]
fn a_certificate_of_the_ca_is_accepted_and_one_of_another_ca_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (made, other) = (made(), made());
    let server = server(&folder, &made);
    assert_eq!(greet(&trust(&folder, &made, NOON_MS), &server, "vault.test"), Ok(()));
    let refused = greet(&trust(&folder, &other, NOON_MS), &server, "vault.test");
    assert_eq!(refused, Err(TlsRefusal::OtherCa(folder.path().join("ca.pem"))));
}

#[test]
fn each_name_of_the_certificate_is_accepted_and_another_is_refused_with_the_right_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let made = made();
    let (server, trust) = (server(&folder, &made), trust(&folder, &made, NOON_MS));
    for name in ["vault.test", "localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(greet(&trust, &server, name), Ok(()), "{name}");
    }
    for name in ["other.test", "127.0.0.2", "a.vault.test"] {
        let refused = greet(&trust, &server, name).unwrap_err();
        let TlsRefusal::OtherName { asked, names } = refused else { panic!("{refused}") };
        assert_eq!(asked, name);
        assert!(names.starts_with("localhost, 127.0.0.1, ") && names.ends_with(", vault.test"));
    }
}

#[test]
fn a_certificate_is_good_from_its_first_day_to_its_last_by_the_callers_clock() {
    let folder = tempfile::tempdir().unwrap();
    let made = made();
    let server = server(&folder, &made);
    let at = |now_ms| greet(&trust(&folder, &made, now_ms), &server, "vault.test");
    let midnight = NOON_MS - DAY_MS / 2;
    let first = midnight - DAY_MS;
    assert_eq!(at(first - 1_000), Err(TlsRefusal::NotYet));
    assert_eq!(at(first), Ok(()));
    let end = midnight + 30 * DAY_MS;
    assert_eq!(made.until.to_string(), "2020-12-23");
    assert_eq!(at(end), Ok(()));
    assert_eq!(at(end + 1_000), Err(TlsRefusal::Expired));
}

#[test]
fn a_file_without_a_certificate_is_no_ca_and_one_with_several_trusts_each() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (made(), made());
    let path = folder.path().join("ca.pem");
    let read = || Trust::read(&path, Arc::new(SystemClock));
    assert!(matches!(read(), Err(ClientError::Ca(TlsError::Io(..)))));
    fs::write(&path, "").unwrap();
    assert!(matches!(read(), Err(ClientError::Ca(TlsError::NoCertificate(_)))));
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&path, format!("{}{damaged}", one.ca)).unwrap();
    assert!(matches!(read(), Err(ClientError::Ca(TlsError::Certificate(_)))));
    let both = Development { ca: format!("{}{}", one.ca, two.ca), ..made() };
    let both = trust(&folder, &both, NOON_MS);
    for made in [one, two] {
        assert_eq!(greet(&both, &server(&folder, &made), "vault.test"), Ok(()));
    }
}

#[test]
fn a_refusal_is_found_among_the_causes_of_an_error_and_only_there() {
    let refusal = TlsRefusal::Expired;
    let status = tonic::Status::from_error(Box::new(io::Error::other(Wrapped(refusal.clone()))));
    let found = ClientError::from(status);
    assert!(matches!(&found, ClientError::Tls(found) if *found == refusal), "{found}");
    assert!(found.hint().contains("renew"));
    let plain = tonic::Status::from_error(Box::new(io::Error::other("broken pipe")));
    assert!(matches!(ClientError::from(plain), ClientError::Refused(_)));
}

#[derive(Debug, thiserror::Error)]
#[error("the connection")]
struct Wrapped(#[source] TlsRefusal);
