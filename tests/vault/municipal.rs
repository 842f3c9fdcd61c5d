//! The second pack in a whole vault: another domain, and not a line of the program knows it.

use std::path::Path;

use oubliette::{
    clock::Clock as _,
    identity::{AgentKind, Caller},
    ids::{CollectionName, PurposeName, RecordId, TerritoryName, UnitName},
    policy::{FieldStatus, Pack, Value},
    vault::{
        AssignInput, Assignee, BreakGlass, CreateInput, Intent, RevealInput, Revealed, UpdateInput,
        Vault, VaultError,
        startup::{Founders, found},
    },
};

use crate::house::{House, caller, class, date, field, new_agent, run};

fn town(seed: u64) -> House {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/municipal-desk");
    let pack = Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let house = House { pack, ..House::empty(seed) };
    let founders = Founders {
        vault_name: "town.test".to_owned(),
        node: "a".to_owned(),
        key_admin: new_agent("keys-1", "key_admin", None),
        dpo: new_agent("dpo-1", "dpo", None),
    };
    found(house.parts(), founders).unwrap();
    house
}

fn agent(id: &str, role: &str, unit: Option<&str>) -> Caller {
    let mut caller = caller(id, role, unit);
    caller.habilitation.territory = Some(TerritoryName::parse("town").unwrap());
    caller.habilitation.valid_to = date("2030-12-31");
    if role == "social_worker" {
        caller.habilitation.profession = Some(role.to_owned());
    }
    caller
}

fn why(purpose: &str) -> Intent {
    Intent { purpose: PurposeName::parse(purpose).unwrap(), justification: None, request: None }
}

fn text(of: &str) -> Value {
    Value::Text(of.to_owned())
}

/// Anne takes a request in and hands it to the north; Basile writes down the household.
async fn taken_in(vault: &Vault) -> RecordId {
    let anne = agent("anne", "receptionist", None);
    let input = CreateInput {
        collection: CollectionName::parse("requests").unwrap(),
        subject: None,
        collected_on: date("2020-11-23"),
        attributes: vec![
            (field("territory"), text("town")),
            (field("state"), text("received")),
            (field("kind"), text("energy")),
        ],
        fields: vec![
            (field("last_name"), text("EXEMPLE-VILLE")),
            (field("first_names"), text("Exemple")),
            (field("phone"), text("0639980002")),
        ],
    };
    let record = vault.create(&anne, &why("assistance"), input).await.unwrap().record;
    let to = Assignee::Unit(UnitName::parse("sector-north").unwrap());
    let given = AssignInput { record, to, until: None };
    let version = vault.assign(&anne, &why("assistance"), given).await.unwrap().version;
    let input = UpdateInput {
        record,
        expected_version: version,
        attributes: vec![(field("state"), Some(text("examined")))],
        fields: vec![(field("persons"), Some(Value::Integer(3)))],
    };
    vault.update(&basile(), &why("assistance"), input).await.unwrap();
    record
}

fn basile() -> Caller {
    agent("basile", "social_worker", Some("sector-north"))
}

async fn reveal(
    vault: &Vault,
    who: &Caller,
    record: RecordId,
    classes: &[&str],
) -> Result<Revealed, VaultError> {
    let classes = classes.iter().map(|c| class(c)).collect();
    let input = RevealInput { record, classes, approval: None };
    vault.reveal(who, &why("assistance"), input).await
}

fn shown<'a>(answer: &'a Revealed, name: &str) -> (FieldStatus, Option<&'a Value>) {
    let field = answer.fields.iter().find(|f| f.field.as_str() == name).unwrap();
    (field.status, field.value.as_ref())
}

