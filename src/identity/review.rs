//! Reviews: each time somebody breaks the glass, another person must say afterwards whether that was right.
//!
//! A row `g/review/<id>` says who broke it, when, until when it stays broken and until when the review is
//! due; it holds service data alone. Which record, which classes, the reason and its text are in the
//! sealed event of the breaking; the verdict and its text are in the sealed event of the closing: a listing
//! reads both from there.
//! Invariants: a row is opened in the commit of the event that it is about; who closes a review is a person
//! and not the one who broke the glass; it is closed once, in the commit of the closing's event.

use std::sync::Arc;

use prost::Message as _;

use super::{AgentKind, Caller};
use crate::{
    audit::{AuditError, AuditLog, EventDetail, EventDraft, EventFilter, SealedEvent, StoredEvent},
    clock::Timestamp,
    ids::{AgentId, EventId, ReviewId},
    limits,
    storage::{Group, Op, Precondition, StoreError, keys},
    wire::store::ReviewRow,
};

/// Kind of the event of a call that breaks the glass.
pub(crate) const BROKEN: &str = "break-glass";
/// Kind of the event that closes a review.
pub(crate) const CLOSED: &str = "review-close";

/// Why a review was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// No open review has this id.
    #[error("no open review has this id")]
    Unknown,
    /// Who broke the glass, or an account that is no person, may not close it.
    #[error("a review is closed by another person than who broke the glass")]
    SamePerson,
    /// There are too many open ones.
    #[error("too many reviews are open; at most {limit}")]
    Full {
        /// The bound, of all agents or of this one.
        limit: usize,
    },
    /// A row does not verify.
    #[error("a stored review does not verify")]
    Tampered,
    /// The log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Reading rows.
    #[error(transparent)]
    Read(#[from] StoreError),
}

/// A review as a listing shows it.
#[derive(Debug, Clone)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// The event of the breaking.
    pub event: EventId,
    /// Who broke the glass.
    pub agent: AgentId,
    /// When.
    pub opened_at: Timestamp,
    /// Until when the glass stays broken.
    pub ends_at: Timestamp,
    /// Until when the review is due.
    pub due_at: Timestamp,
    /// Who closed it, and when; `None` while open.
    pub closed: Option<(AgentId, Timestamp)>,
    /// It is open, and its time is over.
    pub overdue: bool,
    /// How long it has been open, or was, in milliseconds.
    pub age_ms: i64,
    /// The record, the classes, the reason: `None` where the event is no longer there.
    pub broken: Option<StoredEvent>,
    /// The verdict and its text; `None` while open, or where the event is no longer there.
    pub verdict: Option<StoredEvent>,
}

/// How many reviews wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    /// Open ones.
    pub open: usize,
    /// Of these, those whose time is over.
    pub overdue: usize,
}

/// The reviews of this vault.
#[derive(Clone)]
pub struct Reviews {
    log: Arc<AuditLog>,
}

impl Reviews {
    /// Reviews over this log.
    #[must_use]
    pub fn new(log: Arc<AuditLog>) -> Self {
        Self { log }
    }

    /// The id by which an event and its review know each other.
    #[must_use]
    pub fn make_id(&self) -> ReviewId {
        ReviewId::make(self.log.random().as_ref())
    }

    /// The rows of a new review, to be written in the commit of this event. Rows of reviews that have been
    /// closed for long go in the same commit.
    ///
    /// # Errors
    /// [`ReviewError::Full`] where too many are open, of all agents or of this one.
    pub fn opening(
        &self,
        who: &Caller,
        id: ReviewId,
        event: &SealedEvent,
        (ends_at, due_at): (Timestamp, Timestamp),
    ) -> Result<Group, ReviewError> {
        let mut ops = self.make_room(who, event.time())?;
        let row = ReviewRow {
            review_id: id.as_bytes().to_vec(),
            event_id: event.id().as_bytes().to_vec(),
            agent_id: who.agent.to_string(),
            opened_at_ms: event.time().as_millis(),
            ends_at_ms: ends_at.as_millis(),
            due_at_ms: due_at.as_millis(),
            ..ReviewRow::default()
        };
        ops.push(self.put(&keys::review(&id), &row));
        Ok(Group { preconditions: Vec::new(), ops })
    }

