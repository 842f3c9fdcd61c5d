//! Plain types of the client: what a program gives and gets. All that is printed can be serialised.
//!
//! Whatever may hold a person's data has no `Debug`.

mod audit;
mod backup;
mod describe;
mod file;
mod import;
mod people;
mod records;
mod retention;
mod reviews;
mod search;
mod second;
mod vault;

pub use audit::*;
pub use backup::*;
pub use describe::*;
pub use file::*;
pub use import::*;
pub use people::*;
pub use records::*;
pub use retention::*;
pub use reviews::*;
pub use search::*;
pub use second::*;
pub use vault::*;

use serde::Serializer;

/// Writes an id as its hexadecimal text.
fn text<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

/// The same for one that may be missing.
fn optional_text<T: ToString, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_str(&value.to_string()),
        None => serializer.serialize_none(),
    }
}

/// The same for several.
fn texts<T: ToString, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}
