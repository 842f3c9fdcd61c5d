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

/// A sound copy of the tests' small pack, with one text of its policies replaced.
fn changed(home: &Home, folder: &str, from: &str, to: &str) -> String {
    fs::create_dir(home.path(folder)).unwrap();
    for path in files(Path::new(&small())) {
        fs::copy(&path, home.path(folder).join(path.file_name().unwrap())).unwrap();
    }
    let path = home.path(folder).join("desk.cedar");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "no {from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
    home.text(folder)
}

/// A condition of one policy, and a narrower one.
const FEWER: (&str, &str) = (
    "context.purpose == Purpose::\"care\" &&",
    "context.purpose == Purpose::\"care\" && context.recent_subjects < 100 &&",
);

fn small() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packs/desk").to_owned()
}

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
    let matrix = |folder: &str| home.run(&["policy", "matrix", "--policy", folder]);
    let (before, (from, to)) = (matrix(&small()), FEWER);
    let edited = matrix(&changed(&home, "tighter", from, to));
    assert!(edited.code == 0 && edited.out != before.out, "{}", edited.err);
    assert!(edited.out.contains("recent=0-99") && !before.out.contains("recent=0-99"));
}

fn first_difference(kept: &str, now: &str) -> String {
    let pairs = kept.lines().zip(now.lines());
    let found = pairs.into_iter().find(|(old, new)| old != new);
    found.map_or_else(|| "one is longer".to_owned(), |(old, new)| format!("- {old}\n+ {new}"))
}

#[test]
fn a_difference_of_two_packs_is_told_in_both_directions_and_by_the_exit_code() {
    let home = Home::new();
    let list = "Action::\"audit:list\", Action::\"audit:checkpoint\"";
    let turned = "Action::\"audit:checkpoint\", Action::\"audit:list\"";
    // Another spelling of the same rule is no difference; an action more is.
    let same = home.run(&["policy", "diff", &small(), &changed(&home, "same", list, turned)]);
    assert_eq!((same.code, same.out.as_str()), (0, "both packs allow the same\n"), "{}", same.err);
    let more = changed(&home, "more", list, &format!("{turned}, Action::\"agent:list\""));
    let there = home.run(&["policy", "diff", &small(), &more]);
    assert_eq!(there.code, 1, "{}", there.err);
    assert_eq!(there.out, "+ watch: agent:list the vault: account=person|service\n");
    let back = home.run(&["policy", "diff", &more, &small()]);
    assert_eq!((back.code, back.out), (1, there.out.replace("+ ", "- ")));
    // A condition that changed is one of each.
    let (from, to) = FEWER;
    let tighter = changed(&home, "tighter", from, to);
    let json = home.run(&["policy", "diff", &small(), &tighter, "--json"]);
    let changes: serde_json::Value = serde_json::from_str(json.out.trim()).unwrap();
    let changes = changes.as_array().unwrap();
    assert!(json.code == 1 && !changes.is_empty());
    for change in changes {
        assert_eq!(change["role"], "clerk");
        let fewer = change["needs"].as_str().unwrap().contains("recent=0-99");
        assert_eq!(fewer, change["sign"] == "+", "{change}");
    }
    home.run(&["policy", "diff", &small(), "nowhere"]).failed_saying(1, &["no such folder"]);
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
        "match   allowed by investigator-case-match",
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
    // No case is a source of another record: no policy speaks of deriving from one.
    let spoken = findings.iter().filter(|finding| finding["act"] != "derive");
    let by = |f: &serde_json::Value| f["refused_by"][0]["id"].clone();
    assert!(spoken.clone().count() > 40);
    assert!(spoken.into_iter().all(|f| by(f) == "surveillance-never-by-name"));
    explain("nobody", "p2", "cases", &[]).failed_saying(2, &["no role `nobody`", "investigator"]);
    explain("dpo", "care", "cases", &[]).failed_saying(2, &["no purpose `care`", "p2"]);
    explain("dpo", "p2", "files", &[]).failed_saying(2, &["no collection `files`", "lab_results"]);
}

/// The text of a page's markup: every tag that opens closes, in order.
fn well_formed(page: &str) -> Vec<String> {
    let (mut open, mut names) = (Vec::new(), Vec::new());
    for tag in page.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').unwrap_or_else(|| panic!("a tag without end: {tag}"));
        assert!(!text.contains('>') || text.starts_with("body"), "a bare > in: {text}");
        let name = tag.split_whitespace().next().unwrap().to_owned();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed), "{tag}"),
            None if name == "!DOCTYPE" || tag.ends_with('/') => {}
            None => {
                open.push(name.clone());
                names.push(name);
            }
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    names
}

