//! Shapes, bounds and field paths of requests; values that survive the way there and back.

use chrono::NaiveDate;

use super::*;
use crate::{
    ids::{ClassName, EventId, FieldName, RecordId},
    limits,
    policy::{FieldStatus, Value},
    vault::{FieldAnswer, Revealed, VaultError},
    wire::api::{self, value::Kind},
};

fn intent() -> Option<api::Intent> {
    Some(api::Intent {
        purpose: "follow-up".to_owned(),
        justification: String::new(),
        request_id: vec![9; 16],
    })
}

fn text(name: &str, value: &str) -> api::NamedValue {
    let value = api::Value { kind: Some(Kind::Text(value.to_owned())) };
    api::NamedValue { name: name.to_owned(), value: Some(value) }
}

fn good_create() -> api::CreateRequest {
    api::CreateRequest {
        intent: intent(),
        collection: "files".to_owned(),
        subject_id: Vec::new(),
        collected_on: "2020-11-23".to_owned(),
        attributes: vec![text("territory", "north")],
        fields: vec![text("surname", "Exemple")],
    }
}

/// Paths of the refused fields.
fn paths<T>(result: Result<T, VaultError>) -> Vec<String> {
    match result.err() {
        Some(VaultError::Invalid(violations)) => violations.into_iter().map(|v| v.path).collect(),
        other => panic!("expected refused fields, got {other:?}"),
    }
}

#[test]
fn a_whole_create_request_is_read() {
    let (why, input) = create(good_create()).unwrap();
    assert_eq!(why.purpose.as_str(), "follow-up");
    assert_eq!(why.justification, None);
    assert_eq!(why.request.unwrap().id.as_bytes(), &[9; 16]);
    assert_eq!(input.collected_on, NaiveDate::from_ymd_opt(2020, 11, 23).unwrap());
    assert!(input.subject.is_none());
    assert!(input.fields[0].1 == Value::Text("Exemple".to_owned()));
}

#[test]
fn every_refused_field_is_named_by_its_path_in_one_answer() {
    let request = api::CreateRequest {
        intent: None,
        collection: "No Such Name".to_owned(),
        subject_id: vec![1; 15],
        collected_on: "2020-11-3".to_owned(),
        attributes: vec![text("territory", "a"), text("territory", "b")],
        fields: vec![
            text("ok", "x"),
            api::NamedValue { name: "empty".to_owned(), value: None },
            text("Bad Name", "x"),
        ],
    };
    assert_eq!(
        paths(create(request)),
        [
            "intent",
            "collection",
            "subject_id",
            "collected_on",
            "attributes[1].name",
            "fields[1].value",
            "fields[2].name",
        ]
    );
}

#[test]
fn no_refusal_repeats_what_was_sent() {
    let mut request = good_create();
    request.collected_on = "PERSONAL".to_owned();
    request.fields = vec![text("PERSONAL NAME", "x")];
    let Err(VaultError::Invalid(violations)) = create(request) else { panic!("refused") };
    assert_eq!(violations.len(), 2);
    assert!(violations.iter().all(|v| !format!("{v:?}").contains("PERSONAL")));
}

#[test]
fn a_value_of_the_largest_size_passes_and_one_byte_more_is_refused() {
    let mut request = good_create();
    request.fields = vec![text("note", &"x".repeat(limits::FIELD_TEXT_BYTES_MAX))];
    assert!(create(request).is_ok());
    let mut request = good_create();
    request.fields = vec![text("note", &"x".repeat(limits::FIELD_TEXT_BYTES_MAX + 1))];
    assert_eq!(paths(create(request)), ["fields[0].value"]);
}

#[test]
fn as_many_fields_as_allowed_pass_and_one_more_is_a_limit() {
    let fields = |n: usize| (0..n).map(|i| text(&format!("f{i}"), "x")).collect::<Vec<_>>();
    let mut request = good_create();
    request.fields = fields(limits::FIELDS_PER_RECORD_MAX);
    assert!(create(request).is_ok());
    let mut request = good_create();
    request.fields = fields(limits::FIELDS_PER_RECORD_MAX + 1);
    assert!(matches!(
        create(request).err(),
        Some(VaultError::TooMany { what: "fields", limit: limits::FIELDS_PER_RECORD_MAX })
    ));
}

