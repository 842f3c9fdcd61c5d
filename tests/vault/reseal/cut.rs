//! Moves that are cut at every call of store and places: afterwards a record is as it was or as it should
//! be, and what was pending is finished by the next start.

use std::sync::Arc;

use oubliette::{
    ids::{RecordId, SegmentId},
    keyring::SegmentState,
    storage::memory::{Counted, Fault},
    vault::{Vault, VaultError},
};

use super::{compacted, find, look, renamed, rows_of, shown, slot_of, with_note};
use crate::{
    erase::{Plan, plans},
    house::{House, clerk, date, head, once, rows, run, watch},
};

/// A vault with two records, the first to be moved.
async fn ready(house: &House) -> (Arc<Vault>, RecordId, RecordId) {
    let vault = house.start().unwrap();
    let moved = with_note(&vault, "EXEMPLE-A").await;
    let other = with_note(&vault, "EXEMPLE-B").await;
    (vault, moved, other)
}

/// Runs `act` once to count its calls, then once for each of them failing, and `check`s what the next start
/// makes of it. The check is told whether the act was acknowledged.
async fn cut_everywhere<A, C>(base: &House, act: A, check: C)
where
    A: AsyncFn(&Vault, RecordId) -> bool,
    C: AsyncFn(&House, &Arc<Vault>, [RecordId; 2], bool, &str),
{
    let calls = {
        let house = base.copy(700);
        let (vault, moved, _) = ready(&house).await;
        let places = house.places.calls();
        house.disk.heal();
        assert!(act(&vault, moved).await);
        (house.disk.calls(Counted::All), house.places.calls() - places)
    };
    assert!(calls.0 > 3 && calls.1 > 5, "{calls:?}");
    for plan in plans(calls) {
        let house = base.copy(701);
        let (vault, moved, other) = ready(&house).await;
        let left = slot_of(&house, moved);
        match plan {
            Plan::Store(fault) => house.disk.inject(Counted::All, fault),
            Plan::Place(n, fault) => house.places.fail(house.places.calls() + n, fault, true),
        }
        let acknowledged = act(&vault, moved).await;
        vault.drain();
        drop(vault);
        let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
        let plan = format!("{plan:?}");
        check(&house, &vault, [moved, other], acknowledged, &plan).await;
        assert_eq!(rows(&house, b'p'), Vec::<Vec<u8>>::new(), "pending after a start: {plan}");
        let now = slot_of(&house, moved);
        if now != left {
            assert!(!vault.log().keyring().slot_lives(&left), "the old slot lives: {plan}");
        }
        assert!(vault.log().keyring().slot_lives(&now), "{plan}");
        let alarms = vault.list_alarms(&watch()).await.unwrap();
        assert!(alarms.iter().all(|alarm| alarm.kind != "mark-without-intent"), "{plan}");
    }
}

#[test]
fn an_update_that_forgets_cut_anywhere_is_done_whole_or_not_at_all_and_forgets_what_it_changed() {
    let base = House::founded(640);
    run(async {
        let why = || once(1, "Update", "x");
        let act = async |vault: &Vault, record: RecordId| {
            let input = renamed(record, 2, "EXEMPLE-C");
            vault.update_and_forget(&clerk(), &why(), input).await.is_ok()
        };
        cut_everywhere(&base, act, async |house, vault, [moved, other], acknowledged, plan| {
            let seen = look(vault, moved).await.unwrap_or_else(|e| panic!("{plan}: {e}"));
            let done = seen == shown(3, "EXEMPLE-C");
            assert!(done || (!acknowledged && seen == shown(2, "EXEMPLE-A")), "{plan}: {seen:?}");
            let (there, gone) = if done { ("C", "A") } else { ("A", "C") };
            assert_eq!(find(vault, &format!("EXEMPLE-{there}")).await, [moved], "{plan}");
            assert!(find(vault, &format!("EXEMPLE-{gone}")).await.is_empty(), "{plan}");
            assert_eq!(look(vault, other).await.unwrap(), shown(2, "EXEMPLE-B"), "{plan}");
            // The same request hears what came of it, or does it now.
            let input = renamed(moved, 2, "EXEMPLE-C");
            let again = vault.update_and_forget(&clerk(), &why(), input).await;
            match again {
                Ok(again) => {
                    assert_eq!((again.repeated, again.version), (done, 3), "{plan}");
                    let json = vault.certificate(&watch(), again.certificate).await.unwrap();
                    assert!(json.contains("\"what\":\"reseal\""), "{plan}");
                }
                // The start that finished it exchanged the index keys, too: the id is told from no other.
                Err(VaultError::RequestIdReused) => assert!(done, "{plan}"),
                Err(error) => panic!("{plan}: {error}"),
            }
            let newest = vault.certificate(&watch(), None).await.unwrap();
            assert!(newest.contains("\"what\":\"reseal\""), "{plan}");
            assert_eq!(rows_of(house, b's', moved).len(), 3, "{plan}");
        })
        .await;
    });
}

