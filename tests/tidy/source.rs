//! The sources under test, and a view of each in which only code is left.
//!
//! Not a parser: it knows comments, strings and characters, blanks them with spaces (every byte keeps
//! its place and line), and relies on rustfmt for the rest.

use std::{fs, path::Path};

/// One Rust file.
pub(crate) struct Source {
    /// Path from the package root, with `/`.
    pub(crate) path: String,
    /// As it is on disk.
    pub(crate) text: String,
    /// `text` with comments, strings and characters blanked.
    pub(crate) code: String,
    /// `code` with test modules blanked as well; empty for files that are tests as a whole.
    pub(crate) product: String,
    /// `text` with test modules blanked: product code with its comments and strings.
    pub(crate) product_text: String,
}

impl Source {
    /// A source with this path and text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank_comments_and_strings(text);
        let is_test = path.starts_with("tests/")
            || path.ends_with("/tests.rs")
            || path.ends_with("/testing.rs")
            || path.contains("/tests/")
            || path.contains("/testing/");
        let spans = if is_test { vec![(0, text.len())] } else { test_modules(&code) };
        Self {
            path: path.into(),
            product: blank(&code, &spans),
            product_text: blank(text, &spans),
            text: text.into(),
            code,
        }
    }

    /// Number of the line, from 1, that holds this byte.
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
    }

    /// The module this file belongs to: `vault` for `src/vault/reveal.rs`, `main` for `src/main.rs`.
    /// `None` outside `src/` and for `src/lib.rs`, which only names the others.
    pub(crate) fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let module = inside.split('/').next()?.trim_end_matches(".rs");
        (module != "lib").then_some(module)
    }
}

/// Every Rust file of the package: `src`, `tests`, `benches` and `build.rs`.
pub(crate) fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("build.rs")];
    for folder in ["src", "tests", "benches"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        Source::new(&name, &fs::read_to_string(path).unwrap())
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Where each occurrence of `word` begins that is not part of a longer identifier.
pub(crate) fn words(code: &str, word: &str) -> Vec<usize> {
    let ident = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = code.as_bytes();
    let whole = |at: &usize| {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i));
        !ident(before) && !ident(bytes.get(at + word.len()))
    };
    code.match_indices(word).map(|(at, _)| at).filter(whole).collect()
}

/// The byte after the bracket that closes the one at `open`.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, b) in code.bytes().enumerate().skip(open) {
        match b {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    code.len()
}

/// Spans of `#[cfg(test)] mod name { ... }`.
fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let rest = &code[at + attribute.len()..];
        let Some(body) = rest.find(['{', ';']) else { continue };
        let is_module = rest[..body].split_whitespace().any(|w| w == "mod");
        if is_module && rest.as_bytes()[body] == b'{' {
            spans.push((at, closing(code, at + attribute.len() + body)));
        }
    }
    spans
}

fn blank(text: &str, spans: &[(usize, usize)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (from, to) in spans {
        erase(&mut bytes[*from..*to]);
    }
    String::from_utf8(bytes).unwrap()
}

fn erase(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
}

fn blank_comments_and_strings(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = token_end(text.as_bytes(), at);
        if let Some(end) = end {
            erase(&mut bytes[at..end]);
        }
        at = end.unwrap_or(at + 1);
    }
    String::from_utf8(bytes).unwrap()
}

/// The end of the comment, string or character that begins at `at`, if one does.
fn token_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.starts_with(b"//") {
        return Some(at + find(rest, b"\n").unwrap_or(rest.len()));
    }
    if rest.starts_with(b"/*") {
        return Some(at + 2 + find(&rest[2..], b"*/").map_or(rest.len() - 2, |i| i + 2));
    }
    if rest[0] == b'r'
        && !at.checked_sub(1).is_some_and(|i| text[i].is_ascii_alphanumeric() && text[i] != b'b')
    {
        let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
            let body = 2 + hashes;
            return Some(at + body + find(&rest[body..], &close)? + close.len());
        }
    }
    match rest[0] {
        b'"' => quoted(rest, b'"').map(|n| at + n),
        // A lifetime has no closing quote after one character; a character has.
        b'\'' if rest.get(1) == Some(&b'\\') || char_closes(rest) => {
            quoted(rest, b'\'').map(|n| at + n)
        }
        _ => None,
    }
}

fn char_closes(rest: &[u8]) -> bool {
    let width = rest.get(1).map_or(0, |b| match b {
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    });
    rest.get(1 + width) == Some(&b'\'')
}

/// Length of a quoted token with its quotes, escapes respected.
fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|w| w == needle)
}

#[test]
fn comments_strings_and_characters_are_blanked_and_code_is_left() {
    let text =
        "fn f<'a>(x: &'a str) { g(\"a } b\", '{', r#\"q\"}\"#, b'\\'') } // } end\n/* { */ h";
    let code = Source::new("src/x.rs", text).code;
    assert_eq!(code.len(), text.len());
    assert_eq!(code.matches('{').count(), 1);
    assert_eq!(code.matches('}').count(), 1);
    assert!(code.contains("<'a>") && code.contains("&'a str") && code.ends_with(" h"));
}

#[test]
fn test_modules_are_no_product_and_other_modules_are() {
    let text = "mod a { x }\n#[cfg(test)]\nmod tests { y }\nz";
    let source = Source::new("src/x.rs", text);
    assert!(source.product.contains('x') && source.product.contains('z'));
    assert!(!source.product.contains('y'));
    assert!(Source::new("src/x/tests.rs", text).product.trim().is_empty());
}

#[test]
fn a_whole_word_is_found_and_a_part_of_one_is_not() {
    assert_eq!(words("open reopen open_it open", "open"), [0, 20]);
}
