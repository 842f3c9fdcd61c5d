//! Precise errors of a pack: file, line, reason. All that is found is reported, not the first.

use std::ops::Range;

/// One thing wrong with a pack. Packs hold rules and no personal data, so the reason may quote them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct PackError {
    /// Relative path within the pack.
    pub file: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// A value with the line it stands on.
#[derive(Debug, Clone)]
pub(in crate::policy) struct At<T> {
    pub(in crate::policy) line: usize,
    pub(in crate::policy) value: T,
}

/// The text of one file and the errors found in it.
pub(in crate::policy) struct Source<'a> {
    pub(in crate::policy) file: &'a str,
    pub(in crate::policy) text: &'a str,
    pub(in crate::policy) errors: Vec<PackError>,
}

// === impl Source ===

impl<'a> Source<'a> {
    pub(in crate::policy) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, errors: Vec::new() }
    }

    /// The line, from 1, of a byte offset.
    pub(in crate::policy) fn line_of(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|b| *b == b'\n').count()
    }

    /// Records an error at a line.
    pub(in crate::policy) fn error(&mut self, line: usize, reason: impl Into<String>) {
        self.errors.push(PackError { file: self.file.into(), line, reason: reason.into() });
    }

    /// Records what the TOML reader refused; `within` is where to point when it does not say.
    pub(in crate::policy) fn toml_error(&mut self, error: &toml::de::Error, within: Range<usize>) {
        let offset = error.span().unwrap_or(within).start;
        self.error(self.line_of(offset), error.message().replace('\n', " "));
    }
}
