//! `[[separation]]`: duties that the pack keeps in different hands.

use super::{
    document::SeparationToml,
    error::{At, Source},
};
use crate::ids::RoleName;

/// What one hand may not hold together.
pub(in crate::policy) enum Separation {
    /// Two of these roles.
    Roles(Vec<RoleName>),
    /// This role, and content by whatever role.
    Content(At<RoleName>),
}

/// Resolves all entries; `roles` are those of the pack.
pub(super) fn resolve(
    source: &mut Source<'_>,
    entries: Vec<At<SeparationToml>>,
    roles: &[(RoleName, String)],
) -> Vec<Separation> {
    let mut separations = Vec::new();
    for At { line, value: entry } in entries {
        let mut known = |wanted: &String| {
            let found = roles.iter().find(|(name, _)| name.as_str() == wanted);
            if found.is_none() {
                source.error(line, format!("separation: unknown role `{wanted}`"));
            }
            found.map(|(name, _)| name.clone())
        };
        match (entry.roles.as_slice(), &entry.role, entry.content) {
            ([_, _, ..], None, false) => {
                let mut named: Vec<_> = entry.roles.iter().filter_map(&mut known).collect();
                named.sort();
                named.dedup();
                if named.len() < 2 {
                    source.error(line, "separation: `roles` names fewer than two roles");
                }
                separations.push(Separation::Roles(named));
            }
            ([], Some(role), true) => {
                let role = known(role).map(|value| At { line, value });
                separations.extend(role.map(Separation::Content));
            }
            _ => source.error(
                line,
                "separation: say `roles = [..]` with two roles or more, or `role = \"..\"` and \
                 `content = true`",
            ),
        }
    }
    separations
}
