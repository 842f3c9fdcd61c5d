//! Each policy of the shipped pack over the real socket: a call that it decides, and one just outside
//! it. The audit event of each call must say so.
//!
//! A policy of the pack without a pair here fails
//! `every_policy_of_the_pack_has_a_call_it_decides_and_one_it_does_not`.

mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use oubliette::{
    client::{
        Client, ClientError, Reason, Refusal,
        types::{Assignee, Change, Created, EventDetail, HoldOrder, Intent, NewRecord},
    },
    ids::RecordId,
};

use crate::support::{
    House, NIR_A, Served, case, contact, lab_result, refused, run, secret, secret_of, shipped_pack,
    text,
};
use table::{Call, Decides, Row, TABLE};

/// Ids of the shipped pack's policies, each with whether it is a `permit`.
pub(crate) fn shipped() -> BTreeMap<String, bool> {
    let mut policies = BTreeMap::new();
    for entry in fs::read_dir(shipped_pack()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "cedar") {
            continue;
        }
        let source = fs::read_to_string(path).unwrap();
        for policy in source.split("@id(\"").skip(1) {
            let (id, rest) = policy.split_once('"').unwrap();
            let effect = rest.lines().find(|l| l.starts_with("permit") || l.starts_with("forbid"));
            policies.insert(id.to_owned(), effect.unwrap().starts_with("permit"));
        }
    }
    policies
}

/// Whether the row's call goes through: a permit that decides, or a forbid that does not.
fn goes_through(row: &Row, permit: bool) -> bool {
    match row.decides {
        Decides::Yes => permit,
        Decides::No => !permit,
    }
}

