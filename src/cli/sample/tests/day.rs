//! The shipped sample and the day made from it: what is committed is what the command makes, the pack
//! takes every record, and what the pack cannot check agrees as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;

use super::*;
use crate::{
    cli::{demo::shipped::FILES, sample::plan::Row},
    client::types::RecordFile,
    ids::TerritoryName,
    policy::{FieldType, Pack, Value},
};

/// How the committed files were made: README.md of the pack gives the command.
const CASES: u64 = 200;
const SEED: u64 = 1;

fn file(path: &str) -> &'static str {
    let file = FILES.iter().find(|(name, _)| *name == path);
    file.unwrap_or_else(|| panic!("{path}")).1
}

fn shipped() -> (Arc<Pack>, Description) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
    let pack = Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:?}"));
    (pack, described(file("sample.toml")))
}

fn day(collection: &str) -> Vec<RecordFile> {
    let text = file(&format!("day/{collection}.ndjson"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A field as text; empty where there is none.
fn field<'a>(record: &'a RecordFile, name: &str) -> &'a str {
    record.fields.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}

fn attribute<'a>(record: &'a RecordFile, name: &str) -> &'a str {
    record.attributes.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}

const COLLECTIONS: [&str; 3] = ["cases", "contacts", "lab_results"];

#[test]
fn the_committed_day_is_what_the_command_makes_to_the_byte() {
    let (_, description) = shipped();
    let mut made: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    walk::all(&description, CASES, SEED, &mut |record| {
        let of = made.entry(record.plan.collection.clone()).or_default();
        line::write(record, of).map_err(SampleError::Write)
    })
    .unwrap();
    assert_eq!(made.keys().collect::<Vec<_>>(), COLLECTIONS);
    for (collection, bytes) in made {
        let committed = file(&format!("day/{collection}.ndjson")).as_bytes();
        assert!(
            bytes == committed,
            "day/{collection}.ndjson differs: README.md says how to make it"
        );
    }
    let command = format!("oubliette sample --cases {CASES} --seed {SEED} --out ");
    assert!(file("README.md").contains(&command), "README.md gives another command");
}

#[test]
fn the_pack_takes_every_record_of_a_larger_run_and_refuses_one_against_its_words() {
    let (pack, description) = shipped();
    let mut checked = 0;
    walk::all(&description, 500, 7, &mut |record| {
        checked += 1;
        line::check(&pack, record)
    })
    .unwrap();
    assert!(checked > 500 * 5);
    for (from, to, reason) in [
        ("text = \"{line}####\"", "text = \"{line}###\"", "fields.phone must be a telephone"),
        ("\"email\", percent", "\"mail\", percent", "fields.mail is not part of"),
        ("{ new = 85", "{ old = 85", "attributes.state must be one of the codes"),
        ("\"cases\"", "\"files\"", "the pack has no such collection"),
    ] {
        let text = file("sample.toml");
        assert!(text.contains(from), "{from}");
        let description = described(&text.replace(from, to));
        let check = walk::all(&description, 30, 1, &mut |record| line::check(&pack, record));
        let said = check.err().unwrap().to_string();
        assert!(said.contains("the pack refuses record") && said.contains(reason), "{said}");
    }
}

#[test]
fn a_day_is_two_hundred_cases_with_their_contacts_and_results_on_both_islands() {
    let (cases, contacts, results) = (day("cases"), day("contacts"), day("lab_results"));
    assert_eq!((cases.len(), results.len()), (200, 200));
    assert!((800..=1000).contains(&contacts.len()));
    for territory in ["guadeloupe", "reunion"] {
        let of = |records: &[RecordFile]| {
            records.iter().filter(|r| attribute(r, "territory") == territory).count()
        };
        assert!(of(&cases) > 60 && of(&contacts) > 250, "{territory}");
    }
    let ids: BTreeSet<_> = COLLECTIONS
        .into_iter()
        .flat_map(day)
        .map(|record| record.request().unwrap().unwrap())
        .collect();
    assert_eq!(ids.len(), cases.len() + contacts.len() + results.len());
}

#[test]
fn a_result_is_of_the_same_person_as_its_case() {
    for (case, result) in day("cases").iter().zip(day("lab_results")) {
        for name in ["last_name", "first_names", "birth_date", "sex", "nir"] {
            assert_eq!(field(case, name), field(&result, name));
        }
        assert_eq!(attribute(case, "territory"), attribute(&result, "territory"));
        assert_eq!(case.collected_on, result.collected_on);
    }
}

