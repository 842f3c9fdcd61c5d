//! Which roles could have content, and whether one that the pack keeps from it could all the same.
//!
//! Told from the compiled policies, once, at load: a role has content if some `permit` could give it a
//! class of fields and no `forbid` closes all data to it, whatever else is true.

use std::collections::{HashMap, HashSet};

use super::{CollectionSlots, Slot, excluded, written::Written};
use crate::{
    ids::{CollectionName, RoleName},
    policy::{
        ATTRIBUTES_CLASS,
        pack::{
            error::PackError, files::PACK_FILE, separation::Separation, vocabulary::Vocabulary,
        },
    },
};

/// The roles that some policy could give content.
pub(super) fn content_roles(
    vocabulary: &Vocabulary,
    collections: &HashMap<CollectionName, CollectionSlots>,
    written: &[Written],
) -> HashSet<RoleName> {
    let able = |role: &RoleName| collections.values().any(|slots| slots.give_content(role));
    let roles = vocabulary.roles.iter().map(|(name, _)| name);
    let roles = roles.filter(|role| able(role) && !excluded::closes_all_data(role, written));
    roles.cloned().collect()
}

/// Refuses a pack that keeps a role from content and gives it some.
pub(super) fn check(
    vocabulary: &Vocabulary,
    content_roles: &HashSet<RoleName>,
    errors: &mut Vec<PackError>,
) {
    for rule in &vocabulary.separation {
        let Separation::Content(role) = rule else { continue };
        if content_roles.contains(&role.value) {
            let reason = format!(
                "separation: `{0}` may have no content, and some permit could give it some; write \
                 `forbid (principal in Role::\"{0}\", action in Action::\"data\", resource);`",
                role.value
            );
            errors.push(PackError { file: PACK_FILE.into(), line: role.line, reason });
        }
    }
}

impl CollectionSlots {
    /// Whether some permit could show, confirm, change or file a class of fields for this role.
    fn give_content(&self, role: &RoleName) -> bool {
        let fields = self.classes.iter().filter(|(class, _)| class.as_str() != ATTRIBUTES_CLASS);
        let mut slots =
            fields.flat_map(|(_, own)| [&own.reveal, &own.mask, &own.matching, &own.write]);
        slots.any(|slot: &Slot| slot.may_permit(role)) || self.create.may_permit(role)
    }
}