/// The records that the table's calls name.
struct Records(BTreeMap<&'static str, Created>);

impl Records {
    async fn filed(served: &Served<'_>) -> Self {
        let (day, mut records) = ("2020-11-22", BTreeMap::new());
        let with_nir = |mut record: NewRecord| {
            record.fields.push(("nir".to_owned(), text(NIR_A)));
            record
        };
        for (name, unit) in table::QUEUED_CASES {
            let new = with_nir(case("reunion", "EXEMPLE-CAS", day));
            records.insert(*name, served.queue("reunion", new, unit).await);
        }
        for (name, unit) in table::QUEUED_CONTACTS {
            let new = with_nir(contact("reunion", "EXEMPLE-CONTACT", day));
            records.insert(*name, served.queue("reunion", new, unit).await);
        }
        let investigator = served.as_agent("inv-974").await;
        for name in table::OWN_CONTACTS {
            let new = contact("reunion", "EXEMPLE-CONTACT", day);
            let filed = investigator.create(&Intent::of("p2"), new).await;
            records.insert(*name, filed.unwrap_or_else(|error| panic!("{error}")));
        }
        let new = case("guadeloupe", "EXEMPLE-CAS", day);
        let queued = served.queue("guadeloupe", new, "investigation-971").await;
        records.insert("case-971", queued);
        for name in table::FREE_CASES {
            let filed = served.file("reunion", case("reunion", "EXEMPLE-CAS", day)).await;
            records.insert(*name, filed);
        }
        for name in table::FREE_CONTACTS {
            let filed = served.file("reunion", contact("reunion", "EXEMPLE-CONTACT", day)).await;
            records.insert(*name, filed);
        }
        let lab = served.file("reunion", lab_result("reunion", "EXEMPLE-LABO", day)).await;
        records.insert("lab", lab);
        Self(records)
    }

    fn id(&self, name: &str) -> RecordId {
        self.0.get(name).unwrap_or_else(|| panic!("no record {name}")).record
    }

    /// The change of one value, at the record's present version.
    fn change(&mut self, name: &str, attribute: &str, field: &str, value: &str) -> Change {
        let record = self.0.get(name).unwrap_or_else(|| panic!("no record {name}"));
        let one = |name: &str| match name {
            "" => Vec::new(),
            name => vec![(name.to_owned(), Some(text(value)))],
        };
        Change {
            record: record.record,
            expected_version: record.version,
            attributes: one(attribute),
            fields: one(field),
        }
    }
}

/// Asks for what the desk would hold or read, has the DPO give leave, and sends it.
async fn with_leave(
    call: &Call,
    client: &Client,
    dpo: &Client,
    records: &Records,
) -> Result<(), ClientError> {
    let why = |purpose: &str| Intent {
        justification: Some("requisition, fictional".to_owned()),
        ..Intent::of(purpose)
    };
    let order = |record: &str| HoldOrder {
        records: vec![records.id(record)],
        authority: "Tribunal (fictif)".to_owned(),
        reason: "dossier 0".to_owned(),
        ends_on: "2021-01-31".to_owned(),
    };
    match *call {
        Call::Hold(record, purpose) => {
            let (why, order) = (why(purpose), order(record));
            let asked = client.ask_hold(&why, &order, "requisition").await?;
            dpo.approve(asked.approval).await?;
            client.place_hold(&why, &order, Some(asked.approval)).await.map(drop)
        }
        Call::ReadHeld(record) => {
            let (why, record) = (why("hold"), records.id(record));
            let asked = client.ask_reveal(&why, record, &["identity"], "requisition").await?;
            dpo.approve(asked.approval).await?;
            client
                .reveal_approved(&why, record, &["identity"], Some(asked.approval))
                .await
                .map(drop)
        }
        Call::Ask(record) => client.ask_hold(&why("p7"), &order(record), "why").await.map(drop),
        _ => panic!("it takes one person"),
    }
}

async fn make(
    call: &Call,
    client: &Client,
    dpo: &Client,
    records: &mut Records,
) -> Result<(), ClientError> {
    let to = |who: &str| match who.split_once(':') {
        Some(("agent", name)) => Assignee::Agent(name.to_owned()),
        Some(("unit", name)) => Assignee::Unit(name.to_owned()),
        _ => panic!("`{who}` is neither agent: nor unit:"),
    };
    match *call {
        Call::Reveal(record, class, purpose) => {
            client.reveal(&Intent::of(purpose), records.id(record), &[class]).await.map(drop)
        }
        Call::RevealFor(record, class, purpose, justification) => {
            let justification = Some(justification.to_owned());
            let why = Intent { justification, ..Intent::of(purpose) };
            client.reveal(&why, records.id(record), &[class]).await.map(drop)
        }
        Call::Create(collection, purpose) => {
            let day = "2020-11-22";
            let new = match collection {
                "cases" => case("reunion", "EXEMPLE-NEUF", day),
                "contacts" => contact("reunion", "EXEMPLE-NEUF", day),
                _ => lab_result("reunion", "EXEMPLE-NEUF", day),
            };
            client.create(&Intent::of(purpose), new).await.map(drop)
        }
        Call::Match(record, field, value, purpose) => {
            let field = (field.to_owned(), text(value));
            client.matches(&Intent::of(purpose), records.id(record), field).await.map(drop)
        }
        Call::Write(record, field, value, purpose) => {
            let change = records.change(record, "", field, value);
            client.update(&Intent::of(purpose), change).await.map(drop)
        }
        Call::Mark(record, state, purpose) => {
            let change = records.change(record, "state", "", state);
            client.update(&Intent::of(purpose), change).await.map(drop)
        }
        Call::Assign(record, who, purpose) => {
            client.assign(&Intent::of(purpose), records.id(record), &to(who), None).await.map(drop)
        }
        Call::Erase(record, purpose, justification) => {
            let justification = Some(justification.to_owned()).filter(|text| !text.is_empty());
            let why = Intent { justification, ..Intent::of(purpose) };
            let erased = client.erase(&why, &[records.id(record)]).await?;
            erased.items[0].reason.as_deref().map_or(Ok(()), |reason| Err(refusal(reason)))
        }
        Call::Restrict(record, purpose, justification) => {
            let subject = records.0.get(record).unwrap_or_else(|| panic!("no {record}")).subject;
            let why =
                Intent { justification: Some(justification.to_owned()), ..Intent::of(purpose) };
            client.restrict_subject(&why, subject, true).await.map(drop)
        }
        Call::Hold(..) | Call::ReadHeld(_) | Call::Ask(_) => {
            with_leave(call, client, dpo, records).await
        }
        Call::ListHolds => client.list_holds().await.map(drop),
        Call::ListReviews => client.list_reviews(true).await.map(drop),
        Call::Checkpoint => client.checkpoint().await.map(drop),
        Call::PreviewPurge => client.preview_purge().await.map(drop),
        Call::ListAgents => client.list_agents().await.map(drop),
        Call::ReloadPolicies => client.reload_policies().await.map(drop),
    }
}

/// One record's refusal as the error that a call about it alone would be.
fn refusal(reason: &str) -> ClientError {
    let reason = Reason::ALL.iter().copied().find(|known| known.as_str() == reason).unwrap();
    ClientError::Refused(Box::new(Refusal {
        code: reason.code(),
        reason: Some(reason),
        message: reason.message().to_owned(),
        violations: Vec::new(),
        policies: Vec::new(),
        retry_after_ms: None,
    }))
}

#[test]
fn every_policy_of_the_pack_has_a_call_it_decides_and_one_it_does_not() {
    let shipped: BTreeSet<String> = shipped().into_keys().collect();
    assert_eq!(shipped.len(), 135);
    for decides in [Decides::Yes, Decides::No] {
        let rows = TABLE.iter().filter(|row| row.decides == decides);
        let mut covered: BTreeSet<String> = rows.map(|row| row.policy.to_owned()).collect();
        for id in table::NOT_CALLED {
            assert!(covered.insert(id.to_owned()), "{id} has its rows: take it off the list");
        }
        if decides == Decides::Yes {
            covered.extend(table::DECIDED_ELSEWHERE.map(|(id, _)| id.to_owned()));
        }
        assert_eq!(covered, shipped, "{decides:?}");
    }
}

#[test]
fn each_policy_decides_its_call_and_not_its_neighbour_and_the_event_says_so() {
    run(async {
        let house = House::in_folders(500);
        let served = house.serve().await;
        let mut records = Records::filed(&served).await;
        let (shipped, mut wrong) = (shipped(), Vec::new());
        let dpo = served.as_agent("dpo-2").await;
        for row in TABLE {
            let client = served.as_agent(row.who).await;
            served.token("dpo-2").await;
            let before = served.log_size();
            let result = make(&row.call, &client, &dpo, &mut records).await;
            let event = served.newest_event(row.who, before).await;
            let through = goes_through(row, shipped[row.policy]);
            if let Some(why) = mismatch(row, through, &result, event.as_ref()) {
                wrong.push(format!("{} by {} ({}): {why}", row.policy, row.who, row.why));
            }
        }
        assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
        served.stop().await;
    });
}

/// What the answer or the event has otherwise than the row says; `None` when all is as it says.
fn mismatch(
    row: &Row,
    through: bool,
    result: &Result<(), ClientError>,
    event: Option<&EventDetail>,
) -> Option<String> {
    let Some(event) = event else {
        return Some(format!("no event; answered: {:?}", result.as_ref().err()));
    };
    let answered = match result {
        Ok(()) => true,
        Err(error) => {
            let reason = error.reason();
            if !matches!(reason, Some(Reason::Denied | Reason::NotAvailable)) {
                return Some(format!("neither an answer nor a refusal: {error}"));
            }
            if reason.map(Reason::as_str) != Some(event.outcome.as_str()) {
                return Some(format!("answered {reason:?}, the event says {}", event.outcome));
            }
            false
        }
    };
    let decision = if through { "allow" } else { "deny" };
    let named = event.policies.iter().any(|(id, _)| id == row.policy);
    let rules: Vec<&str> = event.policies.iter().map(|(id, _)| id.as_str()).collect();
    if answered != through {
        return Some(format!("answered: {answered}; rules {rules:?}"));
    }
    if event.decision != decision {
        return Some(format!("the event's decision is {}; rules {rules:?}", event.decision));
    }
    if named != (row.decides == Decides::Yes) {
        return Some(format!("the event's rules are {rules:?}"));
    }
    None
}

#[test]
fn an_habilitation_that_ends_at_midnight_ends_the_session_before_any_policy_is_asked() {
    run(async {
        let house = House::in_memory(501);
        let served = house.serve().await;
        let new = case("reunion", "EXEMPLE-MINUIT", "2020-11-22");
        let filed = served.queue("reunion", new, "investigation-974").await;
        // 23:59 on the island; the session's longest idle time is half an hour.
        house.clock.advance_millis((16 * 60 - 1) * 60 * 1000);
        served.forget_sessions().await;
        let last_day = served.as_agent("med-974-last-day").await;
        let colleague = served.as_agent("med-974").await;
        let (p3, classes) = (Intent::of("p3"), ["identity"]);
        assert!(last_day.reveal(&p3, filed.record, &classes).await.is_ok());
        house.clock.advance_millis(60 * 1000);
        let after = last_day.reveal(&p3, filed.record, &classes).await;
        assert_eq!(refused(after), Reason::NoHabilitation);
        let own = secret(&secret_of("med-974-last-day"));
        let login = served.open.login("med-974-last-day", &own).await;
        assert_eq!(refused(login), Reason::NoHabilitation);
        assert!(colleague.reveal(&p3, filed.record, &classes).await.is_ok());
        served.stop().await;
    });
}

#[test]
fn a_contact_with_its_nir_is_refused_whole_to_an_investigator_who_files_it_without() {
    run(async {
        let house = House::in_memory(502);
        let served = house.serve().await;
        let investigator = served.as_agent("inv-974").await;
        served.token("dpo-2").await;
        let before = served.log_size();
        let without = contact("reunion", "EXEMPLE-SANS", "2020-11-22");
        let mut with = without.clone();
        with.fields.push(("nir".to_owned(), text(NIR_A)));
        let refusal = investigator.create(&Intent::of("p2"), with).await;
        assert_eq!(refused(refusal), Reason::Denied);
        let event = served.newest_event("inv-974", before).await.unwrap();
        // Three of its four classes alone would have been allowed; the call was not.
        assert_eq!((event.decision.as_str(), event.outcome.as_str()), ("deny", "DENIED"));
        assert!(event.records.0.is_empty(), "no record came of it");
        assert!(investigator.create(&Intent::of("p2"), without).await.is_ok());
        served.stop().await;
    });
}