#[test]
fn a_record_whose_shortening_is_cut_anywhere_has_one_date_or_the_other() {
    let base = House::founded(641);
    run(async {
        let to = date("2020-12-24");
        let act = async |vault: &Vault, record: RecordId| vault.shorten(record, to).is_ok();
        cut_everywhere(&base, act, async |house, vault, [moved, other], acknowledged, plan| {
            let seen = look(vault, moved).await.unwrap_or_else(|e| panic!("{plan}: {e}"));
            let done = seen == shown(3, "EXEMPLE-A");
            assert!(done || (!acknowledged && seen == shown(2, "EXEMPLE-A")), "{plan}: {seen:?}");
            assert_eq!(find(vault, "EXEMPLE-A").await, [moved], "{plan}");
            assert_eq!(look(vault, other).await.unwrap(), shown(2, "EXEMPLE-B"), "{plan}");
            assert_eq!(rows_of(house, b'c', moved).len(), 1, "{plan}");
            assert_eq!(rows_of(house, b's', moved).len(), 3, "{plan}");
        })
        .await;
    });
}

#[test]
fn a_compaction_cut_anywhere_is_taken_up_and_loses_nobody() {
    let base = House::founded(642);
    run(async {
        let act = async |vault: &Vault, _: RecordId| {
            let keyring = vault.log().keyring();
            // The segment of the files: the one used by members.
            let Some(seg) = first_segment(vault) else { return false };
            let begun = match keyring.segment(&seg) {
                SegmentState::Live { .. } => vault.compact(&seg).unwrap_or(false),
                _ => false,
            };
            begun && (0..20).all(|_| vault.tick().is_ok()) && vault.compaction().is_ok()
        };
        cut_everywhere(&base, act, async |house, vault, [moved, other], acknowledged, plan| {
            compacted(vault);
            let seen = look(vault, moved).await.unwrap_or_else(|e| panic!("{plan}: {e}"));
            assert!(seen == shown(3, "EXEMPLE-A") || !acknowledged, "{plan}: {seen:?}");
            assert!([2, 3].contains(&seen.0) && seen == shown(seen.0, "EXEMPLE-A"), "{plan}");
            let seen = look(vault, other).await.unwrap();
            assert!([2, 3].contains(&seen.0) && seen == shown(seen.0, "EXEMPLE-B"), "{plan}");
            assert_eq!(find(vault, "EXEMPLE-A").await, [moved], "{plan}");
            assert_eq!(rows_of(house, b's', moved).len(), 3, "{plan}");
            assert!(vault.erase(&head(), &once(9, "Erase", "x"), vec![other]).await.is_ok());
        })
        .await;
    });
}

/// The segment that the members of the files' longest cohort lie in.
fn first_segment(vault: &Vault) -> Option<SegmentId> {
    let rows = vault.log().store().scan(b"r", None, 1).ok()?;
    Some(super::slot_in(&rows.first()?.1).seg)
}

#[test]
fn what_a_crash_left_pending_is_erased_by_the_first_generation_of_the_next_start() {
    let base = House::founded(643);
    let mut met = 0;
    for n in 0..24 {
        let house = base.copy(644);
        run(async {
            let (vault, record, _) = ready(&house).await;
            let old = slot_of(&house, record);
            house.disk.inject(Counted::All, Fault::DeadFrom(n));
            let input = renamed(record, 2, "EXEMPLE-C");
            let done = vault.update_and_forget(&clerk(), &once(1, "Update", "x"), input).await;
            let generation = vault.log().keyring().generation();
            let lives = vault.log().keyring().slot_lives(&old);
            vault.drain();
            drop(vault);
            if done.is_ok() || rows(&house, b'p').is_empty() || !lives {
                return;
            }
            met += 1;
            let vault = house.start().unwrap();
            let json = vault.certificate(&watch(), None).await.unwrap();
            let key = vault.state().unwrap().certificate_verifier_key;
            let proven = oubliette::retention::verify(&json, &key).unwrap().generations;
            assert_eq!(proven, (generation, generation + 1), "call {n}");
            assert!(!vault.log().keyring().slot_lives(&old), "call {n}");
        });
    }
    assert!(met > 0, "no crash came between the commit and the erasure");
}
