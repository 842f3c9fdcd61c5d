//! A backup put back: what was forgotten since does not come back, what lives and was in it does, a new
//! origin of the log says what was lost, and what was swept is counted.

mod moments;
mod places;

use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering};

use oubliette::{
    audit::{EventDetail, EventFilter, LogInCopy},
    identity::Caller,
    ids::{CollectionName, RecordId},
    policy::Value,
    storage::{
        Row, Store as _,
        frames::Frames,
        memory::{Counted, Fault, MemoryDisk},
    },
    vault::{
        BackupHead, BackupTotals, FindInput, PageRequest, Vault, VaultError,
        startup::{Refill, StartError},
    },
};

use crate::house::{House, caller, care, clerk, events, field, filed, head, reveal, run, text_of};

fn keys() -> Caller {
    caller("keys-1", "keys", None)
}

/// A backup as a caller gets it.
struct Taken {
    head: BackupHead,
    rows: Vec<Row>,
    totals: BackupTotals,
}

async fn take(vault: &Vault) -> Taken {
    let mut backup = vault.backup(&keys()).await.unwrap();
    let head = backup.head().clone();
    let (mut frames, mut rows) = (Frames::new(), Vec::new());
    while let Some(piece) = backup.next_piece().unwrap() {
        frames.push(&piece);
        rows.extend(std::iter::from_fn(|| frames.next().unwrap()));
    }
    frames.end().unwrap();
    let totals = backup.end().unwrap();
    assert_eq!(totals.rows, rows.len() as u64);
    Taken { head, rows, totals }
}

/// Fills an empty disk with these rows.
fn fill(rows: &[Row], log_size: u64) -> Result<MemoryDisk, StartError> {
    let disk = MemoryDisk::new();
    let mut refill = Refill::of(Arc::new(disk.open()))?;
    rows.iter().cloned().try_for_each(|row| refill.row(row))?;
    assert_eq!(refill.finish(log_size)?.0, rows.len() as u64);
    Ok(disk)
}

/// The house with the rows put back, at the places as they are now.
fn put_back(house: &House, seed: u64, rows: &[Row], log_size: u64) -> House {
    House { disk: fill(rows, log_size).unwrap(), ..house.copy(seed) }
}

fn stop(vault: Arc<Vault>) {
    vault.drain();
    drop(vault);
}

fn gone<T>(answer: Result<T, VaultError>) -> bool {
    matches!(answer, Err(VaultError::NotAvailable))
}

/// Who is found by a family name.
async fn found(vault: &Vault, name: &str) -> Vec<RecordId> {
    let collection = CollectionName::parse("files").unwrap();
    let conditions = vec![(field("family_name"), Value::Text(name.to_owned()))];
    let page = PageRequest { size: 9, after: None };
    let input = FindInput { collection, conditions, page };
    vault.find(&clerk(), &care(), input).await.unwrap().records
}

/// A record is readable and found by its name.
async fn assert_lives(vault: &Vault, record: RecordId, name: &str, why: &str) {
    let answer = reveal(vault, record).await.unwrap_or_else(|e| panic!("{why}: {name}: {e}"));
    assert_eq!(text_of(&answer, "family_name"), Some(name), "{why}");
    assert_eq!(found(vault, name).await, [record], "{why}");
}

async fn assert_gone(vault: &Vault, record: RecordId, name: &str, why: &str) {
    assert!(gone(reveal(vault, record).await), "{why}: {name} is back");
    assert_eq!(found(vault, name).await, [], "{why}: {name} is found");
}

/// What the first leaf of the present origin says was lost: kept, lost to.
async fn lost(vault: &Vault) -> (u64, u64) {
    let filter = EventFilter { kind: Some("origin".to_owned()), ..EventFilter::default() };
    let page = vault.list_events(&crate::house::watch(), filter, None, 9).await.unwrap();
    match &page.events[0].detail {
        EventDetail::Origin(origin) => (origin.kept, origin.lost_to),
        _ => panic!("no origin"),
    }
}

/// How many rows the sweeps of this log counted.
async fn swept(vault: &Vault) -> u64 {
    let counted = events(vault, "sweep").await.into_iter().flat_map(|event| event.notes);
    counted.filter_map(|note| note.strip_prefix("rows=")?.parse::<u64>().ok()).sum()
}

#[test]
fn a_backup_holds_what_was_there_when_it_began_and_both_its_events_are_in_the_log() {
    let house = House::founded(600);
    run(async {
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap();
        let mut backup = vault.backup(&keys()).await.unwrap();
        let before = house.disk.open().snapshot().unwrap();
        filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap();
        let (mut frames, mut rows) = (Frames::new(), Vec::new());
        while let Some(piece) = backup.next_piece().unwrap() {
            frames.push(&piece);
            rows.extend(std::iter::from_fn(|| frames.next().unwrap()));
        }
        assert_eq!(rows, before.page(None, usize::MAX).unwrap());
        let (head, totals) = (backup.head().clone(), backup.end().unwrap());
        assert!(totals.log_size > head.log.size);
        assert_eq!(head.vault, vault.log().keyring().vault());
        let mut log = LogInCopy::new();
        rows.iter().for_each(|(key, value)| log.row(key, value).unwrap());
        assert_eq!(log.end().unwrap(), head.log);
        let begun = events(&vault, "backup-begin").await;
        assert_eq!((begun.len(), begun[0].outcome.as_str()), (1, "STARTED"));
        let ended = events(&vault, "backup-end").await;
        assert_eq!((ended.len(), ended[0].outcome.as_str()), (1, "OK"));
        assert!(ended[0].notes.contains(&format!("rows={}", rows.len())));
    });
}

