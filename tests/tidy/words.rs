//! Words that must not stand in the code: marks of unfinished work, and the pack's vocabulary.

use crate::source::{Source, words};

/// Macros and attributes of unfinished work, looked for in code.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "dbg!", "#[ignore"];
/// Marks of unfinished work, looked for in comments and strings too. Put together here so that this
/// file does not hold them.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Words of the first deployment: another deployment is another policy pack.
const DOMAIN: [&str; 8] = [
    "covid",
    "contact_tracing",
    "contact-tracing",
    "contact tracing",
    "lab_results",
    "guadeloupe",
    "reunion",
    "investigator",
];

/// Unfinished work, in the product and in its tests.
pub(crate) fn banned(source: &Source) -> Vec<String> {
    let macros = UNFINISHED
        .iter()
        .flat_map(|w| source.code.match_indices(w).map(|(at, _)| (at, *w)).collect::<Vec<_>>());
    let marks = MARKS
        .iter()
        .flat_map(|w| words(&source.text, w).into_iter().map(|at| (at, *w)).collect::<Vec<_>>());
    macros.chain(marks).map(|(at, word)| report(source, at, word)).collect()
}

/// Words of the shipped pack in product code, comments and strings included.
pub(crate) fn domain(source: &Source) -> Vec<String> {
    if source.module().is_none() && source.path != "src/lib.rs" {
        return Vec::new();
    }
    let text = source.product_text.to_lowercase();
    let found = DOMAIN.iter().filter_map(|word| words(&text, word).first().map(|at| (*at, word)));
    found.map(|(at, word)| report(source, at, word)).collect()
}

fn report(source: &Source, at: usize, word: &str) -> String {
    format!("{}:{}: `{word}` must not stand here", source.path, source.line_of(at))
}

#[test]
fn unfinished_work_is_caught_and_a_word_that_only_looks_like_it_is_not() {
    let bad = |text: &str| !banned(&Source::new("src/x.rs", text)).is_empty();
    for word in ["todo!()", "unimplemented!()", "dbg!(x)", "#[ignore]\nfn f() {}"] {
        assert!(bad(word), "{word}");
    }
    for mark in MARKS {
        assert!(bad(&format!("// {mark}: later")), "{mark}");
        assert!(!bad(&format!("// {mark}S")), "{mark}");
    }
    assert!(!bad("// nothing to do here\nlet s = \"todo!\";"));
}

#[test]
fn a_word_of_the_pack_is_caught_in_the_product_and_allowed_in_its_tests() {
    let bad = |path: &str, text: &str| !domain(&Source::new(path, text)).is_empty();
    for word in DOMAIN {
        assert!(bad("src/x.rs", &format!("let c = \"{word}\";")), "{word}");
        assert!(!bad("src/x.rs", &format!("#[cfg(test)]\nmod tests {{ let c = \"{word}\"; }}")));
        assert!(!bad("tests/x.rs", word) && !bad("src/x/tests.rs", word));
    }
    assert!(!bad("src/x.rs", "let c = \"collection\";"));
}
