//! Who may know whom (DESIGN section 10): dependencies point downwards only, generated types and
//! dangerous calls stay in the files listed here. Product code only: a test may build upwards.

use crate::source::{Source, closing, words};

/// The floors, from the top. A module may use those after it, and the leaves.
const FLOORS: [&str; 14] = [
    "main",
    "cli",
    "console",
    "server",
    "client",
    "vault",
    "retention",
    "policy",
    "identity",
    "audit",
    "keyring",
    "crypto",
    "storage",
    "wire",
];
/// The leaves, each with the leaves it may use.
const LEAVES: [(&str, &[&str]); 5] = [
    ("limits", &[]),
    ("clock", &[]),
    ("random", &[]),
    ("ids", &["random"]),
    ("secret", &["random"]),
];
/// Modules that speak the public API's types.
const API_USERS: [&str; 2] = ["server", "client"];
/// Modules that persist messages, and so know their stored form.
const STORE_USERS: [&str; 6] = ["vault", "retention", "policy", "identity", "audit", "keyring"];
/// The only files that open a section: the head, the audit detail, a disclosure (which a re-seal goes
/// through, too), and the head again where a hold follows a record that was re-sealed.
const SECTION_OPENERS: [&str; 5] = [
    "src/vault/head.rs",
    "src/vault/disclose.rs",
    "src/audit/event.rs",
    "src/audit/query.rs",
    "src/retention/reseal.rs",
];
/// The one file that lets a generation hand out slots, because it wrote the leaf.
const PUBLISHER: &str = "src/audit/publish.rs";

/// Uses of a module that is not below the user's.
pub(crate) fn downwards(source: &Source) -> Vec<String> {
    let Some(user) = source.module() else { return Vec::new() };
    let mut found: Vec<String> = used_modules(source)
        .into_iter()
        .filter(|(used, _)| !may_use(user, used))
        .map(|(used, at)| {
            format!("{}:{}: `{user}` must not use `{used}`", source.path, source.line_of(at))
        })
        .collect();
    found.extend(climbs(source));
    found
}

/// API types outside server and client, stored messages outside the modules that persist them.
pub(crate) fn generated_types(source: &Source) -> Vec<String> {
    let Some(user) = source.module() else { return Vec::new() };
    let check = |part: &str, allowed: &[&str]| {
        let found = members_named(&source.product, "wire", part);
        let bad = found.into_iter().filter(|_| user != "wire" && !allowed.contains(&user));
        bad.map(|at| format!("{}:{}: `wire::{part}`", source.path, source.line_of(at)))
            .collect::<Vec<_>>()
    };
    [check("api", &API_USERS), check("store", &STORE_USERS)].concat()
}

/// Calls of `section::open` outside the listed files.
pub(crate) fn section_openers(source: &Source) -> Vec<String> {
    let allowed = SECTION_OPENERS.contains(&source.path.as_str());
    if allowed || source.path.starts_with("src/crypto/") {
        return Vec::new();
    }
    let found = members_named(&source.product, "section", "open").into_iter();
    found.map(|at| format!("{}:{}: opens a section", source.path, source.line_of(at))).collect()
}

/// Publications of a generation outside the log.
pub(crate) fn publishers(source: &Source) -> Vec<String> {
    if source.path == PUBLISHER || source.path.starts_with("src/keyring/") {
        return Vec::new();
    }
    let mut found = words(&source.product, "publish_with");
    found.extend(source.product.match_indices(".published(").map(|(at, _)| at));
    let report = |at| format!("{}:{}: publishes a generation", source.path, source.line_of(at));
    found.into_iter().map(report).collect()
}

/// Starts with another bound of the keyring, outside the start itself: that is for tests.
pub(crate) fn bounded_starts(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") || source.path.starts_with("src/vault/startup/") {
        return Vec::new();
    }
    let found = words(&source.product, "start_bounded").into_iter();
    found.map(|at| format!("{}:{}: starts with a bound", source.path, source.line_of(at))).collect()
}

fn may_use(user: &str, used: &str) -> bool {
    let floor = |name: &str| FLOORS.iter().position(|f| *f == name);
    let leaf = |name: &str| LEAVES.iter().find(|(l, _)| *l == name);
    match (floor(user), floor(used), leaf(user)) {
        _ if user == used => true,
        (Some(above), Some(below), _) => above < below,
        (Some(_), None, _) => leaf(used).is_some(),
        (None, _, Some((_, allowed))) => allowed.contains(&used),
        (None, _, None) => false,
    }
}

/// First segments of every `crate::` path (`oubliette::` in `main.rs`), with where each stands.
fn used_modules(source: &Source) -> Vec<(String, usize)> {
    let root = if source.path == "src/main.rs" { "oubliette" } else { "crate" };
    let code = &source.product;
    let mut used = Vec::new();
    for at in words(code, root) {
        let after = at + root.len();
        if let Some(path) = code[after..].strip_prefix("::") {
            let names = heads(path).into_iter().map(|name| (name, at));
            used.extend(names);
        }
    }
    used
}

/// `super::super::` paths that leave their module at the top: `crate::` says plainly what they use.
fn climbs(source: &Source) -> Vec<String> {
    let code = &source.product;
    let file_depth =
        source.path.matches('/').count() - usize::from(source.path.ends_with("/mod.rs"));
    let inline = inline_modules(code);
    let out = |at: &usize| {
        let inside = inline.iter().filter(|(from, to)| (from..to).contains(&at)).count();
        code[*at..].starts_with(&"super::".repeat(file_depth.max(1) + inside))
    };
    let first = |at: &usize| !code[..*at].ends_with("super::");
    let found = code.match_indices("super::").map(|(at, _)| at).filter(first).filter(out);
    found.map(|at| format!("{}:{}: use `crate::`", source.path, source.line_of(at))).collect()
}

