//! A log that cannot be written stops everything, and nothing is revealed.

use oubliette::{
    audit::AuditError,
    storage::memory::{Counted, Fault},
    vault::VaultError,
};

use crate::house::{House, filed, reveal, run, watch};

#[test]
fn a_log_that_cannot_be_written_stops_every_data_call() {
    run(async {
        let house = House::founded(40);
        let vault = house.start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        assert!(reveal(&vault, file.record).await.is_ok());
        house.disk.inject(Counted::Commits, Fault::DeadFrom(0));
        let unwritable = |error: Option<VaultError>| {
            assert!(
                matches!(error, Some(VaultError::Audit(AuditError::Unwritable))),
                "not AUDIT_UNWRITABLE: {error:?}"
            );
        };
        unwritable(reveal(&vault, file.record).await.err());
        unwritable(filed(&vault, "EXEMPLE-DEUX", "2020-11-20").await.err());
        // The disk is sound again; the log stays latched until the vault is restarted.
        house.disk.heal();
        unwritable(reveal(&vault, file.record).await.err());
        unwritable(vault.preview_purge(&watch()).await.err());
        assert!(!vault.state().unwrap().log_writable);
        drop(vault);
        let vault = house.start().unwrap();
        assert!(reveal(&vault, file.record).await.is_ok());
    });
}

#[test]
fn a_commit_that_failed_but_persisted_releases_nothing_and_the_event_is_there_after_restart() {
    run(async {
        let house = House::founded(41);
        let vault = house.start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let size = vault.state().unwrap().log_size;
        house.disk.inject(Counted::Commits, Fault::FailButPersist(0));
        assert!(reveal(&vault, file.record).await.is_err());
        drop(vault);
        let vault = house.start().unwrap();
        assert!(vault.state().unwrap().log_size > size, "over-reporting is allowed");
    });
}