    /// Whether this agent may have one more review opened.
    ///
    /// # Errors
    /// [`ReviewError::Full`]; reading rows.
    pub fn room_for(&self, who: &Caller) -> Result<(), ReviewError> {
        self.make_room(who, self.log.civil_now()).map(drop)
    }

    fn make_room(&self, who: &Caller, now: Timestamp) -> Result<Vec<Op>, ReviewError> {
        let mut rows = self.rows()?;
        rows.sort_by_key(|(_, row)| row.opened_at_ms);
        let is_open = |row: &ReviewRow| row.closed_by.is_empty();
        let open = rows.iter().filter(|(_, row)| is_open(row));
        let own = open.filter(|(_, row)| row.agent_id == who.agent.as_str()).count();
        if own >= limits::REVIEWS_PER_AGENT_MAX {
            return Err(ReviewError::Full { limit: limits::REVIEWS_PER_AGENT_MAX });
        }
        let long_ago = now.plus_millis(-limits::REVIEW_KEPT_MS).as_millis();
        let mut left = rows.len();
        let mut gone = Vec::new();
        for (key, row) in rows {
            let no_room = left >= limits::REVIEWS_MAX;
            if !is_open(&row) && (no_room || row.closed_at_ms < long_ago) {
                gone.push(Op::Delete(key));
                left -= 1;
            }
        }
        if left >= limits::REVIEWS_MAX {
            return Err(ReviewError::Full { limit: limits::REVIEWS_MAX });
        }
        Ok(gone)
    }

    /// Closes one, in the commit of this event.
    ///
    /// # Errors
    /// [`ReviewError::Unknown`] for one that is not there or closed, [`ReviewError::SamePerson`]; the log's.
    pub async fn close(
        &self,
        who: &Caller,
        id: &ReviewId,
        event: &EventDraft,
    ) -> Result<(), ReviewError> {
        let (mut row, value) = self.read(id)?.ok_or(ReviewError::Unknown)?;
        if row.agent_id == who.agent.as_str() || who.kind != AgentKind::Person {
            return Err(ReviewError::SamePerson);
        }
        if !row.closed_by.is_empty() {
            return Err(ReviewError::Unknown);
        }
        let sealed = self.log.seal(event)?;
        row.closed_by = who.agent.to_string();
        row.closed_at_ms = sealed.time().as_millis();
        row.closing_event_id = sealed.id().as_bytes().to_vec();
        let key = keys::review(id);
        let preconditions = vec![Precondition::Unchanged(key.clone(), value)];
        let group = Group { preconditions, ops: vec![self.put(&key, &row)] };
        match self.log.commit(group, &[], sealed).await {
            Err(AuditError::Rejected) => Err(ReviewError::Unknown),
            done => Ok(done.map(|_receipt| ())?),
        }
    }

    /// All reviews that are kept, or the open ones alone: open before closed, what is due first before what
    /// is due later, each with what was broken and why.
    ///
    /// # Errors
    /// Reading rows and events. Blocks.
    pub fn list(&self, open_only: bool) -> Result<Vec<Review>, ReviewError> {
        let mut rows: Vec<ReviewRow> = self.rows()?.into_iter().map(|(_, row)| row).collect();
        rows.retain(|row| !open_only || row.closed_by.is_empty());
        let since = rows.iter().map(|row| row.opened_at_ms).min().map(Timestamp::from_millis);
        let mut broken = self.events(BROKEN, since)?;
        let mut verdicts = if open_only { Vec::new() } else { self.events(CLOSED, since)? };
        let now = self.log.civil_now();
        let mut reviews = Vec::with_capacity(rows.len());
        for row in rows {
            let mut review = listed(&row, now).ok_or(ReviewError::Tampered)?;
            review.broken = take(&mut broken, &review.id);
            review.verdict =
                review.closed.is_some().then(|| take(&mut verdicts, &review.id)).flatten();
            reviews.push(review);
        }
        reviews.sort_by_key(|one| (one.closed.is_some(), one.due_at, one.id));
        Ok(reviews)
    }

