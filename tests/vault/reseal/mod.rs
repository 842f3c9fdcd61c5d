//! Records that move to other slots: by an update that has the former version forgotten, out of a segment
//! that is compacted, to an earlier date. What moves is as it was, and what it left opens for nobody.

mod compact;
mod cut;
mod forget;
mod hold;
mod shorten;

use std::sync::Arc;

use oubliette::{
    ids::{CollectionName, RecordId, SegmentId, SlotRef, UnitName},
    keyring::{CohortInfo, SegmentState},
    policy::Value,
    vault::{
        AssignInput, Assignee, FindInput, PageRequest, UpdateInput, Vault, VaultError,
        startup::start_bounded,
    },
};

use crate::house::{House, care, clerk, field, head, island_file, reveal_classes, rows, text_of};

/// A vault whose keyring may be no larger than this.
fn start_with(house: &House, keyring_bytes: usize) -> Arc<Vault> {
    house.places.restart();
    house.disk.heal();
    start_bounded(house.parts(), keyring_bytes).unwrap()
}

/// A name of nobody, another for each number.
fn name(number: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap());
    format!("EXEMPLE-{}{}", letter(number / 26), letter(number))
}

/// A file of the north desk with a short-lived note, so that its sections lie in two cohorts. Its version
/// is 2.
async fn with_note(vault: &Vault, name: &str) -> RecordId {
    let input = island_file(name, "2020-11-20");
    let record = vault.create(&head(), &care(), input).await.unwrap().record;
    let to = Assignee::Unit(UnitName::parse("north").unwrap());
    vault.assign(&head(), &care(), AssignInput { record, to, until: None }).await.unwrap();
    record
}

/// A change of the name.
fn renamed(record: RecordId, version: u32, name: &str) -> UpdateInput {
    UpdateInput {
        record,
        expected_version: version,
        attributes: Vec::new(),
        fields: vec![(field("family_name"), Some(Value::Text(name.to_owned())))],
    }
}

/// The slot of a record's head, as its row says in clear.
pub(crate) fn slot_of(house: &House, record: RecordId) -> SlotRef {
    let mut slot = None;
    house.disk.tamper(|rows| {
        let row = rows.get(&[&[b'r'][..], record.as_bytes()].concat()).unwrap();
        slot = Some(slot_in(row));
    });
    slot.unwrap()
}

/// Fields 2 and 3 of a stored record row: segment (length-delimited) and index (varint, absent = 0).
fn slot_in(row: &[u8]) -> SlotRef {
    let at = 1 + 1 + 16;
    assert_eq!(&row[at..at + 2], &[2 << 3 | 2, 16]);
    let seg = SegmentId::from_slice(&row[at + 2..at + 18]).unwrap();
    let (mut index, mut shift, mut next) = (0, 0, at + 18);
    if row[next] == 3 << 3 {
        loop {
            next += 1;
            index |= u32::from(row[next] & 0x7f) << shift;
            shift += 7;
            if row[next] & 0x80 == 0 {
                break;
            }
        }
    }
    SlotRef { seg, index }
}

/// The cohort of a live segment.
fn cohort_of(vault: &Vault, seg: &SegmentId) -> CohortInfo {
    let keyring = vault.log().keyring();
    let SegmentState::Live { cohort, .. } = keyring.segment(seg) else { panic!("{seg} is gone") };
    keyring.cohort(&cohort).unwrap()
}

/// What the clerk sees of a record: its version, name and note.
async fn look(
    vault: &Vault,
    record: RecordId,
) -> Result<(u32, Option<String>, Option<String>), VaultError> {
    let revealed = reveal_classes(vault, record, &["identity", "note"]).await?;
    let text = |name: &str| text_of(&revealed, name).map(ToOwned::to_owned);
    Ok((revealed.version, text("family_name"), text("memo")))
}

/// The same as it must be.
fn shown(version: u32, name: &str) -> (u32, Option<String>, Option<String>) {
    (version, Some(name.to_owned()), Some("rappeler demain".to_owned()))
}

/// Records found by name.
async fn find(vault: &Vault, name: &str) -> Vec<RecordId> {
    let input = FindInput {
        collection: CollectionName::parse("files").unwrap(),
        conditions: vec![(field("family_name"), Value::Text(name.to_owned()))],
        page: PageRequest { size: 50, after: None },
    };
    vault.find(&clerk(), &care(), input).await.unwrap().records
}

/// Ticks until nothing is being compacted.
fn compacted(vault: &Vault) {
    for _ in 0..100 {
        if vault.compaction().unwrap().0.is_none() {
            return;
        }
        vault.tick().unwrap();
    }
    panic!("the compaction does not end");
}

/// Rows of a kind that name this record.
fn rows_of(house: &House, tag: u8, record: RecordId) -> Vec<Vec<u8>> {
    let of = |key: &Vec<u8>| key.windows(16).any(|part| part == record.as_bytes());
    rows(house, tag).into_iter().filter(of).collect()
}

/// The file is on the clerk's list.
async fn in_hand(vault: &Vault, record: RecordId) -> bool {
    let input = oubliette::vault::WorklistInput {
        collection: CollectionName::parse("files").unwrap(),
        of: None,
        page: PageRequest { size: 50, after: None },
    };
    let page = vault.worklist(&clerk(), &care(), input).await.unwrap();
    page.entries.iter().any(|entry| entry.record == record)
}
