//! The words of a question: who asks, about which record, when and why; and the vault's own actions.
//!
//! Plain data from the callers' side, without a word of Cedar. It must not know how it is decided.

use chrono::NaiveDate;

use crate::{
    clock::Timestamp,
    ids::{
        AgentId, CollectionName, FieldName, PurposeName, RecordId, RoleName, TerritoryName,
        UnitName,
    },
    policy::{permit::PolicyRef, value::Value},
};

/// The actions on the vault itself, a closed list: a pack grants them and can add none.
pub const VAULT_ACTIONS: &[&str] = &[
    "audit:list",
    "audit:checkpoint",
    "audit:export",
    "purge:preview",
    "purge:run",
    "certificate:get",
    "agent:create",
    "agent:revoke",
    "agent:list",
    "status:read",
    "clock:confirm",
    "key:rotate",
    "hold:list",
    "hold:release",
    "approval:request",
    "approval:give",
    "approval:list",
    "backup:take",
    "alarm:list",
    "alarm:ack",
];

/// What the policies may know of a record: its head, nothing else.
pub struct Resource<'a> {
    /// The record decided about.
    pub record: RecordId,
    /// Its collection.
    pub collection: &'a CollectionName,
    /// Its territory, if it has one.
    pub territory: Option<&'a TerritoryName>,
    /// Its attributes, normalised.
    pub attributes: &'a [(FieldName, Value)],
    /// Agents it is assigned to; assignments that have run out are left out.
    pub assigned_agents: &'a [AgentId],
    /// Units whose queue it is in; assignments that have run out are left out.
    pub assigned_units: &'a [UnitName],
    /// Its processing is restricted.
    pub restricted: bool,
    /// A hold keeps it.
    pub held: bool,
    /// Who created it, where its head says so.
    pub filed_by: Option<&'a AgentId>,
    /// Whole hours since it was created; [`AGE_UNKNOWN`] where its head does not say.
    pub age_hours: u32,
}

/// The age of a record whose head does not say when it was created: older than any rule counts.
pub const AGE_UNKNOWN: u32 = u32::MAX;

/// The one link that a request names, once the vault has opened and verified it and found that the
/// record in question is one of its ends.
pub struct LinkFacts<'a> {
    /// The collection of links that it is of.
    pub collection: &'a CollectionName,
    /// Its territory, if it has one.
    pub territory: Option<&'a TerritoryName>,
    /// Its attributes, normalised.
    pub attributes: &'a [(FieldName, Value)],
    /// Its other end is assigned to the caller himself.
    pub other_assigned_to_me: bool,
    /// Its other end is in the queue of the caller's unit.
    pub other_in_my_unit: bool,
}

/// What the policies may know of the request.
pub struct RequestContext<'a> {
    /// The purpose stated.
    pub purpose: &'a PurposeName,
    /// When; policies see it as local date, minutes and weekday of the caller's territory.
    pub now: Timestamp,
    /// A justification was given. Its text is for the audit event alone.
    pub justification: bool,
    /// Distinct subjects, other than this record's, revealed to this caller within the last hour.
    pub recent_subjects: u32,
    /// This request broke the glass, and the pack allows that.
    pub break_glass: bool,
    /// The link it names.
    pub link: Option<&'a LinkFacts<'a>>,
    /// Another person has approved exactly this request.
    pub approved: bool,
    /// For [`Verb::Assign`](crate::policy::Verb::Assign): the agent the record goes to, or is taken from.
    pub assignee_agent: Option<&'a AgentId>,
    /// For [`Verb::Assign`](crate::policy::Verb::Assign): the unit the record goes to, or is taken from.
    pub assignee_unit: Option<&'a UnitName>,
}

/// The answer about an action on the vault itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionDecision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The deciding policies, sorted by id.
    pub policies: Vec<PolicyRef>,
}

/// The habilitation of a caller as the policies see it.
#[derive(Clone)]
pub(in crate::policy) struct Principal<'a> {
    pub(in crate::policy) agent: &'a AgentId,
    pub(in crate::policy) role: &'a RoleName,
    pub(in crate::policy) unit: Option<&'a UnitName>,
    pub(in crate::policy) territory: Option<&'a TerritoryName>,
    pub(in crate::policy) profession: Option<&'a str>,
    pub(in crate::policy) service: bool,
    pub(in crate::policy) sworn: bool,
    pub(in crate::policy) undertaking: bool,
    pub(in crate::policy) valid_today: bool,
}

/// An instant as policies see it: local to the caller's territory.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Moment {
    pub(in crate::policy) today: NaiveDate,
    /// Since midnight.
    pub(in crate::policy) minutes: u32,
    /// 1 = Monday to 7 = Sunday.
    pub(in crate::policy) weekday: u32,
}
