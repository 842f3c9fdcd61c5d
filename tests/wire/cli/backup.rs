//! Backup, verify and restore with the built program on real folders, on both engines.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::{Value as Json, json};

use super::{Desk, Home, Serving, appoint, identity_of};
use crate::cli::program::files;

/// Lines of cases with these names, as the feed imports them.
fn lines(names: &[String]) -> String {
    let line = |name: &String| {
        let record = json!({
            "collection": "cases", "collected_on": Desk::today(),
            "attributes": {"territory": "reunion", "state": "new"},
            "fields": {"last_name": name, "first_names": "Exemple", "birth_date": "1970-01-01",
                       "confirmed": true},
        });
        record.to_string() + "\n"
    };
    names.iter().map(line).collect()
}

/// A number as a name may hold it.
fn letters(n: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap());
    [letter(n / 676), letter(n / 26), letter(n)].iter().collect()
}

fn filed(home: &Home, name: &str) -> String {
    let line = lines(&[name.to_owned()]);
    let path = home.secret_file(&format!("{name}.json"), &line);
    let args = ["create", "--purpose", "p1", "--file", &path, "--json"];
    home.run_as("feed-974", &args).json()["record"].as_str().unwrap().to_owned()
}

fn backup(home: &Home, name: &str) -> Json {
    home.run_as("keys-1", &["backup", &home.text(name), "--json"]).json()
}

fn verify(home: &Home, name: &str, key: &str) -> super::Done {
    home.run(&["backup", "verify", &home.text(name), "--key", key, "--json"])
}

fn restore(home: &Home, from: &str, data: &str, more: &[&str]) -> super::Done {
    let (from, data) = (home.text(from), home.text(data));
    let (a, b, passphrase) = (home.text("place-a"), home.text("place-b"), home.text("passphrase"));
    let args = ["restore", &from, "--data", &data, "--keys", &a, "--keys", &b, "--json"];
    home.run(&[&args[..], &["--passphrase-file", &passphrase], more].concat())
}

/// All faults that verify names, as `file: what`.
fn faults(home: &Home, name: &str, key: &str) -> Vec<String> {
    let done = verify(home, name, key);
    assert_eq!(done.code, 1, "{}{}", done.out, done.err);
    let found: Json = serde_json::from_str(done.out.lines().next().unwrap()).unwrap();
    assert_eq!(found["well"], false);
    let text = |fault: &Json| {
        format!("{}: {}", fault["file"].as_str().unwrap(), fault["what"].as_str().unwrap())
    };
    found["faults"].as_array().unwrap().iter().map(text).collect()
}

fn login_all(home: &Home, serving: &Serving, agents: &[&str]) {
    for agent in agents {
        let done = home.login(agent, &serving.address);
        assert_eq!(done.code, 0, "{agent}: {}", done.err);
    }
}

fn key_of(desk: &Desk) -> String {
    desk.founded["log_verifier_key"].as_str().unwrap().to_owned()
}

/// A backup that is taken while somebody files.
fn backup_under_load(home: &Home) -> Json {
    let (over, imports) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                let number = imports.load(Ordering::Acquire);
                let name = |n| format!("EXEMPLE-PENDANT-{}-{}", letters(number), letters(n));
                let names: Vec<String> = (0..100).map(name).collect();
                let input = home.secret_file(&format!("{number}.ndjson"), &lines(&names));
                let args = ["import", &input, "--collection", "cases", "--purpose", "p1"];
                let done = home.run_as("feed-974", &args);
                assert_eq!(done.code, 0, "{}", done.err);
                imports.fetch_add(1, Ordering::AcqRel);
            }
        });
        while imports.load(Ordering::Acquire) == 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let taken = backup(home, "backup");
        over.store(true, Ordering::Release);
        writer.join().unwrap();
        taken
    })
}

