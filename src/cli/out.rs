//! What commands print. A reader who closed the pipe is no reason to fail: the work is done.

use std::io::Write as _;

use serde::Serialize;

use super::failure::Failure;
use crate::client::types::Value;

/// One line on standard output.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Bytes on standard output, as they are.
pub(super) fn bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

/// One line of advice or warning on the error output, so that it does not mix with what a program
/// reads.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// One JSON document on one line.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|e| Failure::of(&e))?;
    line(&text);
    Ok(())
}

/// JSON if asked for, else what `human` says.
pub(super) fn either(
    as_json: bool,
    value: &impl Serialize,
    human: impl FnOnce(),
) -> Result<(), Failure> {
    if as_json {
        return json(value);
    }
    human();
    Ok(())
}

/// Rows in columns as wide as their widest cell, two spaces apart.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) {
    let heading = heading.map(str::to_owned);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
    columns(&heading, &rows);
}

/// The same where the columns are known only when the rows are.
pub(super) fn columns(heading: &[String], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count());
        let head = heading.get(column).map_or(0, |h| h.chars().count());
        cells.max().unwrap_or(0).max(head)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let print = |cells: &[String]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            let space = width.saturating_sub(cell.chars().count()).saturating_add(2);
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', space));
        }
        line(text.trim_end());
    };
    print(heading);
    for row in rows {
        print(row);
    }
}

/// A value of a record in one cell.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Date(text) => plain(text),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
    }
}

/// A text without characters that a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_drive_the_terminal() {
        assert_eq!(plain("Éléonore"), "Éléonore");
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
