//! The public questions, asked by callers with habilitations: their dates, their vault actions,
//! their abilities.

use super::*;
use crate::identity::{AgentKind, Caller, Habilitation};

fn caller(role: &str, unit: &str, from: &str, to: &str, signed: Option<&str>) -> Caller {
    Caller {
        agent: AgentId::parse("somebody").unwrap(),
        kind: AgentKind::Person,
        habilitation: Habilitation {
            role: RoleName::parse(role).unwrap(),
            unit: UnitName::parse(unit).ok(),
            territory: TerritoryName::parse("reunion").ok(),
            valid_from: from.parse().unwrap(),
            valid_to: to.parse().unwrap(),
            authority: "the head of the body".into(),
            profession: (role == "medical_service").then(|| "physician".into()),
            sworn: false,
            undertaking_on: signed.map(|date| date.parse().unwrap()),
            undertaking_ref: None,
        },
        service: None,
    }
}

/// Decides `reveal:coordinates` on a case, for a physician, who has no hours of service.
fn reads(who: &Caller, now: Timestamp) -> Vec<String> {
    let pack = shipped_pack();
    let collection = CollectionName::parse("cases").unwrap();
    let attributes = engine::ask::plausible(pack.collection(&collection).unwrap());
    let units = [UnitName::parse("operators-974").unwrap()];
    let territory = TerritoryName::parse("reunion").unwrap();
    let on = Resource {
        record: RECORD,
        collection: &collection,
        territory: Some(&territory),
        attributes: &attributes,
        assigned_agents: &[],
        assigned_units: &units,
        restricted: false,
        held: false,
        filed_by: None,
        age_hours: 0,
    };
    let purpose = PurposeName::parse("p3").unwrap();
    let context = RequestContext {
        purpose: &purpose,
        now,
        justification: false,
        recent_subjects: 0,
        break_glass: false,
        link: None,
        approved: false,
        assignee_agent: None,
        assignee_unit: None,
    };
    let classes = class_names("coordinates");
    let decoy = pack.decide_decoy(who, Verb::Reveal, &classes, &context);
    assert!(decoy.permit.is_none() && !decoy.may_know);
    let decision = pack.decide(who, Verb::Reveal, &on, &classes, &context);
    assert_eq!(decision.permit.is_some(), decision.all_allowed());
    decision.policies().into_iter().map(|policy| policy.id).collect()
}

#[test]
fn a_habilitation_counts_from_its_first_to_its_last_local_day() {
    let monday =
        caller("medical_service", "medical-974", "2020-11-23", "2020-11-23", Some("2020-11-01"));
    assert_eq!(reads(&monday, MONDAY), ["medical-case-read"]);
    // 23:59 and 00:00 in La Réunion are 19:59 and 20:00 UTC.
    let midnight = MONDAY.plus_millis(16 * 3_600_000);
    assert_eq!(reads(&monday, midnight.plus_millis(-1)), ["medical-case-read"]);
    assert_eq!(reads(&monday, midnight), ["habilitation-not-valid"]);
    let from = MONDAY.plus_millis(-8 * 3_600_000);
    assert_eq!(reads(&monday, from), ["medical-case-read"]);
    assert_eq!(reads(&monday, from.plus_millis(-1)), ["habilitation-not-valid"]);
}

#[test]
fn an_undertaking_counts_from_the_day_it_was_signed() {
    let signed =
        caller("medical_service", "medical-974", "2020-01-01", "2021-03-31", Some("2020-11-23"));
    assert_eq!(reads(&signed, MONDAY), ["medical-case-read"]);
    let later =
        caller("medical_service", "medical-974", "2020-01-01", "2021-03-31", Some("2020-11-24"));
    assert_eq!(reads(&later, MONDAY), ["no-secrecy-undertaking"]);
    let never = caller("medical_service", "medical-974", "2020-01-01", "2021-03-31", None);
    assert_eq!(reads(&never, MONDAY), ["no-secrecy-undertaking"]);
}

#[test]
fn actions_on_the_vault_are_for_those_the_pack_names() {
    let pack = shipped_pack();
    let dpo = caller("dpo", "", "2020-01-01", "2021-03-31", None);
    let listed = pack.decide_action(&dpo, "audit:list", MONDAY);
    assert!(listed.allowed);
    assert_eq!(listed.policies[0].id, "dpo-oversight");
    assert!(!pack.decide_action(&dpo, "purge:run", MONDAY).allowed);
    assert!(!pack.decide_action(&dpo, "audit:erase", MONDAY).allowed);
    let operator = caller("operator", "operators-974", "2020-01-01", "2021-03-31", None);
    for action in VAULT_ACTIONS {
        assert!(!pack.decide_action(&operator, action, MONDAY).allowed, "{action}");
    }
}

#[test]
fn abilities_list_what_a_role_could_do_and_nothing_else() {
    let pack = shipped_pack();
    let abilities = |role: &str| -> Vec<String> {
        let who = caller(role, "", "2020-01-01", "2021-03-31", None);
        let lines = pack.abilities(&who).into_iter();
        lines.map(|(of, class, verbs)| format!("{of} {class} {}", verbs.join(","))).collect()
    };
    assert_eq!(
        abilities("operator"),
        [
            "cases identity reveal",
            "contacts attributes reveal,write,assign",
            "contacts identity reveal,match,write",
            "contacts nir match",
            "contacts coordinates reveal,match,write",
            "contacts symptoms reveal,write",
            "contacts call reveal,write",
            "links attributes reveal",
            "calls attributes reveal,write,create",
            "calls call reveal,write",
            "support attributes reveal,write,create",
            "support nir reveal",
            "support support reveal,write",
        ]
    );
    assert!(abilities("clusters").contains(&"cases identity mask".to_owned()));
    assert!(abilities("investigator").contains(&"cases nir match".to_owned()));
    assert!(
        abilities("investigator")
            .contains(&"contacts attributes reveal,write,create,assign".into())
    );
    assert!(!abilities("investigator").iter().any(|line| line.starts_with("lab_results")));
    assert_eq!(abilities("dpo"), Vec::<String>::new());
}