#[test]
fn the_public_pages_are_those_that_the_shipped_pack_makes_in_both_languages() {
    let home = Home::new();
    for lang in ["fr", "en"] {
        let done = home.run(&["policy", "page", "--policy", &shipped(), "--lang", lang]);
        assert_eq!(done.code, 0, "{}", done.err);
        let name = format!("docs/page.{lang}.html");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
        assert!(
            done.out == fs::read_to_string(path).unwrap(),
            "{name} is not what the pack says; look, then write it anew: \
             oubliette policy page --policy policies/contact-tracing --lang {lang} > {name}"
        );
        // Well-formed, told to whoever does not see it, and nothing to load.
        let names = well_formed(&done.out);
        let count = |name: &str| names.iter().filter(|found| *found == name).count();
        assert!(count("table") > 5 && count("table") == count("caption"));
        assert_eq!((count("h1"), count("main"), count("section")), (1, 1, 6));
        assert!(done.out.contains(&format!("<html lang=\"{lang}\">")));
        assert!(!done.out.contains("<th>"), "a heading cell says what it heads");
        for loaded in ["http:", "https:", "src=", "url(", "<script", "<link", "@import"] {
            assert!(!done.out.contains(loaded), "{loaded}");
        }
        // It says the hash, every forbid's law, every role and what is kept for how long.
        let hash = home.run(&["policy", "test", &shipped(), "--json"]).json()["hash"].clone();
        assert!(done.out.contains(hash.as_str().unwrap()));
        for told in
            ["RGPD, art. 18", "2021-04-01", "Indian/Reunion", "Contact Covid", "<code>p4</code>"]
        {
            assert!(done.out.contains(told), "{lang}: {told}");
        }
        // Who and what is shut out stands in a row of its own, with what refuses it.
        let shut = if lang == "fr" {
            [
                "Assureur",
                "Mutuelle",
                "Employeur",
                "Prêteur",
                "Usage : Croiser avec un autre fichier",
            ]
        } else {
            ["Insurer", "Mutual society", "Employer", "Lender", "Use: To match with another file"]
        };
        for who in shut {
            let row = format!("<tr><th scope=\"row\">{who}</th><td>");
            assert!(done.out.contains(&row), "{lang}: {row}");
        }
        assert!(lang == "en" || !done.out.contains("<span lang"), "words of another language");
    }
}

#[test]
fn a_page_follows_its_pack_and_what_no_rule_can_know_is_said_or_said_to_be_missing() {
    let home = Home::new();
    let page = |lang: &str, more: &[&str]| {
        let folder = home.text("policy");
        home.run(&[&["policy", "page", "--policy", &folder, "--lang", lang], more].concat())
    };
    edit(&home, "common.cedar", "Surveillance and research never use", "Nobody ever <sees> & uses");
    let changed = page("en", &[]);
    assert!(
        changed.out.contains("Nobody ever &lt;sees&gt; &amp; uses identified"),
        "{}",
        changed.err
    );
    assert!(changed.out.contains("2099-04-01"));
    well_formed(&changed.out);

    let facts =
        home.secret_file("facts.toml", "pack_language = \"en\"\n[fr]\nhost = \"Chez <nous>\"\n");
    let own = page("fr", &["--facts", &facts]);
    assert!(own.out.contains("<p>Chez &lt;nous&gt;</p>") && own.out.contains("<p>Non renseigné."));
    // Without French words of its own, the pack's are marked as of their language.
    assert!(own.out.contains("<span lang=\"en\">Investigation cell"), "{}", own.err);
    home.secret_file("facts.toml", "[fr.roles]\ninvestigater = \"x\"\n");
    page("fr", &["--facts", &facts]).failed_saying(1, &["no role `investigater`", "next:"]);
    page("de", &[]).failed_saying(2, &["fr, en"]);
}

#[test]
fn every_subcommand_of_policy_teaches_with_an_example_that_works() {
    let home = Home::new();
    let (policy, mut ran) = (home.text("policy"), 0);
    fs::create_dir(home.path("new-policy")).unwrap();
    for path in files(&home.path("policy")) {
        fs::copy(&path, home.path("new-policy").join(path.file_name().unwrap())).unwrap();
    }
    for name in ["test", "explain", "matrix", "diff", "page", "reload"] {
        let help = home.run(&["policy", name, "--help"]).out;
        let example = help.split("Example:\n").nth(1).unwrap_or_else(|| panic!("{name}: {help}"));
        let example = example.split("\n\n").next().unwrap().replace("\\\n", " ");
        let example = example
            .replace("/etc/oubliette/policy", &policy)
            .replace("ROLE", "investigator")
            .replace("PURPOSE", "p2")
            .replace("COLLECTION", "cases");
        let words: Vec<&str> = example.split_whitespace().collect();
        assert_eq!(words[..3], ["oubliette", "policy", name]);
        if name == "reload" {
            // It needs a vault: it says so, and is no mistake of the command line.
            home.run(&words[1..]).failed_saying(1, &["log in"]);
            continue;
        }
        let done = home.run(&words[1..]);
        assert!(done.code == 0 && !done.out.is_empty(), "{name}: {}", done.err);
        ran += 1;
    }
    assert_eq!(ran, 5);
}
