//! The table: for each policy one call that it decides and one just outside it.
//!
//! A `permit` that decides lets its call through; a `forbid` that decides stops it. The neighbour
//! differs from the first call in the one thing the policy is about. A row may follow from those before it:
//! what is assigned, held or derived stays so.

mod cells;
mod desk;
mod everybody;
mod health;
mod investigation;

/// One call of the API, with the names of the records it touches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// Record, class, purpose.
    Reveal(&'static str, &'static str, &'static str),
    /// Record, class, purpose, justification.
    RevealFor(&'static str, &'static str, &'static str, &'static str),
    /// Record, class, purpose: after forty other persons were shown.
    RevealAfterForty(&'static str, &'static str, &'static str),
    /// Record, link, purpose: the identity.
    Through(&'static str, &'static str, &'static str),
    /// Record, class, purpose, with the glass broken.
    BreakGlass(&'static str, &'static str, &'static str),
    /// What, purpose.
    Create(&'static str, &'static str),
    /// A link between this case and this contact, purpose.
    Link(&'static str, &'static str, &'static str),
    /// A case from this result, purpose.
    Derive(&'static str, &'static str),
    /// Collection, NIR, purpose: whether somebody is listed.
    Listed(&'static str, &'static str, &'static str),
    /// Record, field, value, purpose.
    Match(&'static str, &'static str, &'static str, &'static str),
    /// Record, field, new value (`true` is a boolean), purpose.
    Write(&'static str, &'static str, &'static str, &'static str),
    /// Record, new state, purpose.
    Mark(&'static str, &'static str, &'static str),
    /// Record, `agent:ID` or `unit:NAME`, purpose.
    Assign(&'static str, &'static str, &'static str),
    /// Record, purpose, justification.
    Erase(&'static str, &'static str, &'static str),
    /// Record, whose person's records are restricted; purpose, justification.
    Restrict(&'static str, &'static str, &'static str),
    /// Record, purpose; the DPO gives leave.
    Hold(&'static str, &'static str),
    /// Record, which is held or not, class; the DPO gives leave.
    ReadHeld(&'static str, &'static str),
    /// Record: leave to hold it.
    Ask(&'static str),
    ListHolds,
    ListReviews,
    Checkpoint,
    PreviewPurge,
    ListAgents,
    ReloadPolicies,
}

/// Whether the row's policy is among those that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decides {
    Yes,
    No,
}

/// One call and what must come of it.
pub(super) struct Row {
    pub(super) policy: &'static str,
    pub(super) decides: Decides,
    pub(super) who: &'static str,
    pub(super) call: Call,
    /// What makes the difference.
    pub(super) why: &'static str,
}

const fn yes(policy: &'static str, who: &'static str, call: Call, why: &'static str) -> Row {
    Row { policy, decides: Decides::Yes, who, call, why }
}

const fn no(policy: &'static str, who: &'static str, call: Call, why: &'static str) -> Row {
    Row { policy, decides: Decides::No, who, call, why }
}

/// The rows that are asked in the morning of La Réunion, in this order.
pub(super) fn morning() -> impl Iterator<Item = &'static Row> {
    [everybody::ROWS, investigation::ROWS, health::ROWS, cells::ROWS].into_iter().flatten()
}

/// The rows of the desk, asked at noon in Guadeloupe.
pub(super) fn noon() -> impl Iterator<Item = &'static Row> {
    desk::ROWS.iter()
}

/// A policy that no call can reach, and why.
pub(super) const DECIDED_ELSEWHERE: [(&str, &str); 8] = [
    // A session ends with its habilitation: `an_habilitation_that_ends_at_midnight_...`.
    ("habilitation-not-valid", "the session is refused before any policy is asked"),
    // `nobody_is_appointed_to_an_excluded_role_...`.
    ("excluded-insurer", "nobody can be appointed"),
    ("excluded-mutual", "nobody can be appointed"),
    ("excluded-employer", "nobody can be appointed"),
    ("excluded-lender", "nobody can be appointed"),
    ("excluded-school", "nobody can be appointed"),
    // What follows the pack allows and the vault gives no way to.
    ("intake-create-link", "who files a link must know both ends, and a feed knows no record"),
    ("level1-prescription", "nobody assigns a result, and only laboratories and feeds file one"),
];

/// A NIR with a valid key that is on file.
const NIR_A: &str = crate::support::NIR_A;
/// Another NIR with a valid key; nobody's.
const NIR_B: &str = "199019999999880";
