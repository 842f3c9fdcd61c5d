//! Retention: what is due, its destruction, the sweep afterwards, and the certificate.
//!
//! `plan`, `scheduler` and `rule` are pure; `purge` is the order of DESIGN section 3 in one function;
//! `sweep` deletes what is unreadable already; `certificate` says exactly what is proven. It must not
//! write past the audit log, which is the only writer of the store, and must not take a request's
//! word for what is due. Invariants: one purge at a time; nothing is reported erased before the
//! erasure point; a run cut anywhere ends with the same totals.

pub mod rule;

mod certificate;
mod certify;
mod context;
mod erase;
mod error;
mod hold;
mod plan;
mod purge;
mod reach;
mod report;
mod reseal;
mod rows;
mod run;
mod scheduler;
mod searchable;
mod survey;
mod sweep;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono_tz::Tz;
use parking_lot::Mutex;

pub use self::{
    certificate::{
        CertificateError, CertificateSummary, Evidence, Finding, LogCopy, Proven, Verdict, prove,
        verifier_key, verify,
    },
    erase::{Doomed, EraseRequest, Erased, Fate, Remember},
    error::RetentionError,
    hold::{HoldOrder, Placing, Released},
    report::{DueCohort, Preview, PurgeReport},
    reseal::{Dropped, Left},
    searchable::Owed,
    survey::{Surveyed, survey},
};
use self::{
    context::{Context, certificates_name, draft_event},
    plan::PlannedCohort,
    purge::Reached,
    reach::AUDIT,
    sweep::{Pages, Sweeper},
};
use crate::{
    audit::{ALARM_ROLLBACK, AuditLog, EventDraft},
    clock::Timestamp,
    identity::Caller,
    ids::{CertificateId, CohortId, HoldId, RecordId},
    limits,
    policy::Pack,
    storage::{Group, Op, keys},
};

/// Kind of the alarm that a purge failed past its commit point and waits for a restart.
pub const ALARM_ERASURE_PENDING: &str = "erasure-pending";

/// Kind of the alarm that a record bears the mark of an erasure that nobody began.
pub const ALARM_MARK: &str = "mark-without-intent";

/// When the schedule last ran and last tried.
#[derive(Debug, Default, Clone, Copy)]
struct LastRun {
    done: Option<Timestamp>,
    tried: Option<Timestamp>,
}

/// Purge, sweep and certificates of this node.
pub struct Retention {
    log: Arc<AuditLog>,
    running: AtomicBool,
    last: Mutex<LastRun>,
    erasures: erase::Line,
}

