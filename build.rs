//! Compiles `proto/` with protox, so that no protoc is needed on the user's machine, and lists the pack
//! of `policies/` that the program carries along.
//! It must not fetch anything or read outside `proto/` and `policies/`.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

/// Messages that get no `Debug`, so that no log line can print a key, a secret or a person's data.
/// Every message that contains one of these, directly or not, loses `Debug` with it.
const WITHOUT_DEBUG: &[&str] = &[
    // Stored keys; `keyring::body` wipes them.
    "oubliette.store.v1.Keyring",
    "oubliette.store.v1.Cohort",
    "oubliette.store.v1.IndexKey",
    "oubliette.store.v1.Segment",
    // Stored personal data.
    "oubliette.store.v1.Head",
    "oubliette.store.v1.Attribute",
    "oubliette.store.v1.SectionBody",
    "oubliette.store.v1.StoredField",
    "oubliette.store.v1.StoredValue",
    // Personal data on the wire. An intent's justification is free text.
    "oubliette.v1.Value",
    "oubliette.v1.Intent",
    "oubliette.v1.EventDetail",
    "oubliette.v1.BreakGlass",
    "oubliette.v1.Review",
    "oubliette.v1.CloseReviewRequest",
    "oubliette.v1.ExportSubjectResponse",
    // Secrets on the wire.
    "oubliette.v1.LoginRequest",
    "oubliette.v1.LoginResponse",
    "oubliette.v1.ChangeSecretRequest",
    "oubliette.v1.CreateAgentResponse",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=policies");
    let mut files = Vec::new();
    for folder in ["proto/oubliette/store/v1", "proto/oubliette/v1"] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();
    let descriptors = protox::compile(&files, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("shipped.rs"), shipped()?)?;
    fs::write(out.join("descriptors.bin"), prost::Message::encode_to_vec(&descriptors))?;

    // (message, messages it contains); no message of ours is nested in another.
    let contains: Vec<(String, Vec<String>)> = descriptors
        .file
        .iter()
        .flat_map(|file| file.message_type.iter().map(move |m| (file.package(), m)))
        .map(|(package, m)| {
            let inner = m.field.iter().map(|f| f.type_name().trim_start_matches('.').to_owned());
            (format!("{package}.{}", m.name()), inner.collect())
        })
        .collect();
    let mut config = tonic_prost_build::Config::new();
    // One call: a second one would forget the list of the first.
    config.skip_debug(closure(&contains));
    tonic_prost_build::configure()
        .build_transport(true)
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// The messages of `WITHOUT_DEBUG` and all that contain one, fully qualified with a leading dot.
fn closure(contains: &[(String, Vec<String>)]) -> Vec<String> {
    let mut without: BTreeSet<&str> = WITHOUT_DEBUG.iter().copied().collect();
    loop {
        let before = without.len();
        for (message, inner) in contains {
            if inner.iter().any(|name| without.contains(name.as_str())) {
                without.insert(message);
            }
        }
        if without.len() == before {
            return without.into_iter().map(|name| format!(".{name}")).collect();
        }
    }
}

/// The pack that the program carries along: the one folder of `policies/` that has a `demo.toml`, as an
/// array of (relative path, text). The source tree names no pack.
fn shipped() -> Result<String, Box<dyn std::error::Error>> {
    let policies = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("policies");
    let mut packs = Vec::new();
    for entry in fs::read_dir(policies)? {
        packs.extend(Some(entry?.path()).filter(|pack| pack.join("demo.toml").is_file()));
    }
    packs.sort();
    let pack = packs.first().ok_or("no folder of policies/ has a demo.toml")?;
    let mut files = Vec::new();
    list(pack, &mut files)?;
    files.sort();
    let mut text = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(pack)?.to_str().ok_or("a file name is not UTF-8")?;
        text.push_str(&format!("    ({name:?}, include_str!({file:?})),\n"));
    }
    text.push_str("]\n");
    Ok(text)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
