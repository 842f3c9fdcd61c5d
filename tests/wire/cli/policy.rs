//! `oubliette policy`: a pack tested, told, compared, and put in force while the vault runs.

use std::{fs, path::Path};

use super::{
    Desk, identity_of,
    program::{Home, files},
};
use crate::support::shipped_pack;

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

/// A sound copy of the shipped pack beside the home's, with one text of one file replaced.
fn changed(home: &Home, folder: &str, name: &str, from: &str, to: &str) -> String {
    fs::create_dir(home.path(folder)).unwrap();
    for path in files(&shipped_pack()) {
        fs::copy(&path, home.path(folder).join(path.file_name().unwrap())).unwrap();
    }
    let path = home.path(folder).join(name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
    home.text(folder)
}

/// A condition of one policy, and a narrower one.
const SWORN: (&str, &str) = (
    "when { [Purpose::\"p1\", Purpose::\"p3\"].contains(context.purpose) };",
    "when { [Purpose::\"p1\", Purpose::\"p3\"].contains(context.purpose) && principal.sworn };",
);

fn shipped() -> String {
    shipped_pack().to_str().unwrap().to_owned()
}

#[test]
fn the_kept_matrix_is_what_the_engine_allows_and_an_edit_of_a_condition_shows_in_it() {
    let home = Home::new();
    let done = home.run(&["policy", "matrix", "--policy", &shipped()]);
    assert_eq!(done.code, 0, "{}", done.err);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output/policy-matrix.txt");
    let kept = fs::read_to_string(path).unwrap();
    assert!(
        done.out == kept,
        "the pack allows otherwise than tests/output/policy-matrix.txt says; look at the difference, then \
         write it anew: oubliette policy matrix --policy policies/contact-tracing > \
         tests/output/policy-matrix.txt\n{}",
        first_difference(&kept, &done.out)
    );
    // One condition more, in one policy: the matrix tells.
    let (from, to) = SWORN;
    let tighter = changed(&home, "tighter", "medical_service.cedar", from, to);
    let edited = home.run(&["policy", "matrix", "--policy", &tighter]);
    assert!(edited.code == 0 && edited.out != kept, "{}", edited.err);
    assert!(edited.out.contains("sworn=yes") && !kept.contains("sworn=yes"));
}

fn first_difference(kept: &str, now: &str) -> String {
    let pairs = kept.lines().zip(now.lines());
    let found = pairs.into_iter().find(|(old, new)| old != new);
    found.map_or_else(|| "one is longer".to_owned(), |(old, new)| format!("- {old}\n+ {new}"))
}

#[test]
fn a_difference_of_two_packs_is_told_in_both_directions_and_by_the_exit_code() {
    let home = Home::new();
    let same = home.run(&["policy", "diff", &shipped(), &home.text("policy")]);
    assert_eq!((same.code, same.out.as_str()), (0, "both packs allow the same\n"), "{}", same.err);
    // Another spelling of the same rule is no difference; an action more is.
    let more = changed(
        &home,
        "more",
        "governance.cedar",
        "Action::\"audit:list\", Action::\"audit:checkpoint\"",
        "Action::\"audit:checkpoint\", Action::\"audit:list\", Action::\"purge:preview\"",
    );
    let there = home.run(&["policy", "diff", &shipped(), &more]);
    assert_eq!(there.code, 1, "{}", there.err);
    assert_eq!(there.out, "+ dpo: purge:preview the vault: account=person|service\n");
    let back = home.run(&["policy", "diff", &more, &shipped()]);
    assert_eq!((back.code, back.out), (1, there.out.replace("+ ", "- ")));
    // A condition that changed is one of each.
    let (from, to) = SWORN;
    let tighter = changed(&home, "tighter", "medical_service.cedar", from, to);
    let json = home.run(&["policy", "diff", &shipped(), &tighter, "--json"]);
    let changes: serde_json::Value = serde_json::from_str(json.out.trim()).unwrap();
    let changes = changes.as_array().unwrap();
    assert!(json.code == 1 && !changes.is_empty());
    for change in changes {
        assert_eq!(change["role"], "medical_service");
        let sworn = change["needs"].as_str().unwrap().contains("sworn=yes");
        assert_eq!(sworn, change["sign"] == "+", "{change}");
    }
    home.run(&["policy", "diff", &shipped(), "nowhere"]).failed_saying(1, &["no such folder"]);
}

#[test]
fn an_explanation_names_policy_law_and_conditions_and_a_wrong_word_is_refused_with_the_right_ones()
{
    let home = Home::new();
    let explain = |role: &str, purpose: &str, collection: &str, more: &[&str]| {
        let shipped = shipped();
        let always = ["policy", "explain", "--policy", &shipped, "--role", role];
        let rest = ["--purpose", purpose, "--collection", collection];
        home.run(&[&always[..], &rest, more].concat())
    };
    let masked = explain("clusters", "p2", "cases", &[]);
    let told = "mask    allowed by clusters-case-identity-masked";
    assert!(masked.out.contains(told), "{}", masked.out);
    let done = explain("investigator", "p2", "cases", &[]);
    assert_eq!(done.code, 0, "{}", done.err);
    for told in [
        "if assigned=agent|unit\n",
        "if territory=own  (else other-territory)",
        "erase   never: no policy allows it",
        "investigator-case-read: An investigator reads",
        "law: Décret 2020-551, art. 3 I",
    ] {
        assert!(done.out.contains(told), "{told}: {}", done.out);
    }
    let excluded = explain("dpo", "p2", "cases", &[]);
    assert!(excluded.out.contains("reveal  never: refused by no-content-for-governance"));
    let p4 = explain("investigator", "p4", "cases", &["--json"]).json();
    let findings = p4["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["allowed"].as_array().unwrap().is_empty()));
    // Nothing is made of a case: no policy is asked.
    let asked: Vec<_> = findings.iter().filter(|finding| finding["act"] != "derive").collect();
    assert_eq!(asked.len(), findings.len() - 1);
    assert!(asked.iter().all(|f| f["refused_by"][0]["id"] == "surveillance-never-by-name"));
    explain("nobody", "p2", "cases", &[]).failed_saying(2, &["no role `nobody`", "investigator"]);
    explain("dpo", "care", "cases", &[]).failed_saying(2, &["no purpose `care`", "p2"]);
    explain("dpo", "p2", "files", &[]).failed_saying(2, &["no collection `files`", "lab_results"]);
}