/// The right to run, given back on drop. Not a lock: a second run is told, it does not wait.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Retention {
    /// Retention over this log and its keyring.
    #[must_use]
    pub fn new(log: Arc<AuditLog>) -> Self {
        let (running, last) = (AtomicBool::new(false), Mutex::new(LastRun::default()));
        Self { log, running, last, erasures: erase::Line::default() }
    }

    /// What a purge would drop now, with the number of records; changes nothing. Blocks.
    ///
    /// # Errors
    /// Reading storage.
    pub fn preview(&self) -> Result<Preview, RetentionError> {
        let keyring = self.log.keyring();
        let now = self.log.clock().now();
        let plan = plan::plan(&keyring.segments(), &keyring.holds(), &[], now);
        let cohorts = plan.cohorts.iter().map(|cohort| self.previewed(cohort));
        let cohorts = cohorts.collect::<Result<_, _>>()?;
        Ok(Preview { cutoff: plan.cutoff, cohorts, holds: plan.held })
    }

    /// One generation for everything due, then the sweep, then the certificate. Takes up a run that
    /// was cut first. `by` is the agent, or `None` for the schedule, which does not repeat a try that
    /// failed or was skipped before [`limits::PURGE_RETRY_MS`] have passed. Blocks.
    ///
    /// # Errors
    /// [`RetentionError::Running`] while another run is under way; keyring, log and storage errors.
    /// Whatever the error, the next call takes the run up at the step it reached, except past the
    /// commit point: then [`ALARM_ERASURE_PENDING`] is raised, and the next start takes it up.
    pub fn run(&self, pack: &Pack, by: Option<&Caller>) -> Result<PurgeReport, RetentionError> {
        self.run_under(pack.hash(), by, &[])
    }

    fn run_under(
        &self,
        pack_hash: [u8; 32],
        by: Option<&Caller>,
        release: &[HoldId],
    ) -> Result<PurgeReport, RetentionError> {
        let _running = self.start()?;
        let now = self.log.clock().now();
        if by.is_none() && !self.waited(now) {
            let skipped = Some("the last try failed less than ten minutes ago".to_owned());
            return Ok(PurgeReport { skipped, ..PurgeReport::idle(self.log.keyring()) });
        }
        self.last.lock().tried = Some(now);
        let report = self.run_started(&Context { log: &self.log, pack_hash, by }, release);
        let report = report.inspect_err(|error| self.tell_pending(error))?;
        if report.skipped.is_none() {
            self.last.lock().done = Some(now);
        }
        Ok(report)
    }

    /// Past its commit point an erasure is neither undone nor acknowledged: somebody must restart the
    /// vault, which scrubs before it serves.
    fn tell_pending(&self, error: &RetentionError) {
        if erase::is_beyond_commit(error) {
            self.log.raise_alarm(ALARM_ERASURE_PENDING, "restart-the-vault");
        }
    }

    fn run_started(
        &self,
        cx: &Context<'_>,
        release: &[HoldId],
    ) -> Result<PurgeReport, RetentionError> {
        let before = match self.take_up(cx)? {
            // A run of which nothing was erased was done anew, with everything due by now; one that is
            // not over yet must be before another begins.
            Some((report, was_erased)) if !was_erased || report.skipped.is_some() => {
                return Ok(report);
            }
            taken_up => taken_up.map(|(report, _)| report),
        };
        let nothing = Reached::Nothing { replaced: None, release: release.to_vec() };
        let fresh = purge::purge(cx, nothing)?;
        // What was taken up is the news if nothing else was due since.
        let idle = fresh.generation_after == fresh.generation_before;
        Ok(before.filter(|_| idle).unwrap_or(fresh))
    }

    /// Takes up a purge that a crash cut, by the same steps and with the same totals, and sweeps what
    /// dropped segments left behind. Called at every start, before serving. Blocks.
    ///
    /// # Errors
    /// [`RetentionError::SegmentUnknown`] for a segment in use that the keyring neither holds nor
    /// dropped: the vault must not start.
    pub fn resume(&self, pack_hash: [u8; 32]) -> Result<Option<PurgeReport>, RetentionError> {
        let _running = self.start()?;
        let taken_up = self.take_up(&Context { log: &self.log, pack_hash, by: None })?;
        Ok(taken_up.map(|(report, _)| report))
    }

    /// The report of the run taken up, and whether its erasure had already happened.
    fn take_up(&self, cx: &Context<'_>) -> Result<Option<(PurgeReport, bool)>, RetentionError> {
        let write = self.writer();
        let sweeper = self.sweeper(&write);
        let dropped = sweeper.dropped_cohorts()?;
        let found = rows::purge_run(self.log.store().as_ref(), self.log.keyring().as_ref())?;
        let Some((mut run, bytes)) = found else {
            // No run is open, so these were left by a restored database or a late write.
            dropped.iter().try_for_each(|cohort| sweeper.cohort(cohort))?;
            self.report_sweep(cx, dropped.iter().map(|cohort| cohort.id).collect())?;
            return Ok(None);
        };
        if self.log.store().get(&keys::certificate(&run::certificate_id(&run)?, 1))?.is_some() {
            // Certified already, in the commit that deleted this row: it was put back.
            self.log.raise_alarm(ALARM_ROLLBACK, "purge-run-replayed");
            self.delete_row(keys::PURGE)?;
            return Ok(None);
        }
        let was_erased = purge::is_erased(cx, &run)?;
        let reached = if was_erased {
            run.resumed = run.resumed.saturating_add(1);
            run::renew_if_restored(cx, &mut run)?;
            Reached::Erased(Box::new(run))
        } else {
            Reached::Nothing { replaced: Some(bytes), release: Vec::new() }
        };
        Ok(Some((purge::purge(cx, reached)?, was_erased)))
    }

    /// Erases the records of one request, in one generation with those of others that wait. Blocks,
    /// also on other requests.
    ///
    /// # Errors
    /// [`RetentionError::Erasure`]: of the whole batch. Nothing is erased, unless the cause is past the
    /// commit point: then [`ALARM_ERASURE_PENDING`] is raised, nothing is acknowledged, and the next
    /// start finishes it.
    pub fn erase(&self, pack: &Pack, request: EraseRequest) -> Result<Erased, RetentionError> {
        let cx = Context { log: &self.log, pack_hash: pack.hash(), by: None };
        let erase = |batch| erase::erase(&cx, batch).inspect_err(|error| self.tell_pending(error));
        self.erasures.join(request, erase).map_err(RetentionError::Erasure)
    }

    /// Whether a record row bears the mark of an erasure that nobody began: it was written by somebody
    /// else, and erases nothing. While an erasure is under way, or waits for a restart, no mark counts as
    /// such.
    ///
    /// # Errors
    /// Reading storage.
    pub fn is_marked_by_nobody(log: &AuditLog, record: RecordId) -> Result<bool, RetentionError> {
        erase::is_marked_by_nobody(log, record)
    }

    /// Finishes erasures that a crash cut, and undoes those that erased nothing. Called at every start,
    /// after its first generation and before serving. Blocks.
    ///
    /// # Errors
    /// Storage, log and keyring errors.
    pub fn resume_erasures(&self, pack_hash: [u8; 32]) -> Result<usize, RetentionError> {
        erase::resume(&Context { log: &self.log, pack_hash, by: None })
    }

    /// Compares every row with the keyring and deletes those whose slot is unreachable: after a
    /// restored database. Deletes the mark ([`keys::SWEEP`]) that asked for it. Returns how many rows
    /// of records, sections, index and events went. Blocks.
    ///
    /// # Errors
    /// A segment or cohort the keyring does not know; storage and log errors.
    pub fn sweep_unreachable(&self) -> Result<u64, RetentionError> {
        let _running = self.start()?;
        let write = self.writer();
        let touched = self.sweeper(&write).everything()?;
        let pack_hash = self.log.keyring().pinned_pack().0;
        let cx = Context { log: &self.log, pack_hash, by: None };
        let rows_swept = self.report_sweep(&cx, touched)?;
        // A crash before leaves the mark, and the next start sweeps again.
        self.delete_row(keys::SWEEP)?;
        Ok(rows_swept)
    }

    /// Puts the counts of a sweep that no certificate covers into an event and clears them, in one
    /// commit. Cohorts of an open run are left to its certificate.
    fn report_sweep(
        &self,
        cx: &Context<'_>,
        mut cohorts: BTreeSet<CohortId>,
    ) -> Result<u64, RetentionError> {
        let (store, keyring) = (self.log.store().as_ref(), self.log.keyring().as_ref());
        if let Some((open, _)) = rows::purge_run(store, keyring)? {
            for cohort in run::cohorts(&open)? {
                cohorts.remove(&cohort.id);
            }
        }
        let mut rows_swept: u64 = 0;
        let mut ops = Vec::new();
        for cohort in &cohorts {
            let count = rows::sweep_count(store, keyring, cohort)?;
            let parts = [count.records, count.sections, count.index_rows, count.events];
            rows_swept = parts.iter().fold(rows_swept, |sum, part| sum.saturating_add(*part));
            ops.push(Op::Delete(keys::sweep_count(cohort)));
        }
        if rows_swept > 0 {
            let mut event: EventDraft = draft_event(cx, "sweep", "OK");
            event.notes = vec![format!("rows={rows_swept}"), format!("cohorts={}", cohorts.len())];
            let sealed = self.log.seal(&event)?;
            let group = Group { preconditions: Vec::new(), ops };
            let _receipt = self.log.commit_blocking(group, &[], Some(sealed))?;
        }
        Ok(rows_swept)
    }

    /// A certificate as one line of JSON; the newest one by default, the last revision of it.
    ///
    /// # Errors
    /// [`RetentionError::NoCertificate`]; reading storage.
    pub fn certificate(&self, id: Option<CertificateId>) -> Result<String, RetentionError> {
        certificate::read(self.log.store().as_ref(), id)
    }

    /// The generation that a certificate proves its erasure by.
    ///
    /// # Errors
    /// [`RetentionError::NoCertificate`]; reading storage.
    pub fn certified_generation(&self, id: CertificateId) -> Result<u64, RetentionError> {
        certificate::generation(self.log.store().as_ref(), id)
    }

    /// Ids and revisions of all certificates.
    ///
    /// # Errors
    /// Reading storage.
    pub fn certificates(&self) -> Result<Vec<(CertificateId, u32)>, RetentionError> {
        certificate::ids(self.log.store().as_ref())
    }

    /// Age in milliseconds of the oldest segment past its date that holds data and is not kept for
    /// held records; 0 when nothing is overdue. A segment whose use cannot be read counts as used.
    #[must_use]
    pub fn overdue_ms(&self) -> i64 {
        let used = |id: &_| !matches!(self.log.store().get(&keys::segment(id)), Ok(None));
        let keyring = self.log.keyring();
        plan::overdue_millis(&keyring.segments(), &keyring.holds(), self.log.clock().now(), used)
    }

    /// Whether the schedule should run now: some zone's midnight has passed since the last run, the
    /// clock guard is not tripped, and a failed try is long enough ago.
    #[must_use]
    pub fn is_due(&self, zones: &[Tz]) -> bool {
        let now = self.log.clock().now();
        let done = self.last.lock().done;
        self.waited(now) && !self.log.clock_tripped() && scheduler::is_due(done, now, zones)
    }

    /// Whether the last try succeeded or is long enough ago: a place that stays away must not fill the
    /// log with intents.
    fn waited(&self, now: Timestamp) -> bool {
        let last = *self.last.lock();
        let failed = last.tried.filter(|tried| last.done != Some(*tried));
        failed.is_none_or(|tried| {
            now.as_millis().abs_diff(tried.as_millis()) >= limits::PURGE_RETRY_MS.unsigned_abs()
        })
    }

    /// When the schedule's next run is due.
    #[must_use]
    pub fn next_run(&self, zones: &[Tz]) -> Option<Timestamp> {
        scheduler::next_run(self.log.clock().now(), zones)
    }

    /// The key that verifies this vault's certificates: `<vault>/certificates+hex key id+base64`.
    #[must_use]
    pub fn certificate_verifier_key(&self) -> String {
        let keyring = self.log.keyring();
        let name = certificates_name(&keyring.vault_name());
        verifier_key(&name, &keyring.certificate_signer().public())
    }

    fn previewed(&self, cohort: &PlannedCohort) -> Result<DueCohort, RetentionError> {
        let id = cohort.info.id;
        let audit = cohort.info.key.collection.as_str() == AUDIT;
        let prefix = if audit { keys::sections(&id) } else { keys::members(&id) };
        let mut pages = Pages::over(prefix);
        let mut records: u64 = 0;
        while let Some(page) = pages.next(self.log.store().as_ref())? {
            records = records.saturating_add(u64::try_from(page.len()).unwrap_or(u64::MAX));
        }
        Ok(DueCohort {
            cohort: id,
            collection: cohort.info.key.collection.clone(),
            expires_on: cohort.info.key.expires_on,
            zone: cohort.info.key.zone.name().to_owned(),
            segments: cohort.segments.len(),
            records,
        })
    }

    fn delete_row(&self, key: &[u8]) -> Result<(), RetentionError> {
        let ops = vec![Op::Delete(key.to_vec())];
        Ok(self.log.write_rows(Group { preconditions: Vec::new(), ops })?)
    }

    fn start(&self) -> Result<Running<'_>, RetentionError> {
        if self.running.swap(true, Ordering::Acquire) {
            return Err(RetentionError::Running);
        }
        Ok(Running(&self.running))
    }

    fn writer(&self) -> impl Fn(Group) -> Result<(), RetentionError> {
        |group| self.log.write_rows(group).map_err(RetentionError::from)
    }

    fn sweeper<'a>(
        &'a self,
        write: &'a dyn Fn(Group) -> Result<(), RetentionError>,
    ) -> Sweeper<'a> {
        Sweeper { store: self.log.store().as_ref(), reach: self.log.keyring().as_ref(), write }
    }
}
