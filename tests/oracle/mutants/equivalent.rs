//! Conditions that no request can tell from nothing, each with the reason: the pack says them twice, and
//! the other place is tried out too.
//!
//! A row that something notices after all fails the complete run, so that none outlives its reason.

const SICK_NOTE: &str = "the desk's sick-note policies allow the same of a sick note";
const HOLD_RULE: &str = "the vault's own rule of the hold purpose asks the same before any policy";

/// Policies of the desk about needs, where the note of the same agent is open anyway.
const KIND: [&str; 3] = ["desk-need-create", "desk-need-write", "desk-need-consent"];
/// Policies under the purpose of holds.
const HELD: [&str; 2] = ["rights-desk-reads-held", "rights-desk-held-edges"];

const SOCIAL_KIND: &str = "when { resource.kind == \"social\" }";
const APPROVED: &str = "when { context.approved }";
const IS_HELD: &str = "when { resource.held }";

/// Policy and what was dropped.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let held = HELD.iter().flat_map(|policy| [(*policy, APPROVED), (*policy, IS_HELD)]);
    KIND.iter().map(|policy| (*policy, SOCIAL_KIND)).chain(held)
}

/// Why no request can tell that this is gone from the policy.
pub(super) fn reason(policy: &str, dropped: &str) -> Option<&'static str> {
    all().find(|row| *row == (policy, dropped))?;
    Some(if dropped == SOCIAL_KIND { SICK_NOTE } else { HOLD_RULE })
}
