//! The shipped script and sample hold together; the whole story is played by the end-to-end tests.

use std::{collections::BTreeSet, path::Path};

use super::{
    script::{Call, Expect, Reveal, Script},
    shipped::{self, FILES},
};
use crate::{
    client::types::RecordFile,
    ids::{CollectionName, FieldName},
    policy::{FieldType, Pack, Value},
};

/// A file of the shipped pack.
fn text(path: &str) -> &'static str {
    let file = FILES.iter().find(|(name, _)| *name == path);
    file.unwrap_or_else(|| panic!("{path}")).1
}

fn script() -> Script {
    toml::from_str(text("demo.toml")).unwrap()
}

fn lines(file: &str) -> Vec<RecordFile> {
    text(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn files(script: &Script) -> BTreeSet<String> {
    script.filings.iter().map(|filing| filing.file.clone()).collect()
}

#[test]
fn every_record_that_the_script_names_is_in_the_sample_and_every_agent_is_listed() {
    let script = script();
    let mut records = BTreeSet::new();
    for file in files(&script) {
        let stem = Path::new(&file).file_stem().unwrap().to_str().unwrap().to_owned();
        records.extend((1..=lines(&file).len()).map(|number| format!("{stem}:{number}")));
    }
    let agents: BTreeSet<String> = script.agents.iter().map(|a| a.agent.clone()).collect();
    let (mut named, mut acting) = (Vec::new(), vec![script.key_admin, script.dpo]);
    let mut reveal = |reveal: Reveal| {
        named.push(reveal.record);
        acting.push(reveal.who);
    };
    let mut more = Vec::new();
    for step in script.steps {
        match step.call {
            Call::Reveal(one) | Call::KeepOldCopy { look: one } => reveal(one),
            Call::OpenOldCopy { look } => look.into_iter().for_each(&mut reveal),
            Call::Assign { who, record, .. } | Call::Events { who, record, .. } => {
                more.push((who, record));
            }
            Call::OpenOldFiles { gone, live } => {
                more.extend(gone.into_iter().chain(live).map(|r| (script_dpo(), r)));
            }
            _ => {}
        }
    }
    for (who, record) in more {
        acting.push(who);
        named.push(record);
    }
    assert!(named.len() > 20);
    for record in named {
        assert!(records.contains(&record), "{record}");
    }
    for agent in acting {
        assert!(agents.contains(&agent), "{agent}");
    }
}

fn script_dpo() -> String {
    script().dpo
}

#[test]
fn the_pack_accepts_every_line_of_the_sample_and_refuses_one_with_a_wrong_key() {
    let folder = tempfile::tempdir().unwrap();
    shipped::unpack(folder.path()).unwrap();
    let pack = Pack::load(folder.path()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut keyed = 0;
    for file in files(&script()) {
        for line in lines(&file) {
            let name = CollectionName::parse(&line.collection).unwrap();
            let spec = pack.collection(&name).unwrap();
            let kind = |field: &str| {
                let found = spec.fields.iter().find(|f| f.name.as_str() == field);
                found.map(|f| f.kind.clone())
            };
            let value = |name: &str, json: &serde_json::Value| match json {
                serde_json::Value::Bool(truth) => Value::Boolean(*truth),
                json => match (kind(name), json.as_str().unwrap()) {
                    (Some(FieldType::Date), text) => Value::Date(text.parse().unwrap()),
                    (_, text) => Value::Text(text.to_owned()),
                },
            };
            let given: Vec<(FieldName, Value)> = line
                .fields
                .iter()
                .map(|(name, json)| (FieldName::parse(name).unwrap(), value(name, json)))
                .collect();
            assert!(pack.check_fields(spec, given.clone(), true).is_ok(), "{file}");
            let mut wrong = given;
            for (name, value) in &mut wrong {
                if let (Some(FieldType::Nir), Value::Text(text)) = (kind(name.as_str()), value) {
                    let last = text.pop().unwrap();
                    text.push(if last == '0' { '1' } else { '0' });
                    keyed += 1;
                }
            }
            let has_key = line.fields.keys().any(|f| kind(f) == Some(FieldType::Nir));
            assert_eq!(pack.check_fields(spec, wrong, true).is_err(), has_key, "{file}");
        }
    }
    assert!(keyed > 20, "{keyed}");
}

#[test]
fn the_sample_is_visibly_synthetic() {
    for file in files(&script()) {
        for line in lines(&file) {
            let name = line.fields["last_name"].as_str().unwrap();
            assert!(name.starts_with("EXEMPLE-") || name.starts_with("FICTIF-"), "{name}");
        }
    }
}

#[test]
fn an_expectation_is_a_reason_or_a_status_per_class() {
    #[derive(serde::Deserialize)]
    struct One {
        expect: Expect,
    }
    let refused: One = toml::from_str("expect = \"DENIED\"").unwrap();
    assert_eq!(refused.expect, Expect::Refused("DENIED".into()));
    let fields: One = toml::from_str("expect = { health = \"DENIED\" }").unwrap();
    assert_eq!(fields.expect, Expect::Fields([("health".into(), "DENIED".into())].into()));
}

#[test]
fn a_script_with_an_unknown_key_or_call_is_refused() {
    let text = text("demo.toml");
    assert!(toml::from_str::<Script>(&format!("titel = \"x\"\n{text}")).is_err());
    assert!(toml::from_str::<Script>(&text.replace("\"log-in\"", "\"log-out\"")).is_err());
}