#[test]
fn a_justification_has_a_bound_and_blank_means_none() {
    let with = |justification: String| {
        let mut request = good_create();
        request.intent = intent().map(|i| api::Intent { justification, ..i });
        create(request)
    };
    let limit = limits::JUSTIFICATION_BYTES_MAX;
    assert!(with("x".repeat(limit)).unwrap().0.justification.is_some());
    assert_eq!(with("  ".to_owned()).unwrap().0.justification, None);
    assert_eq!(paths(with("x".repeat(limit + 1))), ["intent.justification"]);
}

#[test]
fn a_reveal_names_one_to_many_classes_each_once() {
    let request = |classes: &[&str]| api::RevealRequest {
        intent: intent(),
        record_id: vec![1; 16],
        classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        approval_id: Vec::new(),
        link_id: Vec::new(),
    };
    let (_, input, _) = reveal(request(&["identity", "health"])).unwrap();
    assert_eq!(input.classes.len(), 2);
    assert_eq!(paths(reveal(request(&[]))), ["classes"]);
    assert_eq!(paths(reveal(request(&["identity", "identity"]))), ["classes[1]"]);
    let many: Vec<String> = (0..=limits::CLASSES_PER_REVEAL_MAX).map(|i| format!("c{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(reveal(request(&many)).err(), Some(VaultError::TooMany { .. })));
}

#[test]
fn an_update_sets_and_clears_and_refuses_to_do_nothing() {
    let request = |fields| api::UpdateRequest {
        intent: intent(),
        record_id: vec![1; 16],
        expected_version: 3,
        attributes: vec![],
        fields,
        forget_previous: false,
    };
    let change = |name: &str, value| api::ValueChange { name: name.to_owned(), value };
    let set = Some(api::Value { kind: Some(Kind::Integer(-7)) });
    let (_, input, forget) = update(request(vec![change("a", set), change("b", None)])).unwrap();
    assert!(!forget, "only when it is asked for");
    let mut forgetting = request(vec![change("b", None)]);
    forgetting.forget_previous = true;
    assert!(update(forgetting).unwrap().2);
    assert!(input.fields[0].1 == Some(Value::Integer(-7)));
    assert!(input.fields[1].1.is_none());
    assert_eq!(paths(update(request(vec![]))), ["fields"]);
    let hollow = Some(api::Value { kind: None });
    assert_eq!(paths(update(request(vec![change("a", hollow)]))), ["fields[0].value"]);
}

#[test]
fn an_assignment_names_exactly_one_assignee_and_an_end_or_none() {
    let request = |to, until_ms| api::AssignRequest {
        intent: intent(),
        record_id: vec![1; 16],
        to: Some(api::Assignee { kind: to }),
        until_ms,
    };
    let unit = || Some(api::assignee::Kind::Unit("cell-1".to_owned()));
    assert!(assign(request(unit(), 0)).unwrap().1.until.is_none());
    assert_eq!(assign(request(unit(), 5)).unwrap().1.until.unwrap().as_millis(), 5);
    assert_eq!(paths(assign(request(None, 0))), ["to"]);
    assert_eq!(paths(assign(request(unit(), -1))), ["until_ms"]);
}

#[test]
fn an_agent_needs_a_kind_and_an_habilitation_with_dates_in_order() {
    let habilitation = |from: &str, to: &str| api::Habilitation {
        role: "operator".to_owned(),
        valid_from: from.to_owned(),
        valid_to: to.to_owned(),
        authority: "director".to_owned(),
        ..Default::default()
    };
    let request = |kind: api::AgentKind, h| api::CreateAgentRequest {
        agent: "op-1".to_owned(),
        kind: kind.into(),
        display_name: "Operator one".to_owned(),
        habilitation: Some(h),
    };
    let good = habilitation("2020-11-23", "2021-03-31");
    let agent = new_agent(request(api::AgentKind::Person, good.clone())).unwrap();
    assert!(super::habilitation(&agent.habilitation) == good);

    let turned = habilitation("2021-03-31", "2020-11-23");
    let refused = new_agent(request(api::AgentKind::Unspecified, turned));
    assert_eq!(paths(refused), ["kind", "habilitation.valid_to"]);
}

#[test]
fn a_page_has_a_default_and_a_largest_size() {
    let request =
        |page_size| api::ListEventsRequest { page_size, ..api::ListEventsRequest::default() };
    assert_eq!(list_events(request(0)).unwrap().2, limits::PAGE_DEFAULT);
    assert_eq!(list_events(request(500)).unwrap().2, limits::PAGE_MAX);
    assert!(matches!(list_events(request(501)).err(), Some(VaultError::TooMany { .. })));
}

#[test]
fn an_endless_secret_is_refused_before_anything_looks_at_it() {
    assert!(secret("secret", "x".repeat(limits::SECRET_BYTES_MAX)).is_ok());
    assert_eq!(paths(secret("secret", "x".repeat(limits::SECRET_BYTES_MAX + 1))), ["secret"]);
}

#[test]
fn every_kind_of_value_survives_the_way_out_and_back() {
    let date = NaiveDate::from_ymd_opt(2020, 2, 29).unwrap();
    let values = [
        Value::Text("é".to_owned()),
        Value::Integer(i64::MIN),
        Value::Date(date),
        Value::Boolean(false),
    ];
    for original in values {
        let mut request = good_create();
        let wire = Some(value(original.clone()));
        request.fields = vec![api::NamedValue { name: "f".to_owned(), value: wire }];
        assert!(create(request).unwrap().1.fields[0].1 == original);
    }
}

#[test]
fn a_status_that_shows_nothing_carries_no_value_on_the_wire() {
    let answer = |status| FieldAnswer {
        class: ClassName::parse("identity").unwrap(),
        field: FieldName::parse("surname").unwrap(),
        status,
        value: Some(Value::Text("Exemple".to_owned())),
        policies: vec!["p".to_owned()],
    };
    let table = [
        (FieldStatus::Value, api::FieldStatus::Value, true),
        (FieldStatus::Masked, api::FieldStatus::Masked, true),
        (FieldStatus::Denied, api::FieldStatus::Denied, false),
        (FieldStatus::Absent, api::FieldStatus::Absent, false),
        (FieldStatus::Expired, api::FieldStatus::Expired, false),
    ];
    let wire = revealed(Revealed {
        record: RecordId::from_bytes([1; 16]),
        collection: crate::ids::CollectionName::parse("files").unwrap(),
        version: 1,
        expires_on: NaiveDate::from_ymd_opt(2021, 2, 23).unwrap(),
        fields: table.iter().map(|(status, _, _)| answer(*status)).collect(),
        event: EventId::from_bytes([2; 16]),
    });
    for (field, (_, status, shown)) in wire.fields.iter().zip(table) {
        assert_eq!(field.status(), status);
        assert_eq!(field.value.is_some(), shown);
    }
}

#[test]
fn leave_is_bound_to_everything_of_a_request_but_its_own_id_and_the_request_id() {
    let base = || api::RevealRequest {
        intent: Some(api::Intent { purpose: "p".into(), ..api::Intent::default() }),
        record_id: vec![1; 16],
        classes: vec!["identity".into()],
        approval_id: vec![2; 16],
        link_id: Vec::new(),
    };
    let hash = |request: &api::RevealRequest| super::bound::bound_reveal(request).hash;
    let same = {
        let mut request = base();
        request.approval_id = Vec::new();
        request.intent.as_mut().unwrap().request_id = vec![3; 16];
        request
    };
    assert_eq!(hash(&base()), hash(&same));
    let changes: [fn(&mut api::RevealRequest); 5] = [
        |r| r.link_id = vec![4; 16],
        |r| r.record_id[0] ^= 1,
        |r| r.classes.push("note".into()),
        |r| r.intent.as_mut().unwrap().purpose.push('q'),
        |r| r.intent.as_mut().unwrap().justification.push('q'),
    ];
    for change in changes {
        let mut request = base();
        change(&mut request);
        assert_ne!(hash(&base()), hash(&request));
    }
    let hold = api::PlaceHoldRequest { ends_on: "2021-01-31".into(), ..Default::default() };
    let longer = api::PlaceHoldRequest { ends_on: "2021-02-28".into(), ..hold.clone() };
    assert_ne!(super::bound::bound_hold(&hold).hash, super::bound::bound_hold(&longer).hash);
    let empty = super::bound::bound_reveal(&api::RevealRequest::default()).hash;
    assert_ne!(super::bound::bound_hold(&api::PlaceHoldRequest::default()).hash, empty);
}
