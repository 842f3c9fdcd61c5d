//! Bounds of one record and of what is said about it.

use oubliette::{
    client::{
        ClientError, Refusal,
        types::{Assignee, Change, Created, Intent},
    },
    ids::RecordId,
    limits,
};

use super::{
    is_limit, p2, served, told,
    wide::{self, FIELDS, class, record, unit},
};
use crate::support::{Served, run, text};

async fn filed(served: &Served<'_>, fields: usize, bytes: usize) -> Result<Created, ClientError> {
    let feed = served.as_agent("feed-974").await;
    feed.create(&Intent::of("p1"), record(fields, bytes)).await
}

fn refusal<T>(result: Result<T, ClientError>) -> Refusal {
    match result.map(drop) {
        Err(ClientError::Refused(refusal)) => *refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn as_many_fields_of_the_largest_size_are_filed_and_one_more_or_one_byte_more_is_refused() {
    run(async {
        let served = served().await;
        let most = limits::FIELD_TEXT_BYTES_MAX;
        let created = filed(&served, FIELDS, most).await.unwrap();
        let reader = served.as_agent("inv-974").await;
        let mut whole = 0;
        for number in 0..wide::CLASSES {
            let class = class(number);
            let revealed = reader.reveal(&p2(), created.record, &[&class]).await;
            let fields = revealed.unwrap().fields;
            whole += fields.iter().filter(|f| f.value == Some(text(&"x".repeat(most)))).count();
        }
        assert_eq!(whole, FIELDS);

        let long = refusal(filed(&served, 1, most + 1).await);
        assert_eq!(
            long.violations,
            [("fields[0].value".into(), format!("is at most {most} bytes"))]
        );
        let all = limits::FIELDS_PER_RECORD_MAX;
        is_limit(filed(&served, FIELDS + 1, 1).await, all, "fields and attributes");
        is_limit(filed(&served, all + 1, 1).await, all, "fields");
    });
}

#[test]
fn as_many_attributes_are_looked_at_and_one_more_is_a_limit() {
    run(async {
        let served = served().await;
        let feed = served.as_agent("feed-974").await;
        let most = limits::FIELDS_PER_RECORD_MAX;
        let with = async |attributes: usize| {
            let mut new = record(0, 0);
            new.attributes = (0..attributes).map(|n| (format!("a{n}"), text("x"))).collect();
            feed.create(&Intent::of("p1"), new).await
        };
        assert_eq!(
            told(with(most).await).0,
            "INVALID_FIELDS",
            "each is unknown, and was looked at"
        );
        is_limit(with(most + 1).await, most, "attributes");
    });
}

#[test]
fn an_update_changes_as_many_fields_and_one_more_is_a_limit() {
    run(async {
        let served = served().await;
        let created = filed(&served, 1, 1).await.unwrap();
        let writer = served.as_agent("inv-974").await;
        let most = limits::FIELDS_PER_RECORD_MAX;
        let change = |version: u32, fields: usize| Change {
            record: created.record,
            expected_version: version,
            attributes: Vec::new(),
            fields: record(fields, 1).fields.into_iter().map(|(n, v)| (n, Some(v))).collect(),
        };
        assert!(writer.update(&p2(), change(1, FIELDS)).await.is_ok());
        let unknown = writer.update(&p2(), change(2, most)).await;
        assert_eq!(told(unknown).0, "INVALID_FIELDS", "one that the pack has no room for");
        is_limit(writer.update(&p2(), change(2, most + 1)).await, most, "fields");
        let changed = async |attributes: usize| {
            let values = (0..attributes).map(|n| (format!("a{n}"), Some(text("x"))));
            let change = Change { attributes: values.collect(), ..change(2, 0) };
            writer.update(&p2(), change).await
        };
        assert_eq!(told(changed(most).await).0, "INVALID_FIELDS");
        is_limit(changed(most + 1).await, most, "attributes");
    });
}

#[test]
fn as_many_classes_are_revealed_and_one_more_is_a_limit() {
    run(async {
        let served = served().await;
        let created = filed(&served, FIELDS, 1).await.unwrap();
        let reader = served.as_agent("inv-974").await;
        let asked = async |number: usize| {
            let classes: Vec<String> = (0..number).map(class).collect();
            let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
            reader.reveal(&p2(), created.record, &classes).await
        };
        let most = limits::CLASSES_PER_REVEAL_MAX;
        assert!(asked(most).await.unwrap().fields.len() >= most);
        is_limit(asked(wide::CLASSES).await, most, "classes");
    });
}

#[test]
fn a_record_has_as_many_assignees_and_one_more_is_a_limit() {
    run(async {
        let served = served().await;
        let record = filed(&served, 1, 1).await.unwrap().record;
        let hands = served.as_agent("inv-974").await;
        let assign = async |number: usize| {
            let to = Assignee::Unit(unit(number));
            hands.assign(&p2(), record, &to, None).await
        };
        let most = limits::ASSIGNEES_PER_RECORD_MAX;
        for number in 0..most {
            assert!(assign(number).await.is_ok(), "assignee {number}");
        }
        is_limit(assign(wide::UNITS - 1).await, most, "assignees of one record");
        assert!(assign(0).await.is_ok(), "one who has it already is no more");
    });
}

#[test]
fn a_justification_of_the_largest_size_is_kept_and_one_byte_more_is_refused() {
    run(async {
        let served = served().await;
        let record = filed(&served, 1, 1).await.unwrap().record;
        let reader = served.as_agent("inv-974").await;
        let most = limits::JUSTIFICATION_BYTES_MAX;
        let with = async |bytes: usize| {
            let why = Intent { justification: Some("j".repeat(bytes)), ..p2() };
            reader.reveal(&why, record, &["w00"]).await
        };
        assert!(with(most).await.is_ok());
        let event = served.newest_event("inv-974", 0).await.unwrap();
        assert_eq!(event.justification.len(), most);
        let refused = refusal(with(most + 1).await);
        assert_eq!(refused.violations[0].0, "intent.justification");
    });
}

#[test]
fn an_error_lists_as_many_fields_and_policies_as_fit_and_never_more() {
    run(async {
        let served = served().await;
        let id: RecordId = filed(&served, 1, 1).await.unwrap().record;
        let most = limits::VIOLATIONS_PER_ERROR_MAX;
        let feed = served.as_agent("feed-974").await;
        for wrong in [most, most + 1] {
            let mut new = record(0, 0);
            new.fields = (0..wrong).map(|n| (format!("unknown-{n}"), text("x"))).collect();
            let refused = refusal(feed.create(&Intent::of("p1"), new).await);
            assert_eq!(refused.violations.len(), most, "of {wrong}");
        }
        let reader = served.as_agent("inv-974").await;
        for purpose in ["p5", "p6"] {
            let refused = refusal(reader.reveal(&Intent::of(purpose), id, &["w00"]).await);
            assert_eq!(refused.policies.len(), limits::POLICIES_PER_ERROR_MAX, "for {purpose}");
        }
        assert!(reader.reveal(&p2(), id, &["w00"]).await.is_ok());
    });
}
