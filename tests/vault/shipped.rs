//! The shipped pack in a whole vault, and the folders it lives in.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use oubliette::{
    identity::{AgentKind, Caller},
    ids::{CollectionName, PurposeName, TerritoryName, UnitName},
    policy::{Pack, Value},
    storage::Engine,
    vault::{
        AssignInput, Assignee, CreateInput, Intent, RevealInput, UpdateInput, VaultError,
        startup::{Founders, found, prepare_data_folder},
    },
};

use crate::house::{House, caller, class, date, field, new_agent, run};

fn founded(seed: u64) -> House {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
    let mut house = House::empty(seed);
    house.pack = Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let founders = Founders {
        vault_name: "shipped.test".to_owned(),
        node: "a".to_owned(),
        key_admin: new_agent("keys-1", "key_admin", None),
        dpo: new_agent("watch-1", "dpo", None),
    };
    found(house.parts(), founders).unwrap();
    house
}

fn in_territory(mut caller: Caller, territory: &str) -> Caller {
    caller.habilitation.territory = Some(TerritoryName::parse(territory).unwrap());
    caller
}

#[test]
fn nobody_moves_a_record_to_a_territory_that_is_not_his() {
    run(async {
        let house = founded(120);
        let vault = house.start().unwrap();
        let mut feed = in_territory(caller("feed", "intake", None), "reunion");
        feed.kind = AgentKind::Service;
        let unit = "investigation-974";
        let investigator = in_territory(caller("inv", "investigator", Some(unit)), "reunion");
        let why = Intent {
            purpose: PurposeName::parse("p1").unwrap(),
            justification: None,
            request: None,
        };
        let text = |s: &str| Value::Text(s.to_owned());
        let input = CreateInput {
            collection: CollectionName::parse("cases").unwrap(),
            subject: None,
            collected_on: date("2020-11-20"),
            attributes: vec![(field("territory"), text("reunion")), (field("state"), text("new"))],
            fields: vec![
                (field("last_name"), text("EXEMPLE")),
                (field("first_names"), text("Anne")),
                (field("birth_date"), Value::Date(date("1980-01-01"))),
            ],
        };
        let record = vault.create(&feed, &why, input).await.unwrap().record;
        let to = Assignee::Unit(UnitName::parse(unit).unwrap());
        let version = vault.assign(&feed, &why, AssignInput { record, to, until: None }).await;
        let classes = vec![class("attributes"), class("identity")];
        let look = || {
            vault.reveal(
                &investigator,
                &why,
                RevealInput { record, classes: classes.clone(), approval: None },
            )
        };
        assert!(look().await.is_ok());
        let moved = UpdateInput {
            record,
            expected_version: version.unwrap().version,
            attributes: vec![(field("territory"), Some(text("guadeloupe")))],
            fields: vec![],
        };
        let refused = vault.update(&investigator, &why, moved).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
        assert!(look().await.is_ok());
    });
}

#[test]
fn nobody_else_may_look_into_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    prepare_data_folder(&data).unwrap();
    let store = Engine::open(&data, Engine::default()).unwrap();
    drop(store);
    let mode = std::fs::metadata(&data).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
