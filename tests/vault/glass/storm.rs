//! Bounds of broken glass: of alarms about what was refused, of open reviews of one agent and of all.

use oubliette::{identity::ReviewError, ids::RecordId, limits, vault::VaultError};

use super::{alarms, breaks, close, doctor, filed, reviews, ward};
use crate::house::{events, run, watch};

#[test]
fn refused_breakings_are_logged_each_and_raise_one_alarm_until_somebody_took_note() {
    run(async {
        let vault = ward(630).start().unwrap();
        for number in 0..40 {
            let absent = RecordId::from_bytes([number; 16]);
            assert!(breaks(&vault, &doctor(1), absent, &["identity"]).await.is_err());
        }
        assert_eq!(events(&vault, "break-glass").await.len(), 40);
        let raised = alarms(&vault, "break-glass-refused").await;
        assert_eq!(raised.len(), 1, "{raised:?}");
        assert!(alarms(&vault, "break-glass").await.is_empty());
        vault.ack_alarm(&watch(), raised[0].id).await.unwrap();
        assert!(
            breaks(&vault, &doctor(1), RecordId::from_bytes([9; 16]), &["identity"]).await.is_err()
        );
        assert_eq!(alarms(&vault, "break-glass-refused").await.len(), 2);
    });
}

fn is_full(answer: Result<oubliette::vault::Revealed, VaultError>, bound: usize) -> bool {
    matches!(answer, Err(VaultError::Review(ReviewError::Full { limit })) if limit == bound)
}

#[test]
fn an_agent_breaks_as_much_glass_as_may_wait_for_review_and_one_more_once_some_is_reviewed() {
    run(async {
        let vault = ward(631).start().unwrap();
        for _ in 0..limits::REVIEWS_PER_AGENT_MAX {
            let record = filed(&vault).await;
            breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        }
        let record = filed(&vault).await;
        let refused = breaks(&vault, &doctor(1), record, &["identity"]).await;
        assert!(is_full(refused, limits::REVIEWS_PER_AGENT_MAX));
        assert_eq!(reviews(&vault).await.len(), limits::REVIEWS_PER_AGENT_MAX);
        assert!(breaks(&vault, &doctor(2), record, &["identity"]).await.is_ok(), "another may");
        let oldest = reviews(&vault).await.remove(0);
        close(&vault, &watch(), &oldest, "fine").await.unwrap();
        assert!(breaks(&vault, &doctor(1), record, &["identity"]).await.is_ok());
    });
}

#[test]
fn as_many_reviews_are_kept_as_the_bound_and_a_closed_one_makes_room() {
    run(async {
        let vault = ward(632).start().unwrap();
        let record = filed(&vault).await;
        let agents = limits::REVIEWS_MAX.div_ceil(limits::REVIEWS_PER_AGENT_MAX);
        let mut made = 0;
        let mut records = vec![record];
        for _ in 1..limits::REVIEWS_PER_AGENT_MAX {
            records.push(filed(&vault).await);
        }
        'full: for agent in 0..agents {
            for record in &records {
                if made == limits::REVIEWS_MAX {
                    break 'full;
                }
                let who = doctor(u32::try_from(agent).unwrap());
                breaks(&vault, &who, *record, &["identity"]).await.unwrap();
                made += 1;
            }
        }
        let refused = breaks(&vault, &doctor(999), record, &["identity"]).await;
        assert!(is_full(refused, limits::REVIEWS_MAX));
        let oldest = reviews(&vault).await.remove(0);
        close(&vault, &watch(), &oldest, "fine").await.unwrap();
        assert!(breaks(&vault, &doctor(999), record, &["identity"]).await.is_ok());
        let listed = reviews(&vault).await;
        assert_eq!(listed.len(), limits::REVIEWS_MAX);
        assert!(listed.iter().all(|one| one.id != oldest.id), "the closed one went");
    });
}
