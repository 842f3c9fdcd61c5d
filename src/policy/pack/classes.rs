//! `[classes]`: the units of need-to-know, what each asks of a habilitation, and what may stand in it.

use super::{
    document::ClassToml,
    error::{At, Source},
    worded::Worded,
    words::{is_reserved, parsed, unlabelled},
};
use crate::ids::ClassName;

/// The one thing that `needs` can ask for so far.
const SWORN: &str = "sworn";

/// A class of the pack.
pub(in crate::policy) struct Class {
    pub(in crate::policy) name: ClassName,
    pub(in crate::policy) label: String,
    pub(in crate::policy) line: usize,
    /// Whatever the policies say, no content for somebody who is not sworn.
    pub(in crate::policy) sworn: bool,
    /// Whatever the policies say, no content for somebody of no such profession. Empty: no such rule.
    pub(in crate::policy) professions: Vec<String>,
    /// Notes may stand in it.
    pub(in crate::policy) notes: bool,
}

/// Resolves all classes; `professions` are those of the pack.
pub(super) fn resolve(
    source: &mut Source<'_>,
    entries: Vec<(At<String>, Worded<ClassToml>)>,
    professions: &[(String, String)],
) -> Vec<Class> {
    let mut classes = Vec::new();
    for (at, Worded(entry)) in entries {
        let line = at.line;
        if is_reserved(&at.value) {
            source.error(line, format!("`{}` is a reserved name of the vault", at.value));
            continue;
        }
        unlabelled(source, line, &entry.label);
        for need in entry.needs.iter().filter(|need| *need != SWORN) {
            let reason =
                format!("class `{}`: `{need}` is nothing a class can need; `{SWORN}` is", at.value);
            source.error(line, reason);
        }
        for profession in &entry.professions {
            if !professions.iter().any(|(known, _)| known == profession) {
                let reason =
                    format!("class `{}`: `{profession}` is not among `[professions]`", at.value);
                source.error(line, reason);
            }
        }
        let sworn = !entry.needs.is_empty();
        classes.extend(parsed(source, &at, ClassName::parse).map(|name| Class {
            name,
            label: entry.label,
            line,
            sworn,
            professions: entry.professions,
            notes: entry.notes,
        }));
    }
    classes
}