#[test]
fn a_backup_that_is_cut_says_so_in_the_log_and_has_no_totals() {
    let house = House::founded(601);
    run(async {
        let vault = house.start().unwrap();
        vault.backup(&keys()).await.unwrap().cut();
        let early = vault.backup(&keys()).await.unwrap();
        assert!(early.end().is_err(), "no piece of it was taken");
        let ended = events(&vault, "backup-end").await;
        let outcomes: Vec<_> = ended.iter().map(|event| event.outcome.as_str()).collect();
        assert_eq!(outcomes, ["CUT", "CUT"]);
    });
}

#[test]
fn who_may_not_take_a_backup_is_refused_and_the_refusal_is_logged() {
    let house = House::founded(602);
    run(async {
        let vault = house.start().unwrap();
        for who in [clerk(), head(), crate::house::watch()] {
            let refused = vault.backup(&who).await;
            assert!(matches!(refused, Err(VaultError::Denied { .. })));
        }
        let begun = events(&vault, "backup-begin").await;
        assert_eq!(begun.len(), 3);
        assert!(begun.iter().all(|event| event.outcome == "DENIED"));
        assert_eq!(events(&vault, "backup-end").await.len(), 0);
        assert!(vault.backup(&keys()).await.is_ok());
    });
}

#[test]
fn a_backup_put_back_at_once_loses_nothing_it_held_and_begins_a_new_origin_all_the_same() {
    let house = House::founded(603);
    run(async {
        let vault = house.start().unwrap();
        let held = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let taken = take(&vault).await;
        let later = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        // A crash: no last checkpoint, so no place knows of what came after.
        let house = put_back(&house, 604, &taken.rows, taken.totals.log_size);
        let again = house.start().unwrap();
        assert_lives(&again, held, "EXEMPLE-A", "held").await;
        assert_gone(&again, later, "EXEMPLE-B", "filed after the backup").await;
        assert_eq!(again.state().unwrap().log_origin, 1);
        let (kept, lost_to) = lost(&again).await;
        assert_eq!((kept, lost_to), (taken.head.log.size, taken.totals.log_size));
        assert_eq!((swept(&again).await, again.swept_at_start().unwrap().rows), (0, 0));
        let filed = filed(&again, "EXEMPLE-C", "2020-11-20").await.unwrap().record;
        assert_lives(&again, filed, "EXEMPLE-C", "filed after the restore").await;
        stop(again);
        let again = house.start().unwrap();
        assert_eq!((again.state().unwrap().log_origin, again.swept_at_start()), (1, None));
        assert_lives(&again, held, "EXEMPLE-A", "held").await;
        drop(vault);
    });
}

#[test]
fn a_restore_that_is_cut_anywhere_leaves_no_vault_and_one_that_is_not_does() {
    let house = House::founded(605);
    let taken = run(async {
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap();
        let taken = take(&vault).await;
        stop(vault);
        taken
    });
    for cut in 0..taken.rows.len() {
        let disk = MemoryDisk::new();
        let mut refill = Refill::of(Arc::new(disk.open())).unwrap();
        taken.rows[..cut].iter().cloned().for_each(|row| refill.row(row).unwrap());
        drop(refill);
        let half = House { disk, ..house.copy(606) };
        assert!(matches!(half.start(), Err(StartError::NoVault)), "{cut}");
    }
    for commits in 0.. {
        let disk = MemoryDisk::new();
        let mut refill = Refill::of(Arc::new(disk.open())).unwrap();
        disk.inject(Counted::Commits, Fault::DeadFrom(commits));
        taken.rows.iter().cloned().for_each(|row| refill.row(row).unwrap());
        let whole = refill.finish(taken.totals.log_size).is_ok();
        disk.heal();
        let house = House { disk, ..house.copy(607) };
        if whole {
            assert!(commits > 1 && house.start().is_ok());
            return;
        }
        assert!(matches!(house.start(), Err(StartError::NoVault)), "{commits}");
    }
}

#[test]
fn a_store_that_holds_anything_is_never_filled() {
    let house = House::founded(608);
    let refused = Refill::of(Arc::new(house.disk.open()));
    assert!(matches!(refused, Err(StartError::NotEmpty)));
    let without = fill(&[(b"a".to_vec(), b"b".to_vec())], 1);
    assert!(matches!(without, Err(StartError::NoVault)));
}
