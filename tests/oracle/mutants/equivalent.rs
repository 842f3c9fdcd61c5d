//! Conditions that no request can tell from nothing, each with the reason: the pack says them twice, and
//! the other place is tried out too.
//!
//! A row that something notices after all fails the complete run, so that none outlives its reason.

const BY_FORBID: &str = "`social-support-by-consent` refuses the same, whatever a permit says";
const SICK_NOTE: &str = "the desk's sick-note policies allow the same of a sick note";

/// Policies that ask for the consent to social support beside the refusal that does.
const CONSENT: [&str; 6] = [
    "desk-need-create",
    "desk-need-write",
    "desk-social-create",
    "investigator-need-create",
    "investigator-need-write",
    "operator-social-create",
];
/// Policies of the desk about needs, where the note of the same agent is open anyway.
const KIND: [&str; 3] = ["desk-need-create", "desk-need-write", "desk-need-consent"];

const CLAUSE: &str = "when { (resource has social_consent) && resource.social_consent }";
const OPERAND: &str = "resource.social_consent";
const SOCIAL_KIND: &str = "when { resource.kind == \"social\" }";

/// Policy and what was dropped.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let consent = CONSENT.iter().flat_map(|policy| [(*policy, CLAUSE), (*policy, OPERAND)]);
    consent.chain(KIND.iter().map(|policy| (*policy, SOCIAL_KIND)))
}

/// Why no request can tell that this is gone from the policy.
pub(super) fn reason(policy: &str, dropped: &str) -> Option<&'static str> {
    all().find(|row| *row == (policy, dropped))?;
    Some(if dropped == SOCIAL_KIND { SICK_NOTE } else { BY_FORBID })
}
