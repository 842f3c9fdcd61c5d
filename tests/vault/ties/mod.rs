//! A desk whose pack has links, excluded words and rules about who filed a record.

mod erased;
mod filed;
mod linked;

use std::{path::Path, sync::Arc};

use oubliette::{
    identity::Caller,
    ids::{CollectionName, PurposeName, RecordId, TerritoryName, UnitName},
    policy::{Pack, Value},
    vault::{
        AssignInput, Assignee, CreateInput, Created, FindInput, Intent, PageRequest, RevealInput,
        Revealed, UpdateInput, Vault, VaultError,
    },
};

use crate::house::{House, caller, class, date, field};

/// A vault of this pack, started.
fn started(seed: u64) -> (House, Arc<Vault>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/ties");
    let pack = Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let house = House { pack, ..House::empty(seed) };
    house.found().unwrap();
    let vault = house.start().unwrap();
    (house, vault)
}

fn islander(id: &str, role: &str, unit: &str) -> Caller {
    let mut who = caller(id, role, Some(unit));
    who.habilitation.territory = TerritoryName::parse("island").ok();
    who
}

/// Works on complaints, in the north.
fn camille() -> Caller {
    islander("camille", "complaints", "north")
}

/// Hears witnesses, in the east.
fn helene() -> Caller {
    islander("helene", "hearings", "east")
}

/// Hears witnesses, in the west.
fn wanda() -> Caller {
    islander("wanda", "hearings", "west")
}

fn hearing() -> Intent {
    Intent { purpose: PurposeName::parse("hearing").unwrap(), justification: None, request: None }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn input(collection: &str, attributes: &[(&str, &str)], fields: &[(&str, &str)]) -> CreateInput {
    let pairs = |of: &[(&str, &str)]| of.iter().map(|(n, v)| (field(n), text(v))).collect();
    CreateInput {
        collection: CollectionName::parse(collection).unwrap(),
        subject: None,
        collected_on: date("2020-11-20"),
        attributes: pairs(attributes),
        fields: pairs(fields),
    }
}

/// A person of one of the two collections of persons.
fn person(collection: &str, name: &str) -> CreateInput {
    input(collection, &[("territory", "island"), ("state", "open")], &[("family_name", name)])
}

fn tie(complaint: RecordId, witness: RecordId, consent: &str) -> CreateInput {
    let ends = [("complaint", complaint.to_string()), ("witness", witness.to_string())];
    let ends: Vec<(&str, &str)> = ends.iter().map(|(name, id)| (*name, id.as_str())).collect();
    input("ties", &[("territory", "island"), ("consent", consent)], &ends)
}

async fn create(vault: &Vault, who: &Caller, input: CreateInput) -> Result<Created, VaultError> {
    vault.create(who, &hearing(), input).await
}

async fn reveal(
    vault: &Vault,
    who: &Caller,
    record: RecordId,
    asked: &str,
) -> Result<Revealed, VaultError> {
    let input = RevealInput { record, classes: vec![class(asked)], approval: None };
    vault.reveal(who, &hearing(), input).await
}

async fn hand_to(vault: &Vault, record: RecordId, unit: &str) {
    let to = Assignee::Unit(UnitName::parse(unit).unwrap());
    let input = AssignInput { record, to, until: None };
    vault.assign(&camille(), &hearing(), input).await.unwrap();
}

/// The consent of a tie, set to this at that version.
fn consent(record: RecordId, expected_version: u32, to: &str) -> UpdateInput {
    let attributes = vec![(field("consent"), Some(text(to)))];
    UpdateInput { record, expected_version, attributes, fields: Vec::new() }
}

/// A complaint with two witnesses: one agreed to be named to the east, nobody to the west.
struct Scene {
    complaint: RecordId,
    /// In the east, and in the west.
    witnesses: [RecordId; 2],
    /// Between the complaint and each of them.
    ties: [RecordId; 2],
}

async fn scene(vault: &Vault) -> Scene {
    let complaint =
        create(vault, &camille(), person("complaints", "EXEMPLE")).await.unwrap().record;
    hand_to(vault, complaint, "north").await;
    let (mut witnesses, mut ties) = (Vec::new(), Vec::new());
    for (unit, agreed) in [("east", "given"), ("west", "none")] {
        let witness = create(vault, &camille(), person("witnesses", "TEMOIN")).await.unwrap();
        hand_to(vault, witness.record, unit).await;
        let tied = create(vault, &camille(), tie(complaint, witness.record, agreed)).await.unwrap();
        hand_to(vault, tied.record, unit).await;
        witnesses.push(witness.record);
        ties.push(tied.record);
    }
    Scene { complaint, witnesses: witnesses.try_into().unwrap(), ties: ties.try_into().unwrap() }
}

/// Reveals a record through a link.
async fn through(
    vault: &Vault,
    who: &Caller,
    (record, link): (RecordId, RecordId),
    asked: &str,
) -> Result<Revealed, VaultError> {
    let input = RevealInput { record, classes: vec![class(asked)], approval: None };
    vault.reveal_through(who, &hearing(), input, link).await
}

/// Links that the caller finds from this end.
async fn found(vault: &Vault, who: &Caller, end: &str, record: RecordId) -> Vec<RecordId> {
    let input = FindInput {
        collection: CollectionName::parse("ties").unwrap(),
        conditions: vec![(field(end), text(&record.to_string()))],
        page: PageRequest { size: 10, after: None },
    };
    let mut found = vault.find(who, &hearing(), input).await.unwrap().records;
    found.sort_unstable();
    found
}

fn sorted(mut records: Vec<RecordId>) -> Vec<RecordId> {
    records.sort_unstable();
    records
}
