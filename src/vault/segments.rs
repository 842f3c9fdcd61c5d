//! "Open segments" of DESIGN section 3: a segment for every expiry date that will be written to.
//!
//! Segments are opened in batches, one generation for all that is wanted. Invariant: no slot is handed
//! out before its generation's leaf is durable; `keyring::Unpublished` and `audit::publish` hold that.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::{
    audit::{AuditLog, AuditRule, audit_cohort_key},
    clock::Timestamp,
    keyring::{CohortKey, Draft, KeyringError, Slot},
    limits,
    policy::{CollectionSpec, Pack},
    retention::rule,
};

use super::VaultError;

/// How long before the pack's end date the cohort of its first events is opened, in milliseconds.
const END_DATE_AHEAD_MS: i64 = 62 * 24 * 60 * 60 * 1000;

/// What a generation erases besides opening segments.
type Erase<'a> = &'a dyn Fn(&mut Draft) -> Result<(), VaultError>;

/// Opens segments and hands out their slots.
pub(crate) struct Segments {
    log: Arc<AuditLog>,
}

impl Segments {
    pub(crate) fn new(log: Arc<AuditLog>) -> Self {
        Self { log }
    }

    /// The log it opens them by.
    pub(crate) fn log(&self) -> &Arc<AuditLog> {
        &self.log
    }

    /// A fresh slot of this cohort, opening a segment for it if none is open.
    pub(crate) async fn hand_out(self: &Arc<Self>, key: &CohortKey) -> Result<Slot, VaultError> {
        match self.log.keyring().hand_out(key) {
            Err(KeyringError::NoSegment) => {}
            answer => return Ok(answer?),
        }
        self.open(vec![key.clone()]).await?;
        Ok(self.log.keyring().hand_out(key)?)
    }

    /// The same for many cohorts, in one generation.
    pub(crate) async fn open(self: &Arc<Self>, wanted: Vec<CohortKey>) -> Result<(), VaultError> {
        let keyring = self.log.keyring();
        if wanted.iter().all(|key| keyring.has_open_segment(key)) {
            return Ok(());
        }
        let segments = Arc::clone(self);
        tokio::task::spawn_blocking(move || segments.ensure(&wanted))
            .await
            .map_err(|_| VaultError::Interrupted)?
    }

    /// Sees to it that each of these cohorts has an open segment. Blocks.
    pub(crate) fn ensure(&self, wanted: &[CohortKey]) -> Result<(), VaultError> {
        self.ensure_with(wanted, None)
    }

    /// The same, and erases in the same generation what `erase` punctures. Blocks.
    ///
    /// Errors also: [`KeyringError::ErasureNeedsPlace`], and then nothing was done.
    pub(crate) fn ensure_with(
        &self,
        wanted: &[CohortKey],
        erase: Option<Erase<'_>>,
    ) -> Result<(), VaultError> {
        let keyring = self.log.keyring();
        let missing = |keys: &[CohortKey]| -> Vec<CohortKey> {
            keys.iter().filter(|key| !keyring.has_open_segment(key)).cloned().collect()
        };
        if missing(wanted).is_empty() && erase.is_none() {
            return Ok(());
        }
        let mut draft = keyring.draft();
        // Somebody else may have opened them while this call waited for the generation lock.
        let missing = missing(wanted);
        if missing.is_empty() && erase.is_none() {
            return Ok(());
        }
        if let Some(erase) = erase {
            erase(&mut draft)?;
        }
        for key in &missing {
            draft.open_segment(key, self.log.random().as_ref())?;
        }
        // 1. The new keyring at the places, anchors advanced, old slots scrubbed.
        //    A crash before the anchor moved leaves an orphan file; after it, a generation without a
        //    leaf, none of whose slots was handed out: start-up writes the leaf before serving.
        let unpublished = draft.write(self.log.state(), self.log.random().as_ref())?;
        // 2. The generation leaf; only now may a slot be handed out.
        self.log.publish(unpublished)?;
        Ok(())
    }
}

/// The cohorts that today's and tomorrow's writes need: every collection and class period in every
/// zone, and this month's and the next's audit events. Dates already past their rule are left out.
pub(crate) fn upcoming(pack: &Pack, now: Timestamp) -> Vec<CohortKey> {
    let mut wanted = Vec::new();
    let mut add = |key: CohortKey| {
        let lives = Timestamp::start_of(key.expires_on, key.zone).is_some_and(|end| now < end);
        if lives && !wanted.contains(&key) {
            wanted.push(key);
        }
    };
    for key in audit_months(pack, now) {
        add(key);
    }
    for zone in pack.zones() {
        let today = now.date_in(zone);
        for date in [Some(today), today.succ_opt()].into_iter().flatten() {
            for spec in pack.collections() {
                let class_periods = spec.class_periods.iter().map(|(_, period)| *period);
                for period in std::iter::once(spec.period).chain(class_periods) {
                    let expires_on = rule::expiry(date, period, pack.end_date());
                    add(CohortKey { collection: spec.name.clone(), expires_on, zone });
                }
            }
        }
    }
    wanted
}

/// The cohorts that a record of this collection can have when it is filed now, whatever its collection
/// date: every expiry date from tomorrow on to that of today's data, class periods included, in every
/// zone of the collection. At most `limits::IMPORT_SEGMENTS_MAX`, the earliest left out first: what is
/// filed is mostly new, and a cohort left out is opened when it is needed.
pub(crate) fn live(pack: &Pack, spec: &CollectionSpec, now: Timestamp) -> Vec<CohortKey> {
    let mut wanted = Vec::new();
    for zone in pack.zones_of(spec) {
        let today = now.date_in(zone);
        let class_periods = spec.class_periods.iter().map(|(_, period)| *period);
        let last = std::iter::once(spec.period)
            .chain(class_periods)
            .map(|period| rule::expiry(today, period, pack.end_date()))
            .max();
        let mut expires_on = last.filter(|last| *last > today);
        while let Some(date) = expires_on {
            wanted.push(CohortKey { collection: spec.name.clone(), expires_on: date, zone });
            expires_on = date.pred_opt().filter(|date| *date > today);
        }
    }
    wanted.sort_by_key(|key| std::cmp::Reverse(key.expires_on));
    wanted.truncate(limits::IMPORT_SEGMENTS_MAX);
    wanted
}

/// The `_audit` cohorts of this month and the next.
pub(crate) fn audit_months(pack: &Pack, now: Timestamp) -> Vec<CohortKey> {
    let rule = audit_rule(pack);
    let zone = rule.zone;
    let next_month = now.date_in(zone).checked_add_months(chrono::Months::new(1));
    let next = next_month.and_then(first_of_month).and_then(|day| Timestamp::start_of(day, zone));
    // From the end date on, events have cohorts of their own.
    let end = Timestamp::start_of(rule.end_date, zone)
        .filter(|end| (0..END_DATE_AHEAD_MS).contains(&(end.as_millis() - now.as_millis())));
    let mut months: Vec<CohortKey> = Vec::new();
    for at in std::iter::once(now).chain(next).chain(end) {
        match audit_cohort_key(&rule, at) {
            Ok(key) if !months.contains(&key) => months.push(key),
            _ => {}
        }
    }
    months
}

/// How long this pack's events are kept.
pub(crate) fn audit_rule(pack: &Pack) -> AuditRule {
    AuditRule { zone: pack.zone(), end_date: pack.end_date() }
}

fn first_of_month(date: NaiveDate) -> Option<NaiveDate> {
    chrono::Datelike::with_day(&date, 1)
}