    /// How many wait.
    ///
    /// # Errors
    /// Reading rows.
    pub fn counts(&self) -> Result<ReviewCounts, ReviewError> {
        let now = self.log.civil_now().as_millis();
        let mut counts = ReviewCounts::default();
        for (_, row) in self.rows()? {
            if row.closed_by.is_empty() {
                counts.open += 1;
                counts.overdue += usize::from(row.due_at_ms <= now);
            }
        }
        Ok(counts)
    }

    /// Events of this kind since then that did what was asked, of those that still open.
    fn events(
        &self,
        kind: &str,
        since: Option<Timestamp>,
    ) -> Result<Vec<StoredEvent>, ReviewError> {
        if since.is_none() {
            return Ok(Vec::new());
        }
        let filter = EventFilter { kind: Some(kind.to_owned()), since, ..EventFilter::default() };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.log.list(&filter, after, limits::PAGE_MAX)?;
            found.extend(page.events.into_iter().filter_map(|event| match event.detail {
                EventDetail::Open(event) if event.outcome == "OK" => Some(*event),
                _ => None,
            }));
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    fn rows(&self) -> Result<Vec<(Vec<u8>, ReviewRow)>, ReviewError> {
        let (mut rows, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page =
                self.log.store().scan(&keys::reviews(), after.as_deref(), limits::PAGE_MAX)?;
            let Some((last, _)) = page.last() else { return Ok(rows) };
            after = Some(last.clone());
            for (key, value) in page {
                let row = self.checked(&key, &value)?;
                rows.push((key, row));
            }
        }
    }

    fn read(&self, id: &ReviewId) -> Result<Option<(ReviewRow, Vec<u8>)>, ReviewError> {
        let key = keys::review(id);
        let Some(value) = self.log.store().get(&key)? else { return Ok(None) };
        let row = self.checked(&key, &value)?;
        Ok(Some((row, value)))
    }

    /// The row, if it verifies and is the one that its key names.
    fn checked(&self, key: &[u8], value: &[u8]) -> Result<ReviewRow, ReviewError> {
        let bytes = self.log.keyring().check_row(key, value).ok_or(ReviewError::Tampered)?;
        ReviewRow::decode(bytes).map_err(|_| ReviewError::Tampered)
    }

    fn put(&self, key: &[u8], row: &ReviewRow) -> Op {
        Op::Put(key.to_vec(), self.log.keyring().mac_row(key, &row.encode_to_vec()))
    }
}

/// The note by which the events about a review name it.
#[must_use]
pub(crate) fn note(id: &ReviewId) -> String {
    format!("review={id}")
}

fn take(events: &mut Vec<StoredEvent>, id: &ReviewId) -> Option<StoredEvent> {
    let wanted = note(id);
    let at = events.iter().position(|event| event.notes.contains(&wanted))?;
    Some(events.swap_remove(at))
}

fn listed(row: &ReviewRow, now: Timestamp) -> Option<Review> {
    let closed = match row.closed_by.as_str() {
        "" => None,
        by => Some((AgentId::parse(by).ok()?, Timestamp::from_millis(row.closed_at_ms))),
    };
    let until = closed.as_ref().map_or(now, |(_, at)| *at).as_millis();
    Some(Review {
        id: ReviewId::from_slice(&row.review_id).ok()?,
        event: EventId::from_slice(&row.event_id).ok()?,
        agent: AgentId::parse(&row.agent_id).ok()?,
        opened_at: Timestamp::from_millis(row.opened_at_ms),
        ends_at: Timestamp::from_millis(row.ends_at_ms),
        due_at: Timestamp::from_millis(row.due_at_ms),
        overdue: closed.is_none() && row.due_at_ms <= now.as_millis(),
        age_ms: until.saturating_sub(row.opened_at_ms),
        closed,
        broken: None,
        verdict: None,
    })
}
