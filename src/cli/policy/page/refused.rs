//! The section on refusals: every `forbid`, and each role and purpose that is shut out, with what refuses it.
//!
//! What shuts a word out is asked of the engine: only a policy that refuses everything to it is told.

use std::collections::BTreeSet;

use super::{
    html::{Page, escape},
    tell::Teller,
};
use crate::{
    cli::{failure::Failure, policy::cells::Cells},
    ids::{PurposeName, RoleName},
    policy::{
        PolicyRef,
        explore::{Explorer, Finding, Subject, TooMany},
    },
};

/// Which uses are refused.
pub(super) fn tell(page: &mut Page, tell: &Teller<'_>, cells: &Cells) -> Result<(), Failure> {
    let texts = &tell.texts;
    page.section(&texts.refused);
    page.paragraph(&escape(&texts.refused_intro));
    let forbids = tell.pack.policies().into_iter().filter(|(_, permit)| !permit);
    let rows: Vec<_> =
        forbids.map(|(policy, _)| vec![tell.reason(&policy), tell.law(&policy)]).collect();
    page.table(&escape(&texts.refused), &[&texts.reason, &texts.law], &rows);

    let explorer = tell.pack.explorer();
    let (roles, purposes) = (tell.pack.roles(), tell.pack.purposes());
    let (active, idle): (Vec<_>, Vec<_>) = roles.iter().partition(|(name, _)| {
        cells.keys().any(|place| place.role == name.as_str()) || !tell.pack.duties(name).is_empty()
    });
    let (open, closed): (Vec<_>, Vec<_>) = purposes
        .iter()
        .partition(|(name, _)| cells.keys().any(|place| place.purpose == name.as_str()));
    let (mut rows, mut roles_none, mut purposes_none) = (Vec::new(), Vec::new(), Vec::new());
    for (role, label) in idle {
        let name = tell.word(&tell.local.roles, role.as_str(), label);
        let pairs = open.iter().map(|(purpose, _)| (role, purpose));
        match row(tell, (&texts.shut_role, &name), shutting((tell, &explorer), pairs)?) {
            Some(row) => rows.push(row),
            None => roles_none.push(name),
        }
    }
    for (purpose, label) in closed {
        let name = tell.word(&tell.local.purposes, purpose.as_str(), label);
        let with_access =
            active.iter().filter(|(role, _)| cells.keys().any(|p| p.role == role.as_str()));
        let pairs = with_access.map(|(role, _)| (role, purpose));
        match row(tell, (&texts.shut_purpose, &name), shutting((tell, &explorer), pairs)?) {
            Some(row) => rows.push(row),
            None => purposes_none.push(name),
        }
    }
    if !rows.is_empty() {
        page.paragraph(&escape(&texts.shut_intro));
        page.table(&escape(&texts.shut), &[&texts.shut, &texts.reason, &texts.law], &rows);
    }
    for (sentence, what, names) in [
        (&texts.roles_none, "{roles}", roles_none),
        (&texts.purposes_none, "{purposes}", purposes_none),
    ] {
        if !names.is_empty() {
            page.paragraph(&escape(sentence).replace(what, &names.join(&texts.list)));
        }
    }
    Ok(())
}

/// Who or what, why, by which text.
fn row(
    tell: &Teller<'_>,
    (sentence, name): (&str, &str),
    by: BTreeSet<PolicyRef>,
) -> Option<Vec<String>> {
    let name = escape(sentence).replace("{name}", name);
    let reasons: Vec<String> = by.iter().map(|policy| tell.reason(policy)).collect();
    let laws: Vec<String> = by.iter().map(|policy| tell.law(policy)).collect();
    let list = &tell.texts.list;
    (!by.is_empty()).then(|| vec![name, reasons.join(list), laws.join(list)])
}

/// What refuses everything in all of these.
fn shutting<'p>(
    (tell, explorer): (&Teller<'_>, &Explorer<'_>),
    pairs: impl Iterator<Item = (&'p RoleName, &'p PurposeName)>,
) -> Result<BTreeSet<PolicyRef>, Failure> {
    let mut shutting: Option<BTreeSet<PolicyRef>> = None;
    for (role, purpose) in pairs {
        for collection in tell.pack.collections() {
            let found: Result<Vec<Finding>, TooMany> =
                explorer.explore(Subject { role, purpose, collection });
            for finding in found.map_err(|e| Failure::of(&e))? {
                // Where no policy speaks of an act at all, there is none: nothing is derived from it, say.
                if finding.ways.is_empty() && finding.refused_by.is_empty() {
                    continue;
                }
                let by: BTreeSet<PolicyRef> = finding.refused_by.into_iter().collect();
                shutting = Some(match shutting {
                    None => by,
                    Some(known) => known.intersection(&by).cloned().collect(),
                });
            }
        }
    }
    Ok(shutting.unwrap_or_default())
}