/// The log says what was lost and what was swept of five records, and an alarm is open.
fn assert_told(home: &Home, kept: u64) {
    let listed = |kind: &str| {
        let done = home.run_as("dpo-1", &["audit", "list", "--kind", kind, "--json"]);
        assert_eq!(done.code, 0, "{}", done.err);
        let events = done.out.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        events.collect::<Vec<_>>()
    };
    let origin = listed("origin");
    assert_eq!(origin.len(), 1, "{origin:?}");
    let origin = origin[0].to_string();
    assert!(origin.contains(&format!("\"kept\":{}", kept)), "{origin}");
    let sweep = listed("sweep");
    assert_eq!(sweep.len(), 1);
    let rows: u64 = sweep[0]
        .to_string()
        .split("rows=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    // Of each: the record, its sections, its index rows.
    assert!(rows >= 5 * 3 && rows.is_multiple_of(5), "{rows}");
    assert_eq!(listed("backup-begin").len(), 1, "it is in the backup itself");
    assert_eq!(listed("backup-end").len(), 0, "it was written after");
    let alarms = home.run_as("dpo-1", &["alarm", "list", "--json"]).out;
    assert!(alarms.contains("rollback"), "{alarms}");
}

#[test]
fn a_backup_under_load_put_back_after_an_erasure_brings_nothing_back_and_loses_nothing_it_held() {
    let desk = Desk::opened();
    let home = &desk.home;
    let appointed = appoint(home, "keys-2", &["--role", "key_admin"]);
    desk.first_login("keys-2", &appointed);
    let kept: Vec<String> =
        (0..60).map(|n| filed(home, &format!("EXEMPLE-VIF-{}", letters(n)))).collect();
    let erased: Vec<String> =
        (0..5).map(|n| filed(home, &format!("EXEMPLE-OUBLI-{}", letters(n)))).collect();

    let taken = backup_under_load(home);
    let key = key_of(&desk);
    let verified = verify(home, "backup", &key).json();
    assert_eq!((&verified["well"], &verified["rows"]), (&json!(true), &taken["rows"]));
    assert_eq!(verified["signature"], "verified");
    assert_eq!(verified["manifest_sha256"], taken["manifest_sha256"]);
    for path in files(&home.path("backup")) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"EXEMPLE"), "{}", path.display());
    }

    for record in &erased {
        let args = ["erase", record, "--purpose", "p7", "--justification", "asked for", "--yes"];
        let done = home.run_as("desk-974", &args);
        assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    }
    let revoked = home.run_as("keys-1", &["agent", "revoke", "keys-2"]);
    assert_eq!(revoked.code, 0, "{}", revoked.err);
    let late = filed(home, "EXEMPLE-TARD");
    restore(home, "backup", "data", &[]).failed_saying(1, &["is not empty", "mv "]);

    let Desk { home, serving, .. } = desk;
    restore(&home, "backup", "new", &[]).failed_saying(1, &["stop it first"]);
    assert!(!home.path("new").exists() && !home.path("new.partial").exists());
    assert_eq!(serving.terminate().code, 0);
    fs::rename(home.path("data"), home.path("data.old")).unwrap();
    let done = restore(&home, "backup", "data", &["--log-key", &key]).json();
    assert_eq!(done["rows"], taken["rows"]);
    assert!(!home.path("data.partial").exists());

    let serving = home.serve();
    serving.error_line("origin 1");
    login_all(&home, &serving, &["med-974", "dpo-1", "feed-974"]);
    for (n, record) in kept.iter().enumerate() {
        let shown = identity_of(&home, "med-974", record);
        assert!(
            shown.out.contains(&format!("EXEMPLE-VIF-{}\"", letters(n))),
            "{}{}",
            shown.out,
            shown.err
        );
    }
    for record in erased.iter().chain([&late]) {
        identity_of(&home, "med-974", record).failed_saying(3, &["NOT_AVAILABLE"]);
    }
    let again = home.login("keys-2", &serving.address);
    assert_ne!(again.code, 0, "an agent revoked since the backup is back");
    assert_told(&home, verified["log"]["size"].as_u64().unwrap());
    filed(&home, "EXEMPLE-APRES");
    assert_eq!(serving.terminate().code, 0);
    // The old folder is older than the places now, and what it knows is refused or swept, never mixed.
    let serving = home.serve();
    login_all(&home, &serving, &["med-974"]);
    assert!(identity_of(&home, "med-974", &kept[0]).out.contains("EXEMPLE-VIF-AAA"));
}

