//! Length of files and functions, and the doc comment at each file's head.

use crate::source::{Source, closing, words};

/// Longest file, in lines.
const FILE_LINES_MAX: usize = 500;
/// Longest function, from its `fn` to its closing brace, in lines.
const FUNCTION_LINES_MAX: usize = 70;

/// Files longer than the cap.
pub(crate) fn file_cap(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let over = lines > FILE_LINES_MAX;
    over.then(|| format!("{}: {lines} lines, at most {FILE_LINES_MAX}", source.path))
        .into_iter()
        .collect()
}

/// Functions longer than the cap.
pub(crate) fn function_cap(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for at in words(&source.code, "fn") {
        let Some(open) = body_of(&source.code, at) else { continue };
        let (first, last) = (source.line_of(at), source.line_of(closing(&source.code, open) - 1));
        let lines = last - first + 1;
        if lines > FUNCTION_LINES_MAX {
            let path = &source.path;
            found.push(format!("{path}:{first}: {lines} lines, at most {FUNCTION_LINES_MAX}"));
        }
    }
    found
}

/// Files that do not begin with `//!`.
pub(crate) fn module_doc(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    let said = first.strip_prefix("//!").is_some_and(|rest| rest.trim().len() > 10);
    (!said)
        .then(|| format!("{}: begins without saying what it is (`//!`)", source.path))
        .into_iter()
        .collect()
}

/// The brace that opens the body of the function at `at`; `None` for a declaration or a type.
fn body_of(code: &str, at: usize) -> Option<usize> {
    let mut i = at;
    while let Some(b) = code.as_bytes().get(i) {
        match b {
            b'(' | b'[' => i = closing(code, i),
            b'{' => return Some(i),
            b';' | b'=' | b')' | b',' => return None,
            b'-' => i += 2,
            _ => i += 1,
        }
    }
    None
}

#[cfg(test)]
fn function_of(lines: usize) -> Source {
    let text =
        format!("//! A file.\nfn f(x: [u8; 4]) -> u8 {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    Source::new("src/x.rs", &text)
}

#[test]
fn a_file_over_the_cap_is_caught_and_one_at_the_cap_is_not() {
    let of = |lines: usize| Source::new("src/x.rs", &"x\n".repeat(lines));
    assert!(file_cap(&of(FILE_LINES_MAX)).is_empty());
    assert_eq!(file_cap(&of(FILE_LINES_MAX + 1)).len(), 1);
}

#[test]
fn a_function_over_the_cap_is_caught_and_one_at_the_cap_is_not() {
    assert!(function_cap(&function_of(FUNCTION_LINES_MAX)).is_empty());
    assert_eq!(function_cap(&function_of(FUNCTION_LINES_MAX + 1)).len(), 1);
}

#[test]
fn declarations_and_function_types_have_no_body_to_measure() {
    let long = "x\n".repeat(100);
    let text =
        format!("trait T {{ fn f(&self) -> u8; }}\nstruct S {{ g: fn(u8) -> u8,\n{long} }}\n");
    assert!(function_cap(&Source::new("src/x.rs", &text)).is_empty());
}

#[test]
fn a_file_without_its_doc_is_caught_and_one_with_it_is_not() {
    assert!(module_doc(&Source::new("src/x.rs", "//! What this file is.\n")).is_empty());
    assert_eq!(module_doc(&Source::new("src/x.rs", "use std::fs;\n")).len(), 1);
    assert_eq!(module_doc(&Source::new("src/x.rs", "//!\n")).len(), 1);
}
