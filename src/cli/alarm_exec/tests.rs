//! The command as it is configured and run, with small scripts.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

const ALARM: AlarmId = AlarmId::from_bytes([0xab; 16]);

/// A folder with a program of this text.
fn program(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tell");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn words(exec: &[&str]) -> AlarmConfig {
    AlarmConfig { exec: exec.iter().map(|word| (*word).to_owned()).collect() }
}

fn exec(folder: &tempfile::TempDir, arguments: &[&str]) -> AlarmExec {
    let words = words(&[&["tell"], arguments].concat());
    words.command(folder.path()).map_err(|e| e.text()).unwrap()
}

#[test]
fn it_is_run_with_its_own_words_the_kind_and_the_id_and_an_empty_environment() {
    let folder = program(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$1\"\nenv | grep -v -e ^PATH= -e ^PWD= -e ^SHLVL= -e ^_= >> \"$1\"\ntrue\n",
    );
    let heard = folder.path().join("heard");
    let own = ["", "two words; $(not run)"];
    let own = [heard.to_str().unwrap(), own[1]];
    assert_eq!(exec(&folder, &own).tell("break-glass", &ALARM), Ok(()));
    let heard_text = fs::read_to_string(&heard).unwrap();
    let lines: Vec<&str> = heard_text.lines().collect();
    assert_eq!(lines, [own[0], own[1], "break-glass", &"ab".repeat(16)]);
}

#[test]
fn one_that_fails_first_and_then_works_is_untold_and_then_told() {
    let folder = program("#!/bin/sh\ntest -e \"$1\" && exit 0\n: > \"$1\"\nexit 3\n");
    let exec = exec(&folder, &[folder.path().join("mark").to_str().unwrap()]);
    assert_eq!(exec.tell("overdue", &ALARM), Err(AlarmUntold));
    assert_eq!(exec.tell("overdue", &ALARM), Ok(()));
}

#[test]
fn one_that_does_not_end_is_killed_with_what_it_started() {
    let folder = program("#!/bin/sh\nsleep 600 &\necho $! > \"$1\"\nmv \"$1\" \"$2\"\nwait\n");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (draft, child) = (path("draft"), path("child"));
    let mut exec = exec(&folder, &[&draft, &child]);
    // It is stopped once it has come as far as to wait: a slow machine is given ten times
    // as long each time.
    exec.longest = Duration::from_millis(700);
    for _ in 0..5 {
        if fs::exists(&child).unwrap() {
            break;
        }
        assert_eq!(exec.tell("overdue", &ALARM), Err(AlarmUntold));
        exec.longest *= 10;
    }
    let pid = fs::read_to_string(&child).unwrap();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // Gone, or dead and not collected yet by whoever adopted it; left alone it would sleep ten minutes.
    let ended = |stat: &str| stat.is_empty() || stat.contains(") Z ") || stat.contains(") X ");
    for _ in 0..6_000 {
        if ended(&stat()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{}", stat());
}

#[test]
fn one_that_is_gone_or_no_program_is_untold() {
    let folder = program("not a program");
    let command = exec(&folder, &[]);
    assert_eq!(command.tell("overdue", &ALARM), Err(AlarmUntold));
    fs::remove_file(folder.path().join("tell")).unwrap();
    assert_eq!(command.tell("overdue", &ALARM), Err(AlarmUntold));
}

#[test]
fn a_command_is_a_file_with_as_many_words_as_the_bound_and_no_more() {
    let folder = program("#!/bin/sh\n");
    let command = |exec: &[&str]| words(exec).command(folder.path()).map_err(|e| e.text());
    let most = [&["tell"][..], &["x"; limits::ALARM_EXEC_WORDS_MAX - 1]].concat();
    assert!(command(&most).is_ok());
    assert!(command(&[&most[..], &["x"]].concat()).unwrap_err().contains("at most 32 words"));
    assert!(command(&[]).unwrap_err().contains("names no program"));
    assert!(command(&["elsewhere"]).unwrap_err().contains("is no file"));
    let other = tempfile::tempdir().unwrap();
    let absolute = folder.path().join("tell");
    assert!(words(&[absolute.to_str().unwrap()]).command(other.path()).is_ok());
}
