//! What a description makes, and that it makes the same for ever.

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::*;

fn records(description: &Description, cases: u64, seed: u64) -> Vec<Json> {
    let lines = lines(description, cases, seed).unwrap_or_else(|error| panic!("{error}"));
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The records of one collection.
fn of<'a>(records: &'a [Json], collection: &str) -> Vec<&'a Json> {
    records.iter().filter(|record| record["collection"] == collection).collect()
}

/// The field `x` of thirty roots, by a description with these entries.
fn drawn(entries: &str) -> Vec<Json> {
    let description = described(&family(entries));
    let records = records(&description, 30, 1);
    of(&records, "roots").iter().map(|record| record["fields"]["x"].clone()).collect()
}

/// The refusal of the first record that cannot be made.
fn failure(entries: &str) -> String {
    let made = lines(&described(&family(entries)), 30, 1);
    made.err().unwrap().to_string()
}

#[test]
fn a_small_run_has_the_bytes_it_had_when_this_was_written() {
    let text = lines(&described(&family("")), 25, 42).unwrap().join("\n");
    // Never to be corrected: somebody may have filed this sample, and file the rest of it tomorrow.
    assert_eq!(
        hex::encode(Sha256::digest(text)),
        "334b023dc43028530f2c726f41b87bca426f4eeaba1de0765e602a4be5fc2115"
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let description = described(&family(""));
    let of = |seed| lines(&description, 3, seed).unwrap();
    assert_eq!(of(1), of(1));
    assert!(of(1).iter().zip(of(2)).all(|(one, other)| *one != other));
}

#[test]
fn a_longer_run_begins_with_the_shorter_one() {
    let description = described(&family(""));
    let (short, long) = (lines(&description, 5, 1).unwrap(), lines(&description, 9, 1).unwrap());
    assert!(long.len() > short.len());
    assert_eq!(long[..short.len()], short);
}

#[test]
fn a_new_field_changes_no_other_value() {
    let before = records(&described(&family("")), 9, 1);
    let mut after = records(&described(&family("  { name = \"x\", integer = [1, 6] },\n")), 9, 1);
    let mut new = 0;
    for record in &mut after {
        new += usize::from(record["fields"].as_object_mut().unwrap().remove("x").is_some());
    }
    assert_eq!(new, 9);
    assert_eq!(before, after);
}

#[test]
fn children_come_after_their_parent_with_numbers_of_their_own_and_what_they_mirror() {
    let records = records(&described(&family("")), 40, 1);
    let (mut children, mut counts, mut since) = (0, std::collections::BTreeSet::new(), 0);
    let mut parent = &Json::Null;
    for record in &records {
        if record["collection"] == "roots" {
            counts.extend((since > 0).then_some(since));
            (parent, since) = (record, 0);
            continue;
        }
        (children, since) = (children + 1, since + 1);
        let root = of(&records, "roots").iter().position(|root| *root == parent).unwrap() + 1;
        let town = parent["fields"]["town_name"].as_str().unwrap();
        assert_eq!(record["fields"]["place"], format!("{children} {since} {root} {town}"));
        assert_eq!(record["fields"]["colour"], parent["fields"]["colour"]);
        assert_eq!(record["collected_on"], "2020-11-23");
    }
    counts.insert(since);
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn every_request_id_is_another_one() {
    let records = records(&described(&family("")), 40, 1);
    let ids: std::collections::BTreeSet<String> =
        records.iter().map(|record| record["request_id"].to_string()).collect();
    assert_eq!(ids.len(), records.len());
}

#[test]
fn values_are_of_their_kind_and_within_their_bounds() {
    let records = records(&described(&family("")), 200, 1);
    let children = of(&records, "children");
    let closed = children.iter().filter(|r| r["attributes"]["state"] == "closed").count();
    // A quarter by weight; the seed is fixed, so this does not waver.
    assert!((children.len() / 6..children.len() / 3).contains(&closed), "{closed}");
    assert!(children.iter().any(|record| record["fields"]["tall"] == true));
    assert!(children.iter().any(|record| record["fields"]["tall"] == false));
    let scores: Vec<i64> =
        children.iter().map(|record| record["fields"]["score"].as_i64().unwrap()).collect();
    assert_eq!((scores.iter().min(), scores.iter().max()), (Some(&-5), Some(&5)));
    let (first, last) = ("1996-04-02".to_owned(), "1998-12-28".to_owned());
    for (number, root) in (1..).zip(of(&records, "roots")) {
        let field = |name: &str| root["fields"][name].as_str().unwrap().to_owned();
        assert!((first.clone()..=last.clone()).contains(&field("born")), "{}", field("born"));
        let digits = field("phone").strip_prefix(&format!("0692{number}")).unwrap().to_owned();
        assert!(digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()));
        assert!(
            crate::policy::FieldType::Nir
                .normalise(crate::policy::Value::Text(field("nir")))
                .is_ok()
        );
    }
}

#[test]
fn a_second_entry_of_a_name_is_taken_where_the_first_gives_no_value() {
    let both = drawn(
        "  { name = \"x\", percent = 50, is = \"first\" },\n  { name = \"x\", is = \"else\" },\n",
    );
    assert!(both.contains(&"first".into()) && both.contains(&"else".into()));
    assert!(both.iter().all(|value| value == "first" || value == "else"));
    let alone = drawn("  { name = \"x\", percent = 50, is = \"first\" },\n");
    assert!(alone.contains(&"first".into()) && alone.contains(&Json::Null));
}

#[test]
fn a_condition_lets_an_entry_through_exactly_where_it_holds() {
    let entries = "  { name = \"x\", when = { colour = \"red\" }, mirror = \"colour\" },\n";
    let red = drawn(entries);
    assert!(red.contains(&"red".into()) && red.contains(&Json::Null));
    assert!(red.iter().all(|value| value == "red" || value.is_null()));
    let date = |day: &str| {
        drawn(&format!("  {{ name = \"x\", when = {{ base = \"{day}\" }}, is = true }},\n"))
    };
    assert!(date("2020-11-23").iter().all(|value| value == true));
    assert!(date("2020-11-24").iter().all(Json::is_null));
}

#[test]
fn an_entry_that_needs_a_missing_value_gives_none() {
    for way in [
        "mirror = \"none\"",
        "text = \"{none}\"",
        "date = { from = \"none\", days = [0, 0] }",
        "choice = \"{none}\"",
        "is = 1, when = { none = 1 }",
        "nir = { sex = \"none\", digits = { a = 1 }, born = \"born\", place = \"town.code\", \
         order = [1, 1] }",
    ] {
        let never = "  { name = \"none\", percent = 0, is = 1 },\n";
        let values = drawn(&format!("{never}  {{ name = \"x\", {way} }},\n"));
        assert!(values.iter().all(Json::is_null), "{way}");
    }
}

#[test]
fn what_cannot_be_made_is_refused_with_its_line_record_entry_and_reason() {
    for (way, reason) in [
        ("choice = \"{colour}s\"", "there is no list `"),
        ("mirror = \"town.street\"", "no such column"),
        ("mirror = \"colour.a\"", "this is no row"),
        ("text = \"{town}\"", "is a row: name a column"),
        ("date = { from = \"colour\", days = [0, 0] }", "`colour` is no date"),
        ("date = { from = \"base\", days = [999999999, 999999999] }", "too many"),
        (
            "nir = { sex = \"colour\", digits = { pink = 1 }, born = \"born\", \
             place = \"town.code\", order = [1, 1] }",
            "`digits` has none for",
        ),
        (
            "nir = { sex = \"colour\", digits = { red = 1, green = 1, blue = 1 }, \
             born = \"born\", place = \"town.name\", order = [1, 1] }",
            "no département and commune",
        ),
    ] {
        let said = failure(&format!("  {{ name = \"x\", {way} }},\n"));
        let at = "sample.toml:16: `x` of record 1 of `roots`: ";
        assert!(said.starts_with(at) && said.contains(reason), "{way}: {said}");
    }
}

#[test]
fn a_collection_date_that_is_none_is_refused() {
    let text = family("").replacen("collected_on = \"base\"", "collected_on = \"colour\"", 1);
    let said = lines(&described(&text), 1, 1).err().unwrap().to_string();
    assert!(said.contains("`collected_on` of record 1") && said.contains("no date"), "{said}");
}
