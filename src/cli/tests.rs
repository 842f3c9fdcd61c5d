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

/// The examples in a command's long help: lines that begin with the program's name, each with those
/// that continue it.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.clone().render_long_help().to_string();
    let mut lines = help.lines();
    let mut examples = Vec::new();
    while let Some(line) = lines.next() {
        if !line.starts_with("  oubliette ") {
            continue;
        }
        let mut example = line.to_owned();
        while let Some(begun) = example.strip_suffix('\\') {
            example = format!("{begun}{}", lines.next().unwrap());
        }
        examples.push(example);
    }
    examples
}

/// The words of a shell line up to a pipe, a redirection or the like; none if the shell would put
/// something else in their place.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '$' | '`') | (None, '*' | '?' | '~' | '\\') => return None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '|' | '<' | '>' | '&' | ';') => break,
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[test]
fn every_command_that_does_something_shows_an_example() {
    let mut looked = 0;
    for (path, command) in all() {
        if command.has_subcommands() {
            continue;
        }
        let help = command.clone().render_long_help().to_string();
        let shown = format!("  {path}");
        let of_its_own = |line: &str| {
            line.strip_prefix(&shown).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        assert!(help.contains("Example:"), "{path}");
        assert!(help.lines().any(of_its_own), "{path}: no line shows it");
        assert!(command.get_about().is_some(), "{path}");
        looked += 1;
    }
    assert!(looked >= 21, "{looked}");
}

#[test]
fn every_example_is_one_that_the_program_takes() {
    let mut commands = all();
    commands.push(("oubliette".into(), Cli::command()));
    for (path, command) in commands {
        let examples = examples(&command);
        let mut taken = 0;
        for example in &examples {
            let Some(words) = words(example) else { continue };
            let error = Cli::try_parse_from(&words).err().map(|error| error.to_string());
            assert_eq!(error, None, "{path}: {example}");
            taken += 1;
        }
        let tried = taken > 0 || command.has_subcommands();
        assert!(tried, "{path}: none of its examples can be tried: {examples:?}");
    }
}

#[test]
fn an_example_is_read_as_a_shell_would_and_not_guessed_at() {
    let of = |line: &str| words(line).map(|words| words.join("|"));
    let is = |line: &str, wanted: &str| assert_eq!(of(line).as_deref(), Some(wanted), "{line}");
    is("  oubliette a --b 'c  $d' \"e f\"", "oubliette|a|--b|c  $d|e f");
    is("  oubliette a > b", "oubliette|a");
    is("  oubliette a <<'END'", "oubliette|a");
    is("  oubliette a '' | b", "oubliette|a|");
    for line in ["  oubliette a $b", "  oubliette a \"$b\"", "  oubliette a ~/b", "  oubliette *"] {
        assert_eq!(of(line), None, "{line}");
    }
    let command = clap::Command::new("x").after_help("  oubliette a \\\n   b\n  oubliette c\nd");
    assert_eq!(examples(&command), ["  oubliette a    b", "  oubliette c"]);
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
