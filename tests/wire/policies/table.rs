//! The table: for each policy one call that it decides and one just outside it.
//!
//! A `permit` that decides lets its call through; a `forbid` that decides stops it. The neighbour
//! differs from the first call in the one thing the policy is about.

/// One call of the API, with the names of the records it touches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// Record, class, purpose.
    Reveal(&'static str, &'static str, &'static str),
    /// Record, class, purpose, justification.
    RevealFor(&'static str, &'static str, &'static str, &'static str),
    /// Collection, purpose.
    Create(&'static str, &'static str),
    /// Record, field, value, purpose.
    Match(&'static str, &'static str, &'static str, &'static str),
    /// Record, field, new value, purpose.
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
    /// Record, which is held or not; the DPO gives leave.
    ReadHeld(&'static str),
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

/// Cases of La Réunion in a unit's queue.
pub(super) const QUEUED_CASES: &[(&str, &str)] = &[
    ("case", "investigation-974"),
    ("case-written", "investigation-974"),
    ("case-confirmed", "investigation-974"),
    ("case-taken", "investigation-974"),
    ("case-elsewhere", "medical-974"),
    ("case-frozen", "investigation-974"),
    ("case-unfrozen", "investigation-974"),
    ("case-clustered", "clusters-974"),
];
/// Contacts of La Réunion in a unit's queue.
pub(super) const QUEUED_CONTACTS: &[(&str, &str)] = &[
    ("contact", "operators-974"),
    ("contact-written", "operators-974"),
    ("contact-taken", "operators-974"),
    ("contact-elsewhere", "investigation-974"),
];
/// Cases of La Réunion that nobody has.
pub(super) const FREE_CASES: &[&str] = &["case-free", "case-unfiled"];
/// Contacts of La Réunion that nobody has.
pub(super) const FREE_CONTACTS: &[&str] = &["contact-free", "contact-unfiled", "contact-objects"];

/// Contacts of La Réunion that an investigator filed a moment ago, and nobody has.
pub(super) const OWN_CONTACTS: &[&str] = &["contact-own", "contact-handed"];

/// A policy that no call can reach, and where its deciding half is shown instead: it is a second line of
/// defence behind another refusal.
pub(super) const DECIDED_ELSEWHERE: [(&str, &str); 1] = [
    // A session ends with its habilitation: `an_habilitation_that_ends_at_midnight_...`.
    ("habilitation-not-valid", "the session is refused before any policy is asked"),
];

/// Policies that no row calls over the socket yet. The pack's scenarios show for each a question that it
/// decides and one that it does not, and `tests/oracle` every question. The list may only get shorter.
pub(super) const NOT_CALLED: [&str; 89] = [
    "clusters-contact-place",
    "clusters-link",
    "clusters-place",
    "clusters-place-create",
    "clusters-place-list",
    "clusters-territory",
    "desk-call",
    "desk-call-create",
    "desk-case-assign",
    "desk-case-identity",
    "desk-case-match",
    "desk-case-read",
    "desk-case-write",
    "desk-contact-assign",
    "desk-contact-create",
    "desk-contact-match",
    "desk-contact-own",
    "desk-contact-read",
    "desk-contact-take",
    "desk-contact-write",
    "desk-link-create",
    "desk-link-write",
    "desk-need-consent",
    "desk-need-create",
    "desk-need-write",
    "desk-place-create",
    "desk-sick-note-create",
    "desk-sick-note-number",
    "desk-sick-note-write",
    "desk-social",
    "desk-social-consent",
    "desk-social-create",
    "education-call",
    "education-call-create",
    "education-case-read",
    "education-contact",
    "education-link",
    "education-place",
    "excluded-employer",
    "excluded-insurer",
    "excluded-lender",
    "excluded-mutual",
    "excluded-school",
    "intake-create-link",
    "investigator-call",
    "investigator-call-create",
    "investigator-link-create",
    "investigator-link-write",
    "investigator-need-consent",
    "investigator-need-create",
    "investigator-need-write",
    "investigator-place-create",
    "laboratory-listed",
    "laboratory-result",
    "laboratory-result-create",
    "level1-case",
    "level1-case-create",
    "level1-contact",
    "level1-contact-create",
    "level1-link-create",
    "level1-prescription",
    "level1-queue",
    "medical-break-glass",
    "medical-call",
    "medical-case-queue",
    "medical-link",
    "medical-referred",
    "medical-support",
    "operator-call",
    "operator-call-create",
    "operator-case-identity",
    "operator-sick-note-create",
    "operator-sick-note-number",
    "operator-sick-note-write",
    "operator-social",
    "operator-social-consent",
    "operator-social-create",
    "pharmacist-identity-masked",
    "pharmacist-listed",
    "pharmacist-masks",
    "pilotage-late-list",
    "rights-desk-edges",
    "rights-desk-held-edges",
    "screening-calls",
    "screening-home-visit",
    "screening-place-masked",
    "screening-territory",
    "social-support-by-consent",
    "too-many-subjects",
];

pub(super) const TABLE: &[Row] = &[
    // --- For everybody ---------------------------------------------------------------------------
    no("habilitation-not-valid", "inv-974", Call::Reveal("case", "identity", "p2"), "valid today"),
    yes(
        "no-secrecy-undertaking",
        "inv-974-unsigned",
        Call::Reveal("case", "identity", "p2"),
        "nothing signed",
    ),
    no("no-secrecy-undertaking", "inv-974", Call::Reveal("case", "identity", "p2"), "signed"),
    yes("other-territory", "inv-971", Call::Reveal("case", "identity", "p2"), "across the ocean"),
    no("other-territory", "med-971", Call::Reveal("case-971", "identity", "p3"), "at home"),
    no("processing-restricted", "inv-974", Call::Reveal("case", "identity", "p2"), "unrestricted"),
    yes(
        "surveillance-never-by-name",
        "inv-974",
        Call::Reveal("case", "identity", "p4"),
        "surveillance",
    ),
    no("surveillance-never-by-name", "inv-974", Call::Reveal("case", "identity", "p1"), "care"),
    yes(
        "no-self-assignment",
        "inv-974",
        Call::Assign("case-elsewhere", "agent:inv-974", "p2"),
        "from another unit's queue",
    ),
    no(
        "no-self-assignment",
        "inv-974",
        Call::Assign("case-taken", "agent:inv-974", "p2"),
        "from the own unit's queue",
    ),
    yes(
        "raw-results-physicians-only",
        "adm-974",
        Call::Reveal("lab", "result", "p3"),
        "of the service, and no physician",
    ),
    no("raw-results-physicians-only", "med-974", Call::Reveal("lab", "result", "p3"), "physician"),
    yes("excluded-use", "inv-974", Call::Reveal("case", "identity", "insurance"), "to insure"),
    no("excluded-use", "inv-974", Call::Reveal("case", "identity", "p2"), "to investigate"),
    yes("out-of-hours", "inv-971", Call::Reveal("case-971", "identity", "p2"), "midnight there"),
    no("out-of-hours", "inv-974", Call::Reveal("case", "identity", "p2"), "morning here"),
    yes("aggregates-only", "pil-974", Call::Reveal("case", "attributes", "p6"), "pilotage"),
    no("aggregates-only", "inv-974", Call::Reveal("case", "attributes", "p2"), "an investigator"),
    yes(
        "case-identity-by-consent",
        "ope-974",
        Call::Reveal("case", "identity", "p2"),
        "an operator, without a link",
    ),
    no(
        "case-identity-by-consent",
        "inv-974",
        Call::Reveal("case", "identity", "p2"),
        "who calls the case itself",
    ),
    yes("pseudonymised-only", "spf-974", Call::Reveal("case", "attributes", "p2"), "a survey"),
    no("pseudonymised-only", "inv-974", Call::Reveal("case", "attributes", "p2"), "no survey"),
    // --- Oversight, purge, keys ------------------------------------------------------------------
    yes(
        "rights-desk-erases",
        "desk-974",
        Call::Erase("contact-objects", "p7", "objection upheld"),
        "a reason is given",
    ),
    no(
        "rights-desk-erases",
        "desk-974",
        Call::Erase("contact-free", "p7", ""),
        "no reason is given",
    ),
    yes(
        "rights-desk-reads",
        "desk-974",
        Call::RevealFor("case", "identity", "p7", "request verified"),
        "a request",
    ),
    no("rights-desk-reads", "desk-974", Call::Reveal("case", "identity", "p7"), "no request"),
    yes("rights-desk-holds", "desk-974", Call::Hold("case", "p7"), "for the person's rights"),
    no("rights-desk-holds", "desk-974", Call::Hold("case", "p2"), "for an investigation"),
    yes("rights-desk-reads-held", "desk-974", Call::ReadHeld("case"), "it is held"),
    no("rights-desk-reads-held", "desk-974", Call::ReadHeld("case-elsewhere"), "it is not held"),
    yes(
        "rights-desk-restricts",
        "desk-974",
        Call::Restrict("case-frozen", "p7", "accuracy contested"),
        "for the person's rights",
    ),
    no(
        "rights-desk-restricts",
        "desk-974",
        Call::Restrict("case-unfrozen", "p2", "accuracy contested"),
        "for an investigation",
    ),
    yes(
        "processing-restricted",
        "inv-974",
        Call::Reveal("case-frozen", "identity", "p2"),
        "restricted just before",
    ),
    no("processing-restricted", "inv-974", Call::Reveal("case-unfrozen", "identity", "p2"), "not"),
    yes("rights-desk-asks", "desk-974", Call::Ask("case"), "the rights desk"),
    no("rights-desk-asks", "inv-974", Call::Ask("case"), "an investigator"),
    yes("dpo-second-person", "dpo-1", Call::ListHolds, "the DPO"),
    no("dpo-second-person", "inv-974", Call::ListHolds, "an investigator"),
    yes("dpo-reviews", "dpo-1", Call::ListReviews, "the DPO"),
    no("dpo-reviews", "inv-974", Call::ListReviews, "an investigator"),
    yes("dpo-oversight", "dpo-1", Call::Checkpoint, "the DPO"),
    no("dpo-oversight", "inv-974", Call::Checkpoint, "an investigator"),
    yes("purge-robot", "robot", Call::PreviewPurge, "the service account"),
    no("purge-robot", "robot-person", Call::PreviewPurge, "a person in its role"),
    yes("key-admin", "keys-1", Call::ListAgents, "the key admin"),
    no("key-admin", "dpo-1", Call::ListAgents, "the DPO"),
    yes("key-admin", "keys-1", Call::ReloadPolicies, "the key admin"),
    no("key-admin", "dpo-1", Call::ReloadPolicies, "the DPO, who oversees it"),
    yes(
        "no-content-for-governance",
        "dpo-974",
        Call::Reveal("case", "identity", "p2"),
        "a DPO of the territory",
    ),
    no(
        "no-content-for-governance",
        "inv-974",
        Call::Reveal("case", "identity", "p2"),
        "an investigator of the territory",
    ),
    // --- The feed --------------------------------------------------------------------------------
    yes("intake-create", "feed-974", Call::Create("cases", "p1"), "the account"),
    no("intake-create", "feed-person", Call::Create("cases", "p1"), "a person"),
    yes("intake-create-result", "feed-974", Call::Create("lab_results", "p1"), "the account"),
    no("intake-create-result", "feed-person", Call::Create("lab_results", "p1"), "a person"),
    yes(
        "intake-queue",
        "feed-974",
        Call::Assign("case-free", "unit:investigation-974", "p1"),
        "nobody has it yet",
    ),
    no(
        "intake-queue",
        "feed-974",
        Call::Assign("case", "unit:medical-974", "p1"),
        "a unit has it already",
    ),
    // --- Investigation ---------------------------------------------------------------------------
    yes("investigator-case-read", "inv-974", Call::Reveal("case", "coordinates", "p3"), "hers"),
    no(
        "investigator-case-read",
        "inv-974",
        Call::Reveal("case-unfiled", "coordinates", "p3"),
        "nobody's",
    ),
    yes(
        "clusters-case-identity-masked",
        "clu-974",
        Call::Reveal("case-clustered", "identity", "p2"),
        "in the cell's queue",
    ),
    no(
        "clusters-case-identity-masked",
        "clu-974",
        Call::Reveal("case", "identity", "p2"),
        "in the investigators' queue",
    ),
    yes("clusters-read", "clu-974", Call::Reveal("case-clustered", "status", "p2"), "its own"),
    no("clusters-read", "clu-974", Call::Reveal("case", "status", "p2"), "the investigators'"),
    yes(
        "investigator-case-write",
        "inv-974",
        Call::Write("case-written", "city", "Exempleville", "p2"),
        "how to reach him",
    ),
    no(
        "investigator-case-write",
        "inv-974",
        Call::Write("case", "nir", NIR_B, "p2"),
        "the NIR is not hers to write",
    ),
    yes(
        "investigator-case-match",
        "inv-974",
        Call::Match("case", "nir", NIR_B, "p2"),
        "hers, by its NIR",
    ),
    no(
        "investigator-case-match",
        "inv-974",
        Call::Match("contact-elsewhere", "nir", NIR_B, "p2"),
        "a contact, not a case",
    ),
    yes("investigator-contact-create", "inv-974", Call::Create("contacts", "p2"), "no NIR"),
    no(
        "investigator-contact-create",
        "inv-974",
        Call::Create("contacts", "p1"),
        "contacts are not for identifying the infected",
    ),
    yes(
        "investigator-case-assign",
        "inv-974-b",
        Call::Assign("case-taken", "agent:inv-974-b", "p2"),
        "taken from the queue",
    ),
    no(
        "investigator-case-assign",
        "inv-974",
        Call::Assign("case", "agent:inv-974-b", "p2"),
        "given to a colleague",
    ),
    yes(
        "investigator-contact-own",
        "inv-974",
        Call::Reveal("contact-own", "identity", "p2"),
        "filed by her a moment ago",
    ),
    no(
        "investigator-contact-own",
        "inv-974",
        Call::Reveal("contact-free", "identity", "p2"),
        "filed by the feed",
    ),
    yes(
        "investigator-contact-assign",
        "inv-974",
        Call::Assign("contact-handed", "unit:operators-974", "p2"),
        "filed by her, and nobody has it yet",
    ),
    no(
        "investigator-contact-assign",
        "inv-974",
        Call::Assign("contact-unfiled", "unit:operators-974", "p2"),
        "filed by the feed",
    ),
    // --- Service médical -------------------------------------------------------------------------
    yes("medical-lab-read", "med-974", Call::Reveal("lab", "nir", "p1"), "to identify"),
    no("medical-lab-read", "med-974", Call::Reveal("lab", "nir", "p2"), "to investigate"),
    yes("medical-lab-handle", "med-974", Call::Mark("lab", "handled", "p1"), "marked as handled"),
    no(
        "medical-lab-handle",
        "med-974",
        Call::Write("lab", "laboratory", "Exemple", "p1"),
        "content stays as received",
    ),
    yes("medical-case-read", "med-974", Call::Reveal("case", "nir", "p3"), "a physician"),
    no("medical-case-read", "adm-974", Call::Reveal("case", "nir", "p3"), "no physician"),
    yes(
        "medical-case-write",
        "med-974",
        Call::Write("case-confirmed", "nir", NIR_B, "p3"),
        "a physician corrects",
    ),
    no("medical-case-write", "adm-974", Call::Write("case", "nir", NIR_B, "p3"), "no physician"),
    yes("medical-match", "med-974", Call::Match("lab", "nir", NIR_B, "p1"), "a physician"),
    no("medical-match", "adm-974", Call::Match("case", "nir", NIR_B, "p1"), "no physician"),
    yes("medical-case-create", "med-974", Call::Create("cases", "p1"), "a physician"),
    no("medical-case-create", "adm-974", Call::Create("cases", "p1"), "no physician"),
    // --- Operators -------------------------------------------------------------------------------
    yes("operator-contact-read", "ope-974", Call::Reveal("contact", "symptoms", "p3"), "his"),
    no(
        "operator-contact-read",
        "ope-974",
        Call::Reveal("contact-elsewhere", "symptoms", "p3"),
        "another unit's",
    ),
    yes(
        "operator-contact-match",
        "ope-974",
        Call::Match("contact", "phone", "0639 98 00 02", "p3"),
        "his, by telephone",
    ),
    no(
        "operator-contact-match",
        "ope-974",
        Call::Match("contact-elsewhere", "phone", "0639 98 00 02", "p3"),
        "another unit's",
    ),
    yes(
        "operator-contact-write",
        "ope-974",
        Call::Write("contact-written", "city", "Exempleville", "p3"),
        "what it tells him",
    ),
    no(
        "operator-contact-write",
        "ope-974",
        Call::Write("contact", "nir", NIR_B, "p3"),
        "the NIR is not his to write",
    ),
    yes(
        "operator-contact-take",
        "ope-974",
        Call::Assign("contact-taken", "agent:ope-974", "p2"),
        "taken from the queue",
    ),
    no(
        "operator-contact-take",
        "ope-974",
        Call::Assign("contact", "unit:operators-971", "p2"),
        "to the other territory's queue",
    ),
];

/// Another NIR with a valid key; nobody's.
const NIR_B: &str = "199019999999880";
