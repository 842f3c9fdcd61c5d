//! The demo as data: what `demo.toml` of a pack may say.
//!
//! Names of agents, roles, collections, classes and fields come from the file alone; the program knows
//! only the verbs below. Unknown keys are refused, so that a misspelt expectation is not one that
//! always holds.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, de::Error as _};

/// A whole demo.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// Printed first.
    pub(super) title: String,
    /// Name of the vault and of its node.
    pub(super) vault: String,
    pub(super) node: String,
    /// Where the manual clock starts, local time of `zone`.
    #[serde(deserialize_with = "parsed")]
    pub(super) start: NaiveDateTime,
    #[serde(deserialize_with = "parsed")]
    pub(super) zone: Tz,
    /// Names of the two agents, among `agents`, that found the vault.
    pub(super) key_admin: String,
    pub(super) dpo: String,
    pub(super) agents: Vec<Agent>,
    /// What is filed, in this order.
    pub(super) filings: Vec<Filing>,
    pub(super) steps: Vec<Step>,
}

/// One agent with the habilitation it gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) agent: String,
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) service_account: bool,
    pub(super) role: String,
    pub(super) unit: Option<String>,
    pub(super) territory: Option<String>,
    #[serde(deserialize_with = "parsed")]
    pub(super) valid_from: NaiveDate,
    #[serde(deserialize_with = "parsed")]
    pub(super) valid_to: NaiveDate,
    pub(super) authority: String,
    pub(super) profession: Option<String>,
    #[serde(default)]
    pub(super) sworn: bool,
    #[serde(default, deserialize_with = "parsed_option")]
    pub(super) undertaking_on: Option<NaiveDate>,
    pub(super) undertaking_ref: Option<String>,
}

/// Lines of a sample file that one agent files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filing {
    /// Path in the pack's folder. Its lines are named `<file stem>:<line>`, from 1.
    pub(super) file: String,
    /// What its lines are named after instead of the file's stem.
    pub(super) named: Option<String>,
    pub(super) by: String,
    pub(super) purpose: String,
    /// Only lines with these attributes; empty = all not filed yet.
    #[serde(default)]
    pub(super) only: BTreeMap<String, String>,
}

/// One step: the sentence printed before it, and the call.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Step {
    /// A heading printed before the sentence, where a part of the demo begins.
    pub(super) part: Option<String>,
    pub(super) say: String,
    #[serde(flatten)]
    pub(super) call: Call,
}

/// What a step does, and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub(super) enum Call {
    /// Everybody logs in; one-time secrets are changed.
    LogIn,
    /// Files the sample.
    File,
    /// Assigns a record to an agent or a unit.
    Assign {
        who: String,
        record: String,
        agent: Option<String>,
        unit: Option<String>,
        purpose: String,
        /// The stable reason of the refusal; unset = it must be done.
        refused: Option<String>,
    },
    /// Asks for classes of a record.
    Reveal(Reveal),
    /// Lists events about a record: who saw what under which rule.
    Events {
        who: String,
        record: String,
        /// Agents that must be among those listed.
        must_name: Vec<String>,
    },
    /// Drains, copies the data folder, opens the copy with temporary copies of the places, looks at a
    /// record, and deletes those copies.
    KeepOldCopy { look: Reveal },
    /// Erases a record before its date; `reader` fetches the certificate, which is verified.
    Erase { who: String, reader: String, record: String, purpose: String, justification: String },
    /// Holds a record until a day, with the leave of a second person; alone it is refused.
    Hold {
        #[serde(flatten)]
        step: HoldStep,
        authority: String,
        reason: String,
        until: String,
    },
    /// Reads classes of a held record past its date, with leave; alone it is refused.
    ReadHeld {
        #[serde(flatten)]
        step: HoldStep,
        classes: Vec<String>,
    },
    /// Ends the holds on a record whose date has passed: it is erased.
    Release { who: String, record: String },
    /// Sets the clock this many months ahead at once: everything must be refused.
    JumpAhead { months: u32, who: String },
    /// Sets the clock back to where it was, and confirms it.
    SetBackAndConfirm { who: String },
    /// Advances day by day to this date; each day the vault does its own work. `due_from` is the
    /// first day on which something must go.
    Advance {
        #[serde(deserialize_with = "parsed")]
        until: NaiveDate,
        #[serde(deserialize_with = "parsed")]
        due_from: NaiveDate,
    },
    /// Fetches the newest certificate and verifies it.
    Certificate { who: String },
    /// Drains, opens the old data with fresh copies of the present places by the normal start.
    OpenOldCopy { look: Vec<Reveal> },
    /// Reads the old data as raw files with every key that can still be derived. `gone` and `live` are
    /// records that must not, and must, have a key left.
    OpenOldFiles { gone: Vec<String>, live: Vec<String> },
    /// Reads the vault's status.
    Status { who: String },
}

/// Who acts on which held record, why, and who gives leave.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct HoldStep {
    pub(super) who: String,
    pub(super) second: String,
    pub(super) record: String,
    pub(super) purpose: String,
    pub(super) justification: String,
}

/// A reveal and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reveal {
    pub(super) who: String,
    pub(super) record: String,
    pub(super) purpose: String,
    pub(super) classes: Vec<String>,
    pub(super) expect: Expect,
}

/// What must come of a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Expect {
    /// Answered: each class with the status its fields must have. A field without a value may be
    /// `ABSENT` where `VALUE` or `MASKED` is expected; at least one must not be.
    Fields(BTreeMap<String, String>),
    /// Refused with this stable reason.
    Refused(String),
}

/// A value written as text.
fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// The same where it may be missing.
fn parsed_option<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    parsed(deserializer).map(Some)
}
