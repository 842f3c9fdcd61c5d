//! Whether a record exists is told to nobody who may not know: for each role, what is absent and what is
//! forbidden answer alike, byte for byte, and what is expired or erased answers so to everybody.

use std::collections::BTreeMap;

use oubliette::{
    client::{
        Reason,
        types::{Created, Intent},
    },
    ids::{RecordId, SubjectId},
    wire::api,
};
use prost::Message as _;

use crate::support::{House, NIR_A, Raw, Served, case, contact, lab_result, refused, run, text};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// Whom a record is asked of, and one that he may not know of.
const WHO: &[(&str, &str)] = &[
    ("inv-974", "lab"),
    ("inv-974", "contact"),
    ("inv-971", "case"),
    ("inv-974-unsigned", "case"),
    ("ope-974", "case"),
    ("ope-974", "contact-elsewhere"),
    ("med-974", "contact"),
    ("adm-974", "lab"),
    ("feed-974", "case-971"),
    ("desk-974", "case-971"),
    ("dpo-2", "case"),
    ("dpo-974", "case"),
    ("robot", "case"),
    ("keys-1", "case"),
];

/// Everything of an answer that a caller can see, but for the ids that he sent himself.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    code: i32,
    status: String,
    details: Vec<u8>,
    metadata: String,
    message: Vec<u8>,
}

/// The calls that name a record, or a person by her id.
fn calls(record: RecordId, subject: SubjectId) -> Vec<(&'static str, Vec<u8>)> {
    let intent = || {
        let justification = "asked by the person".to_owned();
        Some(api::Intent { purpose: "p2".to_owned(), justification, request_id: Vec::new() })
    };
    let record_id = record.as_bytes().to_vec();
    let classes = vec!["attributes".to_owned(), "identity".to_owned()];
    let named = |name: &str, value: &str| api::NamedValue {
        name: name.to_owned(),
        value: Some(api::Value { kind: Some(api::value::Kind::Text(value.to_owned())) }),
    };
    let to = || {
        Some(api::Assignee { kind: Some(api::assignee::Kind::Unit("operators-974".to_owned())) })
    };
    let reveal = api::RevealRequest {
        intent: intent(),
        record_id: record_id.clone(),
        classes: classes.clone(),
        ..Default::default()
    };
    let many =
        api::RevealManyRequest { intent: intent(), record_ids: vec![record_id.clone()], classes };
    let matches = api::MatchRequest {
        intent: intent(),
        record_id: record_id.clone(),
        field: Some(named("last_name", "EXEMPLE")),
        ..Default::default()
    };
    let value = named("last_name", "EXEMPLE").value;
    let update = api::UpdateRequest {
        intent: intent(),
        record_id: record_id.clone(),
        expected_version: 2,
        fields: vec![api::ValueChange { name: "last_name".to_owned(), value }],
        ..Default::default()
    };
    let assign = api::AssignRequest {
        intent: intent(),
        record_id: record_id.clone(),
        to: to(),
        ..Default::default()
    };
    let unassign =
        api::UnassignRequest { intent: intent(), record_id: record_id.clone(), from: to() };
    let erase = api::EraseRequest { intent: intent(), record_ids: vec![record_id] };
    let subject_id = subject.as_bytes().to_vec();
    let erase_subject =
        api::EraseSubjectRequest { intent: intent(), subject_id: subject_id.clone() };
    let restrict = api::RestrictSubjectRequest { intent: intent(), subject_id, restricted: true };
    vec![
        ("Records/Reveal", reveal.encode_to_vec()),
        ("Records/RevealMany", many.encode_to_vec()),
        ("Records/Match", matches.encode_to_vec()),
        ("Records/Update", update.encode_to_vec()),
        ("Records/Assign", assign.encode_to_vec()),
        ("Records/Unassign", unassign.encode_to_vec()),
        ("Records/Erase", erase.encode_to_vec()),
        ("Rights/EraseSubject", erase_subject.encode_to_vec()),
        ("Rights/RestrictSubject", restrict.encode_to_vec()),
    ]
}

