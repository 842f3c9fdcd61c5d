//! The circumstances of a question: independent facts, each with a few values, and the conditions
//! of the tables as sentences about them.
//!
//! It must not know the pack. A fact that no row's condition names cannot change what the oracle
//! expects; that it does not change what the pack answers either is what the cross-product shows, for
//! what is always crossed and for every fact that some policy of the pack looks at there.

use serde::Deserialize;

/// One independent fact. Its value 0 is the one that a question has when nothing else is said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(usize)]
pub(crate) enum Fact {
    Territory,
    Assigned,
    Hours,
    Restricted,
    Held,
    Link,
    OtherEnd,
    Valid,
    Undertaking,
    Cap,
    CallerTerritory,
    Service,
    FiledBy,
    Age,
    School,
    Referred,
    HomeVisit,
    State,
    SupportKind,
    SocialConsent,
    Profession,
    Justification,
    Approved,
    BreakGlass,
    Assignee,
    Unit,
}

const FACTS: usize = Fact::Unit as usize + 1;

/// The words for each fact's values, in the order of `Fact`.
const VALUES: [&[&str]; FACTS] = [
    &["own territory", "other territory", "no territory"],
    &[
        "assigned to nobody",
        "assigned to the agent",
        "in the queue of the unit",
        "assigned to a colleague",
        "in another unit's queue",
    ],
    &["in hours", "in the evening", "first minute", "last minute", "before hours", "at closing"],
    &["", "restricted"],
    &["", "held"],
    &["", "linked without consent", "linked with consent", "linked, consent withdrawn"],
    &["", "other end assigned to the agent", "other end in the unit's queue"],
    &["", "habilitation ended yesterday", "habilitation begins tomorrow"],
    &["", "no undertaking", "undertaking signed tomorrow"],
    &["39 others this hour", "40 others this hour"],
    &["agent of La Réunion", "agent of Guadeloupe", "agent of no territory"],
    &["person", "service account"],
    &["filed by another", "filed by the agent", "filed by nobody known"],
    &["23 hours old", "24 hours old"],
    &["", "school-tagged", "school not said"],
    &["", "referred", "referral not said"],
    &["", "home visit yesterday", "home visit today", "home visit tomorrow"],
    &["received", "taken over"],
    &["sick note", "social support"],
    &["", "consents to social support", "social consent not said"],
    &["no profession", "paramedical", "physician", "administrative"],
    &["", "justified"],
    &["", "with a second person's leave"],
    &["", "glass broken"],
    &["to a colleague", "to himself", "to his unit", "to a unit here", "to a unit elsewhere"],
    &["", "agent of no unit"],
];

/// The facts of one question.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Facts([usize; FACTS]);

/// A condition of the tables. `words.toml` says what each means.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    Assigned,
    Unassigned,
    Own,
    OwnOrQueue,
    FiledBySelf,
    #[serde(rename = "within_24h")]
    Within24h,
    School,
    Referred,
    HomeVisit,
    StateReceived,
    SickNote,
    Social,
    SocialConsent,
    LinkConsent,
    OtherEndMine,
    Physician,
    HealthProfession,
    InGuadeloupe,
    Service,
    Justification,
    Approved,
    Held,
    BreakGlass,
    ToSelf,
    ToOwnUnit,
    ToUnitHere,
    NotInOwnQueue,
    NotValidToday,
    Person,
    NoUndertaking,
    OtherTerritory,
    Restricted,
    RightsDeskReads,
    OutOfHours,
    OverTheCap,
    NoSocialConsent,
}

// === impl Fact ===

impl Fact {
    /// How many values it has.
    pub(crate) fn values(self) -> usize {
        VALUES[self as usize].len()
    }
}

// === impl Facts ===

impl Facts {
    /// Nothing in the way: own territory, in hours, a person with everything signed.
    pub(crate) fn plain() -> Self {
        Self([0; FACTS])
    }

    pub(crate) fn get(&self, fact: Fact) -> usize {
        self.0[fact as usize]
    }

    pub(crate) fn with(mut self, fact: Fact, value: usize) -> Self {
        self.0[fact as usize] = value;
        self
    }

    fn is(&self, fact: Fact, value: usize) -> bool {
        self.get(fact) == value
    }