#[test]
fn a_request_is_taken_in_examined_masked_for_others_and_denied_to_whom_it_does_not_concern() {
    run(async {
        let vault = town(700).start().unwrap();
        let record = taken_in(&vault).await;
        let own = reveal(&vault, &basile(), record, &["identity", "household"]).await.unwrap();
        let name = text("EXEMPLE-VILLE");
        assert!(shown(&own, "last_name") == (FieldStatus::Value, Some(&name)));
        assert!(shown(&own, "persons") == (FieldStatus::Value, Some(&Value::Integer(3))));
        assert_eq!(shown(&own, "income").0, FieldStatus::Absent);

        let south = agent("chloe", "social_worker", Some("sector-south"));
        let masked = reveal(&vault, &south, record, &["identity", "contact"]).await.unwrap();
        let (status, initial) = shown(&masked, "last_name");
        assert_eq!(status, FieldStatus::Masked);
        assert!(initial.is_some_and(|value| *value == text("E.")));
        assert_eq!(shown(&masked, "phone").0, FieldStatus::Denied);

        let mut trainee = basile();
        trainee.habilitation.profession = None;
        let answer = reveal(&vault, &trainee, record, &["contact", "household"]).await.unwrap();
        assert_eq!(shown(&answer, "phone").0, FieldStatus::Value);
        assert_eq!(shown(&answer, "persons").0, FieldStatus::Denied);

        for (id, role) in [("anne", "receptionist"), ("dpo-1", "dpo"), ("duty", "duty_officer")] {
            let answer = reveal(&vault, &agent(id, role, None), record, &["identity"]).await;
            assert!(matches!(answer, Err(VaultError::NotAvailable)), "{role}");
        }
    });
}

#[test]
fn who_is_on_call_breaks_the_glass_for_her_purpose_and_sees_no_household() {
    run(async {
        let vault = town(701).start().unwrap();
        let record = taken_in(&vault).await;
        let duty = agent("duty", "duty_officer", None);
        let stated = || BreakGlass {
            code: "child_in_danger".to_owned(),
            text: "a neighbour calls".to_owned(),
        };
        let input = |classes: &[&str]| RevealInput {
            record,
            classes: classes.iter().map(|c| class(c)).collect(),
            approval: None,
        };
        let other =
            vault.break_glass(&duty, &why("assistance"), input(&["contact"]), stated()).await;
        assert!(matches!(other, Err(VaultError::NotAvailable)));
        let asked = input(&["contact", "household"]);
        let answer = vault.break_glass(&duty, &why("emergency"), asked, stated()).await.unwrap();
        assert_eq!(shown(&answer, "phone").0, FieldStatus::Value);
        assert_eq!(shown(&answer, "persons").0, FieldStatus::Denied);
        assert!(answer.broken.is_some());
        let dpo = agent("dpo-1", "dpo", None);
        assert_eq!(vault.list_reviews(&dpo, true).await.unwrap().len(), 1);
    });
}

#[test]
fn the_household_goes_after_a_year_and_the_request_after_two_with_a_certificate() {
    run(async {
        let house = town(702);
        let vault = house.start().unwrap();
        let record = taken_in(&vault).await;
        let mut robot = agent("robot", "purge_robot", None);
        robot.kind = AgentKind::Service;
        later(&house, &vault, 365).await;
        let answer = reveal(&vault, &basile(), record, &["identity", "household"]).await.unwrap();
        assert_eq!(shown(&answer, "persons").0, FieldStatus::Expired);
        assert_eq!(shown(&answer, "last_name").0, FieldStatus::Value);
        later(&house, &vault, 364).await;
        assert!(reveal(&vault, &basile(), record, &["identity"]).await.is_ok());
        later(&house, &vault, 1).await;
        let gone = reveal(&vault, &basile(), record, &["identity"]).await;
        assert!(matches!(gone, Err(VaultError::NotAvailable)));
        vault.run_purge(&robot).await.unwrap();
        assert!(vault.certificate(&agent("dpo-1", "dpo", None), None).await.is_ok());
        assert_eq!(vault.state().unwrap().overdue_ms, 0);
    });
}

/// Lets whole days pass in which nobody called, and has the clock confirmed.
async fn later(house: &House, vault: &Vault, days: i64) {
    house.pass_days(days);
    vault.tick().unwrap();
    let today = house.clock.now().date_in(house.pack.zone());
    vault.confirm_clock(&agent("keys-1", "key_admin", None), today).await.unwrap();
    vault.tick().unwrap();
}
