//! A data folder of format 1 with its places, as this version's first build wrote it: every later
//! build must open it.
//!
//! The fixture is never written by a run of the tests, except into the folder that the environment
//! variable `OUBLIETTE_WRITE_FIXTURE` names; `tests/fixtures/README.md` says how. What it is made of
//! is written into a temporary folder here and read back, so that the writer stays whole.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oubliette::{
    client::types::{Intent, Value},
    ids::RecordId,
    vault::startup::start,
};

use crate::support::{
    House, KEYS, NIR_A, ROOT_KEY, Served, case, contact, date, lab_result, run, shipped_pack, text,
};

/// Names the empty or missing folder into which `a_fixture_is_written_where_it_is_asked_for` writes.
const WRITE_TO: &str = "OUBLIETTE_WRITE_FIXTURE";
const KEY_FILE: &str = "root.key";
const POLICY: &str = "policy";
const RECORDS: &str = "records.txt";
/// Who reads the records again.
const AGENTS: [&str; 5] = [KEYS, "feed-974", "inv-974", "ope-974", "med-974"];

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// The files of the shipped pack that count for its hash, and no other.
fn copy_pack(to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(shipped_pack()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "pack.toml" || name == "scenarios.toml" || name.ends_with(".cedar") {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Founds a vault in `folder`, files one case, one contact and one laboratory result, and drains it.
async fn write(folder: &Path) {
    copy_pack(&folder.join(POLICY));
    fs::write(folder.join(KEY_FILE), ROOT_KEY).unwrap();
    let house = House::founded_at(folder, &folder.join(POLICY), 20_201_123);
    let served = house.serve().await;
    let mut filed = case("reunion", "EXEMPLE-CAS", "2020-11-22");
    filed.fields.push(("nir".to_owned(), text(NIR_A)));
    let filed = served.queue("reunion", filed, "investigation-974").await;
    let met = contact("reunion", "EXEMPLE-CONTACT", "2020-11-22");
    let met = served.queue("reunion", met, "operators-974").await;
    let lab = lab_result("reunion", "EXEMPLE-LABO", "2020-11-22");
    let lab = served.file("reunion", lab).await;
    for agent in AGENTS {
        served.token(agent).await;
    }
    served.stop().await;
    let records = format!("{}\n{}\n{}\n", filed.record, met.record, lab.record);
    fs::write(folder.join(RECORDS), records).unwrap();
}

/// The vault of a copy of the fixture, on the day it was written.
fn opened(folder: &Path) -> House {
    assert_eq!(fs::read(folder.join(KEY_FILE)).unwrap(), ROOT_KEY);
    // Another stream of randomness than the writer's: nothing may ever be drawn twice.
    let house = House::existing_at(folder, &folder.join(POLICY), 1_123);
    house.known.lock().extend(AGENTS.map(|agent| (agent.to_owned(), None)));
    house
}

/// A field of a record as an agent sees it.
async fn shown(
    served: &Served<'_>,
    (agent, purpose): (&str, &str),
    record: RecordId,
    (class, field): (&str, &str),
) -> Option<Value> {
    let client = served.as_agent(agent).await;
    let revealed = client.reveal(&Intent::of(purpose), record, &[class]).await;
    let revealed = revealed.unwrap_or_else(|error| panic!("{agent}, {class}: {error}"));
    assert_eq!(revealed.expires_on, "2021-02-22");
    revealed.field(field).unwrap().value.clone()
}

/// Opens the vault in `folder` and reveals each record with the values it was filed with.
async fn holds_its_records(folder: &Path) {
    let listed = fs::read_to_string(folder.join(RECORDS)).unwrap();
    let records: Vec<RecordId> = listed.lines().map(|l| RecordId::parse(l).unwrap()).collect();
    let [filed, met, lab] = records.as_slice() else { panic!("three records") };
    let house = opened(folder);
    let served = house.serve().await;
    let (inv, ope, med) = (("inv-974", "p2"), ("ope-974", "p2"), ("med-974", "p3"));
    let expected = [
        (inv, *filed, ("identity", "last_name"), text("EXEMPLE-CAS")),
        (inv, *filed, ("identity", "birth_date"), date("1970-01-01")),
        (inv, *filed, ("status", "confirmed"), Value::Boolean(true)),
        (med, *filed, ("nir", "nir"), text(NIR_A)),
        (ope, *met, ("identity", "last_name"), text("EXEMPLE-CONTACT")),
        (ope, *met, ("coordinates", "phone"), text("+262639980002")),
        (med, *lab, ("identity", "last_name"), text("EXEMPLE-LABO")),
        (med, *lab, ("result", "sampled_on"), date("2020-11-22")),
    ];
    for (who, record, what, value) in expected {
        assert!(shown(&served, who, record, what).await == Some(value), "{what:?}");
    }
    // And it can be written on: the log continues, and another record is filed.
    assert!(served.vault.state().unwrap().log_writable);
    served.file("reunion", case("reunion", "EXEMPLE-SUITE", "2020-11-23")).await;
    served.stop().await;
}

#[test]
fn a_data_folder_of_format_1_opens_and_reveals_its_records() {
    run(async {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(&fixture(), copy.path());
        holds_its_records(copy.path()).await;
    });
}

#[test]
fn a_fixture_is_written_where_it_is_asked_for() {
    run(async {
        let kept = tempfile::tempdir().unwrap();
        let folder = match std::env::var_os(WRITE_TO) {
            Some(folder) => PathBuf::from(folder),
            None => kept.path().join("v1"),
        };
        assert!(!folder.join("data").exists(), "a fixture is never written over");
        write(&folder).await;
        let copy = tempfile::tempdir().unwrap();
        copy_tree(&folder, copy.path());
        holds_its_records(copy.path()).await;
    });
}

/// Whether a copy of the fixture, changed by `change`, starts.
fn starts_after(change: impl FnOnce(&Path)) -> bool {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(&fixture(), copy.path());
    change(copy.path());
    let parts = opened(copy.path()).parts();
    parts.and_then(start).is_ok()
}

/// Flips one bit of a file in both places.
fn flip_at_both_places(folder: &Path, name: &str, at: impl Fn(&[u8]) -> usize) {
    for place in ["place-a", "place-b"] {
        let path = folder.join(place).join(name);
        let mut bytes = fs::read(&path).unwrap();
        let at = at(&bytes);
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }
}

fn keyring_file() -> String {
    let entries = fs::read_dir(fixture().join("place-a")).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    let keyrings: Vec<String> = names.filter(|n| n.starts_with("keyring.")).collect();
    let [keyring] = keyrings.as_slice() else { panic!("one keyring: {keyrings:?}") };
    keyring.clone()
}

#[test]
fn an_untouched_copy_starts_and_one_with_a_flipped_byte_in_keyring_or_anchor_does_not() {
    run(async {
        assert!(starts_after(|_| ()));
        let keyring = keyring_file();
        for part in 0..8 {
            let at = |bytes: &[u8]| (bytes.len() - 1) * part / 7;
            assert!(!starts_after(|f| flip_at_both_places(f, &keyring, at)), "keyring, {part}/7");
        }
        // The slot in use is where the bytes are; the other one is scrubbed.
        for skip in [0, 6, 14, 40, 130, 170] {
            let at = |bytes: &[u8]| bytes.iter().position(|b| *b != 0).unwrap() + skip;
            assert!(!starts_after(|f| flip_at_both_places(f, "anchor", at)), "anchor, {skip}");
        }
    });
}

#[test]
fn a_copy_without_its_keyring_or_with_another_pack_does_not_start() {
    run(async {
        let keyring = keyring_file();
        assert!(!starts_after(|folder| {
            for place in ["place-a", "place-b"] {
                fs::remove_file(folder.join(place).join(&keyring)).unwrap();
            }
        }));
        assert!(!starts_after(|folder| {
            let path = folder.join(POLICY).join("pack.toml");
            let pack = fs::read_to_string(&path).unwrap();
            let shorter = pack.replacen("period = \"P3M\"", "period = \"P2M\"", 1);
            assert_ne!(pack, shorter);
            fs::write(path, shorter).unwrap();
        }));
    });
}
