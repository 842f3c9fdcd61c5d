//! A day's calls from the command line: describe, find, match, worklist, assign, update, reveal, as the
//! people of a desk make them.

use serde_json::{Value as Json, json};

use super::Desk;
use crate::support::NIR_A;

/// Twice the same write under this id is one.
const REQUEST: &str = "00112233445566778899aabbccddeeff";
/// A record that nobody filed.
const NOBODY: &str = "abababababababababababababababab";

fn ids(done: &super::Done) -> Vec<&str> {
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    done.out.lines().collect()
}

#[test]
fn describe_says_what_the_pack_holds_and_what_this_agent_may_do() {
    let desk = Desk::opened();
    let said = desk.home.run_as("inv-974", &["describe", "--collection", "cases", "--json"]).json();
    let fields = said["collections"][0]["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|f| f["name"] == name).unwrap();
    assert_eq!(
        (of("nir")["mask"].as_str(), of("nir")["searchable"].as_bool()),
        (Some("last_two"), Some(true))
    );
    assert_eq!(of("sex")["value"]["codes"], json!(["f", "m"]));
    assert_eq!(
        (of("city")["searchable"].as_bool(), of("city")["required"].as_bool()),
        (Some(false), Some(false))
    );
    assert_eq!(of("street")["value"], json!({"kind": "text", "max_bytes": 200}));
    assert_eq!(
        (said["caller"]["role"].as_str(), said["caller"]["unit"].as_str()),
        (Some("investigator"), Some("investigation-974"))
    );
    let verbs = |agent: &str| {
        let said = desk.home.run_as(agent, &["describe", "--json"]).json();
        let abilities = said["abilities"].as_array().unwrap().clone();
        let nir = |a: &&Json| a["collection"] == "cases" && a["class"] == "nir";
        abilities.iter().find(nir).map(|a| a["verbs"].to_string()).unwrap_or_default()
    };
    // The same class, three roles.
    assert!(verbs("inv-974").contains("match") && !verbs("inv-974").contains("reveal"));
    assert!(verbs("med-974").contains("reveal"));
    assert_eq!(verbs("robot"), "");
    let table = desk.home.run_as("inv-974", &["describe"]);
    for word in ["PURPOSE", "COLLECTION contacts", "YOU MAY", "last_two", "searchable"] {
        assert!(table.out.contains(word), "{word}: {}", table.out);
    }
    let unknown = desk.home.run_as("inv-974", &["describe", "--collection", "letters"]);
    unknown.failed_saying(2, &["no collection of this name", "cases, contacts"]);
}

#[test]
fn a_record_is_found_and_matched_by_values_from_standard_input_and_by_no_others() {
    let desk = Desk::opened();
    let record = desk.filed();
    let find = |values: &str| {
        let args = ["find", "--collection", "cases", "--purpose", "p1"];
        desk.home.run_as_with("med-974", &args, values)
    };
    assert_eq!(
        ids(&find(r#"{"last_name": "EXEMPLE-CLI", "birth_date": "1970-01-01"}"#)),
        [record.as_str()]
    );
    let none = find(r#"{"last_name": "EXEMPLE-AUTRE"}"#);
    assert!(ids(&none).is_empty() && none.err.contains("no record"), "{}", none.err);
    find(r#"{"city": "X"}"#).failed_saying(1, &["INVALID_FIELDS", "city"]);
    let broken = find(r#"{"last_name": SECRET}"#);
    broken.failed_saying(1, &["is not JSON", "next:", "find --help"]);
    assert!(!broken.err.contains("SECRET"));

    let matches = |value: &str| {
        let args = ["match", &record, "--purpose", "p1"];
        desk.home.run_as_with("med-974", &args, value)
    };
    let yes = matches(r#"{"last_name": "EXEMPLE-CLI"}"#);
    assert_eq!((yes.code, yes.out.trim()), (0, "yes"), "{}", yes.err);
    let no = matches(r#"{"last_name": "EXEMPLE-AUTRE"}"#);
    assert_eq!((no.code, no.out.trim()), (5, "no"), "{}", no.err);
    let two = matches(r#"{"last_name": "EXEMPLE-CLI", "birth_date": "1970-01-01"}"#);
    two.failed_saying(1, &["one field a call"]);
    // What was searched for is in no event.
    let events = desk.home.run_as("dpo-1", &["audit", "list", "--json"]);
    assert!(events.out.contains("\"find\"") && events.out.contains("\"match\""));
    assert!(!events.out.to_uppercase().contains("EXEMPLE"));
}

#[test]
fn a_record_goes_from_the_feed_to_a_queue_to_an_agent_and_its_change_is_done_once() {
    let desk = Desk::opened();
    let record = desk.filed();
    let list = |agent: &str| {
        let args = ["worklist", "--collection", "cases", "--purpose", "p2", "--json"];
        let done = desk.home.run_as(agent, &args).json();
        done["items"].as_array().unwrap().clone()
    };
    assert!(list("inv-974").is_empty());
    let assign = |agent: &str, to: &[&str]| {
        let args = ["assign", &record, "--purpose", "p2", "--request-id", REQUEST];
        desk.home.run_as(agent, &[&args, to].concat())
    };
    let queue = ["--unit", "investigation-974", "--json"];
    assert_eq!(assign("feed-974", &queue).json(), json!({"version": 2, "repeated": false}));
    assert_eq!(assign("feed-974", &queue).json(), json!({"version": 2, "repeated": true}));
    let other = ["--unit", "operators-974"];
    assign("feed-974", &other).failed_saying(1, &["REQUEST_ID_REUSED"]);
    let item = list("inv-974").remove(0);
    assert_eq!(
        (item["record"].as_str(), item["version"].as_u64()),
        (Some(record.as_str()), Some(2))
    );
    assert_eq!(item["attributes"]["state"], "new");

    let until = ["--agent", "inv-974", "--until", "2098-11-24T18:00+04:00"];
    let args = ["assign", &record, "--purpose", "p2"];
    let own = desk.home.run_as("inv-974", &[&args, &until[..]].concat());
    assert_eq!(own.code, 0, "{}", own.err);
    assert!(
        own.out.contains("version 3") && own.out.contains("2098-11-24T14:00:00.000Z"),
        "{}",
        own.out
    );
    let table =
        desk.home.run_as("inv-974", &["worklist", "--collection", "cases", "--purpose", "p2"]);
    assert!(table.out.contains("STATE") && table.out.contains(&record), "{}", table.out);

    let update = |version: &str, change: Json| {
        let args = ["update", &record, "--version", version, "--purpose", "p2", "--json"];
        desk.home.run_as_with("inv-974", &args, &change.to_string())
    };
    let change = json!({"attributes": {"state": "in_progress"}, "fields": {"confirmed_on": "2020-11-23", "phone": null}});
    assert_eq!(update("3", change.clone()).json()["version"], 4);
    update("3", change).failed_saying(1, &["VERSION_MISMATCH", "reveal the record again"]);
    update("4", json!({})).failed_saying(1, &["names nothing", "update --help"]);
    update("4", json!({"fields": {"phone": ["SECRET"]}})).failed_saying(1, &["fields.phone"]);
    assert_eq!(list("inv-974")[0]["attributes"]["state"], "in_progress");
    let back = ["unassign", &record, "--agent", "inv-974", "--purpose", "p2"];
    assert!(desk.home.run_as("inv-974", &back).out.contains("version 5"));
}

#[test]
fn several_records_are_revealed_in_one_call_and_a_missing_one_is_told_by_the_exit_code() {
    let desk = Desk::opened();
    let (one, two) = (desk.filed(), desk.filed());
    let reveal = |records: &[&str]| {
        let args = ["--class", "identity", "--purpose", "p1", "--json"];
        desk.home.run_as("med-974", &[&["reveal"], records, &args[..]].concat())
    };
    let both = reveal(&[&one, &two]).json();
    let both = both.as_array().unwrap();
    assert_eq!(both.len(), 2);
    assert!(both.iter().all(|item| item["revealed"]["fields"][0]["value"] == "EXEMPLE-CLI"));
    assert_eq!(both[0]["revealed"]["event"], both[1]["revealed"]["event"]);
    let partly = reveal(&[&one, NOBODY]);
    partly.failed_saying(3, &["1 of 2 records", "next:"]);
    let said: Json = serde_json::from_str(partly.out.trim()).unwrap();
    assert_eq!(
        (said[0]["record"].as_str(), said[1]["reason"].as_str()),
        (Some(one.as_str()), Some("NOT_AVAILABLE"))
    );
    let many: Vec<&str> = std::iter::repeat_n(NOBODY, 257).collect();
    assert_eq!(reveal(&many).code, 2);
}

#[test]
fn a_create_that_is_repeated_with_its_request_id_files_one_record() {
    let desk = Desk::opened();
    let record = |name: &str, more: Json| {
        let mut record = json!({
            "collection": "cases", "collected_on": Desk::today(),
            "attributes": {"territory": "reunion", "state": "new"},
            "fields": {"last_name": name, "first_names": "Exemple", "birth_date": "1970-01-01", "nir": NIR_A},
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record.to_string()
    };
    let create = |text: &str, flags: &[&str]| {
        let args = ["create", "--purpose", "p1", "--json"];
        desk.home.run_as_with("feed-974", &[&args, flags].concat(), text)
    };
    let own = record("EXEMPLE-UN", json!({"request_id": REQUEST}));
    let first = create(&own, &[]).json();
    let again = create(&own, &[]).json();
    assert_eq!(
        (first["repeated"].as_bool(), again["repeated"].as_bool()),
        (Some(false), Some(true))
    );
    assert_eq!(first["record"], again["record"]);
    // The flag says the same as the file; without either each is a record of its own.
    let bare = record("EXEMPLE-UN", json!({}));
    assert_eq!(create(&bare, &["--request-id", REQUEST]).json()["record"], first["record"]);
    assert_ne!(create(&bare, &[]).json()["record"], first["record"]);
    let other = record("EXEMPLE-DEUX", json!({}));
    create(&other, &["--request-id", REQUEST]).failed_saying(1, &["REQUEST_ID_REUSED", "next:"]);
}

#[test]
fn the_rights_desk_erases_a_record_once_it_says_yes_and_the_certificate_holds_offline() {
    let desk = Desk::opened();
    let (erased, kept) = (desk.filed(), desk.filed());
    let why = ["--purpose", "p7", "--justification", "objection of the person upheld"];
    let erase = |agent: &str, records: &[&str], flags: &[&str]| {
        desk.home.run_as(agent, &[&["erase"], records, &why, flags].concat())
    };
    erase("desk-974", &[&erased], &[]).failed_saying(2, &["nobody is there to be asked", "--yes"]);
    let refused = erase("inv-974", &[&erased], &["--yes"]);
    refused.failed_saying(3, &["1 of 1 records were not erased"]);
    assert!(refused.out.contains("NOT_AVAILABLE"), "{}", refused.out);
    assert_eq!(super::identity_of(&desk.home, "med-974", &erased).code, 0);

    let done = erase("desk-974", &[&erased, NOBODY], &["--yes", "--request-id", REQUEST, "--json"]);
    done.failed_saying(3, &["1 of 2 records were not erased"]);
    let said: Json = serde_json::from_str(&done.out).unwrap();
    assert_eq!(said["items"].as_array().unwrap().len(), 2);
    let certificate = said["certificate"].as_str().unwrap();
    let again =
        erase("desk-974", &[&erased, NOBODY], &["--yes", "--request-id", REQUEST, "--json"]);
    let again: Json = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&again["repeated"], &again["certificate"]), (&json!(true), &said["certificate"]));

    super::identity_of(&desk.home, "med-974", &erased).failed_saying(3, &["NOT_AVAILABLE"]);
    assert_eq!(super::identity_of(&desk.home, "med-974", &kept).code, 0);
    let signed = desk.home.run_as("dpo-1", &["certificate", "get", "--id", certificate]);
    assert_eq!(signed.code, 0, "{}", signed.err);
    let file = desk.home.secret_file("certificate.json", &signed.out);
    let key = desk.founded["certificate_verifier_key"].as_str().unwrap();
    let verified = desk.home.run(&["certificate", "verify", &file, "--key", key]);
    assert_eq!(verified.code, 0, "{}", verified.err);
    assert!(verified.out.contains("still confirmable"), "{}", verified.out);
}

#[test]
fn an_update_has_the_former_version_forgotten_when_it_is_asked_to_and_tells_the_certificate() {
    let desk = Desk::opened();
    let record = desk.filed();
    let args = ["assign", &record, "--purpose", "p2", "--unit", "investigation-974", "--json"];
    let assigned = desk.home.run_as("feed-974", &args).json();
    let update = |version: &Json, flags: &[&str]| {
        let version = version["version"].as_u64().unwrap().to_string();
        let args = ["update", &record, "--version", &version, "--purpose", "p2"];
        let change = r#"{"attributes": {"state": "in_progress"}, "fields": {"phone": null}}"#;
        desk.home.run_as_with("inv-974", &[&args, flags].concat(), change)
    };
    let plain = update(&assigned, &["--json"]).json();
    assert!(plain.get("certificate").is_none(), "{plain}");
    let told = update(&plain, &["--forget", "--json"]).json();
    let certificate = told["certificate"].as_str().unwrap().to_owned();
    let said = update(&told, &["--forget"]);
    assert!(said.out.contains("the version before is forgotten"), "{}", said.out);
    let signed = desk.home.run_as("dpo-1", &["certificate", "get", "--id", &certificate]);
    let file = desk.home.secret_file("certificate.json", &signed.out);
    let key = desk.founded["certificate_verifier_key"].as_str().unwrap();
    let verified = desk.home.run(&["certificate", "verify", &file, "--key", key]);
    assert_eq!(verified.code, 0, "{}", verified.err);
}

#[test]
fn the_rights_desk_erases_every_record_of_a_person_and_a_person_of_no_record_is_not_available() {
    let desk = Desk::opened();
    let kept = desk.filed();
    let new = json!({
        "collection": "cases", "collected_on": Desk::today(),
        "attributes": {"territory": "reunion", "state": "new"},
        "fields": {"last_name": "EXEMPLE", "first_names": "Exemple", "birth_date": "1970-01-01"},
    });
    let path = desk.home.secret_file("new.json", &new.to_string());
    let args = ["create", "--purpose", "p1", "--file", &path, "--json"];
    let filed = desk.home.run_as("feed-974", &args).json();
    let (erased, subject) = (filed["record"].as_str().unwrap(), filed["subject"].as_str().unwrap());
    let why = ["--purpose", "p7", "--justification", "objection of the person upheld", "--yes"];
    let erase = |subject: &str| {
        let args = ["erase", "--subject", subject, "--json"];
        desk.home.run_as("desk-974", &[&args, &why[..]].concat())
    };
    let said = erase(subject).json();
    assert_eq!(said["items"], json!([{"record": erased, "reason": null}]));
    super::identity_of(&desk.home, "med-974", erased).failed_saying(3, &["NOT_AVAILABLE"]);
    assert_eq!(super::identity_of(&desk.home, "med-974", &kept).code, 0);
    erase(NOBODY).failed_saying(3, &["NOT_AVAILABLE"]);
}
