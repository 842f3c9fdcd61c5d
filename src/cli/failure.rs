//! Why a command failed: one message, an advice, an exit code. Nothing personal: the errors below hold
//! none.

use std::{error::Error, fmt::Write as _, io, path::Path, process::ExitCode};

use super::advice;
use crate::{
    client::{ClientError, Reason, session::SessionError},
    identity::tls::TlsError,
    policy::PackError,
    server::ServeError,
    vault::{VaultError, startup::StartError},
};

/// What to do next when nothing better is known.
const SEE_HELP: &str = "the same command with --help says what it needs";

/// What the caller of the program is told.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
    /// The policy refused: which advice fits depends on the command.
    denied: bool,
}

impl Failure {
    /// Exit code 1.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1, denied: false }
    }

    /// Exit code 2: the arguments do not go together.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(message) }
    }

    /// Exit code 4: a log that verifies says itself that it was cut or exchanged before.
    pub(super) fn log_was_cut() -> Self {
        let failure = Self::new("the log holds, but an earlier part of it was cut or exchanged");
        let hint = "ask who restored the database, and compare with checkpoints kept elsewhere";
        Self { code: 4, ..failure.hint(hint) }
    }

    /// Exit code 3: something is not available to this caller.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { code: 3, ..Self::new(message) }
    }

    /// Exit code 5, without a word more: the record has another value.
    pub(super) fn no_match() -> Self {
        Self { code: 5, ..Self::silent() }
    }

    /// The same with an advice.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// An error with all its causes.
    pub(super) fn of(error: &dyn Error) -> Self {
        Self::new(with_causes(error))
    }

    /// A file that could not be read or written.
    pub(super) fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "check its permissions and whose it is (`ls -l`)",
            io::ErrorKind::InvalidData => "it must be UTF-8 text",
            io::ErrorKind::AlreadyExists => "nothing is written over: choose another name",
            _ => "check the path and the disk",
        };
        Self::new(format!("{doing} `{}` failed: {error}", path.display())).hint(hint)
    }

    /// A pack that is refused, with every reason found.
    pub(super) fn pack(errors: &[PackError]) -> Self {
        let mut message = "the policy pack is refused".to_owned();
        for error in errors {
            let place = match (error.file.as_str(), error.line) {
                ("", _) => String::new(),
                (file, 0) => format!("{file}: "),
                (file, line) => format!("{file}:{line}: "),
            };
            // Writing to a string does not fail.
            let _ = write!(message, "\n  {place}{}", error.reason);
        }
        Self::new(message).hint("correct these lines, then check: `oubliette policy test DIR`")
    }

    /// The same with one more line of message.
    pub(super) fn and(self, more: &str) -> Self {
        Self { message: format!("{}\n  {more}", self.message), ..self }
    }

    /// For a command on the vault itself: where the policy refused it, no record is the matter.
    pub(super) fn on_the_vault(self) -> Self {
        if self.denied { self.hint(advice::ROLE) } else { self }
    }

    /// Prints it and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        // An empty message: the command has said everything itself.
        if !self.message.is_empty() {
            eprintln!("error: {}", self.message);
            eprintln!(" next: {}", self.hint.as_deref().unwrap_or(SEE_HELP));
        }
        ExitCode::from(self.code)
    }

    /// Fails without a word more: the output says it all.
    pub(super) fn silent() -> Self {
        Self::new(String::new())
    }

    /// The exit code.
    #[cfg(test)]
    pub(super) fn code(&self) -> u8 {
        self.code
    }

    /// All the text.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        format!("{}\n{}", self.message, self.hint.as_deref().unwrap_or_default())
    }
}

/// An error and its causes in one line. A cause that only repeats what was said is left out.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // `tcp connect error: refused` says it once; `transport error` says nothing.
        let last = message.rsplit(": ").next().unwrap_or_default().to_owned();
        if let Some(rest) = text.strip_prefix(&format!("{last}: ")) {
            // Writing to a string does not fail.
            let _ = write!(message, ": {rest}");
        } else if !message.contains(&text) && text != "transport error" {
            let _ = write!(message, ": {text}");
        }
        source = cause.source();
    }
    message
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let refused = matches!(
            error.reason(),
            Some(Reason::Denied | Reason::NotAvailable | Reason::NoHabilitation)
        );
        let denied = error.reason() == Some(Reason::Denied);
        let failure = Self { denied, ..Self::of(&error).hint(error.hint()) };
        if refused { Self { code: 3, ..failure } } else { failure }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::of(&error).hint(advice::session(&error))
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::of(&error).hint(advice::FAULT)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match &error {
            StartError::Pack(errors) => Self::pack(errors),
            _ => Self::of(&error).hint(advice::start(&error)),
        }
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self::of(&error).hint(advice::tls(&error))
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::of(&error).hint(advice::serve(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Said>>);

    fn chain(texts: &[&'static str]) -> String {
        let fold =
            |cause: Option<Box<Said>>, text: &&'static str| Some(Box::new(Said(text, cause)));
        with_causes(&*texts.iter().rev().fold(None, fold).unwrap())
    }

    #[test]
    fn a_cause_that_repeats_what_was_said_is_left_out_and_a_new_one_is_kept() {
        let refused = "tcp connect error: Connection refused (os error 111)";
        let doubled = ["no vault answers", "transport error", "tcp connect error", refused];
        assert_eq!(
            chain(&doubled),
            "no vault answers: tcp connect error: Connection refused (os error 111)"
        );
        assert_eq!(
            chain(&["no vault", refused, "Connection refused (os error 111)"])
                .matches("refused")
                .count(),
            1
        );
        assert_eq!(chain(&["reading failed", "disk broken"]), "reading failed: disk broken");
    }

    #[test]
    fn a_fault_of_a_whole_file_has_no_line_and_one_of_a_line_has() {
        let error = |file: &str, line| PackError { file: file.into(), line, reason: "bad".into() };
        let text =
            Failure::pack(&[error("", 0), error("a.cedar", 0), error("pack.toml", 7)]).text();
        assert!(text.contains("\n  bad\n  a.cedar: bad\n  pack.toml:7: bad"), "{text}");
    }
}
