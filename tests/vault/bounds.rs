//! Bounds of answers about several records, at the bound and just above.

use std::{fs, path::Path, sync::Arc};

use oubliette::{
    ids::{CollectionName, RecordId, UnitName},
    policy::{Pack, Value},
    vault::{
        AssignInput, Assignee, CreateInput, FindInput, ImportBatch, ImportRecord, PageRequest,
        RevealManyInput, RevealedItem, Vault, VaultError,
    },
};

use crate::house::{House, care, class, clerk, field, head, island_file, run};

/// The desk's pack with words of it replaced, for sizes that the desk itself never has.
fn pack_with(changes: &[(&str, &str)]) -> Arc<Pack> {
    let desk = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/desk");
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(desk).unwrap() {
        let path = entry.unwrap().path();
        let mut text = fs::read_to_string(&path).unwrap();
        if path.ends_with("pack.toml") {
            for (from, to) in changes {
                assert!(text.contains(from), "{from}");
                text = text.replace(from, to);
            }
        }
        fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
    }
    Pack::load(folder.path()).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn house_with(seed: u64, changes: &[(&str, &str)]) -> House {
    let house = House { pack: pack_with(changes), ..House::empty(seed) };
    house.found().unwrap();
    house
}

/// Files so many, in batches.
async fn import(vault: &Vault, count: usize, input: impl Fn() -> CreateInput) -> Vec<RecordId> {
    let mut filed = Vec::new();
    while filed.len() < count {
        let size = (count - filed.len()).min(256);
        let one = || ImportRecord { request: None, input: input() };
        let records = (0..size).map(|_| one()).collect();
        let collection = CollectionName::parse("files").unwrap();
        let batch = ImportBatch { collection, records };
        let answers = vault.import(&head(), &care(), batch).await.unwrap();
        filed.extend(answers.into_iter().map(|answer| answer.unwrap().record));
    }
    filed
}

async fn to_north(vault: &Vault, records: &[RecordId]) {
    for record in records {
        let to = Assignee::Unit(UnitName::parse("north").unwrap());
        let input = AssignInput { record: *record, to, until: None };
        vault.assign(&head(), &care(), input).await.unwrap();
    }
}

async fn reveal(
    vault: &Vault,
    records: &[RecordId],
    classes: &[&str],
) -> Result<Vec<RevealedItem>, VaultError> {
    let classes = classes.iter().map(|name| class(name)).collect();
    let input = RevealManyInput { records: records.to_vec(), classes };
    vault.reveal_many(&clerk(), &care(), input).await
}

#[test]
fn as_many_fields_as_one_event_lists_are_shown_and_one_record_more_is_a_limit() {
    run(async {
        // With these, a file has 17 fields and attributes that the clerk sees: 240 files are 4,080.
        let more: String = (0..13)
            .map(|n| {
                format!("{{ name = \"more_{n}\", class = \"identity\", type = \"boolean\" }},\n")
            })
            .collect();
        let at = "    { name = \"phone\", class = \"phone\"";
        let house = house_with(270, &[(at, &format!("{more}{at}"))]);
        let vault = house.start().unwrap();
        let input = || {
            let mut input = island_file("EXEMPLE", "2020-11-20");
            input.fields.retain(|(name, _)| name.as_str() == "family_name");
            input
        };
        let records = import(&vault, 241, input).await;
        to_north(&vault, &records).await;
        let classes = ["identity", "attributes"];
        let shown = reveal(&vault, &records[..240], &classes).await.unwrap();
        assert!(shown.iter().all(|item| item.result.is_ok()));
        assert_eq!(shown[0].result.as_ref().ok().unwrap().fields.len(), 17);
        let refused = reveal(&vault, &records, &classes).await;
        assert!(matches!(refused, Err(VaultError::TooMany { limit: 4096, .. })));
    });
}

#[test]
fn as_many_sealed_bytes_as_fit_an_answer_are_opened_and_one_record_more_is_a_limit() {
    run(async {
        let house = house_with(271, &[("max_bytes = 200", "max_bytes = 4096")]);
        let vault = house.start().unwrap();
        let input = || {
            let mut input = island_file("EXEMPLE", "2020-11-20");
            input.fields[2].1 = Value::Text("x".repeat(4096));
            input
        };
        let records = import(&vault, 256, input).await;
        to_north(&vault, &records).await;
        // A note of 4,096 bytes is 4,225 sealed ones; 248 of them are within 1 MiB.
        assert!(reveal(&vault, &records[..248], &["note"]).await.is_ok());
        let refused = reveal(&vault, &records[..249], &["note"]).await;
        assert!(matches!(refused, Err(VaultError::TooMany { limit: 1_048_576, .. })));
    });
}

#[test]
fn a_search_looks_at_as_many_records_as_it_may_and_one_more_is_a_limit() {
    run(async {
        let house = House::founded(272);
        let vault = house.start().unwrap();
        let find = async || {
            let input = FindInput {
                collection: CollectionName::parse("files").unwrap(),
                conditions: vec![(field("family_name"), Value::Text("EXEMPLE".to_owned()))],
                page: PageRequest { size: 50, after: None },
            };
            vault.find(&clerk(), &care(), input).await
        };
        // Nobody's: all are looked at, and none is given.
        import(&vault, 10_000, || island_file("EXEMPLE", "2020-11-20")).await;
        assert!(find().await.unwrap().records.is_empty());
        import(&vault, 1, || island_file("EXEMPLE", "2020-11-20")).await;
        assert!(matches!(find().await, Err(VaultError::TooMany { limit: 10_000, .. })));
    });
}

#[test]
fn an_import_opens_as_many_dates_ahead_as_it_may_and_the_others_when_they_are_needed() {
    run(async {
        let long = [("P3M", "P20Y"), ("2021-04-01", "2060-01-01")];
        let house = house_with(273, &long);
        let vault = house.start().unwrap();
        let before = vault.state().unwrap().live_segments;
        import(&vault, 1, || island_file("EXEMPLE", "2020-11-20")).await;
        let opened = vault.state().unwrap().live_segments - before;
        assert!((4090..=4096).contains(&opened), "{opened}: some dates were open before");
        // An old date was left out, and is opened by itself.
        let generation = vault.state().unwrap().generation;
        import(&vault, 1, || {
            let mut old = island_file("EXEMPLE", "2001-01-10");
            old.fields.retain(|(name, _)| name.as_str() != "memo");
            old
        })
        .await;
        assert_eq!(vault.state().unwrap().generation, generation + 1);
    });
}
