//! Keys and places from the command line: a rotation of the running vault, and the commands at rest.

use std::fs;

use super::{Desk, PASSPHRASE};

/// The new root passphrase.
const NEW: &str = "un autre phare, a l'autre bout de l'ile";

#[test]
fn a_key_admin_lists_the_keys_and_rotates_the_root_key_and_only_the_new_passphrase_serves() {
    let desk = Desk::opened();
    let home = &desk.home;
    let list = || home.run_as("keys-1", &["key", "list", "--json"]).json();
    let keys = list();
    let kinds: Vec<_> =
        keys.as_array().unwrap().iter().map(|k| k["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["root", "generation", "log", "certificate", "directory"]);
    for key in keys.as_array().unwrap() {
        assert!(key["since"].is_string() && key["age_days"] == 0 && key["next"].is_string());
    }
    let table = home.run_as("keys-1", &["key", "list"]);
    assert!(table.out.contains("oubliette key rotate") && table.out.contains("GENERATION"));
    home.run_as("inv-974", &["key", "list"]).failed_saying(3, &["DENIED"]);

    let same = home.run_as("keys-1", &["key", "rotate"]);
    same.failed_saying(1, &["ROOT_UNCHANGED", "next:"]);
    home.secret_file("passphrase", "too short");
    home.run_as("keys-1", &["key", "rotate"]).failed_saying(1, &["ROOT_UNREADABLE"]);
    desk.serving.error_line("16 characters or more");
    home.secret_file("passphrase", NEW);
    home.run_as("dpo-1", &["key", "rotate"]).failed_saying(3, &["DENIED"]);
    let done = home.run_as("keys-1", &["key", "rotate"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("is in force"));
    assert_ne!(list()[1]["generation"], keys[1]["generation"]);
    let record = desk.filed();
    let events = home.run_as("dpo-1", &["audit", "list", "--json"]);
    assert!(events.out.contains("key-rotate-intent"));

    let Desk { home, serving, .. } = desk;
    assert_eq!(serving.terminate().code, 0);
    home.secret_file("old", PASSPHRASE);
    let old = home.serve_args("old");
    let refused = home.run(&old.iter().map(String::as_str).collect::<Vec<_>>());
    refused.failed_saying(1, &["wrong passphrase", "key rotate"]);
    let serving = home.serve();
    assert_eq!(home.login("med-974", &serving.address).code, 0);
    let args = ["reveal", &record, "--class", "identity", "--purpose", "p1", "--json"];
    assert!(home.run_as("med-974", &args).out.contains("EXEMPLE-CLI"));
}

#[test]
fn places_are_verified_added_promoted_and_removed_at_rest_and_never_while_a_vault_runs() {
    let desk = Desk::opened();
    let listed = desk.home.run_as("keys-1", &["place", "list", "--json"]).json();
    let ids: Vec<String> =
        listed.as_array().unwrap().iter().map(|p| p["place"].as_str().unwrap().into()).collect();
    assert!(desk.home.run_as("keys-1", &["place", "list"]).out.contains("primary"));
    let Desk { home, serving, .. } = desk;
    let [a, b, c] = ["place-a", "place-b", "place-c"].map(|name| home.text(name));
    let (data, passphrase) = (home.text("data"), home.text("passphrase"));
    let place = |words: &[&str], keys: &[&str]| {
        let mut args = [&["place"], words, &["--data", &data]].concat();
        keys.iter().for_each(|key| args.extend(["--keys", key]));
        args.extend(["--passphrase-file", &passphrase]);
        home.run(&args)
    };
    let said = |words: &[&str], keys: &[&str], wanted: &str| {
        let done = place(words, keys);
        assert_eq!(done.code, 0, "{words:?}: {}{}", done.out, done.err);
        assert!(done.out.contains(wanted), "{wanted}: {}", done.out);
    };
    for words in [&["verify"][..], &["add", &c], &["promote", &ids[1]], &["remove", &ids[1]]] {
        place(words, &[&a, &b]).failed_saying(1, &["stop it first"]);
    }
    assert!(!home.path("place-c").exists());
    assert_eq!(serving.terminate().code, 0);

    said(&["verify"], &[&a, &b], "every place holds what the others hold");
    let swapped = place(&["verify"], &[&b, &a]);
    assert!(swapped.code == 1 && swapped.out.contains("WRONG"), "{}", swapped.out);
    said(&["add", &c], &[&a, &b], "is added");
    let missing = place(&["verify"], &[&a, &b]);
    assert!(missing.code == 1 && missing.out.contains("MISSING"), "{}", missing.out);
    said(&["verify"], &[&a, &b, &c], "every place holds");
    place(&["remove", &ids[0]], &[&a, &b, &c]).failed_saying(1, &["is the primary", "promote"]);
    // The primary is lost.
    fs::remove_dir_all(home.path("place-a")).unwrap();
    said(&["promote", &ids[1]], &[&b, &c], "is the primary");
    let removed = place(&["remove", &ids[0]], &[&b, &c]);
    assert!(removed.code == 0 && removed.err.contains("not scrubbed"), "{}", removed.err);
    assert!(!removed.err.contains("one key place is left"), "{}", removed.err);
    said(&["verify"], &[&b, &c], "every place holds");

    let mut args = vec!["serve", "--accept-swap", "--data", &data, "--keys", &b, "--keys", &c];
    let policy = home.text("policy");
    args.extend(["--policy", &policy, "--passphrase-file", &passphrase, "--listen", "127.0.0.1:0"]);
    let serving = home.serve_with(&args);
    assert_eq!(home.login("dpo-1", &serving.address).code, 0);
    let events = home.run_as("dpo-1", &["audit", "list", "--json"]).out;
    for kind in ["place-added", "place-promoted", "place-removed"] {
        assert!(events.contains(kind), "{kind}");
    }
    let listed = home.run_as("dpo-1", &["place", "list", "--json"]).json();
    assert_eq!(listed[0]["place"].as_str(), Some(ids[1].as_str()));
    assert!(listed.as_array().unwrap().len() == 2 && listed[1]["stale"] == false);
}