    /// What is said of them: the values that have words.
    pub(crate) fn sentence(&self) -> String {
        let words = self.0.iter().zip(VALUES).map(|(value, words)| words[*value]);
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

// === impl Condition ===

impl Condition {
    /// Its word in the tables.
    pub(crate) fn word(self) -> String {
        let mut word = String::new();
        for c in format!("{self:?}").chars() {
            if (c.is_uppercase() || c == '2') && !word.is_empty() {
                word.push('_');
            }
            word.extend(c.to_lowercase());
        }
        word
    }

    /// The facts it depends on.
    pub(crate) fn facts(self) -> &'static [Fact] {
        use Fact as F;
        match self {
            Self::Assigned | Self::Unassigned | Self::NotInOwnQueue => &[F::Assigned],
            Self::Own | Self::OwnOrQueue => &[F::Assigned, F::FiledBy],
            Self::FiledBySelf => &[F::FiledBy],
            Self::Within24h => &[F::Age],
            Self::School => &[F::School],
            Self::Referred => &[F::Referred],
            Self::HomeVisit => &[F::HomeVisit],
            Self::StateReceived => &[F::State],
            Self::SickNote | Self::Social => &[F::SupportKind],
            Self::SocialConsent | Self::NoSocialConsent => &[F::SocialConsent],
            Self::LinkConsent => &[F::Link],
            Self::OtherEndMine => &[F::Link, F::OtherEnd],
            Self::Physician | Self::HealthProfession => &[F::Profession],
            Self::InGuadeloupe => &[F::CallerTerritory],
            Self::Service | Self::Person => &[F::Service],
            Self::Justification => &[F::Justification],
            Self::Approved => &[F::Approved],
            Self::Held => &[F::Held],
            Self::BreakGlass => &[F::BreakGlass],
            Self::ToSelf | Self::ToOwnUnit => &[F::Assignee],
            Self::ToUnitHere => &[F::Assignee, F::CallerTerritory],
            Self::NotValidToday => &[F::Valid],
            Self::NoUndertaking => &[F::Undertaking],
            Self::OtherTerritory => &[F::Territory, F::CallerTerritory],
            Self::Restricted => &[F::Restricted],
            Self::RightsDeskReads => &[],
            Self::OutOfHours => &[F::Hours, F::CallerTerritory],
            Self::OverTheCap => &[F::Cap],
        }
    }

    /// Whether it holds. `role` and `verb` matter for the desk's reading alone.
    pub(crate) fn holds(self, facts: &Facts, role: &str, verb: &str) -> bool {
        use Fact as F;
        let is = |fact, value| facts.is(fact, value);
        let in_own_queue = is(F::Assigned, 2) && is(F::Unit, 0);
        match self {
            Self::Assigned => is(F::Assigned, 1) || in_own_queue,
            Self::Unassigned => is(F::Assigned, 0),
            Self::NotInOwnQueue => !in_own_queue,
            Self::Own => is(F::FiledBy, 1) || is(F::Assigned, 1),
            Self::OwnOrQueue => is(F::FiledBy, 1) || is(F::Assigned, 1) || in_own_queue,
            Self::FiledBySelf => is(F::FiledBy, 1),
            Self::Within24h => is(F::Age, 0),
            Self::School => is(F::School, 1),
            Self::Referred => is(F::Referred, 1),
            Self::HomeVisit => is(F::HomeVisit, 2) || is(F::HomeVisit, 3),
            Self::StateReceived => is(F::State, 0),
            Self::SickNote => is(F::SupportKind, 0),
            Self::Social => is(F::SupportKind, 1),
            Self::SocialConsent => is(F::SocialConsent, 1),
            Self::NoSocialConsent => !is(F::SocialConsent, 1),
            Self::LinkConsent => is(F::Link, 2),
            Self::OtherEndMine => !is(F::Link, 0) && !is(F::OtherEnd, 0),
            Self::Physician => is(F::Profession, 2),
            Self::HealthProfession => is(F::Profession, 1) || is(F::Profession, 2),
            Self::InGuadeloupe => is(F::CallerTerritory, 1),
            Self::Service => is(F::Service, 1),
            Self::Person => is(F::Service, 0),
            Self::Justification => is(F::Justification, 1),
            Self::Approved => is(F::Approved, 1),
            Self::Held => is(F::Held, 1),
            Self::BreakGlass => is(F::BreakGlass, 1),
            Self::ToSelf => is(F::Assignee, 1),
            Self::ToOwnUnit => is(F::Assignee, 2) && is(F::Unit, 0),
            Self::ToUnitHere => {
                (is(F::Assignee, 2) || is(F::Assignee, 3)) && !is(F::CallerTerritory, 2)
            }
            Self::NotValidToday => !is(F::Valid, 0),
            Self::NoUndertaking => !is(F::Undertaking, 0),
            Self::OtherTerritory => !is(F::Territory, 0) || is(F::CallerTerritory, 2),
            Self::Restricted => is(F::Restricted, 1),
            Self::RightsDeskReads => role == "rights_desk" && matches!(verb, "reveal" | "mask"),
            Self::OutOfHours => {
                matches!(facts.get(F::Hours), 1 | 4 | 5) || is(F::CallerTerritory, 2)
            }
            Self::OverTheCap => is(F::Cap, 1),
        }
    }
}
