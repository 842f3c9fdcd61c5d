//! Expiry at read time, purge, certificate, clock guard, restored databases.

use oubliette::{audit::EventFilter, clock::Clock as _, retention::verify, vault::VaultError};

use crate::house::{DAY_MS, House, caller, date, filed, reveal, run, text_of, watch};

#[test]
fn an_expired_file_is_unreadable_at_once_before_any_purge_ran() {
    run(async {
        let house = House::founded(20);
        let vault = house.start().unwrap();
        let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap();
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap();
        // 00:00 on the island is 16 hours after the start at 08:00.
        house.clock.advance_millis(DAY_MS * 2 / 3 - 1);
        assert!(reveal(&vault, due.record).await.is_ok());
        house.clock.advance_millis(1);
        assert!(matches!(reveal(&vault, due.record).await, Err(VaultError::NotAvailable)));
        assert!(reveal(&vault, live.record).await.is_ok());
    });
}

#[test]
fn a_purge_drops_what_is_due_keeps_what_lives_and_certifies_it() {
    run(async {
        let house = House::founded(21);
        let vault = house.start().unwrap();
        let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap();
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap();
        house.pass_days(1);
        let report = vault.run_purge(&watch()).await.unwrap();
        assert_eq!(report.records, 1);
        assert_eq!(report.generation_after, report.generation_before + 1);
        let json = vault.certificate(&watch(), report.certificate).await.unwrap();
        let key = vault.state().unwrap().certificate_verifier_key;
        verify(&json, &key).unwrap();
        let tampered = json.replacen("\"records\":1", "\"records\":2", 1);
        assert_ne!(tampered, json);
        assert!(verify(&tampered, &key).is_err());

        assert!(matches!(reveal(&vault, due.record).await, Err(VaultError::NotAvailable)));
        let revealed = reveal(&vault, live.record).await.unwrap();
        assert_eq!(text_of(&revealed, "family_name"), Some("EXEMPLE-VIF"));
        let again = vault.run_purge(&watch()).await.unwrap();
        assert_eq!(again.certificate, None, "nothing is due any more");
    });
}

#[test]
fn the_daily_tick_purges_by_itself() {
    run(async {
        let house = House::founded(22);
        let vault = house.start().unwrap();
        let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap();
        house.pass_days(1);
        vault.tick().unwrap();
        assert!(matches!(reveal(&vault, due.record).await, Err(VaultError::NotAvailable)));
        assert!(vault.preview_purge(&watch()).await.unwrap().cohorts.is_empty());
        assert_eq!(vault.state().unwrap().overdue_ms, 0);
    });
}

#[test]
fn a_jump_of_the_clock_stops_purges_until_it_is_confirmed() {
    run(async {
        let house = House::founded(23);
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap();
        house.pass_days(100);
        vault.tick().unwrap();
        let skipped = vault.run_purge(&watch()).await.unwrap();
        assert!(skipped.skipped.is_some_and(|why| why.contains("clock")));
        assert_eq!(skipped.certificate, None);
        assert!(vault.state().unwrap().clock_tripped);
        assert!(vault.state().unwrap().open_alarms > 0);

        house.pass_days(-100);
        let keys = caller("keys-1", "keys", None);
        let today = house.clock.now().date_in(chrono_tz::Europe::Paris);
        let wrong = vault.confirm_clock(&keys, date("2021-03-03")).await;
        assert!(matches!(wrong, Err(VaultError::Invalid(_))));
        vault.confirm_clock(&keys, today).await.unwrap();
        assert!(!vault.state().unwrap().clock_tripped);
        assert_eq!(vault.run_purge(&watch()).await.unwrap().skipped, None);
    });
}

#[test]
fn an_old_database_brings_nothing_purged_back() {
    run(async {
        let house = House::founded(24);
        let (due, live, backup);
        {
            let vault = house.start().unwrap();
            due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap().record;
            live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
            vault.drain();
            backup = house.disk.copy();
            drop(vault);
        }
        house.pass_days(1);
        {
            let vault = house.start().unwrap();
            assert!(vault.run_purge(&watch()).await.is_ok());
            vault.drain();
        }
        let restored = House { disk: backup, ..house };
        let vault = restored.start().unwrap();
        assert_eq!(vault.state().unwrap().log_origin, 1, "a new log origin");
        assert!(matches!(reveal(&vault, due).await, Err(VaultError::NotAvailable)));
        let revealed = reveal(&vault, live).await.unwrap();
        assert_eq!(text_of(&revealed, "family_name"), Some("EXEMPLE-VIF"));
    });
}

#[test]
fn the_watch_sees_who_saw_what_under_which_rule_and_a_clerk_does_not() {
    run(async {
        let vault = House::founded(25).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        reveal(&vault, file.record).await.unwrap();
        let filter = EventFilter { record: Some(file.record), ..EventFilter::default() };
        let page = vault.list_events(&watch(), filter.clone(), None, 50).await.unwrap();
        let kinds: Vec<&str> = page.events.iter().map(|e| e.kind.as_str()).collect();
        for kind in ["create", "assign", "reveal"] {
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
        let refused = vault.list_events(&crate::house::clerk(), filter, None, 50).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
    });
}