/// What each call gives to this agent, by method; the record's own id, where an answer repeats it, blanked.
async fn seen(
    served: &Served<'_>,
    raw: &Raw,
    who: &str,
    (record, subject): (RecordId, SubjectId),
) -> BTreeMap<&'static str, Seen> {
    let token = served.token(who).await;
    let mut all = BTreeMap::new();
    for (method, message) in calls(record, subject) {
        let answer = raw.call(method, Some(&token), &message).await;
        let mut message = answer.message;
        let own = record.as_bytes();
        while let Some(at) = message.windows(16).position(|part| part == own) {
            message[at..at + 16].fill(0);
        }
        let seen = Seen {
            code: answer.status.code().into(),
            status: answer.status.message().to_owned(),
            details: answer.status.details().to_vec(),
            metadata: metadata(&answer.status),
            message,
        };
        all.insert(method, seen);
    }
    all
}

/// Every header and trailer but the machine's own time.
fn metadata(status: &tonic::Status) -> String {
    let mut headers = status.metadata().clone().into_headers();
    headers.remove("date");
    format!("{headers:?}")
}

/// The methods whose answers differ.
fn differing(a: &BTreeMap<&'static str, Seen>, b: &BTreeMap<&'static str, Seen>) -> Vec<String> {
    let differs = |method: &&&str| a[**method] != b[**method];
    a.keys().filter(differs).map(|m| format!("{m}: {:?} / {:?}", a[m], b[m])).collect()
}

fn nobody() -> (RecordId, SubjectId) {
    (RecordId::from_bytes([0xee; 16]), SubjectId::from_bytes([0xef; 16]))
}

fn ids(created: &Created) -> (RecordId, SubjectId) {
    (created.record, created.subject)
}

