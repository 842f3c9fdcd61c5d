//! Approvals: leave that a second person gives to one exact request, once, within 24 hours.
//!
//! A row `g/approval/<id>` binds the hash of the request, who asked and who gave; it holds service data
//! alone. What is asked for, and why, is in the sealed event of the asking, from where a listing reads it.
//! Invariants: who approves is a person and not the one who asked; an approval is used up in the commit
//! of the event of the call that it allows, on the condition that the row is still as it was read. A row
//! put back by somebody who writes the database is usable again until its 24 hours end: the log shows
//! both uses.

use std::sync::Arc;

use prost::Message as _;

use super::{AgentKind, Caller, Identity};
use crate::{
    audit::{AuditError, AuditLog, EventDetail, EventDraft, EventFilter, StoredEvent},
    clock::Timestamp,
    ids::{AgentId, ApprovalId},
    limits,
    storage::{Group, Op, Precondition, StoreError, keys},
    wire::store::ApprovalRow,
};

/// Kind of the event that says what is asked for.
const ASKED: &str = "approval-request";

/// Why an approval was refused or is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalError {
    /// The call needs one and names none.
    #[error("a second person must approve this exact request first")]
    Needed,
    /// Nobody has given it yet.
    #[error("nobody has given this approval yet")]
    Pending,
    /// No approval has this id, or it is of another agent or for another request.
    #[error("no approval of this id is for this request of yours")]
    Other,
    /// Its 24 hours are over.
    #[error("this approval has expired; ask again")]
    Expired,
    /// It was used.
    #[error("this approval was used; ask again")]
    Used,
    /// Somebody has given it already.
    #[error("this approval was given already")]
    Given,
    /// The one who gave it was revoked since.
    #[error("who gave this approval may not act any more; ask again")]
    ApproverGone,
    /// The requester, or an account that is no person, may not give it.
    #[error("an approval is given by another person than who asked for it")]
    SamePerson,
    /// There are too many open ones.
    #[error("too many approvals are open; at most {limit}")]
    Full {
        /// The bound, of all agents or of this one.
        limit: usize,
    },
    /// A row does not verify.
    #[error("a stored approval does not verify")]
    Tampered,
    /// The log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Reading rows.
    #[error(transparent)]
    Read(#[from] StoreError),
}

/// A request as an approval is bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What it does, in a word of the log.
    pub action: &'static str,
    /// SHA-256 of method and message.
    pub hash: [u8; 32],
}

/// An approval as a listing shows it.
#[derive(Debug, Clone)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What it is for.
    pub action: String,
    /// SHA-256 of the exact request.
    pub hash: [u8; 32],
    /// Who asked.
    pub requested_by: AgentId,
    /// When.
    pub requested_at: Timestamp,
    /// Until when it can be given and used.
    pub expires_at: Timestamp,
    /// Who gave it.
    pub approved_by: Option<AgentId>,
    /// It was used.
    pub used: bool,
    /// What is asked for and why; `None` where the event is no longer there.
    pub asked: Option<StoredEvent>,
}

/// An approval that may be used now: the approver, and what uses it up in the caller's own commit.
pub struct Usable {
    /// Who gave it.
    pub approver: AgentId,
    /// The row's change, on the condition that nobody used it meanwhile.
    pub spend: Group,
}

/// The approvals of this vault.
#[derive(Clone)]
pub struct Approvals {
    log: Arc<AuditLog>,
    identity: Arc<Identity>,
}

impl Approvals {
    /// Approvals over this log and directory.
    #[must_use]
    pub fn new(log: Arc<AuditLog>, identity: Arc<Identity>) -> Self {
        Self { log, identity }
    }

    /// Asks for one; `event` says what for. Rows of approvals that have been over for long go in the same
    /// commit.
    ///
    /// # Errors
    /// `ApprovalError::Full`; the log's.
    pub async fn request(
        &self,
        who: &Caller,
        bound: &Bound,
        mut event: EventDraft,
    ) -> Result<(ApprovalId, Timestamp), ApprovalError> {
        let now = self.log.civil_now();
        let mut group = Group { preconditions: Vec::new(), ops: self.make_room(who, now)? };
        let id = ApprovalId::make(self.log.random().as_ref());
        let expires_at = now.plus_millis(limits::APPROVAL_MS);
        let row = ApprovalRow {
            approval_id: id.as_bytes().to_vec(),
            action: bound.action.to_owned(),
            request_hash: bound.hash.to_vec(),
            requested_by: who.agent.to_string(),
            requested_at_ms: now.as_millis(),
            expires_at_ms: expires_at.as_millis(),
            ..ApprovalRow::default()
        };
        group.ops.push(self.put(&keys::approval(&id), &row));
        event.notes.extend([note(&id), format!("action={}", bound.action)]);
        let sealed = self.log.seal(&event)?;
        let _receipt = self.log.commit(group, &[], sealed).await?;
        Ok((id, expires_at))
    }

