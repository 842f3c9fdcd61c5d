//! Commands that need no vault: samples, completions, manual pages.

use std::fs;

use oubliette::limits::SAMPLE_CASES_MAX;

use super::program::{Home, files};
use crate::support::shipped_pack;

fn sample(home: &Home, more: &[&str]) -> super::Done {
    home.run(&[&["sample", "--seed", "1"], more].concat())
}

#[test]
fn a_sample_is_one_file_per_collection_or_one_stream_and_always_the_same() {
    let home = Home::new();
    let done = sample(&home, &["--cases", "3", "--out", "day"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let mut names = Vec::new();
    let mut in_files = Vec::new();
    for path in files(&home.path("day")) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let told = format!("day/{name}.ndjson: {} records", text.lines().count());
        assert!(done.out.contains(&told), "{told}: {}", done.out);
        assert!(text.lines().all(|line| line.contains(&format!("\"collection\":\"{name}\""))));
        in_files.extend(text.lines().map(str::to_owned));
        names.push(name);
    }
    names.sort();
    assert_eq!(names, ["cases", "contacts", "lab_results"]);
    let stream = sample(&home, &["--cases", "3"]);
    assert_eq!(stream.out, sample(&home, &["--cases", "3", "--out", "-"]).out);
    let mut in_stream: Vec<String> = stream.out.lines().map(str::to_owned).collect();
    in_stream.sort();
    in_files.sort();
    assert_eq!(in_stream, in_files);
    // One collection, and the pack named instead of carried along.
    let pack = shipped_pack();
    let only = ["--cases", "3", "--collection", "cases", "--pack", pack.to_str().unwrap()];
    let cases = sample(&home, &only);
    assert_eq!(cases.out, fs::read_to_string(home.path("day/cases.ndjson")).unwrap());
}

#[test]
fn a_sample_writes_over_nothing_and_leaves_nothing_half_made() {
    let home = Home::new();
    fs::create_dir(home.path("day")).unwrap();
    fs::write(home.path("day/contacts.ndjson"), "mine").unwrap();
    let done = sample(&home, &["--cases", "3", "--out", "day"]);
    done.failed_saying(1, &["day/contacts.ndjson", "nothing is written over"]);
    assert_eq!(files(&home.path("day")), [home.path("day/contacts.ndjson")]);
    assert_eq!(fs::read_to_string(home.path("day/contacts.ndjson")).unwrap(), "mine");
    // A description that fails while it writes.
    let path = home.path("policy/sample.toml");
    let broken = fs::read_to_string(&path).unwrap().replace("given_{island}", "named_{island}");
    fs::write(path, broken).unwrap();
    let done = sample(&home, &["--cases", "3", "--pack", "policy", "--out", "new"]);
    done.failed_saying(1, &["sample.toml:", "`first_names` of record 1 of `cases`", "no list"]);
    assert!(files(&home.path("new")).is_empty());
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let home = Home::new();
    // Far more than a pipe holds, so that the program meets its closed end.
    let args = ["sample", "--cases", "2000", "--seed", "1"];
    let mut child = home.command(&args).spawn().unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
}

#[test]
fn a_sample_of_no_pack_no_collection_or_too_many_cases_is_refused() {
    let home = Home::new();
    fs::create_dir(home.path("empty")).unwrap();
    sample(&home, &["--cases", "1", "--pack", "empty"]).failed_saying(1, &["no pack.toml"]);
    fs::remove_file(home.path("policy/sample.toml")).unwrap();
    sample(&home, &["--cases", "1", "--pack", "policy"]).failed_saying(1, &["no sample.toml"]);
    let other = sample(&home, &["--cases", "1", "--collection", "files"]);
    other.failed_saying(1, &["`files`", "cases, contacts, lab_results"]);
    let most = SAMPLE_CASES_MAX.to_string();
    for cases in ["0", &(SAMPLE_CASES_MAX + 1).to_string()] {
        let said = format!("a run makes 1 to {most} cases");
        sample(&home, &["--cases", cases]).failed_saying(2, &[&said]);
    }
}

#[test]
fn a_description_that_is_no_page_or_two_is_refused_by_its_size() {
    let home = Home::new();
    let most = usize::try_from(oubliette::limits::PACK_FILE_BYTES_MAX).unwrap();
    let path = home.path("policy/sample.toml");
    let text = fs::read_to_string(&path).unwrap();
    let filled = |size: usize| format!("{text}#{}", " ".repeat(size - text.len() - 1));
    fs::write(&path, filled(most)).unwrap();
    assert_eq!(sample(&home, &["--cases", "1", "--pack", "policy"]).code, 0);
    fs::write(&path, filled(most + 1)).unwrap();
    let done = sample(&home, &["--cases", "1", "--pack", "policy"]);
    done.failed_saying(1, &["sample.toml` is larger than"]);
}

#[test]
fn completions_and_manual_pages_come_from_the_program() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let done = home.run(&["completions", shell]);
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        assert!(done.out.contains("oubliette") && done.out.contains("reveal"), "{shell}");
    }
    home.run(&["completions", "no-shell"]).failed_saying(2, &["no-shell"]);
    let page = home.run(&["man"]);
    assert!(page.code == 0 && page.out.contains(".TH oubliette 1 "), "{}", page.err);
    let done = home.run(&["man", "--out", "man1"]);
    let pages = files(&home.path("man1"));
    assert!(done.out.contains(&format!("man1: {} pages", pages.len())), "{}", done.out);
    assert_eq!(fs::read_to_string(home.path("man1/oubliette.1")).unwrap(), page.out);
}
