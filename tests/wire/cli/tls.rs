//! TLS through the built program: certificates to try with, serving and calling with them, exchanging
//! them under way, and each refusal.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::program::{Done, Home, Serving};

/// A home with a founded vault and a development pair in `tls/`.
fn home() -> (Home, serde_json::Value) {
    let home = Home::new();
    let founded = home.init();
    let made = home.run(&["cert", "dev", &home.text("tls"), "--name", "vault.test"]);
    assert_eq!(made.code, 0, "{}", made.err);
    for line in ["30 days", "oubliette serve ", "--tls-cert ", "oubliette login ", "--ca "] {
        assert!(made.out.contains(line), "{line}: {}", made.out);
    }
    (home, founded)
}

/// Serves on every address of the machine with the pair of `tls/`; where a caller on it reaches that.
fn serve(home: &Home) -> (Serving, String) {
    let (cert, key) = (home.text("tls/server.pem"), home.text("tls/server-key.pem"));
    let mut args = home.serve_args("passphrase");
    *args.last_mut().unwrap() = "0.0.0.0:0".to_owned();
    args.extend(["--tls-cert".to_owned(), cert, "--tls-key".to_owned(), key]);
    let serving = home.serve_with(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let port = serving.address.rsplit(':').next().unwrap().to_owned();
    (serving, format!("localhost:{port}"))
}

fn exchange(home: &Home, from: &str) {
    for name in ["server.pem", "server-key.pem"] {
        fs::rename(home.path(from).join(name), home.path("tls").join(name)).unwrap();
    }
}

#[test]
fn a_vault_is_served_with_tls_used_with_its_ca_and_goes_on_with_an_exchanged_certificate() {
    let (home, founded) = home();
    let (serving, address) = serve(&home);
    let secret = founded["dpo"]["one_time_secret"].as_str().unwrap();
    let ca = home.text("tls/ca.pem");
    let uri = format!("https://{address}");
    let first = home.first_login_by("dpo-1", secret, &["--address", &uri, "--ca", "tls/ca.pem"]);
    assert_eq!(first.code, 0, "{}", first.err);
    // Address and CA are in the session now.
    let status = |more: &[&str]| home.run_as("dpo-1", &[&["status", "--json"], more].concat());
    assert_eq!(status(&[]).json()["status"]["node"], "node-1");

    let other = home.run(&["cert", "dev", &home.text("other")]);
    assert_eq!(other.code, 0, "{}", other.err);
    let (theirs, in_clear) = (home.text("other/ca.pem"), address.as_str());
    status(&["--ca", &theirs]).failed_saying(1, &["not signed by the CA", "other/ca.pem", "next:"]);
    let login = |more: &[&str]| home.login_by("dpo-1", more);
    login(&["--address", in_clear]).failed_saying(1, &["--ca"]);
    login(&["--address", &uri]).failed_saying(1, &["CA", "--ca FILE"]);
    let http = format!("http://{address}");
    login(&["--address", &http, "--ca", &ca]).failed_saying(1, &["https://"]);
    let by_address = address.replace("localhost", "127.0.0.2");
    login(&["--address", &by_address, "--ca", &ca])
        .failed_saying(1, &["not for `127.0.0.2`", "localhost, 127.0.0.1", "vault.test"]);
    login(&["--address", &uri, "--ca", &home.text("no.pem")]).failed_saying(1, &["no.pem"]);
    assert_eq!(login(&["--address", &uri, "--ca", &ca]).code, 0);

    exchange(&home, "other");
    serving.error_line("has changed");
    assert_eq!(status(&["--ca", &theirs]).json()["status"]["node"], "node-1");
    status(&[]).failed_saying(1, &["not signed by the CA"]);
    fs::write(home.path("tls/server.pem"), "broken").unwrap();
    serving.error_line("holds no certificate");
    assert_eq!(status(&["--ca", &theirs]).json()["status"]["node"], "node-1");
    assert_eq!(serving.terminate().code, 0);
}

#[test]
fn a_pair_that_must_not_be_served_is_refused_with_a_way_out_and_nothing_is_written_over() {
    let (home, _) = home();
    let (cert, key) = (home.text("tls/server.pem"), home.text("tls/server-key.pem"));
    let serve = |more: &[&str]| -> Done {
        let args = home.serve_args("passphrase");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        home.run(&[args.as_slice(), more].concat())
    };
    serve(&["--tls-cert", &cert]).failed_saying(2, &["--tls-key"]);
    serve(&["--tls-key", &key]).failed_saying(2, &["--tls-cert"]);
    serve(&["--tls-cert", &key, "--tls-key", &key]).failed_saying(1, &["no certificate"]);
    serve(&["--tls-cert", &cert, "--tls-key", &cert]).failed_saying(1, &["mode 0600"]);
    fs::set_permissions(home.path("tls/server-key.pem"), fs::Permissions::from_mode(0o640))
        .unwrap();
    let loose = serve(&["--tls-cert", &cert, "--tls-key", &key]);
    loose.failed_saying(1, &["read by others", "chmod 600", &key]);

    let before = fs::read(&cert).unwrap();
    let again = home.run(&["cert", "dev", &home.text("tls")]);
    again.failed_saying(1, &["there already", "next:"]);
    // Nor is half of a pair completed with another's.
    fs::remove_file(home.path("tls/ca.pem")).unwrap();
    assert_eq!(home.run(&["cert", "dev", &home.text("tls")]).code, 1);
    assert!(!home.path("tls/ca.pem").exists());
    assert_eq!(fs::read(&cert).unwrap(), before);
    home.run(&["cert", "dev", &home.text("named"), "--name", "a b"]).failed_saying(1, &["a b"]);
    assert!(!home.path("named").exists());
}

#[test]
fn the_key_is_its_owners_alone_and_the_key_of_the_authority_is_nowhere() {
    let (home, _) = home();
    let mode = |name: &str| fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("tls/server-key.pem"), 0o600);
    let mut names: Vec<_> = fs::read_dir(home.path("tls"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["ca.pem", "server-key.pem", "server.pem"]);
    let text = |name: &str| fs::read_to_string(home.path(name)).unwrap();
    assert_eq!(text("tls/server-key.pem").matches("PRIVATE KEY").count(), 2);
    assert!(!text("tls/ca.pem").contains("PRIVATE") && !text("tls/server.pem").contains("PRIVATE"));
}
