//! What the demo says, and whether every step behaved.
//!
//! Each check is printed with its verdict; one failed check makes the whole demo fail. A reader who
//! closed the pipe is no reason to stop.

use std::io::Write;

/// The demo's voice and its verdict.
pub(super) struct Tell {
    out: Box<dyn Write + Send>,
    checks: usize,
    failures: usize,
}

impl Tell {
    /// Speaks to `out`.
    pub(super) fn to(out: Box<dyn Write + Send>) -> Self {
        Self { out, checks: 0, failures: 0 }
    }

    /// A heading.
    pub(super) fn part(&mut self, title: &str) {
        self.line(&format!("\n== {title}"));
    }

    /// A sentence of the script.
    pub(super) fn say(&mut self, sentence: &str) {
        self.line(&format!("\n{sentence}"));
    }

    /// A detail.
    pub(super) fn detail(&mut self, text: &str) {
        self.line(&format!("   {text}"));
    }

    /// One expectation and whether it held.
    pub(super) fn check(&mut self, held: bool, what: &str) {
        self.checks += 1;
        if held {
            self.line(&format!("   ok      {what}"));
        } else {
            self.failures += 1;
            self.line(&format!("   FAILED  {what}"));
        }
    }

    /// The last line; true when every step behaved.
    pub(super) fn verdict(&mut self) -> bool {
        let (checks, failures) = (self.checks, self.failures);
        match failures {
            0 => self.line(&format!("\nAll {checks} checks behaved as they must.")),
            _ => {
                self.line(&format!("\n{failures} of {checks} checks did NOT behave as they must."))
            }
        }
        failures == 0 && checks > 0
    }

    /// A line as it is.
    pub(super) fn line(&mut self, text: &str) {
        // A closed pipe: the checks still run, and the exit status still tells.
        let _ = writeln!(self.out, "{text}");
    }
}
