//! `policies/README.md` step by step: each file it gives is written, each command it shows is run, and each
//! must answer what stands there.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// A fenced block: what stands behind the fence, and its text.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in page.lines() {
        open = match (open, line.strip_prefix("```")) {
            (None, Some(kind)) => Some((kind, String::new())),
            (None, None) => None,
            (Some(block), Some(_)) => {
                found.push(block);
                None
            }
            (Some((kind, text)), None) => Some((kind, text + line + "\n")),
        };
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// Runs one command of the page; what it prints.
fn run(folder: &Path, command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["mkdir", name] => {
            fs::create_dir(folder.join(name)).unwrap();
            String::new()
        }
        ["oubliette", args @ ..] => {
            let mut program = Command::new(env!("CARGO_BIN_EXE_oubliette"));
            program.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
            let done = program.output().unwrap();
            let text = [done.stdout, done.stderr].concat();
            String::from_utf8(text).unwrap()
        }
        _ => panic!("the page shows `{command}`, which this test does not know"),
    }
}

/// Does what the page says in this folder; how many files and commands that were.
fn follow(page: &str, folder: &Path) -> (usize, usize) {
    let (mut files, mut commands) = (0, 0);
    for (kind, text) in blocks(page) {
        let path = |name: &str| folder.join(name);
        if let Some((_, name)) = kind.split_once(" file=") {
            fs::write(path(name), text).unwrap();
            files += 1;
        } else if let Some((_, name)) = kind.split_once(" append=") {
            let before = fs::read_to_string(path(name)).unwrap();
            fs::write(path(name), before + &text).unwrap();
            files += 1;
        } else {
            assert_eq!(kind, "console", "a block that is neither a file nor commands");
            let mut answered = String::new();
            for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
                answered += &format!("$ {command}\n{}", run(folder, command));
                commands += 1;
            }
            assert_eq!(answered, text, "the program answers otherwise than the page");
        }
    }
    (files, commands)
}

#[test]
fn the_page_on_packs_leads_from_an_empty_folder_to_a_checked_pack() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/README.md");
    let page = fs::read_to_string(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (files, commands) = follow(&page, folder.path());
    assert!(files >= 10 && commands >= 7, "{files} files, {commands} commands");
    let last = run(folder.path(), "oubliette policy check my-pack");
    assert!(last.contains("is sound"), "{last}");
}

#[test]
#[should_panic(expected = "the program answers otherwise than the page")]
fn a_page_that_went_stale_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    follow(
        "```console\n$ mkdir my-pack\n$ oubliette policy check my-pack\nall is well\n```\n",
        folder.path(),
    );
}