    /// Deletes what has been over for long, and where there is no room, the oldest that is over at all.
    ///
    /// Errors: `ApprovalError::Full` where too many are open, of all agents or of this one.
    fn make_room(&self, who: &Caller, now: Timestamp) -> Result<Vec<Op>, ApprovalError> {
        let mut rows = self.rows()?;
        rows.sort_by_key(|(_, row)| row.requested_at_ms);
        let is_over =
            |row: &ApprovalRow| row.used_at_ms != 0 || row.expires_at_ms <= now.as_millis();
        let open = rows.iter().filter(|(_, row)| !is_over(row));
        let own = open.filter(|(_, row)| row.requested_by == who.agent.as_str()).count();
        if own >= limits::APPROVALS_PER_AGENT_MAX {
            return Err(ApprovalError::Full { limit: limits::APPROVALS_PER_AGENT_MAX });
        }
        let long_ago = now.plus_millis(-limits::APPROVAL_KEPT_MS).as_millis();
        let mut left = rows.len();
        let mut gone = Vec::new();
        for (key, row) in rows {
            let no_room = left >= limits::APPROVALS_MAX && is_over(&row);
            if row.expires_at_ms < long_ago || no_room {
                gone.push(Op::Delete(key));
                left -= 1;
            }
        }
        if left >= limits::APPROVALS_MAX {
            return Err(ApprovalError::Full { limit: limits::APPROVALS_MAX });
        }
        Ok(gone)
    }

    /// Forgets every approval: of a database that was put back, which does not know what was used since.
    /// Blocks.
    ///
    /// # Errors
    /// Reading rows; the log's.
    pub fn forget_all(log: &AuditLog) -> Result<(), ApprovalError> {
        loop {
            let page = log.store().scan(&keys::approvals(), None, limits::PAGE_MAX)?;
            if page.is_empty() {
                return Ok(());
            }
            let ops = page.into_iter().map(|(key, _)| Op::Delete(key)).collect();
            log.write_rows(Group { preconditions: Vec::new(), ops })?;
        }
    }

    /// Gives one.
    ///
    /// # Errors
    /// [`ApprovalError::Other`] for an unknown one, [`ApprovalError::SamePerson`],
    /// [`ApprovalError::Expired`], [`ApprovalError::Given`]; the log's.
    pub async fn approve(
        &self,
        who: &Caller,
        id: &ApprovalId,
        mut event: EventDraft,
    ) -> Result<(), ApprovalError> {
        let (mut row, value) = self.read(id)?.ok_or(ApprovalError::Other)?;
        let now = self.log.civil_now();
        if row.requested_by == who.agent.as_str() || who.kind != AgentKind::Person {
            return Err(ApprovalError::SamePerson);
        }
        if now.as_millis() >= row.expires_at_ms {
            return Err(ApprovalError::Expired);
        }
        if !row.approved_by.is_empty() {
            return Err(ApprovalError::Given);
        }
        row.approved_by = who.agent.to_string();
        row.approved_at_ms = now.as_millis();
        let key = keys::approval(id);
        let preconditions = vec![Precondition::Unchanged(key.clone(), value)];
        let group = Group { preconditions, ops: vec![self.put(&key, &row)] };
        event.notes = vec![note(id), format!("action={}", row.action)];
        match self.log.commit(group, &[], self.log.seal(&event)?).await {
            Err(AuditError::Rejected) => Err(ApprovalError::Given),
            done => Ok(done.map(|_receipt| ())?),
        }
    }

