//! A record against its collection: the schema is closed.

use super::*;
use crate::ids::FieldName;

fn given(pairs: &[(&str, Value)]) -> Vec<(FieldName, Value)> {
    pairs.iter().map(|(name, value)| (FieldName::parse(name).unwrap(), value.clone())).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn paths(outcome: Result<Vec<(FieldName, Value)>, Vec<Violation>>) -> Vec<String> {
    outcome.err().unwrap().into_iter().map(|v| format!("{} {}", v.path, v.reason)).collect()
}

#[test]
fn a_complete_record_is_normalised_and_sorted_by_name() {
    let pack = shipped_pack();
    let contacts = &pack.collections()[1];
    let fields = given(&[
        ("phone", text("0692 00 00 00")),
        ("last_name", text(" Exemple ")),
        ("first_names", text("Zoé")),
        ("nir", text("1 85 03 97 411 123 64")),
    ]);
    let checked = pack.check_fields(contacts, fields, true).ok().unwrap();
    let names: Vec<_> = checked.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["first_names", "last_name", "nir", "phone"]);
    assert!(checked[3].1 == text("+262692000000") && checked[2].1 == text("185039741112364"));
}

#[test]
fn unknown_repeated_missing_and_malformed_fields_are_named_without_their_values() {
    let pack = shipped_pack();
    let contacts = &pack.collections()[1];
    let fields = given(&[
        ("diabetes", Value::Boolean(true)),
        ("last_name", text("Exemple")),
        ("last_name", text("Exemple")),
        ("phone", text("secret-value")),
    ]);
    assert_eq!(
        paths(pack.check_fields(contacts, fields, true)),
        [
            "fields.diabetes is not part of this collection",
            "fields.last_name is given twice",
            "fields.phone must be a telephone number, national or international",
            "fields.first_names is required",
        ]
    );
}

#[test]
fn a_partial_update_need_not_be_complete() {
    let pack = shipped_pack();
    let contacts = &pack.collections()[1];
    assert!(pack.check_fields(contacts, given(&[("cough", Value::Boolean(true))]), false).is_ok());
    assert!(pack.check_fields(contacts, given(&[("cough", Value::Boolean(true))]), true).is_err());
}

#[test]
fn attributes_are_codes_of_the_packs_lists_and_no_fields() {
    let pack = shipped_pack();
    let cases = &pack.collections()[0];
    let fit = given(&[
        ("territory", text("reunion")),
        ("unit", text("investigation-974")),
        ("state", text("new")),
        ("received_on", text("2020-11-23")),
    ]);
    assert!(pack.check_attributes(cases, fit, true).is_ok());
    let unfit = given(&[
        ("territory", text("martinique")),
        ("unit", text("nobody")),
        ("last_name", text("Exemple")),
    ]);
    assert_eq!(
        paths(pack.check_attributes(cases, unfit, true)),
        [
            "attributes.territory must be one of the codes of the pack's list",
            "attributes.unit must be one of the codes of the pack's list",
            "attributes.last_name is not part of this collection",
            "attributes.state is required",
        ]
    );
}
