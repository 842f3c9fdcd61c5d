//! `certificate verify` against everything that can lie beside a certificate: the exported log, the keyring
//! of a place, another vault's log; and each of them tampered with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use super::{Desk, Done, Home};
use crate::support::{DPO, House, run};

/// What is left of a vault that erased a record, stopped, with all that proves it.
struct Shelf {
    home: Home,
    certificate: String,
    key: String,
    log_key: String,
    keyring: String,
    /// The log before the erasure.
    early: String,
    log: String,
}

impl Shelf {
    /// Erases a record; `then` adds to the story before the certificate is fetched.
    fn after_an_erasure(then: impl FnOnce(&Home)) -> Self {
        let desk = Desk::opened();
        let record = desk.filed();
        desk.filed();
        let early = desk.home.text("early");
        assert_eq!(desk.home.run_as("dpo-1", &["audit", "export", &early]).code, 0);
        let why = ["--purpose", "p7", "--justification", "objection upheld", "--yes", "--json"];
        let erased = desk.home.run_as("desk-974", &[&["erase", &record], &why[..]].concat()).json();
        let after = erased["generation"].as_u64().unwrap();
        let keyring = desk.home.path(&format!("place-b/keyring.{after}"));
        fs::copy(keyring, desk.home.path("keyring")).unwrap();
        then(&desk.home);
        let id = erased["certificate"].as_str().unwrap();
        let certificate = desk.home.run_as("dpo-1", &["certificate", "get", "--id", id]);
        let log = desk.home.text("log");
        assert_eq!(desk.home.run_as("dpo-1", &["audit", "export", &log]).code, 0);
        let of = |name: &str| desk.founded[name].as_str().unwrap().to_owned();
        let (key, log_key) = (of("certificate_verifier_key"), of("log_verifier_key"));
        let Desk { home, serving, .. } = desk;
        assert_eq!(serving.terminate().code, 0);
        let (certificate, keyring) = (certificate.out, home.text("keyring"));
        home.secret_file("certificate.json", &certificate);
        Self { home, certificate, key, log_key, keyring, early, log }
    }

    fn verify_with(&self, log: &str, log_key: &str, keyring: &str) -> Done {
        let file = self.home.text("certificate.json");
        let always = ["certificate", "verify", &file, "--key", &self.key, "--json"];
        let more = ["--log", log, "--log-key", log_key, "--keyring", keyring];
        self.home.run(&[&always[..], &more[..]].concat())
    }

    fn verify(&self) -> Done {
        self.verify_with(&self.log, &self.log_key, &self.keyring)
    }

