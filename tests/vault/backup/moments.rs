//! Backups of every moment in the middle of a purge, an erasure and an exchange of index keys, each put
//! back when that is over.
//!
//! The database changes only by commits, so the moments are those between two of them: the store is
//! held there and its rows are read as a backup reads them.

use super::*;
use crate::house::{DAY_MS, once, watch};
use oubliette::retention::verify;

/// The rows at each moment of what `act` does, the first before anything and the last after all.
async fn moments(house: &House, act: impl Future<Output = ()>) -> Vec<Vec<Row>> {
    let rows = |disk: &MemoryDisk| disk.open().snapshot().unwrap().page(None, usize::MAX).unwrap();
    let (disk, over) = (house.disk.clone(), Arc::new(AtomicBool::new(false)));
    let held = house.disk.hold_commits();
    let ended = Arc::clone(&over);
    let watch = std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut passed = disk.calls(Counted::Commits);
        loop {
            while !held.has_one() {
                if ended.load(Ordering::Acquire) {
                    seen.push(rows(&disk));
                    return seen;
                }
                std::thread::yield_now();
            }
            seen.push(rows(&disk));
            held.let_one_pass();
            passed += 1;
            while disk.calls(Counted::Commits) < passed {
                std::thread::yield_now();
            }
        }
    });
    act.await;
    over.store(true, Ordering::Release);
    watch.join().unwrap()
}

/// Rows of a record that a sweep counts: record, sections, index.
fn counted_rows(rows: &[Row], record: RecordId) -> u64 {
    let of = |key: &[u8]| key.windows(16).any(|part| part == record.as_bytes());
    let counted = rows.iter().filter(|(key, _)| b"rsx".contains(&key[0]) && of(key));
    counted.count() as u64
}

fn rows_now(house: &House) -> Vec<Row> {
    house.disk.open().snapshot().unwrap().page(None, usize::MAX).unwrap()
}

/// What the newest certificate counts; `None` without one.
async fn certified(vault: &Vault) -> Option<(u64, u64)> {
    let json = vault.certificate(&watch(), None).await.ok()?;
    let summary = verify(&json, &vault.state().unwrap().certificate_verifier_key).unwrap();
    Some((summary.records, summary.sections))
}

/// Puts each moment back when all is over, and holds the started vault to what must be true of it: the
/// forgotten record does not come back, the living one does, and all rows are gone and counted once.
async fn hold(house: &House, moments: &[Vec<Row>], forgotten: RecordId, living: RecordId) {
    let size = u64::MAX / 2;
    let (mut by_sweep, mut by_certificate) = (0, 0);
    for (n, rows) in moments.iter().enumerate() {
        let why = format!("moment {n} of {}", moments.len());
        let restored = put_back(house, 700 + n as u64, rows, size);
        let before = counted_rows(rows, forgotten);
        let open_run = rows.iter().any(|(key, _)| key == b"m/purge" || key[0] == b'p');
        let vault = restored.start().unwrap_or_else(|e| panic!("{why}: {e}"));
        assert_gone(&vault, forgotten, "EXEMPLE-OUBLI", &why).await;
        assert_lives(&vault, living, "EXEMPLE-VIF", &why).await;
        assert_eq!(vault.state().unwrap().log_origin, 1, "{why}");
        assert_eq!(lost(&vault).await.1, size, "{why}");
        assert_eq!(counted_rows(&rows_now(&restored), forgotten), 0, "{why}");
        let counted = swept(&vault).await;
        if open_run {
            // Its certificate counts them, those included that were deleted before the moment.
            assert_eq!(counted, 0, "{why}");
            let (records, sections) = certified(&vault).await.unwrap_or_else(|| panic!("{why}"));
            assert_eq!((records, sections > 0), (1, true), "{why}");
            by_certificate += 1;
        } else {
            assert_eq!(counted, before, "{why}");
            assert_eq!(vault.swept_at_start().unwrap().rows, before, "{why}");
            by_sweep += usize::from(before > 0);
        }
        // The purge and the exchange that come next find nothing wrong.
        restored.pass_days(1);
        vault.tick().unwrap_or_else(|e| panic!("{why}: {e}"));
        assert_lives(&vault, living, "EXEMPLE-VIF", &why).await;
        stop(vault);
        assert!(restored.start().is_ok_and(|again| again.swept_at_start().is_none()), "{why}");
    }
    assert!(
        by_sweep > 0 && by_certificate > 0,
        "{by_sweep} by sweep, {by_certificate} by certificate"
    );
}

