//! The recorder and the model of a disk, held to their own words on small programs and small traces.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    chance::Chance,
    disk::{Base, Disk, Loss, Part},
    home::scratch_folder,
    program::recorder,
    trace::{Event, Trace},
};

/// Records a C program that runs in an empty folder `data`.
fn recorded(body: &str) -> (PathBuf, Base, PathBuf) {
    let root = scratch_folder();
    let (data, trace) = (root.join("data"), root.join("trace"));
    fs::create_dir(&data).unwrap();
    let base = Base::of(std::slice::from_ref(&data));
    let source = format!(
        "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <stdio.h>\n#include <string.h>\n\
         #include <sys/mman.h>\n#include <sys/stat.h>\n#include <sys/syscall.h>\n\
         #include <sys/uio.h>\n#include <unistd.h>\nint main(void) {{ {body} return 0; }}\n"
    );
    fs::write(root.join("program.c"), source).unwrap();
    let program = root.join("program");
    let mut cc = Command::new("cc");
    cc.arg("-o").arg(&program).arg(root.join("program.c"));
    assert!(cc.status().unwrap().success());
    let mut record = Command::new(recorder());
    record.arg(&trace).arg(&data).arg("--").arg(&program).current_dir(&data);
    assert!(record.status().unwrap().success());
    (root, base, trace)
}

/// Whether the trace, without its line of this number if any, gives the folder back.
fn is_given_back(root: &Path, base: &Base, trace: &Trace, without: Option<usize>) -> bool {
    let mut disk = Disk::new(base, trace, None);
    for (at, (event, _)) in trace.events.iter().enumerate() {
        if Some(at) != without {
            disk.step(event);
        }
    }
    disk.differs_from(&[root.join("data")]).is_none()
}

