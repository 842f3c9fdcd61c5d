//! Pairs that are shown and pairs that are refused, from files, and what a change of the files does.
//! What is shown is read off a handshake in memory.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConnection, client::Resumption,
    pki_types::ServerName,
};
use tempfile::TempDir;

use super::*;
use crate::clock::{Clock as _, SystemClock, Timestamp};

fn made() -> Development {
    make_development(&["vault.test".to_owned()], SystemClock.now()).unwrap()
}

/// A folder with the files of one pair.
struct Files(TempDir);

impl Files {
    fn of(made: &Development) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::write(files.cert(), &made.cert).unwrap();
        files.write_key(made.key.expose());
        files
    }

    fn cert(&self) -> PathBuf {
        self.0.path().join("server.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("server-key.pem")
    }

    fn write_key(&self, content: &[u8]) {
        // Exchanged as a tool that renews certificates does, so that the inode changes in any case.
        let fresh = self.0.path().join("new");
        fs::write(&fresh, content).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&fresh, self.key()).unwrap();
    }

    fn exchange(&self, made: &Development) {
        let fresh = self.0.path().join("new");
        fs::write(&fresh, &made.cert).unwrap();
        fs::rename(&fresh, self.cert()).unwrap();
        self.write_key(made.key.expose());
    }

    fn load(&self) -> Result<ServerTls, TlsError> {
        ServerTls::load(&self.cert(), &self.key())
    }

    fn refused(&self) -> TlsError {
        self.load().err().unwrap()
    }
}

/// Whether a client that trusts this authority alone is shown a certificate of it.
fn shows(tls: &ServerTls, of: &Development) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(of.ca.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let name = ServerName::try_from("vault.test").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(tls.config()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        if client.process_new_packets().is_err() {
            return false;
        }
    }
    true
}

#[test]
fn a_pair_is_shown_and_another_pair_is_not() {
    let (made, other) = (made(), made());
    let tls = Files::of(&made).load().unwrap();
    assert!(shows(&tls, &made));
    assert!(!shows(&tls, &other));
}

#[test]
fn a_key_that_others_may_read_is_refused_and_one_of_its_owner_alone_is_not() {
    let files = Files::of(&made());
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(files.key(), fs::Permissions::from_mode(mode)).unwrap();
        assert!(
            matches!(files.refused(), TlsError::Loose(path) if path == files.key()),
            "{mode:o}"
        );
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(files.key(), fs::Permissions::from_mode(mode)).unwrap();
        assert!(files.load().is_ok(), "{mode:o}");
    }
    // A certificate is public.
    fs::set_permissions(files.cert(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(files.load().is_ok());
}

#[test]
fn a_key_of_another_certificate_is_refused_with_both_files_named() {
    let files = Files::of(&made());
    files.write_key(made().key.expose());
    let error = files.refused();
    assert!(
        matches!(&error, TlsError::Mismatch { cert, key } if *cert == files.cert() && *key == files.key())
    );
}

#[test]
fn each_fault_of_a_file_is_told_apart() {
    let made = made();
    let files = Files::of(&made);
    let key = String::from_utf8(made.key.expose().to_vec()).unwrap();
    let with_key = |content: &str| {
        files.write_key(content.as_bytes());
        files.refused()
    };
    assert!(matches!(with_key(""), TlsError::NoKey(_)));
    assert!(matches!(with_key(&made.cert), TlsError::NoKey(_)));
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(matches!(with_key(&encrypted), TlsError::NoKey(_)));
    assert!(matches!(with_key(key.split("-----END").next().unwrap()), TlsError::Pem(_)));
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(matches!(with_key(no_key), TlsError::KeyKind(_)));
    fs::remove_file(files.key()).unwrap();
    assert!(matches!(files.refused(), TlsError::Io(path, _) if path == files.key()));
    files.write_key(key.as_bytes());

    let with_cert = |content: &str| {
        fs::write(files.cert(), content).unwrap();
        files.refused()
    };
    assert!(matches!(with_cert(""), TlsError::NoCertificate(_)));
    assert!(matches!(with_cert(&key), TlsError::NoCertificate(_)));
    assert!(matches!(with_cert(made.cert.split("-----END").next().unwrap()), TlsError::Pem(_)));
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(with_cert(no_certificate), TlsError::Certificate(_)));
    fs::write(files.cert(), &made.cert).unwrap();
    assert!(files.load().is_ok());
}