    /// Writes other bytes over a file while something is looked at.
    fn with<T>(&self, path: &Path, content: Option<Vec<u8>>, look: impl FnOnce() -> T) -> T {
        let whole = fs::read(path).unwrap();
        match content {
            Some(content) => fs::write(path, content).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let seen = look();
        fs::write(path, whole).unwrap();
        seen
    }

    /// The one file below a folder of the log.
    fn only(&self, folder: &str) -> PathBuf {
        let files = super::files(&Path::new(&self.log).join(folder));
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

/// The verdicts of a run, in order.
fn verdicts(done: &Done) -> Vec<(String, String)> {
    let said: Json = serde_json::from_str(done.out.lines().next().unwrap()).unwrap();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let checks = said["checks"].as_array().unwrap();
    checks.iter().map(|c| (text(&c["check"]), text(&c["verdict"]))).collect()
}

/// The run failed, by these checks alone and with these words in one of them.
fn failed_by(done: &Done, checks: &[&str], words: &str) {
    assert_eq!(done.code, 1, "{}{}", done.out, done.err);
    let found = verdicts(done);
    let failed: Vec<&str> =
        found.iter().filter(|(_, v)| v == "failed").map(|(check, _)| check.as_str()).collect();
    assert_eq!(failed, checks, "{}", done.out);
    assert!(done.out.contains(words), "`{words}`: {}", done.out);
    done.failed_saying(1, &["the certificate is not proven", "next:"]);
}

fn flipped(path: &Path, at: usize) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    Some(bytes)
}

#[test]
fn a_certificate_is_proven_by_log_and_keyring_and_each_forgery_is_named() {
    let shelf = Shelf::after_an_erasure(|_| {});
    let whole = shelf.verify();
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    let expected = [
        ("signature", "ok"),
        ("content", "ok"),
        ("checkpoint", "ok"),
        ("log", "ok"),
        ("intent", "ok"),
        ("generations", "ok"),
        ("t2", "not_checked"),
        ("keyring", "ok"),
    ];
    assert_eq!(verdicts(&whole), expected.map(|(c, v)| (c.to_owned(), v.to_owned())));

    // The log: from before the erasure, of another vault, cut, and with its generations spoilt.
    let early = shelf.verify_with(&shelf.early, &shelf.log_key, &shelf.keyring);
    failed_by(&early, &["log"], "an older checkpoint signed");
    let (other, other_key) = another_vaults_log(&shelf.home);
    let foreign = shelf.verify_with(&other, &other_key, &shelf.keyring);
    failed_by(&foreign, &["checkpoint"], "the checkpoint is of another log");
    let mixed = shelf.verify_with(&shelf.log, &other_key, &shelf.keyring);
    failed_by(&mixed, &["checkpoint", "log"], "the checkpoint is of another log");
    let details = shelf.only("generations");
    for (content, words) in [
        (flipped(&details, 0), "does not hold the detail of leaf 0"),
        (flipped(&details, 77 + 76), "does not hold the detail of leaf"),
        (Some(fs::read(&details).unwrap()[77..].to_vec()), "does not hold the detail of leaf 0"),
        (None, "is missing"),
    ] {
        let done = shelf.with(&details, content, || shelf.verify());
        failed_by(&done, &["log"], words);
    }
    let bundle = shelf.only("tile/entries");
    let last = fs::metadata(&bundle).unwrap().len() - 1;
    let last = usize::try_from(last).unwrap();
    let done = shelf.with(&bundle, flipped(&bundle, last), || shelf.verify());
    failed_by(&done, &["log"], "is not a leaf");

    // The keyring: flipped, of another generation, none at all.
    let keyring = PathBuf::from(&shelf.keyring);
    for (at, words) in [
        (0, "is not a keyring"),
        (12, "is of generation"),
        (20, "is of another vault"),
        (60, "is not the keyring of the certificate"),
    ] {
        let done = shelf.with(&keyring, flipped(&keyring, at), || shelf.verify());
        failed_by(&done, &["keyring"], words);
    }
    failed_by(&shelf.with(&keyring, None, || shelf.verify()), &["keyring"], "cannot be read");

    // One without the other is no check at all, and nothing is half said.
    let file = shelf.home.text("certificate.json");
    let alone = ["certificate", "verify", &file, "--key", &shelf.key];
    let half = shelf.home.run(&[&alone[..], &["--log", &shelf.log]].concat());
    half.failed_saying(2, &["--log-key"]);
    let bare = shelf.home.run(&alone);
    assert_eq!(bare.code, 0, "{}", bare.err);
    for check in ["checkpoint", "log", "intent", "generations", "t2", "keyring"] {
        let line = bare.out.lines().find(|line| line.starts_with(&format!("{check} ")));
        assert!(line.is_some_and(|line| line.contains("not checked")), "{check}: {}", bare.out);
    }
    assert!(bare.out.contains("still readable:") && bare.out.contains("until t2"), "{}", bare.out);
}

#[test]
fn a_flipped_byte_in_any_field_of_a_certificate_is_noticed_and_revision_2_is_proven_by_its_own_generation()
 {
    // A purge on demand exchanges the index keys of the cohort, which is what T2 waits for.
    let shelf = Shelf::after_an_erasure(|home| {
        assert_eq!(home.run_as("robot", &["purge", "--json"]).code, 0);
    });
    let whole = shelf.verify();
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    let said: Json = serde_json::from_str(&shelf.certificate).unwrap();
    assert_eq!(said["revision"], 2);
    assert!(verdicts(&whole).contains(&("t2".to_owned(), "ok".to_owned())), "{}", whole.out);
    let codes: Vec<&str> = said["still_readable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"tokens") && !codes.contains(&"tokens-confirmable"), "{codes:?}");

    let fields = said.as_object().unwrap();
    assert!(fields.len() == 34, "{}", fields.len());
    for name in fields.keys() {
        // The first byte of the value that is more than an opening bracket or quote.
        let at = shelf.certificate.find(&format!("\"{name}\":")).unwrap() + name.len() + 4;
        let mut changed = shelf.certificate.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        shelf.home.secret_file("certificate.json", &changed);
        let done = shelf.verify();
        failed_by(&done, &["signature"], "signature");
        assert!(done.out.contains("the signature does not hold"), "{name}: {}", done.out);
    }
}

/// Another vault's log as a folder, and its key.
fn another_vaults_log(home: &Home) -> (String, String) {
    let folder = home.path("other-log");
    let key = run(async {
        let house = House::in_memory(710);
        let served = house.serve().await;
        let dpo = served.as_agent(DPO).await;
        let mut files = dpo.export_log().await.unwrap();
        while let Some((path, content)) = files.next().await.unwrap() {
            let target = folder.join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, content).unwrap();
        }
        let key = served.vault.state().unwrap().log_verifier_key;
        served.stop().await;
        key
    });
    (home.text("other-log"), key)
}
