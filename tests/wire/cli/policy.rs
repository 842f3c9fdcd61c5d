//! `oubliette policy`: a pack tested, and put in force while the vault runs.

use std::fs;

use super::{Desk, identity_of, program::Home};

/// Replaces a text that must be there in a file of the home's pack.
fn edit(home: &Home, name: &str, from: &str, to: &str) {
    let path = home.path("policy").join(name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_key_admin_puts_a_changed_pack_in_force_and_a_refused_one_leaves_the_running_one() {
    let desk = Desk::opened();
    let home = &desk.home;
    let hash = || {
        let status = home.run_as("keys-1", &["status", "--json"]).out;
        let status: serde_json::Value = serde_json::from_str(status.trim()).unwrap();
        status["status"]["pack_hash"].clone()
    };
    let reload = |who: &str| home.run_as(who, &["policy", "reload", "--json"]);
    let first = hash();
    let record = desk.filed();
    assert_eq!(identity_of(home, "med-974", &record).code, 0);

    let same = reload("keys-1").json();
    assert_eq!((&same["pack_hash"], &same["previous_hash"]), (&first, &first));
    assert!(same["generation"].is_null());
    let said = home.run_as("keys-1", &["policy", "reload"]);
    assert!(said.out.starts_with("unchanged:"), "{}", said.out);
    reload("dpo-1").failed_saying(3, &["DENIED", "next:"]);

    // Two mistakes in two files: both are told, here and at the server.
    let sound = fs::read_to_string(home.path("policy/governance.cedar")).unwrap();
    edit(home, "governance.cedar", "Role::\"purge_robot\",\n", "Role::\"purge_robt\",\n");
    edit(home, "scenarios.toml", "agent = \"dpo-expired\"", "agnet = \"dpo-expired\"");
    let wanted = ["PACK_REFUSED", "governance.cedar:", "scenarios.toml:", "next:"];
    reload("keys-1").failed_saying(1, &wanted);
    desk.serving.error_line("policy reload: the running pack stays in force");
    assert_eq!(hash(), first);
    home.run(&["policy", "test", &home.text("policy")]).failed_saying(1, &wanted[1..]);
    let json = home.run(&["policy", "check", &home.text("policy"), "--json"]);
    assert!(json.code == 1 && json.out.contains("\"file\":\"scenarios.toml\""), "{}", json.out);
    fs::write(home.path("policy/governance.cedar"), sound).unwrap();
    edit(home, "scenarios.toml", "agnet = \"dpo-expired\"", "agent = \"dpo-expired\"");

    edit(home, "pack.toml", "end_date = \"2099-04-01\"", "end_date = \"2098-04-01\"");
    let dates = "end_date: 2099-04-01 -> 2098-04-01";
    reload("keys-1").failed_saying(1, &["RETENTION_CHANGED", dates]);
    edit(home, "pack.toml", "end_date = \"2098-04-01\"", "end_date = \"2099-04-01\"");

    // A comment is a change of the pack, and of nothing that anybody may.
    edit(home, "pack.toml", "[purposes]", "# Read again.\n[purposes]");
    assert_eq!(home.run(&["policy", "test", &home.text("policy")]).code, 0);
    let done = reload("keys-1").json();
    assert_eq!((&done["previous_hash"], done["pack_hash"].clone()), (&first, hash()));
    assert!(done["generation"].as_u64() > Some(1) && hash() != first);
    assert_eq!(identity_of(home, "med-974", &record).code, 0);
    let kind = ["audit", "list", "--kind", "policy-reload", "--json"];
    let events = home.run_as("dpo-1", &kind).out;
    for hash in [&done["pack_hash"], &done["previous_hash"]] {
        assert!(events.contains(hash.as_str().unwrap()), "{events}");
    }
    for outcome in ["PACK_REFUSED", "RETENTION_CHANGED", "DENIED"] {
        assert!(events.contains(outcome), "{outcome}: {events}");
    }
}
