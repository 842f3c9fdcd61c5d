//! Who filed a record, as its head says it, and how old that makes it.

use super::*;

fn stored(filed_by: &str, filed_at_ms: i64) -> store::Head {
    store::Head {
        collection: "files".into(),
        subject_id: vec![1; 16],
        collected_on: "2020-11-20".into(),
        expires_on: "2021-02-20".into(),
        zone: "Europe/Paris".into(),
        filed_by: filed_by.into(),
        filed_at_ms,
        ..store::Head::default()
    }
}

#[test]
fn a_head_that_does_not_say_who_filed_it_reads_and_one_that_does_keeps_it() {
    assert_eq!(Head::from_stored(stored("", 0)).unwrap().filed, None);
    let head = Head::from_stored(stored("camille", 5)).unwrap();
    assert_eq!(head.filed.as_ref().unwrap().by.as_str(), "camille");
    let again = Head::decode(&head.encode()).unwrap();
    assert_eq!(again.filed, head.filed);
    assert!(Head::from_stored(stored("Not A Name", 5)).is_none());
}

#[test]
fn an_age_is_whole_hours_and_never_negative() {
    let filed =
        Filed { by: AgentId::parse("camille").unwrap(), at: Timestamp::from_millis(10 * HOUR_MS) };
    let at = |millis| filed.age_hours(Timestamp::from_millis(millis));
    assert_eq!((at(11 * HOUR_MS - 1), at(11 * HOUR_MS)), (0, 1));
    assert_eq!((at(0), at(i64::MAX)), (0, AGE_UNKNOWN));
}
