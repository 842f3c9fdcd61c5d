//! The records that the table's calls name.

use std::collections::BTreeMap;

use oubliette::{
    client::types::{Change, Created, Intent, NewRecord, Value},
    ids::RecordId,
};

use crate::support::{
    NIR_A, Served, call, case, contact, date, lab_result, link, place, sick_note, social, text,
    with,
};

/// When everything was collected.
pub(super) const DAY: &str = "2020-11-22";
/// The cap of the pack on other persons within an hour.
const FORTY: usize = 40;

/// Cases of La Réunion in a unit's queue.
const QUEUED_CASES: &[(&str, &str)] = &[
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
const QUEUED_CONTACTS: &[(&str, &str)] = &[
    ("contact", "operators-974"),
    ("contact-written", "operators-974"),
    ("contact-taken", "operators-974"),
    ("contact-elsewhere", "investigation-974"),
    ("contact-clustered", "clusters-974"),
];
/// Cases of La Réunion that nobody has.
const FREE_CASES: &[&str] = &["case-free", "case-unfiled"];
/// Contacts of La Réunion that nobody has.
const FREE_CONTACTS: &[&str] =
    &["contact-free", "contact-unfiled", "contact-objects", "contact-masked"];
/// Contacts of La Réunion that an investigator filed a moment ago, and nobody has.
const OWN_CONTACTS: &[&str] = &["contact-own", "contact-handed", "contact-told"];

/// What is filed for an agent: its name here, who files it, for which purpose, and the sample.
type Filed = (&'static str, &'static str, &'static str, &'static str);

/// In La Réunion.
const MORNING: &[Filed] = &[
    ("place", "clu-974", "p2", "places"),
    ("place-inv", "inv-974", "p2", "school-place"),
    ("call-inv", "inv-974", "p2", "calls"),
    ("call-ope", "ope-974", "p2", "calls"),
    ("call-edu", "edu-974", "p2", "calls"),
    ("sick", "ope-974", "p3", "sick-note"),
    ("social", "ope-974", "p5", "social"),
    ("need", "inv-974", "p3", "social"),
    ("case-school", "feed-974", "p1", "school-case"),
    ("contact-school", "feed-974", "p2", "school-contact"),
    ("contact-referred", "feed-974", "p2", "referred-contact"),
    ("contact-visited", "feed-974", "p2", "visited-contact"),
    ("lab", "feed-974", "p1", "lab_results"),
    ("lab-derived", "feed-974", "p1", "lab_results"),
    ("lab-own", "lab-974", "p1", "lab_results"),
    ("case-doc", "doc-974", "p1", "cases"),
    ("case-doc-queued", "doc-974", "p1", "cases"),
    ("contact-doc", "doc-974", "p2", "contacts"),
];
/// In Guadeloupe.
const NOON: &[Filed] = &[
    ("desk-free", "feed-971", "p2", "contacts"),
    ("desk-own", "cgss-971", "p2", "contacts"),
    ("desk-handed", "cgss-971", "p2", "contacts"),
    ("desk-call", "cgss-971", "p2", "calls"),
    ("desk-sick", "cgss-971", "p3", "sick-note"),
    ("desk-social", "cgss-971", "p5", "social"),
    ("desk-need", "cgss-971", "p3", "social"),
];

/// A new record of this sample.
pub(super) fn sample(what: &str, territory: &str) -> NewRecord {
    let yes = Value::Boolean(true);
    match what {
        "cases" => case(territory, "EXEMPLE-CAS", DAY),
        "contacts" => contact(territory, "EXEMPLE-CONTACT", DAY),
        "lab_results" => lab_result(territory, "EXEMPLE-LABO", DAY),
        "places" => place(territory, DAY),
        "calls" => call(territory, DAY),
        "sick-note" => sick_note(territory, DAY),
        "social" => social(territory, DAY, true),
        "social-unagreed" => social(territory, DAY, false),
        "school-place" => with(place(territory, DAY), "school", yes),
        "school-case" => with(sample("cases", territory), "school", yes),
        "school-contact" => with(sample("contacts", territory), "school", yes),
        "referred-contact" => with(sample("contacts", territory), "referred", yes),
        "visited-contact" => {
            with(sample("contacts", territory), "home_visit_on", date("2020-11-23"))
        }
        _ => panic!("no sample {what}"),
    }
}

/// The records by their names.
pub(super) struct Records {
    named: BTreeMap<&'static str, Created>,
    crowd: Vec<RecordId>,
}

impl Records {
    /// Those of the morning in La Réunion, and what is asked about then in Guadeloupe.
    pub(super) async fn of_the_morning(served: &Served<'_>) -> Self {
        let mut records = Self { named: BTreeMap::new(), crowd: Vec::new() };
        let with_nir = |what: &str| {
            let mut record = sample(what, "reunion");
            record.fields.push(("nir".to_owned(), text(NIR_A)));
            record
        };
        for (name, unit) in QUEUED_CASES {
            records.keep(name, served.queue("reunion", with_nir("cases"), unit).await);
        }
        for (name, unit) in QUEUED_CONTACTS {
            records.keep(name, served.queue("reunion", with_nir("contacts"), unit).await);
        }
        for _ in 0..FORTY {
            let new = sample("contacts", "reunion");
            records.crowd.push(served.queue("reunion", new, "operators-974").await.record);
        }
        for (names, what) in [(FREE_CASES, "cases"), (FREE_CONTACTS, "contacts")] {
            for name in names {
                records.keep(name, served.file("reunion", sample(what, "reunion")).await);
            }
        }
        for name in OWN_CONTACTS {
            records.file(served, (name, "inv-974", "p2", "contacts")).await;
        }
        for filed in MORNING {
            records.file(served, *filed).await;
        }
        let case = sample("cases", "guadeloupe");
        records.keep("case-971", served.queue("guadeloupe", case, "investigation-971").await);
        let ends = ("case", "contact-own");
        let school = Some(("school", Value::Boolean(true)));
        records.tie(served, "link", ("inv-974", ends, "given"), school).await;
        records.tie(served, "link-own", ("inv-974", ends, "none"), None).await;
        let ends = ("case", "contact-told");
        records.tie(served, "link-told", ("inv-974", ends, "given"), None).await;
        for name in ["contact-told", "link-told"] {
            let handed =
                served.hand("reunion", records.created(name).clone(), "operators-974").await;
            records.keep(name, handed);
        }
        let link = records.created("link").clone();
        let link = served.hand("reunion", link, "clusters-974").await;
        records.keep("link", link);
        records
    }

    /// Those of the desk, filed at noon in Guadeloupe.
    pub(super) async fn add_those_of_noon(&mut self, served: &Served<'_>) {
        for (name, what) in [
            ("desk-case", "cases"),
            ("desk-case-taken", "cases"),
            ("desk-contact", "contacts"),
            ("desk-contact-taken", "contacts"),
        ] {
            let new = sample(what, "guadeloupe");
            self.keep(name, served.queue("guadeloupe", new, "desk-971").await);
        }
        for filed in NOON {
            self.file(served, *filed).await;
        }
        let ends = ("desk-case", "desk-own");
        self.tie(served, "desk-link", ("cgss-971", ends, "none"), None).await;
        let ends = ("desk-case", "desk-contact");
        self.tie(served, "desk-told", ("cgss-971", ends, "given"), None).await;
        let told = self.created("desk-told").clone();
        self.keep("desk-told", served.hand("guadeloupe", told, "desk-971").await);
    }

    async fn file(&mut self, served: &Served<'_>, (name, who, purpose, what): Filed) {
        let territory = if who.ends_with("-971") { "guadeloupe" } else { "reunion" };
        let client = served.as_agent(who).await;
        let filed = client.create(&Intent::of(purpose), sample(what, territory)).await;
        self.keep(name, filed.unwrap_or_else(|error| panic!("{name}: {error}")));
    }

    /// Files a link between two records.
    async fn tie(
        &mut self,
        served: &Served<'_>,
        name: &'static str,
        (who, (case, contact), consent): (&str, (&str, &str), &str),
        attribute: Option<(&str, Value)>,
    ) {
        let territory = if who.ends_with("-971") { "guadeloupe" } else { "reunion" };
        let mut new = link(territory, DAY, (self.id(case), self.id(contact)), consent);
        new.attributes.extend(attribute.map(|(name, value)| (name.to_owned(), value)));
        let filed = served.as_agent(who).await.create(&Intent::of("p2"), new).await;
        self.keep(name, filed.unwrap_or_else(|error| panic!("{name}: {error}")));
    }

    /// Remembers a record under this name.
    pub(super) fn keep(&mut self, name: &'static str, created: Created) {
        self.named.insert(name, created);
    }

    pub(super) fn created(&self, name: &str) -> &Created {
        self.named.get(name).unwrap_or_else(|| panic!("no record {name}"))
    }

    pub(super) fn id(&self, name: &str) -> RecordId {
        self.created(name).record
    }

    /// Forty others.
    pub(super) fn crowd(&self) -> impl Iterator<Item = RecordId> {
        self.crowd.iter().copied()
    }

    /// The record was changed, and is at this version.
    pub(super) fn is_at(&mut self, (name, version): (&'static str, u32)) {
        self.named.get_mut(name).unwrap().version = version;
    }

    /// The change of one value, at the record's present version.
    pub(super) fn change(&self, name: &str, attribute: &str, field: &str, value: &str) -> Change {
        let record = self.created(name);
        let value = if value == "true" { Value::Boolean(true) } else { text(value) };
        let one = |name: &str| match name {
            "" => Vec::new(),
            name => vec![(name.to_owned(), Some(value.clone()))],
        };
        Change {
            record: record.record,
            expected_version: record.version,
            attributes: one(attribute),
            fields: one(field),
        }
    }
}
