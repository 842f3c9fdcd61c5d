//! The shipped pack: loads, says what it should, and every policy has its pair of scenarios.

use chrono_tz::Tz;
use prost::Message;

use super::*;
use crate::{
    policy::{pack::error::Source, scenarios},
    wire::store::RetentionPart,
};

#[test]
fn the_shipped_pack_loads_and_its_scenarios_hold() {
    let pack = shipped_pack();
    assert_eq!(pack.name(), "contact-tracing/2020-11");
    assert_eq!(pack.end_date().to_string(), "2021-04-01");
    assert_eq!(pack.zones(), [Tz::Europe__Paris, Tz::America__Guadeloupe, Tz::Indian__Reunion]);
    let reunion = TerritoryName::parse("reunion").unwrap();
    assert_eq!(pack.zone_of(Some(&reunion)), Tz::Indian__Reunion);
    assert_eq!(pack.zone_of(None), Tz::Europe__Paris);
    assert_eq!(pack.hash(), hash::pack_hash(&shipped_files()));
}

#[test]
fn every_shipped_policy_decides_one_scenario_and_stays_out_of_a_neighbouring_one() {
    let text = std::fs::read_to_string(shipped_folder().join("scenarios.toml")).unwrap();
    let mut source = Source::new("scenarios.toml", &text);
    let scenarios = scenarios::read(&mut source);
    for id in shipped_pack().engine.policy_ids() {
        let id = Some(id);
        let has = |named: fn(&scenarios::Scenario) -> &Option<String>| {
            scenarios.all.iter().any(|scenario| *named(&scenario.value) == id)
        };
        assert!(has(|scenario| &scenario.policy), "no scenario that {id:?} decides");
        assert!(has(|scenario| &scenario.not_policy), "no scenario just outside {id:?}");
    }
}

#[test]
fn samples_beside_the_rules_neither_count_for_the_hash_nor_hinder_loading() {
    let folder = tempfile::tempdir().unwrap();
    for file in shipped_files() {
        std::fs::write(folder.path().join(&file.path), &file.bytes).unwrap();
    }
    let load = || Pack::load(folder.path()).unwrap_or_else(|errors| panic!("{}", listed(&errors)));
    let before = load().hash();
    // More files than a pack may have of rules, and one that is larger than any of them may be.
    let day = folder.path().join("day");
    std::fs::create_dir(&day).unwrap();
    for number in 0..=crate::limits::PACK_FILES_MAX {
        std::fs::write(day.join(format!("{number}.ndjson")), "{}\n").unwrap();
    }
    let large = usize::try_from(crate::limits::PACK_FILE_BYTES_MAX).unwrap() + 1;
    std::fs::write(day.join("large.ndjson"), vec![b'x'; large]).unwrap();
    std::fs::write(folder.path().join("sample.toml"), "base_date = 1").unwrap();
    assert_eq!(load().hash(), before);
    // A rule among them does count, and is bounded.
    std::fs::write(day.join("more.cedar"), vec![b' '; large]).unwrap();
    let errors = Pack::load(folder.path()).err().unwrap();
    assert!(listed(&errors).contains("day/more.cedar:0: the file is larger than"));
}

#[test]
fn the_shipped_words_are_known_and_others_are_not() {
    let pack = shipped_pack();
    assert!(pack.has_purpose(&PurposeName::parse("p9").unwrap()) && pack.purposes().len() == 17);
    assert_eq!(pack.hold_purpose().map(PurposeName::as_str), Some("hold"));
    assert!(!pack.may_hold_past_end("Tribunal judiciaire"));
    assert!(!pack.has_purpose(&PurposeName::parse("other").unwrap()));
    assert!(pack.has_role(&RoleName::parse("intake").unwrap()));
    assert!(!pack.has_role(&RoleName::parse("admin").unwrap()));
    assert!(pack.has_profession("physician") && !pack.has_profession("teacher"));
    let unit = UnitName::parse("operators-971").unwrap();
    assert_eq!(pack.unit_territory(&unit).map(TerritoryName::as_str), Some("guadeloupe"));
    assert!(pack.has_unit(&unit) && !pack.has_unit(&UnitName::parse("cell").unwrap()));
    assert!(!pack.has_territory(&TerritoryName::parse("mayotte").unwrap()));
    let cases = CollectionName::parse("cases").unwrap();
    assert_eq!(pack.territory_attribute(&cases).map(|name| name.as_str()), Some("territory"));
    assert!(pack.collection(&CollectionName::parse("tests").unwrap()).is_none());
}

#[test]
fn the_retention_part_is_canonical_and_holds_what_retention_depends_on() {
    let pack = shipped_pack();
    let bytes = pack.retention_part();
    let part = RetentionPart::decode(bytes.as_slice()).unwrap();
    assert_eq!(part.encode_to_vec(), bytes);
    assert_eq!((part.end_date.as_str(), part.zone.as_str()), ("2021-04-01", "Europe/Paris"));
    let names: Vec<_> = part.collections.iter().map(|c| c.collection.as_str()).collect();
    assert_eq!(names, ["calls", "cases", "contacts", "lab_results", "links", "places", "support"]);
    for collection in &part.collections {
        assert_eq!((collection.period.as_str(), collection.from.as_str()), ("P3M", "collected_on"));
        assert!(collection.classes.is_sorted_by(|a, b| a.class < b.class));
        assert!(collection.classes.iter().all(|class| class.period.is_empty()));
    }
    let zones: Vec<_> =
        part.territories.iter().map(|t| (t.territory.as_str(), t.zone.as_str())).collect();
    assert_eq!(zones, [("guadeloupe", "America/Guadeloupe"), ("reunion", "Indian/Reunion")]);
}

#[test]
fn a_change_of_policies_leaves_the_retention_part_and_a_change_of_a_period_does_not() {
    let shipped = shipped_pack();
    let more = r#"@id("more") @reason("More.") @legal("None: a test.")
        forbid (principal, action == Action::"reveal:result", resource) when { resource.held };"#;
    let pack = shipped_pack_and(more);
    assert_ne!(pack.hash(), shipped.hash());
    assert_eq!(pack.retention_part(), shipped.retention_part());

    let mut files = shipped_files();
    let file = files.iter_mut().find(|f| f.path == "pack.toml").unwrap();
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    file.bytes = text.replacen("P3M", "P2M", 1).into_bytes();
    let pack = Pack::from_files(&files).ok().unwrap();
    assert_ne!(pack.retention_part(), shipped.retention_part());
}
