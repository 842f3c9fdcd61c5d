//! Every role, purpose, collection, class and verb once over a real socket, with its event: what is
//! answered and what is in the log is what the oracle's tables say, which know no policy.
//!
//! `world` says in which circumstance. A match of F0 cannot be asked over the wire, and a create always
//! files what the pack requires; nothing else is left out. The excluded roles ask nothing: nobody can be
//! appointed to one.

mod asked;
mod filed;
mod put;
mod world;

#[expect(dead_code, reason = "shared with the cross-product at the engine, which uses more of it")]
#[path = "../../oracle/expect.rs"]
mod expect;
#[expect(dead_code, reason = "shared with the cross-product at the engine, which uses more of it")]
#[path = "../../oracle/facts.rs"]
mod facts;
#[expect(dead_code, reason = "shared with the cross-product at the engine, which uses more of it")]
#[path = "../../oracle/table.rs"]
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use oubliette::client::{
    Reason,
    types::{Detail, EventDetail, EventFilter},
};

use crate::{
    policies,
    support::{House, KEYS, Served, as_role, refused, run},
};
use put::{Answered, Put};
use world::{ALL, Who, World};

/// Events of a page.
const PAGE: u32 = 500;
/// Differences told in full.
const TOLD: usize = 25;
/// From 08:00 in La Réunion to 12:00 of the same day in Guadeloupe.
const TO_GUADELOUPE_MS: i64 = 12 * 60 * 60 * 1000;

/// The events of these agents from a leaf on, in order, read page by page.
async fn events(served: &Served<'_>, from: u64) -> BTreeMap<String, Vec<EventDetail>> {
    let dpo = served.as_agent("dpo-2").await;
    let (mut found, mut after): (BTreeMap<String, Vec<EventDetail>>, _) = Default::default();
    loop {
        let page = dpo.list_events(&EventFilter::default(), after, PAGE).await.unwrap();
        for event in page.events {
            if event.position.n < from {
                found.values_mut().for_each(|events| events.reverse());
                return found;
            }
            if let Detail::Open(detail) = event.detail {
                found.entry(detail.agent.clone()).or_default().push(*detail);
            }
        }
        after = page.next;
        assert!(after.is_some(), "the log does not reach back to leaf {from}");
    }
}

/// What the event has otherwise than the question and the oracle say.
fn differs(
    who: Who,
    put: &Put,
    event: &EventDetail,
    permits: &BTreeMap<String, bool>,
) -> Vec<String> {
    let (expected, mut wrong) = (&put.expected, Vec::new());
    let mut same = |what: &str, found: String, wanted: String| {
        if found != wanted {
            wrong.push(format!("{}: {what} of the event: {found}; expected {wanted}", put.told));
        }
    };
    let action = if put.verb == "write" { "update" } else { put.verb };
    for (what, found, wanted) in [
        ("agent", event.agent.as_str(), who.agent),
        ("role", &event.role, who.role),
        ("unit", &event.unit, who.unit),
        ("purpose", &event.purpose, &put.purpose),
        ("action", &event.action, action),
        ("collection", &event.collection, &expected.collection),
        ("decision", &event.decision, expected.decision),
        ("outcome", &event.outcome, expected.outcome),
        ("justification", &event.justification, put::WHY),
    ] {
        same(what, found.to_owned(), wanted.to_owned());
    }
    same("records", format!("{:?}", event.records.0), format!("{:?}", put.records));
    let asked: BTreeSet<String> = event.asked.iter().cloned().collect();
    same("asked", format!("{asked:?}"), format!("{:?}", expected.asked));
    let given = event.given.iter().map(|g| (g.class.clone(), g.field.clone(), g.mask.clone()));
    let given: BTreeSet<_> = given.collect();
    same("given", format!("{given:?}"), format!("{:?}", expected.given));
    let (permitting, refusing): (Vec<_>, Vec<_>) =
        event.policies.iter().partition(|(id, _)| permits.get(id).copied().unwrap_or(false));
    let refusing: BTreeSet<&String> = refusing.into_iter().map(|(id, _)| id).collect();
    same("refusals", format!("{refusing:?}"), format!("{:?}", expected.refused_by));
    same("permits", (!permitting.is_empty()).to_string(), expected.permitted.to_string());
    if event.policies.iter().any(|(_, legal)| legal.is_empty()) {
        wrong.push(format!("{}: a policy without its law", put.told));
    }
    wrong
}

