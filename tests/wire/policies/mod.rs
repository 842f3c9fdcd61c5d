//! Each policy of the shipped pack over the real socket: a call that it decides, and one just outside
//! it. The audit event of each call must say so.
//!
//! A policy of the pack without a pair here fails
//! `every_policy_of_the_pack_has_a_call_it_decides_and_one_it_does_not`.

mod calls;
mod records;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use oubliette::client::{
    ClientError, Reason,
    types::{EventDetail, Intent},
};

use crate::support::{
    House, NIR_A, Served, case, contact, refused, run, secret, secret_of, shipped_pack, text,
};
use records::Records;
use table::{Decides, Row};

/// From 08:00 in La Réunion to 12:00 of the same day in Guadeloupe.
const TO_NOON_MS: i64 = 12 * 60 * 60 * 1000;

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

#[test]
fn every_policy_of_the_pack_has_a_call_it_decides_and_one_it_does_not() {
    let shipped: BTreeSet<String> = shipped().into_keys().collect();
    assert_eq!(shipped.len(), 137);
    for decides in [Decides::Yes, Decides::No] {
        let rows = table::morning().chain(table::noon()).filter(|row| row.decides == decides);
        let mut covered: BTreeSet<String> = rows.map(|row| row.policy.to_owned()).collect();
        if decides == Decides::Yes {
            for (id, why) in table::DECIDED_ELSEWHERE {
                assert!(covered.insert(id.to_owned()), "{id} has its row, and not: {why}");
            }
        }
        assert_eq!(covered, shipped, "{decides:?}");
    }
}

/// Makes the rows' calls, one after the other; what came otherwise.
async fn asked(
    served: &Served<'_>,
    records: &mut Records,
    rows: impl Iterator<Item = &'static Row>,
) -> Vec<String> {
    let (shipped, mut wrong) = (shipped(), Vec::new());
    let dpo = served.as_agent("dpo-2").await;
    for row in rows {
        let client = served.as_agent(row.who).await;
        served.token("dpo-2").await;
        let before = served.log_size();
        let result = calls::make(&row.call, (row.who, &client), &dpo, records).await;
        let event = served.newest_event(row.who, before).await;
        let through = goes_through(row, shipped[row.policy]);
        if let Some(why) = mismatch(row, through, &result, event.as_ref()) {
            wrong.push(format!("{} by {} ({}): {why}", row.policy, row.who, row.why));
        }
    }
    wrong
}

#[test]
fn each_policy_decides_its_call_and_not_its_neighbour_and_the_event_says_so() {
    run(async {
        let house = House::in_folders(500);
        let served = house.serve().await;
        let mut records = Records::of_the_morning(&served).await;
        let mut wrong = asked(&served, &mut records, table::morning()).await;
        house.clock.advance_millis(TO_NOON_MS);
        served.forget_sessions().await;
        records.add_those_of_noon(&served).await;
        wrong.extend(asked(&served, &mut records, table::noon()).await);
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
