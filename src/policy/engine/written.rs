//! A policy as it was written, and how the JSON that Cedar makes of one is read.
//!
//! It must not judge: what is missing is `null`, and whoever reads decides what that means.

use cedar_policy::Policy;
use serde_json::Value as Json;

/// A parsed policy and where it stands.
pub(super) struct Written {
    pub(super) policy: Policy,
    pub(super) file: String,
    pub(super) line: usize,
}

/// The request's purpose, as conditions name it.
pub(super) fn is_purpose(side: &Json) -> bool {
    at(side, &[".", "left", "Var"]) == "context" && at(side, &[".", "attr"]) == "purpose"
}

/// What stands at the end of a path of keys; `null` where there is nothing.
pub(super) fn at<'j>(json: &'j Json, path: &[&str]) -> &'j Json {
    path.iter().fold(json, |at, key| at.get(key).unwrap_or(&Json::Null))
}
