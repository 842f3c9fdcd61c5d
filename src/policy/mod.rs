//! Need-to-know: who may do what with which class of which record, and why.
//!
//! A **pack** (`pack.toml`, `*.cedar`, `scenarios.toml`) is loaded whole or refused whole. Its
//! vocabulary becomes a Cedar schema, its policies are validated against that schema in strict
//! mode, and its scenarios must hold. What is loaded never changes: another pack is another value.
//!
//! Invariants:
//! - deny by default, and **every evaluation error is a deny**: Cedar by itself skips a policy that
//!   errors, so that an erroring `forbid` would open what it should close;
//! - only [`engine`] makes a [`Permit`], one per request and record, and nobody can copy it;
//! - no request parses, compiles or validates anything;
//! - nothing here decrypts, stores or logs, and no error carries a value.
//!
//! ```text
//! load       files -> pack, whole or not at all
//! pack/      files -> vocabulary (TOML), cross checks, precise errors
//! schema     vocabulary -> Cedar schema
//! engine/    policies -> slices per action, collection and role; decisions; permits
//! scenarios  the pack's own tests, run at load
//! value/     field types: validation and normal form          mask   what a mask leaves of a value
//! ```

pub mod engine;
pub mod mask;
pub mod pack;
pub mod period;
pub mod permit;
pub mod value;

mod hash;
mod load;
mod scenarios;
mod schema;

#[cfg(test)]
mod tests;

pub use engine::{AGE_UNKNOWN, ActionDecision, LinkFacts, RequestContext, Resource, VAULT_ACTIONS};
pub use mask::{Mask, mask};
pub use pack::{AttributeSpec, CollectionSpec, FieldSpec, Pack, PackError};
pub use period::{Period, PeriodError};
pub use permit::{ClassDecision, Decision, Permit, PolicyRef, Verb, Verdict};
pub use value::{FieldStatus, FieldType, Value, Violation, nir_key};

/// The class that stands for a record's attributes in every collection: `reveal:attributes`.
pub const ATTRIBUTES_CLASS: &str = "attributes";