const EVERY_CALL: &str = r#"
    int a = open("a", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    write(a, "one two three", 13);
    pwrite(a, "TWO", 3, 4);
    struct iovec parts[2] = {{"four", 4}, {"five", 4}};
    writev(a, parts, 2);
    ftruncate(a, 20);
    int b = open("b", O_CREAT | O_RDWR | O_APPEND, 0600);
    write(b, "x", 1);
    lseek(b, 0, SEEK_SET);
    write(b, "y", 1);
    int in = open("a", O_RDONLY);
    int c = open("c", O_CREAT | O_WRONLY, 0600);
    if (copy_file_range(in, 0, c, 0, 10, 0) < 0) write(c, "one TWO th", 10);
    int d = dup(c);
    write(d, "dup", 3);
    fallocate(c, 0, 0, 4096);
    mkdir("inner", 0700);
    rename("b", "inner-b");
    open("gone", O_CREAT | O_WRONLY, 0600);
    unlink("gone");
    fsync(a);
"#;

#[test]
fn a_trace_gives_the_folder_back_and_with_any_line_less_it_does_not() {
    let (root, base, trace) = recorded(EVERY_CALL);
    let trace = Trace::read(&trace);
    assert!(is_given_back(&root, &base, &trace, None));
    let mut changes = 0;
    for (at, (event, _)) in trace.events.iter().enumerate() {
        let shows = match event {
            Event::Written { .. } | Event::Renamed { .. } | Event::Unlinked { .. } => true,
            Event::Length { .. } | Event::Folder { .. } => true,
            // Without it the lines that follow make no sense at all.
            Event::Created { .. } => false,
            _ => false,
        };
        if shows && !overwritten(&trace, at) {
            changes += 1;
            assert!(!is_given_back(&root, &base, &trace, Some(at)), "{event:?} is not needed");
        }
    }
    assert!(changes >= 11, "only {changes} changes were recorded");
    fs::remove_dir_all(root).unwrap();
}

/// A length that a later line sets again shows in nothing.
fn overwritten(trace: &Trace, at: usize) -> bool {
    let Event::Length { ino, .. } = &trace.events[at].0 else { return false };
    let later = trace.events[at + 1..].iter();
    later.filter(|(event, _)| matches!(event, Event::Length { ino: i, .. } if i == ino)).count() > 0
}

#[test]
fn what_the_recorder_cannot_see_is_named_in_the_trace_and_what_it_can_is_not() {
    let open = "int a = open(\"a\", O_CREAT | O_RDWR, 0600); ftruncate(a, 4096);";
    let named = |body: &str| {
        let (root, _, trace) = recorded(&format!("{open} {body}"));
        let text = String::from_utf8_lossy(&fs::read(trace).unwrap()).into_owned();
        fs::remove_dir_all(root).unwrap();
        text.lines().filter(|line| line.starts_with('!')).count()
    };
    assert_eq!(named("mmap(0, 4096, PROT_READ, MAP_PRIVATE, a, 0);"), 0);
    assert_eq!(named("mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, a, 0);"), 0);
    assert_eq!(named("mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);"), 1);
    assert_eq!(named("mmap(0, 4096, PROT_READ, MAP_SHARED, a, 0);"), 1);
    assert_eq!(named("syscall(SYS_io_uring_setup, 1, 0);"), 1);
    assert_eq!(named("link(\"a\", \"b\");"), 1);
    assert_eq!(named("symlink(\"a\", \"b\");"), 1);
    assert_eq!(named("sync();"), 1);
}

/// What is left of the file `name` if the power goes after this program.
fn left(body: &str, name: &str, loss: Loss, without: Option<Part>) -> Option<Vec<u8>> {
    let (root, base, trace) = recorded(body);
    let trace = Trace::read(&trace);
    let mut disk = Disk::new(&base, &trace, without);
    trace.events.iter().for_each(|(event, _)| disk.step(event));
    let to = root.join("cut");
    fs::create_dir(&to).unwrap();
    disk.cut(loss, &mut Chance::new(1), &to);
    let found = fs::read(to.join("data").join(name)).ok();
    fs::remove_dir_all(root).unwrap();
    found
}

const OPEN: &str = "int a = open(\"a\", O_CREAT | O_RDWR, 0600); int d = open(\".\", O_RDONLY);";

#[test]
fn what_was_synced_is_left_and_what_was_not_is_lost_content_and_names_each_by_itself() {
    let after = |body: &str| left(&format!("{OPEN} {body}"), "a", Loss::Everything, None);
    assert_eq!(after("write(a, \"x\", 1); fsync(a);"), None, "its name was not synced");
    assert_eq!(after("write(a, \"x\", 1); fsync(d);"), Some(vec![]), "its content was not");
    let both = "write(a, \"x\", 1); fdatasync(a); fsync(d);";
    assert_eq!(after(both), Some(b"x".to_vec()));
    let more = format!("{both} write(a, \"y\", 1);");
    assert_eq!(after(&more), Some(b"x".to_vec()));
    let body = format!("{OPEN} {more}");
    assert_eq!(left(&body, "a", Loss::Nothing, None), Some(b"xy".to_vec()));
    // The same with the syncs of the data folder taken out.
    assert_eq!(left(&body, "a", Loss::Everything, Some(Part::Database)), None);
}

#[test]
fn a_write_with_o_dsync_is_left_and_a_rename_or_removal_before_its_sync_is_not() {
    let synced = format!("{OPEN} write(a, \"x\", 1); fsync(a); fsync(d);");
    let after =
        |body: &str, name: &str| left(&format!("{synced} {body}"), name, Loss::Everything, None);
    let dsync = "int s = open(\"a\", O_WRONLY | O_DSYNC); pwrite(s, \"s\", 1, 0);";
    assert_eq!(after(dsync, "a"), Some(b"s".to_vec()));
    assert_eq!(after("rename(\"a\", \"b\");", "b"), None);
    assert_eq!(after("rename(\"a\", \"b\");", "a"), Some(b"x".to_vec()));
    assert_eq!(after("rename(\"a\", \"b\"); fsync(d);", "b"), Some(b"x".to_vec()));
    assert_eq!(after("unlink(\"a\");", "a"), Some(b"x".to_vec()));
    assert_eq!(after("unlink(\"a\"); fsync(d);", "a"), None);
}

#[test]
fn of_unsynced_writes_any_sectors_are_left_each_whole() {
    let body = format!(
        "{OPEN} char zeros[4096] = {{0}}, ones[4096]; memset(ones, 1, 4096); \
         write(a, zeros, 4096); fsync(a); fsync(d); pwrite(a, ones, 4096, 0);"
    );
    let (root, base, trace) = recorded(&body);
    let trace = Trace::read(&trace);
    let mut disk = Disk::new(&base, &trace, None);
    trace.events.iter().for_each(|(event, _)| disk.step(event));
    let (mut seen, mut torn) = (std::collections::BTreeSet::new(), 0);
    for seed in 0..64 {
        for loss in [Loss::Reordered, Loss::Torn] {
            let to = root.join("cut");
            fs::create_dir(&to).unwrap();
            disk.cut(loss, &mut Chance::new(seed), &to);
            let found = fs::read(to.join("data/a")).unwrap();
            fs::remove_dir_all(&to).unwrap();
            let sectors: Vec<u8> = found.chunks(512).map(|sector| sector[0]).collect();
            let whole = found.chunks(512).all(|s| s.iter().all(|byte| *byte == s[0]));
            assert!(whole && found.len() == 4096, "a sector is torn");
            torn += usize::from(sectors.contains(&0) && sectors.contains(&1));
            seen.insert(sectors);
        }
    }
    assert!(seen.len() > 20 && torn > 20, "{} states, {torn} torn", seen.len());
    fs::remove_dir_all(root).unwrap();
}
