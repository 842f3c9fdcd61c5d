//! A pack with room for every bound: the shipped one, and a collection of as many fields, classes,
//! units and refusals as a caller can name.

use std::{fmt::Write as _, fs, path::Path};

use crate::support::{shipped_pack, text};
use oubliette::{client::types::NewRecord, limits};

/// Fields: as many as a pack may describe beside the one attribute.
pub(super) const FIELDS: usize = limits::FIELDS_PER_RECORD_MAX - 1;
/// Classes: one more than a reveal may ask.
pub(super) const CLASSES: usize = limits::CLASSES_PER_REVEAL_MAX + 1;
/// Units: one more than a record has assignees.
pub(super) const UNITS: usize = limits::ASSIGNEES_PER_RECORD_MAX + 1;

pub(super) fn class(number: usize) -> String {
    format!("w{number:02}")
}

pub(super) fn unit(number: usize) -> String {
    format!("queue-{number:02}")
}

fn field(number: usize) -> String {
    format!("f{number:03}")
}

/// A record of this collection with so many fields of so many bytes.
pub(super) fn record(fields: usize, bytes: usize) -> NewRecord {
    let value = "x".repeat(bytes);
    NewRecord {
        collection: "wide".to_owned(),
        subject: None,
        collected_on: "2020-11-22".to_owned(),
        attributes: vec![("territory".to_owned(), text("reunion"))],
        fields: (0..fields).map(|n| (field(n), text(&value))).collect(),
    }
}

/// Writes the pack into a folder.
pub(super) fn write(policy: &Path) {
    for entry in fs::read_dir(shipped_pack()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, policy.join(path.file_name().unwrap())).unwrap();
        }
    }
    let pack = policy.join("pack.toml");
    let mut words = fs::read_to_string(&pack).unwrap();
    for (table, lines) in [("[classes]", classes()), ("[units]", units())] {
        assert!(words.contains(table));
        words = words.replacen(table, &format!("{table}\n{lines}"), 1);
    }
    words.push_str(&collection());
    fs::write(pack, words).unwrap();
    fs::write(policy.join("wide.cedar"), rules()).unwrap();
}

fn classes() -> String {
    (0..CLASSES)
        .map(|n| format!("{} = {{ label = \"Class {n}\", notes = true }}\n", class(n)))
        .collect()
}

fn units() -> String {
    let line = |n| format!("{} = {{ label = \"Queue {n}\", territory = \"reunion\" }}\n", unit(n));
    (0..UNITS).map(line).collect()
}

fn collection() -> String {
    let mut text = "\n[[collections]]\nname = \"wide\"\nlabel = \"Wide\"\n".to_owned();
    text.push_str("retention = { period = \"P3M\", from = \"collected_on\" }\nattributes = [\n");
    text.push_str(
        "  { name = \"territory\", type = \"territory\", required = true },\n]\nfields = [\n",
    );
    for n in 0..FIELDS {
        let (field, class, most) = (field(n), class(n % CLASSES), limits::FIELD_TEXT_BYTES_MAX);
        writeln!(
            text,
            "  {{ name = \"{field}\", class = \"{class}\", type = \"text\", max_bytes = {most} }},"
        )
        .unwrap();
    }
    text + "]\n"
}

/// Everything is allowed on these records, except class 0 under two purposes: under `p5` as many
/// policies forbid it as an error may name, under `p6` one more.
fn rules() -> String {
    let mut text = String::new();
    let mut rule = |id: &str, body: &str| {
        writeln!(text, "@id(\"{id}\")\n@reason(\"test\")\n@legal(\"test\")\n{body}\n").unwrap();
    };
    rule("wide-all", "permit (principal, action in Action::\"data\", resource is wide);");
    let most = limits::POLICIES_PER_ERROR_MAX;
    for (purpose, number) in [("p5", most), ("p6", most + 1)] {
        for n in 0..number {
            let body = format!(
                "forbid (principal, action in [Action::\"reveal:w00\", Action::\"mask:w00\"], resource is wide)\n\
                 when {{ context.purpose == Purpose::\"{purpose}\" }};"
            );
            rule(&format!("never-{purpose}-{n:02}"), &body);
        }
    }
    text
}