/// Asks these roles, and compares what they were answered and what the log has.
async fn cross(served: &Served<'_>, world: &Arc<World>, roles: &[Who], sum: &mut (usize, usize)) {
    let (mut ends, mut ready) = (BTreeMap::new(), Vec::new());
    served.token("dpo-2").await;
    for who in roles {
        let kept = filed::file_for(served, world, *who, &mut ends).await;
        ready.push((*who, kept, served.as_agent(who.agent).await));
    }
    let from = served.log_size();
    let mut asking = Vec::new();
    for (who, kept, client) in ready {
        let (world, ends) = (Arc::clone(world), ends.get(who.agent).cloned());
        let asks = async move { (who, put::all(&world, &client, who, kept, ends).await) };
        asking.push(tokio::spawn(asks));
    }
    let (mut wrong, mut all): (Vec<String>, Vec<(Who, Answered)>) = Default::default();
    for asked in asking {
        all.push(asked.await.unwrap());
    }
    let (events, permits) = (events(served, from).await, policies::shipped());
    for (who, answered) in all {
        let events = events.get(who.agent).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(events.len(), answered.put.len(), "one event a call of {}", who.agent);
        wrong.extend(answered.wrong);
        for (put, event) in answered.put.iter().zip(events) {
            wrong.extend(differs(who, put, event, &permits));
        }
        sum.0 += answered.put.len();
        sum.1 += answered.classes;
    }
    let told = &wrong[..wrong.len().min(TOLD)];
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), told.join("\n"));
}

#[test]
fn every_role_purpose_collection_class_and_verb_is_answered_and_logged_as_the_matrix_says() {
    run(async {
        let world = Arc::new(World::read());
        let here: BTreeSet<&str> = ALL.iter().map(|who| who.role).collect();
        let roles = world.oracle.words.roles.keys().map(String::as_str);
        assert_eq!(here, roles.collect(), "one agent for each role that somebody can have");
        let house = House::in_memory(600);
        let served = house.serve().await;
        let mut sum = (0, 0);
        let (there, here): (Vec<Who>, Vec<Who>) = ALL.into_iter().partition(|w| w.is_elsewhere());
        cross(&served, &world, &here, &mut sum).await;
        house.clock.advance_millis(TO_GUADELOUPE_MS);
        served.forget_sessions().await;
        cross(&served, &world, &there, &mut sum).await;
        println!("{} calls about {} classes, each with its event", sum.0, sum.1);
        // A cross-product that forgets a dimension is shorter.
        assert!(sum.0 > 25_000, "only {} calls were made", sum.0);
        served.stop().await;
    });
}

#[test]
fn nobody_is_appointed_to_an_excluded_role_and_to_each_other_role_somebody_is() {
    run(async {
        let oracle = table::Oracle::read();
        let house = House::in_memory(601);
        let served = house.serve().await;
        let keys = served.as_agent(KEYS).await;
        assert_eq!(oracle.words.excluded_roles.len(), 5);
        for role in oracle.words.excluded_roles.keys() {
            let appointed = keys.create_agent(as_role("inv-974", role)).await;
            assert_eq!(refused(appointed.map(drop)), Reason::RoleExcluded, "{role}");
        }
        for role in oracle.words.roles.keys() {
            let appointed = keys.create_agent(as_role("inv-974", role)).await;
            assert!(appointed.is_ok(), "{role}: {:?}", appointed.err());
        }
        served.stop().await;
    });
}
