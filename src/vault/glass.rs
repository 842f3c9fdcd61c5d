//! Broken glass: a reveal beyond the case in hand, where the pack allows that, with a reason and a text.
//!
//! The request that breaks it states both. Its event, an alarm and a review are one commit, and only then is
//! anything shown. For the pack's minutes the same agent, in the same role, then reveals that record as
//! one whose glass is broken; what he may see is the policies' business still.
//! Invariants: what is broken lives in memory alone, so that a restart makes it whole; it is whole from its
//! end on, by the vault's clock and by the latest time that the log knows; where the glass gives no more
//! than the policies give without it, it is not broken.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, MutexGuard as TurnGuard};

use super::{Intent, VaultError, head::Loaded, reveal};
use crate::{
    audit::{
        ALARM_BREAK_GLASS, ALARM_BREAK_GLASS_REFUSED, AuditLog, EventDraft, Receipt, SealedEvent,
    },
    clock::Timestamp,
    identity::{AgentKind, BROKEN, Caller, ReviewError, Reviews, review_note},
    ids::{AgentId, ClassName, RecordId, ReviewId, RoleName},
    limits,
    policy::{BreakGlassRule, Decision, Pack, RequestContext, Verdict, Violation},
    storage::Group,
};

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What a request states that breaks the glass. No `Debug`: the text is free.
pub struct BreakGlass {
    /// One of the pack's reasons for the caller's role.
    pub code: String,
    /// Why, in the agent's words: kept, sealed, with the event; write no name and no value of a field.
    pub text: String,
}

/// The review that broken glass has, and until when it stays broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The review.
    pub review: ReviewId,
    /// From then on the glass is whole.
    pub ends_at: Timestamp,
}

/// How the glass stands for one request.
pub(super) enum Glass<'p> {
    /// Whole: nobody broke it, or it gives no more than the policies do without.
    Whole,
    /// Broken by an earlier request.
    Broken(Broken),
    /// This request breaks it, under this entry of the pack.
    Breaks(&'p BreakGlassRule),
}

/// One record of which one agent broke the glass.
struct Grant {
    agent: AgentId,
    role: RoleName,
    record: RecordId,
    since: Timestamp,
    broken: Broken,
}

/// All broken glass of this run.
pub(crate) struct Glasses {
    log: Arc<AuditLog>,
    reviews: Reviews,
    grants: Mutex<Vec<Grant>>,
    /// One breaking at a time: of two requests alike one opens a review, and the bounds hold.
    turn: Turn<()>,
}

/// One question: who, why and what is asked of which record.
pub(super) struct Asked<'a> {
    pub(super) pack: &'a Pack,
    pub(super) who: &'a Caller,
    pub(super) why: &'a Intent,
    pub(super) record: RecordId,
    pub(super) classes: &'a [ClassName],
    pub(super) approved: bool,
}

impl Glasses {
    pub(crate) fn new(log: Arc<AuditLog>, reviews: Reviews) -> Self {
        Self { log, reviews, grants: Mutex::default(), turn: Turn::default() }
    }

