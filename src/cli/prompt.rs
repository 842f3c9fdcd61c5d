//! Questions to a person at a terminal. A program is never asked: it says `--yes`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::failure::Failure;

/// Asks on the error output and reads one line, trimmed and in small letters.
pub(super) fn ask(question: &str) -> Result<String, Failure> {
    let failed = |e: std::io::Error| Failure::of(&e);
    let mut error_output = std::io::stderr().lock();
    write!(error_output, "{question}").and_then(|()| error_output.flush()).map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(answer.trim().to_lowercase())
}

/// Goes on only if a person says `yes`. Errors: without a terminal, and on any other answer.
pub(super) fn confirm(question: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is there to be asked").hint("add --yes"));
    }
    if ask(&format!("{question} Type yes: "))? == "yes" {
        return Ok(());
    }
    Err(Failure::new("nothing was done"))
}