#[test]
fn a_file_as_large_as_the_bound_is_read_and_a_larger_one_is_not() {
    let made = made();
    let files = Files::of(&made);
    let most = usize::try_from(limits::TLS_FILE_BYTES_MAX).unwrap();
    let padded = |bytes: usize| format!("{}{}", made.cert, "\n".repeat(bytes - made.cert.len()));
    fs::write(files.cert(), padded(most)).unwrap();
    assert!(files.load().is_ok());
    fs::write(files.cert(), padded(most + 1)).unwrap();
    assert!(matches!(files.refused(), TlsError::TooLarge(_)));
}

#[test]
fn changed_files_are_shown_at_the_next_look_and_unchanged_ones_are_left_alone() {
    let (first, second) = (made(), made());
    let files = Files::of(&first);
    let tls = files.load().unwrap();
    assert!(!tls.reload_if_changed().unwrap());
    files.exchange(&second);
    assert!(tls.reload_if_changed().unwrap());
    assert!(shows(&tls, &second) && !shows(&tls, &first));
    assert!(!tls.reload_if_changed().unwrap());
}

#[test]
fn a_pair_that_does_not_read_or_match_leaves_the_running_one_and_is_told_once() {
    let (first, second) = (made(), made());
    let files = Files::of(&first);
    let tls = files.load().unwrap();
    // Half of an exchange.
    files.write_key(second.key.expose());
    assert!(matches!(tls.reload_if_changed(), Err(TlsError::Mismatch { .. })));
    assert!(!tls.reload_if_changed().unwrap());
    assert!(shows(&tls, &first));
    fs::remove_file(files.cert()).unwrap();
    assert!(matches!(tls.reload_if_changed(), Err(TlsError::Io(..))));
    assert!(!tls.reload_if_changed().unwrap());
    assert!(shows(&tls, &first));
    // And the other half.
    files.exchange(&second);
    assert!(tls.reload_if_changed().unwrap());
    assert!(shows(&tls, &second));
}

#[test]
fn a_loosened_key_is_told_and_mending_its_mode_alone_is_seen() {
    let made = made();
    let files = Files::of(&made);
    let tls = files.load().unwrap();
    let set = |mode| fs::set_permissions(files.key(), fs::Permissions::from_mode(mode)).unwrap();
    set(0o644);
    assert!(matches!(tls.reload_if_changed(), Err(TlsError::Loose(_))));
    set(0o600);
    assert!(tls.reload_if_changed().unwrap());
    assert!(shows(&tls, &made));
}

#[test]
fn a_name_that_no_certificate_can_bear_is_refused_and_hosts_and_addresses_are_not() {
    let make = |name: &str| make_development(&[name.to_owned()], SystemClock.now());
    for name in ["vault.example.org", "10.0.0.1", "2001:db8::1", "localhost"] {
        assert!(make(name).is_ok(), "{name}");
    }
    for name in ["", "a b", "https://vault", "vault:7443", "*.example.org"] {
        assert!(matches!(make(name), Err(TlsError::Name(_))), "{name}");
    }
}

#[test]
fn a_day_that_no_certificate_can_bear_is_refused_and_the_last_that_one_can_is_not() {
    let at = |day: &str| {
        let date = day.parse().unwrap();
        make_development(&[], Timestamp::start_of(date, chrono_tz::UTC).unwrap())
    };
    assert!(at("1950-01-02").is_ok() && at("9999-12-01").is_ok());
    assert!(matches!(at("1950-01-01"), Err(TlsError::Day)));
    assert!(matches!(at("9999-12-02"), Err(TlsError::Day)));
    let ends = |millis| make_development(&[], Timestamp::from_millis(millis));
    assert!(matches!(ends(i64::MAX), Err(TlsError::Day)));
}