    /// What can be refused before any record is looked at, and is the same whatever record is asked for;
    /// then waits for its turn. Notes reason and text in the event.
    ///
    /// Errors: [`VaultError::Denied`] where the pack lets this caller break no glass anywhere,
    /// [`VaultError::Invalid`], [`ReviewError::Full`].
    pub(super) async fn begin(
        &self,
        asked: &Asked<'_>,
        stated: &BreakGlass,
        event: &mut EventDraft,
    ) -> Result<TurnGuard<'_, ()>, VaultError> {
        let Asked { pack, who, why, classes, .. } = asked;
        event.action = BROKEN;
        let mut rules = pack.break_glass_of(&who.habilitation.role).peekable();
        if rules.peek().is_none() || who.kind != AgentKind::Person {
            let classes = classes.to_vec();
            return Err(VaultError::Denied { classes, policies: Vec::new() });
        }
        let mut violations = Vec::new();
        let mut refuse = |path: &str, reason: String| {
            violations.push(Violation { path: format!("break_glass.{path}"), reason });
        };
        let is_known = rules.any(|rule| rule.has_code(&stated.code));
        if !is_known {
            refuse("code", "is not a reason that the pack gives to your role".to_owned());
        }
        let limit = limits::JUSTIFICATION_BYTES_MAX;
        if stated.text.trim().is_empty() || stated.text.len() > limit {
            refuse("text", format!("says why, in 1 to {limit} bytes"));
        }
        if why.justification.is_some() {
            refuse("text", "is the justification: give none in the intent as well".to_owned());
        }
        if asked.approved {
            refuse("code", "is of no use with an approval: send one or the other".to_owned());
        }
        if !violations.is_empty() {
            return Err(VaultError::Invalid(violations));
        }
        event.justification = Some(stated.text.clone());
        event.notes.push(format!("code={}", stated.code));
        let turn = self.turn.lock().await;
        if self.standing(who, asked.record).is_none() {
            self.reviews.room_for(who)?;
        }
        Ok(turn)
    }

    /// Decides a reveal, with the glass as it stands for this request.
    ///
    /// Where the glass shall be broken it is decided twice, once without: an absent record costs the same.
    pub(super) fn decide<'p>(
        &self,
        asked: &Asked<'p>,
        (plain, stated): (&RequestContext<'_>, Option<&BreakGlass>),
        record: Option<&Loaded>,
    ) -> (Decision, Glass<'p>) {
        let Asked { pack, who, .. } = *asked;
        let standing = self.standing(who, asked.record);
        let decide = |broken| {
            let context = context(plain, broken, stated.is_some());
            reveal::decide(pack, who, &context, asked.classes, record)
        };
        let first = decide(standing.is_some());
        let (Some(stated), None) = (stated, standing) else {
            return (first, standing.map_or(Glass::Whole, Glass::Broken));
        };
        let behind = decide(true);
        let rule = record.and_then(|record| {
            let rule = pack.break_glass(&who.habilitation.role, &record.head.collection);
            rule.filter(|rule| rule.has_code(&stated.code))
        });
        match rule {
            Some(rule) if gives_more(&behind, &first) => (behind, Glass::Breaks(rule)),
            _ => (first, Glass::Whole),
        }
    }

    /// Broken glass of this agent on this record that is not whole again.
    fn standing(&self, who: &Caller, record: RecordId) -> Option<Broken> {
        let (now, civil) = (self.log.clock().now(), self.log.civil_now());
        let mut grants = self.grants.lock();
        // Neither a clock that was set back, before it was broken, nor one that lags behind the log keeps
        // anything broken. What is whole again stays so, whatever the clock does next.
        grants.retain(|grant| {
            grant.since <= now && now < grant.broken.ends_at && civil < grant.broken.ends_at
        });
        let own = |grant: &&Grant| {
            grant.agent == who.agent
                && grant.role == who.habilitation.role
                && grant.record == record
        };
        grants.iter().find(own).map(|grant| grant.broken)
    }

    /// Notes in the event, before it is sealed, how the glass stands; the id of the review to be opened.
    pub(super) fn note(&self, glass: &Glass<'_>, event: &mut EventDraft) -> Option<ReviewId> {
        match glass {
            Glass::Whole => {
                event.action = reveal::KIND;
                None
            }
            Glass::Broken(Broken { review, .. }) => {
                event.action = reveal::KIND;
                event.notes.push(review_note(review));
                None
            }
            Glass::Breaks(rule) => {
                let review = self.reviews.make_id();
                event.notes.push(review_note(&review));
                event.notes.push(format!("minutes={}", rule.minutes));
                Some(review)
            }
        }
    }

    /// Breaks the glass. 1. The event, the alarm and the review become durable, in one commit: a crash
    /// before it leaves nothing, one after it leaves all three and nothing shown. 2. It is remembered as
    /// broken, until its end or the end of this run.
    pub(super) async fn break_it(
        &self,
        asked: &Asked<'_>,
        (rule, review, with): (&BreakGlassRule, ReviewId, Group),
        event: SealedEvent,
    ) -> Result<(Receipt, Broken), VaultError> {
        let since = event.time();
        let ends_at = since.plus_millis(i64::from(rule.minutes) * MINUTE_MS);
        let due_at = since.plus_millis(i64::from(rule.review_hours) * HOUR_MS);
        let mut rows = self.reviews.opening(asked.who, review, &event, (ends_at, due_at))?;
        rows.preconditions.extend(with.preconditions);
        rows.ops.extend(with.ops);
        let alarm = (ALARM_BREAK_GLASS, review_note(&review));
        let receipt = self.log.commit_with_alarm(rows, event, (alarm.0, &alarm.1)).await?;
        let broken = Broken { review, ends_at };
        let mut grants = self.grants.lock();
        if grants.len() < limits::BROKEN_AT_ONCE_MAX {
            grants.push(Grant {
                agent: asked.who.agent.clone(),
                role: asked.who.habilitation.role.clone(),
                record: asked.record,
                since,
                broken,
            });
        }
        Ok((receipt, broken))
    }

    /// A breaking was refused: one alarm for all of them until somebody has taken note of it.
    pub(super) fn refused(&self, error: &VaultError) {
        let bounded = matches!(error, VaultError::Review(ReviewError::Full { .. }));
        if bounded || matches!(error, VaultError::NotAvailable | VaultError::Denied { .. }) {
            self.log.raise_alarm(ALARM_BREAK_GLASS_REFUSED, "see the events of kind break-glass");
        }
    }
}

/// The same context with the glass as it stands.
fn context<'a>(plain: &RequestContext<'a>, broken: bool, stated: bool) -> RequestContext<'a> {
    RequestContext {
        break_glass: broken,
        // The text of the breaking is one, and stands as long as the glass is broken.
        justification: plain.justification || stated || broken,
        ..*plain
    }
}

/// Whether some class is shown more of.
fn gives_more(behind: &Decision, before: &Decision) -> bool {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Deny => 0,
        Verdict::Mask => 1,
        Verdict::Allow => 2,
    };
    let mut both = behind.classes.iter().zip(&before.classes);
    both.any(|(behind, before)| rank(behind.verdict) > rank(before.verdict))
}
