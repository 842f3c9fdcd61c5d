//! Every `expose()` of a secret in product code says why, in a comment right above its statement.

use crate::source::Source;

/// Where exposing is the trade, and needs no excuse.
const EXEMPT: [&str; 2] = ["src/crypto/", "src/secret.rs"];
/// How a reason begins.
const REASON: &str = "// EXPOSE: ";

/// Exposed secrets without a reason.
pub(crate) fn exposed_with_reason(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") || EXEMPT.iter().any(|e| source.path.starts_with(e)) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let code: Vec<&str> = source.product.lines().collect();
    let exposes = |line: &&str| line.contains(".expose()") || line.contains("::expose");
    let bare = |at: &usize| exposes(&code[*at]) && !has_reason(&lines, *at);
    let report =
        |at: usize| format!("{}:{}: an `expose()` without `{REASON}`", source.path, at + 1);
    (0..code.len()).filter(bare).map(report).collect()
}

/// Whether the comment above the statement that line `at` is part of gives a reason.
fn has_reason(lines: &[&str], at: usize) -> bool {
    let mut above = lines[..at].iter().rev().map(|l| l.trim());
    let ends = |l: &&str| l.is_empty() || l.ends_with([';', '{', '}']) || l.starts_with("//");
    let Some(first) = above.find(ends) else { return false };
    if first.starts_with(REASON) {
        return true;
    }
    // A reason of several lines begins above the last of them.
    first.starts_with("//")
        && above.take_while(|l| l.starts_with("//")).any(|l| l.starts_with(REASON))
}

#[test]
fn an_exposed_secret_without_a_reason_is_caught_and_one_with_it_is_not() {
    let bad = |path: &str, text: &str| !exposed_with_reason(&Source::new(path, text)).is_empty();
    let bare = "let a = 1;\nlet k = key.expose();";
    assert!(bad("src/vault/x.rs", bare));
    assert!(bad("src/vault/x.rs", "let f = Secret::expose;"));
    assert!(
        !bad("src/crypto/x.rs", bare) && !bad("src/secret.rs", bare) && !bad("tests/x.rs", bare)
    );
    for good in [
        "// EXPOSE: sealed at once.\nlet k = key.expose();",
        "// EXPOSE: sealed at once,\n// and wiped.\nlet k = f(\n    key.expose(),\n);",
        "// let k = key.expose();",
    ] {
        assert!(!bad("src/vault/x.rs", good), "{good}");
    }
}

#[test]
fn a_reason_covers_its_own_statement_and_not_the_next() {
    let text = "// EXPOSE: sealed at once.\nlet a = key.expose();\nlet b = key.expose();";
    let found = exposed_with_reason(&Source::new("src/vault/x.rs", text));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("src/vault/x.rs:3:"), "{found:?}");
}
