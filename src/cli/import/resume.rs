//! The command line that goes on with an import, as a shell takes it.

use std::ffi::OsString;

use crate::ids::ImportId;

const FLAG: &str = "--import-id";

/// The command as it was typed, with the import's id where a stream needs it. The program is named as
/// it is known, wherever it lies.
pub(super) fn command(
    args: impl IntoIterator<Item = OsString>,
    import: Option<ImportId>,
) -> String {
    let mut words = vec!["oubliette".to_owned()];
    words.extend(args.into_iter().skip(1).map(|word| quoted(&word.to_string_lossy())));
    let given = words.iter().any(|w| w == FLAG || w.starts_with("--import-id="));
    if let Some(import) = import.filter(|_| !given) {
        words.extend([FLAG.to_owned(), import.to_string()]);
    }
    words.join(" ")
}

/// A word in quotes, where the shell would read it otherwise.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &[&str], import: Option<ImportId>) -> String {
        command(args.iter().map(OsString::from), import)
    }

    #[test]
    fn a_file_is_resumed_by_the_same_command() {
        let args = ["/usr/bin/oubliette", "import", "a b.csv", "--justification", "it's due"];
        assert_eq!(of(&args, None), r"oubliette import 'a b.csv' --justification 'it'\''s due'");
    }

    #[test]
    fn a_stream_is_resumed_with_its_import_id_said_once() {
        let id = Some(ImportId::from_bytes([0xab; 16]));
        let hex = "ab".repeat(16);
        let args = ["oubliette", "import", "-"];
        assert_eq!(of(&args, id), format!("oubliette import - --import-id {hex}"));
        let given = ["oubliette", "import", "-", "--import-id", &hex];
        assert_eq!(of(&given, id), format!("oubliette import - --import-id {hex}"));
        let given = format!("--import-id={hex}");
        let said = of(&["oubliette", "import", &given], id);
        assert_eq!(said.matches("--import-id").count(), 1);
    }
}
