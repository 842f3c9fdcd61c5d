//! One line on the error output that says how far a long command is, drawn anew a few times a second
//! and only where a person watches. Lines said meanwhile go above it.

use std::io::{Stderr, Write};

use crate::{clock::Clock, limits};

/// The beginning of a line, and nothing after it.
const CLEAR: &str = "\r\u{1b}[K";
/// Cells of a bar.
const BAR_CELLS: u64 = 24;

/// A progress line over an output.
pub(super) struct Progress<'c, W: Write> {
    clock: &'c dyn Clock,
    out: W,
    /// Somebody watches.
    terminal: bool,
    /// When it was last drawn, in milliseconds.
    drawn_at: Option<i64>,
    /// The line that stands there.
    line: String,
}

impl<'c> Progress<'c, Stderr> {
    /// On the error output.
    pub(super) fn on_stderr(clock: &'c dyn Clock, terminal: bool) -> Self {
        Self::over(std::io::stderr(), clock, terminal)
    }
}

impl<'c, W: Write> Progress<'c, W> {
    pub(super) fn over(out: W, clock: &'c dyn Clock, terminal: bool) -> Self {
        Self { clock, out, terminal, drawn_at: None, line: String::new() }
    }

    /// Draws the line, unless it was drawn a moment ago.
    pub(super) fn show(&mut self, text: impl FnOnce() -> String) {
        if !self.terminal {
            return;
        }
        let now = self.clock.now().as_millis();
        let fresh = |at: i64| (0..limits::PROGRESS_MS).contains(&now.saturating_sub(at));
        if self.drawn_at.is_some_and(fresh) {
            return;
        }
        self.drawn_at = Some(now);
        self.line = text();
        // A terminal that is gone is no reason to stop.
        let _ = write!(self.out, "{CLEAR}{}", self.line).and_then(|()| self.out.flush());
    }

    /// Says a line that stays, watched or not.
    pub(super) fn say(&mut self, text: &str) {
        let _ = match self.line.as_str() {
            "" => writeln!(self.out, "{text}"),
            line => writeln!(self.out, "{CLEAR}{text}").and_then(|()| write!(self.out, "{line}")),
        };
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if !self.line.is_empty() {
            let _ = write!(self.out, "{CLEAR}").and_then(|()| self.out.flush());
            self.line.clear();
        }
        self.drawn_at = None;
    }
}

/// A bar with its percentage; `None` where the whole is not known.
pub(super) fn bar(done: u64, whole: Option<u64>) -> String {
    let Some(whole) = whole.filter(|whole| *whole > 0) else { return String::new() };
    let done = done.min(whole);
    let part = |of: u64| {
        let part = u128::from(done) * u128::from(of) / u128::from(whole);
        u64::try_from(part).unwrap_or(of)
    };
    let cells = |n: u64| usize::try_from(n).unwrap_or_default();
    let full = "#".repeat(cells(part(BAR_CELLS)));
    let rest = "-".repeat(cells(BAR_CELLS.saturating_sub(part(BAR_CELLS))));
    format!("[{full}{rest}] {:>3} %  ", part(100))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn drawn(
        terminal: bool,
        act: impl FnOnce(&mut Progress<'_, &mut Vec<u8>>, &ManualClock),
    ) -> String {
        let (clock, mut out) = (ManualClock::at(Timestamp::from_millis(0)), Vec::new());
        act(&mut Progress::over(&mut out, &clock, terminal), &clock);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_drawn_at_most_a_few_times_a_second() {
        let text = drawn(true, |progress, clock| {
            progress.show(|| "one".into());
            progress.show(|| "two".into());
            clock.advance_millis(limits::PROGRESS_MS);
            progress.show(|| "three".into());
            // A clock that was set back does not silence it.
            clock.advance_millis(-60_000);
            progress.show(|| "four".into());
        });
        assert_eq!(text, format!("{CLEAR}one{CLEAR}three{CLEAR}four"));
    }

    #[test]
    fn what_is_said_meanwhile_stays_above_the_line() {
        let text = drawn(true, |progress, _| {
            progress.show(|| "half".into());
            progress.say("f:3: BAD_LINE");
            progress.clear();
            progress.say("end");
        });
        assert_eq!(text, format!("{CLEAR}half{CLEAR}f:3: BAD_LINE\nhalf{CLEAR}end\n"));
    }

    #[test]
    fn nobody_watching_gets_what_is_said_and_no_line() {
        let text = drawn(false, |progress, _| {
            progress.show(|| "half".into());
            progress.say("f:3: BAD_LINE");
            progress.clear();
        });
        assert_eq!(text, "f:3: BAD_LINE\n");
    }

    #[test]
    fn a_bar_fills_up_and_an_unknown_whole_has_none() {
        assert_eq!(bar(0, Some(10)), format!("[{}]   0 %  ", "-".repeat(24)));
        assert_eq!(bar(5, Some(10)), format!("[{}{}]  50 %  ", "#".repeat(12), "-".repeat(12)));
        assert_eq!(bar(11, Some(10)), format!("[{}] 100 %  ", "#".repeat(24)));
        assert_eq!(bar(u64::MAX, Some(u64::MAX)), format!("[{}] 100 %  ", "#".repeat(24)));
        assert_eq!((bar(5, None), bar(5, Some(0))), (String::new(), String::new()));
    }
}