#[test]
fn a_backup_of_any_moment_of_a_purge_put_back_after_it_brings_nothing_back_and_counts_all_of_it() {
    let house = House::founded(610);
    run(async {
        let vault = house.start().unwrap();
        let due = filed(&vault, "EXEMPLE-OUBLI", "2020-08-24").await.unwrap().record;
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
        house.clock.advance_millis(DAY_MS);
        let moments = moments(&house, async {
            assert_eq!(vault.run_purge(&watch()).await.unwrap().records, 1);
        })
        .await;
        assert!(moments.len() > 6, "{}", moments.len());
        stop(vault);
        hold(&house, &moments, due, live).await;
    });
}

#[test]
fn a_backup_of_any_moment_of_an_erasure_put_back_after_it_brings_nothing_back_and_counts_all_of_it()
{
    let house = House::founded(611);
    run(async {
        let vault = house.start().unwrap();
        let erased = filed(&vault, "EXEMPLE-OUBLI", "2020-11-20").await.unwrap().record;
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
        let moments = moments(&house, async {
            let answer = vault.erase(&head(), &once(1, "Erase", "x"), vec![erased]).await.unwrap();
            assert!(answer.items[0].1.is_ok());
        })
        .await;
        assert!(moments.len() > 4, "{}", moments.len());
        stop(vault);
        hold(&house, &moments, erased, live).await;
    });
}

#[test]
fn a_backup_of_any_moment_of_an_exchange_of_index_keys_put_back_after_it_leaves_everybody_found() {
    let house = House::founded(612);
    run(async {
        let vault = house.start().unwrap();
        let erased = filed(&vault, "EXEMPLE-OUBLI", "2020-11-20").await.unwrap().record;
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
        let other = filed(&vault, "EXEMPLE-AUTRE", "2020-11-21").await.unwrap().record;
        vault.erase(&head(), &care(), vec![erased]).await.unwrap();
        house.pass_days(1);
        let moments = moments(&house, async { vault.tick().unwrap() }).await;
        assert!(moments.len() > 4, "{}", moments.len());
        assert_eq!(events(&vault, "rekey").await.len(), 1);
        stop(vault);
        for (n, rows) in moments.iter().enumerate() {
            let why = format!("moment {n} of {}", moments.len());
            let restored = put_back(&house, 800 + n as u64, rows, 1000);
            let vault = restored.start().unwrap_or_else(|e| panic!("{why}: {e}"));
            assert_lives(&vault, live, "EXEMPLE-VIF", &why).await;
            assert_lives(&vault, other, "EXEMPLE-AUTRE", &why).await;
            assert_gone(&vault, erased, "EXEMPLE-OUBLI", &why).await;
        }
    });
}

#[test]
fn the_first_start_after_a_restore_cut_anywhere_is_done_again_by_the_next_with_the_same_totals() {
    let house = House::founded(613);
    run(async {
        let vault = house.start().unwrap();
        let erased = filed(&vault, "EXEMPLE-OUBLI", "2020-11-20").await.unwrap().record;
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
        let moments = moments(&house, async {
            vault.erase(&head(), &once(1, "Erase", "x"), vec![erased]).await.unwrap();
        })
        .await;
        stop(vault);
        // Intent and marks are durable, no key is gone yet.
        let marked = &moments[2];
        for n in (0..).step_by(5) {
            let why = format!("cut at {n}");
            let restored = put_back(&house, 900 + n, marked, 1000);
            restored.places.restart();
            restored.disk.inject(Counted::All, Fault::DeadFrom(n));
            let whole = oubliette::vault::startup::start(restored.parts()).is_ok();
            let vault = restored.start().unwrap_or_else(|e| panic!("{why}: {e}"));
            assert_gone(&vault, erased, "EXEMPLE-OUBLI", &why).await;
            assert_lives(&vault, live, "EXEMPLE-VIF", &why).await;
            assert_eq!(vault.state().unwrap().log_origin, 1, "{why}");
            assert_eq!(certified(&vault).await.map(|counts| counts.0), Some(1), "{why}");
            assert_eq!(swept(&vault).await, 0, "{why}");
            let reported = events(&vault, "erase").await;
            let ok: Vec<_> = reported.iter().filter(|event| event.outcome == "OK").collect();
            assert_eq!((ok.len(), ok[0].records.as_slice()), (1, &[erased][..]), "{why}");
            if whole {
                assert!(n > 30, "{n}");
                return;
            }
        }
    });
}