async fn filed(served: &Served<'_>) -> BTreeMap<&'static str, Created> {
    let day = "2020-11-22";
    let (case, contact) = (|t| case(t, "EXEMPLE", day), |t| contact(t, "EXEMPLE", day));
    let mut all = BTreeMap::new();
    all.insert("case", served.queue("reunion", case("reunion"), "investigation-974").await);
    all.insert(
        "case-971",
        served.queue("guadeloupe", case("guadeloupe"), "investigation-971").await,
    );
    all.insert("contact", served.queue("reunion", contact("reunion"), "operators-974").await);
    let elsewhere = served.queue("reunion", contact("reunion"), "investigation-974").await;
    all.insert("contact-elsewhere", elsewhere);
    all.insert("lab", served.file("reunion", lab_result("reunion", "EXEMPLE", day)).await);
    all
}

#[test]
fn what_is_absent_and_what_is_forbidden_answer_alike_to_each_role_that_may_not_know() {
    run(async {
        let house = House::in_memory(900);
        let served = house.serve().await;
        let records = filed(&served).await;
        let raw = Raw::connect(served.address).await;
        let mut wrong = Vec::new();
        for (who, record) in WHO {
            let forbidden = seen(&served, &raw, who, ids(&records[record])).await;
            let absent = seen(&served, &raw, who, nobody()).await;
            for difference in differing(&forbidden, &absent) {
                wrong.push(format!("{who} on {record}: {difference}"));
            }
            let reveal = &absent["Records/Reveal"];
            assert_eq!(reveal.status, Reason::NotAvailable.message(), "{who}");
        }
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
        // The comparison can fail: whoever may know is answered otherwise.
        let known = seen(&served, &raw, "ope-974", ids(&records["contact"])).await;
        let absent = seen(&served, &raw, "ope-974", nobody()).await;
        assert!(differing(&known, &absent).len() >= 5);
        served.stop().await;
    });
}

#[test]
fn what_is_erased_or_expired_answers_to_everybody_as_what_never_was() {
    run(async {
        let house = House::in_memory(901);
        let served = house.serve().await;
        // One that is erased, and one whose last day is this one.
        let day = "2020-11-22";
        let erased =
            served.queue("reunion", contact("reunion", "EXEMPLE", day), "operators-974").await;
        let old = contact("reunion", "EXEMPLE", "2020-08-24");
        let expiring = served.queue("reunion", old, "operators-974").await;
        let everybody: Vec<&str> = {
            let mut all: Vec<&str> = WHO.iter().map(|(who, _)| *who).collect();
            all.dedup();
            all
        };
        let raw = Raw::connect(served.address).await;
        let desk = served.as_agent("desk-974").await;
        let why = Intent { justification: Some("objection upheld".to_owned()), ..Intent::of("p7") };
        let gone = desk.erase(&why, &[erased.record]).await.unwrap();
        assert!(gone.items[0].reason.is_none());
        let mut wrong = Vec::new();
        for who in &everybody {
            let absent = seen(&served, &raw, who, nobody()).await;
            let found = differing(&seen(&served, &raw, who, ids(&erased)).await, &absent);
            wrong.extend(found.into_iter().map(|d| format!("{who}, erased: {d}")));
        }
        // His to read on its last day; midnight comes, and no purge runs.
        let operator = served.as_agent("ope-974").await;
        let (p2, identity) = (Intent::of("p2"), ["identity"]);
        assert!(operator.reveal(&p2, expiring.record, &identity).await.is_ok());
        house.clock.advance_millis(16 * HOUR_MS);
        served.forget_sessions().await;
        for who in &everybody {
            let absent = seen(&served, &raw, who, nobody()).await;
            let found = differing(&seen(&served, &raw, who, ids(&expiring)).await, &absent);
            wrong.extend(found.into_iter().map(|d| format!("{who}, expired: {d}")));
        }
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
        served.stop().await;
    });
}

#[test]
fn a_question_by_value_says_yes_or_no_and_nothing_else_over_the_wire() {
    run(async {
        let house = House::in_memory(902);
        let served = house.serve().await;
        let with_nir = |name: &str, nir: &str| {
            let mut new = contact("reunion", name, "2020-11-22");
            new.fields.push(("nir".to_owned(), text(nir)));
            new
        };
        served.queue("reunion", with_nir("EXEMPLE", NIR_A), "operators-974").await;
        let other = "199019999999880";
        served.queue("reunion", with_nir("EXEMPLE", other), "investigation-974").await;
        let (raw, token) = (Raw::connect(served.address).await, served.token("ope-974").await);
        let ask = async |nir: &str, purpose: &str| {
            let value = Some(api::Value { kind: Some(api::value::Kind::Text(nir.to_owned())) });
            let request = api::MatchRequest {
                intent: Some(api::Intent { purpose: purpose.to_owned(), ..Default::default() }),
                collection: "contacts".to_owned(),
                r#where: vec![api::NamedValue { name: "nir".to_owned(), value }],
                ..Default::default()
            };
            raw.call("Records/Match", Some(&token), &request.encode_to_vec()).await
        };
        let mut answers = Vec::new();
        // In his hands, in another unit's, in nobody's.
        for nir in [NIR_A, other, "299019999999830"] {
            let answer = ask(nir, "p3").await;
            assert!(answer.is_ok(), "{nir}: {:?}", answer.status);
            let mut response = api::MatchResponse::decode(&answer.message[5..]).unwrap();
            assert_eq!(response.event_id.len(), 16);
            response.event_id = vec![0; 16];
            answers.push((response.listing(), response.encode_to_vec(), answer.message.len()));
        }
        assert_eq!(answers[0].0, api::Listing::Listed);
        assert_eq!(answers[1].0, api::Listing::NotListed);
        assert_eq!(answers[1], answers[2], "nobody, and nobody of his");
        // Who may match nothing of the collection is told so, whatever the value, even one that is none.
        let investigator = served.as_agent("inv-974").await;
        for value in [NIR_A, other, "299019999999830", "no number"] {
            let where_nir = vec![("nir".to_owned(), text(value))];
            let answer = investigator.listed(&Intent::of("p2"), "contacts", where_nir).await;
            assert_eq!(refused(answer), Reason::Denied, "{value}");
        }
        // 120 an hour: three are asked.
        for _ in 3..120 {
            assert!(ask(NIR_A, "p3").await.is_ok());
        }
        let answer = ask(NIR_A, "p3").await;
        assert_eq!(answer.reason().0, "TOO_OFTEN");
        let retry = tonic_types::StatusExt::get_details_retry_info(&answer.status).unwrap();
        assert_eq!(retry.retry_delay.unwrap().as_secs(), 3600);
        served.stop().await;
    });
}
