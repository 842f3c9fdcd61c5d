//! The table: for each policy one call that it decides and one just outside it.
//!
//! A `permit` that decides lets its call through; a `forbid` that decides stops it. The neighbour
//! differs from the first call in the one thing the policy is about.

/// One call of the API, with the names of the records it touches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// Record, class, purpose.
    Reveal(&'static str, &'static str, &'static str),
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

/// A policy that no call can reach, and where its deciding half is shown instead: it is a second line of
/// defence behind another refusal.
pub(super) const DECIDED_ELSEWHERE: [(&str, &str); 1] = [
    // A session ends with its habilitation: `an_habilitation_that_ends_at_midnight_...`.
    ("habilitation-not-valid", "the session is refused before any policy is asked"),
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
    no("other-territory", "inv-971", Call::Reveal("case-971", "identity", "p2"), "at home"),
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
    yes("intake-create", "feed-974", Call::Create("lab_results", "p1"), "the account"),
    no("intake-create", "feed-person", Call::Create("lab_results", "p1"), "a person"),
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
    yes("investigator-case-nir-masked", "inv-974", Call::Reveal("case", "nir", "p2"), "hers"),
    no(
        "investigator-case-nir-masked",
        "inv-974",
        Call::Reveal("contact-elsewhere", "nir", "p2"),
        "a contact, not a case",
    ),
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
    yes("investigator-case-create", "inv-974", Call::Create("cases", "p2"), "no NIR"),
    no(
        "investigator-case-create",
        "inv-974",
        Call::Create("cases", "p5"),
        "not for social support",
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
        "investigator-contact-assign",
        "inv-974",
        Call::Assign("contact-free", "unit:operators-974", "p2"),
        "nobody has it yet",
    ),
    no(
        "investigator-contact-assign",
        "inv-974",
        Call::Assign("contact-unfiled", "agent:ope-974", "p2"),
        "to a person",
    ),
    // --- Service médical -------------------------------------------------------------------------
    yes("medical-lab-read", "med-974", Call::Reveal("lab", "nir", "p1"), "to identify"),
    no("medical-lab-read", "med-974", Call::Reveal("lab", "nir", "p2"), "to investigate"),
    yes("medical-lab-handle", "med-974", Call::Mark("lab", "handled", "p3"), "marked as handled"),
    no(
        "medical-lab-handle",
        "med-974",
        Call::Write("lab", "laboratory", "Exemple", "p3"),
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
