//! A hold follows its record: at no moment is a held record without the slots that keep it.

use oubliette::{
    clock::Timestamp,
    ids::{AgentId, HoldId, RecordId, SlotRef},
    keyring::Hold,
    vault::Vault,
};

use super::{compacted, look, rows_of, shown, slot_of, with_note};
use crate::house::{House, care, date, filed, head, run, watch};

/// Places a hold on these slots.
pub(super) fn place(vault: &Vault, id: HoldId, record: RecordId, slots: Vec<SlotRef>) {
    let log = vault.log();
    let mut draft = log.keyring().draft();
    let hold = Hold {
        id,
        record,
        slots,
        authority: "court".to_owned(),
        reason: "case 12".to_owned(),
        ends_on: date("2021-06-01"),
        ends_at: Timestamp::from_millis(1_622_592_000_000),
        approver: AgentId::parse("watch-1").unwrap(),
        placed_at: log.clock().now(),
    };
    draft.place_hold(hold).unwrap();
    log.publish(draft.write(log.state(), log.random().as_ref()).unwrap()).unwrap();
}

/// Takes it away.
pub(super) fn release(vault: &Vault, id: HoldId) {
    let log = vault.log();
    let mut draft = log.keyring().draft();
    draft.release_hold(&id).unwrap();
    log.publish(draft.write(log.state(), log.random().as_ref()).unwrap()).unwrap();
}

fn held(vault: &Vault) -> Vec<SlotRef> {
    vault.log().keyring().holds().remove(0).slots
}

#[test]
fn a_hold_moves_with_its_record_out_of_a_compacted_segment() {
    let house = House::founded(610);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let old = slot_of(&house, record);
        place(&vault, HoldId::from_bytes([5; 16]), record, vec![old]);
        assert!(vault.compact(&old.seg).unwrap());
        compacted(&vault);
        let keyring = vault.log().keyring();
        assert!(!keyring.slot_lives(&old));
        let new = slot_of(&house, record);
        assert!(held(&vault).contains(&new) && !held(&vault).contains(&old));
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-A"));
        let answer = vault.erase(&head(), &care(), vec![record]).await.unwrap();
        assert!(answer.items[0].1.is_err(), "the hold keeps it where it is now");
    });
}

#[test]
fn a_purge_between_the_move_and_the_drop_keeps_what_is_held_and_nothing_else() {
    let house = House::founded(611);
    run(async {
        let vault = house.start().unwrap();
        // Both are due tomorrow.
        let record = filed(&vault, "EXEMPLE-A", "2020-08-24").await.unwrap().record;
        let other = filed(&vault, "EXEMPLE-B", "2020-08-24").await.unwrap().record;
        let old = slot_of(&house, record);
        place(&vault, HoldId::from_bytes([5; 16]), record, vec![old]);
        assert!(vault.compact(&old.seg).unwrap());
        // One round moves both records; the segment that they left is not dropped yet.
        vault.tick().unwrap();
        let (new, gone) = (slot_of(&house, record), slot_of(&house, other));
        assert!(new != old && held(&vault) == [old] && vault.log().keyring().slot_lives(&old));
        house.pass_days(1);
        vault.run_purge(&watch()).await.unwrap();
        let keyring = vault.log().keyring();
        assert!(keyring.slot_lives(&new), "the held record lives where it is");
        assert!(held(&vault).contains(&new));
        assert!(!keyring.slot_lives(&old) && !keyring.slot_lives(&gone));
        assert_eq!(rows_of(&house, b'r', record).len(), 1);
        assert_eq!(rows_of(&house, b'r', other).len(), 0);
    });
}

#[test]
fn a_held_record_counts_as_held_from_its_move_to_the_drop_of_what_it_left() {
    let house = House::founded(612);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        crate::hold::hold(&vault, &[record]).await.unwrap();
        let old = slot_of(&house, record);
        assert!(vault.compact(&old.seg).unwrap());
        vault.tick().unwrap();
        assert_ne!(slot_of(&house, record), old, "it moved");
        assert!(vault.log().keyring().slot_lives(&old), "and what it left is there");
        assert!(crate::hold::read_held(&vault, record, &["identity"]).await.is_ok());
        compacted(&vault);
        assert!(!vault.log().keyring().slot_lives(&old));
        assert!(crate::hold::read_held(&vault, record, &["identity"]).await.is_ok());
    });
}
