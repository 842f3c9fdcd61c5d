//! Nothing that was filed can be read from the disk: every file of the data folder and of the places is
//! searched for each marked value, in each form it could have been written in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oubliette::client::types::{Change, Intent};

use crate::support::{
    DAY_MS, House, NIR_A, Served, case, contact, lab_result, run, secret_of, shipped_pack, text,
};

/// The values that the records below are marked with.
const MARKS: [&str; 8] = [
    "MARQUE-DU",
    "MARQUE-VIF",
    "MARQUE-CHANGEE",
    "MARQUE-CONTACT",
    "MARQUE-LABO",
    "12 impasse du Marquage",
    "+262639980077",
    NIR_A,
];

/// The ways a text may stand in a file: UTF-8, UTF-16 either way, hexadecimal, and base64 at each of
/// its three alignments (the letters that do not depend on the neighbours).
fn forms(mark: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16 =
        |bytes: fn(u16) -> [u8; 2]| mark.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let mut forms = vec![
        ("UTF-8", mark.as_bytes().to_vec()),
        ("UTF-8 in small letters", mark.to_lowercase().into_bytes()),
        ("UTF-16LE", utf16(u16::to_le_bytes)),
        ("UTF-16BE", utf16(u16::to_be_bytes)),
        ("hexadecimal", hex::encode(mark).into_bytes()),
        ("hexadecimal in capitals", hex::encode_upper(mark).into_bytes()),
    ];
    for skip in 0..3 {
        let padded = [&[0; 3][..skip], mark.as_bytes()].concat();
        let encoded = STANDARD.encode(padded).trim_end_matches('=').as_bytes().to_vec();
        let first = [0, 2, 3][skip];
        forms.push(("base64", encoded[first..encoded.len() - 1].to_vec()));
    }
    forms
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Where each mark was found, in words.
fn search(folder: &Path, marks: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(folder) {
        let bytes = fs::read(&path).unwrap();
        for mark in marks {
            for (form, needle) in forms(mark) {
                let hit = bytes.windows(needle.len()).any(|window| window == needle);
                if hit {
                    found.push(format!("{mark} as {form} in {}", path.display()));
                }
            }
        }
    }
    found
}

/// Files, changes, reveals and purges marked records.
async fn a_marked_day(house: &House, served: &Served<'_>) {
    let p2 = Intent::of("p2");
    let mut live = case("reunion", "MARQUE-VIF", "2020-11-22");
    live.fields.retain(|(name, _)| name != "street" && name != "phone");
    live.fields.push(("street".to_owned(), text("12 impasse du Marquage")));
    live.fields.push(("phone".to_owned(), text("+262639980077")));
    live.fields.push(("nir".to_owned(), text(NIR_A)));
    let live = served.queue("reunion", live, "investigation-974").await;
    let due = case("reunion", "MARQUE-DU", "2020-08-24");
    served.queue("reunion", due, "investigation-974").await;
    let met = contact("reunion", "MARQUE-CONTACT", "2020-11-22");
    served.queue("reunion", met, "operators-974").await;
    served.file("reunion", lab_result("reunion", "MARQUE-LABO", "2020-11-22")).await;
    let investigator = served.as_agent("inv-974").await;
    let fields = vec![("last_name".to_owned(), Some(text("MARQUE-CHANGEE")))];
    let change = Change {
        record: live.record,
        expected_version: live.version,
        attributes: Vec::new(),
        fields,
    };
    investigator.update(&p2, change).await.unwrap();
    assert!(investigator.reveal(&p2, live.record, &["identity", "nir"]).await.is_ok());
    house.clock.advance_millis(DAY_MS);
    served.forget_sessions().await;
    let purged = served.as_agent("robot").await.run_purge().await.unwrap();
    assert_eq!(purged.records, 1);
    let investigator = served.as_agent("inv-974").await;
    let revealed = investigator.reveal(&p2, live.record, &["identity"]).await.ok().unwrap();
    assert!(revealed.field("last_name").unwrap().value == Some(text("MARQUE-CHANGEE")));
}

#[test]
fn no_marked_value_is_found_in_any_file() {
    run(async {
        let kept = tempfile::tempdir().unwrap();
        let house = House::founded_at(kept.path(), &shipped_pack(), 600);
        let served = house.serve().await;
        a_marked_day(&house, &served).await;
        // While it runs, and once it is drained.
        assert_eq!(search(kept.path(), &MARKS), Vec::<String>::new());
        served.stop().await;
        assert!(files(kept.path()).len() >= 8, "the folders were not found");
        assert_eq!(search(kept.path(), &MARKS), Vec::<String>::new());
        // Nor the agents' secrets.
        let (own, keys) = (secret_of("inv-974"), secret_of("keys-1"));
        assert_eq!(search(kept.path(), &[&own, &keys]), Vec::<String>::new());
        // The same search finds what is known to be there: an agent's name, kept in clear.
        assert!(!search(kept.path(), &["Test agent inv-974"]).is_empty());
    });
}

#[test]
fn the_search_finds_a_mark_in_every_form_and_nothing_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    for mark in MARKS {
        for lead in 0..3 {
            let base64 = STANDARD.encode([&b"xyz"[..lead], mark.as_bytes(), b"after"].concat());
            let written = [
                mark.as_bytes().to_vec(),
                mark.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                hex::encode(mark).into_bytes(),
                base64.into_bytes(),
            ];
            for bytes in written {
                let path = folder.path().join("inner/file");
                fs::write(&path, [b"before".as_slice(), &bytes, b"after"].concat()).unwrap();
                assert!(!search(folder.path(), &[mark]).is_empty(), "{mark}, {lead}");
                fs::write(&path, b"nothing of it").unwrap();
                assert!(search(folder.path(), &[mark]).is_empty(), "{mark}");
            }
        }
    }
}