    /// Looks whether this caller may use an approval for this request now. Uses nothing up.
    ///
    /// # Errors
    /// [`ApprovalError::Needed`] without an id, and all that can be wrong with one.
    pub fn usable(
        &self,
        who: &Caller,
        bound: &Bound,
        id: Option<&ApprovalId>,
    ) -> Result<Usable, ApprovalError> {
        let id = id.ok_or(ApprovalError::Needed)?;
        let (mut row, value) = self.read(id)?.ok_or(ApprovalError::Other)?;
        let same = row.action == bound.action && row.request_hash == bound.hash;
        if row.requested_by != who.agent.as_str() || !same {
            return Err(ApprovalError::Other);
        }
        let now = self.log.civil_now();
        if row.used_at_ms != 0 {
            return Err(ApprovalError::Used);
        }
        if now.as_millis() >= row.expires_at_ms {
            return Err(ApprovalError::Expired);
        }
        if row.approved_by.is_empty() {
            return Err(ApprovalError::Pending);
        }
        let approver = AgentId::parse(&row.approved_by).map_err(|_| ApprovalError::Tampered)?;
        if self.identity.find(&approver).is_none_or(|agent| agent.revoked || agent.stale) {
            return Err(ApprovalError::ApproverGone);
        }
        row.used_at_ms = now.as_millis();
        let key = keys::approval(id);
        let preconditions = vec![Precondition::Unchanged(key.clone(), value)];
        Ok(Usable { approver, spend: Group { preconditions, ops: vec![self.put(&key, &row)] } })
    }

    /// All approvals that are kept, the newest first, each with what it asks for.
    ///
    /// # Errors
    /// Reading rows and events. Blocks.
    pub fn list(&self) -> Result<Vec<Approval>, ApprovalError> {
        let rows = self.rows()?;
        let oldest = rows.iter().map(|(_, row)| row.requested_at_ms).min();
        let mut asked = match oldest {
            Some(oldest) => self.asked_since(Timestamp::from_millis(oldest))?,
            None => Vec::new(),
        };
        let mut all = Vec::with_capacity(rows.len());
        for (_, row) in rows {
            let mut approval = listed(&row).ok_or(ApprovalError::Tampered)?;
            let wanted = note(&approval.id);
            let at = asked.iter().position(|event| event.notes.contains(&wanted));
            approval.asked = at.map(|at| asked.swap_remove(at));
            all.push(approval);
        }
        all.sort_by_key(|one| (std::cmp::Reverse(one.requested_at), one.id));
        Ok(all)
    }

    fn asked_since(&self, since: Timestamp) -> Result<Vec<StoredEvent>, ApprovalError> {
        let kind = Some(ASKED.to_owned());
        let filter = EventFilter { kind, since: Some(since), ..EventFilter::default() };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.log.list(&filter, after, limits::PAGE_MAX)?;
            let open = page.events.into_iter().filter_map(|event| match event.detail {
                EventDetail::Open(event) => Some(*event),
                _ => None,
            });
            found.extend(open);
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    fn rows(&self) -> Result<Vec<(Vec<u8>, ApprovalRow)>, ApprovalError> {
        let (mut rows, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page =
                self.log.store().scan(&keys::approvals(), after.as_deref(), limits::PAGE_MAX)?;
            let Some((last, _)) = page.last() else { return Ok(rows) };
            after = Some(last.clone());
            for (key, value) in page {
                let row = self.checked(&key, &value)?;
                rows.push((key, row));
            }
        }
    }

    fn read(&self, id: &ApprovalId) -> Result<Option<(ApprovalRow, Vec<u8>)>, ApprovalError> {
        let key = keys::approval(id);
        let Some(value) = self.log.store().get(&key)? else { return Ok(None) };
        let row = self.checked(&key, &value)?;
        Ok(Some((row, value)))
    }

    /// The row, if it verifies and is the one that its key names.
    fn checked(&self, key: &[u8], value: &[u8]) -> Result<ApprovalRow, ApprovalError> {
        let bytes = self.log.keyring().check_row(key, value).ok_or(ApprovalError::Tampered)?;
        ApprovalRow::decode(bytes).map_err(|_| ApprovalError::Tampered)
    }

    fn put(&self, key: &[u8], row: &ApprovalRow) -> Op {
        Op::Put(key.to_vec(), self.log.keyring().mac_row(key, &row.encode_to_vec()))
    }
}

/// The note by which the events about an approval name it.
fn note(id: &ApprovalId) -> String {
    format!("approval={id}")
}

fn listed(row: &ApprovalRow) -> Option<Approval> {
    let approved_by = match row.approved_by.as_str() {
        "" => None,
        by => Some(AgentId::parse(by).ok()?),
    };
    Some(Approval {
        id: ApprovalId::from_slice(&row.approval_id).ok()?,
        action: row.action.clone(),
        hash: row.request_hash.as_slice().try_into().ok()?,
        requested_by: AgentId::parse(&row.requested_by).ok()?,
        requested_at: Timestamp::from_millis(row.requested_at_ms),
        expires_at: Timestamp::from_millis(row.expires_at_ms),
        approved_by,
        used: row.used_at_ms != 0,
        asked: None,
    })
}
