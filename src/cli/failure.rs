//! Why a command failed: one message, an advice, an exit code. Nothing personal: the errors below hold
//! none.

use std::{error::Error, fmt::Write as _, io, path::Path, process::ExitCode};

use crate::{
    client::{ClientError, Reason, session::SessionError},
    policy::PackError,
    server::ServeError,
    vault::{VaultError, startup::StartError},
};

/// What the caller of the program is told.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// Exit code 1.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1 }
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

    /// The same with an advice.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// An error with all its causes.
    pub(super) fn of(error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            // Writing to a string does not fail.
            let _ = write!(message, ": {cause}");
            source = cause.source();
        }
        Self::new(message)
    }

    /// A file that could not be read or written.
    pub(super) fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("{doing} `{}` failed: {error}", path.display()))
    }

    /// A pack that is refused, with every reason found.
    pub(super) fn pack(errors: &[PackError]) -> Self {
        let mut message = "the policy pack is refused".to_owned();
        for error in errors {
            // Writing to a string does not fail.
            let _ = write!(message, "\n  {error}");
        }
        Self::new(message).hint("correct these lines, then check: `oubliette policy check DIR`")
    }

    /// Prints it and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        // An empty message: the command has said everything itself.
        if !self.message.is_empty() {
            eprintln!("error: {}", self.message);
        }
        if let Some(hint) = &self.hint {
            eprintln!(" next: {hint}");
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

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let refused = matches!(
            error.reason(),
            Some(Reason::Denied | Reason::NotAvailable | Reason::NoHabilitation)
        );
        let failure = Self::of(&error).hint(error.hint());
        if refused { Self { code: 3, ..failure } } else { failure }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::of(&error)
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::of(&error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::of(&error)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::of(&error)
    }
}
