//! Why no sample was made: what is wrong, and where. A sample's words come from the pack and its
//! values are invented, so a message may quote the description.

use std::io;

use crate::limits::SAMPLE_CASES_MAX;

/// The file that describes a pack's sample.
pub(super) const FILE: &str = "sample.toml";

/// Why a run ended without its sample.
#[derive(Debug, thiserror::Error)]
pub(super) enum SampleError {
    /// The description does not hold together.
    #[error("{FILE}:{line}: {reason}")]
    Description {
        /// From 1.
        line: usize,
        reason: String,
    },
    /// One entry cannot be made for one record.
    #[error("{FILE}:{line}: `{entry}` of record {number} of `{collection}`: {reason}")]
    Entry { line: usize, collection: String, number: u64, entry: String, reason: String },
    /// The pack would refuse the record: its words and the description differ.
    #[error("{FILE}:{line}: the pack refuses record {number} of `{collection}`: {reason}")]
    Record { line: usize, collection: String, number: u64, reason: String },
    /// The description has no such collection.
    #[error("{FILE} describes no collection `{0}`; it describes {1}")]
    NoCollection(String, String),
    /// The output cannot be written.
    #[error("writing the sample failed")]
    Write(#[source] io::Error),
}

impl SampleError {
    /// What to do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Description { .. } | Self::Entry { .. } => {
                "correct this line; the sample.toml of the shipped pack shows how one is written"
            }
            Self::Record { .. } => "make sample.toml agree with pack.toml",
            Self::NoCollection(..) => "name one of these, or leave --collection out",
            Self::Write(_) => "check the disk",
        }
    }
}

/// More or fewer cases than one run makes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run makes 1 to {SAMPLE_CASES_MAX} cases")]
pub(super) struct CasesError;

/// Reads the number of cases, within its bound.
pub(super) fn cases(text: &str) -> Result<u64, CasesError> {
    let cases = text.parse().map_err(|_| CasesError)?;
    if (1..=SAMPLE_CASES_MAX).contains(&cases) { Ok(cases) } else { Err(CasesError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_taken_up_to_the_bound_and_not_above_it() {
        assert_eq!(cases("1"), Ok(1));
        assert_eq!(cases(&SAMPLE_CASES_MAX.to_string()), Ok(SAMPLE_CASES_MAX));
        for text in ["0", "-1", "", "many", &(SAMPLE_CASES_MAX + 1).to_string()] {
            assert_eq!(cases(text), Err(CasesError), "{text}");
        }
    }
}
