//! The oracle: what the need-to-know matrix of the domain study says, asked of the shipped pack.
//!
//! `words.toml`, `matrix.toml` and `refusals.toml` were written from the matrix, before the policies
//! and without them; no command of the tree writes them. The cross-product asks the decision engine
//! every role, purpose, collection, class and verb in every circumstance, and samples none.
//!
//! It must not be made to fit: where pack and oracle differ, the pack is wrong until somebody who
//! may decide that, by the law, changes the oracle in a commit of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod ask;
mod cross;
mod expect;
mod facts;
mod mutants;
mod questions;
mod rules;
mod table;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use oubliette::{
    ids::{CollectionName, PurposeName, RoleName},
    policy::Pack,
};

use table::Oracle;

/// The shipped pack; its errors, if any, fail the test.
fn shipped_pack() -> Arc<Pack> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
    Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    words.into_iter().collect()
}

#[test]
fn the_pack_and_the_oracle_have_the_same_closed_lists() {
    let (pack, oracle) = (shipped_pack(), Oracle::read());
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing/pack.toml"),
    );
    let document: toml::Table = text.unwrap().parse().unwrap();
    let list = |name: &str| set(document[name].as_table().unwrap().keys().map(String::as_str));
    assert_eq!(list("roles"), set(oracle.roles()), "roles");
    assert_eq!(list("purposes"), set(oracle.purposes()), "purposes");
    assert_eq!(list("classes"), set(oracle.words.classes.keys().map(String::as_str)), "classes");
    for role in oracle.roles() {
        assert!(pack.has_role(&RoleName::parse(role).unwrap()), "{role}");
    }
    for purpose in oracle.purposes() {
        assert!(pack.has_purpose(&PurposeName::parse(purpose).unwrap()), "{purpose}");
    }
    let collections = set(pack.collections().iter().map(|spec| spec.name.as_str()));
    assert_eq!(collections, set(oracle.words.collections.keys().map(String::as_str)));
    for (name, classes) in &oracle.words.collections {
        let spec = pack.collection(&CollectionName::parse(name).unwrap()).unwrap();
        let theirs = set(spec.classes.iter().map(|class| class.as_str()));
        assert_eq!(theirs, set(classes.iter().map(String::as_str)), "classes of {name}");
    }
}

#[test]
fn every_role_purpose_collection_class_and_verb_is_decided_as_the_matrix_says_in_every_circumstance()
 {
    let (pack, oracle) = (shipped_pack(), Oracle::read());
    let found = cross::product(&pack, &oracle, |questions, found| questions.ask_all(found));
    println!("{}", found.sentence());
    assert!(found.differences.is_empty(), "{}", found.sentence());
    // A cross-product that forgets a dimension is shorter.
    assert!(found.asked > 3_000_000, "only {} questions were asked", found.asked);
}
