//! Tests of agents' secrets: right and wrong, known and unknown, strong and weak.

use super::*;
use crate::random::SeededRandom;

/// The least Argon2 takes, so that tests are quick.
const QUICK: Argon2Params = Argon2Params { m_kib: 32, t: 1, p: 1 };

fn secret(text: &str) -> Normalised {
    Normalised::of(&SecretBytes::new(text.as_bytes().to_vec())).unwrap()
}

fn quick(text: &str) -> String {
    hash_with(&secret(text), QUICK, &SeededRandom::new(1)).unwrap()
}

#[test]
fn the_right_secret_verifies_and_a_wrong_one_does_not() {
    let phc = quick("correct horse");
    assert!(verify(Some(&secret("correct horse")), Some(&phc)));
    assert!(!verify(Some(&secret("correct horsf")), Some(&phc)));
    assert!(!verify(None, Some(&phc)));
}

#[test]
fn an_unknown_agent_is_hashed_for_at_full_cost_and_never_verifies() {
    assert!(!verify(Some(&secret("anything")), None));
    let phc = hash(&secret("anything"), &SeededRandom::new(2)).unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{phc}");
    assert!(verify(Some(&secret("anything")), Some(&phc)));
}

#[test]
fn a_string_is_read_as_it_was_printed_and_two_hashes_of_one_secret_differ() {
    let phc = quick("password");
    let again = Phc::parse(&phc).unwrap();
    assert_eq!((again.print(), again.params), (phc.clone(), QUICK));
    let salted = hash_with(&secret("password"), QUICK, &SeededRandom::new(9)).unwrap();
    assert_ne!(salted, phc);
}

#[test]
fn a_string_that_is_not_ours_or_asks_too_much_is_refused() {
    let good = quick("x");
    assert!(Phc::parse(&good).is_some());
    for bad in [
        good.replace("argon2id", "argon2i"),
        good.replace("v=19", "v=16"),
        good.replace("m=32", "m=4194304"),
        good.replace("t=1", "t=1000"),
        good.replace("p=1", "p=1000"),
        good.replace("p=1", "p=1,k=1"),
        format!("{good}$AA"),
        good.replace("$v=19", ""),
        String::new(),
    ] {
        assert!(Phc::parse(&bad).is_none(), "{bad}");
        assert!(!verify(Some(&secret("x")), Some(&bad)), "{bad}");
    }
}

#[test]
fn composed_and_decomposed_accents_are_one_secret_and_other_letters_are_not() {
    let phc = quick("\u{e9}t\u{e9} \u{e0} la mer");
    assert!(verify(Some(&secret("e\u{301}te\u{301} a\u{300} la mer")), Some(&phc)));
    assert!(!verify(Some(&secret("ete a la mer")), Some(&phc)));
}

#[test]
fn what_is_not_text_or_too_long_is_nobodys_secret() {
    let of = |bytes: &[u8]| Normalised::of(&SecretBytes::new(bytes.to_vec())).is_some();
    assert!(of(b"x") && of(&vec![b'x'; limits::SECRET_BYTES_MAX]));
    assert!(!of(b"") && !of(b"\xff") && !of(&vec![b'x'; limits::SECRET_BYTES_MAX + 1]));
}

#[test]
fn long_and_varied_secrets_are_strong_and_short_or_poor_ones_are_not() {
    for strong in ["correct horse battery", "Tr0ub4dor&3x", "abcdefghijkl", "918273645506172839"] {
        assert!(secret(strong).is_strong(), "{strong}");
    }
    for weak in ["Tr0ub4dor&3", "918273645500", "aaaaaaaaaaaaaaaaaaaaaa", "abababababababab"] {
        assert!(!secret(weak).is_strong(), "{weak}");
    }
}

#[test]
fn a_secret_at_each_of_its_bounds_is_strong_and_one_just_below_is_not() {
    let distinct = |n: usize| "Ab1-Cd".chars().take(n).cycle().take(20).collect::<String>();
    // Characters; bits, of digits alone; different characters.
    for (enough, short) in [
        ("qW3rt6zU9pLm".to_owned(), "qW3rt6zU9pL".to_owned()),
        ("9182736455061728".to_owned(), "918273645506172".to_owned()),
        (
            distinct(limits::AGENT_SECRET_DISTINCT_MIN),
            distinct(limits::AGENT_SECRET_DISTINCT_MIN - 1),
        ),
    ] {
        assert!(secret(&enough).is_strong(), "{enough}");
        assert!(!secret(&short).is_strong(), "{short}");
    }
}

#[test]
fn one_time_secrets_are_long_unambiguous_strong_and_differ() {
    let random = SeededRandom::new(3);
    let (a, b) = (OneTimeSecret::make(&random).0, OneTimeSecret::make(&random).0);
    assert_ne!(a.expose(), b.expose());
    let text = std::str::from_utf8(a.expose()).unwrap();
    assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [4; 6]);
    assert!(!text.contains(['i', 'l', 'o', 'u']));
    assert!(secret(text).is_strong());
}
