//! A record moves to an earlier date, and never to a later one.

use oubliette::{
    retention::RetentionError,
    vault::{AssignInput, Assignee, VaultError},
};

use super::{cohort_of, find, in_hand, look, rows_of, shown, slot_of, with_note};
use crate::house::{
    House, care, clerk, date, events, head, island_file, once, reveal, rows, run, watch,
};

/// The files' own date: three months after the day they were collected on.
const OWN: &str = "2021-02-20";

#[test]
fn a_shortened_record_is_as_it_was_under_its_new_date_and_what_it_left_opens_for_nobody() {
    let house = House::founded(620);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let other = with_note(&vault, "EXEMPLE-B").await;
        let old = slot_of(&house, record);
        assert_eq!(cohort_of(&vault, &old.seg).key.expires_on, date(OWN));
        let certificate = vault.shorten(record, date("2020-12-24")).unwrap();
        let new = slot_of(&house, record);
        assert_eq!(cohort_of(&vault, &new.seg).key.expires_on, date("2020-12-24"));
        assert!(!vault.log().keyring().slot_lives(&old));
        let json = vault.certificate(&watch(), Some(certificate)).await.unwrap();
        assert!(json.contains("\"what\":\"reseal\""));
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-A"));
        assert_eq!(look(&vault, other).await.unwrap(), shown(2, "EXEMPLE-B"));
        assert_eq!(find(&vault, "EXEMPLE-A").await, [record]);
        assert!(in_hand(&vault, record).await);
        assert_eq!(rows_of(&house, b'c', record).len(), 1);
        assert_eq!(reveal(&vault, record).await.unwrap().expires_on, date("2020-12-24"));
        let event = events(&vault, "reseal").await.remove(0);
        assert_eq!(event.records, [record]);
    });
}

#[test]
fn a_shortened_record_goes_with_its_new_date_and_its_neighbour_does_not() {
    let house = House::founded(621);
    run(async {
        let vault = house.start().unwrap();
        let why = once(1, "Create", "x");
        let input = || island_file("EXEMPLE-A", "2020-11-20");
        let record = vault.create(&head(), &why, input()).await.unwrap().record;
        let other = with_note(&vault, "EXEMPLE-B").await;
        vault.shorten(record, date("2020-11-25")).unwrap();
        // Its request id is still known.
        let again = vault.create(&head(), &why, input()).await.unwrap();
        assert!(again.repeated && again.record == record);
        for _ in 0..2 {
            house.pass_days(1);
            vault.tick().unwrap();
        }
        assert!(matches!(look(&vault, record).await, Err(VaultError::NotAvailable)));
        for tag in [b'r', b'c', b's', b'x', b'q'] {
            assert_eq!(rows_of(&house, tag, record), Vec::<Vec<u8>>::new(), "{}", char::from(tag));
        }
        assert_eq!(rows(&house, b'q'), Vec::<Vec<u8>>::new(), "its request id goes with it");
        assert_eq!(look(&vault, other).await.unwrap(), shown(2, "EXEMPLE-B"));
    });
}

#[test]
fn a_later_or_the_same_or_a_past_date_is_refused_and_changes_nothing() {
    let house = House::founded(622);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let old = slot_of(&house, record);
        for later in [OWN, "2021-02-21", "2021-03-31"] {
            let refused = vault.shorten(record, date(later));
            assert!(matches!(refused, Err(VaultError::Invalid(_))), "{later}");
        }
        for past in ["2020-11-23", "2020-11-01"] {
            let refused = vault.shorten(record, date(past));
            let past_date = RetentionError::AlreadyExpired.to_string();
            assert_eq!(refused.unwrap_err().to_string(), past_date, "{past}");
        }
        assert_eq!(slot_of(&house, record), old);
        assert!(vault.shorten(record, date("2020-11-24")).is_ok());
    });
}

#[test]
fn assignments_are_given_and_taken_back_after_a_move_to_another_date() {
    let house = House::founded(623);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        vault.shorten(record, date("2020-12-24")).unwrap();
        let to = Assignee::Agent(clerk().agent);
        let input = AssignInput { record, to, until: None };
        // The clerk himself is no agent of the directory here: his unit's assignment ends instead.
        assert!(vault.assign(&head(), &care(), input).await.is_err());
        let unit = Assignee::Unit(oubliette::ids::UnitName::parse("north").unwrap());
        assert!(in_hand(&vault, record).await);
        vault.unassign(&head(), &care(), record, unit).await.unwrap();
        assert!(!in_hand(&vault, record).await);
        let subjects = rows_of(&house, b'x', record).len();
        assert_eq!(subjects, 3, "subject, name and telephone");
    });
}
