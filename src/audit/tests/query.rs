//! Queries: filters, paging, expiry, tampered details.

use chrono::NaiveDate;

use super::house::{DAY_MS, House, START, draft, logged, write};
use crate::{
    audit::{
        AuditError, AuditLog, EventDetail, EventDraft, EventFilter, EventPage, FieldGiven,
        ListedEvent, StoredEvent,
    },
    clock::{Clock, Timestamp},
    ids::{
        AgentId, ClassName, CollectionName, FieldName, PurposeName, RecordId, RequestId, RoleName,
        SegmentId, SlotRef, SubjectId, UnitName,
    },
    limits,
    storage::keys,
};

fn numbers(page: &EventPage) -> Vec<u64> {
    page.events.iter().map(|event| event.n).collect()
}

fn listed(log: &AuditLog, filter: &EventFilter) -> EventPage {
    log.list(filter, None, 100).unwrap()
}

fn open(event: &ListedEvent) -> &StoredEvent {
    match &event.detail {
        EventDetail::Open(event) => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_part_of_an_event_reads_back() {
    let (_house, log) = House::new();
    let event = EventDraft {
        agent: AgentId::parse("agent-1").ok(),
        role: RoleName::parse("investigator").ok(),
        unit: UnitName::parse("cell-1").ok(),
        service: AgentId::parse("front-end").ok(),
        purpose: PurposeName::parse("trace").ok(),
        action: "reveal",
        collection: CollectionName::parse("cases").ok(),
        records: vec![RecordId::from_bytes([1; 16]), RecordId::from_bytes([2; 16])],
        subject: Some(SubjectId::from_bytes([3; 16])),
        subjects: vec![SubjectId::from_bytes([3; 16]), SubjectId::from_bytes([6; 16])],
        asked: vec!["identity".to_owned(), "nir.number".to_owned()],
        given: vec![FieldGiven {
            record: Some(RecordId::from_bytes([1; 16])),
            class: ClassName::parse("identity").unwrap(),
            field: FieldName::parse("name").unwrap(),
            mask: Some("initials".to_owned()),
        }],
        decision: "partial",
        policies: vec![("p1".to_owned(), "art. 1".to_owned())],
        pack_hash: [4; 32],
        justification: Some("call back".to_owned()),
        request: Some(RequestId::from_bytes([5; 16])),
        outcome: "OK".to_owned(),
        notes: vec!["link=1".to_owned()],
        slots: vec![SlotRef { seg: SegmentId::from_bytes([7; 16]), index: 70_000 }],
    };
    logged(&log, &event);
    let page = listed(&log, &EventFilter { kind: Some("reveal".to_owned()), ..Default::default() });
    let stored = open(&page.events[0]);
    assert_eq!(stored.slots, event.slots);
    assert_eq!(stored.agent, event.agent);
    assert_eq!((&stored.role, &stored.unit), (&event.role, &event.unit));
    assert_eq!((&stored.service, &stored.purpose), (&event.service, &event.purpose));
    assert_eq!((stored.action.as_str(), stored.decision.as_str()), ("reveal", "partial"));
    assert_eq!((&stored.collection, &stored.records), (&event.collection, &event.records));
    assert_eq!((stored.subject, &stored.asked), (event.subject, &event.asked));
    assert_eq!((&stored.given, &stored.policies), (&event.given, &event.policies));
    assert_eq!((stored.pack_hash, &stored.justification), ([4; 32], &event.justification));
    assert_eq!((stored.request, &stored.notes), (event.request, &event.notes));
    assert_eq!(stored.outcome, "OK");
}

#[test]
fn filters_find_their_events_and_no_others_newest_first() {
    let (house, log) = House::new();
    let first = log.state().size;
    for (agent, record) in [("a", 1), ("b", 1), ("a", 2), ("b", 2)] {
        house.clock.advance_millis(1000);
        logged(&log, &draft(agent, record));
    }
    let agent = |name| EventFilter { agent: AgentId::parse(name).ok(), ..Default::default() };
    let record = Some(RecordId::from_bytes([2; 16]));
    assert_eq!(numbers(&listed(&log, &agent("a"))), [first + 2, first]);
    assert_eq!(numbers(&listed(&log, &agent("nobody"))), [0_u64; 0]);
    let both = EventFilter { record, ..agent("b") };
    assert_eq!(numbers(&listed(&log, &both)), [first + 3]);
    let since = EventFilter { since: Some(START.plus_millis(3000)), ..Default::default() };
    assert_eq!(numbers(&listed(&log, &since)), [first + 3, first + 2]);
    let until = EventFilter { until: Some(START.plus_millis(2000)), ..agent("a") };
    assert_eq!(numbers(&listed(&log, &until)), [first]);
    let generations = EventFilter { kind: Some("generation".to_owned()), ..Default::default() };
    let page = listed(&log, &generations);
    assert_eq!(numbers(&page), [1, 0]);
    let keyring_hash = log.keyring().hash();
    assert_eq!(page.events[0].detail, EventDetail::Generation { generation: 2, keyring_hash });
    assert_eq!(page.complete_from, None);
}

#[test]
fn pages_join_without_gap_or_repetition() {
    let (_house, log) = House::new();
    for i in 0..700_u32 {
        logged(&log, &draft(if i % 3 == 0 { "a" } else { "b" }, 1));
    }
    for filter in [
        EventFilter { agent: AgentId::parse("a").ok(), ..Default::default() },
        EventFilter::default(),
    ] {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = log.list(&filter, cursor, 100).unwrap();
            all.extend(numbers(&page));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let expected = if filter.agent.is_some() { 234 } else { 702 };
        assert_eq!(all.len(), expected);
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    }
}

#[test]
fn a_query_looks_at_as_many_leaves_as_it_may_and_then_answers_with_a_cursor() {
    let (_house, log) = House::new();
    let most = u64::try_from(limits::AUDIT_SCAN_LEAVES_MAX).unwrap();
    while log.state().size < most - 1 {
        logged(&log, &draft("a", 1));
    }
    let none = EventFilter { until: Some(START.plus_millis(-DAY_MS)), ..Default::default() };
    let page = log.list(&none, None, 100).unwrap();
    assert_eq!((page.events.len(), page.next), (0, None), "all were looked at");
    logged(&log, &draft("a", 1));
    logged(&log, &draft("a", 1));
    let page = log.list(&none, None, 100).unwrap();
    assert_eq!((page.events.len(), page.next), (0, Some((0, 1))), "one was left");
    assert_eq!(log.list(&none, page.next, 100).unwrap().next, None);
}

#[test]
fn an_expired_detail_is_told_as_expired_and_its_leaf_stays() {
    let (house, log) = House::new();
    logged(&log, &draft("a", 1));
    // The event of November 2020 expires on 2021-11-01, 00:00 in Paris.
    let date = NaiveDate::from_ymd_opt(2021, 11, 1).unwrap();
    let expiry = Timestamp::start_of(date, house.rule.zone).unwrap();
    house.clock.set(expiry.plus_millis(-1));
    assert!(matches!(listed(&log, &EventFilter::default()).events[0].detail, EventDetail::Open(_)));
    house.clock.set(expiry);
    let page = listed(&log, &EventFilter::default());
    assert_eq!(page.events[0].detail, EventDetail::Expired);
    assert_eq!(page.events[0].kind, "reveal");
    let agent = EventFilter { agent: AgentId::parse("a").ok(), ..Default::default() };
    let page = listed(&log, &agent);
    assert!(page.events.is_empty());
    assert_eq!(page.complete_from, NaiveDate::from_ymd_opt(2020, 12, 1));
}

#[test]
fn a_clock_set_back_shows_no_detail_that_had_expired() {
    let (house, log) = House::new();
    logged(&log, &draft("a", 1));
    let date = NaiveDate::from_ymd_opt(2021, 11, 1).unwrap();
    let expiry = Timestamp::start_of(date, house.rule.zone).unwrap();
    let shown = listed(&log, &EventFilter::default());
    assert!(matches!(shown.events[0].detail, EventDetail::Open(_)));
    // Somebody vouches for the day on which it expires; then the clock is set back.
    house.clock.set(expiry);
    house.open_segments(&log);
    let event = log.seal(&draft("dpo", 2)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(runtime.block_on(log.confirm_clock(event)).unwrap());
    house.clock.set(START);
    assert_eq!(log.civil_now(), expiry);
    let shown = listed(&log, &EventFilter::default());
    let reveal = |e: &&ListedEvent| e.kind == "reveal" && e.time == START.to_string();
    assert_eq!(shown.events.iter().find(reveal).unwrap().detail, EventDetail::Expired);
    house.clock.set(expiry.plus_millis(1));
    assert_eq!(log.civil_now(), expiry.plus_millis(1));
}

#[test]
fn a_leaf_beyond_the_durable_end_is_not_listed() {
    let (_house, log) = House::new();
    logged(&log, &draft("a", 1));
    let durable = *log.shared().tail.lock();
    logged(&log, &draft("a", 2));
    let agent = EventFilter { agent: AgentId::parse("a").ok(), ..Default::default() };
    for (filter, all) in [(EventFilter::default(), 4), (agent, 2)] {
        assert_eq!(listed(&log, &filter).events.len(), all);
        // As a reader sees it between the write of the second event and its sync.
        let written = std::mem::replace(&mut *log.shared().tail.lock(), durable);
        assert_eq!(listed(&log, &filter).events.len(), all - 1);
        let from_afar = log.list(&filter, Some((9, 9)), 100).unwrap();
        assert_eq!(from_afar.events.len(), all - 1);
        *log.shared().tail.lock() = written;
    }
}

#[test]
fn from_the_end_date_on_an_event_names_no_record_subject_or_reason() {
    let (house, log) = House::new();
    let end = Timestamp::start_of(house.rule.end_date, house.rule.zone).unwrap();
    let mut event = draft("a", 1);
    event.subject = Some(SubjectId::from_bytes([3; 16]));
    event.justification = Some("a name".to_owned());
    for (time, named) in [(end.plus_millis(-DAY_MS), true), (end, false)] {
        house.clock.set(time);
        house.open_segments(&log);
        logged(&log, &event);
        let page = listed(&log, &EventFilter::default());
        let stored = open(&page.events[0]);
        assert_eq!(stored.records.len(), usize::from(named));
        assert_eq!(stored.subject.is_some(), named);
        assert_eq!(stored.justification.is_some(), named);
        assert_eq!(stored.agent, event.agent);
    }
    assert_eq!(house.clock.now(), end);
}

#[test]
fn a_changed_detail_is_noticed() {
    let (house, log) = House::new();
    logged(&log, &draft("a", 1));
    house.disk.tamper(|rows| {
        let row = rows.iter_mut().find(|(key, _)| key.starts_with(b"s")).unwrap();
        row.1[60] ^= 1;
    });
    let listed = log.list(&EventFilter::default(), None, 10);
    assert!(matches!(listed, Err(AuditError::Corrupt(_))));
}

#[test]
fn a_detail_of_another_leaf_is_noticed() {
    let (house, log) = House::new();
    let one = write(&log, &draft("a", 1)).unwrap().index().1;
    let two = write(&log, &draft("b", 2)).unwrap().index().1;
    house.disk.tamper(|rows| {
        let other = rows[&keys::event_slot(0, two)].clone();
        rows.insert(keys::event_slot(0, one), other);
    });
    let listed = log.list(&EventFilter::default(), None, 10);
    assert!(matches!(listed, Err(AuditError::Corrupt(_))));
}

#[test]
fn a_detail_that_names_another_cohort_is_damaged_and_extends_no_reading() {
    let (house, log) = House::new();
    logged(&log, &draft("a", 1));
    let shown = listed(&log, &EventFilter::default());
    assert!(matches!(shown.events[0].detail, EventDetail::Open(_)));
    let n = shown.events[0].n;
    house.disk.tamper(|rows| {
        rows.get_mut(&keys::event_slot(0, n)).unwrap()[0] ^= 1;
    });
    let listed = log.list(&EventFilter::default(), None, 10);
    assert!(matches!(listed, Err(AuditError::Corrupt(_))));
}