#[test]
fn a_vault_moves_from_one_engine_to_the_other_by_a_backup() {
    let desk = Desk::opened();
    let record = desk.filed();
    let taken = backup(&desk.home, "backup");
    assert!(desk.home.path("data/fjall").exists());
    let Desk { home, serving, .. } = desk;
    assert_eq!(serving.terminate().code, 0);
    fs::rename(home.path("data"), home.path("data.old")).unwrap();
    let done = restore(&home, "backup", "data", &["--store", "sled"]).json();
    assert_eq!((&done["rows"], &done["engine"]), (&taken["rows"], &json!("sled")));
    assert!(home.path("data/sled").exists() && !home.path("data/fjall").exists());
    let serving = home.serve();
    login_all(&home, &serving, &["med-974", "keys-1"]);
    assert!(identity_of(&home, "med-974", &record).out.contains("EXEMPLE-CLI"));
    // And back.
    backup(&home, "backup-2");
    assert_eq!(serving.terminate().code, 0);
    fs::rename(home.path("data"), home.path("data.sled")).unwrap();
    assert_eq!(restore(&home, "backup-2", "data", &[]).json()["engine"], "fjall");
    let serving = home.serve();
    serving.error_line("origin 2");
    login_all(&home, &serving, &["med-974"]);
    assert!(identity_of(&home, "med-974", &record).out.contains("EXEMPLE-CLI"));
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn every_kind_of_damage_to_a_backup_is_named_with_its_file_and_nothing_of_it_is_restored() {
    let desk = Desk::opened();
    desk.filed();
    backup(&desk.home, "backup");
    let key = key_of(&desk);
    let other = Desk::opened();
    backup(&other.home, "backup");
    let home = &desk.home;
    let paths = files(&home.path("backup"));
    assert_eq!(paths.len(), 2, "{paths:?}");
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(verify(home, "backup", &key).code, 0);
    for path in &paths {
        let whole = fs::read(path).unwrap();
        for at in [0, 30, whole.len() / 2, whole.len() - 1] {
            flip(path, at);
            let found = faults(home, "backup", &key);
            assert!(found.len() == 1 && found[0].starts_with(&name(path)), "{at}: {found:?}");
            flip(path, at);
        }
        fs::write(path, &whole[..whole.len() - 9]).unwrap();
        let found = faults(home, "backup", &key);
        assert!(found.len() == 1 && found[0].starts_with(&name(path)), "cut: {found:?}");
        fs::remove_file(path).unwrap();
        let found = faults(home, "backup", &key);
        assert!(found.iter().any(|f| f.starts_with(&name(path)) && f.contains("missing")));
        fs::write(path, whole).unwrap();
    }
    let added = home.path("backup/rows-000009.oubb");
    fs::write(&added, "x").unwrap();
    assert_eq!(
        faults(home, "backup", &key),
        ["rows-000009.oubb: it does not belong to this backup"]
    );
    fs::remove_file(&added).unwrap();
    // The right backup under the key of another vault.
    let found = faults(home, "backup", &key_of(&other));
    assert!(found.len() == 1 && found[0].contains("checkpoint"), "{found:?}");
    assert_eq!(verify(home, "backup", &key).code, 0);

    let other_backup = other.home.text("backup");
    let Desk { home, serving, .. } = desk;
    assert_eq!(serving.terminate().code, 0);
    flip(&paths[0], 40);
    restore(&home, "backup", "new", &[]).failed_saying(1, &["WRONG", &name(&paths[0])]);
    flip(&paths[0], 40);
    fs::create_dir(home.path("other")).unwrap();
    for path in files(Path::new(&other_backup)) {
        fs::copy(&path, home.path("other").join(path.file_name().unwrap())).unwrap();
    }
    restore(&home, "other", "new", &[]).failed_saying(1, &["the backup is of the vault", "next:"]);
    assert!(!home.path("new").exists() && !home.path("new.partial").exists());
    assert_eq!(restore(&home, "backup", "new", &[]).code, 0);
}

#[test]
fn a_backup_needs_the_role_and_a_new_folder_and_one_that_is_cut_is_told_from_a_whole_one() {
    let desk = Desk::opened();
    let home = &desk.home;
    for who in ["dpo-1", "inv-974", "robot"] {
        let refused = home.run_as(who, &["backup", &home.text(&format!("by-{who}"))]);
        refused.failed_saying(3, &["DENIED"]);
    }
    backup(home, "backup");
    let full = home.run_as("keys-1", &["backup", &home.text("backup")]);
    full.failed_saying(2, &["is not empty"]);
    fs::remove_file(home.path("backup/manifest.json")).unwrap();
    let found = faults(home, "backup", &key_of(&desk));
    assert!(found.len() == 1 && found[0].contains("cut before its end"), "{found:?}");
    home.run(&["backup"]).failed_saying(2, &["DIR"]);
    let help = home.run(&["backup", "--help"]).out;
    assert!(help.contains("in\nclear (names of staff") && help.contains("backup verify"), "{help}");
    let help = home.run(&["restore", "--help"]).out;
    assert!(help.contains("lost with the old data folder") && help.contains("mv "), "{help}");
}
