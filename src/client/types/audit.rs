//! Types of `Audit`.

use serde::Serialize;

use super::{RecordIds, optional_text};
use crate::ids::{RecordId, SubjectId};

/// Which events to list; all that are set must hold.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this agent.
    pub agent: Option<String>,
    /// About this record.
    pub record: Option<RecordId>,
    /// About this subject.
    pub subject: Option<SubjectId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Not before, in milliseconds.
    pub since_ms: Option<i64>,
    /// Before, in milliseconds.
    pub until_ms: Option<i64>,
}

/// Origin number and leaf index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Origin.
    pub k: u32,
    /// Leaf.
    pub n: u64,
}

/// A page of events.
#[derive(Clone, Serialize)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<Event>,
    /// Where the next page starts.
    pub next: Option<Position>,
    /// From which date filters are complete.
    pub complete_from: Option<String>,
}

/// One event.
#[derive(Clone, Serialize)]
pub struct Event {
    /// Where it stands in the log.
    pub position: Position,
    /// RFC 3339.
    pub time: String,
    /// Its kind.
    pub kind: String,
    /// The permanent leaf.
    pub leaf: String,
    /// What is left of it.
    pub detail: Detail,
}

/// What is left of an event.
#[derive(Clone, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Detail {
    /// All of it.
    Open(Box<EventDetail>),
    /// The leaf alone.
    Expired,
    /// A generation of the keyring.
    Generation {
        /// Its number.
        generation: u64,
        /// SHA-256 of the keyring's file, hexadecimal.
        keyring_hash: String,
    },
    /// The log begins anew after an older one was cut: leaves `[kept, lost_to)` of that are lost.
    Origin {
        /// Number of the closed origin.
        closed: u32,
        /// Leaves of it that are still there.
        kept: u64,
        /// Leaves it is known to have had.
        lost_to: u64,
        /// The signed note that says so.
        checkpoint: String,
    },
}

/// Who did what, why, and under which rule. No `Debug`: a justification is free text.
#[derive(Clone, Serialize)]
pub struct EventDetail {
    /// The agent.
    pub agent: String,
    /// His role then.
    pub role: String,
    /// His unit then.
    pub unit: String,
    /// The service account he came through.
    pub service: String,
    /// The purpose stated.
    pub purpose: String,
    /// The action.
    pub action: String,
    /// The collection.
    pub collection: String,
    /// The records.
    pub records: RecordIds,
    /// The person.
    #[serde(serialize_with = "optional_text")]
    pub subject: Option<SubjectId>,
    /// What was asked.
    pub asked: Vec<String>,
    /// What was given.
    pub given: Vec<Given>,
    /// `allow`, `deny` or `partial`.
    pub decision: String,
    /// Deciding policies: id and legal basis.
    pub policies: Vec<(String, String)>,
    /// SHA-256 of the pack, hexadecimal.
    pub pack_hash: String,
    /// Why.
    pub justification: String,
    /// The stable reason of the answer.
    pub outcome: String,
    /// `key=value`.
    pub notes: Vec<String>,
}

/// One field given.
#[derive(Debug, Clone, Serialize)]
pub struct Given {
    /// Of this record, when the event names several.
    #[serde(serialize_with = "optional_text")]
    pub record: Option<RecordId>,
    /// The class.
    pub class: String,
    /// The field.
    pub field: String,
    /// The mask; empty = the whole value.
    pub mask: String,
}
