//! Each promise of SECURITY.md names the test that holds it: a name that no test bears is a promise
//! nobody keeps.

use super::source::Source;

/// The names in backticks in the last column of SECURITY.md's tables.
pub(crate) fn promised(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    let mut names = Vec::new();
    for cell in cells {
        let quoted = cell.split('`').skip(1).step_by(2);
        names.extend(quoted.filter(|name| name.matches('_').count() >= 3));
    }
    names
}

/// One line for each promised name that is no function of the tests.
pub(crate) fn broken(text: &str, tree: &[Source]) -> Vec<String> {
    let kept = |name: &str| tree.iter().any(|s| s.text.contains(&format!("fn {name}()")));
    promised(text)
        .into_iter()
        .filter(|name| !kept(name))
        .map(|name| format!("SECURITY.md: no test is called `{name}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| promise | held by |\n|---|---|\n| it holds | `it_holds_in_the_end`, doctests of `vault` |\n";

    #[test]
    fn a_promise_without_its_test_is_caught() {
        assert_eq!(promised(TABLE), ["it_holds_in_the_end"]);
        assert_eq!(broken(TABLE, &[]).len(), 1);
    }

    #[test]
    fn a_promise_with_its_test_is_not() {
        let test = Source::new("tests/x.rs", "#[test]\nfn it_holds_in_the_end() {}\n");
        assert!(broken(TABLE, &[test]).is_empty());
    }
}