#[test]
fn everybody_is_visibly_invented() {
    for record in COLLECTIONS.into_iter().flat_map(day) {
        let name = field(&record, "last_name");
        assert!(name.starts_with("EXEMPLE-") || name.starts_with("FICTIF-"), "{name}");
        let email = field(&record, "email");
        assert!(email.is_empty() || email.ends_with(".invalid"), "{email}");
        let street = field(&record, "street");
        let invented = ["Exemple", "Fiction", "Modèle", "Jeu-d'Essai"];
        assert!(street.is_empty() || invented.iter().any(|word| street.contains(word)), "{street}");
    }
}

#[test]
fn a_nir_agrees_with_sex_and_birth_date_and_its_key_is_right() {
    let mut seen = [0; 2];
    for record in COLLECTIONS.into_iter().flat_map(day) {
        let nir = field(&record, "nir");
        if nir.is_empty() {
            continue;
        }
        let (body, key) = nir.split_at(13);
        let number: u64 = body.parse().unwrap();
        assert_eq!(key, format!("{:02}", 97 - number % 97));
        let sex = if field(&record, "sex") == "m" { "1" } else { "2" };
        let born: NaiveDate = field(&record, "birth_date").parse().unwrap();
        let (person, place) = body.split_at(5);
        assert_eq!(person, format!("{sex}{:02}{:02}", born.year() % 100, born.month()));
        let overseas = match attribute(&record, "territory") {
            "guadeloupe" => "971",
            _ => "974",
        };
        seen[usize::from(place.starts_with(overseas))] += 1;
    }
    // Most were born on their island, some elsewhere.
    assert!(seen[1] > 400 && seen[0] > 40, "{seen:?}");
}

#[test]
fn a_phone_is_of_the_territorys_country_code_and_a_postcode_and_city_belong_together() {
    let (_, description) = shipped();
    for record in ["cases", "contacts"].into_iter().flat_map(day) {
        let territory = attribute(&record, "territory");
        let code = if territory == "guadeloupe" { "+590" } else { "+262" };
        let phone = field(&record, "phone");
        if !phone.is_empty() {
            let Ok(Value::Text(normal)) = FieldType::Phone.normalise(Value::Text(phone.into()))
            else {
                panic!("{phone}")
            };
            assert!(normal.starts_with(code) && normal.len() == 13, "{normal}");
        }
        let (postcode, city) = (field(&record, "postcode"), field(&record, "city"));
        let department = if territory == "guadeloupe" { "971" } else { "974" };
        assert!(postcode.starts_with(department), "{postcode}");
        let communes = &description.tables[&format!("communes_{territory}")];
        let together = |row: &Row| row["postcode"] == postcode && row["city"] == city;
        assert!(communes.iter().any(together), "{postcode} {city}");
    }
}

#[test]
fn nothing_of_the_day_is_later_than_today_where_the_demo_begins() {
    let (pack, _) = shipped();
    let demo: toml::Table = file("demo.toml").parse().unwrap();
    let start: NaiveDateTime = demo["start"].as_str().unwrap().parse().unwrap();
    let zone: Tz = demo["zone"].as_str().unwrap().parse().unwrap();
    let start = zone.from_local_datetime(&start).single().unwrap();
    for record in COLLECTIONS.into_iter().flat_map(day) {
        let territory = TerritoryName::parse(attribute(&record, "territory")).unwrap();
        let today = start.with_timezone(&pack.zone_of(Some(&territory))).date_naive();
        let date = |text: &str| text.parse::<NaiveDate>().ok();
        let collected = date(&record.collected_on).unwrap();
        assert!(collected <= today && collected >= today.pred_opt().unwrap(), "{collected}");
        assert!(["2020-11-22", "2020-11-23"].contains(&record.collected_on.as_str()));
        for past in ["birth_date", "confirmed_on", "symptoms_since", "sampled_on"] {
            assert!(date(field(&record, past)).is_none_or(|past| past <= collected), "{past}");
        }
        for past in ["received_on", "exposed_on"] {
            assert!(date(attribute(&record, past)).is_none_or(|past| past <= collected));
        }
    }
}
