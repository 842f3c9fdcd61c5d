//! A house with the counter's pack: a counter that asks, a desk for the rights of persons, a clerk whose
//! hour has a bound.

use std::path::Path;

use oubliette::{
    identity::Caller,
    ids::{RequestId, SubjectId},
    policy::Pack,
    vault::{CreateInput, Intent, RequestKey, Vault},
};

use crate::house::{House, caller, care, hand_to_north, head, island_file_without_note};

/// A founded vault of this pack, not started.
pub(crate) fn counter_house(seed: u64) -> House {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/counter");
    let pack = Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let house = House { pack, ..House::empty(seed) };
    house.found().unwrap();
    house
}

/// Who answers the persons the files are about.
pub(crate) fn rights() -> Caller {
    caller("rights-1", "rights", None)
}

/// The same purpose, with a reason.
pub(crate) fn because() -> Intent {
    Intent { justification: Some("asked by the person".to_owned()), ..care() }
}

/// The same with a request id that stands for this content.
pub(crate) fn because_once(id: u8, content: &str) -> Intent {
    let id = RequestId::from_bytes([id; 16]);
    let request = RequestKey::new(id, "RestrictSubject", content.as_bytes());
    Intent { request: Some(request), ..because() }
}

/// A person nobody else is.
pub(crate) fn person(number: u8) -> SubjectId {
    SubjectId::from_bytes([number; 16])
}

/// A file of this person in the hands of the north desk.
pub(crate) async fn file_of(
    vault: &Vault,
    subject: SubjectId,
    name: &str,
) -> oubliette::ids::RecordId {
    let input =
        CreateInput { subject: Some(subject), ..island_file_without_note(name, "2020-11-20") };
    let record = vault.create(&head(), &care(), input).await.unwrap().record;
    hand_to_north(vault, record).await.unwrap();
    record
}