/// Spans of the bodies of `mod name { ... }`.
fn inline_modules(code: &str) -> Vec<(usize, usize)> {
    let body = |at: usize| {
        let open = at + code[at..].find(['{', ';'])?;
        code[open..].starts_with('{').then(|| (open, closing(code, open)))
    };
    words(code, "mod").into_iter().filter_map(body).collect()
}

/// The names a use-tree begins with: one for `a::b`, each for `{a::b, c::{d, e}, f}`.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        let text = text.trim_start();
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    if !path.starts_with('{') {
        return vec![name(path)];
    }
    let group = &path[1..closing(path, 0) - 1];
    split_top(group).into_iter().map(name).filter(|n| !n.is_empty()).collect()
}

/// Splits at the commas outside any bracket.
fn split_top(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_usize, 0, Vec::new());
    for (i, b) in group.bytes().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&group[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[from..]);
    parts
}

/// Where `parent::member` or `parent::{.., member, ..}` stands.
fn members_named(code: &str, parent: &str, member: &str) -> Vec<usize> {
    let named = |at: &usize| {
        let path = code[at + parent.len()..].strip_prefix("::");
        path.is_some_and(|path| heads(path).iter().any(|head| head == member))
    };
    words(code, parent).into_iter().filter(named).collect()
}

#[test]
fn using_a_floor_below_or_a_leaf_is_allowed_and_one_above_or_beside_is_caught() {
    let bad = |path: &str, text: &str| !downwards(&Source::new(path, text)).is_empty();
    assert!(!bad("src/vault/reveal.rs", "use crate::{audit::*, clock, vault::head};"));
    assert!(!bad("src/main.rs", "fn main() { oubliette::cli::run() }"));
    assert!(!bad("src/ids.rs", "use crate::random::Random;"));
    assert!(bad("src/audit/event.rs", "use crate::{ids::EventId, vault::{head, reveal}};"));
    assert!(bad("src/keyring/mod.rs", "fn f() { crate::audit::publish() }"));
    assert!(bad("src/storage/mod.rs", "use crate::{\n    ids,\n    crypto::{aead},\n};"));
    assert!(bad("src/clock.rs", "use crate::ids::AgentId;"));
    assert!(bad("src/novel/mod.rs", "use crate::storage::Store;"), "a module without a floor");
}

#[test]
fn climbing_out_of_a_module_is_caught_and_a_sibling_is_not() {
    let bad = |path: &str, text: &str| !downwards(&Source::new(path, text)).is_empty();
    assert!(!bad("src/vault/reveal.rs", "use super::head;"));
    assert!(bad("src/vault/reveal.rs", "use super::super::server;"));
    assert!(bad("src/vault/mod.rs", "use super::server;"));
    assert!(bad("src/clock.rs", "use super::server;"));
    assert!(!bad("src/keyring/anchor/file.rs", "use super::super::place;"));
    assert!(!bad("src/vault/mod.rs", "mod inner { use super::head; }"));
    assert!(bad("src/vault/mod.rs", "mod inner { use super::super::server; }"));
}

#[test]
fn generated_types_are_allowed_at_home_and_caught_elsewhere() {
    let bad = |path: &str, text: &str| !generated_types(&Source::new(path, text)).is_empty();
    assert!(!bad("src/server/records.rs", "use crate::wire::api;"));
    assert!(bad("src/vault/reveal.rs", "use crate::wire::api::Value;"));
    assert!(bad("src/cli/create.rs", "use crate::{ids, wire::{api, store}};"));
    assert!(!bad("src/vault/head.rs", "use crate::wire::store;"));
    assert!(bad("src/server/records.rs", "use crate::wire::store::Head;"));
}

#[test]
fn opening_a_section_is_allowed_in_the_listed_files_and_caught_elsewhere() {
    let bad = |path: &str, text: &str| !section_openers(&Source::new(path, text)).is_empty();
    assert!(!bad("src/vault/head.rs", "section::open(&s, &a, b)"));
    assert!(!bad("src/vault/create.rs", "section::seal(&s, &a, b)"));
    assert!(bad("src/vault/create.rs", "section::open(&s, &a, b)"));
    assert!(bad("src/server/mod.rs", "use crate::crypto::section::{SectionAddress, open};"));
}

#[test]
fn publishing_is_allowed_to_the_log_and_caught_elsewhere() {
    let bad = |path: &str, text: &str| !publishers(&Source::new(path, text)).is_empty();
    assert!(!bad(PUBLISHER, "unpublished.published()"));
    assert!(bad("src/vault/create.rs", "unpublished.published()"));
    assert!(bad("src/retention/purge.rs", "publish_with(leaf)"));
    assert!(!bad("src/retention/purge.rs", "log.publish(unpublished)"));
}

#[test]
fn starting_with_another_bound_is_allowed_to_tests_and_caught_in_the_program() {
    let bad = |path: &str, text: &str| !bounded_starts(&Source::new(path, text)).is_empty();
    assert!(!bad("tests/vault/reseal/mod.rs", "start_bounded(parts, 1)"));
    assert!(!bad("src/vault/startup/mod.rs", "pub use recover::{start, start_bounded};"));
    assert!(bad("src/cli/serve.rs", "let vault = start_bounded(parts, 1)?;"));
}
