//! The command line as a whole: it holds together, it teaches, and it takes no secret.

use clap::{CommandFactory as _, Parser as _};

use super::*;

fn commands(command: &clap::Command, path: &str, into: &mut Vec<(String, clap::Command)>) {
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        into.push((path.clone(), sub.clone()));
        commands(sub, &path, into);
    }
}

fn all() -> Vec<(String, clap::Command)> {
    let mut all = Vec::new();
    commands(&Cli::command(), "oubliette", &mut all);
    all
}

#[test]
fn the_command_line_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_that_does_something_shows_an_example() {
    let mut looked = 0;
    for (path, command) in all() {
        if command.has_subcommands() || path == "oubliette demo" {
            continue;
        }
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example:") && help.contains("oubliette "), "{path}");
        assert!(command.get_about().is_some(), "{path}");
        looked += 1;
    }
    assert!(looked >= 17, "{looked}");
}

#[test]
fn no_flag_takes_a_secret_or_a_field_of_a_record() {
    let never = ["passphrase", "secret", "password", "token", "field", "value"];
    for (path, command) in all() {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            assert!(!never.contains(&name), "{path} {name}");
        }
    }
}

#[test]
fn a_wrong_command_line_exits_with_2_and_help_with_0() {
    let run = |args: &[&str]| {
        let error = Cli::try_parse_from(args.iter().map(OsString::from)).err().unwrap();
        error.exit_code()
    };
    assert_eq!(run(&["oubliette", "no-such-command"]), 2);
    assert_eq!(run(&["oubliette", "reveal", "not-an-id", "--class", "c", "--purpose", "p"]), 2);
    assert_eq!(run(&["oubliette", "serve", "--key-file", "a", "--passphrase-file", "b"]), 2);
    assert_eq!(run(&["oubliette", "--help"]), 0);
}

#[test]
fn a_refusal_by_policy_exits_with_3_and_any_other_with_1() {
    use crate::client::{ClientError, Reason, Refusal};
    let failure = |reason: Reason| {
        Failure::from(ClientError::Refused(Box::new(Refusal {
            code: reason.code(),
            reason: Some(reason),
            message: reason.message().into(),
            violations: vec![],
            policies: vec!["own-territory".into()],
            retry_after_ms: None,
        })))
    };
    assert_eq!(failure(Reason::Denied).code(), 3);
    assert!(failure(Reason::Denied).text().contains("own-territory"));
    assert!(failure(Reason::Denied).text().contains("be assigned the record"));
    let on_the_vault = failure(Reason::Denied).on_the_vault();
    assert_eq!(on_the_vault.code(), 3);
    assert!(on_the_vault.text().contains("this role may not do that"));
    assert!(!on_the_vault.text().contains("be assigned the record"));
    let busy = failure(Reason::PurgeRunning).on_the_vault().text();
    assert!(busy.contains(Reason::PurgeRunning.hint()));
    assert_eq!(failure(Reason::NotAvailable).code(), 3);
    assert_eq!(failure(Reason::AuditUnwritable).code(), 1);
    for reason in Reason::ALL {
        assert!(failure(*reason).text().contains(reason.hint()), "{}", reason.as_str());
    }
}
