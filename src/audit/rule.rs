//! Which `_audit` cohort an event belongs to (DESIGN section 6). Pure.

use chrono::{Datelike, Months, NaiveDate};
use chrono_tz::Tz;

use super::error::AuditError;
use crate::{
    clock::Timestamp,
    ids::{ClassName, CollectionName},
    keyring::CohortKey,
};

/// Months that an event is kept, from the first day of its own.
const MONTHS: u32 = 12;

/// The pack's zone and end date: events belong to months of that zone.
#[derive(Debug, Clone)]
pub struct AuditRule {
    /// The pack's zone.
    pub zone: Tz,
    /// The pack's absolute end date: from it on, events name no record.
    pub end_date: NaiveDate,
}

impl AuditRule {
    /// Whether an event of this instant may name records and subjects.
    #[must_use]
    pub fn names_records(&self, time: Timestamp) -> bool {
        time.date_in(self.zone) < self.end_date
    }

    /// For events of every live cohort: the first date of the months whose events still open at
    /// `now`. Filters on details are complete from here on.
    #[must_use]
    pub fn complete_from(&self, now: Timestamp) -> Option<NaiveDate> {
        let today = now.date_in(self.zone);
        let from = today.with_day(1)?.checked_sub_months(Months::new(MONTHS - 1))?;
        // At the end date everything before it expired at once.
        Some(if today >= self.end_date { from.max(self.end_date) } else { from })
    }
}

/// The cohort of an event of this instant: it expires on the first day of month M + 12, capped by
/// the pack's end date; events from that date on name nobody and are not capped.
///
/// Errors: [`AuditError::Corrupt`] only beyond the calendar's range.
pub fn audit_cohort_key(rule: &AuditRule, time: Timestamp) -> Result<CohortKey, AuditError> {
    let expires_on = time
        .date_in(rule.zone)
        .with_day(1)
        .and_then(|first| first.checked_add_months(Months::new(MONTHS)))
        .ok_or(AuditError::Corrupt("a date beyond the calendar"))?;
    let capped = if rule.names_records(time) { expires_on.min(rule.end_date) } else { expires_on };
    Ok(CohortKey { collection: collection()?, expires_on: capped, zone: rule.zone })
}

/// The reserved collection `_audit`.
pub(super) fn collection() -> Result<CollectionName, AuditError> {
    CollectionName::parse("_audit").map_err(|_| AuditError::Corrupt("the reserved collection"))
}

/// The reserved class `event`.
pub(super) fn class() -> Result<ClassName, AuditError> {
    ClassName::parse("event").map_err(|_| AuditError::Corrupt("the reserved class"))
}
